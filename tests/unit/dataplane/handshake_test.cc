// SPDX-License-Identifier: GPL-3.0-or-later
// Handshake packets on their way through a worker: passed on where a leg speaks their protocol, within
// bounds, and answered; and no media before there are keys.
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "dataplane/handshake_sender.h"
#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

const Octets kStun{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const Octets kDtls{22, 0xfe, 0xfd, 0, 0};
const Octets kZrtp{16, 0, 0, 0};
constexpr std::uint64_t kLeg = 4711;

/// A call whose access leg is to be keyed by a handshake: its flows stand in the place of the call's own.
class AwaitingCall {
 public:
  AwaitingCall(RelayRig& rig, const CallOptions& options, HandshakeFilter protocols)
      : rig_(rig), call(rig, options) {
    FlowConfig in = call.config(true);
    in.arrival.stream.reset();
    in.arrival.awaits_keys = {true, true};
    in.arrival.handshakes = protocols;
    in.arrival.leg = kLeg;
    FlowConfig out = call.config(false);
    out.departure.stream.reset();
    out.departure.awaits_keys = {true, true};
    forth = make_flow(std::move(in));
    back = make_flow(std::move(out));
    replace(*call.forth, *call.back, *forth, *back);
  }
  ~AwaitingCall() {
    if (!keyed) replace(*forth, *back, *call.forth, *call.back);
  }
  /// The handshake has given its keys: the call's own flows have them.
  void give_keys() {
    replace(*forth, *back, *call.forth, *call.back);
    keyed = true;
  }

 private:
  void replace(Flow& a, Flow& b, Flow& new_a, Flow& new_b) {
    EXPECT_EQ(
        rig_.execute({.kind = CommandKind::replace, .flows = {&a, &b}, .replacements = {&new_a, &new_b}}),
        CommandResult::done);
  }
  RelayRig& rig_;

 public:
  Call call;
  FlowPtr forth;
  FlowPtr back;
  bool keyed = false;
};

std::vector<HandshakePacket> passed_on(RelayRig& rig, std::size_t worker = 0) {
  std::vector<HandshakePacket> packets;
  rig.workers[worker]->rings().handshakes.consume_all(
      [&](const HandshakePacket& packet) { packets.push_back(packet); });
  return packets;
}

TEST(Handshakes, WhatALegSpeaksIsPassedOn) {
  RelayRig rig;
  const AwaitingCall call(rig, {.access_suite = SuiteId::aead_aes_128_gcm}, {.stun = true, .dtls = true});
  rig.access.deliver(call.call.from_access(kStun));
  rig.access.deliver(call.call.from_access(kDtls, 1));
  rig.access.deliver(call.call.from_access(kZrtp));
  rig.settle();
  const auto packets = passed_on(rig);
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_EQ(packets[0].leg, kLeg);
  EXPECT_EQ(packets[0].component, Component::rtp);
  EXPECT_EQ(packets[0].source, call.call.access_remote);
  EXPECT_EQ(packets[0].neighbour, test::FrameSpec{}.source_mac);
  EXPECT_TRUE(std::ranges::equal(packets[0].octets(), kStun));
  EXPECT_EQ(packets[1].component, Component::rtcp);
  EXPECT_TRUE(std::ranges::equal(packets[1].octets(), kDtls));
  EXPECT_EQ(rig.verdicts(Verdict::punt_handshake), 2u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_zrtp), 1u);
  EXPECT_EQ(rig.verdict_sum(), rig.received());
}

TEST(Handshakes, OtherLegsAndStrangePortsDropThem) {
  RelayRig rig;
  const AwaitingCall call(rig, {}, {.stun = true, .dtls = true, .zrtp = true});
  for (const Octets& octets : {kStun, kDtls, kZrtp}) {
    rig.core.deliver(call.call.from_core(octets));
    rig.access.deliver(call.call.from_access(octets, 500));
  }
  rig.settle();
  EXPECT_TRUE(passed_on(rig).empty());
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_stun), 2u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_dtls), 2u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_zrtp), 2u);
}

TEST(Handshakes, NoMediaBeforeTheKeysAndAllOfItAfterwards) {
  RelayRig rig;
  AwaitingCall call(rig, {.access_suite = SuiteId::aead_aes_128_gcm}, {.dtls = true});
  rig.access.deliver(call.call.from_access(test::rtp_packet({}, kVoice)));  // in clear
  rig.access.deliver(call.call.from_access(call.call.access_peer.close_rtp({.sequence = 1}, kVoice)));
  rig.access.deliver(call.call.from_access(test::rtcp_compound(1), 1));
  rig.core.deliver(call.call.from_core(test::rtp_packet({}, kVoice)));
  rig.settle();
  EXPECT_TRUE(rig.core.sent().empty());
  EXPECT_TRUE(rig.access.sent().empty());
  EXPECT_EQ(rig.verdicts(Verdict::drop_keys_awaited), 3u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_target), 1u);

  call.give_keys();
  rig.access.deliver(call.call.from_access(call.call.access_peer.close_rtp({.sequence = 2}, kVoice)));
  rig.core.deliver(call.call.from_core(test::rtp_packet({.sequence = 2}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_EQ(rig.access.sent().size(), 1u);
}

// A leg without rtcp-mux has a handshake for each component (RFC 5764 §3), and so keys for each.
TEST(Handshakes, RtcpWithKeysOfItsOwnComesLaterAndStays) {
  RelayRig rig;
  constexpr auto kSuite = SuiteId::aes_cm_128_hmac_sha1_80;
  Call call(rig, {.access_suite = kSuite});
  test::Peer rtcp_peer(kSuite, 7, 8);
  const auto replace = [&](Flow& a, Flow& b, Flow& new_a, Flow& new_b) {
    ASSERT_EQ(
        rig.execute({.kind = CommandKind::replace, .flows = {&a, &b}, .replacements = {&new_a, &new_b}}),
        CommandResult::done);
  };
  const auto exchange = [&](std::uint16_t sequence) {
    rig.access.deliver(call.from_access(call.access_peer.close_rtp({.sequence = sequence}, kVoice)));
    rig.access.deliver(call.from_access(rtcp_peer.close_rtcp(test::rtcp_compound(1)), 1));
    rig.access.deliver(call.from_access(call.access_peer.close_rtcp(test::rtcp_compound(2)), 1));
    rig.core.deliver(call.from_core(test::rtcp_compound(3), 1));
    rig.settle();
  };

  FlowConfig in = call.config(true), out = call.config(false);
  in.arrival.awaits_keys = out.departure.awaits_keys = {false, true};
  const FlowPtr forth = make_flow(std::move(in)), back = make_flow(std::move(out));
  replace(*call.forth, *call.back, *forth, *back);
  exchange(1);
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_TRUE(rig.access.sent().empty());
  EXPECT_EQ(rig.verdicts(Verdict::drop_keys_awaited), 2u);

  const auto keyed = [&](Flow& forth_before, Flow& back_before, bool has_rtcp) {
    FlowConfig to_core = call.config(true), to_access = call.config(false);
    to_core.arrival.stream.reset();
    to_access.departure.stream.reset();
    to_core.succeeds = {.of = &forth_before, .inbound = true, .inbound_rtcp = has_rtcp};
    to_access.succeeds = {.of = &back_before, .outbound = true, .outbound_rtcp = has_rtcp};
    if (!has_rtcp) {
      to_core.arrival.rtcp_stream = std::move(*rig.engine->make_inbound(test::srtp_config(kSuite, 7)));
      to_access.departure.rtcp_stream = std::move(*rig.engine->make_outbound(test::srtp_config(kSuite, 8)));
    }
    return std::pair(make_flow(std::move(to_core)), make_flow(std::move(to_access)));
  };
  const auto relayed = [&](std::uint16_t sequence) {
    exchange(sequence);
    EXPECT_EQ(rig.core.sent().size(), 2u);  // RTP, and RTCP under RTCP's key
    const auto sent = rig.access.sent();
    ASSERT_EQ(sent.size(), 1u);
    const auto frame = test::read_frame(sent[0]);
    EXPECT_FALSE(call.access_peer.open_rtcp(frame->payload));
    EXPECT_EQ(rtcp_peer.open_rtcp(frame->payload), test::rtcp_compound(3));
  };
  const auto second = keyed(*forth, *back, false);
  replace(*forth, *back, *second.first, *second.second);
  take_streams(*second.first, *forth);
  take_streams(*second.second, *back);
  relayed(2);
  EXPECT_EQ(rig.verdicts(Verdict::drop_srtp_forged), 1u);
  const auto third = keyed(*second.first, *second.second, true);
  replace(*second.first, *second.second, *third.first, *third.second);
  take_streams(*third.first, *second.first);
  take_streams(*third.second, *second.second);
  relayed(3);
  EXPECT_GT(memory_bytes(*third.first), memory_bytes(*call.forth));
  replace(*third.first, *third.second, *call.forth, *call.back);
}

TEST(Handshakes, AwaitingLegsLearnNoAddress) {
  RelayRig rig;
  const AwaitingCall call(rig, {.access_policy = SourcePolicy::latch}, {.dtls = true});
  rig.access.deliver(call.call.from_access(test::rtp_packet({}, kVoice)));
  rig.settle();
  EXPECT_FALSE(view(*call.forth).latched);
  EXPECT_EQ(view(*call.back).target[0].port, 0);
}

TEST(Handshakes, AFloodAtOneLegLeavesTheOthersTheirs) {
  RelayRig rig;
  const AwaitingCall flooded(rig, {}, {.stun = true});
  const AwaitingCall other(rig, {.access_port = 30100, .core_port = 30100, .id = 300}, {.stun = true});
  Call established(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80,
                         .access_port = 30200,
                         .core_port = 30200,
                         .id = 400});
  const std::uint64_t tsc = rte_rdtsc();
  for (std::uint16_t i = 0; i < 1000; ++i) {
    rig.access.deliver(flooded.call.from_access(kStun));
    if (i % 20 == 0)
      rig.access.deliver(established.from_access(established.access_peer.close_rtp({.sequence = i}, kVoice)));
    rig.poll(tsc);
  }
  rig.access.deliver(other.call.from_access(kStun));
  rig.poll(tsc);
  EXPECT_EQ(passed_on(rig).size(), kLegHandshakeBudget.burst + 1);
  EXPECT_EQ(rig.verdicts(Verdict::drop_handshake_budget), 1000u - kLegHandshakeBudget.burst);
  EXPECT_EQ(rig.core.sent().size(), 50u);

  // A second later there is a second's worth again.
  for (int i = 0; i < 1000; ++i) {
    rig.access.deliver(flooded.call.from_access(kStun));
    rig.poll(tsc + rte_get_tsc_hz());
  }
  EXPECT_EQ(passed_on(rig).size(), kLegHandshakeBudget.burst);
}

/// A STUN message with these attributes, type and value; each is padded to four octets.
Octets stun_message(std::initializer_list<std::pair<std::uint16_t, std::string>> attributes) {
  Octets octets = kStun;
  for (const auto& [type, value] : attributes) {
    const std::array<std::uint8_t, 4> head{
        static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type),
        static_cast<std::uint8_t>(value.size() >> 8), static_cast<std::uint8_t>(value.size())};
    octets.insert(octets.end(), head.begin(), head.end());
    octets.insert(octets.end(), value.begin(), value.end());
    octets.resize(octets.size() + (-value.size() & 3U));
  }
  return octets;
}

constexpr std::uint16_t kUsername = 6, kSoftware = 0x8022;
constexpr IceFragment kFragment{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'};

TEST(Handshakes, ACheckNamesTheAgent) {
  EXPECT_TRUE(names_agent(stun_message({{kUsername, "abcdefgh:theirs"}}), kFragment));
  EXPECT_TRUE(names_agent(stun_message({{kSoftware, "x"}, {kUsername, "abcdefgh:"}}), kFragment));
  EXPECT_FALSE(names_agent(stun_message({{kUsername, "abcdefgX:theirs"}}), kFragment));
  EXPECT_FALSE(names_agent(stun_message({{kUsername, "abcdefghi:theirs"}}), kFragment));
  EXPECT_FALSE(names_agent(stun_message({{kUsername, "abcdefgh"}}), kFragment));
  EXPECT_FALSE(names_agent(stun_message({{kSoftware, "abcdefgh:theirs"}}), kFragment));
  EXPECT_FALSE(names_agent(kStun, kFragment));
  // No agent, and a name of its zeros.
  EXPECT_FALSE(names_agent(stun_message({{kUsername, std::string(8, '\0') + ":"}}), IceFragment{}));
  const Octets whole = stun_message({{kUsername, "abcdefgh:theirs"}});
  for (std::size_t size = 0; size < whole.size() - 1; ++size)
    EXPECT_FALSE(names_agent(std::span(whole).first(size), kFragment)) << size;
}

TEST(Handshakes, WhatStrangersSpendThePeerDoesNotMiss) {
  RelayRig rig;
  const AwaitingCall call(
      rig, {},
      {.stun = true, .dtls = true, .ice_fragment = kFragment, .host = *IpAddress::parse("203.0.113.7")});
  const auto from = [&](const char* source, const Octets& payload) {
    rig.access.deliver(test::udp_frame(
        {.source = *Endpoint::parse(source), .destination = call.call.access_local}, payload));
    rig.poll(1);
    return passed_on(rig).size();
  };
  const Octets check = stun_message({{kUsername, "abcdefgh:theirs"}});
  std::size_t passed = 0;
  for (int i = 0; i < 500; ++i) {
    passed += from("203.0.113.8:9", kDtls);
    passed += from("203.0.113.8:9", kStun);
  }
  EXPECT_EQ(passed, kLegHandshakeBudget.burst);
  EXPECT_EQ(from("203.0.113.8:9", check), 1u);  // has been told the name
  EXPECT_EQ(from("203.0.113.7:1", kDtls), 1u);  // signalling's host
  EXPECT_EQ(from("192.0.2.99:1", kDtls), 1u);   // media's
  EXPECT_EQ(from("203.0.113.9:1", kDtls), 0u);
  // A flood with the peer's own address leaves it its checks.
  for (int i = 0; i < 500; ++i) from("192.0.2.99:40000", kStun);
  EXPECT_EQ(from("192.0.2.99:40000", kDtls), 0u);
  EXPECT_EQ(from("192.0.2.99:40000", check), 1u);
}

TEST(Handshakes, AWorkerPassesOnNoMoreThanItsBudget) {
  PacketBudget budget;
  const BudgetCycles cycles({1000, 50}, 1'000'000);
  std::size_t taken = 0;
  for (int i = 0; i < 200; ++i) taken += budget.take(cycles, 5'000'000) ? 1 : 0;
  EXPECT_EQ(taken, 50u);
  EXPECT_FALSE(budget.take(cycles, 5'000'999));
  EXPECT_TRUE(budget.take(cycles, 5'001'000));
  taken = 0;
  for (std::uint64_t tsc = 6'000'000; tsc < 7'000'000; tsc += 100) taken += budget.take(cycles, tsc) ? 1 : 0;
  EXPECT_EQ(taken, 1000u + 49u);
}

TEST(Handshakes, ARingThatIsFullDropsAndCounts) {
  RelayRig rig;
  std::vector<std::unique_ptr<AwaitingCall>> calls;
  for (std::uint16_t i = 0; i < 20; ++i) {
    const auto port = static_cast<std::uint16_t>(30000 + 2 * i);
    calls.push_back(std::make_unique<AwaitingCall>(
        rig, CallOptions{.access_port = port, .core_port = port, .id = 100u + 2u * i},
        HandshakeFilter{.stun = true}));
  }
  for (std::uint32_t i = 0; i < kLegHandshakeBudget.burst; ++i)
    for (const auto& call : calls) {
      rig.access.deliver(call->call.from_access(kStun));
      rig.poll();
    }
  EXPECT_EQ(rig.verdicts(Verdict::punt_handshake), kHandshakeRingSize);
  EXPECT_EQ(rig.verdicts(Verdict::drop_handshake_full), 20u * kLegHandshakeBudget.burst - kHandshakeRingSize);
  EXPECT_EQ(passed_on(rig).size(), kHandshakeRingSize);
}

TEST(Handshakes, LargerThanAnyMayBeIsDropped) {
  RelayRig rig;
  const AwaitingCall call(rig, {}, {.dtls = true});
  Octets large(kMaxHandshakePayload + 1, 22);
  rig.access.deliver(call.call.from_access(large));
  large.pop_back();
  rig.access.deliver(call.call.from_access(large));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_handshake_budget), 1u);
  EXPECT_EQ(passed_on(rig).size(), 1u);
}

TEST(Handshakes, AStrayReachesTheWorkerOfItsLeg) {
  RelayRig rig({.workers = 2});
  const AwaitingCall call(rig, {}, {.stun = true});
  rig.access.deliver(call.call.from_access(kStun), 1);
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::handoff), 1u);
  EXPECT_EQ(passed_on(rig, 0).size(), 1u);
  EXPECT_TRUE(passed_on(rig, 1).empty());
}

/// A whole ZRTP packet as far as a worker looks: a HelloACK.
Octets zrtp_packet(std::uint8_t sequence = 1) {
  Octets octets{0x10, 0, 0, sequence, 0x5a, 0x52, 0x54, 0x50, 1, 2, 3, 4, 0x50, 0x5a, 0, 3};
  octets.insert(octets.end(), {'H', 'e', 'l', 'l', 'o', 'A', 'C', 'K', 9, 9, 9, 9});
  return octets;
}

/// A call whose legs key each other: the call's own flows stand aside.
class CarryingCall {
 public:
  explicit CarryingCall(RelayRig& rig, const CallOptions& options = {}) : rig_(rig), call(rig, options) {
    FlowConfig in = call.config(true);
    FlowConfig out = call.config(false);
    in.arrival.end_to_end = out.arrival.end_to_end = true;
    forth = make_flow(std::move(in));
    back = make_flow(std::move(out));
    replace(*call.forth, *call.back, *forth, *back);
  }
  ~CarryingCall() { replace(*forth, *back, *call.forth, *call.back); }

 private:
  void replace(Flow& a, Flow& b, Flow& new_a, Flow& new_b) {
    EXPECT_EQ(
        rig_.execute({.kind = CommandKind::replace, .flows = {&a, &b}, .replacements = {&new_a, &new_b}}),
        CommandResult::done);
  }
  RelayRig& rig_;

 public:
  Call call;
  FlowPtr forth;
  FlowPtr back;
};

TEST(CarriedHandshakes, GoToTheOtherLegAsTheyAre) {
  RelayRig rig;
  const CarryingCall call(rig);
  rig.access.deliver(call.call.from_access(zrtp_packet(1)));
  rig.core.deliver(call.call.from_core(zrtp_packet(2)));
  rig.settle();
  const auto at_core = rig.core.sent();
  const auto at_access = rig.access.sent();
  ASSERT_EQ(at_core.size(), 1u);
  ASSERT_EQ(at_access.size(), 1u);
  const auto frame = test::read_frame(at_core[0]);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload, zrtp_packet(1));
  EXPECT_EQ(frame->source, call.call.core_local);
  EXPECT_EQ(frame->destination, call.call.core_remote);
  EXPECT_EQ(test::read_frame(at_access[0])->payload, zrtp_packet(2));
  EXPECT_EQ(rig.workers[0]->counters().carried.get(), 2u);
  EXPECT_EQ(rig.verdicts(Verdict::forward), 2u);
  EXPECT_TRUE(passed_on(rig).empty());
  // They are no media: nobody's call lives by them.
  EXPECT_EQ(counters(*call.forth).packets[0].get(), 0u);
  EXPECT_EQ(counters(*call.forth).last_seen.get(), 0u);
}

TEST(CarriedHandshakes, AndSoDoesWhatOnlyTheEndsCanOpen) {
  RelayRig rig;
  const CarryingCall call(rig);
  // SRTP whose last octet is no count of padding, and SRTCP whose second report is no report.
  Octets sealed = test::rtp_packet({.sequence = 7}, kVoice);
  sealed[0] |= 0x20;
  sealed.back() = 0xff;
  Octets report = test::rtcp_compound(1);
  std::fill(report.begin() + 8, report.end(), std::uint8_t{0xab});
  rig.access.deliver(call.call.from_access(sealed));
  rig.access.deliver(call.call.from_access(report, 1));
  rig.settle();
  const auto frames = rig.core.sent();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(test::read_frame(frames[0])->payload, sealed);
  EXPECT_EQ(test::read_frame(frames[1])->payload, report);
  EXPECT_EQ(counters(*call.forth).packets[0].get(), 1u);
  EXPECT_EQ(counters(*call.forth).packets[1].get(), 1u);
}

TEST(CarriedHandshakes, OnlyFromTheLegOnlyZrtpAndOnlySoMany) {
  RelayRig rig;
  CarryingCall call(rig);
  const Endpoint remote = call.call.access_remote;
  call.call.access_remote.port ^= 1;
  rig.access.deliver(call.call.from_access(zrtp_packet()));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_source), 1u);
  call.call.access_remote = remote;
  Octets other = zrtp_packet();
  other[5] ^= 1;
  rig.access.deliver(call.call.from_access(other));
  rig.access.deliver(call.call.from_access(Octets{16, 0, 0, 0}));
  rig.access.deliver(call.call.from_access(zrtp_packet(), 1));  // the RTCP port
  rig.access.deliver(call.call.from_access(kStun));
  rig.access.deliver(call.call.from_access(kDtls));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_zrtp), 3u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_stun), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_dtls), 1u);
  EXPECT_TRUE(rig.core.sent().empty());
  // Four packets of the budget are gone already.
  const std::uint64_t tsc = rte_rdtsc();
  for (int i = 0; i < 300; ++i) {
    rig.access.deliver(call.call.from_access(zrtp_packet()));
    rig.poll(tsc);
  }
  EXPECT_LE(rig.core.sent().size(), kLegHandshakeBudget.burst);
  EXPECT_GE(rig.verdicts(Verdict::drop_handshake_budget), 200u);
}

TEST(CarriedHandshakes, NotOnALegWithKeysOfOurs) {
  RelayRig rig;
  const CarryingCall call(rig, {.access_suite = SuiteId::aead_aes_128_gcm});
  rig.access.deliver(call.call.from_access(zrtp_packet()));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_zrtp), 1u);
  // The other direction is closed by us, and has not been told otherwise.
  rig.core.deliver(call.call.from_core(zrtp_packet()));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_unexpected_zrtp), 2u);
  EXPECT_TRUE(rig.core.sent().empty());
  EXPECT_TRUE(rig.access.sent().empty());
}

class HandshakeAnswers : public testing::TestWithParam<bool> {
 protected:
  /// Gives the worker a datagram of the handshake thread for the call's access leg.
  void answer(const AwaitingCall& call, std::optional<MacAddress> neighbour, std::uint16_t port_offset = 0,
              std::optional<Endpoint> remote = {}) {
    rte_mbuf* packet = rig_.access.blank();
    char* room = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(kDtls.size()));
    std::ranges::copy(kDtls, reinterpret_cast<std::uint8_t*>(room));
    const HandshakeRoute route{0, static_cast<std::uint8_t>(GetParam() ? 1 : 0),
                               static_cast<std::uint16_t>(call.call.access_local.port + port_offset),
                               remote.value_or(Call::at(call.call.access_remote, port_offset)), neighbour};
    rig_.workers[0]->rings().answers.push({packet, route});
    rig_.poll();
  }
  RelayRig rig_;
};

TEST_P(HandshakeAnswers, LeaveByTheLegsNextHopOrByWhoBroughtTheQuestion) {
  const AwaitingCall call(rig_, {.access_v6 = GetParam()}, {.dtls = true});
  answer(call, std::nullopt);
  constexpr MacAddress kNeighbour{2, 0, 0, 0, 9, 9};
  answer(call, kNeighbour, 1);
  const auto frames = rig_.access.sent();
  ASSERT_EQ(frames.size(), 2u);
  const auto by_hop = test::read_frame(frames[0]);
  const auto by_neighbour = test::read_frame(frames[1]);
  ASSERT_TRUE(by_hop && by_neighbour);
  EXPECT_EQ(by_hop->destination_mac, (MacAddress{2, 0, 0, 0, 1, 0xaa}));
  EXPECT_EQ(by_hop->source_mac, (MacAddress{2, 0, 0, 0, 0, 0xa}));
  EXPECT_EQ(by_hop->source, call.call.access_local);
  EXPECT_EQ(by_hop->destination, call.call.access_remote);
  EXPECT_EQ(by_hop->payload, kDtls);
  EXPECT_EQ(by_neighbour->destination_mac, kNeighbour);
  EXPECT_EQ(by_neighbour->source, Call::at(call.call.access_local, 1));
  EXPECT_EQ(by_neighbour->destination, Call::at(call.call.access_remote, 1));
  EXPECT_EQ(rig_.workers[0]->counters().answers.get(), 2u);
}

TEST_P(HandshakeAnswers, WithoutAWayTheyAreLostAndCounted) {
  const std::size_t before = test::packets_out();
  {
    const AwaitingCall call(rig_, {.access_v6 = GetParam()}, {.dtls = true});
    answer(call, std::nullopt, 400);   // no flow
    answer(call, std::nullopt, 4000);  // no port of ours
    answer(call, std::nullopt, 0,
           *Endpoint::parse(GetParam() ? "192.0.2.99:1" : "[2001:db8::1]:1"));  // another family
  }
  EXPECT_TRUE(rig_.access.sent().empty());
  EXPECT_EQ(rig_.workers[0]->counters().answers_lost.get(), 3u);
  EXPECT_EQ(test::packets_out(), before);
}

INSTANTIATE_TEST_SUITE_P(Families, HandshakeAnswers, testing::Bool(),
                         [](const auto& v6) { return v6.param ? "Ipv6" : "Ipv4"; });

}  // namespace
}  // namespace sallyport::dataplane
