// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The SRTP packet index, ROC * 2^16 + SEQ, estimated from a sequence number (RFC 3711 §3.3.1, appendix
// A).
#pragma once

#include <cstdint>

namespace sallyport::crypto {

/// One more than the largest index: 32 bits of ROC and 16 of sequence number.
inline constexpr std::uint64_t kIndexLimit = std::uint64_t{1} << 48;

[[nodiscard]] constexpr std::uint32_t rollover_counter(std::uint64_t index) {
  return static_cast<std::uint32_t>(index >> 16);
}

/// The index that `sequence` most likely has after `highest` was the highest authenticated one. The result
/// reaches kIndexLimit when the ROC would overflow: such a packet has no index under this key.
///
/// At ROC 0 the RFC's guess `ROC - 1` names an index before the first packet of the key, which nobody can
/// have sent. ROC 0 is kept there instead, so that a stream survives losing half a cycle right after its
/// start.
[[nodiscard, gnu::always_inline]] constexpr std::uint64_t estimate_index(std::uint64_t highest,
                                                                         std::uint16_t sequence) {
  constexpr std::uint64_t kCycle = std::uint64_t{1} << 16;
  constexpr std::uint32_t kHalf = 1u << 15;
  const auto last = static_cast<std::uint32_t>(highest & (kCycle - 1));
  const std::uint64_t same_cycle = (highest & ~(kCycle - 1)) | sequence;
  if (last < kHalf) {
    const bool before = sequence > last + kHalf && highest >= kCycle;
    return before ? same_cycle - kCycle : same_cycle;
  }
  return last - kHalf > sequence ? same_cycle + kCycle : same_cycle;
}

}  // namespace sallyport::crypto
