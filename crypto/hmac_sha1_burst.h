// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. HMAC-SHA1 (RFC 2104, FIPS 180-4) over bursts of packets, one packet a vector lane, where the CPU can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sallyport::crypto {

inline constexpr std::size_t kHmacSha1StateLength = 20;

/// One packet to authenticate. The key is given as the SHA-1 states after the block of the inner and of the
/// outer pad: five 32-bit words in the host's order, as IMB_SHA1_ONE_BLOCK writes them; any alignment.
struct HmacSha1Job {
  const std::uint8_t* data;  ///< nothing outside [data, data + length) is read
  std::uint32_t length;      ///< octets, 0 to kMaxHmacSha1Length
  const std::uint8_t* keys;  ///< 40 octets: the inner state, then the outer one
  std::uint8_t* tag;         ///< exactly kHmacSha1TagLength octets are written
  /// What will be wanted next: bit n of `ahead_lines` is the n-th cache line from `ahead`, prefetched between
  /// the rounds, so that its way through the caches costs nothing.
  const void* ahead = nullptr;
  std::uint32_t ahead_lines = 0;
};

inline constexpr std::size_t kMaxHmacSha1Burst = 32;
inline constexpr std::uint32_t kMaxHmacSha1Length = 65535;
inline constexpr std::size_t kHmacSha1TagLength = 12;  ///< the first octets of the HMAC; SRTP takes 10 or 4

/// Whether a burst is large enough for a kernel that works on sixteen packets, or on fewer in the same time.
/// One packet alone takes as long in IPsec-MB (bench/hmac_bench.cc).
[[nodiscard]] constexpr bool worthwhile_hmac_sha1_burst(std::size_t count) {
  return count >= 2;
}

/// Computes the tags of up to kMaxHmacSha1Burst packets of any lengths. Time depends on lengths only.
using HmacSha1Burst = void (*)(std::span<const HmacSha1Job>);

/// The kernel for this CPU and what its operating system saves of it (AVX-512 F, BW, VL); null when there is
/// none: then IPsec-MB does the work.
[[nodiscard]] HmacSha1Burst hmac_sha1_burst_for_this_cpu();

}  // namespace sallyport::crypto
