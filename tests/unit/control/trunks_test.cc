// SPDX-License-Identifier: GPL-3.0-or-later
// Trunks: which first, which live, where they are, and who calls from them.
#include "control/calls/trunks.h"

#include <map>

#include <gtest/gtest.h>

#include "control/calls/admission.h"
#include "tests/unit/control/calls_rig.h"

namespace sallyport::control {
namespace {

constexpr std::string_view kGroup = R"(
[trunk.a]
group = "g"
host = "127.0.0.1"
port = 5061
listener = "peers"
priority = 1
weight = 1
[trunk.b]
group = "g"
host = "127.0.0.2"
listener = "peers"
priority = 1
weight = 3
[trunk.c]
group = "g"
host = "127.0.0.3"
listener = "peers"
priority = 2
max_calls = 1
[trunk.elsewhere]
host = "127.0.0.4"
listener = "peers"
[trunk.caller]
group = "g"
listener = "peers"
addresses = ["198.51.100.9"]
)";

TEST(Trunks, AreTriedByPriorityAndThenByWeight) {
  TrunksRig rig(kGroup);
  std::map<std::string, int> seen;
  for (rig.drawn = 0; rig.drawn < 4; ++rig.drawn) ++seen[rig.order("g")];
  EXPECT_EQ(seen, (std::map<std::string, int>{{"a b c", 1}, {"b a c", 3}}));
  EXPECT_EQ(rig.order("elsewhere"), "elsewhere");
  EXPECT_EQ(rig.order("nobody"), "");
}

TEST(Trunks, WeightsOfZeroShareWhatIsLeft) {
  TrunksRig rig(R"([trunk.a]
host = "127.0.0.1"
listener = "peers"
group = "g"
weight = 0
[trunk.b]
host = "127.0.0.2"
listener = "peers"
group = "g"
weight = 0
)");
  EXPECT_EQ(rig.order("g"), "a b");
  rig.drawn = 1;
  EXPECT_EQ(rig.order("g"), "b a");
}

TEST(Trunks, DownComesLastAndDisabledNotAtAll) {
  TrunksRig rig(kGroup);
  for (int i = 0; i < 2; ++i) rig.trunk("a").check_failed("no answer", rig.now_ms);
  EXPECT_EQ(rig.trunk("a").state(), TrunkState::down);
  EXPECT_EQ(rig.order("g"), "b c a");
  rig.trunk("b").set_enabled(false, rig.now_ms);
  EXPECT_EQ(rig.order("g"), "c a");
  rig.trunk("b").check_failed("no answer", rig.now_ms);
  rig.trunk("b").check_failed("no answer", rig.now_ms);
  EXPECT_EQ(rig.trunk("b").state(), TrunkState::disabled);
  rig.trunk("b").set_enabled(true, rig.now_ms);
  EXPECT_EQ(rig.order("g"), "b c a");
  EXPECT_EQ(rig.trunks.select_one("b").size(), 1U);
  EXPECT_TRUE(rig.trunks.select_one("nobody").empty());
  EXPECT_TRUE(rig.trunks.select_one("caller").empty()) << "it has no host";
}

TEST(Trunks, FullOnesAreSkippedAndCounted) {
  TrunksRig rig(kGroup);
  Admission admission(rig.limits, rig.config.calls);
  auto ticket = admission.enter(rig.trunks.find("c"), 0);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(rig.order("g"), "a b");
  EXPECT_EQ(rig.limits.refusals(Limit::calls_per_trunk), 1U);
  EXPECT_EQ(rig.trunk("c").counters().refused, 1U);
  ticket->give_back();
  EXPECT_EQ(rig.order("g"), "a b c");
}

constexpr std::string_view kOne = R"([trunk.one]
host = "127.0.0.1"
port = 5070
listener = "peers"
certificate = "ours"
options_interval_s = 30
options_timeout_s = 5
options_failures = 2
)";

TEST(TrunkChecks, AskAtOnceAndThenByTheInterval) {
  TrunksRig rig(kOne);
  ASSERT_TRUE(rig.advance(0, 1));
  EXPECT_EQ(rig.sender.sent[0].uri, "sip:127.0.0.1:5070;transport=tls");
  EXPECT_EQ(rig.sender.sent[0].remote, "127.0.0.1:5070");
  rig.sender.sent[0].done(200U);
  EXPECT_TRUE(rig.advance(29999, 1));
  EXPECT_TRUE(rig.advance(1, 2));
  EXPECT_EQ(rig.trunk("one").counters().checks, 2U);
}

struct AnswerCase {
  Result<unsigned> answer;
  bool alive;
};

TEST(TrunkChecks, AnyAnswerShowsLifeButThoseOfWhoeverStandsBetween) {
  for (const AnswerCase& one : std::to_array<AnswerCase>({{200U, true},
                                                          {401U, true},
                                                          {403U, true},
                                                          {404U, true},
                                                          {405U, true},
                                                          {500U, true},
                                                          {501U, true},
                                                          {486U, true},
                                                          {603U, true},
                                                          {408U, false},
                                                          {502U, false},
                                                          {503U, false},
                                                          {504U, false},
                                                          {fail(ErrorClass::timeout, "x"), false}})) {
    TrunksRig rig(kOne);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(rig.trunk("one").state(), TrunkState::up) << "one failure is not enough";
      ASSERT_TRUE(rig.advance(30000, i + 1));
      rig.sender.sent[i].done(one.answer);
    }
    EXPECT_EQ(rig.trunk("one").state() == TrunkState::up, one.alive) << one.answer.value_or(0);
    EXPECT_EQ(rig.trunk("one").why().empty(), one.alive);
    ASSERT_TRUE(rig.advance(30000, 3));
    rig.sender.sent[2].done(200U);
    EXPECT_EQ(rig.trunk("one").state(), TrunkState::up) << "one answer is";
  }
}

TEST(TrunkChecks, SilenceIsAFailureAndALateAnswerIsNone) {
  TrunksRig rig(kOne);
  ASSERT_TRUE(rig.advance(0, 1));
  ASSERT_TRUE(rig.advance(4999, 1));
  EXPECT_EQ(rig.trunk("one").counters().checks_failed, 0U);
  ASSERT_TRUE(rig.advance(1, 1));
  EXPECT_EQ(rig.trunk("one").counters().checks_failed, 1U);
  rig.sender.sent[0].done(fail(ErrorClass::timeout, "late"));
  EXPECT_EQ(rig.trunk("one").counters().checks_failed, 1U);
  ASSERT_TRUE(rig.advance(25000, 2));
  ASSERT_TRUE(rig.advance(5000, 2));
  EXPECT_EQ(rig.trunk("one").state(), TrunkState::down);
  EXPECT_EQ(rig.trunk("one").since_ms(), rig.now_ms);
  rig.sender.sent[0].done(200U);
  rig.sender.sent[1].done(200U);
  EXPECT_EQ(rig.trunk("one").state(), TrunkState::down);
}

TEST(TrunkChecks, AFailedCallIsLookedIntoAtOnce) {
  TrunksRig rig(kOne);
  ASSERT_TRUE(rig.advance(0, 1));
  rig.trunk("one").attempt_failed();
  EXPECT_TRUE(rig.advance(1000, 1)) << "while one is under way there is no other";
  rig.sender.sent[0].done(200U);
  EXPECT_TRUE(rig.advance(1000, 2));
  EXPECT_EQ(rig.trunk("one").counters().failed_over, 1U);
}

TEST(TrunkChecks, GoFromServerToServerUntilOneAnswers) {
  TrunksRig rig(R"([trunk.one]
host = "carrier.test"
listener = "peers"
options_failures = 1
)");
  rig.server.srv("_sips._tcp.carrier.test", {10, 0, 5071, "s1.test"});
  rig.server.srv("_sips._tcp.carrier.test", {20, 0, 5072, "s2.test"});
  rig.server.a("s1.test", "127.0.0.1");
  rig.server.a("s2.test", "127.0.0.2");
  ASSERT_TRUE(rig.advance(0, 1));
  EXPECT_EQ(rig.sender.sent[0].remote, "127.0.0.1:5071");
  EXPECT_EQ(rig.sender.sent[0].uri, "sip:carrier.test;transport=tls");
  rig.sender.sent[0].done(fail(ErrorClass::timeout, "refused"));
  ASSERT_EQ(rig.sender.sent.size(), 2U);
  EXPECT_EQ(rig.sender.sent[1].remote, "127.0.0.2:5072");
  rig.sender.sent[0].done(200U);
  rig.sender.sent[1].done(200U);
  EXPECT_EQ(rig.trunk("one").state(), TrunkState::up);
  ASSERT_TRUE(rig.advance(30000, 3));
  EXPECT_EQ(rig.sender.sent[2].remote, "127.0.0.2:5072") << "the one that failed comes last";
  rig.sender.sent[2].done(503U);
  rig.sender.sent[3].done(fail(ErrorClass::timeout, "refused"));
  EXPECT_EQ(rig.trunk("one").state(), TrunkState::down);
  EXPECT_EQ(rig.trunk("one").why(), "refused");
}

TEST(TrunkChecks, AHostWithoutAddressIsAFailure) {
  TrunksRig rig(R"([trunk.one]
host = "nowhere.test"
listener = "peers"
options_failures = 1
)");
  EXPECT_TRUE(rig.advance(0, 0));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (rig.trunk("one").state() == TrunkState::up && std::chrono::steady_clock::now() < limit) {
    if (rig.context.stopped()) rig.context.restart();
    rig.context.run_one_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(rig.trunk("one").state(), TrunkState::down);
}

TEST(TrunkChecks, AreNotMadeWhereNobodyWantsThem) {
  TrunksRig rig(R"([trunk.never]
host = "127.0.0.1"
listener = "peers"
options_interval_s = 0
[trunk.off]
host = "127.0.0.2"
listener = "peers"
enabled = false
[trunk.caller]
listener = "peers"
addresses = ["198.51.100.9"]
)");
  EXPECT_TRUE(rig.advance(0, 0));
  EXPECT_TRUE(rig.advance(86400000, 0));
  EXPECT_EQ(rig.trunk("never").state(), TrunkState::up);
  EXPECT_EQ(rig.trunk("off").state(), TrunkState::disabled);
}

TEST(Trunks, AreLocatedWithTheirCertificateAndListener) {
  TrunksRig rig(R"([trunk.one]
host = "carrier.test"
port = 5099
listener = "peers"
certificate = "ours"
)");
  rig.server.a("carrier.test", "127.0.0.7");
  std::optional<Result<std::vector<transport::Target>>> found;
  rig.trunks.locate(rig.trunk("one"), [&](auto targets) { found = std::move(targets); });
  ASSERT_TRUE(rig.run_until(found));
  ASSERT_TRUE(*found);
  ASSERT_EQ((*found)->size(), 1U);
  const transport::Target& target = (*found)->front();
  EXPECT_EQ(target.remote.to_string(), "127.0.0.7:5099");
  EXPECT_EQ(target.transport, sip::Transport::tls);
  EXPECT_EQ(target.server_name, "carrier.test");
  EXPECT_EQ(target.certificate, "ours");
  EXPECT_EQ(target.listener, 1U);
}

constexpr std::string_view kCallers = R"([trunk.named]
listener = "peers"
tls_names = ["sip.example.net", "192.0.2.9"]
[trunk.named-and-placed]
listener = "peers"
tls_names = ["sip.example.edu"]
addresses = ["198.51.100.0/24"]
[trunk.network]
listener = "peers"
addresses = ["198.51.100.0/24"]
[trunk.host]
listener = "peers"
addresses = ["198.51.100.9", "2001:db8::/32"]
[trunk.old]
listener = "old"
addresses = ["198.51.100.9"]
[trunk.outbound-only]
host = "127.0.0.1"
listener = "peers"
)";

struct CallerCase {
  std::uint32_t listener;
  std::string_view remote;
  std::vector<std::string> domains;  ///< of the certificate; empty: there is none
  std::string_view trunk;
};

TEST(Trunks, CallersAreKnownByNameOrAddress) {
  TrunksRig rig(kCallers);
  for (const CallerCase& one : std::to_array<CallerCase>({
           {1, "203.0.113.5:40000", {"sip.example.net"}, "named"},
           {1, "203.0.113.5:40000", {"other.example.net", "sip.example.net"}, "named"},
           {1, "203.0.113.5:40000", {"example.net"}, ""},
           {1, "203.0.113.5:40000", {}, ""},
           {1, "198.51.100.7:40000", {"sip.example.edu"}, "named-and-placed"},
           {1, "203.0.113.5:40000", {"sip.example.edu"}, ""},
           {1, "198.51.100.7:40000", {}, "network"},
           {1, "198.51.100.9:40000", {}, "host"},
           {1, "198.51.100.9:40000", {"sip.example.net"}, "named"},
           {1, "[2001:db8::5]:40000", {}, "host"},
           {1, "127.0.0.1:5061", {}, ""},
           {2, "198.51.100.9:5060", {}, "old"},
           {2, "198.51.100.7:5060", {}, ""},
           {0, "198.51.100.9:5060", {"sip.example.net"}, ""},
       })) {
    const sip::Hop hop{one.listener == 2 ? sip::Transport::udp : sip::Transport::tls,
                       *Endpoint::parse(one.remote), 0, one.listener};
    transport::PeerIdentity peer;
    peer.domains = one.domains;
    const TrunkPtr found = rig.trunks.recognize(hop, one.domains.empty() ? nullptr : &peer);
    EXPECT_EQ(found == nullptr ? "" : found->config().name, one.trunk) << one.listener << one.remote;
  }
}

TEST(Trunks, InboundAccountsAreAUserDirectoryOfTheirOwn) {
  TrunksRig rig(R"([trunk.carrier]
listener = "old"
addresses = ["198.51.100.9"]
auth_inbound = "sbc.example.com"
inbound_user = "carrier"
inbound_password = "secret"
)");
  const User* const user = rig.trunks.inbound_users().by_credentials("carrier", "sbc.example.com");
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(rig.trunks.of_inbound_user(*user), rig.trunks.find("carrier"));
  EXPECT_EQ(rig.trunks.inbound_users().by_credentials("carrier", "example.com"), nullptr);
  User other;
  other.aor = "sip:carrier@example.com";
  EXPECT_EQ(rig.trunks.of_inbound_user(other), nullptr);
  const UserDirectory& kept = rig.trunks.inbound_users();
  rig.trunks.configure(rig.config.trunks, rig.now_ms);
  EXPECT_EQ(kept.size(), 1U) << "an authenticator keeps the reference over reloads";
  rig.trunks.configure({}, rig.now_ms);
  EXPECT_EQ(kept.size(), 0U);
}

TEST(Trunks, OnlyThoseWithAnAccountAnswerChallenges) {
  TrunksRig rig(R"([trunk.with]
host = "127.0.0.1"
listener = "peers"
realm = "example.net"
user = "u"
password = "p"
[trunk.without]
host = "127.0.0.1"
listener = "peers"
)");
  EXPECT_NE(rig.trunk("with").digest(), nullptr);
  EXPECT_EQ(rig.trunk("without").digest(), nullptr);
}

TEST(Trunks, AReloadKeepsWhatItKnowsAndLetsCallsEnd) {
  TrunksRig rig(kGroup);
  Admission admission(rig.limits, rig.config.calls);
  auto ticket = admission.enter(rig.trunks.find("c"), 0);
  ASSERT_TRUE(ticket);
  for (int i = 0; i < 2; ++i) rig.trunk("a").check_failed("no answer", rig.now_ms);
  rig.trunk("elsewhere").set_enabled(false, rig.now_ms);
  ASSERT_TRUE(rig.advance(0, 3)) << "checks of a, b and c are under way";
  const std::weak_ptr<Trunk> gone = rig.trunks.find("c");
  const Config next = config_of(std::string(kSidesAndListeners) + R"([trunk.a]
group = "g"
host = "127.0.0.1"
port = 5061
listener = "peers"
[trunk.d]
group = "g"
host = "127.0.0.5"
listener = "peers"
[trunk.elsewhere]
host = "127.0.0.4"
listener = "peers"
)");
  rig.trunks.configure(next.trunks, rig.now_ms);
  EXPECT_EQ(rig.order("g"), "d a") << "a is down still";
  EXPECT_EQ(rig.trunk("elsewhere").state(), TrunkState::up);
  EXPECT_EQ(rig.trunks.find("c"), nullptr);
  EXPECT_EQ(gone.lock()->state(), TrunkState::disabled);
  for (auto& sent : rig.sender.sent) sent.done(fail(ErrorClass::timeout, "late"));
  ticket->give_back();
  EXPECT_TRUE(gone.expired());
}

TEST(Trunks, AnswersAfterTheirEndTouchNothing) {
  SenderRig::Done late;
  {
    TrunksRig rig(kOne);
    ASSERT_TRUE(rig.advance(0, 1));
    late = rig.sender.sent[0].done;
  }
  late(200U);
}

}  // namespace
}  // namespace sallyport::control
