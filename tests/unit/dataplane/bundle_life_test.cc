// SPDX-License-Identifier: GPL-3.0-or-later
// The life of a bundle: who may join, and that in every order of change and end nothing leaves in clear, by
// old keys, or through memory that has been given back.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/bundled_call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

class BundleLifeTest : public ::testing::Test {
 protected:
  BundleLifeTest() { EXPECT_EQ(call_.join(kVideo), CommandResult::done); }
  ~BundleLifeTest() override { EXPECT_EQ(rig_.received(), rig_.verdict_sum()); }

  std::optional<std::size_t> audio() {
    return call_.medium_of({.payload_type = kAudioType, .sequence = ++sequence_, .ssrc = kAudioSsrc});
  }
  /// By what was learned of its SSRC alone.
  std::optional<std::size_t> video_by_ssrc() {
    return call_.medium_of({.payload_type = kAnyType, .sequence = ++sequence_, .ssrc = kVideoSsrc});
  }
  std::optional<std::size_t> video() {
    return call_.medium_of({.payload_type = kVideoType, .sequence = ++sequence_, .ssrc = kVideoSsrc});
  }
  /// What the access peer gets of a medium of the core.
  std::vector<Octets> sent_back(std::size_t medium) {
    return call_.pass(
        call_.from_core(medium, {.sequence = ++sequence_, .ssrc = 0xc0u + static_cast<unsigned>(medium)}),
        false);
  }
  bool peer_opens(const std::vector<Octets>& frames) {
    return frames.size() == 1 && call_.access_peer.open_rtp(test::read_frame(frames[0])->payload).has_value();
  }
  /// From here on the access leg's next flows, and its peer, have other keys.
  void rekey() {
    call_.access_keys = 21;
    call_.access_peer = test::Peer(SuiteId::aes_cm_128_hmac_sha1_80, 21, 22);
  }

  RelayRig rig_;
  BundledCall call_{rig_};
  std::uint16_t sequence_ = 0;
};

TEST_F(BundleLifeTest, NobodyJoinsAPortThatCarriesNoBundle) {
  ASSERT_EQ(call_.unlink(kVideo), CommandResult::done);
  ASSERT_EQ(call_.unlink(kAudio), CommandResult::done);
  EXPECT_EQ(call_.join(kVideo), CommandResult::no_carrier) << "no flow there";
  {
    FlowConfig forth = call_.config(kAudio, true, {}), back = call_.config(kAudio, false, {});
    forth.arrival.bundle.reset();
    const FlowPtr a = make_flow(std::move(forth)), b = make_flow(std::move(back));
    ASSERT_EQ(rig_.link(*a, *b), CommandResult::done);
    EXPECT_EQ(call_.join(kVideo), CommandResult::no_carrier) << "a flow without a bundle";
    ASSERT_EQ(rig_.unlink(*a, *b), CommandResult::done);
  }
  // Nothing of the refused pair stayed behind.
  EXPECT_EQ(call_.join(kAudio), CommandResult::done);
  EXPECT_EQ(call_.join(kVideo), CommandResult::done);
}

TEST_F(BundleLifeTest, ABundleIsFullAndHasRoomAgain) {
  for (std::size_t medium = 2; medium < kMaxBundleMembers; ++medium)
    ASSERT_EQ(call_.join(medium), CommandResult::done) << medium;
  EXPECT_EQ(call_.join(kMaxBundleMembers), CommandResult::bundle_full);
  EXPECT_EQ(call_.medium_of({.payload_type = kAudioType + 7, .ssrc = 7}), 7u);
  ASSERT_EQ(call_.unlink(3), CommandResult::done);
  EXPECT_EQ(call_.join(kMaxBundleMembers), CommandResult::done);
  EXPECT_EQ(call_.medium_of({.payload_type = kAudioType + kMaxBundleMembers, .ssrc = 8}), kMaxBundleMembers);
  EXPECT_EQ(call_.medium_of({.payload_type = kAudioType + 3, .ssrc = 3}), std::nullopt);
}

/// Until its peer's answer has said what its packets are like.
TEST_F(BundleLifeTest, ACarrierAloneOfWhichNothingIsSaidTakesAll) {
  ASSERT_EQ(call_.unlink(kVideo), CommandResult::done);
  rekey();
  ASSERT_EQ(call_.replace(kAudio, call_.make(kAudio, {})), CommandResult::done);
  EXPECT_EQ(audio(), kAudio);
  EXPECT_EQ(video(), kAudio);
  EXPECT_EQ(video_by_ssrc(), kAudio);
  ASSERT_EQ(call_.join(kVideo), CommandResult::done);
  EXPECT_EQ(video_by_ssrc(), std::nullopt) << "nothing was learned meanwhile";
  EXPECT_EQ(video(), kVideo);
  EXPECT_EQ(audio(), std::nullopt) << "beside others it is to be told apart";
}

TEST_F(BundleLifeTest, WhoLeavesTakesItsSsrcsAlong) {
  ASSERT_EQ(video(), kVideo);
  ASSERT_EQ(call_.unlink(kVideo), CommandResult::done);
  EXPECT_EQ(video(), std::nullopt);
  EXPECT_EQ(video_by_ssrc(), std::nullopt);
  EXPECT_EQ(rig_.verdicts(Verdict::drop_bundle_unrouted), 2u);
  EXPECT_EQ(audio(), kAudio) << "the others stay";
  EXPECT_TRUE(peer_opens(sent_back(kAudio)));
  ASSERT_EQ(call_.join(kVideo), CommandResult::done);
  EXPECT_EQ(video_by_ssrc(), std::nullopt) << "who comes anew knows nothing of before";
  EXPECT_EQ(video(), kVideo);
  EXPECT_TRUE(peer_opens(sent_back(kVideo)));
}

TEST_F(BundleLifeTest, WithoutItsCarrierAMediumSendsNothing) {
  ASSERT_TRUE(peer_opens(sent_back(kVideo)));
  ASSERT_EQ(call_.unlink(kAudio), CommandResult::done);  // and its streams are wiped
  EXPECT_TRUE(sent_back(kVideo).empty()) << "neither sealed nor in clear";
  EXPECT_EQ(rig_.verdicts(Verdict::drop_no_target), 1u);
  EXPECT_EQ(view(*call_.media[kVideo].back).target[0].port, 0);
  const Octets report = test::rtcp_compound(0xc1);
  EXPECT_TRUE(
      call_
          .pass(test::udp_frame(
                    {.source = call_.core_remote(kVideo), .destination = call_.core_local(kVideo)}, report),
                false)
          .empty());
  EXPECT_EQ(video(), std::nullopt);
  EXPECT_EQ(rig_.verdicts(Verdict::drop_no_flow), 1u);
  // A next hop does not open it, and another relay at the port is no carrier of its.
  EXPECT_EQ(rig_.execute({.kind = CommandKind::retarget,
                          .next_hop_id = test::kAccessHop,
                          .flows = {call_.media[kVideo].back.get(), nullptr}}),
            CommandResult::done);
  ASSERT_EQ(call_.join(kAudio), CommandResult::done);
  EXPECT_TRUE(sent_back(kVideo).empty());
  EXPECT_EQ(video(), std::nullopt);
  EXPECT_EQ(audio(), kAudio) << "that one serves its own medium";
  EXPECT_EQ(call_.unlink(kVideo), CommandResult::done);
  EXPECT_TRUE(peer_opens(sent_back(kAudio)));
}

TEST_F(BundleLifeTest, AReplacedCarrierTakesAllAlongUnderNewKeys) {
  ASSERT_EQ(video(), kVideo);
  ASSERT_TRUE(peer_opens(sent_back(kVideo)));
  rekey();
  ASSERT_EQ(call_.replace(kAudio, call_.make(kAudio, rules_of(kAudio))), CommandResult::done);
  EXPECT_EQ(video_by_ssrc(), kVideo) << "what was learned stays";
  EXPECT_EQ(audio(), kAudio);
  EXPECT_TRUE(peer_opens(sent_back(kVideo)));
  EXPECT_TRUE(peer_opens(sent_back(kAudio)));
  // Feedback still finds where its media came from.
  const Octets pli{0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0xc1};
  EXPECT_EQ(call_.medium_reached(call_.frame(call_.access_peer.close_rtcp(pli))), kVideo);
  EXPECT_EQ(counters(*call_.media[kVideo].forth).rtp_forwarded.get(), 2u);
  EXPECT_EQ(counters(*call_.media[kAudio].forth).rtp_forwarded.get(), 1u);
}

TEST_F(BundleLifeTest, ANominatedAddressIsThatOfAllMedia) {
  call_.access_remote = *Endpoint::parse("192.0.2.77:47000");
  rekey();
  ASSERT_EQ(call_.replace(kAudio, call_.make(kAudio, rules_of(kAudio))), CommandResult::done);
  const auto sent = sent_back(kVideo);
  ASSERT_TRUE(peer_opens(sent));
  EXPECT_EQ(test::read_frame(sent[0])->destination, call_.access_remote);
}

TEST_F(BundleLifeTest, ACarrierThatAwaitsKeysClosesAll) {
  const auto awaiting = [&] {
    MediumFlows flows;
    for (const bool forward : {true, false}) {
      FlowConfig config = call_.config(kAudio, forward, rules_of(kAudio));
      (forward ? config.arrival.awaits_keys : config.departure.awaits_keys).fill(true);
      forward ? config.arrival.stream.reset() : config.departure.stream.reset();
      (forward ? flows.forth : flows.back) = make_flow(std::move(config));
    }
    return flows;
  };
  ASSERT_EQ(call_.replace(kAudio, awaiting()), CommandResult::done);
  EXPECT_TRUE(sent_back(kVideo).empty());
  EXPECT_TRUE(sent_back(kAudio).empty());
  EXPECT_EQ(rig_.verdicts(Verdict::drop_no_target), 2u);
  // In clear, and of no interest: nobody may send yet.
  EXPECT_TRUE(
      call_.pass(call_.frame(test::rtp_packet({.payload_type = kVideoType}, BundledCall::kPayload))).empty());
  EXPECT_EQ(rig_.verdicts(Verdict::drop_keys_awaited), 1u);
  rekey();
  ASSERT_EQ(call_.replace(kAudio, call_.make(kAudio, rules_of(kAudio))), CommandResult::done);
  EXPECT_TRUE(peer_opens(sent_back(kVideo)));
  EXPECT_EQ(video(), kVideo);
}

TEST_F(BundleLifeTest, ACarrierThatGivesItsBundleUpClosesWhoJoined) {
  rekey();
  MediumFlows alone;
  for (const bool forward : {true, false}) {
    FlowConfig config = call_.config(kAudio, forward, {});
    config.arrival.bundle.reset();
    (forward ? alone.forth : alone.back) = make_flow(std::move(config));
  }
  ASSERT_EQ(call_.replace(kAudio, std::move(alone)), CommandResult::done);
  EXPECT_TRUE(sent_back(kVideo).empty());
  EXPECT_EQ(video(), kAudio) << "the port is one medium's again";
  EXPECT_TRUE(peer_opens(sent_back(kAudio)));
  EXPECT_EQ(call_.unlink(kVideo), CommandResult::done);
}

TEST_F(BundleLifeTest, AReplacedMediumKeepsWhatWasLearned) {
  ASSERT_EQ(video(), kVideo);
  ASSERT_TRUE(peer_opens(sent_back(kVideo)));
  ASSERT_EQ(call_.replace(kVideo, call_.make(kVideo, rules_of(kVideo))), CommandResult::done);
  EXPECT_EQ(video_by_ssrc(), kVideo);
  EXPECT_TRUE(peer_opens(sent_back(kVideo)));
  EXPECT_EQ(counters(*call_.media[kVideo].forth).rtp_forwarded.get(), 2u);
  EXPECT_EQ(counters(*call_.media[kVideo].back).rtp_forwarded.get(), 2u);
  EXPECT_EQ(audio(), kAudio);
}

TEST_F(BundleLifeTest, AMediumReplacedAfterItsCarrierStaysClosed) {
  ASSERT_EQ(call_.unlink(kAudio), CommandResult::done);
  ASSERT_EQ(call_.replace(kVideo, call_.make(kVideo, rules_of(kVideo))), CommandResult::done);
  EXPECT_TRUE(sent_back(kVideo).empty());
  EXPECT_EQ(call_.unlink(kVideo), CommandResult::done);
  EXPECT_EQ(rig_.verdicts(Verdict::drop_no_target), 1u);
}

TEST_F(BundleLifeTest, AMediumWithAPortOfItsOwnJoins) {
  ASSERT_EQ(call_.unlink(kVideo), CommandResult::done);
  FlowConfig forth = call_.config(kVideo, true, {}), back = call_.config(kVideo, false, {});
  forth.arrival.bundle.reset();
  forth.arrival.joins = back.departure.joins = false;
  forth.arrival.rtp_port = forth.arrival.rtcp_port = back.departure.rtp_port = back.departure.rtcp_port =
      30500;
  forth.arrival.source.fill(call_.access_remote);
  back.departure.target.fill(call_.access_remote);
  back.departure.next_hop.fill(test::kAccessHop);
  call_.media[kVideo] = {make_flow(std::move(forth)), make_flow(std::move(back))};
  ASSERT_EQ(rig_.link(*call_.media[kVideo].forth, *call_.media[kVideo].back), CommandResult::done);
  ASSERT_EQ(sent_back(kVideo).size(), 1u);  // in clear: that is how this one was asked for
  ASSERT_EQ(call_.replace(kVideo, call_.make(kVideo, rules_of(kVideo))), CommandResult::done);
  EXPECT_TRUE(peer_opens(sent_back(kVideo)));
  EXPECT_EQ(video(), kVideo);
  const Octets pli{0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0xc1};
  EXPECT_EQ(call_.medium_reached(call_.frame(call_.access_peer.close_rtcp(pli))), kVideo)
      << "it was sent that SSRC before it joined";
  rig_.access.deliver(
      test::udp_frame({.source = call_.access_remote, .destination = *Endpoint::parse("192.0.2.1:30500")},
                      test::rtp_packet({}, BundledCall::kPayload)));
  rig_.settle();
  EXPECT_EQ(rig_.verdicts(Verdict::drop_no_flow), 1u) << "its port is free";
}

/// Three media, both legs bundled: whoever ends first, the others do no harm and end as well.
TEST(BundleLife, EveryOrderOfTheEnd) {
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    RelayRig rig;
    BundledCall call(rig, {.core_suite = SuiteId::aead_aes_128_gcm, .core_bundled = true});
    ASSERT_EQ(call.join(1), CommandResult::done);
    ASSERT_EQ(call.join(2), CommandResult::done);
    std::uint16_t sequence = 0;
    const auto spec = [&](std::size_t medium) {
      return test::RtpSpec{.payload_type = static_cast<std::uint8_t>(kAudioType + medium),
                           .sequence = ++sequence,
                           .ssrc = 50u + static_cast<unsigned>(medium)};
    };
    std::array<bool, 3> living{true, true, true};
    for (const std::size_t ending : order) {
      ASSERT_EQ(call.unlink(ending), CommandResult::done);
      living[ending] = false;
      for (std::size_t medium = 0; medium < 3; ++medium) {
        const std::size_t expected = living[medium] && living[kAudio] ? 1 : 0;
        EXPECT_EQ(call.pass(call.from_access(spec(medium))).size(), expected);
        EXPECT_EQ(call.pass(call.from_core(medium, spec(medium)), false).size(), expected);
      }
    }
    EXPECT_EQ(rig.received(), rig.verdict_sum());
  } while (std::ranges::next_permutation(order).found);
}

}  // namespace
}  // namespace sallyport::dataplane
