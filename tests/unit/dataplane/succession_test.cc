// SPDX-License-Identifier: GPL-3.0-or-later
// What goes on when flows are replaced: streams whose keys stay, counters, learned addresses.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

constexpr std::uint16_t kAcrossTheRollover[] = {65533, 65534, 65535, 0, 1, 2};

/// A pair of flows as make_flow would be asked for it by control: `before` with everything that can go on.
class Successor {
 public:
  Successor(RelayRig& rig, Call& before, bool keep_streams = true)
      : Successor(rig, before, keep_streams, {}) {}
  /// `moved_from`: the access peer describes itself anew, and its signalling still comes from there.
  Successor(RelayRig& rig, Call& before, bool keep_streams, const IpAddress& moved_from)
      : rig_(rig), before_(before) {
    for (const bool forward : {true, false}) {
      FlowConfig config = before.config(forward);
      config.id += 1000;
      config.succeeds.of = (forward ? before.forth : before.back).get();
      config.succeeds.inbound = config.succeeds.outbound = keep_streams;
      config.succeeds.source = moved_from.is_unspecified();
      if (forward) config.arrival.signalling_peer = moved_from;
      if (keep_streams) {
        config.arrival.stream.reset();
        config.departure.stream.reset();
      }
      (forward ? forth : back) = make_flow(std::move(config));
    }
  }
  /// Swaps the pairs; the call then ends with the new one.
  CommandResult replace() {
    const CommandResult result = rig_.execute({.kind = CommandKind::replace,
                                               .flows = {before_.forth.get(), before_.back.get()},
                                               .replacements = {forth.get(), back.get()}});
    if (result != CommandResult::done) return result;
    take_streams(*forth, *before_.forth);
    take_streams(*back, *before_.back);
    std::swap(before_.forth, forth);
    std::swap(before_.back, back);
    forth.reset();  // wipes what did not go on
    back.reset();
    return result;
  }

  FlowPtr forth, back;

 private:
  RelayRig& rig_;
  Call& before_;
};

class SuccessionTest : public ::testing::TestWithParam<SuiteId> {
 protected:
  std::size_t forwarded(const Octets& frame, test::RingPort& in, test::RingPort& out) {
    in.deliver(frame);
    rig_.settle();
    return out.sent().size();
  }
  RelayRig rig_;
};

TEST_P(SuccessionTest, KeysThatStayKeepRolloverCounterAndReplayWindow) {
  Call call(rig_, {.access_suite = GetParam(), .core_suite = GetParam()});
  const auto access = [&](std::uint16_t sequence) {
    return call.from_access(call.access_peer.close_rtp({.sequence = sequence}, kVoice));
  };
  std::vector<Octets> old_frames;
  for (const std::uint16_t sequence : kAcrossTheRollover) {
    old_frames.push_back(access(sequence));
    rig_.access.deliver(old_frames.back());
    rig_.settle();
    const auto sent = rig_.core.sent();
    ASSERT_EQ(sent.size(), 1u);
    ASSERT_TRUE(call.core_peer.open_rtp(test::read_frame(sent[0])->payload));
    rig_.core.deliver(call.from_core(call.core_peer.close_rtp({.sequence = sequence}, kVoice)));
    rig_.settle();
    ASSERT_EQ(rig_.access.sent().size(), 1u);
  }
  ASSERT_EQ(inbound_stream(*call.forth)->status().rollover_counter, 1u);
  const auto old_inbound = inbound_stream(*call.forth);

  Successor next(rig_, call);
  ASSERT_EQ(next.replace(), CommandResult::done);
  EXPECT_EQ(inbound_stream(*call.forth), old_inbound);
  EXPECT_EQ(counters(*call.forth).rtp_forwarded.get(), 6u) << "counters go on";
  EXPECT_EQ(counters(*call.forth).expected.get(), 6u);

  // Everything that was accepted before is a replay now, across the roll-over too.
  for (const Octets& frame : old_frames) EXPECT_EQ(forwarded(frame, rig_.access, rig_.core), 0u);
  EXPECT_EQ(rig_.verdicts(Verdict::drop_srtp_replayed), 6u);
  // A forgery is one, whatever its number.
  for (const std::size_t octet : {44u, 60u, 100u}) {
    Octets forged = access(static_cast<std::uint16_t>(100 + octet));
    forged[octet] ^= 0x10;
    EXPECT_EQ(forwarded(forged, rig_.access, rig_.core), 0u);
  }
  EXPECT_EQ(counters(*call.forth).rtp_forwarded.get(), 6u);
  // The genuine stream goes on, with the rollover counter that both ends have, and the far end opens it.
  rig_.access.deliver(access(3));
  rig_.settle();
  const auto sent = rig_.core.sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(call.core_peer.open_rtp(test::read_frame(sent[0])->payload));
  EXPECT_EQ(counters(*call.forth).rtp_forwarded.get(), 7u);
  EXPECT_EQ(counters(*call.forth).expected.get(), 7u) << "nothing counts as lost";
  EXPECT_EQ(counters(*call.forth).ssrc_changes.get(), 0u);
  EXPECT_EQ(inbound_stream(*call.forth)->status().rollover_counter, 1u);
  EXPECT_EQ(outbound_stream(*call.forth)->status().rollover_counter, 1u);
  EXPECT_EQ(outbound_stream(*call.forth)->status().srtp_packets, 7u);
}

TEST_P(SuccessionTest, RtcpIndexGoesOn) {
  Call call(rig_, {.access_suite = GetParam(), .core_suite = GetParam()});
  const Octets report = call.from_access(call.access_peer.close_rtcp(test::rtcp_compound(1)), 1);
  ASSERT_EQ(forwarded(report, rig_.access, rig_.core), 1u);
  Successor next(rig_, call);
  ASSERT_EQ(next.replace(), CommandResult::done);
  EXPECT_EQ(forwarded(report, rig_.access, rig_.core), 0u);
  EXPECT_EQ(rig_.verdicts(Verdict::drop_srtp_replayed), 1u);
  rig_.access.deliver(call.from_access(call.access_peer.close_rtcp(test::rtcp_compound(1)), 1));
  rig_.settle();
  const auto sent = rig_.core.sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(call.core_peer.open_rtcp(test::read_frame(sent[0])->payload));
  EXPECT_EQ(outbound_stream(*call.forth)->status().srtcp_packets, 2u);
}

TEST_P(SuccessionTest, AReplacementThatIsRefusedLeavesTheStreams) {
  Call call(rig_, {.access_suite = GetParam(), .core_suite = GetParam()});
  {
    Successor never(rig_, call);
    const CommandResult result = rig_.execute({.kind = CommandKind::replace,
                                               .flows = {never.forth.get(), never.back.get()},
                                               .replacements = {call.forth.get(), call.back.get()}});
    EXPECT_EQ(result, CommandResult::not_linked);
  }
  EXPECT_EQ(forwarded(call.from_access(call.access_peer.close_rtp({.sequence = 1}, kVoice)), rig_.access,
                      rig_.core),
            1u);
}

TEST_P(SuccessionTest, LearnedAddressesStay) {
  Call call(rig_, {.access_suite = GetParam(), .access_policy = SourcePolicy::latch});
  const auto from = [&](const char* source, std::uint16_t sequence) {
    return test::udp_frame({.source = *Endpoint::parse(source), .destination = call.access_local},
                           call.access_peer.close_rtp({.sequence = sequence}, kVoice));
  };
  ASSERT_EQ(forwarded(from("203.0.113.5:41000", 1), rig_.access, rig_.core), 1u);
  std::vector<Event> told;
  const auto take_events = [&] {
    told.clear();
    rig_.workers[0]->rings().events.consume_all([&](const Event& event) { told.push_back(event); });
    return told.size();
  };
  ASSERT_EQ(take_events(), 1u);
  // Built by control from the signalled address: as if it had not heard of the learned one yet.
  Successor next(rig_, call);
  ASSERT_EQ(next.replace(), CommandResult::done);
  EXPECT_TRUE(view(*call.forth).latched);
  EXPECT_EQ(view(*call.forth).source[0], *Endpoint::parse("203.0.113.5:41000"));
  EXPECT_EQ(view(*call.back).target[0], *Endpoint::parse("203.0.113.5:41000"));
  ASSERT_EQ(take_events(), 1u) << "the new flow wants a next hop";
  EXPECT_EQ(told[0].flow_id, id(*call.forth));
  rig_.core.deliver(call.from_core(call.core_peer.close_rtp({.sequence = 1}, kVoice)));
  rig_.settle();
  const auto sent = rig_.access.sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(test::read_frame(sent[0])->destination, *Endpoint::parse("203.0.113.5:41000"));
  // It still follows the peer.
  ASSERT_EQ(forwarded(from("203.0.113.6:42000", 2), rig_.access, rig_.core), 1u);
  EXPECT_EQ(view(*call.back).target[0], *Endpoint::parse("203.0.113.6:42000"));
}

INSTANTIATE_TEST_SUITE_P(Suites, SuccessionTest,
                         ::testing::Values(SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aead_aes_256_gcm));

/// A call whose access leg is in clear and learns where its peer is.
class ClearSuccession : public ::testing::Test {
 protected:
  /// How many packets went on of one that came from there.
  std::size_t from(const char* source, std::uint16_t sequence) {
    rig.access.deliver(test::udp_frame({.source = *Endpoint::parse(source), .destination = call.access_local},
                                       test::rtp_packet({.sequence = sequence}, kVoice)));
    rig.settle();
    return rig.core.sent().size();
  }
  RelayRig rig;
  Call call{rig, {.access_policy = SourcePolicy::latch}};
};

TEST_F(ClearSuccession, WhatItHasLearnedStaysLocked) {
  ASSERT_EQ(from("192.0.2.99:55555", 1), 1u);
  Successor next(rig, call, false);
  ASSERT_EQ(next.replace(), CommandResult::done);
  EXPECT_EQ(from("192.0.2.99:55556", 2), 0u) << "a new window would let another port in";
  EXPECT_EQ(from("192.0.2.99:40000", 3), 0u);
  EXPECT_EQ(from("192.0.2.99:55555", 4), 1u);
}

TEST_F(ClearSuccession, WhoMovesMaySendFromTheLastPlaceForAWhile) {
  ASSERT_EQ(from("192.0.2.99:55555", 1), 1u);
  call.access_remote = *Endpoint::parse("203.0.113.5:40000");
  Successor next(rig, call, false, *IpAddress::parse("192.0.2.99"));
  ASSERT_EQ(next.replace(), CommandResult::done);
  EXPECT_EQ(view(*call.back).target[0], call.access_remote);
  // Late, or from one that has not moved: it is followed, but is not the last word.
  EXPECT_EQ(from("192.0.2.99:55555", 2), 1u);
  EXPECT_EQ(from("192.0.2.99:55555", 3), 1u);
  EXPECT_EQ(view(*call.back).target[0], *Endpoint::parse("192.0.2.99:55555"));
  EXPECT_EQ(from("203.0.113.5:41234", 4), 1u);
  EXPECT_EQ(view(*call.back).target[0], *Endpoint::parse("203.0.113.5:41234"));
  EXPECT_EQ(from("192.0.2.99:55555", 5), 0u);
  EXPECT_EQ(from("203.0.113.5:40000", 6), 0u);
  EXPECT_EQ(from("203.0.113.5:41234", 7), 1u);
}

}  // namespace
}  // namespace sallyport::dataplane
