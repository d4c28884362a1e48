// SPDX-License-Identifier: GPL-3.0-or-later
// BUNDLE (RFC 9143): several media on one transport, as control describes them to the media plane.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::dataplane {

/// Media that one transport may carry.
inline constexpr std::size_t kMaxBundleMembers = 8;
/// Longest MID, in octets, that packets are told apart by.
inline constexpr std::size_t kMaxMidLength = 32;
/// SSRCs of one medium that signalling may name.
inline constexpr std::size_t kMaxSignalledSsrcs = 8;
/// SSRCs that a transport remembers in each direction; beyond, the one that was silent longest is forgotten.
inline constexpr std::size_t kMaxBundleSsrcs = 64;
static_assert(kMaxBundleMembers * kMaxSignalledSsrcs <= kMaxBundleSsrcs);

/// How packets of a shared transport are told apart (RFC 9143 §9.2), for one medium.
struct BundleRules {
  std::string mid;                   ///< as it stands in the header extension; empty: none
  std::uint8_t mid_extension = 0;    ///< id of urn:ietf:params:rtp-hdrext:sdes:mid on this leg; 0: none
  std::bitset<128> payloads;         ///< payload types that belong to this medium alone within the bundle
  std::vector<std::uint32_t> ssrcs;  ///< a=ssrc, at most kMaxSignalledSsrcs

  friend bool operator==(const BundleRules&, const BundleRules&) = default;
};

}  // namespace sallyport::dataplane
