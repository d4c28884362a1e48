// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. What SRTP and SRTCP have apart, as two types with the same members: layout, keys, and the packet
// index.
//
//   SRTP, HMAC    header | payload ................. |            MKI | tag      the ROC is hashed but not
//   sent SRTP, GCM     header | payload ................. | tag |      MKI SRTCP, HMAC   header | rest of the
//   compound .... | E, index | MKI | tag SRTCP, GCM    header | rest of the compound .... | tag | E, index |
//   MKI
//                 ^ 0      ^ clear                     ^ end
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "crypto/ipsec_mb_batch.h"
#include "crypto/ssrc_state.h"

namespace sallyport::crypto {

inline constexpr std::uint32_t kWordLength = 4;  ///< the ROC, or SRTCP's E bit and index
inline constexpr std::uint32_t kEncryptedBit = 0x80000000;
inline constexpr std::uint32_t kMinRtpHeader = 12;
inline constexpr std::uint32_t kRtcpHeader = 8;  ///< the first header and the sender's SSRC stay in clear

[[nodiscard, gnu::always_inline]] inline Iv xor_salt(const SessionKeys& keys, std::uint64_t high,
                                                     std::uint64_t low) {
  Iv salt;
  std::memcpy(&salt.high, keys.salt, sizeof salt.high);
  std::memcpy(&salt.low, keys.salt + sizeof salt.high, sizeof salt.low);
  return Iv{.high = salt.high ^ __builtin_bswap64(high), .low = salt.low ^ __builtin_bswap64(low)};
}

/// Counter block of RFC 3711 §4.1.1: salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16.
[[nodiscard, gnu::always_inline]] inline Iv counter_iv(const SessionKeys& keys, std::uint32_t ssrc,
                                                       std::uint64_t index) {
  return xor_salt(keys, ssrc, index << 16);
}

/// Nonce of RFC 7714 §8.1 and §9.1: salt XOR (two zero octets, SSRC, six octets of index).
[[nodiscard, gnu::always_inline]] inline Iv gcm_iv(const SessionKeys& keys, std::uint32_t ssrc,
                                                   std::uint64_t index) {
  return xor_salt(keys, std::uint64_t{ssrc} << 16 | index >> 32, index << 32);
}

struct Rtp {
  static constexpr bool kSendsIndex = false;

  template <typename Keys>
  static Keys& keys(CryptoContext& context) {
    return context.keys<Keys>(context.rtp_keys);
  }
  static std::uint32_t tag_length(const CryptoContext& context) { return context.rtp_tag_length; }
  static bool encrypts(const CryptoContext& context) { return context.encrypt_rtp; }

  template <typename Stream>
  static std::uint32_t clear_length(const SrtpPacket<Stream>& packet) {
    return packet.header_length;
  }
  template <typename Stream>
  static bool has_header(const SrtpPacket<Stream>& packet) {
    return packet.header_length >= kMinRtpHeader;
  }
  /// The index of a packet that arrives.
  [[gnu::always_inline]] static IndexCheck check(CryptoContext& context, const InboundPacket& packet,
                                                 std::uint32_t) {
    return check_rtp(context, packet.ssrc, packet.sequence);
  }
  [[gnu::always_inline]] static void commit(CryptoContext& context, const IndexCheck& check,
                                            const InboundPacket& packet) {
    commit_rtp(context, check, packet.ssrc);
  }
  /// The index of a packet that leaves; taken at once, so that no other packet gets it.
  [[gnu::always_inline]] static IndexCheck take_index(CryptoContext& context, const OutboundPacket& packet) {
    const IndexCheck check = check_rtp(context, packet.ssrc, packet.sequence);
    if (check.outcome == SrtpOutcome::ok) [[likely]]
      commit_rtp(context, check, packet.ssrc);
    return check;
  }
  static std::uint32_t word(const CryptoContext&, std::uint64_t index) { return rollover_counter(index); }
};

struct Rtcp {
  static constexpr bool kSendsIndex = true;

  template <typename Keys>
  static Keys& keys(CryptoContext& context) {
    return context.keys<Keys>(context.rtcp_keys);
  }
  static std::uint32_t tag_length(const CryptoContext& context) { return context.rtcp_tag_length; }
  static bool encrypts(const CryptoContext& context) { return context.encrypt_rtcp; }

  template <typename Stream>
  static std::uint32_t clear_length(const SrtpPacket<Stream>&) {
    return kRtcpHeader;
  }
  template <typename Stream>
  static bool has_header(const SrtpPacket<Stream>&) {
    return true;
  }
  [[gnu::always_inline]] static IndexCheck check(CryptoContext& context, const InboundPacket& packet,
                                                 std::uint32_t word) {
    if (((word & kEncryptedBit) != 0) != context.encrypt_rtcp)
      return IndexCheck{.outcome = SrtpOutcome::not_encrypted};
    return check_rtcp(context, packet.ssrc, word & ~kEncryptedBit);
  }
  [[gnu::always_inline]] static void commit(CryptoContext& context, const IndexCheck& check,
                                            const InboundPacket& packet) {
    commit_rtcp(context, check, packet.ssrc);
  }
  /// Outgoing indices come from one counter for all SSRCs of the key: none is used twice, and nothing per
  /// SSRC needs remembering. The first is 0 (RFC 3711 §3.4).
  [[gnu::always_inline]] static IndexCheck take_index(CryptoContext& context, const OutboundPacket&) {
    IndexCheck check;
    check.index = context.srtcp_packets.get();
    if (check.index >= context.srtcp_lifetime)
      check.outcome = SrtpOutcome::key_exhausted;
    else
      context.srtcp_packets.add();
    return check;
  }
  static std::uint32_t word(const CryptoContext& context, std::uint64_t index) {
    return static_cast<std::uint32_t>(index) | (context.encrypt_rtcp ? kEncryptedBit : 0);
  }
};

/// Octets that protection adds to a packet of this context.
template <typename Protocol>
[[nodiscard]] std::uint32_t overhead(const CryptoContext& context) {
  return Protocol::tag_length(context) + context.mki_length + (Protocol::kSendsIndex ? kWordLength : 0);
}

[[nodiscard]] inline bool same_mki(const CryptoContext& context, const std::uint8_t* received) {
  return context.mki_length == 0 || std::memcmp(received, context.mki, context.mki_length) == 0;
}

/// Whether the packet holds its header and what protection added.
template <typename Protocol>
[[nodiscard]] SrtpOutcome check_length(const CryptoContext& context, const InboundPacket& packet) {
  const std::uint32_t least = Protocol::clear_length(packet) + overhead<Protocol>(context);
  return Protocol::has_header(packet) && packet.length >= least ? SrtpOutcome::ok : SrtpOutcome::too_short;
}

/// Whether the packet has a header, and its buffer room for what protection adds.
template <typename Protocol>
[[nodiscard]] SrtpOutcome check_length(const CryptoContext& context, const OutboundPacket& packet) {
  if (!Protocol::has_header(packet) || packet.length < Protocol::clear_length(packet))
    return SrtpOutcome::too_short;
  const std::uint32_t needed = packet.length + overhead<Protocol>(context);
  return needed <= packet.room && needed <= UINT16_MAX ? SrtpOutcome::ok : SrtpOutcome::no_room;
}

}  // namespace sallyport::crypto
