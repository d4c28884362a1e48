// SPDX-License-Identifier: GPL-3.0-or-later
// Several SSRCs under one key: slots, eviction, return, and the refusal when nothing can be remembered
// safely.
#include <gtest/gtest.h>

#include "crypto/crypto_context.h"
#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

class SrtpSsrc : public testing::TestWithParam<SuiteId> {};
INSTANTIATE_TEST_SUITE_P(Modes, SrtpSsrc, testing::ValuesIn(kBoth));

Octets packet_of(std::uint32_t ssrc, std::uint16_t sequence) {
  return rtp_packet(sequence, std::size_t{20}, ssrc);
}

TEST_P(SrtpSsrc, RolloverCountersAreKeptApart) {
  Pair pair(make_config(GetParam()));
  for (std::uint16_t i = 0; i < 10; ++i) {
    ASSERT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(1, static_cast<std::uint16_t>(65531 + i)))),
              SrtpOutcome::ok);
    ASSERT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(2, static_cast<std::uint16_t>(100 + i)))),
              SrtpOutcome::ok);
  }
  EXPECT_EQ(pair.inbound->status().last_ssrc, 2u);
  EXPECT_EQ(pair.inbound->status().rollover_counter, 0u);
  ASSERT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(1, 10))), SrtpOutcome::ok);
  EXPECT_EQ(pair.inbound->status().rollover_counter, 1u);
}

TEST_P(SrtpSsrc, AnEvictedSourceReturnsOnlyAboveWhatItHadReached) {
  SrtpConfig config = make_config(GetParam());
  Pair sending(config);
  config.ssrc_capacity = 1;
  Pair receiving(config);
  const Octets skipped = sending.protected_rtp(packet_of(1, 998));
  const Octets captured = sending.protected_rtp(packet_of(1, 1000));
  const Octets rtcp = sending.protected_rtcp(rtcp_packet(20, 0, 1));
  const Octets later_rtcp = sending.protected_rtcp(rtcp_packet(20, 0, 1));
  ASSERT_EQ(receiving.open_rtp(captured), SrtpOutcome::ok);
  ASSERT_EQ(receiving.open_rtcp(rtcp), SrtpOutcome::ok);
  ASSERT_EQ(receiving.open_rtp(sending.protected_rtp(packet_of(2, 7))), SrtpOutcome::ok)
      << "evicts the first";

  EXPECT_EQ(receiving.open_rtp(captured), SrtpOutcome::too_old);
  EXPECT_EQ(receiving.open_rtp(skipped), SrtpOutcome::too_old);
  EXPECT_EQ(receiving.open_rtcp(rtcp), SrtpOutcome::too_old);
  EXPECT_EQ(receiving.open_rtcp(later_rtcp), SrtpOutcome::ok);
  EXPECT_EQ(receiving.open_rtp(captured), SrtpOutcome::replayed)
      << "back in a slot, with a window that is full";
  EXPECT_EQ(receiving.open_rtp(skipped), SrtpOutcome::replayed);
  EXPECT_EQ(receiving.open_rtp(sending.protected_rtp(packet_of(1, 1001))), SrtpOutcome::ok);
  EXPECT_EQ(receiving.open_rtp(sending.protected_rtp(packet_of(2, 8))), SrtpOutcome::ok);
}

TEST_P(SrtpSsrc, AnEvictedSourceKeepsItsRolloverCounter) {
  SrtpConfig config = make_config(GetParam());
  Pair sending(config);
  config.ssrc_capacity = 1;
  Pair receiving(config);
  ASSERT_EQ(receiving.open_rtp(sending.protected_rtp(packet_of(1, 65535))), SrtpOutcome::ok);
  ASSERT_EQ(receiving.open_rtp(sending.protected_rtp(packet_of(2, 1))), SrtpOutcome::ok);
  EXPECT_EQ(receiving.open_rtp(sending.protected_rtp(packet_of(1, 3))), SrtpOutcome::ok);
  EXPECT_EQ(receiving.inbound->status().rollover_counter, 1u);
}

TEST_P(SrtpSsrc, ManySourcesInTurnPassWithFewSlots) {
  SrtpConfig config = make_config(GetParam());
  config.ssrc_capacity = 2;
  Pair pair(config);
  for (std::uint16_t sequence = 0; sequence < 50; ++sequence)
    for (std::uint32_t ssrc = 1; ssrc <= 2 + kRetiredSsrcs; ++ssrc)
      ASSERT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(ssrc, sequence))), SrtpOutcome::ok) << ssrc;
}

TEST_P(SrtpSsrc, OneSourceTooManyIsRefusedAndTheOthersGoOn) {
  SrtpConfig config = make_config(GetParam());
  Pair sending(config);
  config.ssrc_capacity = 2;
  const auto capacity = 2 + kRetiredSsrcs;
  Pair pair(config);
  for (std::uint32_t ssrc = 1; ssrc <= capacity; ++ssrc) {
    Octets plain = packet_of(ssrc, 1);
    ASSERT_EQ(protect_rtp(*pair.sender, *pair.outbound, plain), SrtpOutcome::ok);
    ASSERT_EQ(pair.open_rtp(plain), SrtpOutcome::ok);
  }
  Octets refused = packet_of(capacity + 1, 1);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, refused), SrtpOutcome::too_many_ssrcs);
  EXPECT_EQ(refused, packet_of(capacity + 1, 1));
  sending.outbound = std::move(sending.sender->make_outbound(make_config(GetParam())).value());
  EXPECT_EQ(pair.open_rtp(sending.protected_rtp(packet_of(capacity + 1, 1))), SrtpOutcome::too_many_ssrcs);
  for (std::uint32_t ssrc = 1; ssrc <= capacity; ++ssrc)
    EXPECT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(ssrc, 2))), SrtpOutcome::ok);
}

TEST_P(SrtpSsrc, ForgedPacketsTakeNoSlot) {
  SrtpConfig config = make_config(GetParam());
  config.ssrc_capacity = 1;
  Pair pair(config);
  Pair stranger(make_config(GetParam(), 99));
  ASSERT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(1, 1000))), SrtpOutcome::ok);
  for (std::uint32_t ssrc = 2; ssrc < 4 + kRetiredSsrcs; ++ssrc) {
    EXPECT_EQ(pair.open_rtp(stranger.protected_rtp(packet_of(ssrc, 5))), SrtpOutcome::forged);
    EXPECT_EQ(pair.open_rtcp(stranger.protected_rtcp(rtcp_packet(20, 0, ssrc))), SrtpOutcome::forged);
  }
  EXPECT_EQ(pair.open_rtp(pair.protected_rtp(packet_of(1, 999))), SrtpOutcome::ok)
      << "its window is still there";
}

TEST_P(SrtpSsrc, OutgoingSourcesNeverRepeatAnIndexAfterEviction) {
  SrtpConfig config = make_config(GetParam());
  config.ssrc_capacity = 1;
  Pair pair(config);
  Octets first = packet_of(1, 50);
  Octets other = packet_of(2, 50);
  Octets again = packet_of(1, 50);
  Octets later = packet_of(1, 51);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, first), SrtpOutcome::ok);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, other), SrtpOutcome::ok);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, again), SrtpOutcome::too_old);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, later), SrtpOutcome::ok);
}

}  // namespace
}  // namespace sallyport::crypto::test
