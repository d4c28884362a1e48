// SPDX-License-Identifier: GPL-3.0-or-later
// CRC-32 as ITU-T V.42 defines it: what a STUN FINGERPRINT is made of.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sallyport {

namespace detail {
constexpr std::array<std::uint32_t, 256> make_crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t octet = 0; octet < table.size(); ++octet) {
    std::uint32_t value = octet;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xedb88320 : 0);
    table[octet] = value;
  }
  return table;
}
inline constexpr auto kCrc32Table = make_crc32_table();
}  // namespace detail

[[nodiscard]] constexpr std::uint32_t crc32(std::span<const std::uint8_t> octets) {
  std::uint32_t value = 0xffffffff;
  for (const std::uint8_t octet : octets) value = detail::kCrc32Table[(value ^ octet) & 0xff] ^ value >> 8;
  return ~value;
}

}  // namespace sallyport
