// SPDX-License-Identifier: GPL-3.0-or-later
// PortPool: no port twice, none lost, order by seed, oldest released last to return.
#include "control/media/port_pool.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::control {
namespace {

std::vector<std::uint16_t> take_all_pairs(PortPool& pool) {
  std::vector<std::uint16_t> taken;
  while (const auto port = pool.take_pair()) taken.push_back(*port);
  return taken;
}

TEST(PortPool, GivesEveryPairOnceAndThenNone) {
  PortPool pool(30000, 30099, 1);
  const auto taken = take_all_pairs(pool);
  EXPECT_EQ(taken.size(), 50U);
  EXPECT_EQ(std::set(taken.begin(), taken.end()).size(), 50U);
  for (const std::uint16_t port : taken) {
    EXPECT_EQ(port % 2, 0);
    EXPECT_GE(port, 30000);
    EXPECT_LE(port, 30098);
  }
  EXPECT_EQ(pool.take_pair(), std::nullopt);
  EXPECT_EQ(pool.take_single(), std::nullopt);
  EXPECT_EQ(pool.ports_free(), 0U);
}

TEST(PortPool, OrderDependsOnTheSeed) {
  PortPool one(30000, 31999, 1), same(30000, 31999, 1), other(30000, 31999, 2);
  const auto order = take_all_pairs(one);
  EXPECT_EQ(order, take_all_pairs(same));
  EXPECT_NE(order, take_all_pairs(other));
  EXPECT_FALSE(std::ranges::is_sorted(order));
}

TEST(PortPool, ReleasedPortsGoToTheBack) {
  PortPool pool(40000, 40019, 7);
  const auto first = pool.take_pair();
  ASSERT_TRUE(first);
  pool.release_pair(*first);
  for (int i = 0; i < 9; ++i) EXPECT_NE(pool.take_pair(), first);
  EXPECT_EQ(pool.take_pair(), first);
}

TEST(PortPool, SinglesSplitPairsOnlyWhenNoHalfIsLeft) {
  PortPool pool(30000, 30003, 3);
  const auto even = pool.take_single();
  const auto odd = pool.take_single();
  ASSERT_TRUE(even && odd);
  EXPECT_EQ(*odd, *even + 1);
  EXPECT_TRUE(pool.take_pair());
  EXPECT_EQ(pool.take_pair(), std::nullopt);
}

TEST(PortPool, HalvesMergeAgain) {
  PortPool pool(30000, 30001, 3);
  const auto even = pool.take_single();
  const auto odd = pool.take_single();
  ASSERT_TRUE(even && odd);
  pool.release_single(*even);
  EXPECT_EQ(pool.take_pair(), std::nullopt) << "half of the pair is in use";
  pool.release_single(*odd);
  EXPECT_EQ(pool.take_pair(), even);
  pool.release_pair(*even);
  EXPECT_EQ(pool.ports_free(), 2U);
}

TEST(PortPool, HighestPortIsServed) {
  PortPool pool(65534, 65535, 9);
  EXPECT_EQ(pool.take_single(), 65534);
  EXPECT_EQ(pool.take_single(), 65535);
}

// Pairs and singles in random order: no port is ever given twice, and all come back.
TEST(PortPool, RandomUseNeverOverlaps) {
  PortPool pool(30000, 30063, 11);
  std::mt19937 random(5);
  std::vector<std::uint16_t> pairs, singles;
  std::set<std::uint16_t> in_use;
  const auto forget = [&](std::vector<std::uint16_t>& from) {
    std::swap(from[random() % from.size()], from.back());
    const std::uint16_t port = from.back();
    from.pop_back();
    EXPECT_EQ(in_use.erase(port), 1U);
    return port;
  };
  for (int i = 0; i < 20000; ++i) {
    switch (random() % 4) {
      case 0:
        if (const auto port = pool.take_pair()) {
          EXPECT_TRUE(in_use.insert(*port).second);
          EXPECT_TRUE(in_use.insert(static_cast<std::uint16_t>(*port + 1)).second);
          pairs.push_back(*port);
        }
        break;
      case 1:
        if (const auto port = pool.take_single()) {
          EXPECT_TRUE(in_use.insert(*port).second);
          singles.push_back(*port);
        }
        break;
      case 2:
        if (!pairs.empty()) {
          const std::uint16_t port = forget(pairs);
          EXPECT_EQ(in_use.erase(static_cast<std::uint16_t>(port + 1)), 1U);
          pool.release_pair(port);
        }
        break;
      default:
        if (!singles.empty()) pool.release_single(forget(singles));
    }
    ASSERT_EQ(pool.ports_in_use(), in_use.size());
  }
  for (const std::uint16_t port : pairs) pool.release_pair(port);
  for (const std::uint16_t port : singles) pool.release_single(port);
  EXPECT_EQ(take_all_pairs(pool).size(), 32U);
}

}  // namespace
}  // namespace sallyport::control
