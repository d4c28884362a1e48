// SPDX-License-Identifier: GPL-3.0-or-later
// One packet at a time through the engine's burst interface.
#include "tests/support/peer.h"

#include <array>
#include <stdexcept>

#include "base/bytes.h"
#include "dataplane/rtcp.h"
#include "dataplane/rtp.h"

namespace sallyport::test {

namespace {

constexpr std::size_t kRoom = 2048;

template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  return std::move(*result);
}

template <typename Packet, typename Stream>
Packet describe(Octets& buffer, std::size_t length, bool rtcp, Stream* stream) {
  Packet packet;
  packet.data = buffer.data();
  packet.length = static_cast<std::uint16_t>(length);
  packet.room = static_cast<std::uint16_t>(buffer.size());
  packet.stream = stream;
  if (rtcp) {
    packet.ssrc = dataplane::rtcp_sender(buffer);
    return packet;
  }
  const auto header = dataplane::parse_rtp({buffer.data(), length});
  packet.header_length = header.length;
  packet.sequence = header.sequence;
  packet.ssrc = header.ssrc;
  return packet;
}

}  // namespace

crypto::SrtpConfig srtp_config(crypto::SuiteId id, std::uint8_t seed) {
  const crypto::Suite& suite = crypto::suite(id);
  std::array<std::uint8_t, crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength> octets;
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<std::uint8_t>(i * 7 + seed * 31 + 1);
  crypto::SrtpConfig config;
  config.suite = id;
  config.master_key = Secret<crypto::kMaxMasterKeyLength>({octets.data(), suite.key_length});
  config.master_salt = Secret<crypto::kMaxMasterSaltLength>({octets.data() + 32, suite.salt_length});
  return config;
}

Peer::Peer(std::optional<crypto::SuiteId> suite, std::uint8_t send_seed, std::uint8_t receive_seed,
           crypto::EngineKind engine)
    : engine_(value_or_throw(crypto::make_srtp_engine(engine))) {
  if (!suite) return;
  outbound_ = value_or_throw(engine_->make_outbound(srtp_config(*suite, send_seed)));
  inbound_ = value_or_throw(engine_->make_inbound(srtp_config(*suite, receive_seed)));
}

Octets Peer::close_rtp(Octets packet) {
  if (outbound_ == nullptr) return packet;
  const std::size_t length = packet.size();
  packet.resize(kRoom);
  auto described = describe<crypto::OutboundPacket>(packet, length, false, outbound_.get());
  engine_->protect_rtp({&described, 1});
  if (described.outcome != crypto::SrtpOutcome::ok)
    throw std::runtime_error("the peer could not close a packet");
  packet.resize(described.length);
  return packet;
}

Octets Peer::close_rtcp(std::span<const std::uint8_t> compound) {
  Octets packet(compound.begin(), compound.end());
  if (outbound_ == nullptr) return packet;
  packet.resize(kRoom);
  auto described = describe<crypto::OutboundPacket>(packet, compound.size(), true, outbound_.get());
  engine_->protect_rtcp({&described, 1});
  if (described.outcome != crypto::SrtpOutcome::ok)
    throw std::runtime_error("the peer could not close a packet");
  packet.resize(described.length);
  return packet;
}

std::optional<Octets> Peer::open_rtp(std::span<const std::uint8_t> wire) {
  Octets packet(wire.begin(), wire.end());
  if (inbound_ == nullptr) return packet;
  auto described = describe<crypto::InboundPacket>(packet, packet.size(), false, inbound_.get());
  engine_->unprotect_rtp({&described, 1});
  if (described.outcome != crypto::SrtpOutcome::ok) return std::nullopt;
  packet.resize(described.length);
  return packet;
}

std::optional<Octets> Peer::open_rtcp(std::span<const std::uint8_t> wire) {
  Octets packet(wire.begin(), wire.end());
  if (inbound_ == nullptr) return packet;
  auto described = describe<crypto::InboundPacket>(packet, packet.size(), true, inbound_.get());
  engine_->unprotect_rtcp({&described, 1});
  if (described.outcome != crypto::SrtpOutcome::ok) return std::nullopt;
  packet.resize(described.length);
  return packet;
}

}  // namespace sallyport::test
