// SPDX-License-Identifier: GPL-3.0-or-later
// How long does a daemon take to add 50 000 keyed relays through its socket, what do they weigh, and does
// dropping them give everything back?
//
// Starts the sallyportd of the same build tree on ring devices, in a folder of its own. Requests follow each
// other without waiting, at most kWindow unanswered.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/figures.h"

namespace sallyport::bench {
namespace {

constexpr std::size_t kRelays = 50'000;
constexpr std::size_t kWindow = 256;
constexpr std::size_t kRuns = 3;
constexpr auto kStartLimit = std::chrono::seconds(30);

namespace fs = std::filesystem;

fs::path sibling(const char* relative) {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / relative;
}

std::string configuration(const fs::path& folder) {
  const std::string socket = (folder / "admin.sock").string();
  return "[daemon]\nadmin_socket = \"" + socket +
         "\"\nuser = \"root\"\n[log]\nlevel = \"warning\"\n[limits]\nrelays = 50000\n"
         "[media]\nworkers = [0]\nhuge_pages = \"off\"\nmemory_mb = 128\n"
         "[media.side.access]\nattach = \"vdev\"\ndevice = \"net_ring0\"\nnext_hop = \"02:00:00:00:00:aa\"\n"
         "addresses = [\"192.0.2.1\", \"192.0.2.2\"]\nports = \"1024-65535\"\n"
         "[media.side.core]\nattach = \"vdev\"\ndevice = \"net_ring1\"\nnext_hop = \"02:00:00:00:00:cc\"\n"
         "addresses = [\"198.51.100.1\", \"198.51.100.2\"]\nports = \"1024-65535\"\n";
}

/// base64 of 30 octets that differ with `number`.
std::string key(std::size_t number) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text(40, 'A');
  for (std::size_t i = 0; i < 12; ++i, number /= 64) text[i] = kDigits[number % 64];
  return text;
}

std::string leg(const char* side, const char* remote, std::size_t port, std::size_t first_key) {
  return std::string("{\"side\":\"") + side + "\",\"remote\":\"" + remote + ":" + std::to_string(port) +
         "\",\"suite\":\"AES_CM_128_HMAC_SHA1_80\",\"send_key\":\"" + key(first_key) +
         "\",\"receive_key\":\"" + key(first_key + 1) + "\"}";
}

std::string add_request(std::size_t number) {
  const std::size_t port = 2000 + 2 * (number % 30'000);
  return "{\"v\":1,\"id\":" + std::to_string(number) +
         ",\"method\":\"relay.add\",\"params\":{\"a\":" + leg("access", "192.0.2.99", port, 4 * number + 1) +
         ",\"b\":" + leg("core", "198.51.100.99", port, 4 * number + 3) + "}}\n";
}

class Daemon {
 public:
  Daemon() {
    char name[] = "/tmp/sallyport-bench-XXXXXX";
    if (mkdtemp(name) == nullptr) throw std::runtime_error("no folder in /tmp");
    folder_ = name;
    std::ofstream(folder_ / "sallyport.toml") << configuration(folder_);
    const std::string program = sibling("control/sallyportd").string();
    const std::string config = (folder_ / "sallyport.toml").string();
    process_ = fork();
    if (process_ == 0) {
      execl(program.c_str(), program.c_str(), "--config", config.c_str(), nullptr);
      _exit(127);
    }
    connect_socket();
  }
  ~Daemon() {
    close(socket_);
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    fs::remove_all(folder_);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void send(const std::string& line) const {
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the daemon closed the socket");
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  [[nodiscard]] std::string receive_line() {
    std::size_t end;
    while ((end = received_.find('\n', read_)) == std::string::npos) {
      received_.erase(0, read_);
      read_ = 0;
      std::array<char, 65536> buffer;
      const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
      if (got <= 0) throw std::runtime_error("the daemon closed the socket");
      received_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    const std::string line = received_.substr(read_, end - read_);
    read_ = end + 1;
    return line;
  }
  void expect_result(const std::string& line) const {
    if (line.find("\"result\"") == std::string::npos) throw std::runtime_error("the daemon answered " + line);
  }
  /// Octets of memory that the process holds.
  [[nodiscard]] double resident_bytes() const {
    std::ifstream status("/proc/" + std::to_string(process_) + "/statm");
    double total = 0;
    double resident = 0;
    status >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
  }

 private:
  void connect_socket() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ / "admin.sock").string().copy(address.sun_path, sizeof address.sun_path - 1);
    const auto limit = std::chrono::steady_clock::now() + kStartLimit;
    while (std::chrono::steady_clock::now() < limit && waitpid(process_, nullptr, WNOHANG) == 0) {
      socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      close(socket_);
      sched_yield();
    }
    throw std::runtime_error("the daemon did not start");
  }

  fs::path folder_;
  pid_t process_ = 0;
  int socket_ = -1;
  std::string received_;
  std::size_t read_ = 0;
};

/// Seconds from the first request to the last answer.
double add_all(Daemon& daemon) {
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < kRelays; ++i) requests.push_back(add_request(i));
  const auto begin = std::chrono::steady_clock::now();
  std::size_t sent = 0;
  for (std::size_t answered = 0; answered < kRelays; ++answered) {
    while (sent < kRelays && sent < answered + kWindow) daemon.send(requests[sent++]);
    daemon.expect_result(daemon.receive_line());
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void drop_all(Daemon& daemon) {
  daemon.send("{\"v\":1,\"id\":1,\"method\":\"relay.drop\",\"params\":{\"all\":true}}\n");
  const std::string answer = daemon.receive_line();
  if (answer.find("\"dropped\":50000") == std::string::npos)
    throw std::runtime_error("not all dropped: " + answer);
}

constexpr const char* kSeconds = "relay_add/50000/seconds";
constexpr const char* kBytes = "memory/relay_resident_bytes";
constexpr const char* kGrowth = "memory/relay_resident_growth_bytes";

/// Adds and drops several times in one daemon: what the first round took, later ones find again.
void measure(Figures& figures) {
  Daemon daemon;
  std::vector<double> seconds;
  std::vector<double> bytes;
  const double before = daemon.resident_bytes();
  double after_first = 0;
  for (std::size_t run = 0; run < kRuns; ++run) {
    seconds.push_back(add_all(daemon));
    if (run == 0) after_first = daemon.resident_bytes();
    bytes.push_back((daemon.resident_bytes() - before) / kRelays);
    drop_all(daemon);
  }
  if (figures.wanted(kSeconds)) figures.add(kSeconds, seconds, "s");
  if (figures.wanted(kBytes)) figures.add(kBytes, {bytes.front()}, "bytes");
  const double growth = (daemon.resident_bytes() - after_first) / kRelays / (kRuns - 1);
  if (figures.wanted(kGrowth)) figures.add(kGrowth, {growth}, "bytes");
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  Figures figures(argc, argv);
  if (!figures.requested()) {
    std::fprintf(stderr, "usage: %s --figures FILE [--only PREFIX]\n", argv[0]);
    return 2;
  }
  try {
    if (figures.wanted(kSeconds) || figures.wanted(kBytes) || figures.wanted(kGrowth)) measure(figures);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
  return figures.write() ? 0 : 1;
}
