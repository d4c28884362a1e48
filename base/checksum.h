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
  // Halves of 32 bits in words of 64 leave room for 2^32 additions. Two sums, in registers of their own, wait
  // for nobody: GCC 12 keeps an array of sums on the stack, at three times the cost.
  using Words = std::uint64_t __attribute__((vector_size(16)));
  Words low = {};
  Words high = {};
  for (; length >= sizeof(Words); octets += sizeof(Words), length -= sizeof(Words)) {
    Words words;
    std::memcpy(&words, octets, sizeof words);
    low += words & 0xffffffff;
    high += words >> 32;
  }
  const Words sums = low + high;
  std::uint64_t sum = sums[0] + sums[1];
  if (length >= 8) {
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
