// SPDX-License-Identifier: GPL-3.0-or-later
// Seqlock: a reader sees one whole value, and in the end the last one.
#include "base/seqlock.h"

#include <atomic>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

struct Wide {
  std::uint64_t first = 0;
  std::uint32_t middle = 0;
  std::uint64_t last = 0;
};

TEST(Seqlock, StartsAtTheDefaultValue) {
  const Seqlock<Wide> lock;
  EXPECT_EQ(lock.load().first, 0u);
  EXPECT_EQ(lock.load().last, 0u);
}

TEST(Seqlock, LoadsWhatWasStored) {
  Seqlock<Wide> lock;
  lock.store({1, 2, 3});
  lock.store({4, 5, 6});
  const Wide value = lock.load();
  EXPECT_EQ(value.first, 4u);
  EXPECT_EQ(value.middle, 5u);
  EXPECT_EQ(value.last, 6u);
}

TEST(Seqlock, TakesValuesThatDoNotFillTheirLastWord) {
  struct Odd {
    std::uint8_t octets[11] = {};
  };
  Seqlock<Odd> lock;
  Odd odd;
  odd.octets[10] = 0xab;
  lock.store(odd);
  EXPECT_EQ(lock.load().octets[10], 0xab);
}

TEST(Seqlock, ReaderNeverSeesHalfAValue) {
  constexpr std::uint64_t kTurns = 100000;
  Seqlock<Wide> lock;
  std::thread writer([&lock] {
    for (std::uint64_t i = 1; i <= kTurns; ++i) lock.store({i, static_cast<std::uint32_t>(i), i});
  });
  std::uint64_t torn = 0;
  std::uint64_t went_back = 0;
  Wide before;
  while (before.first != kTurns) {
    const Wide value = lock.load();
    torn += value.first != value.last || value.middle != static_cast<std::uint32_t>(value.first);
    went_back += value.first < before.first;
    before = value;
  }
  writer.join();
  EXPECT_EQ(torn, 0u);
  EXPECT_EQ(went_back, 0u);
}

}  // namespace
}  // namespace sallyport
