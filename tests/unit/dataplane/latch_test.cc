// SPDX-License-Identifier: GPL-3.0-or-later
// Source policies: what may move a leg's address, and what may not.
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

class LatchTest : public ::testing::Test {
 protected:
  void arrive(const Call& call, const char* source, const Octets& payload, std::uint16_t port_offset = 0) {
    rig_.access.deliver(test::udp_frame(
        {.source = *Endpoint::parse(source), .destination = Call::at(call.access_local, port_offset)},
        payload));
    rig_.settle();
    (void)rig_.core.sent();
  }
  /// Where the access side's packets go now.
  std::optional<Endpoint> answer_goes_to(Call& call, std::uint16_t sequence) {
    rig_.core.deliver(call.from_core(call.core_peer.close_rtp({.sequence = sequence}, kVoice)));
    rig_.settle();
    const auto sent = rig_.access.sent();
    if (sent.size() != 1) return std::nullopt;
    return test::read_frame(sent[0])->destination;
  }
  std::vector<Event> events() {
    std::vector<Event> all;
    rig_.workers[0]->rings().events.consume_all([&](const Event& event) { all.push_back(event); });
    return all;
  }

  RelayRig rig_;
};

TEST_F(LatchTest, KeyedLegFollowsAuthenticatedPacketsOnly) {
  Call call(rig_, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .access_policy = SourcePolicy::latch});
  Octets forged = call.access_peer.close_rtp({.sequence = 1}, kVoice);
  const Octets genuine = forged;
  forged[30] ^= 1;
  arrive(call, "203.0.113.66:6666", forged);
  EXPECT_EQ(answer_goes_to(call, 1), call.access_remote);
  EXPECT_TRUE(events().empty());

  arrive(call, "203.0.113.5:41000", genuine);
  const auto told = events();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].flow_id, id(*call.forth));
  EXPECT_EQ(told[0].endpoint, *Endpoint::parse("203.0.113.5:41000"));
  EXPECT_EQ(answer_goes_to(call, 2), *Endpoint::parse("203.0.113.5:41000"));

  // A copy from elsewhere is a replay, and moves nothing.
  arrive(call, "203.0.113.66:6666", genuine);
  EXPECT_EQ(answer_goes_to(call, 3), *Endpoint::parse("203.0.113.5:41000"));
  // The genuine peer moves again.
  arrive(call, "203.0.113.7:42000", call.access_peer.close_rtp({.sequence = 2}, kVoice));
  EXPECT_EQ(answer_goes_to(call, 4), *Endpoint::parse("203.0.113.7:42000"));
  EXPECT_EQ(counters(*call.forth).latches.get(), 2u);
  EXPECT_TRUE(view(*call.forth).latched);
  EXPECT_EQ(view(*call.back).target[0], *Endpoint::parse("203.0.113.7:42000"));
}

TEST_F(LatchTest, SignalledLegNeverMoves) {
  Call call(rig_, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80});
  arrive(call, "203.0.113.5:41000", call.access_peer.close_rtp({.sequence = 1}, kVoice));
  EXPECT_EQ(rig_.verdicts(Verdict::drop_source), 1u);
  EXPECT_EQ(answer_goes_to(call, 1), call.access_remote);
}

// What ICE has nominated is not for media to change.
TEST_F(LatchTest, AVerifiedLegHearsEverybodyAuthenticAndStaysAimed) {
  Call call(rig_,
            {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .access_policy = SourcePolicy::verified});
  arrive(call, "203.0.113.5:41000", call.access_peer.close_rtp({.sequence = 1}, kVoice));
  EXPECT_EQ(rig_.verdicts(Verdict::forward), 1u);
  EXPECT_EQ(answer_goes_to(call, 1), call.access_remote);
  EXPECT_TRUE(events().empty());
  EXPECT_FALSE(view(*call.forth).latched);
}

TEST_F(LatchTest, ClearLegLearnsThePortOfTheNamedHostOnce) {
  Call call(rig_, {.access_policy = SourcePolicy::latch});
  arrive(call, "203.0.113.66:40000", test::rtp_packet({.sequence = 1}, kVoice));
  EXPECT_EQ(rig_.verdicts(Verdict::drop_source), 1u);
  arrive(call, "192.0.2.99:55555", test::rtp_packet({.sequence = 2}, kVoice));
  EXPECT_EQ(answer_goes_to(call, 1), *Endpoint::parse("192.0.2.99:55555"));
  // Locked: neither the same host's other port nor the signalled one moves it again.
  arrive(call, "192.0.2.99:55556", test::rtp_packet({.sequence = 3}, kVoice));
  arrive(call, "192.0.2.99:40000", test::rtp_packet({.sequence = 4}, kVoice));
  EXPECT_EQ(rig_.verdicts(Verdict::drop_source), 3u);
  EXPECT_EQ(answer_goes_to(call, 2), *Endpoint::parse("192.0.2.99:55555"));
}

TEST_F(LatchTest, ClearLegTakesOnlyTheSignalledEndpointAfterItsWindow) {
  Call call(rig_, {.access_policy = SourcePolicy::latch});
  const std::uint64_t late = rte_rdtsc() + 3600 * rte_get_tsc_hz();
  rig_.access.deliver(
      test::udp_frame({.source = *Endpoint::parse("192.0.2.99:55555"), .destination = call.access_local},
                      test::rtp_packet({.sequence = 1}, kVoice)));
  rig_.access.deliver(call.from_access(test::rtp_packet({.sequence = 2}, kVoice)));
  rig_.poll(late);
  EXPECT_EQ(rig_.verdicts(Verdict::drop_source), 1u);
  EXPECT_EQ(rig_.core.sent().size(), 1u);
}

TEST_F(LatchTest, RtcpIsLearnedApartUnlessMuxed) {
  Call apart(rig_, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .access_policy = SourcePolicy::latch});
  arrive(apart, "203.0.113.5:41000", apart.access_peer.close_rtp({.sequence = 1}, kVoice));
  EXPECT_EQ(view(*apart.back).target[0], *Endpoint::parse("203.0.113.5:41000"));
  EXPECT_EQ(view(*apart.back).target[1], Call::at(apart.access_remote, 1));
  arrive(apart, "203.0.113.5:41001", apart.access_peer.close_rtcp(test::rtcp_compound(1)), 1);
  EXPECT_EQ(view(*apart.back).target[1], *Endpoint::parse("203.0.113.5:41001"));

  Call muxed(rig_, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80,
                    .access_policy = SourcePolicy::latch,
                    .access_mux = true,
                    .access_port = 30020,
                    .core_port = 30020});
  arrive(muxed, "203.0.113.9:43000", muxed.access_peer.close_rtp({.sequence = 1}, kVoice));
  EXPECT_EQ(view(*muxed.back).target[0], *Endpoint::parse("203.0.113.9:43000"));
  EXPECT_EQ(view(*muxed.back).target[1], *Endpoint::parse("203.0.113.9:43000"));
}

TEST_F(LatchTest, AFullEventRingPostponesButDoesNotLose) {
  Call call(rig_, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .access_policy = SourcePolicy::latch});
  auto& ring = rig_.workers[0]->rings().events;
  while (ring.push(Event{})) {
  }
  rig_.access.deliver(
      test::udp_frame({.source = *Endpoint::parse("203.0.113.5:41000"), .destination = call.access_local},
                      call.access_peer.close_rtp({.sequence = 1}, kVoice)));
  rig_.settle();
  EXPECT_EQ(rig_.core.sent().size(), 1u);  // the packet itself goes on
  EXPECT_EQ(rig_.workers[0]->counters().events_lost.get(), 1u);
  EXPECT_EQ(answer_goes_to(call, 1), call.access_remote);
  events();
  arrive(call, "203.0.113.5:41000", call.access_peer.close_rtp({.sequence = 2}, kVoice));
  EXPECT_EQ(answer_goes_to(call, 2), *Endpoint::parse("203.0.113.5:41000"));
}

}  // namespace
}  // namespace sallyport::dataplane
