// SPDX-License-Identifier: GPL-3.0-or-later
// The client side of digest: whom we answer, with what, and when we stop.
#include "control/auth/digest_client.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::control {
namespace {

using crypto::DigestAlgorithm;
constexpr std::array kAll = {DigestAlgorithm::md5, DigestAlgorithm::sha_256, DigestAlgorithm::sha_512_256};

DigestClient client(std::span<const DigestAlgorithm> algorithms = kAll) {
  std::vector<DigestAccount> accounts;
  accounts.push_back(make_account("trunk.example", "sbc", "zanzibar", algorithms));
  accounts.push_back(make_account("second.example", "sbc2", "zanzibar", algorithms));
  return DigestClient(std::move(accounts), [count = std::uint8_t{0}](std::span<std::uint8_t> out) mutable {
    for (std::uint8_t& octet : out) octet = ++count;
  });
}

sip::Message response(std::string_view fields, unsigned status = 407) {
  auto parsed = sip::parse_message(
      "SIP/2.0 " + std::to_string(status) +
      " No\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n"
      "To: <sip:b@example.com>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" +
      std::string(fields) + "Content-Length: 0\r\n\r\n");
  EXPECT_FALSE(parsed.defect);
  return std::move(parsed.message);
}

std::string challenge(std::string_view more, std::string_view realm = "trunk.example",
                      std::string_view header = "Proxy-Authenticate") {
  return std::string(header) + ": Digest realm=\"" + std::string(realm) + "\", nonce=\"n1\"" +
         std::string(more) + "\r\n";
}

std::vector<CredentialField> invite(DigestClient& with) {
  return with.credentials("INVITE", "sip:b@example.com", "");
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(DigestClient, SaysNothingUnasked) {
  DigestClient asked = client();
  EXPECT_TRUE(invite(asked).empty());
}

TEST(DigestClient, StrongestOfARealm) {
  DigestClient asked = client();
  ASSERT_TRUE(asked.learn(response(challenge(", algorithm=MD5, qop=\"auth\"") +
                                   challenge(", algorithm=SHA-512-256, qop=\"auth\"") +
                                   challenge(", algorithm=SHA-256, qop=\"auth,auth-int\"") +
                                   challenge(", algorithm=SHA-1024, qop=\"auth\"")),
                          0));
  const auto fields = invite(asked);
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].id, sip::HeaderId::proxy_authorization);
  EXPECT_TRUE(holds(fields[0].value, "algorithm=SHA-512-256")) << fields[0].value;
}

TEST(DigestClient, OnlyAlgorithmsThatTheAccountHas) {
  constexpr std::array kOld = {DigestAlgorithm::md5};
  DigestClient asked = client(kOld);
  ASSERT_TRUE(asked.learn(
      response(challenge(", algorithm=SHA-256, qop=\"auth\"") + challenge(", algorithm=MD5, qop=\"auth\"")),
      0));
  EXPECT_TRUE(holds(invite(asked)[0].value, "algorithm=MD5"));
  DigestClient new_only = client(kOld);
  EXPECT_FALSE(new_only.learn(response(challenge(", algorithm=SHA-256, qop=\"auth\"")), 0));
}

TEST(DigestClient, OneAnswerForEachRealmAndKind) {
  DigestClient asked = client();
  ASSERT_TRUE(
      asked.learn(response(challenge(", qop=\"auth\"") + challenge(", qop=\"auth\"", "second.example") +
                           challenge(", qop=\"auth\"", "second.example", "WWW-Authenticate") +
                           challenge(", qop=\"auth\"", "evil.example")),
                  0));
  const auto fields = invite(asked);
  ASSERT_EQ(fields.size(), 3U);
  for (const auto& field : fields) EXPECT_FALSE(holds(field.value, "evil"));
  EXPECT_EQ(asked.foreign_realms(), 1U);
}

TEST(DigestClient, ForeignRealmsGetNothing) {
  DigestClient asked = client();
  const auto learned = asked.learn(response(challenge(", qop=\"auth\"", "evil.example")), 0);
  ASSERT_FALSE(learned);
  EXPECT_EQ(learned.error().error_class, ErrorClass::refused);
  EXPECT_TRUE(invite(asked).empty());
  for (const std::string_view realm : {"TRUNK.EXAMPLE", "trunk.example ", "", "trunk.example\\\""})
    EXPECT_FALSE(asked.learn(response(challenge(", qop=\"auth\"", realm)), 0)) << realm;
  EXPECT_FALSE(asked.learn(response(""), 0));
  EXPECT_FALSE(asked.learn(response("Proxy-Authenticate: Basic realm=\"trunk.example\"\r\n"), 0));
  EXPECT_FALSE(asked.learn(response("Proxy-Authenticate: Digest realm=\"trunk.example\"\r\n"), 0));
}

TEST(DigestClient, CountsUpAndComputesWhatIsExpected) {
  DigestClient asked = client();
  ASSERT_TRUE(asked.learn(response(challenge(", opaque=\"o1\", algorithm=SHA-256, qop=\"auth\"")), 0));
  for (const char* count : {"00000001", "00000002", "00000003"}) {
    const auto fields = invite(asked);
    const auto parsed = sip::parse_credentials(fields[0].value);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->nonce_count_text, count);
    EXPECT_EQ(parsed->opaque, "o1");
    EXPECT_EQ(parsed->username, "sbc");
    EXPECT_EQ(parsed->cnonce.size(), 32U);
    const auto ha1 = crypto::make_ha1(DigestAlgorithm::sha_256, "sbc", "trunk.example", "zanzibar");
    EXPECT_EQ(parsed->response, crypto::digest_response(DigestAlgorithm::sha_256, ha1,
                                                        {"n1", "INVITE", "sip:b@example.com",
                                                         crypto::Qop::auth, count, parsed->cnonce, ""})
                                    .text());
  }
}

TEST(DigestClient, FormsOfQop) {
  DigestClient integrity = client();
  ASSERT_TRUE(integrity.learn(response(challenge(", algorithm=SHA-256, qop=\"auth-int\"")), 0));
  EXPECT_TRUE(holds(invite(integrity)[0].value, "qop=auth-int"));
  DigestClient old = client();
  ASSERT_TRUE(old.learn(response(challenge("")), 0));
  const std::string bare = invite(old)[0].value;
  for (const std::string_view part : {"qop", "nc=", "cnonce", "algorithm"})
    EXPECT_FALSE(holds(bare, part)) << bare;
  DigestClient strict = client();
  EXPECT_FALSE(strict.learn(response(challenge(", algorithm=SHA-256")), 0));
  EXPECT_FALSE(strict.learn(response(challenge(", qop=\"auth-conf\"")), 0));
  DigestClient hashed = client();
  ASSERT_TRUE(hashed.learn(response(challenge(", algorithm=SHA-256, qop=\"auth\", userhash=true")), 0));
  EXPECT_TRUE(holds(invite(hashed)[0].value, "userhash=true"));
  EXPECT_FALSE(holds(invite(hashed)[0].value, "\"sbc\""));
}

TEST(DigestClient, StopsWhenRejected) {
  const std::string again = challenge(", algorithm=MD5, qop=\"auth\"");
  DigestClient asked = client();
  EXPECT_TRUE(asked.learn(response(again), 0));
  EXPECT_FALSE(asked.learn(response(again), 1));
  EXPECT_TRUE(asked.learn(response(challenge(", stale=true, algorithm=MD5, qop=\"auth\"")), 1));
  EXPECT_TRUE(asked.learn(response(again + challenge(", qop=\"auth\"", "second.example")), 1));
  EXPECT_FALSE(asked.learn(response(challenge(", stale=true, qop=\"auth\"")), DigestClient::kMaxAttempts));
  // A new request begins anew.
  EXPECT_TRUE(asked.learn(response(again), 0));
}

}  // namespace
}  // namespace sallyport::control
