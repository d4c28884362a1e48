// SPDX-License-Identifier: GPL-3.0-or-later
// Random octets from the kernel: for keys, nonces, tags and whatever nobody may foresee.
#pragma once

#include <cstdint>
#include <span>

namespace sallyport {

/// Fills the octets from getrandom(2), which blocks only before the machine's pool is first seeded. Ends the
/// process if the kernel has none: nothing here works without.
void fill_random(std::span<std::uint8_t> octets);

/// A whole object of plain numbers.
template <typename T>
[[nodiscard]] T random_value() {
  T value{};
  fill_random({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

}  // namespace sallyport
