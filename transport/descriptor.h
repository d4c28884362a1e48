// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptor: owns a file descriptor; Poller: which of many are ready.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

namespace sallyport::transport {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  void reset() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// An eventfd. Throws std::runtime_error when the process has no descriptors left.
[[nodiscard]] Descriptor make_event_descriptor();
void ring_bell(int descriptor);
void silence_bell(int descriptor);

/// An epoll set of our own. Asio waits on its one descriptor: a connection then costs no reactor state, and a
/// message no system call to be awaited. Level-triggered: what a turn leaves is seen in the next.
class Poller {
 public:
  /// Throws std::runtime_error.
  Poller();

  /// False when the kernel refuses. `token` comes back with each event.
  [[nodiscard]] bool add(int descriptor, std::uint64_t token, std::uint32_t events = EPOLLIN);
  void change(int descriptor, std::uint64_t token, std::uint32_t events);
  void remove(int descriptor);
  /// What is ready, after at most `timeout_ms` (-1: for ever). Valid until the next call.
  [[nodiscard]] std::span<const epoll_event> wait(int timeout_ms);
  [[nodiscard]] int descriptor() const { return set_.get(); }

 private:
  Descriptor set_;
  std::array<epoll_event, 256> events_{};
};

}  // namespace sallyport::transport
