// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. AES-GCM for SRTP and SRTCP (RFC 7714).
#include "crypto/ipsec_mb_gcm.h"

#include <cstring>

#include "crypto/equal.h"

namespace sallyport::crypto {

namespace {
constexpr std::uint32_t kTagLength = 16;

const gcm_key_data* gcm_key(GcmKeys& keys) {
  return reinterpret_cast<const gcm_key_data*>(keys.key_data());
}
}  // namespace

template <>
[[gnu::always_inline]] inline Gcm::Work Gcm::work<Rtp>(CryptoContext&, std::uint8_t* data,
                                                       std::uint32_t clear, std::uint32_t end,
                                                       std::uint32_t) {
  return Work{.payload = data + clear, .length = end - clear, .clear = data, .clear_length = clear};
}

// RFC 7714 §9.2 and §9.3: E and index are authenticated behind the clear octets: behind the first eight, or
// behind the whole packet when nothing is encrypted. Then they are written where the tag will stand or stood.
template <>
Gcm::Work Gcm::work<Rtcp>(CryptoContext& context, std::uint8_t* data, std::uint32_t clear, std::uint32_t end,
                          std::uint32_t word) {
  if (!context.encrypt_rtcp) {
    store_be32(data + end, word);
    return Work{.payload = data, .length = 0, .clear = data, .clear_length = end + kWordLength};
  }
  std::memcpy(rtcp_clear_, data, kRtcpHeader);
  store_be32(rtcp_clear_ + kRtcpHeader, word);
  return Work{.payload = data + clear,
              .length = end - clear,
              .clear = rtcp_clear_,
              .clear_length = sizeof rtcp_clear_};
}

[[gnu::always_inline]] inline void Gcm::decrypt(const CryptoContext& context, GcmKeys& keys,
                                                const Work& work) {
  const auto run = context.key_length == 16 ? manager_.gcm128_dec : manager_.gcm256_dec;
  run(gcm_key(keys), &scratch_, work.payload, work.payload, work.length, iv_.octets(), work.clear,
      work.clear_length, computed_.octets, kTagLength);
}

[[gnu::always_inline]] inline void Gcm::encrypt(const CryptoContext& context, GcmKeys& keys, const Work& work,
                                                std::uint8_t* tag) {
  const auto run = context.key_length == 16 ? manager_.gcm128_enc : manager_.gcm256_enc;
  run(gcm_key(keys), &scratch_, work.payload, work.payload, work.length, iv_.octets(), work.clear,
      work.clear_length, tag, kTagLength);
}

template <typename Protocol>
SrtpOutcome Gcm::open(CryptoContext& context, InboundPacket& packet) {
  if (const SrtpOutcome outcome = check_length<Protocol>(context, packet); outcome != SrtpOutcome::ok)
    return outcome;
  const std::uint32_t end = packet.length - overhead<Protocol>(context);
  std::uint8_t* const trailer = packet.data + end;
  if (!same_mki(context, packet.data + packet.length - context.mki_length)) return SrtpOutcome::unknown_mki;
  const std::uint32_t word = Protocol::kSendsIndex ? load_be32(trailer + kTagLength) : 0;
  const IndexCheck check = Protocol::check(context, packet, word);
  if (check.outcome != SrtpOutcome::ok) return check.outcome;

  const std::uint8_t* received = trailer;
  if constexpr (Protocol::kSendsIndex) {
    // What is authenticated may be written over it.
    std::memcpy(received_.octets, trailer, kTagLength);
    received = received_.octets;
  }
  auto& keys = Protocol::template keys<GcmKeys>(context);
  const Work parts = work<Protocol>(context, packet.data, Protocol::clear_length(packet), end, word);
  iv_ = gcm_iv(keys, packet.ssrc, check.index);
  decrypt(context, keys, parts);
  if (!equal(received, computed_.octets, kTagLength)) [[unlikely]] {
    std::memset(parts.payload, 0, parts.length);
    return SrtpOutcome::forged;
  }
  Protocol::commit(context, check, packet);
  packet.length = static_cast<std::uint16_t>(end);
  return SrtpOutcome::ok;
}

template <typename Protocol>
SrtpOutcome Gcm::close(CryptoContext& context, OutboundPacket& packet) {
  if (const SrtpOutcome outcome = check_length<Protocol>(context, packet); outcome != SrtpOutcome::ok)
    return outcome;
  const IndexCheck taken = Protocol::take_index(context, packet);
  if (taken.outcome != SrtpOutcome::ok) return taken.outcome;

  const std::uint32_t end = packet.length;
  const std::uint32_t word = Protocol::word(context, taken.index);
  auto& keys = Protocol::template keys<GcmKeys>(context);
  const Work parts = work<Protocol>(context, packet.data, Protocol::clear_length(packet), end, word);
  iv_ = gcm_iv(keys, packet.ssrc, taken.index);
  std::uint8_t* trailer = packet.data + end;
  encrypt(context, keys, parts, trailer);
  trailer += kTagLength;
  if (Protocol::kSendsIndex) {
    store_be32(trailer, word);
    trailer += kWordLength;
  }
  if (context.mki_length > 0) [[unlikely]]
    std::memcpy(trailer, context.mki, context.mki_length);
  packet.length = static_cast<std::uint16_t>(end + overhead<Protocol>(context));
  return SrtpOutcome::ok;
}

template SrtpOutcome Gcm::open<Rtp>(CryptoContext&, InboundPacket&);
template SrtpOutcome Gcm::open<Rtcp>(CryptoContext&, InboundPacket&);
template SrtpOutcome Gcm::close<Rtp>(CryptoContext&, OutboundPacket&);
template SrtpOutcome Gcm::close<Rtcp>(CryptoContext&, OutboundPacket&);

}  // namespace sallyport::crypto
