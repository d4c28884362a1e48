// SPDX-License-Identifier: GPL-3.0-or-later
// Counter: written by one thread, read by any, never reset.
#pragma once

#include <atomic>
#include <cstdint>

namespace sallyport {

/// One writer adds with a plain load and store; readers may see a value that is a moment old, never a torn
/// one.
template <typename T>
class BasicCounter {
 public:
  void add(T amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(T value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] T get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<T> value_{0};
};

using Counter = BasicCounter<std::uint64_t>;
using Counter32 = BasicCounter<std::uint32_t>;

}  // namespace sallyport
