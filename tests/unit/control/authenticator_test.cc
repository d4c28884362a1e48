// SPDX-License-Identifier: GPL-3.0-or-later
// The server side of digest: every way an answer can be wrong, and that nothing else tells.
#include "control/auth/authenticator.h"

#include <chrono>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "control/auth/digest_client.h"

namespace sallyport::control {
namespace authenticator_test {

using crypto::DigestAlgorithm;
using crypto::Qop;

constexpr std::string_view kRealm = "example.com";
constexpr std::uint64_t kNow = 5000;

User user(std::string name, std::string_view password) {
  User made;
  made.name = std::move(name);
  made.domain = made.realm = kRealm;
  made.aor = make_aor(made.name, made.domain);
  for (const auto& algorithm : crypto::kDigestAlgorithms) {
    made.algorithms.push_back(algorithm.id);
    made.ha1[static_cast<std::size_t>(algorithm.id)] =
        crypto::make_ha1(algorithm.id, made.name, made.realm, password);
  }
  return made;
}

/// What an answer is made of, to be changed piece by piece.
struct Reply {
  std::string user = "alice", password = "secret", realm{kRealm}, nonce, uri = "sip:example.com",
              cnonce = "c0ffee", nc = "00000001", algorithm = "SHA-256", qop = "auth", method = "REGISTER",
              body, extra, header = "Authorization", response;
  DigestAlgorithm computed = DigestAlgorithm::sha_256;

  [[nodiscard]] std::string digest() const {
    const Qop quality = qop == "auth-int" ? Qop::auth_int : qop.empty() ? Qop::none : Qop::auth;
    const auto ha1 = crypto::make_ha1(computed, user, realm, password);
    return std::string(
        crypto::digest_response(computed, ha1, {nonce, method, uri, quality, nc, cnonce, body}).text());
  }
  [[nodiscard]] std::string field() const {
    std::string text = header + ": Digest username=\"" + user + "\", realm=\"" + realm + "\", nonce=\"" +
                       nonce + "\", uri=\"" + uri + "\", response=\"" +
                       (response.empty() ? digest() : response) + "\"";
    if (!algorithm.empty()) text += ", algorithm=" + algorithm;
    if (!qop.empty()) text += ", qop=" + qop;
    if (!nc.empty()) text += ", nc=" + nc;
    if (!cnonce.empty()) text += ", cnonce=\"" + cnonce + "\"";
    return text + extra + "\r\n";
  }
};

sip::Message request(std::string_view fields, std::string_view method = "REGISTER",
                     std::string_view body = {}) {
  std::string text =
      std::string(method) +
      " sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
      "From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 1\r\nCSeq: 1 " +
      std::string(method) + "\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + std::string(body);
  auto parsed = sip::parse_message(std::move(text));
  EXPECT_FALSE(parsed.defect) << parsed.defect->reason;
  return std::move(parsed.message);
}

class AuthenticatorTest : public testing::Test {
 protected:
  AuthenticatorTest() {
    users_.put(user("alice", "secret"));
    users_.put(user("j\xc3\xa4s\xc3\xb8n", "secret"));
    User off = user("off", "secret");
    off.enabled = false;
    users_.put(std::move(off));
    User old = user("old", "secret");
    old.ha1[static_cast<std::size_t>(DigestAlgorithm::sha_256)].clear();
    users_.put(std::move(old));
    policy_.realm = kRealm;
    policy_.algorithms = {DigestAlgorithm::sha_256, DigestAlgorithm::sha_512_256, DigestAlgorithm::md5};
  }

  std::string challenge_text(AuthRole role = AuthRole::server,
                             AuthOutcome why = AuthOutcome::no_credentials) {
    auto writer = sip::MessageWriter::response(Authenticator::status(AuthOutcome::no_credentials, role));
    authenticator_.challenge(writer, role, policy_, why, kNow);
    return std::string(writer.so_far());
  }
  /// The nonce for an algorithm, out of a fresh challenge.
  std::string nonce(std::string_view algorithm = "SHA-256") {
    const std::string text = challenge_text();
    const auto line =
        text.substr(0, text.find("\r\n", text.find("algorithm=" + std::string(algorithm) + ",")));
    const auto at = line.rfind("nonce=\"") + 7;
    return line.substr(at, line.find('"', at) - at);
  }
  Reply reply(std::string_view algorithm = "SHA-256") {
    Reply made;
    made.nonce = nonce(algorithm);
    made.algorithm = algorithm;
    made.computed = crypto::digest_algorithm_by_name(algorithm).value();
    return made;
  }
  Authentication judge(const Reply& reply, std::uint64_t now_s = kNow, AuthRole role = AuthRole::server) {
    return authenticator_.check(request(reply.field(), reply.method, reply.body), role, policy_, now_s);
  }
  AuthOutcome outcome(const Reply& reply, std::uint64_t now_s = kNow) { return judge(reply, now_s).outcome; }
  /// Of a right answer, changed.
  AuthOutcome changed(const std::function<void(Reply&)>& change) {
    Reply made = reply();
    change(made);
    return outcome(made);
  }

  UserDirectory users_{true};
  Limits limits_;
  NonceKey key_{std::array<std::uint8_t, kNonceKeyLength>{1, 2, 3}};
  Authenticator authenticator_{users_, limits_, key_, 1};
  AuthPolicy policy_;
};

TEST_F(AuthenticatorTest, RightAnswersOfEveryAlgorithm) {
  for (const auto& algorithm : crypto::kDigestAlgorithms) {
    const Authentication result = judge(reply(algorithm.name));
    ASSERT_TRUE(result) << algorithm.name << info(result.outcome).name;
    EXPECT_EQ(result.user->name, "alice");
    EXPECT_EQ(result.algorithm, algorithm.id);
  }
  EXPECT_EQ(authenticator_.outcomes()[static_cast<std::size_t>(AuthOutcome::authenticated)], 3U);
}

TEST_F(AuthenticatorTest, ChallengesInOrderOrTheFirstAlone) {
  const std::string all = challenge_text();
  const auto sha256 = all.find("algorithm=SHA-256,"), sha512 = all.find("algorithm=SHA-512-256,"),
             md5 = all.find("algorithm=MD5,");
  EXPECT_LT(sha256, sha512);
  EXPECT_LT(sha512, md5);
  EXPECT_NE(md5, std::string::npos) << all;
  EXPECT_NE(all.find("WWW-Authenticate: Digest realm=\"example.com\""), std::string::npos);
  EXPECT_NE(all.find("qop=\"auth\""), std::string::npos);
  EXPECT_EQ(all.find("stale"), std::string::npos);
  EXPECT_EQ(all.find("userhash"), std::string::npos);
  policy_.challenge = ChallengeMode::single;
  EXPECT_EQ(challenge_text().find("MD5"), std::string::npos);
  EXPECT_NE(challenge_text(AuthRole::proxy).find("Proxy-Authenticate: Digest"), std::string::npos);
  policy_.userhash = true;
  policy_.qops = {Qop::auth, Qop::auth_int};
  const std::string rich = challenge_text(AuthRole::server, AuthOutcome::stale_nonce);
  for (const std::string_view part : {"userhash=true", "qop=\"auth,auth-int\"", "stale=true"})
    EXPECT_NE(rich.find(part), std::string::npos) << rich;
  EXPECT_EQ(Authenticator::status(AuthOutcome::stale_nonce, AuthRole::server), 401U);
  EXPECT_EQ(Authenticator::status(AuthOutcome::stale_nonce, AuthRole::proxy), 407U);
  EXPECT_EQ(Authenticator::status(AuthOutcome::malformed, AuthRole::proxy), 400U);
}

TEST_F(AuthenticatorTest, WrongAnswers) {
  using enum AuthOutcome;
  EXPECT_EQ(changed([](Reply&) {}), authenticated);
  EXPECT_EQ(changed([](Reply& r) { r.password = "Secret"; }), wrong_response);
  EXPECT_EQ(changed([](Reply& r) { r.response = std::string(64, '0'); }), wrong_response);
  EXPECT_EQ(changed([](Reply& r) { r.response = std::string(32, '0'); }), wrong_response);
  EXPECT_EQ(changed([](Reply& r) { r.user = "mallory"; }), unknown_user);
  EXPECT_EQ(changed([](Reply& r) { r.user = ""; }), unknown_user);
  EXPECT_EQ(changed([](Reply& r) { r.user = "ALICE"; }), unknown_user);
  EXPECT_EQ(changed([](Reply& r) { r.user = "off"; }), unknown_user);
  EXPECT_EQ(changed([](Reply& r) { r.user = "old"; }), unknown_user);
  EXPECT_EQ(changed([](Reply& r) { r.realm = "example.org"; }), no_credentials);
  EXPECT_EQ(changed([](Reply& r) { r.realm = "EXAMPLE.COM"; }), no_credentials);
  EXPECT_EQ(changed([](Reply& r) { r.header = "Proxy-Authorization"; }), no_credentials);
  EXPECT_EQ(changed([](Reply& r) { r.nonce[20] = r.nonce[20] == 'A' ? 'B' : 'A'; }), foreign_nonce);
  EXPECT_EQ(changed([](Reply& r) { r.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"; }), foreign_nonce);
  EXPECT_EQ(changed([](Reply& r) { r.uri = "sip:example.org"; }), wrong_uri);
  EXPECT_EQ(changed([](Reply& r) { r.qop = ""; }), qop_not_offered);
  EXPECT_EQ(changed([](Reply& r) { r.qop = "auth-int"; }), qop_not_offered);
  EXPECT_EQ(changed([](Reply& r) { r.qop = "AUTH2"; }), qop_not_offered);
  EXPECT_EQ(changed([](Reply& r) { r.nc = ""; }), nonce_count_missing);
  EXPECT_EQ(changed([](Reply& r) { r.nc = "00000000"; }), nonce_count_missing);
  EXPECT_EQ(changed([](Reply& r) { r.cnonce = ""; }), nonce_count_missing);
  EXPECT_EQ(changed([](Reply& r) { r.nc = "1"; }), malformed);
  EXPECT_EQ(changed([](Reply& r) { r.response = "zz"; }), malformed);
  EXPECT_EQ(changed([](Reply& r) { r.extra = ", nc=00000001"; }), malformed);
  EXPECT_EQ(changed([](Reply& r) { r.extra = ", algorithm"; }), malformed);
  EXPECT_EQ(authenticator_.check(request(""), AuthRole::server, policy_, kNow).outcome, no_credentials);
  EXPECT_EQ(
      authenticator_.check(request("Authorization: Basic YTpi\r\n"), AuthRole::server, policy_, kNow).outcome,
      no_credentials);
}

TEST_F(AuthenticatorTest, AlgorithmIsTheNonces) {
  using enum AuthOutcome;
  EXPECT_EQ(changed([](Reply& r) {
              r.algorithm = "MD5";
              r.computed = DigestAlgorithm::md5;
            }),
            algorithm_not_offered);
  EXPECT_EQ(changed([](Reply& r) {
              r.algorithm = "";
              r.computed = DigestAlgorithm::md5;
            }),
            algorithm_not_offered);
  EXPECT_EQ(changed([](Reply& r) { r.algorithm = ""; }), algorithm_not_offered);
  EXPECT_EQ(changed([](Reply& r) { r.algorithm = "SHA-256-sess"; }), algorithm_not_offered);
  EXPECT_EQ(changed([](Reply& r) { r.algorithm = "SHA-512"; }), algorithm_not_offered);
  Reply md5 = reply("MD5");
  md5.algorithm = "";  // which means MD5
  EXPECT_EQ(outcome(md5), authenticated);
  // A nonce for an algorithm that another listener offers is of no use here.
  const Reply elsewhere = reply("MD5");
  policy_.algorithms = {DigestAlgorithm::sha_256};
  EXPECT_EQ(outcome(elsewhere), algorithm_not_offered);
  policy_.algorithms = {DigestAlgorithm::sha_256, DigestAlgorithm::md5};
  policy_.challenge = ChallengeMode::single;
  EXPECT_EQ(outcome(elsewhere), algorithm_not_offered);
}

TEST_F(AuthenticatorTest, AuthInt) {
  policy_.qops = {Qop::auth_int};
  Reply made = reply();
  made.qop = "auth-int";
  made.method = "INVITE";
  made.body = "v=0\r\n";
  const std::string field = made.field();
  EXPECT_EQ(
      authenticator_.check(request(field, "INVITE", "v=1\r\n"), AuthRole::server, policy_, kNow).outcome,
      AuthOutcome::wrong_response);
  EXPECT_EQ(outcome(made), AuthOutcome::authenticated);
  Reply plain = reply();
  plain.qop = "auth";
  EXPECT_EQ(outcome(plain), AuthOutcome::qop_not_offered);
}

TEST_F(AuthenticatorTest, ReplayFromAnywhere) {
  Reply made = reply();
  const std::string field = made.field();
  EXPECT_TRUE(judge(made));
  EXPECT_EQ(outcome(made), AuthOutcome::replayed);
  // With other headers, another method's body, at the other listener of the realm: the same answer is used
  // up.
  auto other = request("Contact: <sip:mallory@198.51.100.66>\r\n" + field);
  EXPECT_EQ(authenticator_.check(other, AuthRole::server, policy_, kNow).outcome, AuthOutcome::replayed);
  made.method = "INVITE";
  made.response = Reply(made).digest();
  EXPECT_EQ(outcome(made), AuthOutcome::replayed);
  made.nc = "00000002";
  made.response.clear();
  EXPECT_TRUE(judge(made));
}

TEST_F(AuthenticatorTest, AWrongAnswerDoesNotUseTheCount) {
  Reply mallory = reply();
  Reply owner = mallory;
  mallory.nc = "0000ffff";
  mallory.response = std::string(64, '1');
  EXPECT_EQ(outcome(mallory), AuthOutcome::wrong_response);
  EXPECT_TRUE(judge(owner));
}

TEST_F(AuthenticatorTest, CountsMayArriveOutOfOrder) {
  Reply made = reply();
  for (const char* count : {"00000003", "00000001", "00000002", "00000040"}) {
    made.nc = count;
    EXPECT_TRUE(judge(made)) << count;
  }
  made.nc = "00000002";
  EXPECT_EQ(outcome(made), AuthOutcome::replayed);
}

TEST_F(AuthenticatorTest, StaleOnlyIfTheDigestIsRight) {
  using enum AuthOutcome;
  const Reply made = reply();
  Reply wrong = made, nobody = made;
  wrong.password = "guess";
  nobody.user = "mallory";
  EXPECT_EQ(outcome(wrong, kNow + 300), wrong_response);
  EXPECT_EQ(outcome(nobody, kNow + 300), unknown_user);
  EXPECT_EQ(outcome(made, kNow + 300), stale_nonce);
  EXPECT_EQ(outcome(made, kNow + 299), authenticated);
}

TEST_F(AuthenticatorTest, NoncesOfTheLastRunAreStale) {
  const Reply made = reply();
  Authenticator restarted(users_, limits_, key_, 2);
  EXPECT_EQ(restarted.check(request(made.field()), AuthRole::server, policy_, kNow).outcome,
            AuthOutcome::stale_nonce);
  Authenticator other_key(users_, limits_, NonceKey(std::array<std::uint8_t, kNonceKeyLength>{9}), 1);
  EXPECT_EQ(other_key.check(request(made.field()), AuthRole::server, policy_, kNow).outcome,
            AuthOutcome::foreign_nonce);
}

TEST_F(AuthenticatorTest, ReplayStaysRefusedInAFullTable) {
  limits_.set(Limit::nonces, 5);
  Authenticator tiny(users_, limits_, key_, 1);
  std::vector<std::string> used;
  for (int i = 0; i < 40; ++i) {
    auto writer = sip::MessageWriter::response(401);
    policy_.algorithms = {DigestAlgorithm::sha_256};
    tiny.challenge(writer, AuthRole::server, policy_, AuthOutcome::no_credentials, kNow);
    const std::string text(writer.so_far());
    Reply made;
    const auto at = text.find("nonce=\"") + 7;
    made.nonce = text.substr(at, text.find('"', at) - at);
    used.push_back(made.field());
    EXPECT_TRUE(tiny.check(request(used.back()), AuthRole::server, policy_, kNow));
  }
  for (const std::string& field : used)
    EXPECT_FALSE(tiny.check(request(field), AuthRole::server, policy_, kNow));
  EXPECT_GT(limits_.refusals(Limit::nonces), 0U);
}

TEST_F(AuthenticatorTest, Utf8NamesAndHashedNames) {
  Reply made = reply();
  made.user = "j\xc3\xa4s\xc3\xb8n";
  Authentication result = judge(made);
  ASSERT_TRUE(result);
  EXPECT_EQ(result.user->name, made.user);

  Reply extended = reply();
  extended.user = made.user;
  std::string field = extended.field();
  const std::string plain = "username=\"" + extended.user + "\"";
  field.replace(field.find(plain), plain.size(), "username*=UTF-8''j%C3%A4s%C3%B8n");
  result = authenticator_.check(request(field), AuthRole::server, policy_, kNow);
  EXPECT_TRUE(result) << info(result.outcome).name;

  Reply hashed = reply();
  const std::string digest = hashed.digest();
  hashed.response = digest;
  hashed.user = std::string(crypto::hash_user(DigestAlgorithm::sha_256, "alice", kRealm).text());
  hashed.extra = ", userhash=true";
  result = judge(hashed);
  ASSERT_TRUE(result) << info(result.outcome).name;
  EXPECT_EQ(result.user->name, "alice");
  hashed.nc = "00000002";
  hashed.extra = "";
  EXPECT_EQ(outcome(hashed), AuthOutcome::unknown_user);
  hashed.extra = ", userhash=true";
  hashed.user = std::string(64, 'a');
  EXPECT_EQ(outcome(hashed), AuthOutcome::unknown_user);
}

TEST_F(AuthenticatorTest, SeveralCredentials) {
  Reply other = reply(), ours = reply();
  other.realm = "elsewhere.example";
  EXPECT_TRUE(authenticator_.check(request(other.field() + ours.field()), AuthRole::server, policy_, kNow));
  // More than a few are not looked at.
  std::string many;
  for (int i = 0; i < 4; ++i) {
    Reply bad = reply();
    bad.nonce = "x";
    many += bad.field();
  }
  EXPECT_EQ(authenticator_.check(request(many + reply().field()), AuthRole::server, policy_, kNow).outcome,
            AuthOutcome::foreign_nonce);
}

TEST_F(AuthenticatorTest, UriMayBeLetPass) {
  policy_.match_uri = false;
  EXPECT_EQ(changed([](Reply& r) { r.uri = "sip:192.0.2.1:5060"; }), AuthOutcome::authenticated);
}

// Unknown and known users give the same challenge; nonces differ for everyone.
TEST_F(AuthenticatorTest, TheAnswerDoesNotTellWhoExists) {
  const auto masked = [this](AuthOutcome why) {
    std::string text = challenge_text(AuthRole::server, why);
    for (auto at = text.find("nonce=\""); at != std::string::npos; at = text.find("nonce=\"", at + 1))
      text.replace(at + 7, 44, 44, '*');
    return text;
  };
  const std::string first = masked(AuthOutcome::no_credentials);
  for (const AuthOutcome why : {AuthOutcome::unknown_user, AuthOutcome::wrong_response,
                                AuthOutcome::foreign_nonce, AuthOutcome::replayed})
    EXPECT_EQ(masked(why), first);
  EXPECT_EQ(Authenticator::status(AuthOutcome::unknown_user, AuthRole::server),
            Authenticator::status(AuthOutcome::wrong_response, AuthRole::server));
}

// Our own client against our own server, over several requests of every algorithm.
TEST_F(AuthenticatorTest, DigestClientIsUnderstood) {
  for (const auto& algorithm : crypto::kDigestAlgorithms) {
    policy_.algorithms = {algorithm.id};
    std::vector<DigestAccount> accounts;
    accounts.push_back(make_account(std::string(kRealm), "alice", "secret", policy_.algorithms));
    DigestClient client(std::move(accounts),
                        [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), 7); });
    auto response = sip::response_to(request(""), 401);
    authenticator_.challenge(response, AuthRole::server, policy_, AuthOutcome::no_credentials, kNow);
    const auto parsed = sip::parse_message(std::move(response).finish());
    ASSERT_FALSE(parsed.defect);
    ASSERT_TRUE(client.learn(parsed.message, 0));
    for (int i = 0; i < 3; ++i) {
      const auto fields = client.credentials("REGISTER", "sip:example.com", "");
      ASSERT_EQ(fields.size(), 1U);
      EXPECT_TRUE(authenticator_.check(request("Authorization: " + fields[0].value + "\r\n"),
                                       AuthRole::server, policy_, kNow));
    }
  }
}

}  // namespace authenticator_test
}  // namespace sallyport::control
