// SPDX-License-Identifier: GPL-3.0-or-later
// What the SRTP tests share: configurations with reproducible keys, RTP and RTCP packets, and calls for one
// packet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/srtp.h"
#include "crypto/suite.h"

namespace sallyport::crypto::test {

using Octets = std::vector<std::uint8_t>;

/// One of each mode.
inline constexpr SuiteId kBoth[] = {SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aead_aes_128_gcm};

inline constexpr std::uint32_t kSsrc = 0xcafebabe;
inline constexpr std::size_t kRtpHeaderLength = 12;
inline constexpr std::size_t kRtcpHeaderLength = 8;

inline Octets random_octets(std::mt19937_64& random, std::size_t count) {
  Octets octets(count);
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
  return octets;
}

/// A configuration whose key and salt follow from `seed` alone.
inline SrtpConfig make_config(SuiteId id, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  SrtpConfig config;
  config.suite = id;
  config.master_key = Secret<kMaxMasterKeyLength>(random_octets(random, suite(id).key_length));
  config.master_salt = Secret<kMaxMasterSaltLength>(random_octets(random, suite(id).salt_length));
  return config;
}

inline std::unique_ptr<SrtpEngine> make_engine(EngineKind kind = EngineKind::ipsec_mb) {
  return std::move(make_srtp_engine(kind).value());
}

inline Octets rtp_packet(std::uint16_t sequence, const Octets& payload, std::uint32_t ssrc = kSsrc) {
  Octets packet(kRtpHeaderLength + payload.size());
  packet[0] = 0x80;
  packet[1] = 0x08;
  store_be16(&packet[2], sequence);
  store_be32(&packet[4], std::uint32_t{sequence} * 160);
  store_be32(&packet[8], ssrc);
  std::copy(payload.begin(), payload.end(), packet.begin() + kRtpHeaderLength);
  return packet;
}

/// `payload` octets of the sequence number: packets of different numbers differ.
inline Octets rtp_packet(std::uint16_t sequence, std::size_t payload = 160, std::uint32_t ssrc = kSsrc) {
  return rtp_packet(sequence, Octets(payload, static_cast<std::uint8_t>(sequence)), ssrc);
}

inline Octets rtcp_packet(std::size_t body, std::uint8_t fill = 0x5a, std::uint32_t ssrc = kSsrc) {
  Octets packet(kRtcpHeaderLength + body, fill);
  packet[0] = 0x80;
  packet[1] = 200;
  store_be16(&packet[2], static_cast<std::uint16_t>(packet.size() / 4 - 1));
  store_be32(&packet[4], ssrc);
  return packet;
}

/// Octets in clear of an RTP packet that is well formed.
inline std::uint16_t header_length(const Octets& packet) {
  std::size_t length = kRtpHeaderLength + 4u * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0) length += 4u + 4u * load_be16(&packet[length + 2]);
  return static_cast<std::uint16_t>(length);
}

/// A view of `packet` for a burst. The buffer must be as large as protection may need.
template <typename Stream>
SrtpPacket<Stream> rtp_view(Stream& stream, Octets& buffer, std::size_t length) {
  SrtpPacket<Stream> view;
  view.data = buffer.data();
  view.length = static_cast<std::uint16_t>(length);
  view.room = static_cast<std::uint16_t>(buffer.size());
  view.header_length = header_length(buffer);
  view.sequence = load_be16(&buffer[2]);
  view.ssrc = load_be32(&buffer[8]);
  view.stream = &stream;
  return view;
}

template <typename Stream>
SrtpPacket<Stream> rtcp_view(Stream& stream, Octets& buffer, std::size_t length) {
  SrtpPacket<Stream> view;
  view.data = buffer.data();
  view.length = static_cast<std::uint16_t>(length);
  view.room = static_cast<std::uint16_t>(buffer.size());
  view.ssrc = load_be32(&buffer[4]);
  view.stream = &stream;
  return view;
}

/// One call for one packet: `octets` becomes what came out, whatever the outcome.
inline SrtpOutcome protect_rtp(SrtpEngine& engine, OutboundStream& stream, Octets& octets) {
  const std::size_t length = octets.size();
  octets.resize(length + kMaxProtectionOverhead);
  auto view = rtp_view(stream, octets, length);
  engine.protect_rtp({&view, 1});
  octets.resize(view.length);
  return view.outcome;
}
inline SrtpOutcome unprotect_rtp(SrtpEngine& engine, InboundStream& stream, Octets& octets) {
  auto view = rtp_view(stream, octets, octets.size());
  engine.unprotect_rtp({&view, 1});
  octets.resize(view.length);
  return view.outcome;
}
inline SrtpOutcome protect_rtcp(SrtpEngine& engine, OutboundStream& stream, Octets& octets) {
  const std::size_t length = octets.size();
  octets.resize(length + kMaxProtectionOverhead);
  auto view = rtcp_view(stream, octets, length);
  engine.protect_rtcp({&view, 1});
  octets.resize(view.length);
  return view.outcome;
}
inline SrtpOutcome unprotect_rtcp(SrtpEngine& engine, InboundStream& stream, Octets& octets) {
  auto view = rtcp_view(stream, octets, octets.size());
  engine.unprotect_rtcp({&view, 1});
  octets.resize(view.length);
  return view.outcome;
}

/// A sender and a receiver with the same key, in one engine each.
struct Pair {
  explicit Pair(const SrtpConfig& config, EngineKind kind = EngineKind::ipsec_mb)
      : Pair(config, config, kind, kind) {}
  Pair(const SrtpConfig& sending, const SrtpConfig& receiving, EngineKind sender_kind,
       EngineKind receiver_kind)
      : sender(make_engine(sender_kind)),
        receiver(make_engine(receiver_kind)),
        outbound(std::move(sender->make_outbound(sending).value())),
        inbound(std::move(receiver->make_inbound(receiving).value())) {}

  [[nodiscard]] Octets protected_rtp(Octets plain) {
    const SrtpOutcome outcome = protect_rtp(*sender, *outbound, plain);
    return outcome == SrtpOutcome::ok ? plain : Octets{};
  }
  [[nodiscard]] Octets protected_rtcp(Octets plain) {
    const SrtpOutcome outcome = protect_rtcp(*sender, *outbound, plain);
    return outcome == SrtpOutcome::ok ? plain : Octets{};
  }
  [[nodiscard]] SrtpOutcome open_rtp(Octets octets) { return unprotect_rtp(*receiver, *inbound, octets); }
  [[nodiscard]] SrtpOutcome open_rtcp(Octets octets) { return unprotect_rtcp(*receiver, *inbound, octets); }

  std::unique_ptr<SrtpEngine> sender;
  std::unique_ptr<SrtpEngine> receiver;
  OutboundStreamPtr outbound;
  InboundStreamPtr inbound;
};

}  // namespace sallyport::crypto::test
