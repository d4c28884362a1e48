// SPDX-License-Identifier: GPL-3.0-or-later
// Users from the admin protocol's line to the store and back: what is shown, what is refused, what never
// appears.
#include "control/subscribers/subscribers.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "control/admin/subscriber_reply.h"
#include "tests/unit/control/store_rig.h"

namespace sallyport::control {
namespace {

const std::string kPassword = "correct-horse-battery";

class SubscribersTest : public testing::Test {
 protected:
  SubscribersTest() { open(); }

  void open() {
    subscribers.reset();
    SubscriberSettings settings;
    settings.store = store_config(directory.file("s.db"));
    settings.registrar.domains = {"example.com", "example.net"};
    settings.algorithms = {crypto::DigestAlgorithm::sha_256, crypto::DigestAlgorithm::md5};
    settings.userhash = true;
    auto opened = Subscribers::open(std::move(settings), now);
    ASSERT_TRUE(opened) << opened.error().text;
    subscribers = std::move(*opened);
  }
  /// The answer's JSON, or `class key: message`.
  std::string ask(const std::string& method, const std::string& params) {
    auto request = parse_request(R"({"v":1,"id":1,"method":")" + method + R"(","params":)" + params + "}");
    if (!request) return words(request.error().refusal);
    std::string answer;
    handle(*subscribers, std::get<SubscriberRequest>(request->body), now,
           {[&answer](const std::string& json) { answer = json; },
            [&answer](const Refusal& refusal) { answer = words(refusal); }});
    subscribers->store().drain();
    outputs += answer;
    return answer;
  }
  std::string add(const std::string& address, const std::string& more = "") {
    return ask("user.add", R"({"user":")" + address + R"(","password":")" + kPassword + "\"" + more + "}");
  }
  static std::string words(const Refusal& refusal) {
    return std::string(name(refusal.error.error_class)) + " " + refusal.key + ": " + refusal.error.text;
  }
  void put_binding(std::uint64_t id, const std::string& aor, const std::string& contact) {
    Binding binding = make_binding(id, contact, now + std::chrono::seconds(600));
    ASSERT_TRUE(write_and_wait(subscribers->store(), changes(change::PutBinding{aor, binding})));
  }

  TemporaryDirectory directory;
  WallTime now{std::chrono::seconds(1700000000)};
  std::unique_ptr<Subscribers> subscribers;
  std::string outputs;
};

TEST_F(SubscribersTest, AUserIsAddedAndShown) {
  const std::string shown =
      R"({"user":"alice@example.com","display_name":"Alice","realm":"example.com","enabled":true,)"
      R"("algorithms":["SHA-256","MD5"],"algorithms_by_policy":true,"bindings_limit":2,"calls_limit":0,"registrations":0})";
  EXPECT_EQ(add("alice", R"(,"display_name":"Alice","bindings_limit":2)"), shown);
  EXPECT_EQ(ask("user.show", R"({"user":"sip:alice@EXAMPLE.com"})"), shown);
  open();
  EXPECT_EQ(ask("user.show", R"({"user":"alice"})"), shown);
}

TEST_F(SubscribersTest, CredentialsAreWhatThePasswordMakesThem) {
  add("alice@example.net", R"(,"algorithms":["SHA-512-256"])");
  for (int round = 0; round < 2; ++round, open()) {
    const User* user = subscribers->users().by_credentials("alice", "example.com");
    ASSERT_NE(user, nullptr);
    EXPECT_EQ(user->aor, "sip:alice@example.net");
    using enum crypto::DigestAlgorithm;
    const auto expected = crypto::make_ha1(sha_512_256, "alice", "example.com", kPassword);
    EXPECT_TRUE(std::ranges::equal(user->ha1[static_cast<std::size_t>(sha_512_256)].view(), expected.view()));
    EXPECT_TRUE(user->ha1[static_cast<std::size_t>(md5)].empty());
    EXPECT_EQ(subscribers->users().by_credentials("alice", "example.net"), nullptr);
    for (const auto algorithm : {sha_512_256, sha_256, md5}) {
      const auto hash = crypto::hash_user(algorithm, "alice", "example.com");
      EXPECT_EQ(subscribers->users().by_userhash(algorithm, hash.text(), "example.com"), user);
      EXPECT_EQ(subscribers->users().by_userhash(algorithm, hash.text(), "example.net"), nullptr);
      EXPECT_EQ(subscribers->users().by_userhash(algorithm, hash.text().substr(0, 20), "example.com"),
                nullptr);
      EXPECT_EQ(subscribers->users().by_userhash(algorithm, "not hexadecimal at all", "example.com"),
                nullptr);
    }
  }
}

TEST_F(SubscribersTest, APasswordIsReplaced) {
  add("alice");
  const std::string shown = ask("user.passwd", R"({"user":"alice","password":"other","algorithms":["MD5"]})");
  EXPECT_NE(shown.find(R"("algorithms":["MD5"])"), std::string::npos) << shown;
  const User* user = subscribers->users().by_aor("sip:alice@example.com");
  EXPECT_TRUE(user->ha1[static_cast<std::size_t>(crypto::DigestAlgorithm::sha_256)].empty());
  EXPECT_TRUE(std::ranges::equal(
      user->ha1[0].view(),
      crypto::make_ha1(crypto::DigestAlgorithm::md5, "alice", "example.com", "other").view()));
}

TEST_F(SubscribersTest, SettingsChangeAloneOrTogether) {
  add("alice");
  ask("user.set", R"({"user":"alice","enabled":false})");
  ask("user.set", R"({"user":"alice","calls_limit":4,"display_name":"A"})");
  const User* user = subscribers->users().by_aor("sip:alice@example.com");
  EXPECT_FALSE(user->enabled);
  EXPECT_EQ(user->calls_limit, 4U);
  EXPECT_EQ(user->display_name, "A");
  EXPECT_TRUE(user->algorithms.empty()) << "as the policy says";
  EXPECT_TRUE(user->has_digest(crypto::DigestAlgorithm::md5));
}

TEST_F(SubscribersTest, DigestsAreKeptOfWhatListenersAsk) {
  using enum crypto::DigestAlgorithm;
  add("alice");
  subscribers->keep_algorithms({sha_512_256});
  add("bob");
  const User* alice = subscribers->users().by_aor("sip:alice@example.com");
  EXPECT_FALSE(alice->has_digest(sha_512_256)) << "not of a password that is older";
  EXPECT_TRUE(subscribers->users().by_aor("sip:bob@example.com")->has_digest(sha_512_256));
  ask("user.passwd", R"({"user":"alice","password":"other"})");
  alice = subscribers->users().by_aor("sip:alice@example.com");
  EXPECT_TRUE(alice->has_digest(sha_512_256));
  EXPECT_FALSE(alice->has_digest(md5));
}

struct Refused {
  const char* method;
  std::string params;
  std::string answer;
};

TEST_F(SubscribersTest, WhatIsRefused) {
  add("alice");
  const std::string taken = "refused params.user: there is such a user already";
  const std::string bad_name =
      "malformed params.user: a user's name has 1 to 64 octets without white space, ':', '@', '\"' and '\\'";
  const std::vector<Refused> table{
      {"user.add", R"({"user":"alice","password":"x"})", taken},
      {"user.add", R"({"user":"alice@Example.COM","password":"x"})", taken},
      {"user.add", R"({"user":"alice@example.net","password":"x"})",
       "refused params.user: a user of this name in another domain has the same realm"},
      {"user.add", R"({"user":"bob@example.org","password":"x"})",
       "refused params.user: this domain is not one of registrar.domains"},
      {"user.add", R"({"user":"bob"})", "malformed params.password: is required"},
      {"user.add", R"({"user":"bob","password":""})", "malformed params.password: must have 1 to 256 octets"},
      {"user.add", R"({"user":"bob","password":")" + std::string(257, 'x') + "\"}",
       "malformed params.password: must have 1 to 256 octets"},
      {"user.add", R"({"password":"x"})", "malformed params.user: is required"},
      {"user.add", R"({"user":"","password":"x"})", bad_name},
      {"user.add", R"({"user":"a b","password":"x"})", bad_name},
      {"user.add", R"({"user":"a:b","password":"x"})", bad_name},
      {"user.add", R"({"user":"a\\b","password":"x"})", bad_name},
      {"user.add", R"({"user":"a\nb","password":"x"})", bad_name},
      {"user.add", R"({"user":")" + std::string(65, 'x') + R"(","password":"x"})", bad_name},
      {"user.add", R"({"user":"bob","password":"x","algorithms":["SHA-1"]})",
       "unsupported params.algorithms: must be of MD5, SHA-256 and SHA-512-256"},
      {"user.add", R"({"user":"bob","password":"x","algorithms":"MD5"})",
       "malformed params.algorithms: must be a list of strings"},
      {"user.add", R"({"user":"bob","password":"x","algorithms":[]})",
       "malformed params.user: algorithms are listed once each, and at least one"},
      {"user.add", R"({"user":"bob","password":"x","algorithms":["MD5","MD5"]})",
       "malformed params.user: algorithms are listed once each, and at least one"},
      {"user.add", R"({"user":"bob","password":"x","display_name":"a\u001bb"})",
       "malformed params.user: a display name has at most 128 octets and no control characters"},
      {"user.add", R"({"user":"bob","password":"x","bindings_limit":101})",
       "malformed params.bindings_limit: must be a number from 0 to 100"},
      {"user.set", R"({"user":"alice","password":"x"})", "malformed params.password: unknown field"},
      {"user.set", R"({"user":"alice","algorithms":["MD5"]})", "malformed params.algorithms: unknown field"},
      {"user.set", R"({"user":"bob"})", "not_found params.user: there is no such user"},
      {"user.passwd", R"({"user":"bob","password":"x"})", "not_found params.user: there is no such user"},
      {"user.passwd", R"({"user":"alice"})", "malformed params.password: is required"},
      {"user.del", R"({"user":"bob"})", "not_found params.user: there is no such user"},
      {"user.show", R"({"user":"alice@example.net"})", "not_found params.user: there is no such user"},
      {"user.list", R"({"count":0})", "malformed params.count: must be a number from 1 to 1000"},
      {"registration.show", R"({"user":"bob"})", "not_found params.user: there is no such user"},
      {"registration.drop", R"({"user":"alice","binding":5})",
       "not_found params.binding: the user has no such registration"},
      {"registration.drop", R"({"user":"alice","binding":0})",
       "malformed params.binding: must be a number from 1 to 9223372036854775807"},
  };
  for (const Refused& one : table) EXPECT_EQ(ask(one.method, one.params), one.answer) << one.params;
  EXPECT_EQ(subscribers->users().size(), 1U);
}

TEST_F(SubscribersTest, TwoChangesAtOnceAreOne) {
  const auto request = [] {
    return parse_request(R"({"v":1,"id":1,"method":"user.add","params":{"user":"alice","password":"x"}})")
        .value();
  };
  std::vector<std::string> answers;
  const AdminReply reply{[&answers](const std::string& json) { answers.push_back(json.substr(0, 8)); },
                         [&answers](const Refusal& refusal) { answers.push_back(words(refusal)); }};
  auto first = request(), second = request();
  handle(*subscribers, std::get<SubscriberRequest>(first.body), now, reply);
  handle(*subscribers, std::get<SubscriberRequest>(second.body), now, reply);
  subscribers->store().drain();
  EXPECT_EQ(answers, (std::vector<std::string>{
                         "refused params.user: another change of this user is under way", R"({"user":)"}));
}

TEST_F(SubscribersTest, ListsComeInPages) {
  for (const char* one : {"dave", "alice", "carol", "bob"}) add(one);
  const std::string first = ask("user.list", R"({"count":3})");
  EXPECT_NE(first.find(R"("total":4,"next":"sip:carol@example.com")"), std::string::npos) << first;
  EXPECT_LT(first.find("alice@"), first.find("bob@"));
  const std::string rest = ask("user.list", R"({"count":3,"after":"sip:carol@example.com"})");
  EXPECT_NE(rest.find("dave@"), std::string::npos);
  EXPECT_NE(rest.find(R"("next":null)"), std::string::npos) << rest;
  EXPECT_NE(ask("user.list", R"({"after":"sip:zoe@example.com"})").find(R"("users":[])"), std::string::npos);
}

TEST_F(SubscribersTest, RegistrationsAreListedShownAndDropped) {
  for (const char* one : {"alice", "bob", "carol"}) add(one);
  put_binding(5, "sip:alice@example.com", "sip:alice@192.0.2.1");
  put_binding(6, "sip:alice@example.com", "sip:alice@192.0.2.2;x=\xff\x1b[31m");
  put_binding(7, "sip:carol@example.com", "sip:carol@192.0.2.3");
  put_binding(8, "sip:nobody@example.com", "sip:nobody@192.0.2.4");
  open();
  const std::string first = ask("registration.list", R"({"count":1})");
  EXPECT_NE(first.find(R"("contact":"sip:alice@192.0.2.1")"), std::string::npos) << first;
  EXPECT_NE(first.find(R"(x=??[31m")"), std::string::npos) << "what is not ASCII is not shown";
  EXPECT_NE(first.find(R"("total":3,"next":"sip:alice@example.com")"), std::string::npos) << first;
  const std::string rest = ask("registration.list", R"({"after":"sip:alice@example.com"})");
  EXPECT_NE(rest.find(R"("binding":7)"), std::string::npos) << rest;
  EXPECT_NE(rest.find(R"("expires_in_s":600)"), std::string::npos) << rest;
  EXPECT_NE(rest.find(R"("connected":false)"), std::string::npos) << rest;
  EXPECT_EQ(ask("registration.drop", R"({"user":"alice","binding":6})"), R"({"dropped":1})");
  EXPECT_EQ(ask("registration.show", R"({"user":"alice"})").find(R"("binding":6)"), std::string::npos);
  EXPECT_EQ(ask("registration.drop", R"({"user":"carol"})"), R"({"dropped":1})");
  EXPECT_EQ(ask("registration.drop", R"({"user":"carol"})"), R"({"dropped":0})");
  open();
  EXPECT_EQ(subscribers->registrar().location().size(), 1U) << "of nobody, nothing is kept";
}

TEST_F(SubscribersTest, AUserGoesWithItsRegistrations) {
  add("alice");
  put_binding(5, "sip:alice@example.com", "sip:alice@192.0.2.1");
  open();
  EXPECT_EQ(subscribers->registrar().location().size(), 1U);
  EXPECT_EQ(ask("user.del", R"({"user":"alice"})"), R"({"deleted":"alice"})");
  EXPECT_EQ(subscribers->registrar().location().size(), 0U);
  EXPECT_EQ(subscribers->users().size(), 0U);
  EXPECT_EQ(subscribers->users().by_credentials("alice", "example.com"), nullptr);
  open();
  EXPECT_EQ(subscribers->users().size(), 0U);
  EXPECT_EQ(add("alice").substr(0, 8), R"({"user":)") << "and may come again";
}

TEST_F(SubscribersTest, ADiskThatFailsChangesNothing) {
  add("alice");
  {
    const FileSizeLimit full(1);
    EXPECT_EQ(add("bob").substr(0, 9), "internal ");
    EXPECT_EQ(ask("user.set", R"({"user":"alice","enabled":false})").substr(0, 9), "internal ");
    EXPECT_EQ(ask("user.del", R"({"user":"alice"})").substr(0, 9), "internal ");
    EXPECT_EQ(subscribers->users().size(), 1U);
    EXPECT_TRUE(subscribers->users().by_aor("sip:alice@example.com")->enabled);
  }
  EXPECT_EQ(add("bob").substr(0, 8), R"({"user":)");
}

TEST_F(SubscribersTest, PasswordsAndDigestsAppearNowhere) {
  add("alice");
  add("alice");
  ask("user.passwd", R"({"user":"alice","password":")" + kPassword + "\"}");
  ask("user.show", R"({"user":"alice"})");
  ask("user.list", "{}");
  EXPECT_EQ(outputs.find(kPassword), std::string::npos);
  for (const auto& algorithm : crypto::kDigestAlgorithms) {
    const auto ha1 = crypto::make_ha1(algorithm.id, "alice", "example.com", kPassword);
    EXPECT_EQ(outputs.find(crypto::HexHash(ha1.view()).text()), std::string::npos);
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string octets((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(octets.find(kPassword), std::string::npos) << entry.path();
  }
}

TEST_F(SubscribersTest, CountsTellWhatHappened) {
  add("alice");
  const auto stats = subscriber_stats(*subscribers);
  EXPECT_EQ(stats.at("users"), 1);
  EXPECT_EQ(stats.at("store").at("requests"), 1);
  EXPECT_EQ(stats.at("register").as_object().size(), kRegisterOutcomeCount);
}

TEST(Subscribers, NeedADomain) {
  TemporaryDirectory directory;
  SubscriberSettings settings;
  settings.store = store_config(directory.file("s.db"));
  EXPECT_EQ(Subscribers::open(std::move(settings), WallTime{}).error().text,
            "users need a domain: registrar.domains");
}

}  // namespace
}  // namespace sallyport::control
