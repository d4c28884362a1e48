// SPDX-License-Identifier: GPL-3.0-or-later
// The whole packet path over ring ports: what comes out, where to, and under which verdict everything else
// ends.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

/// Every packet that was received has exactly one verdict, and no buffer is lost.
void expect_accounts_close(const RelayRig& rig) {
  EXPECT_EQ(rig.received(), rig.verdict_sum());
}

using SuitePair = std::pair<std::optional<SuiteId>, std::optional<SuiteId>>;
class RelaySuites : public ::testing::TestWithParam<SuitePair> {};

TEST_P(RelaySuites, CarriesRtpAndRtcpBothWays) {
  RelayRig rig;
  Call call(rig, {.access_suite = GetParam().first, .core_suite = GetParam().second});
  ASSERT_EQ(call.result, CommandResult::done);
  for (std::uint16_t sequence = 65500; sequence != 100; ++sequence) {
    const test::RtpSpec spec{.sequence = sequence, .timestamp = sequence * 160u};
    ASSERT_TRUE(rig.access.deliver(call.from_access(call.access_peer.close_rtp(spec, kVoice))));
    ASSERT_TRUE(rig.core.deliver(call.from_core(call.core_peer.close_rtp(spec, kVoice))));
    rig.settle();
    const auto to_core = rig.core.sent();
    const auto to_access = rig.access.sent();
    ASSERT_EQ(to_core.size(), 1u);
    ASSERT_EQ(to_access.size(), 1u);
    const auto core_frame = test::read_frame(to_core[0]);
    ASSERT_TRUE(core_frame);
    EXPECT_EQ(core_frame->source, call.core_local);
    EXPECT_EQ(core_frame->destination, call.core_remote);
    EXPECT_EQ(core_frame->dscp, 46);
    EXPECT_TRUE(core_frame->dont_fragment);
    const auto opened = call.core_peer.open_rtp(core_frame->payload);
    ASSERT_TRUE(opened) << sequence;
    EXPECT_EQ(*opened, test::rtp_packet(spec, kVoice));
    EXPECT_EQ(call.access_peer.open_rtp(test::read_frame(to_access[0])->payload),
              test::rtp_packet(spec, kVoice));
  }
  const Octets report = test::rtcp_compound(0x11223344);
  ASSERT_TRUE(rig.access.deliver(call.from_access(call.access_peer.close_rtcp(report), 1)));
  rig.settle();
  const auto sent = rig.core.sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(test::read_frame(sent[0])->destination, Call::at(call.core_remote, 1));
  EXPECT_EQ(call.core_peer.open_rtcp(test::read_frame(sent[0])->payload), report);
  EXPECT_EQ(counters(*call.forth).rtp_forwarded.get(), 136u);
  EXPECT_EQ(counters(*call.forth).expected.get(), 136u);
  expect_accounts_close(rig);
}

INSTANTIATE_TEST_SUITE_P(
    Pairs, RelaySuites,
    ::testing::Values(SuitePair{std::nullopt, std::nullopt},
                      SuitePair{std::nullopt, SuiteId::aes_cm_128_hmac_sha1_80},
                      SuitePair{SuiteId::aes_cm_128_hmac_sha1_80, std::nullopt},
                      SuitePair{SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aes_cm_128_hmac_sha1_80},
                      SuitePair{SuiteId::aes_cm_128_hmac_sha1_32, SuiteId::aead_aes_256_gcm},
                      SuitePair{SuiteId::aes_256_cm_hmac_sha1_80, SuiteId::aes_256_cm_hmac_sha1_32},
                      SuitePair{SuiteId::aead_aes_128_gcm, SuiteId::aead_aes_128_gcm}));

TEST(Relay, TranslatesBetweenMuxedAndSeparateRtcp) {
  RelayRig rig;
  Call call(rig, {.access_mux = true, .core_mux = false});
  ASSERT_EQ(call.result, CommandResult::done);
  const Octets report = test::rtcp_compound(1);
  rig.access.deliver(call.from_access(report));  // on the RTP port
  rig.core.deliver(call.from_core(report, 1));   // on the RTCP port
  rig.settle();
  const auto to_core = rig.core.sent();
  const auto to_access = rig.access.sent();
  ASSERT_EQ(to_core.size(), 1u);
  ASSERT_EQ(to_access.size(), 1u);
  EXPECT_EQ(test::read_frame(to_core[0])->destination, Call::at(call.core_remote, 1));
  EXPECT_EQ(test::read_frame(to_core[0])->source, Call::at(call.core_local, 1));
  EXPECT_EQ(test::read_frame(to_access[0])->destination, call.access_remote);
  EXPECT_EQ(test::read_frame(to_access[0])->source, call.access_local);
}

TEST(Relay, TranslatesBetweenIpVersionsAndAddsVlanTags) {
  for (const bool access_v6 : {false, true})
    for (const bool core_v6 : {false, true}) {
      RelayRig rig;
      Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80,
                      .access_v6 = access_v6,
                      .core_v6 = core_v6,
                      .dscp = 34,
                      .core_hop = test::kVlanHop});
      // Odd lengths: the checksum's last octet stands alone.
      for (std::size_t length = 0; length < 40; ++length) {
        const test::RtpSpec spec{.sequence = static_cast<std::uint16_t>(length)};
        rig.access.deliver(call.from_access(call.access_peer.close_rtp(spec, Octets(length, 0xff))));
        rig.settle();
        const auto sent = rig.core.sent();
        ASSERT_EQ(sent.size(), 1u);
        const auto frame = test::read_frame(sent[0]);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->vlan, 77);
        EXPECT_EQ(frame->dscp, 34);
        EXPECT_EQ(frame->source_mac, (MacAddress{2, 0, 0, 0, 0, 0xc}));
        EXPECT_EQ(frame->destination, call.core_remote);
        EXPECT_EQ(frame->payload, test::rtp_packet(spec, Octets(length, 0xff)));
      }
    }
}

/// One bad packet, and the verdict it must end under.
void expect_drop(RelayRig& rig, const Octets& frame, Verdict verdict, const char* what) {
  const std::uint64_t before = rig.verdicts(verdict);
  const std::size_t out = test::packets_out();
  ASSERT_TRUE(rig.access.deliver(frame)) << what;
  rig.settle();
  EXPECT_EQ(rig.verdicts(verdict), before + 1) << what;
  EXPECT_TRUE(rig.core.sent().empty()) << what;
  EXPECT_EQ(test::packets_out(), out) << what << ": its buffer is lost";
  expect_accounts_close(rig);
}

TEST(Relay, EveryBadPacketHasItsVerdict) {
  RelayRig rig;
  Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .core_suite = SuiteId::aead_aes_128_gcm});
  const Octets good = call.access_peer.close_rtp({.sequence = 1}, kVoice);
  Octets tampered = good;
  tampered[20] ^= 1;
  Octets elsewhere = call.from_access(good);
  elsewhere[33] ^= 3;  // another of our network's addresses; checksum made right below
  const test::FrameSpec stranger{.source = *Endpoint::parse("192.0.2.98:40000"),
                                 .destination = call.access_local};
  const test::FrameSpec off_port{.source = Call::at(call.access_remote, 5), .destination = call.access_local};
  const test::FrameSpec nobody{.source = call.access_remote, .destination = Call::at(call.access_local, 100)};
  const test::FrameSpec outside{.source = call.access_remote,
                                .destination = {call.access_local.address, 2000}};
  const test::FrameSpec not_ours{.source = call.access_remote,
                                 .destination = *Endpoint::parse("192.0.2.2:30000")};
  const test::FrameSpec other_side{.source = call.access_remote, .destination = call.core_local};
  const test::FrameSpec tagged{.vlan = 9, .source = call.access_remote, .destination = call.access_local};

  expect_drop(rig, call.from_access(tampered), Verdict::drop_srtp_forged, "one bit changed");
  expect_drop(rig, call.from_access(Octets(good.begin(), good.begin() + 20)), Verdict::drop_srtp_short,
              "cut into its tag");
  expect_drop(rig, call.from_access(Octets(good.begin(), good.begin() + 100)), Verdict::drop_srtp_forged,
              "cut");
  expect_drop(rig, call.from_access(test::rtp_packet({.sequence = 9}, kVoice)), Verdict::drop_srtp_forged,
              "in clear");
  expect_drop(rig, call.from_access(Octets{0, 1, 0, 0}), Verdict::drop_unexpected_stun, "STUN");
  expect_drop(rig, call.from_access(Octets{22, 0xfe, 0xff}), Verdict::drop_unexpected_dtls, "DTLS");
  expect_drop(rig, call.from_access(Octets{16, 0, 0}), Verdict::drop_unexpected_zrtp, "ZRTP");
  expect_drop(rig, call.from_access(Octets{70, 0, 0}), Verdict::drop_unclassified, "TURN channel");
  expect_drop(rig, call.from_access({}), Verdict::drop_unclassified, "empty datagram");
  expect_drop(rig, call.from_access(Octets{0x8f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}),
              Verdict::drop_rtp_malformed, "CSRCs");
  expect_drop(rig, call.from_access(Octets{0x80, 200, 0, 1}), Verdict::drop_rtcp_malformed,
              "RTCP without sender");
  expect_drop(rig, test::udp_frame(stranger, good), Verdict::drop_source, "another host");
  expect_drop(rig, test::udp_frame(off_port, good), Verdict::drop_source, "another port");
  expect_drop(rig, test::udp_frame(nobody, good), Verdict::drop_no_flow, "a port nobody has");
  expect_drop(rig, test::udp_frame(outside, good), Verdict::drop_not_ours, "outside the range");
  expect_drop(rig, test::udp_frame(not_ours, good), Verdict::drop_not_ours, "another address");
  expect_drop(rig, test::udp_frame(other_side, good), Verdict::drop_not_ours,
              "the core's address from access");
  expect_drop(rig, test::udp_frame(tagged, good), Verdict::drop_not_ours, "another VLAN");
  expect_drop(rig, elsewhere, Verdict::drop_frame_malformed, "IP checksum");
  expect_drop(rig, Octets(60, 0xff), Verdict::drop_frame_unsupported, "no IP");
  expect_drop(rig, Octets(9, 0xff), Verdict::drop_frame_malformed, "nine octets");

  // After all that the genuine packet passes, once.
  rig.access.deliver(call.from_access(good));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  expect_drop(rig, call.from_access(good), Verdict::drop_srtp_replayed, "again");
  EXPECT_EQ(counters(*call.forth).forged.get(), 3u);
  EXPECT_EQ(counters(*call.forth).replayed.get(), 1u);
  EXPECT_EQ(counters(*call.forth).wrong_source.get(), 2u);
}

TEST(Relay, APacketTwiceInOneBurstPassesOnce) {
  RelayRig rig;
  Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80,
                  .core_suite = SuiteId::aes_cm_128_hmac_sha1_80});
  const Octets frame = call.from_access(call.access_peer.close_rtp({.sequence = 1}, kVoice));
  for (int copies = 0; copies < 5; ++copies) rig.access.deliver(frame);
  rig.poll();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_srtp_replayed), 4u);
}

TEST(Relay, ClearRtpTwiceNeverUsesAKeystreamTwice) {
  RelayRig rig;
  Call call(rig, {.core_suite = SuiteId::aead_aes_128_gcm});
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 7}, Octets(20, 1))));
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 7}, Octets(20, 2))));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_index_reused), 1u);
  EXPECT_EQ(counters(*call.forth).duplicates.get(), 1u);
}

TEST(Relay, WhatProtectionMakesTooLargeIsDropped) {
  RelayRig rig;
  Call call(rig, {.core_suite = SuiteId::aead_aes_128_gcm});
  // 20 IP + 8 UDP + 12 RTP + payload + 16 tag against 1500.
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 1}, Octets(1500 - 56, 1))));
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 2}, Octets(1500 - 55, 1))));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_mtu), 1u);
}

TEST(Relay, PaddingIsJudgedAfterOpening) {
  RelayRig rig;
  Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80});
  const Octets honest = test::rtp_packet({.sequence = 1, .padding = 4}, kVoice);
  Octets lying = test::rtp_packet({.sequence = 2, .padding = 4}, Octets(4, 0));
  lying.back() = 200;
  rig.access.deliver(call.from_access(call.access_peer.close_rtp(honest)));
  rig.access.deliver(call.from_access(call.access_peer.close_rtp(lying)));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_rtp_malformed), 1u);
}

TEST(Relay, RtcpLengthsAreJudgedAfterOpening) {
  RelayRig rig;
  Call call(rig, {.access_suite = SuiteId::aead_aes_128_gcm});
  Octets lying = test::rtcp_compound(1);
  lying[3] = 77;
  rig.access.deliver(call.from_access(call.access_peer.close_rtcp(lying), 1));
  rig.settle();
  EXPECT_TRUE(rig.core.sent().empty());
  EXPECT_EQ(rig.verdicts(Verdict::drop_rtcp_malformed), 1u);
}

TEST(Relay, NoTargetAndNoNextHopAreCounted) {
  RelayRig rig;
  Call unknown(rig, {.core_target_known = false});
  rig.access.deliver(unknown.from_access(test::rtp_packet({.sequence = 1}, kVoice)));
  Call unreachable(rig, {.access_port = 30010, .core_port = 30010, .core_hop = test::kDeadHop, .id = 200});
  rig.access.deliver(unreachable.from_access(test::rtp_packet({.sequence = 1}, kVoice)));
  rig.settle();
  EXPECT_TRUE(rig.core.sent().empty());
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_target), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_next_hop), 1u);
  expect_accounts_close(rig);
}

TEST(Relay, AFullOutgoingQueueIsCountedAndFreed) {
  RelayRig rig;
  Call call(rig, {});
  const std::size_t out = test::packets_out();
  std::uint16_t sequence = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 32; ++i)
      ASSERT_TRUE(rig.access.deliver(call.from_access(test::rtp_packet({.sequence = ++sequence}, kVoice))));
    rig.poll();
  }
  EXPECT_GT(rig.verdicts(Verdict::drop_tx_full), 0u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_tx_full) + rig.verdicts(Verdict::forward), 6400u);
  EXPECT_EQ(rig.core.sent().size(), rig.verdicts(Verdict::forward));
  EXPECT_EQ(test::packets_out(), out);
  expect_accounts_close(rig);
}

}  // namespace
}  // namespace sallyport::dataplane
