// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Which protocol a UDP payload on a media port speaks (RFC 7983, and RFC 5761 §4 for RTP against RTCP).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sallyport::dataplane {

enum class PayloadClass : std::uint8_t { rtp, rtcp, stun, zrtp, dtls, unknown };

/// RFC 5761 §4: an RTCP packet type in the second octet; RTP must not use the payload types that collide.
[[nodiscard]] constexpr bool is_rtcp_type(std::uint8_t second_octet) {
  return second_octet >= 192 && second_octet <= 223;
}

/// RFC 7983 §7, by first octet:
///   [0..3] STUN  [16..19] ZRTP  [20..63] DTLS  [64..79] TURN channel  [128..191] RTP or RTCP
[[nodiscard]] constexpr PayloadClass classify_payload(std::span<const std::uint8_t> payload) {
  if (payload.size() < 2) return PayloadClass::unknown;
  const std::uint8_t first = payload[0];
  if (first >= 128 && first <= 191) return is_rtcp_type(payload[1]) ? PayloadClass::rtcp : PayloadClass::rtp;
  if (first <= 3) return PayloadClass::stun;
  if (first >= 16 && first <= 19) return PayloadClass::zrtp;
  if (first >= 20 && first <= 63) return PayloadClass::dtls;
  return PayloadClass::unknown;
}

/// RFC 6189 §5: what all packets of ZRTP have in their second word.
[[nodiscard]] inline bool has_zrtp_cookie(std::span<const std::uint8_t> payload) {
  constexpr std::size_t kShortest = 28;
  constexpr std::uint32_t kCookie = 0x5a525450;
  return payload.size() >= kShortest && load_be32(payload.data() + 4) == kCookie;
}

}  // namespace sallyport::dataplane
