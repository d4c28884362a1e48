// SPDX-License-Identifier: GPL-3.0-or-later
// SRTP and SRTCP from a stranger: whatever the octets are, nothing passes that our own sender did not make,
// and nothing outside the packets is touched.
//
// Input: suite, options, MKI length, then packets: one octet of kind, two of length, the octets. A kind may
// ask for a genuine packet, for one damaged by the octets that follow, or for the octets as they are.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "crypto/srtp.h"

namespace {

using namespace sallyport;
using namespace sallyport::crypto;
using Octets = std::vector<std::uint8_t>;

enum class Kind : std::uint8_t { raw, genuine, damaged, repeated };
constexpr std::uint8_t kKinds = 4;
constexpr std::size_t kMaxPackets = 64;
constexpr std::size_t kMaxPayload = 1500;

SrtpConfig read_config(ByteCursor& input) {
  const std::uint8_t chosen = input.u8();
  const std::uint8_t options = input.u8();
  SrtpConfig config;
  config.suite = kSuites[chosen % kSuites.size()].id;
  std::array<std::uint8_t, kMaxMasterKeyLength> octets;
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(i * 37 + 11);
  config.master_key = Secret<kMaxMasterKeyLength>({octets.data(), suite(config.suite).key_length});
  config.master_salt = Secret<kMaxMasterSaltLength>({octets.data(), suite(config.suite).salt_length});
  config.mki_length = static_cast<std::uint8_t>(input.u8() % (kMaxMkiLength + 1));
  config.mki.fill(0xa5);
  config.rtp_replay_window = (options & 1) != 0 ? 64 : 1024;
  config.ssrc_capacity = (options & 2) != 0 ? 1 : 2;
  config.encrypt_srtcp = (options & 4) == 0;
  config.initial_rollover_counter = (options & 8) != 0 ? 0xffffffff : 0;
  config.srtp_lifetime = (options & 16) != 0 ? 8 : kMaxSrtpPackets;
  return config;
}

/// A sender, a receiver, and all that the sender made.
class Exchange {
 public:
  explicit Exchange(const SrtpConfig& config)
      : engine_(std::move(make_srtp_engine(EngineKind::ipsec_mb).value())),
        outbound_(std::move(engine_->make_outbound(config).value())),
        inbound_(std::move(engine_->make_inbound(config).value())) {}

  void feed(Kind kind, bool rtcp, std::span<const std::uint8_t> octets) {
    Octets packet(octets.begin(), octets.end());
    if (kind == Kind::genuine || kind == Kind::damaged) packet = genuine(rtcp, octets);
    if (kind == Kind::damaged)
      for (std::size_t i = 0; i < std::min(octets.size(), packet.size()); ++i) packet[i] ^= octets[i];
    if (kind == Kind::repeated && !last_.empty()) packet = last_;
    open(rtcp, packet);
  }

 private:
  Octets genuine(bool rtcp, std::span<const std::uint8_t> payload) {
    const std::size_t clear = rtcp ? 8 : 12;
    Octets packet(clear + payload.size() + kMaxProtectionOverhead);
    packet[0] = 0x80;
    packet[1] = rtcp ? 200 : 0;
    sequence_ = static_cast<std::uint16_t>(sequence_ + 1 + payload.size() * 16);
    store_be16(&packet[2], sequence_);
    store_be32(&packet[rtcp ? 4 : 8], static_cast<std::uint32_t>(payload.size() % 3));
    std::copy(payload.begin(), payload.end(), packet.begin() + static_cast<std::ptrdiff_t>(clear));
    OutboundPacket view = describe<OutboundPacket>(rtcp, packet, clear + payload.size());
    view.stream = outbound_.get();
    rtcp ? engine_->protect_rtcp({&view, 1}) : engine_->protect_rtp({&view, 1});
    if (view.outcome != SrtpOutcome::ok) return {};
    packet.resize(view.length);
    made_.insert(packet);
    last_ = packet;
    return packet;
  }

  void open(bool rtcp, const Octets& packet) {
    // A buffer of exactly this size: the sanitizer sees every octet beyond.
    const auto buffer = std::make_unique<std::uint8_t[]>(packet.size());
    std::copy(packet.begin(), packet.end(), buffer.get());
    Octets padded = packet;
    padded.resize(std::max<std::size_t>(packet.size(), 12));
    InboundPacket view = describe<InboundPacket>(rtcp, padded, packet.size());
    view.data = buffer.get();
    view.stream = inbound_.get();
    rtcp ? engine_->unprotect_rtcp({&view, 1}) : engine_->unprotect_rtp({&view, 1});
    if (view.length > packet.size()) std::abort();
    if (view.outcome != SrtpOutcome::ok) return;
    // Genuine, and accepted once only.
    if (made_.erase(packet) == 0) std::abort();
  }

  template <typename Packet>
  static Packet describe(bool rtcp, Octets& octets, std::size_t length) {
    Packet view;
    view.data = octets.data();
    view.length = static_cast<std::uint16_t>(length);
    view.room = static_cast<std::uint16_t>(octets.size());
    view.header_length = 12;
    view.sequence = load_be16(&octets[2]);
    view.ssrc = load_be32(&octets[rtcp ? 4 : 8]);
    return view;
  }

  std::unique_ptr<SrtpEngine> engine_;
  OutboundStreamPtr outbound_;
  InboundStreamPtr inbound_;
  std::set<Octets> made_;
  Octets last_;
  std::uint16_t sequence_ = 65000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteCursor input({data, size});
  Exchange exchange(read_config(input));
  for (std::size_t i = 0; i < kMaxPackets && input.remaining() > 0; ++i) {
    const std::uint8_t kind = input.u8();
    const std::size_t length = std::min<std::size_t>(input.u16() % (kMaxPayload + 1), input.remaining());
    exchange.feed(static_cast<Kind>(kind % kKinds), (kind & 0x80) != 0, input.take(length));
  }
  return 0;
}
