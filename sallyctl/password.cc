// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a line octet by octet, so that no buffer of the library keeps it.
#include "sallyctl/password.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <span>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "sallyctl/client.h"

namespace sallyport::sallyctl {

namespace {

using Password = Secret<256>;

constexpr std::uint8_t kInterrupt = 3;  ///< Ctrl-C, while the terminal makes no signal of it

Password read_line(int descriptor) {
  std::array<std::uint8_t, 256> octets{};
  std::size_t length = 0;
  for (;;) {
    std::uint8_t octet = 0;
    const ssize_t count = read(descriptor, &octet, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || octet == '\n') break;
    if (octet == kInterrupt) throw Failure{ExitCode::failed, "interrupted"};
    if (length == octets.size()) throw Failure{ExitCode::usage, "a password has at most 256 octets"};
    octets[length++] = octet;
  }
  if (length > 0 && octets[length - 1] == '\r') --length;
  Password password(std::span<const std::uint8_t>(octets).first(length));
  wipe(octets.data(), octets.size());
  if (password.empty()) throw Failure{ExitCode::usage, "the password is empty"};
  return password;
}

/// The terminal does not show what is typed while this lives. An interrupt is an octet then, so that no
/// signal leaves the terminal silent.
class Silence {
 public:
  Silence() {
    tcgetattr(STDIN_FILENO, &before_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }

 private:
  termios before_{};
};

Password ask(const char* question) {
  std::fputs(question, stderr);
  Password password = read_line(STDIN_FILENO);
  std::fputs("\n", stderr);
  return password;
}

}  // namespace

Password read_password(const std::string& file) {
  if (file == "-" || (file.empty() && isatty(STDIN_FILENO) == 0)) return read_line(STDIN_FILENO);
  if (file.empty()) {
    const Silence silence;
    Password first = ask("Password: ");
    if (!std::ranges::equal(first.view(), ask("Once more: ").view()))
      throw Failure{ExitCode::usage, "these are two different passwords"};
    return first;
  }
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Failure{ExitCode::usage, "cannot read the password file"};
  struct Close {
    int descriptor;
    ~Close() { close(descriptor); }
  } const closing{descriptor};
  return read_line(descriptor);
}

}  // namespace sallyport::sallyctl
