// SPDX-License-Identifier: GPL-3.0-or-later
// Legs of a handshake table: who may begin, who hears the answers, what control is told.
#include "keying/handshake_table.h"

#include <gtest/gtest.h>

#include "tests/unit/keying/dtls_rig.h"

namespace sallyport::keying::test {
namespace {

using handshake_event::Ended;
using handshake_event::Keys;
using handshake_event::Nominated;

constexpr LegId kLeg = 7;
const Endpoint kPeer{IpAddress::v4({198, 51, 100, 7}), 50000};
const Endpoint kStranger{IpAddress::v4({203, 0, 113, 9}), 40000};
constexpr MacAddress kGateway{2, 0, 0, 0, 0, 1};

struct Sent {
  LocalPort local;
  Endpoint remote;
  std::optional<MacAddress> neighbour;
  Octets payload;
};

class RecordedPath final : public MediaPath {
 public:
  std::size_t receive(const std::function<void(const PuntedDatagram&)>&) override { return 0; }
  void send(const LocalPort& local, const Endpoint& remote, const std::optional<MacAddress>& neighbour,
            std::span<const std::uint8_t> payload) override {
    sent.push_back({local, remote, neighbour, {payload.begin(), payload.end()}});
  }
  std::vector<Sent> sent;
};

class RecordedEvents final : public HandshakeEvents {
 public:
  void happened(HandshakeEvent event) override { events.push_back(std::move(event)); }
  template <typename T>
  [[nodiscard]] const T* last() const {
    return events.empty() ? nullptr : std::get_if<T>(&events.back());
  }
  std::vector<HandshakeEvent> events;
};

class HandshakeTables : public testing::Test {
 protected:
  void make_table(const HandshakeLimits& limits = {}) { table_.emplace(path_, events_, counters_, limits); }
  HandshakeTables() { make_table(); }

  static LegKeying leg(LegId id = kLeg) {
    LegKeying keying;
    keying.leg = id;
    keying.local = {LocalPort{1, 2, 30000}, LocalPort{1, 2, 30001}};
    keying.remote = {kPeer, {kPeer.address, 50001}};
    keying.identity = ecdsa_identity();
    keying.profiles = all_profiles();
    keying.peer_fingerprints = {other_identity()->fingerprints()[0]};
    return keying;
  }
  static DtlsSettings peer_settings(DtlsRole role = DtlsRole::active) {
    return settings_for(role, other_identity(), ecdsa_identity());
  }
  void receive(std::span<const std::uint8_t> payload, const Endpoint& source = kPeer,
               std::uint8_t component = 0, LegId id = kLeg) {
    table_->receive({id, component, source, kGateway, payload}, now_);
  }
  /// Carries datagrams between the table's leg and a peer at `at` until there are none.
  void converse(End& peer, const Endpoint& at = kPeer, std::uint8_t component = 0, LegId id = kLeg) {
    do {
      for (const Octets& datagram : peer.outbox.take()) receive(datagram, at, component, id);
      for (const Sent& sent : std::exchange(path_.sent, {})) {
        EXPECT_EQ(sent.remote, at);
        peer.association.receive(sent.payload, now_);
      }
    } while (!peer.outbox.datagrams.empty());
  }
  /// A check of a full agent with our leg's credentials.
  Octets check(const IceCredentials& credentials, bool nominates) const {
    StunWriter writer(StunClass::request, kStunBinding, {});
    writer.username(credentials.fragment + ":peer");
    writer.priority(1000);
    writer.ice_controlling(1);
    if (nominates) writer.use_candidate();
    writer.message_integrity(StunKey(credentials.password.view()));
    writer.fingerprint();
    return {writer.octets().begin(), writer.octets().end()};
  }

  RecordedPath path_;
  RecordedEvents events_;
  HandshakeCounters counters_;
  std::optional<HandshakeTable> table_;
  InstantMs now_ = 1000;
};

TEST_F(HandshakeTables, APassiveLegGivesItsKeys) {
  table_->add(leg(), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  converse(peer);
  const Keys* keys = events_.last<Keys>();
  ASSERT_NE(keys, nullptr);
  EXPECT_EQ(keys->leg, kLeg);
  EXPECT_EQ(keys->component, 0);
  const auto theirs = peer.association.take_keys();
  ASSERT_TRUE(theirs);
  EXPECT_TRUE(crypto::same_master_key(keys->keying.send, theirs->receive));
  EXPECT_EQ(events_.events.size(), 1U);
  EXPECT_EQ(table_->handshakes(), 0U);
  EXPECT_EQ(counters_[DtlsOutcome::established], 1U);
}

TEST_F(HandshakeTables, AnActiveLegBeginsWhereSdpPoints) {
  LegKeying keying = leg();
  keying.role = DtlsRole::active;
  table_->add(std::move(keying), now_);
  ASSERT_EQ(path_.sent.size(), 1U);
  EXPECT_EQ(path_.sent[0].remote, kPeer);
  EXPECT_EQ(path_.sent[0].local.port, 30000);
  EXPECT_FALSE(path_.sent[0].neighbour);
  EXPECT_EQ(table_->handshakes(), 1U);
  EXPECT_TRUE(table_->deadline());
  End peer(peer_settings(DtlsRole::passive));
  converse(peer);
  EXPECT_NE(events_.last<Keys>(), nullptr);
  EXPECT_EQ(table_->handshakes(), 0U);
}

TEST_F(HandshakeTables, TwoPortsShakeHandsTwice) {
  LegKeying keying = leg();
  keying.muxed = false;
  table_->add(std::move(keying), now_);
  for (const std::uint8_t component : {std::uint8_t{0}, std::uint8_t{1}}) {
    End peer(peer_settings());
    peer.association.start(now_);
    converse(peer, {kPeer.address, static_cast<std::uint16_t>(50000 + component)}, component);
    ASSERT_NE(events_.last<Keys>(), nullptr);
    EXPECT_EQ(events_.last<Keys>()->component, component);
  }
}

TEST_F(HandshakeTables, StrangersBeginNothing) {
  table_->add(leg(), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  const Octets hello = peer.outbox.datagrams.front();
  receive(hello, kStranger);
  receive(hello, {kPeer.address, 50002});  // the host, but not the port
  EXPECT_TRUE(path_.sent.empty());
  EXPECT_EQ(table_->handshakes(), 0U);
  EXPECT_EQ(counters_[HandshakeCount::wrong_source], 2U);
  receive(hello, kPeer, 0, kLeg + 1);
  EXPECT_EQ(counters_[HandshakeCount::unknown_leg], 1U);
}

TEST_F(HandshakeTables, ANamedHostMayComeFromAnotherPortAndStaysThere) {
  LegKeying keying = leg();
  keying.named_hosts = {kStranger.address};
  table_->add(std::move(keying), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  const Octets hello = peer.outbox.datagrams.front();
  converse(peer, kStranger);
  EXPECT_NE(events_.last<Keys>(), nullptr);
  receive(hello, {kStranger.address, 1});
  receive(hello, kPeer);
  EXPECT_EQ(counters_[HandshakeCount::wrong_source], 2U);
}

TEST_F(HandshakeTables, WithIceOnlyAValidatedAddressBegins) {
  LegKeying keying = leg();
  keying.ice = make_ice_credentials();
  const IceCredentials credentials = keying.ice->duplicate();
  table_->add(std::move(keying), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  receive(peer.outbox.datagrams.front());
  EXPECT_EQ(counters_[HandshakeCount::wrong_source], 1U);
  EXPECT_TRUE(path_.sent.empty());

  receive(check(credentials, false));
  ASSERT_EQ(path_.sent.size(), 1U);
  EXPECT_EQ(path_.sent[0].remote, kPeer);
  EXPECT_EQ(path_.sent[0].neighbour, kGateway);
  EXPECT_TRUE(events_.events.empty());
  path_.sent.clear();
  converse(peer);
  EXPECT_NE(events_.last<Keys>(), nullptr);
}

TEST_F(HandshakeTables, WithIceAnActiveLegWaitsForTheNomination) {
  LegKeying keying = leg();
  keying.role = DtlsRole::active;
  keying.ice = make_ice_credentials();
  const IceCredentials credentials = keying.ice->duplicate();
  table_->add(std::move(keying), now_);
  receive(check(credentials, false), kStranger);
  EXPECT_EQ(path_.sent.size(), 1U);  // the check's answer
  EXPECT_EQ(table_->handshakes(), 0U);
  path_.sent.clear();
  receive(check(credentials, true), kStranger);
  const Nominated* nominated = events_.last<Nominated>();
  ASSERT_NE(nominated, nullptr);
  EXPECT_EQ(nominated->remote, kStranger);
  ASSERT_EQ(path_.sent.size(), 2U);
  EXPECT_EQ(path_.sent[1].remote, kStranger);  // the ClientHello
  EXPECT_EQ(path_.sent[1].payload[0], 22);
  path_.sent.erase(path_.sent.begin());
  End peer(peer_settings(DtlsRole::passive));
  converse(peer, kStranger);
  EXPECT_NE(events_.last<Keys>(), nullptr);
}

TEST_F(HandshakeTables, KeysWaitForTheAnswer) {
  LegKeying keying = leg();
  keying.peer_fingerprints.clear();
  table_->add(std::move(keying), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  converse(peer);
  EXPECT_TRUE(events_.events.empty());
  table_->answer({kLeg, {kPeer, {}}, {}, {other_identity()->fingerprints()[2]}}, now_);
  EXPECT_NE(events_.last<Keys>(), nullptr);
}

TEST_F(HandshakeTables, AnAnswerStartsAnActiveLegThatKnewNoAddress) {
  LegKeying keying = leg();
  keying.role = DtlsRole::active;
  keying.remote = {};
  keying.peer_fingerprints.clear();
  table_->add(std::move(keying), now_);
  EXPECT_TRUE(path_.sent.empty());
  table_->answer({kLeg, {kPeer, {}}, {}, {other_identity()->fingerprints()[0]}}, now_);
  EXPECT_EQ(path_.sent.size(), 1U);
}

TEST_F(HandshakeTables, AWrongFingerprintIsTold) {
  LegKeying keying = leg();
  keying.peer_fingerprints = {rsa_identity()->fingerprints()[0]};
  table_->add(std::move(keying), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  converse(peer);
  const Ended* ended = events_.last<Ended>();
  ASSERT_NE(ended, nullptr);
  EXPECT_EQ(ended->outcome, DtlsOutcome::wrong_fingerprint);
  EXPECT_EQ(table_->handshakes(), 0U);
}

TEST_F(HandshakeTables, NewKeysBeginWithANewHandshake) {
  table_->add(leg(), now_);
  End first(peer_settings());
  first.association.start(now_);
  converse(first);
  table_->add(leg(), now_);
  End second(peer_settings());
  second.association.start(now_);
  converse(second);
  ASSERT_EQ(events_.events.size(), 2U);
  EXPECT_FALSE(crypto::same_master_key(std::get<Keys>(events_.events[0]).keying.send,
                                       std::get<Keys>(events_.events[1]).keying.send));
}

TEST_F(HandshakeTables, AKeptAssociationIsNotDisturbed) {
  table_->add(leg(), now_);
  End peer(peer_settings());
  peer.association.start(now_);
  converse(peer);
  LegKeying moved = leg();
  moved.keeps_association = true;
  moved.remote[0] = kStranger;
  table_->add(std::move(moved), now_);
  EXPECT_EQ(events_.events.size(), 1U);
  table_->remove(kLeg);
  ASSERT_EQ(path_.sent.size(), 1U);
  EXPECT_EQ(path_.sent[0].remote, kStranger);  // close_notify goes where the peer is now
  EXPECT_EQ(path_.sent[0].payload[0], 21);
}

TEST_F(HandshakeTables, LimitsRefuseAndCount) {
  HandshakeLimits limits;
  limits.set(HandshakeLimit::handshakes, 3);
  limits.set(HandshakeLimit::handshakes_per_source, 2);
  limits.set(HandshakeLimit::legs, 5);
  make_table(limits);
  const auto begin = [&](LegId id, const Endpoint& remote) {
    LegKeying keying = leg(id);
    keying.role = DtlsRole::active;
    keying.remote[0] = remote;
    table_->add(std::move(keying), now_);
  };
  begin(1, kPeer);
  begin(2, {kPeer.address, 1});
  begin(3, {kPeer.address, 2});
  EXPECT_EQ(counters_[HandshakeLimit::handshakes_per_source], 1U);
  ASSERT_NE(events_.last<Ended>(), nullptr);
  EXPECT_EQ(events_.last<Ended>()->outcome, DtlsOutcome::limit_reached);
  begin(4, kStranger);
  begin(5, {IpAddress::v4({192, 0, 2, 1}), 1});
  EXPECT_EQ(counters_[HandshakeLimit::handshakes], 1U);
  begin(6, kStranger);
  EXPECT_EQ(counters_[HandshakeLimit::legs], 1U);
  EXPECT_EQ(table_->legs(), 5U);
  EXPECT_EQ(table_->handshakes(), 3U);
  for (LegId id = 1; id <= 5; ++id) table_->remove(id);
  EXPECT_EQ(table_->handshakes(), 0U);
  EXPECT_FALSE(table_->deadline());
  begin(7, kPeer);
  EXPECT_EQ(table_->handshakes(), 1U);
}

TEST_F(HandshakeTables, ASilentPeerEndsInTime) {
  LegKeying keying = leg();
  keying.role = DtlsRole::active;
  table_->add(std::move(keying), now_);
  for (int turn = 0; turn < 100 && table_->deadline(); ++turn) {
    const InstantMs step = std::max<InstantMs>(*table_->deadline() - now_, 1);
    now_ += step;
    wall_clock_ms += step;
    table_->advance(now_);
  }
  ASSERT_NE(events_.last<Ended>(), nullptr);
  EXPECT_EQ(events_.last<Ended>()->outcome, DtlsOutcome::timed_out);
  EXPECT_EQ(table_->handshakes(), 0U);
  EXPECT_GT(path_.sent.size(), 5U);
}

TEST_F(HandshakeTables, WhatTheLegDoesNotSpeakIsCounted) {
  LegKeying keying = leg();
  keying.identity = nullptr;
  table_->add(std::move(keying), now_);
  receive(Octets{22, 0xfe, 0xfd});
  receive(Octets(20, 0));
  receive(Octets{});
  receive(Octets{0x80, 0});
  EXPECT_EQ(counters_[HandshakeCount::unexpected], 4U);
}

TEST_F(HandshakeTables, AFloodOfForgeriesLeavesNothing) {
  LegKeying keying = leg();
  keying.ice = make_ice_credentials();
  table_->add(std::move(keying), now_);
  const Octets forged = check(make_ice_credentials(), true);
  End peer(peer_settings());
  peer.association.start(now_);
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    receive(forged, {kStranger.address, port});
    receive(peer.outbox.datagrams.front(), {kStranger.address, port});
  }
  EXPECT_TRUE(path_.sent.empty());
  EXPECT_TRUE(events_.events.empty());
  EXPECT_EQ(table_->handshakes(), 0U);
  EXPECT_EQ(counters_[IceOutcome::wrong_username], 2000U);
  EXPECT_EQ(counters_[HandshakeCount::wrong_source], 2000U);
}

}  // namespace
}  // namespace sallyport::keying::test
