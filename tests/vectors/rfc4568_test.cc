// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4568: the examples of sections 4.5, 5.1, 6.1 and 7.1.5.
#include <gtest/gtest.h>

#include "sip/offer_answer.h"

namespace sallyport::sip::test {
namespace {

constexpr std::string_view kHead =
    "v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\ns=SDP Seminar\r\n"
    "i=A Seminar on the session description protocol\r\nu=http://www.example.com/seminars/sdp.pdf\r\n"
    "e=j.doe@example.com (Jane Doe)\r\nc=IN IP4 161.44.17.12\r\nt=2873397496 2873404696\r\n";

MediaPolicy policy() {
  MediaPolicy all;
  all.transport_secure = true;
  for (const crypto::Suite& suite : crypto::kSuites) all.crypto.suites.push_back(suite.id);
  return all;
}

Result<RemoteOffer> offer(std::string_view media) {
  auto sdp = parse_sdp(std::string(kHead) + std::string(media));
  EXPECT_TRUE(sdp);
  return read_offer(*sdp, policy());
}

// The MKIs of these have 32 octets: valid, but more than SRTP streams here carry.
TEST(Rfc4568S45, LongMkis) {
  for (const std::string_view line :
       {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32",
        "1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32",
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32"}) {
    const auto attribute = parse_crypto(line);
    ASSERT_FALSE(attribute);
    EXPECT_EQ(attribute.error(), CryptoFault::long_mki);
  }
}

TEST(Rfc4568S61, KeyParameters) {
  const auto with_lifetime =
      parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4");
  ASSERT_TRUE(with_lifetime);
  EXPECT_EQ(with_lifetime->key.lifetime, 1048576U);
  EXPECT_EQ(with_lifetime->key.mki[3], 1);
  const auto without =
      parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4");
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->key.lifetime);
  const auto key = without->key.key.view();
  EXPECT_EQ(std::string(key.begin(), key.end()), "aBCdefghiJKLmoPQ");
}

TEST(Rfc4568S715, ForwardErrorCorrectionIsRefused) {
  const auto refused = offer(
      "m=audio 49170 RTP/SAVP 0\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 "
      "FEC_ORDER=FEC_SRTP\r\n"
      "a=crypto:2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;"
      "inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP\r\n");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("FEC"), std::string::npos);
}

// The same without the FEC parameters, and the answer of the RFC.
TEST(Rfc4568S715, OfferAndAnswer) {
  const auto read = offer(
      "m=audio 49170 RTP/SAVP 0\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n"
      "a=crypto:2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;"
      "inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4\r\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->media[0].crypto->tag, 1U);

  SentOffer sent;
  SentOffer::Medium& medium = sent.media.emplace_back();
  medium.kind = MediaKind::audio;
  medium.active = true;
  medium.profile = RtpProfile::savp;
  medium.crypto.push_back(read->media[0].crypto->duplicate());
  const auto answer = parse_sdp(
      "v=0\r\no=jill 25690844 8070842634 IN IP4 10.47.16.5\r\ns=SRTP Discussion\r\nc=IN IP4 168.2.17.11\r\n"
      "t=2873397526 2873405696\r\nm=audio 32640 RTP/SAVP 0\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4\r\n");
  ASSERT_TRUE(answer);
  const auto agreed = read_answer(sent, *answer, policy());
  ASSERT_TRUE(agreed) << agreed.error().text;
  EXPECT_EQ(agreed->media[0].rtp->to_string(), "168.2.17.11:32640");
  EXPECT_EQ(agreed->media[0].keying->receive.mki_length, 4);
  EXPECT_EQ(agreed->media[0].keying->send.key.view()[0], 'Y');
}

}  // namespace
}  // namespace sallyport::sip::test
