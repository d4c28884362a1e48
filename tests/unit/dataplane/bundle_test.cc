// SPDX-License-Identifier: GPL-3.0-or-later
// Several media on one transport: whose a packet is, in both directions, and what packets teach.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/bundled_call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

class BundleTest : public ::testing::Test {
 protected:
  ~BundleTest() override { EXPECT_EQ(rig_.received(), rig_.verdict_sum()); }
  std::uint64_t unrouted() const { return rig_.verdicts(Verdict::drop_bundle_unrouted); }

  RelayRig rig_;
};

TEST_F(BundleTest, AudioAndVideoOverOnePortAndBack) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  const Octets* const payload = &BundledCall::kPayload;
  for (const std::size_t medium : {kAudio, kVideo, kVideo, kAudio}) {
    static std::uint16_t sequence = 100;
    const test::RtpSpec spec{.payload_type = static_cast<std::uint8_t>(kAudioType + medium),
                             .sequence = ++sequence,
                             .ssrc = medium == kAudio ? kAudioSsrc : kVideoSsrc};
    const auto to_core = call.pass(call.from_access(spec));
    ASSERT_EQ(to_core.size(), 1u);
    const auto there = test::read_frame(to_core[0]);
    EXPECT_EQ(there->source, call.core_local(medium));
    EXPECT_EQ(there->destination, call.core_remote(medium));
    EXPECT_EQ(there->payload, test::rtp_packet(spec, *payload));
    const auto to_access = call.pass(call.from_core(medium, spec), false);
    ASSERT_EQ(to_access.size(), 1u);
    const auto here = test::read_frame(to_access[0]);
    EXPECT_EQ(here->source, call.access_local);
    EXPECT_EQ(here->destination, call.access_remote);
    EXPECT_EQ(call.access_peer.open_rtp(here->payload), test::rtp_packet(spec, *payload));
  }
  for (const std::size_t medium : {kAudio, kVideo}) {
    EXPECT_EQ(counters(*call.media[medium].forth).rtp_forwarded.get(), 2u) << medium;
    EXPECT_EQ(counters(*call.media[medium].forth).ssrc_changes.get(), 0u) << medium;
    EXPECT_EQ(counters(*call.media[medium].back).rtp_forwarded.get(), 2u) << medium;
  }
  EXPECT_EQ(outbound_stream(*call.media[kAudio].back)->status().srtp_packets, 4u) << "one stream for both";
  EXPECT_EQ(outbound_stream(*call.media[kVideo].back), nullptr) << "it has none of its own";
}

TEST_F(BundleTest, BothLegsBundled) {
  BundledCall call(rig_, {.core_suite = SuiteId::aead_aes_256_gcm, .core_bundled = true});
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  for (const std::size_t medium : {kVideo, kAudio}) {
    const test::RtpSpec spec{.payload_type = static_cast<std::uint8_t>(kAudioType + medium),
                             .ssrc = medium == kAudio ? kAudioSsrc : kVideoSsrc};
    const auto to_core = call.pass(call.from_access(spec));
    ASSERT_EQ(to_core.size(), 1u);
    EXPECT_EQ(test::read_frame(to_core[0])->source, call.core_local(kAudio));
    EXPECT_EQ(call.core_peer.open_rtp(test::read_frame(to_core[0])->payload),
              test::rtp_packet(spec, BundledCall::kPayload));
    const auto to_access = call.pass(call.from_core(medium, spec), false);
    ASSERT_EQ(to_access.size(), 1u);
    EXPECT_EQ(call.access_peer.open_rtp(test::read_frame(to_access[0])->payload),
              test::rtp_packet(spec, BundledCall::kPayload));
    EXPECT_EQ(counters(*call.media[medium].forth).rtp_forwarded.get(), 1u);
    EXPECT_EQ(counters(*call.media[medium].back).rtp_forwarded.get(), 1u);
  }
}

TEST_F(BundleTest, ThePayloadTypeDecidesOnceAndTheSsrcFromThenOn) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  EXPECT_EQ(call.medium_of({.payload_type = kVideoType, .sequence = 1, .ssrc = kVideoSsrc}), kVideo);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .sequence = 2, .ssrc = kVideoSsrc}), kVideo);
  //= https://www.rfc-editor.org/rfc/rfc9143#section-9.2
  //= type=test
  //# In other words, the SSRC cannot "move" to a different "m=" section simply by changing the payload type.
  EXPECT_EQ(call.medium_of({.payload_type = kAudioType, .sequence = 3, .ssrc = kVideoSsrc}), kVideo);
  EXPECT_EQ(unrouted(), 0u);
}

TEST_F(BundleTest, APayloadTypeOfTwoMediaDecidesNothing) {
  BundledCall call(rig_);
  BundleRules both = rules_of(kVideo);
  both.payloads.set(kAudioType);
  ASSERT_EQ(call.join(kVideo, both), CommandResult::done);
  EXPECT_EQ(call.medium_of({.payload_type = kAudioType, .ssrc = kAudioSsrc}), std::nullopt);
  EXPECT_EQ(unrouted(), 1u);
  EXPECT_EQ(counters(*call.media[kAudio].forth).dropped.get(), 1u) << "the port's own flow counts it";
  EXPECT_EQ(call.medium_of({.payload_type = kVideoType, .ssrc = kVideoSsrc}), kVideo);
}

TEST_F(BundleTest, TheMidDecidesInBothForms) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  EXPECT_EQ(
      call.medium_of(
          {.payload_type = kAudioType, .sequence = 1, .ssrc = kVideoSsrc, .extension = mid_extension("m1")}),
      kVideo)
      << "before the payload type";
  EXPECT_EQ(call.medium_of({.payload_type = kAudioType, .sequence = 2, .ssrc = kVideoSsrc}), kVideo);
  Octets two_byte = test::rtp_packet({.payload_type = kAnyType,
                                      .sequence = 1,
                                      .ssrc = kAudioSsrc,
                                      .extension = Octets{kMidExtension, 2, 'm', '0'}},
                                     BundledCall::kPayload);
  two_byte[12] = 0x10;
  two_byte[13] = 0x00;
  EXPECT_EQ(call.medium_reached(call.frame(call.access_peer.close_rtp(two_byte))), kAudio);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .sequence = 2, .ssrc = kAudioSsrc}), kAudio);
}

TEST_F(BundleTest, AnotherMidMovesTheSsrcUnlessItWasOvertaken) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  const auto medium = [&](std::uint16_t sequence, const char* mid) {
    test::RtpSpec spec{.payload_type = kAnyType, .sequence = sequence, .ssrc = kVideoSsrc};
    if (mid != nullptr) spec.extension = mid_extension(mid);
    return call.medium_of(spec);
  };
  EXPECT_EQ(medium(65534, "m1"), kVideo);
  EXPECT_EQ(medium(1, "m0"), kAudio);
  EXPECT_EQ(medium(2, nullptr), kAudio);
  EXPECT_EQ(medium(65535, "m1"), kVideo) << "it belongs where it says";
  EXPECT_EQ(medium(3, nullptr), kAudio) << "and moved nothing";
}

TEST_F(BundleTest, AMidThatNamesNobodyIsNotGuessedAt) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  ASSERT_EQ(call.medium_of({.payload_type = kVideoType, .sequence = 1, .ssrc = kVideoSsrc}), kVideo);
  //= https://www.rfc-editor.org/rfc/rfc9143#section-9.2
  //= type=test
  //# If the MID associated with the RTP stream is not in the table mapping a MID to an "m=" section, then the
  //# RTP stream is not decoded, and the payload data is discarded.
  std::uint32_t ssrc = 1000;
  for (const char* mid : {"m2", "m", "m10", "M1"}) {
    const test::RtpSpec spec{.payload_type = kVideoType, .ssrc = ++ssrc, .extension = mid_extension(mid)};
    EXPECT_EQ(call.medium_of(spec), std::nullopt) << mid;
  }
  EXPECT_EQ(unrouted(), 4u);
  // It is the stream's MID until the stream says another, or the media change.
  const auto later = [&](std::uint16_t sequence) {
    return call.medium_of({.payload_type = kVideoType, .sequence = sequence, .ssrc = 1001});
  };
  EXPECT_EQ(later(2), std::nullopt);
  EXPECT_EQ(call.medium_reached(call.frame(call.access_peer.close_rtcp(test::rtcp_compound(1001)))), kAudio)
      << "reports are the carrier's then";
  ASSERT_EQ(call.join(2), CommandResult::done);
  EXPECT_EQ(later(3), kVideo);
  const test::RtpSpec named{
      .payload_type = kVideoType, .sequence = 4, .ssrc = 1001, .extension = mid_extension("m2")};
  EXPECT_EQ(call.medium_of(named), 2u);
}

TEST_F(BundleTest, WhatFitsNothingIsDropped) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .ssrc = 77}), std::nullopt);
  EXPECT_EQ(unrouted(), 1u);
  EXPECT_EQ(counters(*call.media[kAudio].forth).packets[0].get(), 0u);
}

TEST_F(BundleTest, SignallingNamesSsrcs) {
  BundledCall call(rig_);
  BundleRules rules = rules_of(kVideo);
  rules.ssrcs = {kVideoSsrc, 0xb1b1b1b1};
  ASSERT_EQ(call.join(kVideo, rules), CommandResult::done);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .ssrc = 0xb1b1b1b1}), kVideo);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .ssrc = kVideoSsrc}), kVideo);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .ssrc = 0xb2b2b2b2}), std::nullopt);
}

/// A stranger's packet has everything but the key.
TEST_F(BundleTest, ForgedPacketsTeachNothing) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  test::Peer forger(SuiteId::aes_cm_128_hmac_sha1_80, 77, 78);
  ASSERT_EQ(call.medium_of({.payload_type = kAudioType, .sequence = 1, .ssrc = kAudioSsrc}), kAudio);
  for (std::uint16_t sequence = 2; sequence < 100; ++sequence)
    for (const std::uint32_t ssrc : {kAudioSsrc, kVideoSsrc, std::uint32_t{7}})
      EXPECT_TRUE(call.pass(call.frame(forger.close_rtp({.payload_type = kVideoType,
                                                         .sequence = sequence,
                                                         .ssrc = ssrc,
                                                         .extension = mid_extension("m1")},
                                                        BundledCall::kPayload)))
                      .empty());
  EXPECT_EQ(rig_.verdicts(Verdict::drop_srtp_forged), 98u * 3);
  EXPECT_EQ(rig_.workers[0]->counters().bundle_ssrcs_displaced.get(), 0u);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .sequence = 2, .ssrc = kAudioSsrc}), kAudio);
  EXPECT_EQ(call.medium_of({.payload_type = kAnyType, .sequence = 2, .ssrc = kVideoSsrc}), std::nullopt);
}

TEST_F(BundleTest, TheSsrcThatWasSilentLongestIsForgotten) {
  BundledCall call(rig_, {.access_suite = std::nullopt});
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  const auto any = [&](std::uint32_t ssrc, std::uint16_t sequence) {
    return call.medium_of({.payload_type = kAnyType, .sequence = sequence, .ssrc = ssrc});
  };
  for (std::uint32_t ssrc = 1; ssrc <= kMaxBundleSsrcs; ++ssrc)
    ASSERT_EQ(call.medium_of({.payload_type = kVideoType, .ssrc = ssrc}), kVideo);
  ASSERT_EQ(any(1, 2), kVideo) << "it is heard of again";
  EXPECT_EQ(rig_.workers[0]->counters().bundle_ssrcs_displaced.get(), 0u);
  ASSERT_EQ(call.medium_of({.payload_type = kAudioType, .ssrc = 999}), kAudio);
  EXPECT_EQ(rig_.workers[0]->counters().bundle_ssrcs_displaced.get(), 1u);
  EXPECT_EQ(any(1, 3), kVideo);
  EXPECT_EQ(any(999, 2), kAudio);
  EXPECT_EQ(any(2, 2), std::nullopt);
  EXPECT_EQ(any(3, 2), kVideo);
}

// RTCP.

Octets words(std::initializer_list<std::uint32_t> values) {
  Octets octets;
  for (const std::uint32_t value : values)
    for (const int shift : {24, 16, 8, 0}) octets.push_back(static_cast<std::uint8_t>(value >> shift));
  return octets;
}
/// An RTCP packet of this count and type, its length made right.
Octets rtcp(std::uint8_t count, std::uint8_t type, std::initializer_list<std::uint32_t> body) {
  Octets packet = words({std::uint32_t{0x80000000} | std::uint32_t{count} << 24 | std::uint32_t{type} << 16 |
                         static_cast<std::uint32_t>(body.size())});
  const Octets rest = words(body);
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}
Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

class BundleRtcpTest : public BundleTest {
 protected:
  // SSRCs of what the core sends.
  static constexpr std::uint32_t kSentAudio = 0xc0c0c0c0, kSentVideo = 0xd0d0d0d0;
  static constexpr std::uint32_t kReceiverOnly = 1;  // as browsers call themselves that only watch

  void SetUp() override {
    ASSERT_EQ(call_.join(kVideo), CommandResult::done);
    ASSERT_EQ(call_.medium_of({.payload_type = kAudioType, .ssrc = kAudioSsrc}), kAudio);
    ASSERT_EQ(call_.medium_of({.payload_type = kVideoType, .ssrc = kVideoSsrc}), kVideo);
    ASSERT_EQ(call_.pass(call_.from_core(kAudio, {.ssrc = kSentAudio}), false).size(), 1u);
    ASSERT_EQ(call_.pass(call_.from_core(kVideo, {.ssrc = kSentVideo}), false).size(), 1u);
  }
  std::optional<std::size_t> medium_of(const Octets& compound) {
    return call_.medium_reached(call_.frame(call_.access_peer.close_rtcp(compound)));
  }
  static Octets receiver_report(std::uint32_t sender, std::uint32_t about) {
    return rtcp(1, 201, {sender, about, 0, 0, 0, 0, 0});
  }

  BundledCall call_{rig_};
};

TEST_F(BundleRtcpTest, FeedbackGoesWhereItsMediaSourceCameFrom) {
  const Octets report = receiver_report(kAudioSsrc, kSentAudio);
  EXPECT_EQ(medium_of(report + rtcp(1, 206, {kAudioSsrc, kSentVideo})), kVideo) << "PLI";
  EXPECT_EQ(medium_of(rtcp(1, 206, {kReceiverOnly, kSentVideo})), kVideo) << "of reduced size (RFC 5506)";
  EXPECT_EQ(medium_of(rtcp(1, 205, {kVideoSsrc, kSentAudio, 0})), kAudio) << "NACK";
  EXPECT_EQ(medium_of(rtcp(15, 205, {kReceiverOnly, kSentVideo, 0, 0})), kVideo) << "transport-wide";
}

TEST_F(BundleRtcpTest, FeedbackThatNamesItsTargetsApart) {
  EXPECT_EQ(medium_of(rtcp(4, 206, {kAudioSsrc, 0, kSentVideo, 1u << 24})), kVideo) << "FIR";
  EXPECT_EQ(medium_of(rtcp(4, 206, {kAudioSsrc, 0, 4711, 1u << 24, kSentVideo, 1u << 24})), kVideo);
  EXPECT_EQ(medium_of(rtcp(3, 205, {kAudioSsrc, 0, kSentVideo, 0})), kVideo) << "TMMBR";
  EXPECT_EQ(medium_of(rtcp(15, 206, {kAudioSsrc, 0, 0x52454d42, 0x01000000, kSentVideo})), kVideo) << "REMB";
  EXPECT_EQ(medium_of(rtcp(15, 206, {kAudioSsrc, 0, 0x52454d43, 0x01000000, kSentVideo})), kAudio)
      << "another application's, which names nobody";
}

TEST_F(BundleRtcpTest, ReportsGoWithTheirSenderOrWhomTheyAreAbout) {
  EXPECT_EQ(medium_of(rtcp(0, 200, {kVideoSsrc, 0, 0, 0, 0, 0})), kVideo);
  EXPECT_EQ(medium_of(rtcp(1, 200, {kAudioSsrc, 0, 0, 0, 0, 0, kSentVideo, 0, 0, 0, 0, 0})), kAudio);
  EXPECT_EQ(medium_of(receiver_report(kReceiverOnly, kSentVideo)), kVideo);
  EXPECT_EQ(medium_of(rtcp(2, 201, {kReceiverOnly, 4711, 0, 0, 0, 0, 0, kSentVideo, 0, 0, 0, 0, 0})), kVideo);
  EXPECT_EQ(medium_of(rtcp(1, 200, {kReceiverOnly, 0, 0, 0, 0, 0, kSentVideo, 0, 0, 0, 0, 0})), kVideo);
  EXPECT_EQ(medium_of(receiver_report(kReceiverOnly, 4711)), kAudio) << "the carrier's: nothing says whose";
  EXPECT_EQ(unrouted(), 0u);
}

TEST_F(BundleRtcpTest, ShortAndCrampedMessagesDoNoHarm) {
  EXPECT_EQ(medium_of(rtcp(4, 206, {kVideoSsrc})), kVideo) << "feedback without its media source";
  EXPECT_EQ(medium_of(rtcp(15, 206, {kReceiverOnly, 0, 0x52454d42})), kAudio) << "REMB without SSRCs";
  EXPECT_EQ(medium_of(rtcp(31, 201, {kReceiverOnly, kSentVideo})), kAudio) << "a block that is cut";
}

TEST_F(BundleRtcpTest, TheRepairStreamOfAMediumIsItsOwnToo) {
  constexpr std::uint32_t kRepair = 0xd1d1d1d1;  // RFC 4588: an SSRC beside that of the medium
  ASSERT_EQ(call_.pass(call_.from_core(kVideo, {.ssrc = kRepair}), false).size(), 1u);
  EXPECT_EQ(medium_of(rtcp(1, 206, {kReceiverOnly, kSentVideo})), kVideo);
  EXPECT_EQ(medium_of(rtcp(1, 206, {kReceiverOnly, kRepair})), kVideo);
}

/// Two far ends chose the same SSRC: under one key of ours they would share a keystream.
TEST_F(BundleTest, TheSameSsrcFromTwoFarEndsUsesNoIndexTwice) {
  for (const SuiteId suite : {SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aead_aes_128_gcm}) {
    RelayRig rig;
    BundledCall call(rig, {.access_suite = suite});
    ASSERT_EQ(call.join(kVideo), CommandResult::done);
    const test::RtpSpec spec{.sequence = 500, .ssrc = 0x5a5e};
    const auto first = call.pass(call.from_core(kAudio, spec), false);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_TRUE(call.access_peer.open_rtp(test::read_frame(first[0])->payload));
    EXPECT_TRUE(call.pass(call.from_core(kVideo, spec), false).empty()) << "sealed or in clear";
    EXPECT_EQ(rig.verdicts(Verdict::drop_index_reused), 1u);
    EXPECT_EQ(counters(*call.media[kVideo].back).dropped.get(), 1u);
    EXPECT_EQ(counters(*call.media[kVideo].back).rtp_forwarded.get(), 0u);
    // In one burst too.
    rig.core.deliver(call.from_core(kAudio, {.sequence = 501, .ssrc = 0x5a5e}));
    rig.core.deliver(call.from_core(kVideo, {.sequence = 501, .ssrc = 0x5a5e}));
    rig.settle();
    EXPECT_EQ(rig.access.sent().size(), 1u);
    EXPECT_EQ(rig.verdicts(Verdict::drop_index_reused), 2u);
    EXPECT_EQ(call.pass(call.from_core(kAudio, {.sequence = 502, .ssrc = 0x5a5e}), false).size(), 1u);
  }
}

TEST_F(BundleTest, ANewAddressOfThePeerIsThatOfAllItsMedia) {
  BundledCall call(rig_, {.access_policy = SourcePolicy::latch});
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  const Endpoint moved = *Endpoint::parse("203.0.113.5:41000");
  call.access_remote = moved;
  ASSERT_EQ(call.medium_of({.payload_type = kVideoType, .ssrc = kVideoSsrc}), kVideo);
  for (const std::size_t medium : {kAudio, kVideo}) {
    const auto sent = call.pass(call.from_core(medium, {.ssrc = 5u + static_cast<unsigned>(medium)}), false);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(test::read_frame(sent[0])->destination, moved);
    EXPECT_EQ(view(*call.media[medium].back).target[0], moved);
  }
  std::vector<std::uint64_t> told;
  rig_.workers[0]->rings().events.consume_all([&](const Event& event) { told.push_back(event.flow_id); });
  const std::uint64_t carrier = id(*call.media[kAudio].forth);
  EXPECT_EQ(told, (std::vector<std::uint64_t>{carrier, carrier})) << "RTP and RTCP of the port";
  // One of its own is not heeded; another for the carrier is one for all.
  EXPECT_EQ(rig_.execute({.kind = CommandKind::retarget,
                          .next_hop_id = test::kDeadHop,
                          .flows = {call.media[kVideo].back.get(), nullptr}}),
            CommandResult::done);
  EXPECT_EQ(call.pass(call.from_core(kVideo, {.sequence = 7, .ssrc = 6}), false).size(), 1u);
  EXPECT_EQ(rig_.execute({.kind = CommandKind::retarget,
                          .next_hop_id = test::kDeadHop,
                          .flows = {call.media[kAudio].back.get(), nullptr}}),
            CommandResult::done);
  EXPECT_TRUE(call.pass(call.from_core(kVideo, {.sequence = 8, .ssrc = 6}), false).empty());
  EXPECT_EQ(rig_.verdicts(Verdict::drop_no_next_hop), 1u);
}

TEST_F(BundleTest, ACaptureOfWhatWasOpenedIsOfOneMedium) {
  BundledCall call(rig_);
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  ASSERT_EQ(rig_.execute({.kind = CommandKind::capture,
                          .capture_opened = true,
                          .flows = {call.media[kVideo].forth.get(), nullptr}}),
            CommandResult::done);
  ASSERT_EQ(call.medium_of({.payload_type = kAudioType, .ssrc = kAudioSsrc}), kAudio);
  ASSERT_EQ(call.medium_of({.payload_type = kVideoType, .ssrc = kVideoSsrc}), kVideo);
  std::vector<std::uint64_t> captured;
  rig_.workers[0]->rings().captures.consume_all(
      [&](const CaptureRecord& record) { captured.push_back(record.flow_id); });
  EXPECT_EQ(captured, std::vector<std::uint64_t>{id(*call.media[kVideo].forth)});
}

/// All that the stages ask of a settled flow at every packet lies in one cache line.
TEST(FlowState, FirstLineHoldsWhatEveryPacketAsks) {
  const FlowPtr flow = make_flow({});
  const auto* const begin = reinterpret_cast<const std::byte*>(flow.get());
  EXPECT_LT(reinterpret_cast<const std::byte*>(&flow->capture) - begin, 64);
  EXPECT_LT(reinterpret_cast<const std::byte*>(&flow->passage) - begin, 64);
  EXPECT_EQ(reinterpret_cast<const std::byte*>(&flow->headers[0]) - begin, 64);
}

}  // namespace
}  // namespace sallyport::dataplane
