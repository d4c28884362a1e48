// SPDX-License-Identifier: GPL-3.0-or-later
// The index of bindings: what it finds, when it lets go, and what a hundred thousand of them take.
#include "control/subscribers/location.h"

#include <cstdio>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/control/store_rig.h"

namespace sallyport::control {
namespace {

const std::string kAlice = "sip:alice@example.com";

WallTime at(int seconds) {
  return WallTime(std::chrono::seconds(1700000000 + seconds));
}

/// Ids that ended by `now`.
std::set<std::uint64_t> ended(Location& location, WallTime now, bool held = false) {
  std::set<std::uint64_t> ids;
  location.advance(
      now, [held](std::string_view) { return held; },
      [&](std::string_view aor, const Binding& binding) {
        EXPECT_TRUE(ids.insert(binding.id).second) << aor;
      });
  return ids;
}

using Ids = std::set<std::uint64_t>;

TEST(Location, NobodyIsAtHomeAtFirst) {
  Location location;
  EXPECT_TRUE(location.bindings(kAlice).empty());
  location.remove(kAlice, 1);
  location.forget_connection(kAlice, 1, 1);
  EXPECT_EQ(ended(location, at(1000000)), Ids{});
  EXPECT_EQ(location.size(), 0U);
}

TEST(Location, AnIdIsThereOnce) {
  Location location;
  location.put(kAlice, make_binding(1, "sip:a@b", at(60)));
  location.put(kAlice, make_binding(2, "sip:a@c", at(60)));
  location.put(kAlice, make_binding(1, "sip:a@d", at(60)));
  ASSERT_EQ(location.bindings(kAlice).size(), 2U);
  EXPECT_EQ(location.bindings(kAlice)[0].contact(), "sip:a@d");
  EXPECT_EQ(location.size(), 2U);
  location.remove(kAlice, 1);
  location.remove(kAlice, 1);
  location.remove("sip:bob@example.com", 2);
  EXPECT_EQ(location.size(), 1U);
}

TEST(Location, EachEndsAtItsTime) {
  Location location;
  for (std::uint64_t i = 1; i <= 5; ++i)
    location.put(kAlice, make_binding(i, "sip:a@b", at(static_cast<int>(10 * i))));
  location.put("sip:bob@example.com", make_binding(9, "sip:b@b", at(25)));
  EXPECT_EQ(ended(location, at(9)), Ids{});
  EXPECT_EQ(ended(location, at(10)), Ids{1});
  EXPECT_EQ(ended(location, at(30)), (Ids{2, 3, 9}));
  EXPECT_EQ(ended(location, at(30)), Ids{});
  EXPECT_EQ(ended(location, at(1000)), (Ids{4, 5}));
  EXPECT_EQ(location.size(), 0U);
}

TEST(Location, ARefreshMovesTheEndBothWays) {
  Location location;
  location.put(kAlice, make_binding(1, "sip:a@b", at(60)));
  for (int i = 1; i < 1000; ++i) location.put(kAlice, make_binding(1, "sip:a@b", at(60 + i)));
  EXPECT_EQ(ended(location, at(1058)), Ids{});
  location.put(kAlice, make_binding(1, "sip:a@b", at(1060)));
  location.put(kAlice, make_binding(1, "sip:a@b", at(1059)));
  EXPECT_EQ(ended(location, at(1059)), Ids{1});
}

TEST(Location, WhatWasRemovedDoesNotEnd) {
  Location location;
  location.put(kAlice, make_binding(1, "sip:a@b", at(60)));
  location.remove(kAlice, 1);
  location.put(kAlice, make_binding(2, "sip:a@b", at(90)));
  EXPECT_EQ(ended(location, at(60)), Ids{});
  EXPECT_EQ(ended(location, at(90)), Ids{2});
  EXPECT_TRUE(location.bindings(kAlice).empty());
}

TEST(Location, WhatIsHeldStays) {
  Location location;
  location.put(kAlice, make_binding(1, "sip:a@b", at(60)));
  EXPECT_EQ(ended(location, at(70), true), Ids{});
  EXPECT_EQ(ended(location, at(70)), Ids{}) << "looked at again a second later";
  EXPECT_EQ(ended(location, at(71)), Ids{1});
}

TEST(Location, OnlyTheConnectionMeantIsForgotten) {
  Location location;
  Binding binding = make_binding(1, "sip:a@b", at(60));
  binding.flow.connection = 7;
  location.put(kAlice, binding);
  location.forget_connection(kAlice, 1, 6);
  location.forget_connection(kAlice, 2, 7);
  EXPECT_EQ(location.bindings(kAlice)[0].flow.connection, 7U);
  location.forget_connection(kAlice, 1, 7);
  EXPECT_EQ(location.bindings(kAlice)[0].flow.connection, 0U);
}

TEST(Location, ABindingIsSmall) {
  constexpr std::uint64_t kCount = 100000;
  Location location;
  for (std::uint64_t i = 1; i <= kCount; ++i)
    location.put("sip:user" + std::to_string(i) + "@example.com",
                 make_binding(i, "sip:user" + std::to_string(i) + "@192.0.2.7:5061;transport=tls", at(60)));
  const std::size_t octets = location.memory_bytes() / kCount;
  std::printf("%zu octets a binding\n", octets);
  EXPECT_LE(octets, 640U);
}

TEST(BindingTexts, PartsComeBack) {
  const BindingTexts::Parts parts{"sip:a@b", "", "<urn:x>", "id", "", "<sip:p;lr>"};
  const BindingTexts texts(parts);
  EXPECT_EQ(texts.parts(), parts);
  EXPECT_EQ(BindingTexts().parts(), BindingTexts::Parts{});
  const BindingTexts::Parts largest{std::string_view(), std::string_view(), std::string_view(),
                                    std::string_view(), std::string_view(), std::string_view()};
  EXPECT_EQ(BindingTexts(largest), BindingTexts());
}

}  // namespace
}  // namespace sallyport::control
