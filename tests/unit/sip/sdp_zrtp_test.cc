// SPDX-License-Identifier: GPL-3.0-or-later
// Hashes of ZRTP's Hello in descriptions.
#include "sip/sdp_zrtp.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

// RFC 6189 §8
const std::string kDigits = "fe30efd02423cb054e50efd0248742ac7a52c8f91bc2df881ae642c371ba46df";

Sdp description(const std::string& session, const std::string& media) {
  return std::move(*parse_sdp("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
                              session + "m=audio 4000 RTP/AVP 0\r\n" + media));
}

TEST(SdpZrtpHash, IsReadAndWrittenAgain) {
  const std::string argument = "1.10 " + kDigits;
  const auto hash = parse_zrtp_hash(argument);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->version, "1.10");
  EXPECT_TRUE(hash->is_spoken());
  EXPECT_EQ(hash->octets[0], 0xfe);
  EXPECT_EQ(hash->octets[31], 0xdf);
  std::string written;
  append_zrtp_hash(written, hash->octets);
  EXPECT_EQ(written, "a=zrtp-hash:" + argument + "\r\n");
  std::string upper = argument;
  for (char& c : upper)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  EXPECT_EQ(parse_zrtp_hash(upper)->octets, hash->octets);
}

TEST(SdpZrtpHash, OtherVersionsMayHaveOtherHashes) {
  for (const std::string version : {"1.00", "2.10", "1.1", "1.100", "x"}) {
    const std::string argument = version + " abc";
    const auto hash = parse_zrtp_hash(argument);
    ASSERT_TRUE(hash) << version;
    EXPECT_FALSE(hash->is_spoken()) << version;
  }
  const std::string later = "1.15 " + kDigits;
  EXPECT_TRUE(parse_zrtp_hash(later)->is_spoken());
}

TEST(SdpZrtpHash, RubbishIsRefused) {
  for (const std::string& argument :
       {std::string(), std::string("1.10"), std::string("1.10 "), "1.10 " + kDigits + "0",
        "1.10 " + kDigits.substr(1), "1.10 " + kDigits.substr(2) + "gg", kDigits, "1.10" + kDigits,
        "1.10 " + kDigits + " x", "1;10 " + kDigits, std::string("2.10 xyz")})
    EXPECT_FALSE(parse_zrtp_hash(argument)) << argument;
}

TEST(SdpZrtpHash, IsTheMediumsOwn) {
  const std::string line = "a=zrtp-hash:1.10 " + kDigits + "\r\n";
  EXPECT_TRUE(zrtp_hash(description("", line), 0).value());
  EXPECT_TRUE(zrtp_hash(description("", "a=zrtp-hash:2.10 ab\r\n" + line + line), 0).value());
  EXPECT_FALSE(zrtp_hash(description(line, ""), 0).value());
  EXPECT_FALSE(zrtp_hash(description("", "a=zrtp-hash:2.10 ab\r\n"), 0).value());
  EXPECT_EQ(zrtp_hash(description("", "a=zrtp-hash:1.10 ab\r\n"), 0).error().error_class,
            ErrorClass::malformed);
  const std::string other = "a=zrtp-hash:1.10 00" + kDigits.substr(2) + "\r\n";
  EXPECT_EQ(zrtp_hash(description("", line + other), 0).error().error_class, ErrorClass::malformed);
  std::string many;
  for (std::size_t i = 0; i <= kMaxZrtpHashes; ++i) many += line;
  EXPECT_EQ(zrtp_hash(description("", many), 0).error().error_class, ErrorClass::exhausted);
}

}  // namespace
}  // namespace sallyport::sip
