// SPDX-License-Identifier: GPL-3.0-or-later
// Rings: order, capacity, and nothing lost or invented between two threads.
#include "base/ring.h"

#include <array>
#include <cstdint>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Ring, FirstInFirstOut) {
  Ring<int> ring(4);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(ring.push(i));
  for (int i = 0; i < 4; ++i) {
    int out = -1;
    ASSERT_TRUE(ring.pop(out));
    EXPECT_EQ(out, i);
  }
}

TEST(Ring, EmptyGivesNothingAndLeavesTheTargetAlone) {
  Ring<int> ring(4);
  int out = 7;
  EXPECT_FALSE(ring.pop(out));
  EXPECT_EQ(out, 7);
}

TEST(Ring, FullTakesNothingAndLosesNothing) {
  Ring<int> ring(2);
  ASSERT_TRUE(ring.push(1));
  ASSERT_TRUE(ring.push(2));
  EXPECT_FALSE(ring.push(3));
  int out = 0;
  ASSERT_TRUE(ring.pop(out));
  EXPECT_EQ(out, 1);
  EXPECT_TRUE(ring.push(4));
  ASSERT_TRUE(ring.pop(out));
  EXPECT_EQ(out, 2);
  ASSERT_TRUE(ring.pop(out));
  EXPECT_EQ(out, 4) << "the refused 3 is nowhere";
}

TEST(Ring, GoesRoundManyTimes) {
  Ring<int> ring(3);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(ring.push(i));
    int out = -1;
    ASSERT_TRUE(ring.pop(out));
    EXPECT_EQ(out, i);
  }
}

TEST(Ring, BurstMayBePartial) {
  Ring<int> ring(3);
  const std::array<int, 5> in = {1, 2, 3, 4, 5};
  EXPECT_EQ(ring.push(in.data(), in.size()), 3u);
  std::array<int, 5> out{};
  EXPECT_EQ(ring.pop(out.data(), out.size()), 3u);
  EXPECT_EQ(out, (std::array<int, 5>{1, 2, 3, 0, 0}));
}

/// An order that is lent by pointer: what one thread wrote before pushing, the other must read after popping.
TEST(Ring, CarriesWhatWasWrittenBeforeThePush) {
  constexpr std::uint64_t kOrders = 100000;
  struct Order {
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
  };
  Ring<Order*> orders(64);
  Ring<Order*> receipts(64);
  std::array<Order, 32> pool;
  std::thread worker([&] {
    for (std::uint64_t done = 0; done < kOrders;) {
      Order* order = nullptr;
      if (!orders.pop(order)) {
        std::this_thread::yield();  // where both share a core, the other one is waited for
        continue;
      }
      order->answered = order->asked * 3;
      EXPECT_TRUE(receipts.push(order)) << "as many places as orders: a receipt ring cannot fill";
      ++done;
    }
  });
  std::uint64_t wrong = 0;
  std::uint64_t sent = 0;
  std::uint64_t back = 0;
  for (Order& order : pool) {
    order.asked = ++sent;
    ASSERT_TRUE(orders.push(&order));
  }
  while (back < kOrders) {
    Order* order = nullptr;
    if (!receipts.pop(order)) {
      std::this_thread::yield();
      continue;
    }
    ++back;
    wrong += order->answered != order->asked * 3 || order->asked != back;
    if (sent == kOrders) continue;
    order->asked = ++sent;
    ASSERT_TRUE(orders.push(order));
  }
  worker.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace sallyport
