// SPDX-License-Identifier: GPL-3.0-or-later
// Counters: one writer's sum, seen whole by any reader.
#include "base/counter.h"

#include <limits>
#include <thread>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Counter, StartsAtNothingAndAdds) {
  Counter counter;
  EXPECT_EQ(counter.get(), 0u);
  counter.add();
  counter.add(41);
  EXPECT_EQ(counter.get(), 42u);
}

TEST(Counter, SetReplaces) {
  Counter counter;
  counter.add(7);
  counter.set(3);
  EXPECT_EQ(counter.get(), 3u);
}

TEST(Counter, WrapsRatherThanSaturates) {
  Counter32 counter;
  counter.set(std::numeric_limits<std::uint32_t>::max());
  counter.add(2);
  EXPECT_EQ(counter.get(), 1u);
}

TEST(Counter, ReaderNeverSeesItGoBackOrTear) {
  // Adding 2^32 + 1 keeps both halves equal, so a torn read would show halves that differ.
  constexpr std::uint64_t kStep = (std::uint64_t{1} << 32) + 1;
  constexpr std::uint64_t kTurns = 200000;
  Counter counter;
  std::thread writer([&counter] {
    for (std::uint64_t i = 0; i < kTurns; ++i) counter.add(kStep);
  });
  std::uint64_t before = 0;
  std::uint64_t seen = 0;
  bool torn = false;
  bool went_back = false;
  while (seen != kTurns * kStep) {
    seen = counter.get();
    torn |= (seen >> 32) != (seen & 0xffffffff);
    went_back |= seen < before;
    before = seen;
  }
  writer.join();
  EXPECT_FALSE(torn);
  EXPECT_FALSE(went_back);
}

}  // namespace
}  // namespace sallyport
