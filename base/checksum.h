// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The Internet checksum (RFC 1071), in partial sums that can be prepared once and finished per packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sallyport {

/// One's-complement sum of the octets taken as 16-bit words in memory order; an odd last octet is padded with
/// zero. Sums add up as plain integers as long as each part but the last has an even length.
[[nodiscard]] inline std::uint64_t checksum_partial(const std::uint8_t* octets, std::size_t length) {
  // Four sums that do not wait for each other; 32-bit halves in 64-bit words leave room for 2^32 additions.
  std::uint64_t sums[4] = {};
  while (length >= 32) {
    std::uint64_t words[4];
    std::memcpy(words, octets, sizeof words);
    for (std::size_t i = 0; i < 4; ++i) sums[i] += (words[i] & 0xffffffff) + (words[i] >> 32);
    octets += 32;
    length -= 32;
  }
  std::uint64_t sum = sums[0] + sums[1] + sums[2] + sums[3];
  while (length >= 8) {
    std::uint64_t word;
    std::memcpy(&word, octets, sizeof word);
    sum += (word & 0xffffffff) + (word >> 32);
    octets += 8;
    length -= 8;
  }
  while (length >= 2) {
    std::uint16_t word;
    std::memcpy(&word, octets, sizeof word);
    sum += word;
    octets += 2;
    length -= 2;
  }
  if (length == 1) sum += *octets;  // little-endian: the pad octet is the high one
  return sum;
}

/// The same sum in 16 bits, carries added back in: what a prepared part is kept as.
[[nodiscard]] inline std::uint16_t checksum_fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// The checksum field's value in memory order for a partial sum.
[[nodiscard]] inline std::uint16_t checksum_finish(std::uint64_t sum) {
  return static_cast<std::uint16_t>(~checksum_fold(sum));
}

}  // namespace sallyport
