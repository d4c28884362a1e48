// SPDX-License-Identifier: GPL-3.0-or-later
// Which challenge is answered, and how.
#include "sallyload/credentials.h"

#include <gtest/gtest.h>

#include "sip/digest_header.h"

namespace sallyport::sallyload {
namespace {

using crypto::DigestAlgorithm;

sip::Message challenged(const std::string& lines, unsigned status = 401) {
  return sip::parse_message("SIP/2.0 " + std::to_string(status) +
                            " Unauthorized\r\nVia: SIP/2.0/TLS a.test;branch=z9hG4bK1\r\n"
                            "From: <sip:a@a.test>;tag=1\r\nTo: <sip:a@a.test>;tag=2\r\n"
                            "Call-ID: c\r\nCSeq: 1 REGISTER\r\n" +
                            lines + "Content-Length: 0\r\n\r\n")
      .message;
}

constexpr const char* kSha =
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"s\", algorithm=SHA-256, qop=\"auth\"\r\n";
constexpr const char* kMd5 =
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", algorithm=MD5, qop=\"auth\"\r\n";

TEST(Credentials, TheStrongestOrTheOneAskedFor) {
  struct Case {
    std::string lines;
    std::optional<DigestAlgorithm> asked;
    std::string nonce;  ///< of the answer; empty: none is given
  };
  const std::string sha = kSha;
  const std::string md5 = kMd5;
  for (const Case& one :
       {Case{sha + md5, {}, "s"}, Case{md5 + sha, {}, "s"}, Case{sha + md5, DigestAlgorithm::md5, "m"},
        Case{md5, {}, "m"}, Case{md5, DigestAlgorithm::sha_256, ""}, Case{"", {}, ""},
        Case{"WWW-Authenticate: Basic realm=\"r\"\r\n", {}, ""},
        Case{"WWW-Authenticate: Digest realm=\"r\"\r\n", {}, ""},
        Case{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=X\r\n", {}, ""},
        Case{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n", {}, ""},
        Case{"Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", {}, ""}}) {
    Credentials credentials;
    EXPECT_EQ(credentials.learn(challenged(one.lines), "alice", {"secret", one.asked}), !one.nonce.empty())
        << one.lines;
    std::string text;
    credentials.append(text, "alice", "REGISTER", "sip:r");
    EXPECT_EQ(text.find("nonce=\"" + one.nonce + "\"") != std::string::npos, !one.nonce.empty()) << text;
  }
}

TEST(Credentials, TheAnswerIsRightAndCountsUp) {
  Credentials credentials;
  ASSERT_TRUE(credentials.learn(challenged(kSha), "alice", {"secret", {}}));
  const auto ha1 = crypto::make_ha1(DigestAlgorithm::sha_256, "alice", "r", "secret");
  std::string last_cnonce;
  for (std::uint32_t count = 1; count <= 17; ++count) {
    std::string text;
    credentials.append(text, "alice", "REGISTER", "sip:r");
    ASSERT_TRUE(text.starts_with("Authorization: ") && text.ends_with("\r\n"));
    const auto said = sip::parse_credentials(std::string_view(text).substr(15, text.size() - 17));
    ASSERT_TRUE(said);
    EXPECT_EQ(said->nonce_count, count);
    EXPECT_NE(said->cnonce, last_cnonce);
    last_cnonce = said->cnonce;
    const auto right = crypto::digest_response(
        DigestAlgorithm::sha_256, ha1,
        {"s", "REGISTER", "sip:r", crypto::Qop::auth, said->nonce_count_text, said->cnonce, {}});
    EXPECT_TRUE(crypto::digest_matches(right, said->response));
  }
}

TEST(Credentials, ProxiesAreAnsweredAsProxiesAndNothingIsInvented) {
  Credentials credentials;
  std::string text;
  credentials.append(text, "alice", "INVITE", "sip:b");
  EXPECT_EQ(text, "") << "no challenge, no answer";
  ASSERT_TRUE(credentials.learn(
      challenged("Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", opaque=\"o\"\r\n", 407), "alice",
      {"secret", {}}));
  credentials.append(text, "alice", "INVITE", "sip:b");
  EXPECT_TRUE(text.starts_with("Proxy-Authorization: Digest "));
  EXPECT_NE(text.find("opaque=\"o\""), std::string::npos);
  for (const char* absent : {"qop", "nc=", "cnonce", "algorithm"})
    EXPECT_EQ(text.find(absent), std::string::npos) << absent;
  credentials.forget();
  text.clear();
  credentials.append(text, "alice", "INVITE", "sip:b");
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace sallyport::sallyload
