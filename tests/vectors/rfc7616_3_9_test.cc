// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 7616 section 3.9 and RFC 2617 section 3.5: digest responses. What section 3.9.2 prints is SHA-512 cut
// to 256 bits (see its errata); here stand the values of the hash it names, SHA-512/256 of FIPS 180-4.
#include <string>

#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace sallyport::crypto::test {
namespace {

TEST(Rfc7616S391, Md5AndSha256) {
  DigestInput input;
  input.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
  input.method = "GET";
  input.uri = "/dir/index.html";
  input.nonce_count = "00000001";
  input.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  const auto response = [&](DigestAlgorithm algorithm) {
    const Ha1 ha1 = make_ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
    return std::string(digest_response(algorithm, ha1, input).text());
  };
  EXPECT_EQ(response(DigestAlgorithm::md5), "8ca523f5e9506fed4657c9700eebdbec");
  EXPECT_EQ(response(DigestAlgorithm::sha_256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST(Rfc7616S392, Sha512_256WithUserHash) {
  constexpr std::string_view kUser = "J\xc3\xa4s\xc3\xb8n Doe";
  constexpr std::string_view kRealm = "api@example.org";
  EXPECT_EQ(hash_user(DigestAlgorithm::sha_512_256, kUser, kRealm).text(),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
  DigestInput input;
  input.nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK";
  input.method = "GET";
  input.uri = "/doe.json";
  input.nonce_count = "00000001";
  input.cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
  const Ha1 ha1 = make_ha1(DigestAlgorithm::sha_512_256, kUser, kRealm, "Secret, or not?");
  EXPECT_EQ(digest_response(DigestAlgorithm::sha_512_256, ha1, input).text(),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

TEST(Rfc2617S35, Md5) {
  DigestInput input;
  input.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
  input.method = "GET";
  input.uri = "/dir/index.html";
  input.nonce_count = "00000001";
  input.cnonce = "0a4f113b";
  const Ha1 ha1 = make_ha1(DigestAlgorithm::md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
  EXPECT_EQ(HexHash(ha1.view()).text(), "939e7578ed9e3c518a452acee763bce9");
  EXPECT_EQ(digest_response(DigestAlgorithm::md5, ha1, input).text(), "6629fae49393a05397450978507c4ef1");
}

}  // namespace
}  // namespace sallyport::crypto::test
