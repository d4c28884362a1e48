// SPDX-License-Identifier: GPL-3.0-or-later
// The replay window against a set of everything that was accepted.
#include "crypto/replay_window.h"

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::crypto {
namespace {

class ReplayWindowTest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(ReplayWindowTest, AgreesWithASetOverRandomWalks) {
  const std::uint32_t bits = GetParam();
  std::mt19937_64 random(bits);
  std::vector<std::uint64_t> words(ReplayWindow::bytes(bits) / 8);
  ReplayWindow window(words.data(), bits);
  std::set<std::uint64_t> accepted;
  std::uint64_t next = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t spread = random() % 50 == 0 ? 4 * bits : 2 * bits / 3 + 2;
    const std::uint64_t base = next > spread ? next - spread : 0;
    const std::uint64_t index = base + random() % (spread + spread / 8 + 4);
    const ReplayCheck expected = next > index && next - index > bits ? ReplayCheck::too_old
                                 : accepted.contains(index)          ? ReplayCheck::replayed
                                                                     : ReplayCheck::fresh;
    ASSERT_EQ(window.check(next, index), expected) << index << " after " << next;
    if (expected != ReplayCheck::fresh) continue;
    next = window.commit(next, index);
    accepted.insert(index);
    ASSERT_EQ(next, *accepted.rbegin() + 1);
  }
}
INSTANTIATE_TEST_SUITE_P(Sizes, ReplayWindowTest, testing::Values(64, 128, 1024, 32768));

TEST(ReplayWindow, EdgeOfTheWindow) {
  std::vector<std::uint64_t> words(ReplayWindow::bytes(64) / 8);
  ReplayWindow window(words.data(), 64);
  const std::uint64_t next = window.commit(0, 1000);
  EXPECT_EQ(next, 1001u);
  EXPECT_EQ(window.check(next, 1000), ReplayCheck::replayed);
  EXPECT_EQ(window.check(next, 937), ReplayCheck::fresh);
  EXPECT_EQ(window.check(next, 936), ReplayCheck::too_old);
  EXPECT_EQ(window.check(next, 0), ReplayCheck::too_old);
  EXPECT_EQ(window.check(next, 1001), ReplayCheck::fresh);
}

TEST(ReplayWindow, FilledWindowTakesOnlyWhatIsNew) {
  std::vector<std::uint64_t> words(ReplayWindow::bytes(128) / 8);
  ReplayWindow window(words.data(), 128);
  const std::uint64_t next = 500;
  window.fill(next);
  EXPECT_EQ(window.check(next, 499), ReplayCheck::replayed);
  EXPECT_EQ(window.check(next, 372), ReplayCheck::replayed);
  const std::uint64_t later = window.commit(next, 510);
  EXPECT_EQ(window.check(later, 509), ReplayCheck::fresh);
  EXPECT_EQ(window.check(later, 500), ReplayCheck::fresh);
  EXPECT_EQ(window.check(later, 499), ReplayCheck::replayed);
}

// Where the highest index begins or ends its block of 64, and what is skipped reaches around the window.
TEST(ReplayWindow, FilledWindowAtTheEdgesOfBlocks) {
  for (const std::uint64_t next : {1u, 63u, 64u, 65u, 127u, 128u, 129u, 500u})
    for (const std::uint64_t step : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 129u, 1000u}) {
      std::vector<std::uint64_t> words(ReplayWindow::bytes(128) / 8);
      ReplayWindow window(words.data(), 128);
      window.fill(next);
      const std::uint64_t later = window.commit(next, next + step);
      for (std::uint64_t index = 0; index < later + 300; ++index) {
        const ReplayCheck expected = index >= later                         ? ReplayCheck::fresh
                                     : later - index > 128                  ? ReplayCheck::too_old
                                     : index < next || index == next + step ? ReplayCheck::replayed
                                                                            : ReplayCheck::fresh;
        ASSERT_EQ(window.check(later, index), expected) << index << " after " << next << " and " << step;
      }
    }
}

TEST(ReplayWindow, SizesArePowersOfTwo) {
  for (const std::uint32_t good : {64u, 128u, 1024u, 32768u}) EXPECT_TRUE(is_replay_window(good)) << good;
  for (const std::uint32_t bad : {0u, 1u, 32u, 63u, 65u, 96u, 1000u, 65536u, 0x80000000u})
    EXPECT_FALSE(is_replay_window(bad)) << bad;
}

}  // namespace
}  // namespace sallyport::crypto
