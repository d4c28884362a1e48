// SPDX-License-Identifier: GPL-3.0-or-later
// Names of users, both ways.
#include "sallyload/settings.h"

#include <gtest/gtest.h>

namespace sallyport::sallyload {
namespace {

TEST(Users, NamesAndBack) {
  const auto users = parse_users("7..1200", "user%06d-x");
  ASSERT_TRUE(users);
  EXPECT_EQ(users->count, 1194U);
  EXPECT_EQ(users->name(0), "user000007-x");
  EXPECT_EQ(users->index("user000007-x"), 0U);
  EXPECT_EQ(users->index("user001200-x"), 1193U);
  EXPECT_EQ(parse_users("5", "%d")->name(0), "5");
  EXPECT_EQ(parse_users("0..1000", "u%03d")->name(1000), "u1000");
}

TEST(Users, StrangersHaveNoIndex) {
  const auto users = parse_users("7..9", "user%02d");
  for (const char* name : {"user06", "user10", "user", "", "07", "userx7", "user07x", "user-7", "other07",
                           "user99999999999999999999"})
    EXPECT_FALSE(users->index(name)) << name;
}

TEST(Users, WhatIsWrongIsRefused) {
  struct Case {
    const char* range;
    const char* pattern;
  };
  for (const Case& wrong :
       {Case{"", "u%d"}, Case{"1..", "u%d"}, Case{"..2", "u%d"}, Case{"2..1", "u%d"}, Case{"a..b", "u%d"},
        Case{"1...2", "u%d"}, Case{"-1..2", "u%d"}, Case{"0..10000000", "u%d"}, Case{"0..1", "u"},
        Case{"0..1", ""}, Case{"0..1", "u%"}, Case{"0..1", "u%s"}, Case{"0..1", "u%d%d"},
        Case{"0..1", "u%6d"}, Case{"0..1", "u%00d"}, Case{"0..1", "u%099d"}, Case{"0..1", "u%0xd"}})
    EXPECT_FALSE(parse_users(wrong.range, wrong.pattern)) << wrong.range << ' ' << wrong.pattern;
}

}  // namespace
}  // namespace sallyport::sallyload
