// SPDX-License-Identifier: GPL-3.0-or-later
// Legs that ZRTP keys, in a handshake table and in threads: who may begin, what control is told.
#include <map>
#include <mutex>

#include <gtest/gtest.h>
#include <poll.h>

#include "keying/handshake_thread.h"
#include "tests/unit/keying/zrtp_rig.h"

namespace sallyport::keying::test {
namespace {

using handshake_event::Keys;
using handshake_event::ZrtpEnded;
using handshake_event::ZrtpSecured;

constexpr LegId kLeg = 9;
const Endpoint kPeer{IpAddress::v4({198, 51, 100, 7}), 50000};
const Endpoint kStranger{IpAddress::v4({203, 0, 113, 9}), 40000};
constexpr MacAddress kGateway{2, 0, 0, 0, 0, 1};

class RecordedPath final : public MediaPath {
 public:
  struct Sent {
    LocalPort local;
    Endpoint remote;
    Octets payload;
  };
  std::size_t receive(const std::function<void(const PuntedDatagram&)>&) override { return 0; }
  void send(const LocalPort& local, const Endpoint& remote, const std::optional<MacAddress>&,
            std::span<const std::uint8_t> payload) override {
    sent.push_back({local, remote, {payload.begin(), payload.end()}});
  }
  std::vector<Sent> sent;
};

class ZrtpLegs : public testing::Test, private HandshakeEvents {
 protected:
  static LegKeying leg(LegId id = kLeg, ZrtpSettings settings = {}) {
    LegKeying keying;
    keying.leg = id;
    keying.local = {LocalPort{1, 2, 30000}, LocalPort{1, 2, 30001}};
    keying.remote = {kPeer, {kPeer.address, 50001}};
    keying.zrtp = ZrtpAssociation::make(std::move(settings)).value();
    return keying;
  }
  void receive(const Octets& payload, const Endpoint& source = kPeer, std::uint8_t component = 0) {
    table_.receive({kLeg, component, source, kGateway, payload}, now_);
  }
  /// Carries what both say until they have nothing more to say for a while.
  void converse(RawZrtp& peer, InstantMs ms = 2000) {
    for (const InstantMs until = now_ + ms; now_ < until; now_ += 10) {
      if (table_.deadline() && *table_.deadline() <= now_) table_.advance(now_);
      peer.iterate(now_);
      for (const Octets& packet : std::exchange(peer.sent, {})) receive(packet);
      for (const auto& [local, remote, payload] : std::exchange(path_.sent, {})) {
        EXPECT_EQ(remote, kPeer);
        EXPECT_EQ(local.port, 30000);
        peer.receive(payload);
      }
    }
  }
  template <typename Event>
  [[nodiscard]] std::vector<const Event*> told() const {
    std::vector<const Event*> found;
    for (const HandshakeEvent& event : events_)
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(one);
    return found;
  }

  RecordedPath path_;
  HandshakeCounters counters_;
  InstantMs now_ = 1000;
  std::vector<HandshakeEvent> events_;
  HandshakeTable table_ = make_table({});
  HandshakeTable make_table(const HandshakeLimits& limits) { return {path_, *this, counters_, limits}; }

 private:
  void happened(HandshakeEvent event) override { events_.push_back(std::move(event)); }
};

TEST_F(ZrtpLegs, TellTheirKeysAndThenTheSas) {
  table_.add(leg(), now_);
  ASSERT_EQ(path_.sent.size(), 1U);
  EXPECT_EQ(type_of(path_.sent[0].payload), ZrtpMessageType::hello);
  EXPECT_EQ(table_.handshakes(), 1U);
  RawZrtp peer;
  peer.start(now_);
  converse(peer);
  ASSERT_EQ(events_.size(), 2U);
  const auto* keys = std::get_if<Keys>(&events_[0]);
  const auto* secured = std::get_if<ZrtpSecured>(&events_[1]);
  ASSERT_TRUE(keys && secured);
  EXPECT_EQ(keys->leg, kLeg);
  EXPECT_EQ(keys->component, 0);
  EXPECT_FALSE(keys->for_both_ports);
  const auto key = keys->keying.send.key.view();
  EXPECT_EQ(Octets(key.begin(), key.end()), peer.peer_key);
  EXPECT_EQ(secured->leg, kLeg);
  EXPECT_EQ(secured->security.sas, peer.sas);
  EXPECT_EQ(counters_[ZrtpOutcome::secured], 1U);
  EXPECT_EQ(table_.handshakes(), 0U);
  table_.settle(kLeg);
  EXPECT_FALSE(table_.deadline());
  table_.remove(kLeg);
  EXPECT_EQ(counters_[ZrtpOutcome::closed], 1U);
  EXPECT_EQ(events_.size(), 2U);
}

TEST_F(ZrtpLegs, OneExchangeKeysBothPorts) {
  LegKeying keying = leg();
  keying.muxed = false;
  table_.add(std::move(keying), now_);
  RawZrtp peer;
  peer.start(now_);
  receive(peer.sent.front(), {kPeer.address, 50001}, 1);
  EXPECT_EQ(counters_[HandshakeCount::unexpected], 1U);
  converse(peer);
  const auto keys = told<Keys>();
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0]->component, 0);
  EXPECT_TRUE(keys[0]->for_both_ports);
  EXPECT_EQ(told<ZrtpSecured>().size(), 1U);
}

TEST_F(ZrtpLegs, StrangersBeginNothingAndDisturbNothing) {
  LegKeying keying = leg();
  keying.remote = {};
  table_.add(std::move(keying), now_);
  RawZrtp stranger;
  stranger.start(now_);
  const Octets hello = stranger.sent.front();
  for (int i = 0; i < 10; ++i) receive(hello, kStranger);
  EXPECT_TRUE(path_.sent.empty());
  EXPECT_EQ(table_.handshakes(), 0U);
  EXPECT_EQ(counters_[HandshakeCount::wrong_source], 10U);
  LegAnswer answer;
  answer.leg = kLeg;
  answer.remote = {kPeer, kPeer};
  table_.answer(std::move(answer), now_);
  EXPECT_EQ(path_.sent.size(), 1U);
  RawZrtp peer;
  peer.start(now_);
  receive(hello, kStranger);
  EXPECT_EQ(counters_[HandshakeCount::wrong_source], 11U);
  converse(peer);
  EXPECT_EQ(told<ZrtpSecured>().size(), 1U);
}

TEST_F(ZrtpLegs, ANamedHostBeginsFromWhereItSpeaks) {
  LegKeying keying = leg();
  keying.remote = {};
  keying.named_hosts = {kPeer.address};
  table_.add(std::move(keying), now_);
  RawZrtp peer;
  peer.start(now_);
  converse(peer);
  EXPECT_EQ(told<ZrtpSecured>().size(), 1U);
}

TEST_F(ZrtpLegs, TheAnswersHashIsChecked) {
  for (const bool right : {true, false}) {
    events_.clear();
    LegKeying keying = leg();
    keying.remote = {};
    table_.add(std::move(keying), now_);
    RawZrtp peer;
    LegAnswer answer;
    answer.leg = kLeg;
    answer.remote = {kPeer, kPeer};
    answer.peer_hello_hash = right ? peer.hello_hash() : RawZrtp().hello_hash();
    table_.answer(std::move(answer), now_);
    peer.start(now_);
    converse(peer, 12000);
    EXPECT_EQ(told<ZrtpSecured>().size(), right ? 1U : 0U);
    ASSERT_EQ(told<ZrtpEnded>().size(), right ? 0U : 1U);
    if (!right) {
      EXPECT_EQ(told<ZrtpEnded>()[0]->outcome, ZrtpOutcome::impostor);
    }
    EXPECT_EQ(table_.handshakes(), 0U);
  }
  EXPECT_GE(counters_[ZrtpOutcome::wrong_hello_hash], 1U);
}

TEST_F(ZrtpLegs, AnUnansweredLegGivesItsPlaceBackAndTakesALatePeer) {
  table_.add(leg(), now_);
  while (told<ZrtpEnded>().empty()) {
    ASSERT_TRUE(table_.deadline());
    now_ = *table_.deadline();
    table_.advance(now_);
  }
  ASSERT_EQ(told<ZrtpEnded>().size(), 1U);
  EXPECT_EQ(told<ZrtpEnded>()[0]->outcome, ZrtpOutcome::unanswered);
  EXPECT_EQ(table_.handshakes(), 0U);
  receive(Octets{16, 0, 0, 0});
  EXPECT_EQ(table_.handshakes(), 0U);
  path_.sent.clear();
  RawZrtp peer;
  peer.start(now_);
  converse(peer);
  EXPECT_EQ(told<ZrtpSecured>().size(), 1U);
  EXPECT_EQ(told<ZrtpEnded>().size(), 1U);
}

TEST_F(ZrtpLegs, LimitsHoldForThemToo) {
  HandshakeLimits limits;
  limits.set(HandshakeLimit::handshakes_per_source, 2);
  HandshakeTable table = make_table(limits);
  for (LegId id = 1; id <= 3; ++id) table.add(leg(id), now_);
  EXPECT_EQ(table.handshakes(), 2U);
  EXPECT_EQ(counters_[HandshakeLimit::handshakes_per_source], 1U);
  ASSERT_EQ(told<ZrtpEnded>().size(), 1U);
  EXPECT_EQ(told<ZrtpEnded>()[0]->leg, 3U);
  EXPECT_EQ(told<ZrtpEnded>()[0]->outcome, ZrtpOutcome::limit_reached);
  table.remove(1);
  EXPECT_EQ(table.handshakes(), 1U);
}

TEST_F(ZrtpLegs, AReofferKeepsTheAssociationOrBeginsAnew) {
  table_.add(leg(), now_);
  RawZrtp peer;
  peer.start(now_);
  converse(peer);
  LegKeying kept = leg();
  kept.keeps_association = true;
  kept.zrtp.reset();
  table_.add(std::move(kept), now_);
  EXPECT_TRUE(path_.sent.empty());
  table_.add(leg(), now_);
  RawZrtp again;
  again.start(now_);
  converse(again);
  ASSERT_EQ(told<ZrtpSecured>().size(), 2U);
  EXPECT_NE(told<ZrtpSecured>()[0]->security.sas, told<ZrtpSecured>()[1]->security.sas);
  // And without.
  LegKeying none = leg();
  none.zrtp.reset();
  table_.add(std::move(none), now_);
  EXPECT_FALSE(table_.deadline());
  receive(write_zrtp(ZrtpMessageType::hello_ack, 1));
  EXPECT_EQ(counters_[HandshakeCount::unexpected], 1U);
}

/// What one thread sends the other receives; the leg is the port's distance from 30000.
class MemoryPath final : public MediaPath {
 public:
  explicit MemoryPath(IpAddress own) : own_(own) {}
  void connect(MemoryPath& peer) { peer_ = &peer; }
  std::size_t receive(const std::function<void(const PuntedDatagram&)>& take) override {
    std::deque<std::pair<std::uint16_t, Octets>> arrived;
    {
      const std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
    }
    for (const auto& [port, payload] : arrived) take({port - 30000U, 0, {peer_->own_, port}, {}, payload});
    return arrived.size();
  }
  void send(const LocalPort& local, const Endpoint&, const std::optional<MacAddress>&,
            std::span<const std::uint8_t> payload) override {
    const std::lock_guard lock(peer_->mutex_);
    peer_->arrived_.emplace_back(local.port, Octets(payload.begin(), payload.end()));
  }

 private:
  const IpAddress own_;
  MemoryPath* peer_ = nullptr;
  std::mutex mutex_;
  std::deque<std::pair<std::uint16_t, Octets>> arrived_;
};

TEST(ZrtpThreads, AssociationsMadeHereRunThere) {
  constexpr LegId kLegs = 20;
  const auto left_address = IpAddress::v4({192, 0, 2, 1});
  const auto right_address = IpAddress::v4({192, 0, 2, 2});
  MemoryPath left_path(left_address);
  MemoryPath right_path(right_address);
  left_path.connect(right_path);
  right_path.connect(left_path);
  HandshakeThread left(left_path);
  HandshakeThread right(right_path);
  for (LegId id = 0; id < kLegs; ++id) {
    const auto port = static_cast<std::uint16_t>(30000 + id);
    auto ours = ZrtpAssociation::make({}).value();
    ZrtpSettings settings;
    settings.peer_hello_hash = ours->hello_hash();
    LegKeying there;
    there.leg = id;
    there.local[0].port = port;
    there.remote[0] = {left_address, port};
    there.zrtp = ZrtpAssociation::make(std::move(settings)).value();
    LegKeying here;
    here.leg = id;
    here.local[0].port = port;
    here.remote[0] = {right_address, port};
    here.zrtp = std::move(ours);
    ASSERT_TRUE(right.order(std::move(there)));
    ASSERT_TRUE(left.order(std::move(here)));
  }
  std::map<LegId, std::string> sas;
  for (HandshakeThread* thread : {&left, &right}) {
    std::size_t secured = 0;
    while (secured < kLegs) {
      pollfd bell{thread->event_descriptor(), POLLIN, 0};
      ASSERT_EQ(poll(&bell, 1, 60'000), 1);  // a bound for a thread that hangs
      thread->poll_events([&](HandshakeEvent& event) {
        const auto* told = std::get_if<ZrtpSecured>(&event);
        if (told == nullptr) return;
        ++secured;
        EXPECT_EQ(sas.emplace(told->leg, told->security.sas).first->second, told->security.sas);
      });
    }
    EXPECT_EQ(thread->counters()[ZrtpOutcome::secured], kLegs);
    EXPECT_TRUE(thread->order(handshake_order::Verify{0, true}));
  }
}

}  // namespace
}  // namespace sallyport::keying::test
