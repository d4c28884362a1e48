// SPDX-License-Identifier: GPL-3.0-or-later
// A full screen that fits any size and gives the terminal back as it was.
#include "sallyctl/top.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include <boost/json/array.hpp>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

volatile std::sig_atomic_t interrupted = 0;
void interrupt(int) {
  interrupted = 1;
}

/// Raw keys and the alternate screen, until destroyed.
class Screen {
 public:
  Screen() {
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, interrupt);
    put("\x1b[?1049h\x1b[?25l");
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() {
    put("\x1b[?25h\x1b[?1049l");
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  [[nodiscard]] static winsize size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
      return {24, 80, 0, 0};
    return size;
  }

  static void draw(const std::vector<std::string>& lines) {
    const winsize size = Screen::size();
    std::string text = "\x1b[H";
    const std::size_t rows = std::min<std::size_t>(lines.size(), size.ws_row);
    for (std::size_t i = 0; i < rows; ++i)
      text += lines[i].substr(0, size.ws_col) + "\x1b[K" + (i + 1 < size.ws_row ? "\r\n" : "");
    put(text + (rows < size.ws_row ? "\x1b[J" : ""));
  }

 private:
  static void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  termios before_{};
};

void append_table(std::vector<std::string>& lines, const json::object& result, std::string_view key,
                  Table (*table)(const json::array&)) {
  const auto* rows = result.if_contains(key);
  if (rows == nullptr || !rows->is_array()) return;
  for (std::string& line : table(rows->get_array()).lines()) lines.push_back(std::move(line));
}

double number_in(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}

/// Calls that began since the picture before, a second.
std::string call_rate(const json::object& before, const json::object& now) {
  const double seconds = number_in(now, "uptime_s") - number_in(before, "uptime_s");
  if (before.empty() || seconds <= 0) return "-";
  return plain((number_in(now, "calls_begun") - number_in(before, "calls_begun")) / seconds);
}

/// `last` holds what the picture before knew, and then what this one knows.
std::vector<std::string> picture(Client& client, std::size_t rows, json::object& last) {
  const json::object before = std::exchange(last, client.call("status"));
  const json::object& status = last;
  std::vector<std::string> lines;
  lines.push_back("sallyport " + member(status, "version") + "   up " + member(status, "uptime_s") +
                  " s   relays " + member(status, "relays") + "   engine " + member(status, "engine") +
                  "   (q ends)");
  if (status.contains("calls"))
    lines.push_back("calls " + member(status, "calls") + "   " + call_rate(before, status) +
                    " calls/s   registrations " + member(status, "registrations") + "   answered " +
                    member(status, "calls_answered") + "   failed " + member(status, "calls_failed") +
                    "   refused " + member(status, "calls_refused"));
  lines.emplace_back();
  append_table(lines, client.call("worker.list"), "workers", worker_table);
  lines.emplace_back();
  if (status.contains("calls")) {
    append_table(lines, client.call("call.list", {{"count", std::clamp<std::size_t>(rows / 3, 1, 1000)}}),
                 "calls", call_table);
    lines.emplace_back();
  }
  // Two lines a relay: no more are asked for than the screen holds.
  const std::size_t count = std::clamp<std::size_t>(rows / 2 + 1, 1, 1000);
  append_table(lines, client.call("relay.list", {{"count", count}}), "relays", relay_table);
  return lines;
}

bool quit_within(int interval_ms) {
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  if (poll(&keys, 1, interval_ms) <= 0) return interrupted != 0;
  char key = 0;
  return read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q' || key == 3;
}

}  // namespace

void run_top(Client& client, int interval_ms, bool once) {
  json::object last;
  if (once || isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    for (const std::string& line : picture(client, 2000, last)) std::printf("%s\n", line.c_str());
    return;
  }
  const Screen screen;
  do {
    Screen::draw(picture(client, Screen::size().ws_row, last));
  } while (interrupted == 0 && !quit_within(interval_ms));
}

}  // namespace sallyport::sallyctl
