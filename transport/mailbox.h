// SPDX-License-Identifier: GPL-3.0-or-later
// Mailbox: orders from any thread to one thread, which is woken by a descriptor.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "transport/descriptor.h"

namespace sallyport::transport {

/// Bounded by what its senders may have under way: handshakes and connects are limited, each is one letter.
template <typename T>
class Mailbox {
 public:
  Mailbox() : bell_(make_event_descriptor()) {}

  /// Any thread.
  void send(T letter) {
    bool first;
    {
      const std::lock_guard lock(mutex_);
      first = letters_.empty();
      letters_.push_back(std::move(letter));
    }
    if (first) ring_bell(bell_.get());
  }
  /// The receiver: everything that has come. Called when the descriptor is readable.
  [[nodiscard]] std::vector<T> take() {
    silence_bell(bell_.get());
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
  }
  [[nodiscard]] int descriptor() const { return bell_.get(); }

 private:
  std::mutex mutex_;
  std::vector<T> letters_;
  Descriptor bell_;
};

}  // namespace sallyport::transport
