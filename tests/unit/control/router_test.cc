// SPDX-License-Identifier: GPL-3.0-or-later
// Routing: from a Request-URI to the places to try, and everything that has no place.
#include "control/calls/router.h"

#include <gtest/gtest.h>

#include "control/calls/admission.h"
#include "tests/unit/control/calls_rig.h"
#include "tests/unit/control/store_rig.h"

namespace sallyport::control {
namespace {

constexpr std::string_view kRouting = R"(
[calls]
max_branches = 2
max_targets = 4
retry_after_s = 15
[trunk.first]
group = "carriers"
priority = 1
host = "sip.example.net"
listener = "peers"
strip = 1
prefix = "00"
[trunk.second]
group = "carriers"
priority = 2
host = "127.0.0.2"
port = 5070
listener = "old"
[trunk.pbx]
host = "pbx.example.net"
listener = "old"
max_calls = 1
addresses = ["198.51.100.9"]
[[route]]
match = "registered"
[[route]]
match = "+4999"
refuse = 603
[[route]]
match = "+4930"
from_side = "core"
user = "alice"
[[route]]
match = "+"
group = "carriers"
min_length = 6
[[route]]
match = "8"
trunk = "pbx"
strip = 1
[[route]]
match = "9"
group = "carriers"
strip = 3
[[route]]
match = "5"
registered = true
strip = 1
[[route]]
match = "@partner.example.net"
trunk = "pbx"
)";

struct Rig : TrunksRig {
  Rig() : TrunksRig(kRouting) {
    users.put(make_user("alice"));
    users.put(make_user("bob"));
    users.put(make_user("+4940123"));
    User blocked = make_user("blocked");
    blocked.enabled = false;
    users.put(std::move(blocked));
  }

  void bind(const std::string& user, std::uint64_t id, const std::string& contact, std::uint16_t q,
            sip::Transport transport = sip::Transport::tls, std::string_view instance = {},
            std::uint32_t reg_id = 0) {
    Binding binding = make_binding(id, contact, now + std::chrono::hours(1));
    BindingTexts::Parts parts{};
    parts[BindingTexts::contact] = contact;
    parts[BindingTexts::instance] = instance;
    binding.texts = BindingTexts(parts);
    binding.q = q;
    binding.reg_id = reg_id;
    binding.flow = {transport, *Endpoint::parse("192.0.2.77:4000"), id, 0};
    registrar.restore("sip:" + user + "@example.com", binding, now);
  }
  /// `0 sip:… via trunk | 1 …`, or `404 Not Found`.
  std::string route(const std::string& uri, const User* user, const TrunkPtr& from = nullptr,
                    std::string_view side = "access") {
    const auto found = router.route({uri, side, user, from.get(), now});
    if (!found) {
      retry_after_s = found.error().retry_after_s;
      return std::to_string(found.error().status) + " " + found.error().reason;
    }
    std::string text;
    for (const RouteTarget& target : *found) {
      text += (text.empty() ? "" : " | ") + std::to_string(target.stage) + " " + target.request_uri;
      if (target.trunk != nullptr) text += " via " + target.trunk->config().name;
      if (target.contacts.size() > 1) text += " +" + std::to_string(target.contacts.size() - 1);
      EXPECT_EQ(target.trunk == nullptr, !target.contacts.empty());
      EXPECT_FALSE(target.route.empty());
    }
    return text;
  }
  std::string by_user(const std::string& uri) { return route(uri, users.by_aor("sip:bob@example.com")); }
  std::string by_guest(const std::string& uri) { return route(uri, nullptr); }

  TemporaryDirectory directory;
  std::unique_ptr<Store> store = std::move(*open_store(directory.file("store.db")));
  UserDirectory users{false};
  Registrar registrar{config.registrar, *store};
  Router router{config, {&users, &registrar}, trunks};
  WallTime now{std::chrono::seconds(1700000000)};
  std::uint32_t retry_after_s = 0;
};

struct Case {
  std::string uri;
  std::string result;
};

TEST(Router, UsersAndNumbersFindTheirPlace) {
  Rig rig;
  rig.bind("alice", 1, "sip:alice@192.0.2.77", 1000);
  rig.bind("+4940123", 2, "sip:desk@192.0.2.78", 1000);
  const std::string both =
      "0 sip:00493012345@sip.example.net;transport=tls via first | 1 "
      "sip:+493012345@127.0.0.2:5070 via second";
  for (const Case& one : std::to_array<Case>({
           {"sip:alice@example.com", "0 sip:alice@192.0.2.77"},
           {"sip:alice@EXAMPLE.com:5061;transport=tls", "0 sip:alice@192.0.2.77"},
           {"sip:%61lice@example.com", "0 sip:alice@192.0.2.77"},
           {"sip:alice@sbc.example.com", "0 sip:alice@192.0.2.77"},
           {"sip:alice@192.0.2.1:5061", "0 sip:alice@192.0.2.77"},
           {"sip:alice@example.org", "404 Not Found"},
           {"tel:+49-40-123", "0 sip:desk@192.0.2.78"},
           {"sip:+4940123;phone-context=x@example.com;user=phone", "0 sip:desk@192.0.2.78"},
           {"sip:5alice@example.com", "0 sip:alice@192.0.2.77"},
           {"sip:+493012345@example.com", both},
           {"tel:+49(30)123-45",
            "0 sip:00493012345@sip.example.net;transport=tls;user=phone via first | 1 "
            "sip:+493012345@127.0.0.2:5070;user=phone via second"},
           {"sip:+49-30-12345@example.com", both},
           {"sip:8123@example.com", "0 sip:123@pbx.example.net via pbx"},
           {"tel:8123;phone-context=example.com", "0 sip:123@pbx.example.net;user=phone via pbx"},
           {"sip:carol@partner.example.net", "0 sip:carol@pbx.example.net via pbx"},
       }))
    EXPECT_EQ(rig.by_user(one.uri), one.result) << one.uri;
}

TEST(Router, WhatHasNoPlaceIsRefusedWithItsStatus) {
  Rig rig;
  for (const Case& one : std::to_array<Case>({
           {"sip:nobody@example.com", "404 Not Found"},
           {"sip:blocked@example.com", "404 Not Found"},
           {"sip:alice@example.com", "480 Not Registered"},
           {"sip:5carol@example.com", "404 Not Found"},
           {"sip:5@example.com", "484 Address Incomplete"},
           {"sip:example.com", "404 Not Found"},
           {"sip:carol@elsewhere.example.net", "403 Not One Of Our Domains"},
           {"sip:+493012345@elsewhere.example.net", "403 Not One Of Our Domains"},
           {"tel:8123;phone-context=elsewhere.example.net", "403 Not One Of Our Domains"},
           {"sip:+4912@example.com", "484 Address Incomplete"},
           {"sip:912@example.com", "484 Address Incomplete"},
           {"sip:8@example.com", "484 Address Incomplete"},
           {"sip:---@example.com;user=phone", "484 Address Incomplete"},
           {"sip:+49991234@example.com", "603 Decline"},
           {"mailto:alice@example.com", "416 Unsupported URI Scheme"},
           {"urn:service:sos", "416 Unsupported URI Scheme"},
           {"sip:", "400 Malformed Request-URI"},
           {"", "400 Malformed Request-URI"},
           {"sip:a b@example.com", "400 Malformed Request-URI"},
           {"tel:xyz", "400 Malformed Request-URI"},
       }))
    EXPECT_EQ(rig.by_user(one.uri), one.result) << one.uri;
}

// No open relay: what leads to a trunk costs somebody money.
TEST(Router, GuestsReachNoTrunk) {
  Rig rig;
  rig.bind("alice", 1, "sip:alice@192.0.2.77", 1000);
  for (const std::string uri : {"sip:+493012345@example.com", "tel:+493012345", "sip:8123@example.com",
                                "sip:912345@example.com", "sip:carol@partner.example.net"})
    EXPECT_EQ(rig.by_guest(uri), "403 Guests May Not Call Out") << uri;
  EXPECT_EQ(rig.by_guest("sip:alice@example.com"), "403 Guests May Not Call");
  EXPECT_EQ(rig.by_guest("sip:nobody@elsewhere.example.net"), "403 Not One Of Our Domains");
  rig.config.calls.guests = true;
  EXPECT_EQ(rig.by_guest("sip:alice@example.com"), "0 sip:alice@192.0.2.77");
  for (const std::string uri : {"sip:+493012345@example.com", "tel:+493012345", "sip:8123@example.com",
                                "sip:912345@example.com", "sip:carol@partner.example.net"})
    EXPECT_EQ(rig.by_guest(uri), "403 Guests May Not Call Out") << uri << ": not even then";
}

TEST(Router, CallsFromATrunkDoNotGoBackToIt) {
  Rig rig;
  rig.bind("alice", 1, "sip:alice@192.0.2.77", 1000);
  const TrunkPtr pbx = rig.trunks.find("pbx"), first = rig.trunks.find("first");
  EXPECT_EQ(rig.route("sip:+493012345@198.51.100.1", nullptr, pbx, "core"), "0 sip:alice@192.0.2.77")
      << "a number that is a user's on that side";
  EXPECT_EQ(rig.route("sip:+494412345@198.51.100.1", nullptr, first, "core"),
            "0 sip:+494412345@127.0.0.2:5070 via second");
  EXPECT_EQ(rig.route("sip:8123@example.com", nullptr, pbx, "core"), "482 Would Go Back To Its Trunk");
  EXPECT_EQ(rig.route("sip:alice@example.com", nullptr, pbx, "core"), "0 sip:alice@192.0.2.77");
}

TEST(Router, TrunksThatCannotBeUsedGive503) {
  Rig rig;
  rig.trunk("first").set_enabled(false, 0);
  for (int i = 0; i < 2; ++i) rig.trunk("second").check_failed("x", 0);
  EXPECT_EQ(rig.by_user("sip:+493012345@example.com"), "0 sip:+493012345@127.0.0.2:5070 via second")
      << "the one that seems down is better than none";
  rig.trunk("second").set_enabled(false, 0);
  EXPECT_EQ(rig.by_user("sip:+493012345@example.com"), "503 No Trunk Is Usable");
  EXPECT_EQ(rig.retry_after_s, 15U);
  Admission admission(rig.limits, rig.config.calls);
  const auto ticket = admission.enter(rig.trunks.find("pbx"), 0);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(rig.by_user("sip:8123@example.com"), "503 No Trunk Is Usable");
  EXPECT_EQ(rig.limits.refusals(Limit::calls_per_trunk), 1U);
}

TEST(Router, StagesFollowQAndKeepTheirBounds) {
  Rig rig;
  rig.bind("alice", 1, "sip:low@192.0.2.1", 100);
  rig.bind("alice", 2, "sip:high@192.0.2.2", 1000);
  rig.bind("alice", 3, "sip:high@192.0.2.3", 1000);
  const std::string text = rig.by_user("sip:alice@example.com");
  EXPECT_TRUE(text.starts_with("0 sip:high@") && text.ends_with("| 1 sip:low@192.0.2.1")) << text;
  EXPECT_NE(text.find("| 0 sip:high@"), std::string::npos) << text;
  rig.bind("alice", 4, "sip:high@192.0.2.4", 1000);
  rig.bind("alice", 5, "sip:low@192.0.2.5", 100);
  const auto found = rig.router.route(
      {"sip:alice@example.com", "access", rig.users.by_aor("sip:bob@example.com"), nullptr, rig.now});
  ASSERT_TRUE(found);
  std::vector<unsigned> stages;
  for (const RouteTarget& target : *found) stages.push_back(target.stage);
  EXPECT_EQ(stages, (std::vector<unsigned>{0, 0, 1, 2})) << "at most two at once and four in all";
}

TEST(Router, FurtherFlowsOfAnInstanceAreNoTargetsOfTheirOwn) {
  Rig rig;
  constexpr std::string_view kInstance = "<urn:uuid:00000000-0000-1000-8000-000a95a0e128>";
  rig.bind("alice", 1, "sip:alice@192.0.2.1", 1000, sip::Transport::tls, kInstance, 1);
  rig.bind("alice", 2, "sip:alice@192.0.2.2", 1000, sip::Transport::tls, kInstance, 2);
  const std::string text = rig.by_user("sip:alice@example.com");
  EXPECT_TRUE(text.starts_with("0 sip:alice@192.0.2.") && text.ends_with(" +1")) << text;
}

TEST(Router, SipsGoesByTlsOnly) {
  Rig rig;
  rig.bind("alice", 1, "sip:alice@192.0.2.1", 1000, sip::Transport::udp);
  EXPECT_EQ(rig.by_user("sips:alice@example.com"), "480 Not Registered Over TLS");
  rig.bind("alice", 2, "sip:alice@192.0.2.2", 500, sip::Transport::tls);
  EXPECT_EQ(rig.by_user("sips:alice@example.com"), "0 sip:alice@192.0.2.2");
  EXPECT_EQ(rig.by_user("sips:+493012345@example.com"),
            "0 sip:00493012345@sip.example.net;transport=tls via first");
  EXPECT_EQ(rig.by_user("sips:8123@example.com"), "503 No Trunk Is Usable");
}

TEST(Router, WithoutAStoreNobodyIsRegistered) {
  Rig rig;
  const Router router(rig.config, {}, rig.trunks);
  const auto found = router.route(
      {"sip:alice@example.com", "access", rig.users.by_aor("sip:bob@example.com"), nullptr, rig.now});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status, 404U);
  EXPECT_TRUE(router.is_ours("Example.COM"));
  EXPECT_TRUE(router.is_ours("192.0.2.1"));
  EXPECT_FALSE(router.is_ours("192.0.2.2"));
  EXPECT_FALSE(router.is_ours("sub.example.com"));
  EXPECT_FALSE(router.is_ours(""));
}

}  // namespace
}  // namespace sallyport::control
