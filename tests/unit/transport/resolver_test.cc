// SPDX-License-Identifier: GPL-3.0-or-later
// Questions, answers and how long they are remembered, against a name server on loopback.
#include "transport/resolver.h"

#include <gtest/gtest.h>

#include "tests/unit/transport/dns_rig.h"

namespace sallyport::transport {
namespace {

TEST(Resolver, AsksOnceWithinTheTimeToLive) {
  DnsRig rig;
  rig.server.a("one.test", "192.0.2.1", 30);
  for (int i = 0; i < 3; ++i) {
    const auto answer = rig.lookup("One.Test.", DnsType::a);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->addresses.size(), 1U);
  }
  EXPECT_EQ(rig.server.questions(), 1U);
  EXPECT_EQ(rig.counters[Count::dns_cache_hits], 2U);
  rig.now += 30;
  ASSERT_TRUE(rig.lookup("one.test", DnsType::a));
  EXPECT_EQ(rig.server.questions(), 2U);
  rig.resolver.forget_all();
  ASSERT_TRUE(rig.lookup("one.test", DnsType::a));
  EXPECT_EQ(rig.server.questions(), 3U);
}

TEST(Resolver, RemembersThatThereIsNothing) {
  DnsRig rig;
  rig.server.a("one.test", "192.0.2.1");
  rig.server.set_negative_ttl(10);
  for (const char* name : {"one.test", "none.test"}) {
    const std::uint64_t before = rig.server.questions();
    for (int i = 0; i < 2; ++i) {
      const auto answer = rig.lookup(name, DnsType::srv);
      ASSERT_TRUE(answer) << name << ": no records is an answer: " << answer.error().text;
      EXPECT_TRUE(answer->empty());
    }
    EXPECT_EQ(rig.server.questions(), before + 1);
    rig.now += 10;
    ASSERT_TRUE(rig.lookup(name, DnsType::srv));
    EXPECT_EQ(rig.server.questions(), before + 2);
  }
}

TEST(Resolver, ATimeToLiveOfZeroIsNotRemembered) {
  DnsRig rig;
  rig.server.a("one.test", "192.0.2.1", 0);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(rig.lookup("one.test", DnsType::a)->addresses.size(), 1U);
  EXPECT_EQ(rig.server.questions(), 2U);
}

TEST(Resolver, FollowsAliases) {
  DnsRig rig;
  rig.server.cname("one.test", "two.test");
  rig.server.aaaa("two.test", "2001:db8::2");
  const auto answer = rig.lookup("one.test", DnsType::aaaa);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->addresses.size(), 1U);
}

TEST(Resolver, OneQuestionServesAllWhoWait) {
  DnsRig rig;
  rig.server.a("one.test", "192.0.2.1");
  std::optional<int> done;
  int answers = 0;
  for (int i = 0; i < 50; ++i)
    rig.resolver.lookup("one.test", DnsType::a, [&](const Result<DnsAnswer>& answer) {
      EXPECT_TRUE(answer);
      if (++answers == 50) done = answers;
    });
  EXPECT_EQ(answers, 0) << "nobody is called back at once";
  ASSERT_TRUE(rig.run_until(done));
  EXPECT_EQ(rig.server.questions(), 1U);
}

TEST(Resolver, FailuresAreErrorsAndAskedAgain) {
  DnsRig rig({}, 100);
  rig.server.silence("silent.test");
  rig.server.fail("broken.test", 2);
  rig.server.fail("refused.test", 5);
  const std::pair<const char*, ErrorClass> cases[] = {
      {"silent.test", ErrorClass::timeout},
      {"broken.test", ErrorClass::refused},
      {"refused.test", ErrorClass::refused},
  };
  for (const auto& [name, error_class] : cases) {
    for (int i = 0; i < 2; ++i) {
      const auto answer = rig.lookup(name, DnsType::a);
      ASSERT_FALSE(answer) << name;
      EXPECT_TRUE(answer.error().error_class == error_class ||
                  answer.error().error_class == ErrorClass::timeout)
          << name << ": " << answer.error().text;
    }
    EXPECT_GE(rig.server.questions(name), 2U) << name;
  }
  EXPECT_GE(rig.counters[Count::dns_failures], 6U);
}

TEST(Resolver, RefusesWhatIsNoName) {
  DnsRig rig;
  for (const std::string& name : {std::string(), std::string("."), std::string(300, 'x'), std::string("a..b"),
                                  std::string(64, 'x') + ".test"})
    EXPECT_FALSE(rig.lookup(name, DnsType::a)) << name;
}

TEST(Resolver, QuestionsUnderWayAreBounded) {
  LimitValues values;
  values.set(Limit::dns_queries, 2);
  DnsRig rig(values, 100);
  for (const char* name : {"a.test", "b.test"}) {
    rig.server.silence(name);
    rig.resolver.lookup(name, DnsType::a, [](const Result<DnsAnswer>&) {});
  }
  const auto third = rig.lookup("c.test", DnsType::a);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().error_class, ErrorClass::exhausted);
  EXPECT_EQ(rig.limits.refusals(Limit::dns_queries), 1U);
}

TEST(Resolver, TheCacheIsBounded) {
  LimitValues values;
  values.set(Limit::dns_cache_entries, 2);
  DnsRig rig(values);
  for (const char* name : {"a.test", "b.test", "c.test"}) {
    rig.server.a(name, "192.0.2.1", 10);
    ASSERT_TRUE(rig.lookup(name, DnsType::a));
  }
  EXPECT_EQ(rig.resolver.cached(), 2U);
  EXPECT_EQ(rig.limits.refusals(Limit::dns_cache_entries), 1U);
  rig.now += 10;
  ASSERT_TRUE(rig.lookup("c.test", DnsType::a));
  EXPECT_EQ(rig.resolver.cached(), 1U) << "what is too old makes room";
}

TEST(Resolver, TheHostsFileComesFirst) {
  DnsRig rig;
  Resolver resolver(rig.context, {.servers = {rig.server.endpoint()}}, rig.limits, rig.counters);
  std::optional<Result<DnsAnswer>> result;
  resolver.lookup("localhost", DnsType::a, [&](const Result<DnsAnswer>& answer) { result = answer; });
  ASSERT_TRUE(rig.run_until(result));
  ASSERT_TRUE(*result);
  ASSERT_FALSE((*result)->addresses.empty());
  EXPECT_EQ((*result)->addresses[0].to_string(), "127.0.0.1");
  EXPECT_EQ(rig.server.questions(), 0U);
}

TEST(Resolver, NobodyIsCalledAfterItsEnd) {
  boost::asio::io_context context;
  test::DnsServer server;
  server.silence("one.test");
  Limits limits;
  Counters counters;
  bool called = false;
  {
    Resolver resolver(context, {.servers = {server.endpoint()}}, limits, counters);
    resolver.lookup("one.test", DnsType::a, [&](const Result<DnsAnswer>&) { called = true; });
    resolver.lookup("", DnsType::a, [&](const Result<DnsAnswer>&) { called = true; });
    context.poll();
    called = false;
    resolver.lookup("", DnsType::a, [&](const Result<DnsAnswer>&) { called = true; });
  }
  context.restart();
  context.run();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace sallyport::transport
