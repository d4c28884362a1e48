// SPDX-License-Identifier: GPL-3.0-or-later
// Digest: names of algorithms, comparison, what a response depends on; HMAC against RFC 4231.
#include "crypto/digest.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "crypto/hmac_sha256.h"

namespace sallyport::crypto::test {
namespace {

using enum DigestAlgorithm;

DigestInput an_input() {
  return {"nonce", "INVITE", "sip:bob@biloxi.com", Qop::auth, "00000001", "0a4f113b", "v=0\r\n"};
}

std::string response(DigestAlgorithm algorithm, const DigestInput& input,
                     std::string_view password = "zanzibar") {
  const Ha1 ha1 = make_ha1(algorithm, "bob", "biloxi.com", password);
  return std::string(digest_response(algorithm, ha1, input).text());
}

TEST(Digest, AlgorithmsAreKnownByNameInAnyCase) {
  EXPECT_EQ(digest_algorithm_by_name("MD5"), md5);
  EXPECT_EQ(digest_algorithm_by_name("md5"), md5);
  EXPECT_EQ(digest_algorithm_by_name("sha-256"), sha_256);
  EXPECT_EQ(digest_algorithm_by_name("SHA-512-256"), sha_512_256);
  for (const std::string_view name :
       {"", "MD", "MD5 ", "MD5-sess", "SHA-256-sess", "SHA256", "SHA-512", "SHA-512/256", "AKAv1-MD5"})
    EXPECT_FALSE(digest_algorithm_by_name(name)) << name;
}

TEST(Digest, EveryInputCounts) {
  for (const auto& algorithm : kDigestAlgorithms) {
    std::set<std::string> seen;
    seen.insert(response(algorithm.id, an_input()));
    seen.insert(response(algorithm.id, an_input(), "zanzibaR"));
    DigestInput input = an_input();
    for (std::string_view* field :
         {&input.nonce, &input.method, &input.uri, &input.nonce_count, &input.cnonce}) {
      const std::string_view kept = *field;
      *field = "other";
      seen.insert(response(algorithm.id, input));
      *field = kept;
    }
    input.qop = Qop::auth_int;
    seen.insert(response(algorithm.id, input));
    input.body = {};
    seen.insert(response(algorithm.id, input));
    input.qop = Qop::none;
    seen.insert(response(algorithm.id, input));
    EXPECT_EQ(seen.size(), 10U) << algorithm.name;
    for (const auto& text : seen) EXPECT_EQ(text.size(), 2U * algorithm.length);
  }
}

TEST(Digest, BodyCountsForAuthIntOnly) {
  DigestInput input = an_input();
  const std::string before = response(sha_256, input);
  input.body = "other";
  EXPECT_EQ(response(sha_256, input), before);
}

TEST(Digest, MatchesInEitherCaseAndNothingElse) {
  const Ha1 ha1 = make_ha1(md5, "bob", "biloxi.com", "zanzibar");
  const HexHash expected = digest_response(md5, ha1, an_input());
  std::string text(expected.text());
  EXPECT_TRUE(digest_matches(expected, text));
  std::string upper = text;
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  EXPECT_TRUE(digest_matches(expected, upper));
  EXPECT_FALSE(digest_matches(expected, ""));
  EXPECT_FALSE(digest_matches(expected, text.substr(1)));
  EXPECT_FALSE(digest_matches(expected, text + "00"));
  EXPECT_FALSE(digest_matches(expected, std::string(32, 'g')));
  EXPECT_FALSE(digest_matches(expected, std::string(32, '\0')));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(digest_matches(expected, changed));
  }
}

TEST(Digest, HexTakesWholeOctetsOnly) {
  std::array<std::uint8_t, 2> out{};
  EXPECT_TRUE(parse_hex("0aFf", out));
  EXPECT_EQ(out, (std::array<std::uint8_t, 2>{0x0a, 0xff}));
  for (const std::string_view digits : {"", "0", "0aF", "0aFf0", "0aFg", "0x0a", " 0af", "@aff", "`aff"})
    EXPECT_FALSE(parse_hex(digits, out)) << digits;
}

TEST(HmacSha256, Rfc4231) {
  const std::string key(20, '\x0b');
  const HmacSha256 first({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()});
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(HexHash(first({"Hi ", "There"})).text(),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  }
  const HmacSha256 second({reinterpret_cast<const std::uint8_t*>("Jefe"), 4});
  EXPECT_EQ(HexHash(second({"what do ya want for nothing?"})).text(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_NE(first({""}), second({""}));
}

}  // namespace
}  // namespace sallyport::crypto::test
