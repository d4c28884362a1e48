// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 3550's reception statistics: loss, order, duplicates, jitter, changes of source.
#include "dataplane/reception.h"

#include <array>

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

constexpr std::uint64_t kHz = 1'000'000'000;

class ReceptionTest : public ::testing::Test {
 protected:
  void arrive(std::uint16_t sequence, std::uint64_t late_ns = 0, std::uint32_t ssrc = 1) {
    RtpHeader header;
    header.valid = true;
    header.sequence = sequence;
    header.ssrc = ssrc;
    header.timestamp = sequence * 160u;
    counters_.packets[0].add();
    reception_.packet(header, kHz + sequence * 20'000'000ull + late_ns, counters_);
  }
  [[nodiscard]] std::int64_t lost() const {
    return static_cast<std::int64_t>(counters_.expected.get() - counters_.packets[0].get());
  }

  FlowCounters counters_;
  Reception reception_{MediaClock(8000, kHz)};
};

TEST_F(ReceptionTest, InOrder) {
  for (std::uint16_t sequence = 100; sequence < 200; ++sequence) arrive(sequence);
  EXPECT_EQ(lost(), 0);
  EXPECT_EQ(counters_.out_of_order.get(), 0u);
  EXPECT_EQ(counters_.duplicates.get(), 0u);
  EXPECT_EQ(counters_.jitter.get() >> 4, 0u);
}

TEST_F(ReceptionTest, LossAcrossTheWrap) {
  for (const std::uint16_t sequence : std::to_array<std::uint16_t>({65533, 65534, 1, 2})) arrive(sequence);
  EXPECT_EQ(lost(), 2);  // 65535 and 0
}

TEST_F(ReceptionTest, LateArrivalIsOutOfOrderAndNotLost) {
  for (const std::uint16_t sequence : std::to_array<std::uint16_t>({10, 12, 11, 13})) arrive(sequence);
  EXPECT_EQ(lost(), 0);
  EXPECT_EQ(counters_.out_of_order.get(), 1u);
}

TEST_F(ReceptionTest, DuplicatesOfTheHighestAndOfEarlierOnes) {
  for (const std::uint16_t sequence : std::to_array<std::uint16_t>({10, 11, 11, 10})) arrive(sequence);
  EXPECT_EQ(counters_.duplicates.get(), 2u);
  EXPECT_EQ(counters_.out_of_order.get(), 0u);
}

TEST_F(ReceptionTest, AJumpRestartsInsteadOfCountingThousandsLost) {
  arrive(10);
  arrive(30000);
  arrive(30001);
  EXPECT_EQ(lost(), 0);
}

TEST_F(ReceptionTest, AnotherSourceStartsAnewAndKeepsTheSum) {
  arrive(10);
  arrive(12);
  arrive(5000, 0, 2);
  arrive(5001, 0, 2);
  EXPECT_EQ(counters_.ssrc_changes.get(), 1u);
  EXPECT_EQ(counters_.ssrc.get(), 2u);
  EXPECT_EQ(lost(), 1);
}

TEST_F(ReceptionTest, JitterConvergesToTheMeanDeviation) {
  // Every other packet 10 ms (80 units) late: |D| is 80 each time.
  for (std::uint16_t sequence = 0; sequence < 400; ++sequence)
    arrive(sequence, sequence % 2 == 0 ? 0 : 10'000'000);
  EXPECT_NEAR(counters_.jitter.get() >> 4, 80, 2);
}

}  // namespace
}  // namespace sallyport::dataplane
