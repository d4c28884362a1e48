// SPDX-License-Identifier: GPL-3.0-or-later
// Poller: which of many descriptors are ready.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <sys/epoll.h>

#include "base/descriptor.h"

namespace sallyport::transport {

using sallyport::Descriptor;
using sallyport::make_event_descriptor;
using sallyport::ring_bell;
using sallyport::silence_bell;

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
