// SPDX-License-Identifier: GPL-3.0-or-later
// Places of connections: refused beyond a bound, given back exactly once.
#include "transport/source_table.h"

#include <gtest/gtest.h>

namespace sallyport::transport {
namespace {

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(SourceTable, AnIpv6SourceIsANetwork) {
  EXPECT_EQ(source_of(address("2001:db8::1:2:3:4")), address("2001:db8::"));
  EXPECT_EQ(source_of(address("2001:db8:0:1::4")), address("2001:db8:0:1::"));
  EXPECT_EQ(source_of(address("192.0.2.7")), address("192.0.2.7"));
}

TEST(SourceTable, BoundsHoldPerSource) {
  LimitValues values;
  values.set(Limit::connections_per_source, 2);
  Limits limits(values);
  SourceTable table(limits);
  const auto one = table.admit(address("2001:db8::1"), false);
  const auto two = table.admit(address("2001:db8::2"), false);
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(table.admit(address("2001:db8::3"), false));
  EXPECT_TRUE(table.admit(address("2001:db8:0:1::1"), false));
  EXPECT_EQ(limits.refusals(Limit::connections_per_source), 1U);
  EXPECT_TRUE(table.admit_own()) << "our own connections are no source's";
}

TEST(SourceTable, PlacesAreGivenBackOnce) {
  Limits limits;
  SourceTable table(limits);
  {
    auto place = *table.admit(address("192.0.2.1"), true);
    EXPECT_EQ(table.handshakes(), 1U);
    SourceTable::Place moved = std::move(place);
    moved.end_handshake();
    moved.end_handshake();
    EXPECT_EQ(table.handshakes(), 0U);
    EXPECT_EQ(table.connections(), 1U);
    moved.leave();
    moved.leave();
    moved.end_handshake();
    EXPECT_EQ(table.connections(), 0U);
    moved = *table.admit(address("192.0.2.2"), true);
    moved = *table.admit_own();
    EXPECT_EQ(table.handshakes(), 0U);
    EXPECT_EQ(table.connections(), 1U);
  }
  EXPECT_EQ(table.connections(), 0U);
  EXPECT_EQ(table.sources(), 0U) << "nothing is remembered of who left";
}

TEST(SourceTable, HandshakesHaveBoundsOfTheirOwn) {
  LimitValues values;
  values.set(Limit::handshakes, 2);
  values.set(Limit::handshakes_per_source, 1);
  Limits limits(values);
  SourceTable table(limits);
  auto one = table.admit(address("192.0.2.1"), true);
  ASSERT_TRUE(one);
  EXPECT_FALSE(table.admit(address("192.0.2.1"), true));
  EXPECT_TRUE(table.admit(address("192.0.2.1"), false)) << "TCP shakes no hands";
  auto two = table.admit(address("192.0.2.2"), true);
  EXPECT_FALSE(table.admit(address("192.0.2.3"), true));
  one->end_handshake();
  EXPECT_TRUE(table.admit(address("192.0.2.1"), true));
}

}  // namespace
}  // namespace sallyport::transport
