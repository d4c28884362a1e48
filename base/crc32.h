// SPDX-License-Identifier: GPL-3.0-or-later
// CRC-32 as ITU-T V.42 defines it, what a STUN FINGERPRINT is made of; and CRC-32C (RFC 9260 appendix A), of
// ZRTP.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sallyport {

namespace detail {
/// For a generator polynomial written with its lowest power first.
constexpr std::array<std::uint32_t, 256> make_crc32_table(std::uint32_t polynomial) {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t octet = 0; octet < table.size(); ++octet) {
    std::uint32_t value = octet;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? polynomial : 0);
    table[octet] = value;
  }
  return table;
}
inline constexpr auto kCrc32Table = make_crc32_table(0xedb88320);
inline constexpr auto kCrc32cTable = make_crc32_table(0x82f63b78);

constexpr std::uint32_t crc32_by(const std::array<std::uint32_t, 256>& table,
                                 std::span<const std::uint8_t> octets) {
  std::uint32_t value = 0xffffffff;
  for (const std::uint8_t octet : octets) value = table[(value ^ octet) & 0xff] ^ value >> 8;
  return ~value;
}
}  // namespace detail

[[nodiscard]] constexpr std::uint32_t crc32(std::span<const std::uint8_t> octets) {
  return detail::crc32_by(detail::kCrc32Table, octets);
}
[[nodiscard]] constexpr std::uint32_t crc32c(std::span<const std::uint8_t> octets) {
  return detail::crc32_by(detail::kCrc32cTable, octets);
}

}  // namespace sallyport
