// SPDX-License-Identifier: GPL-3.0-or-later
// Replay protection, roll-over and key lifetime: what a stream must refuse, and what it must survive.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

class SrtpReplay : public testing::TestWithParam<SuiteId> {};
INSTANTIATE_TEST_SUITE_P(Modes, SrtpReplay, testing::ValuesIn(kBoth));

TEST_P(SrtpReplay, RtpIsAcceptedOnce) {
  Pair pair(make_config(GetParam()));
  const Octets packet = pair.protected_rtp(rtp_packet(100));
  EXPECT_EQ(pair.open_rtp(packet), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtp(packet), SrtpOutcome::replayed);
  EXPECT_EQ(pair.inbound->status().srtp_packets, 1u);
}

TEST_P(SrtpReplay, RtcpIsAcceptedOnce) {
  Pair pair(make_config(GetParam()));
  const Octets packet = pair.protected_rtcp(rtcp_packet(40));
  EXPECT_EQ(pair.open_rtcp(packet), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtcp(packet), SrtpOutcome::replayed);
  EXPECT_EQ(pair.inbound->status().srtcp_packets, 1u);
}

TEST_P(SrtpReplay, WindowEdges) {
  SrtpConfig config = make_config(GetParam());
  config.rtp_replay_window = 64;
  config.rtcp_replay_window = 64;
  Pair pair(config);
  std::vector<Octets> rtp;
  std::vector<Octets> rtcp;
  for (std::uint16_t i = 0; i < 200; ++i) {
    rtp.push_back(pair.protected_rtp(rtp_packet(i)));
    rtcp.push_back(pair.protected_rtcp(rtcp_packet(40)));
  }
  ASSERT_EQ(pair.open_rtp(rtp[100]), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtp(rtp[37]), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtp(rtp[36]), SrtpOutcome::too_old);
  EXPECT_EQ(pair.open_rtp(rtp[37]), SrtpOutcome::replayed);
  ASSERT_EQ(pair.open_rtcp(rtcp[100]), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtcp(rtcp[37]), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtcp(rtcp[36]), SrtpOutcome::too_old);
  EXPECT_EQ(pair.open_rtcp(rtcp[37]), SrtpOutcome::replayed);
}

TEST_P(SrtpReplay, OutgoingDuplicatesNeverSpendAKeystreamTwice) {
  SrtpConfig config = make_config(GetParam());
  config.rtp_replay_window = 64;
  Pair pair(config);
  Octets first = rtp_packet(500);
  Octets again = rtp_packet(500, std::size_t{80});
  const Octets before = again;
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, first), SrtpOutcome::ok);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, again), SrtpOutcome::replayed);
  EXPECT_EQ(again, before) << "what is refused is not encrypted";
  Octets old = rtp_packet(400);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, old), SrtpOutcome::too_old);
  EXPECT_EQ(pair.outbound->status().srtp_packets, 1u);
}

TEST_P(SrtpReplay, RollsOverManyTimes) {
  Pair pair(make_config(GetParam()));
  std::uint64_t index = 65000;
  for (int i = 0; i < 400; ++i, index += 997) {
    const Octets plain = rtp_packet(static_cast<std::uint16_t>(index), std::size_t{10});
    Octets packet = pair.protected_rtp(plain);
    ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << index;
    ASSERT_EQ(packet, plain);
    ASSERT_EQ(pair.inbound->status().rollover_counter, index >> 16);
    ASSERT_EQ(pair.outbound->status().rollover_counter, index >> 16);
  }
}

TEST_P(SrtpReplay, ReorderedAroundTheRollover) {
  Pair pair(make_config(GetParam()));
  std::map<std::uint16_t, Octets> sent;
  for (int i = -20; i < 20; ++i) {
    const auto sequence = static_cast<std::uint16_t>(i);
    sent[sequence] = pair.protected_rtp(rtp_packet(sequence, std::size_t{10}));
  }
  for (const int i : {-20, 3, -1, 0, -19, 19, -2, 1, -10}) {
    EXPECT_EQ(pair.open_rtp(sent[static_cast<std::uint16_t>(i)]), SrtpOutcome::ok) << i;
    EXPECT_EQ(pair.open_rtp(sent[static_cast<std::uint16_t>(i)]), SrtpOutcome::replayed) << i;
  }
  EXPECT_EQ(pair.inbound->status().rollover_counter, 1u);
}

TEST_P(SrtpReplay, JoinsLateWithAKnownRolloverCounter) {
  SrtpConfig config = make_config(GetParam());
  config.initial_rollover_counter = 0x01020304;
  Pair pair(config);
  Pair early(make_config(GetParam()));
  const Octets packet = pair.protected_rtp(rtp_packet(65535));
  EXPECT_EQ(early.open_rtp(packet), SrtpOutcome::forged) << "at another ROC it is another packet";
  EXPECT_EQ(pair.open_rtp(packet), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtp(pair.protected_rtp(rtp_packet(0))), SrtpOutcome::ok);
  EXPECT_EQ(pair.inbound->status().rollover_counter, 0x01020305u);
  EXPECT_EQ(pair.open_rtp(pair.protected_rtp(rtp_packet(9, 10, 0x1111))), SrtpOutcome::ok);
  EXPECT_EQ(pair.inbound->status().rollover_counter, 0u) << "later sources begin at 0";
}

TEST_P(SrtpReplay, TheLastRolloverCounterEndsTheKey) {
  SrtpConfig config = make_config(GetParam());
  config.initial_rollover_counter = 0xffffffff;
  Pair pair(config);
  EXPECT_EQ(pair.open_rtp(pair.protected_rtp(rtp_packet(65535))), SrtpOutcome::ok);
  Octets beyond = rtp_packet(0);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, beyond), SrtpOutcome::key_exhausted);
  EXPECT_EQ(pair.open_rtp(Octets(100, 0x80)), SrtpOutcome::forged);
}

TEST_P(SrtpReplay, LifetimeIsCountedWarnedOfAndEnforced) {
  SrtpConfig sending = make_config(GetParam());
  SrtpConfig receiving = make_config(GetParam());
  receiving.srtp_lifetime = 32;
  receiving.srtcp_lifetime = 5;
  Pair pair(sending, receiving, EngineKind::ipsec_mb, EngineKind::ipsec_mb);
  for (std::uint16_t i = 0; i < 32; ++i) {
    EXPECT_EQ(pair.inbound->status().near_end_of_life, i >= 31) << i;
    ASSERT_EQ(pair.open_rtp(pair.protected_rtp(rtp_packet(i))), SrtpOutcome::ok) << i;
  }
  EXPECT_TRUE(pair.inbound->status().exhausted);
  EXPECT_EQ(pair.open_rtp(pair.protected_rtp(rtp_packet(32))), SrtpOutcome::key_exhausted);
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(pair.open_rtcp(pair.protected_rtcp(rtcp_packet(40))), SrtpOutcome::ok);
  EXPECT_EQ(pair.open_rtcp(pair.protected_rtcp(rtcp_packet(40))), SrtpOutcome::key_exhausted);

  sending.srtp_lifetime = 2;
  sending.srtcp_lifetime = 2;
  Pair short_lived(sending);
  for (std::uint16_t i = 0; i < 2; ++i) {
    EXPECT_FALSE(short_lived.protected_rtp(rtp_packet(i)).empty());
    EXPECT_FALSE(short_lived.protected_rtcp(rtcp_packet(40)).empty());
  }
  Octets rtp = rtp_packet(2);
  Octets rtcp = rtcp_packet(40);
  EXPECT_EQ(protect_rtp(*short_lived.sender, *short_lived.outbound, rtp), SrtpOutcome::key_exhausted);
  EXPECT_EQ(protect_rtcp(*short_lived.sender, *short_lived.outbound, rtcp), SrtpOutcome::key_exhausted);
  EXPECT_EQ(rtp, rtp_packet(2)) << "what is refused leaves as it came";
}

TEST_P(SrtpReplay, LifetimeEndsInTheMiddleOfABurst) {
  SrtpConfig receiving = make_config(GetParam());
  receiving.srtp_lifetime = 5;
  Pair pair(make_config(GetParam()), receiving, EngineKind::ipsec_mb, EngineKind::ipsec_mb);
  std::vector<Octets> packets;
  std::vector<InboundPacket> burst;
  for (std::uint16_t i = 0; i < 8; ++i) packets.push_back(pair.protected_rtp(rtp_packet(i)));
  for (Octets& packet : packets) burst.push_back(rtp_view(*pair.inbound, packet, packet.size()));
  pair.receiver->unprotect_rtp(burst);
  for (std::size_t i = 0; i < burst.size(); ++i)
    EXPECT_EQ(burst[i].outcome, i < 5 ? SrtpOutcome::ok : SrtpOutcome::key_exhausted) << i;
}

TEST_P(SrtpReplay, ForgedFloodLeavesTheStreamAlone) {
  for (const std::uint32_t roc : {0u, 5u}) {
    SrtpConfig config = make_config(GetParam());
    config.initial_rollover_counter = roc;
    Pair pair(config);
    Pair stranger(make_config(GetParam(), 99));
    std::mt19937_64 random(roc);
    std::uint16_t sequence = 65400;
    for (int i = 0; i < 300; ++i, ++sequence) {
      std::vector<Octets> octets;
      std::vector<InboundPacket> burst;
      for (int k = 0; k < 31; ++k) {
        const std::uint32_t ssrc = random() % 2 ? kSsrc : static_cast<std::uint32_t>(random());
        octets.push_back(
            stranger.protected_rtp(rtp_packet(static_cast<std::uint16_t>(random()), std::size_t{20}, ssrc)));
        if (octets.back().empty()) octets.back() = Octets(60, 0x80);
      }
      const Octets plain = rtp_packet(sequence, std::size_t{20});
      const std::size_t genuine = random() % octets.size();
      octets[genuine] = pair.protected_rtp(plain);
      for (Octets& packet : octets) burst.push_back(rtp_view(*pair.inbound, packet, packet.size()));
      pair.receiver->unprotect_rtp(burst);
      for (std::size_t k = 0; k < burst.size(); ++k)
        ASSERT_EQ(burst[k].outcome == SrtpOutcome::ok, k == genuine) << i << " " << k;
      octets[genuine].resize(burst[genuine].length);
      ASSERT_EQ(octets[genuine], plain);
    }
    EXPECT_EQ(pair.inbound->status().srtp_packets, 300u);
    EXPECT_EQ(pair.inbound->status().last_ssrc, kSsrc);
    EXPECT_EQ(pair.inbound->status().rollover_counter, roc + 1);
  }
}

TEST_P(SrtpReplay, ForgedRtcpFloodLeavesTheStreamAlone) {
  Pair pair(make_config(GetParam()));
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 20; ++k) {
      const Octets bad = random_octets(random, 12 + random() % 80);
      ASSERT_NE(pair.open_rtcp(bad), SrtpOutcome::ok);
    }
    ASSERT_EQ(pair.open_rtcp(pair.protected_rtcp(rtcp_packet(40))), SrtpOutcome::ok);
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
