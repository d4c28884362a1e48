// SPDX-License-Identifier: GPL-3.0-or-later
// Packet index estimation against the formula of RFC 3711 §3.3.1 and its corners.
#include "crypto/packet_index.h"

#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace sallyport::crypto {
namespace {

struct Case {
  std::uint64_t highest;
  std::uint16_t sequence;
  std::uint64_t index;
};

constexpr std::uint64_t index_of(std::uint64_t roc, std::uint64_t sequence) {
  return roc << 16 | sequence;
}

TEST(PacketIndex, Corners) {
  constexpr Case kCases[] = {
      {index_of(0, 0), 1, index_of(0, 1)},
      {index_of(0, 65535), 0, index_of(1, 0)},
      {index_of(1, 0), 65535, index_of(0, 65535)},
      {index_of(7, 32767), 65535, index_of(7, 65535)},  // 32768 ahead: still the same cycle
      {index_of(7, 32766), 65535, index_of(6, 65535)},  // 32769 ahead: behind us, in the cycle before
      {index_of(7, 32768), 0, index_of(7, 0)},          // 32768 behind: the same cycle
      {index_of(7, 32769), 0, index_of(8, 0)},          // 32769 behind: the next one
      {index_of(0, 10), 40000, index_of(0, 40000)},     // no cycle before the first
      {index_of(0, 10), 65535, index_of(0, 65535)},
      {index_of(0xffffffff, 65535), 0, kIndexLimit},  // beyond the last ROC
  };
  for (const Case& c : kCases)
    EXPECT_EQ(estimate_index(c.highest, c.sequence), c.index) << c.highest << " " << c.sequence;
}

// RFC 3711 §3.3.1: of the three candidates ROC-1, ROC, ROC+1 the one that lies closest to the highest index.
TEST(PacketIndex, IsTheClosest) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t highest = index_of(1 + random() % 1000, random() % 65536);
    const auto sequence = static_cast<std::uint16_t>(random());
    const std::uint64_t estimate = estimate_index(highest, sequence);
    const auto distance = static_cast<std::int64_t>(estimate - highest);
    ASSERT_EQ(estimate & 0xffff, sequence);
    ASSERT_LE(distance, 32768);
    ASSERT_GE(distance, -32768);
  }
}

}  // namespace
}  // namespace sallyport::crypto
