// SPDX-License-Identifier: GPL-3.0-or-later
// A browser's leg from its first check to its first voice: frames in, a worker, a handshake table, keys,
// frames out.
#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include "keying/handshake_table.h"
#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace keying_path_test {

using test::Octets;
using test::RelayRig;

constexpr keying::LegId kLeg = 9;

/// The handshake thread's door to the rig's worker, as control makes it for real ones.
class RigPath final : public keying::MediaPath {
 public:
  explicit RigPath(RelayRig& rig) : rig_(rig) {}

  std::size_t receive(const std::function<void(const keying::PuntedDatagram&)>& take) override {
    return rig_.workers[0]->rings().handshakes.consume_all([&](const HandshakePacket& packet) {
      take({packet.leg, static_cast<std::uint8_t>(packet.component), packet.source, packet.neighbour,
            packet.octets()});
    });
  }
  void send(const keying::LocalPort& local, const Endpoint& remote,
            const std::optional<MacAddress>& neighbour, std::span<const std::uint8_t> payload) override {
    rte_mbuf* packet = rig_.access.blank();
    std::ranges::copy(payload, reinterpret_cast<std::uint8_t*>(
                                   rte_pktmbuf_append(packet, static_cast<std::uint16_t>(payload.size()))));
    rig_.workers[local.worker]->rings().answers.push(
        {packet, {local.worker, local.address, local.port, remote, neighbour}});
  }

 private:
  RelayRig& rig_;
};

/// Keys and nominations, as control gets them.
struct Told final : keying::HandshakeEvents {
  void happened(keying::HandshakeEvent event) override {
    if (auto* got = std::get_if<keying::handshake_event::Keys>(&event)) keys = std::move(got->keying);
    if (auto* got = std::get_if<keying::handshake_event::Nominated>(&event)) nominated = got->remote;
  }
  std::optional<crypto::Keying> keys;
  std::optional<Endpoint> nominated;
};

crypto::SrtpConfig stream_of(crypto::SuiteId suite, const crypto::KeyMaterial& material) {
  crypto::SrtpConfig config;
  config.suite = suite;
  config.master_key = material.key.duplicate();
  config.master_salt = material.salt.duplicate();
  return config;
}

/// What a browser does on its side of the wire.
class Browser final : public keying::DatagramSink {
 public:
  Browser(RelayRig& rig, const Call& call, const std::shared_ptr<const keying::DtlsIdentity>& ours)
      : rig_(rig), call_(call), association_(settings(ours), *this) {}

  void send(std::span<const std::uint8_t> payload) override {
    rig_.access.deliver(call_.from_access(payload));
  }
  void check(const keying::IceCredentials& credentials) {
    keying::StunWriter writer(keying::StunClass::request, keying::kStunBinding, {});
    writer.username(credentials.fragment + ":browser");
    writer.priority(1000);
    writer.ice_controlling(1);
    writer.use_candidate();
    writer.message_integrity(keying::StunKey(credentials.password.view()));
    writer.fingerprint();
    send(writer.octets());
  }
  void start() { association_.start(0); }
  /// What has come out of our port; gives the datagrams that were STUN.
  std::size_t receive() {
    std::size_t stun = 0;
    for (const Octets& octets : rig_.access.sent()) {
      const auto frame = test::read_frame(octets);
      EXPECT_TRUE(frame && frame->destination == call_.access_remote);
      if (frame->payload[0] < 4)
        ++stun;
      else if (frame->payload[0] < 64)
        association_.receive(frame->payload, 0);
      else
        media = frame->payload;
    }
    return stun;
  }
  keying::DtlsAssociation& association() { return association_; }

  Octets media;  ///< the last

 private:
  static keying::DtlsSettings settings(const std::shared_ptr<const keying::DtlsIdentity>& peer) {
    keying::DtlsSettings made;
    made.identity = identity();
    made.role = keying::DtlsRole::active;
    made.profiles = {crypto::SuiteId::aes_cm_128_hmac_sha1_80, crypto::SuiteId::aead_aes_256_gcm};
    made.peer_fingerprints = {peer->fingerprints()[0]};
    return made;
  }

 public:
  static const std::shared_ptr<const keying::DtlsIdentity>& identity() {
    static const auto made = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256).value();
    return made;
  }

 private:
  RelayRig& rig_;
  const Call& call_;
  keying::DtlsAssociation association_;
};

TEST(KeyingPath, ABrowsersLegFromItsFirstCheckToItsFirstVoice) {
  RelayRig rig;
  Call call(rig, {.access_mux = true});
  FlowConfig in = call.config(true);
  in.arrival.awaits_keys = {true, true};
  in.arrival.handshakes = {.stun = true, .dtls = true};
  in.arrival.leg = kLeg;
  FlowConfig out = call.config(false);
  out.departure.awaits_keys = {true, true};
  const FlowPtr forth = make_flow(std::move(in));
  const FlowPtr back = make_flow(std::move(out));
  ASSERT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {call.forth.get(), call.back.get()},
                         .replacements = {forth.get(), back.get()}}),
            CommandResult::done);

  const auto ours = keying::DtlsIdentity::make(keying::DtlsKeyType::ecdsa_p256).value();
  RigPath path(rig);
  Told told;
  keying::HandshakeCounters counters;
  keying::HandshakeTable table(path, told, counters, {});
  keying::LegKeying leg;
  leg.leg = kLeg;
  leg.local[0] = {0, 0, call.access_local.port};
  leg.ice = keying::make_ice_credentials();
  const auto credentials = leg.ice->duplicate();
  leg.identity = ours;
  leg.profiles = {crypto::SuiteId::aead_aes_256_gcm};
  leg.peer_fingerprints = {Browser::identity()->fingerprints()[1]};
  table.add(std::move(leg), 0);

  Browser browser(rig, call, ours);
  std::size_t stun_answers = 0;
  const auto turn = [&] {
    rig.settle();
    path.receive([&](const keying::PuntedDatagram& datagram) { table.receive(datagram, 0); });
    rig.settle();
    stun_answers += browser.receive();
  };
  browser.check(credentials);
  turn();
  EXPECT_EQ(stun_answers, 1u);
  EXPECT_EQ(told.nominated, call.access_remote);
  browser.start();
  for (int i = 0; i < 10 && !told.keys; ++i) turn();
  turn();
  ASSERT_TRUE(told.keys);
  EXPECT_EQ(told.keys->suite, crypto::SuiteId::aead_aes_256_gcm);
  const auto theirs = browser.association().take_keys();
  ASSERT_TRUE(theirs);

  // Control's part: flows with the keys, towards the nominated address.
  FlowConfig keyed_in = call.config(true);
  keyed_in.arrival.stream =
      std::move(*rig.engine->make_inbound(stream_of(told.keys->suite, told.keys->receive)));
  keyed_in.arrival.handshakes = {.stun = true, .dtls = true};
  keyed_in.arrival.leg = kLeg;
  FlowConfig keyed_out = call.config(false);
  keyed_out.departure.stream =
      std::move(*rig.engine->make_outbound(stream_of(told.keys->suite, told.keys->send)));
  const FlowPtr keyed_forth = make_flow(std::move(keyed_in));
  const FlowPtr keyed_back = make_flow(std::move(keyed_out));
  ASSERT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {forth.get(), back.get()},
                         .replacements = {keyed_forth.get(), keyed_back.get()}}),
            CommandResult::done);

  const auto reference = std::move(*crypto::make_srtp_engine(crypto::EngineKind::libsrtp2));
  const auto sends = std::move(*reference->make_outbound(stream_of(theirs->suite, theirs->send)));
  Octets voice = test::rtp_packet({}, kVoice);
  const std::size_t clear = voice.size();
  voice.resize(clear + crypto::kMaxProtectionOverhead);
  std::array packets{crypto::OutboundPacket{}};
  packets[0].data = voice.data();
  packets[0].length = static_cast<std::uint16_t>(clear);
  packets[0].room = static_cast<std::uint16_t>(voice.size());
  packets[0].header_length = 12;
  packets[0].sequence = 1;
  packets[0].ssrc = test::RtpSpec{}.ssrc;
  packets[0].stream = sends.get();
  reference->protect_rtp(packets);
  voice.resize(packets[0].length);
  browser.send(voice);
  rig.core.deliver(call.from_core(test::rtp_packet({}, kVoice)));
  rig.settle();
  const auto sent = rig.core.sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(test::read_frame(sent[0])->payload, test::rtp_packet({}, kVoice));
  browser.receive();
  EXPECT_EQ(browser.media.size(), clear + 16);  // with a GCM tag
  // Consent checks are answered all the while.
  browser.check(credentials);
  turn();
  EXPECT_EQ(stun_answers, 2u);

  EXPECT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {keyed_forth.get(), keyed_back.get()},
                         .replacements = {call.forth.get(), call.back.get()}}),
            CommandResult::done);
}

/// A phone that speaks ZRTP.
class ZrtpPhone final : public keying::DatagramSink {
 public:
  ZrtpPhone(RelayRig& rig, const Call& call) : rig_(rig), call_(call) {}
  void send(std::span<const std::uint8_t> payload) override {
    rig_.access.deliver(call_.from_access(payload));
  }
  void receive(keying::InstantMs now) {
    for (const Octets& octets : rig_.access.sent())
      association->receive(test::read_frame(octets).value().payload, now);
  }
  std::unique_ptr<keying::ZrtpAssociation> association = keying::ZrtpAssociation::make({}).value();

 private:
  RelayRig& rig_;
  const Call& call_;
};

TEST(KeyingPath, MediaInClearGoesOnUntilZrtpHasKeys) {
  RelayRig rig;
  Call call(rig, {});
  FlowConfig in = call.config(true);
  in.arrival.handshakes = {.zrtp = true};
  in.arrival.leg = kLeg;
  const FlowPtr forth = make_flow(std::move(in));
  const FlowPtr back = make_flow(call.config(false));
  ASSERT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {call.forth.get(), call.back.get()},
                         .replacements = {forth.get(), back.get()}}),
            CommandResult::done);
  RigPath path(rig);
  Told told;
  keying::HandshakeCounters counters;
  keying::HandshakeTable table(path, told, counters, {});
  ZrtpPhone phone(rig, call);
  keying::LegKeying leg;
  leg.leg = kLeg;
  leg.local[0] = {0, 0, call.access_local.port};
  leg.remote[0] = call.access_remote;
  leg.zrtp = keying::ZrtpAssociation::make({}).value();
  table.add(std::move(leg), 0);

  std::uint16_t sent = 0;
  keying::InstantMs now = 0;
  // The phone begins late, and both talk all the while.
  for (; now < 10000 && !told.keys; now += 20) {
    rig.access.deliver(call.from_access(test::rtp_packet({.sequence = ++sent}, kVoice)));
    if (now == 2000) phone.association->begin(phone, now);
    phone.association->on_timer(now);
    if (table.deadline() && *table.deadline() <= now) table.advance(now);
    rig.settle();
    path.receive([&](const keying::PuntedDatagram& datagram) { table.receive(datagram, now); });
    rig.settle();
    if (now >= 2000) phone.receive(now);
  }
  ASSERT_TRUE(told.keys);
  ASSERT_GT(sent, 100u);
  EXPECT_EQ(rig.core.sent().size(), sent);
  rig.settle();
  phone.receive(now);
  const auto theirs = phone.association->take_keys();
  ASSERT_TRUE(theirs);
  EXPECT_TRUE(crypto::same_master_key(told.keys->send, theirs->receive));
  EXPECT_TRUE(crypto::same_master_key(told.keys->receive, theirs->send));
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_zrtp), 0u);
  EXPECT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {forth.get(), back.get()},
                         .replacements = {call.forth.get(), call.back.get()}}),
            CommandResult::done);
}

}  // namespace keying_path_test
}  // namespace sallyport::dataplane
