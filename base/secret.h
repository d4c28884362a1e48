// SPDX-License-Identifier: GPL-3.0-or-later
// Secret: a buffer for key material that is wiped, not copied and not printed.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include <string.h>

namespace sallyport {

/// Overwrites memory in a way the compiler may not remove.
inline void wipe(void* memory, std::size_t bytes) {
  if (bytes != 0) explicit_bzero(memory, bytes);
}

/// Up to `Capacity` octets of key material. Moving wipes the source; there is no copy and no output operator.
template <std::size_t Capacity>
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::uint8_t> octets) {
    assert(octets.size() <= Capacity);
    size_ = octets.size();
    std::copy(octets.begin(), octets.end(), octets_.begin());
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : octets_(other.octets_), size_(other.size_) { other.clear(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    octets_ = other.octets_;
    size_ = other.size_;
    other.clear();
    return *this;
  }
  ~Secret() { clear(); }

  void clear() {
    wipe(octets_.data(), Capacity);
    size_ = 0;
  }
  /// A copy that is asked for by name, so that a reader sees where key material multiplies.
  [[nodiscard]] Secret duplicate() const { return Secret(view()); }
  [[nodiscard]] std::span<const std::uint8_t> view() const { return {octets_.data(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  std::array<std::uint8_t, Capacity> octets_{};
  std::size_t size_ = 0;
};

}  // namespace sallyport
