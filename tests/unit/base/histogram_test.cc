// SPDX-License-Identifier: GPL-3.0-or-later
// Percentiles stay within the promised error, from microseconds to hours.
#include "base/histogram.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Histogram, NothingIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.5), 0);
  EXPECT_EQ(histogram.max(), 0);
}

TEST(Histogram, EveryValueIsKeptWithinItsError) {
  for (std::uint64_t value = 1; value < 10'000'000'000; value = value * 5 / 4 + 1) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(4 * value);  // the highest bounds what is told: this one is not it
    const double told = histogram.percentile(0.5);
    EXPECT_NEAR(told, static_cast<double>(value), 0.017 * static_cast<double>(value)) << value;
  }
}

TEST(Histogram, PercentilesAreRanks) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.record(value);
  EXPECT_NEAR(histogram.percentile(0.5), 500, 9);
  EXPECT_NEAR(histogram.percentile(0.9), 900, 16);
  EXPECT_NEAR(histogram.percentile(0.99), 990, 17);
  EXPECT_EQ(histogram.max(), 1000);
  EXPECT_LE(histogram.percentile(1), 1000);
}

TEST(Histogram, WhatIsBeyondAllBoundsIsCounted) {
  Histogram histogram;
  histogram.record(~std::uint64_t{0});
  histogram.record(0);
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.percentile(0.5), 0);
}

}  // namespace
}  // namespace sallyport
