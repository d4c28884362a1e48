// SPDX-License-Identifier: GPL-3.0-or-later
// The one comparison that authentication tags meet in: its time does not tell where they differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sallyport::crypto {

/// Whether `length` octets are the same, in time that depends on `length` alone.
[[nodiscard]] inline bool equal(const std::uint8_t* left, const std::uint8_t* right, std::size_t length) {
  std::uint64_t difference = 0;
  for (; length >= sizeof difference; length -= sizeof difference) {
    std::uint64_t a;
    std::uint64_t b;
    std::memcpy(&a, left, sizeof a);
    std::memcpy(&b, right, sizeof b);
    difference |= a ^ b;
    left += sizeof a;
    right += sizeof b;
  }
  for (; length > 0; --length) difference |= static_cast<std::uint64_t>(*left++ ^ *right++);
  return difference == 0;
}

}  // namespace sallyport::crypto
