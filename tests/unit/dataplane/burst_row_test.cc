// SPDX-License-Identifier: GPL-3.0-or-later
// More packets than a burst holds: the next burst begins while the present one is finished, and every packet
// ends as it would have ended alone.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

constexpr std::uint16_t kPackets = 600;
constexpr std::uint16_t kBack = 40;  // packets between one and its copy: they are in different bursts

using Row = std::tuple<std::optional<SuiteId>, std::uint16_t>;
class BurstRow : public ::testing::TestWithParam<Row> {};

TEST_P(BurstRow, PacketsEndAsTheyWouldAlone) {
  const auto [suite, limit] = GetParam();
  RelayRig rig({.burst_limit = limit});
  Call call(rig, {.access_suite = suite, .core_suite = SuiteId::aes_cm_128_hmac_sha1_80});
  const std::size_t out = test::packets_out();
  std::vector<Octets> frames;
  std::size_t copies = 0;
  std::size_t forgeries = 0;
  std::size_t strangers = 0;
  for (std::uint16_t sequence = 0; sequence < kPackets; ++sequence) {
    frames.push_back(call.from_access(call.access_peer.close_rtp({.sequence = sequence}, kVoice)));
    ASSERT_TRUE(rig.access.deliver(frames.back()));
    if (suite && sequence % 7 == 0 && sequence >= kBack) {
      ASSERT_TRUE(rig.access.deliver(frames[sequence - kBack]));
      ++copies;
    }
    if (suite && sequence % 11 == 0) {
      Octets forged = frames.back();
      forged.back() ^= 1;
      store_be16(forged.data() + 42 + 2, static_cast<std::uint16_t>(kPackets + sequence));
      ASSERT_TRUE(rig.access.deliver(forged));
      ++forgeries;
    }
    if (sequence % 13 == 0) {
      ASSERT_TRUE(rig.access.deliver(call.from_access(kVoice, 700)));
      ++strangers;
    }
  }
  rig.settle();
  const auto sent = rig.core.sent();
  ASSERT_EQ(sent.size(), kPackets);
  for (std::uint16_t sequence = 0; sequence < kPackets; ++sequence)
    EXPECT_EQ(call.core_peer.open_rtp(test::read_frame(sent[sequence])->payload),
              test::rtp_packet({.sequence = sequence}, kVoice));
  EXPECT_EQ(rig.verdicts(Verdict::drop_srtp_replayed), copies);
  EXPECT_EQ(rig.verdicts(Verdict::drop_srtp_forged), forgeries);
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_flow) + rig.verdicts(Verdict::drop_unclassified), strangers);
  EXPECT_EQ(rig.received(), rig.verdict_sum());
  EXPECT_EQ(test::packets_out(), out);
}

INSTANTIATE_TEST_SUITE_P(
    Limits, BurstRow,
    ::testing::Combine(::testing::Values(std::optional<SuiteId>{}, SuiteId::aes_cm_128_hmac_sha1_80,
                                         SuiteId::aead_aes_128_gcm),
                       ::testing::Values(std::uint16_t{1}, std::uint16_t{5}, std::uint16_t{32})));

// Commands and other queues wait no longer than these.
TEST(BurstRowTurn, TakesSoManyBurstsAndNoMore) {
  constexpr std::uint16_t kLimit = 4;
  constexpr std::size_t kTurn = kLimit * Worker::kBurstsATurn;
  RelayRig rig({.burst_limit = kLimit});
  Call call(rig, {});
  for (std::uint16_t sequence = 0; sequence < kTurn + 3; ++sequence)
    rig.access.deliver(call.from_access(test::rtp_packet({.sequence = sequence}, kVoice)));
  EXPECT_EQ(rig.workers[0]->poll_once(1), kTurn);
  EXPECT_EQ(rig.core.sent().size(), kTurn);
  EXPECT_EQ(rig.workers[0]->poll_once(2), 3u);
  EXPECT_EQ(rig.core.sent().size(), 3u);
}

}  // namespace
}  // namespace sallyport::dataplane
