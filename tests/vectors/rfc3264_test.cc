// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 3264 section 10, RFC 4317 sections 2.1, 2.2 and 4.2, RFC 8866 sections 5 and 6.7: offers and answers
// through both legs. Their host names stand here as addresses.
#include <gtest/gtest.h>

#include "sip/offer_answer.h"

namespace sallyport::sip::test {
namespace {

constexpr std::string_view kAlice =
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
constexpr std::string_view kBob =
    "v=0\r\no=bob 2890844730 2890844730 IN IP4 198.51.100.1\r\ns=\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n";

Sdp parsed(std::string_view head, std::string_view media) {
  auto sdp = parse_sdp(std::string(head) + std::string(media));
  EXPECT_TRUE(sdp);
  return sdp ? std::move(*sdp) : Sdp();
}

struct Told {
  std::string bob, alice;  ///< the m= and a= lines that each is given
};

std::string media_part(const std::string& text) {
  return text.substr(text.find("m="));
}

Told negotiate(std::string_view offer_media, std::string_view answer_media) {
  const MediaPolicy plain{.security = MediaSecurity::none, .crypto = {}, .filter = {}};
  const RandomSource no_keys = [](std::span<std::uint8_t>) { FAIL(); };
  const Sdp offer = parsed(kAlice, offer_media), answer = parsed(kBob, answer_media);
  std::vector<LocalMedia> local;
  for (std::size_t i = 0; i < offer.media_count(); ++i)
    local.push_back(
        {Endpoint{IpAddress::v4({203, 0, 113, 1}), static_cast<std::uint16_t>(40000 + 2 * i)}, {}});
  const LocalOrigin origin{1, 1, IpAddress::v4({203, 0, 113, 1})};
  const auto read = read_offer(offer, plain);
  EXPECT_TRUE(read);
  const auto sent = write_offer(offer, *read, plain, local, origin, no_keys);
  EXPECT_TRUE(sent);
  const auto agreed = read_answer(*sent, answer, plain);
  EXPECT_TRUE(agreed) << (agreed ? "" : agreed.error().text);
  const auto back = write_answer(*read, answer, *agreed, plain, local, origin, no_keys);
  EXPECT_TRUE(back);
  return {media_part(sent->text), media_part(back->text)};
}

TEST(Rfc3264S101, BasicExchange) {
  const Told told = negotiate(
      "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\na=rtpmap:31 "
      "H261/90000\r\n"
      "m=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n",
      "m=audio 49920 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 31\r\nm=video 53000 RTP/AVP "
      "32\r\n"
      "a=rtpmap:32 MPV/90000\r\n");
  EXPECT_EQ(told.bob,
            "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
            "m=video 40002 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\na=sendrecv\r\n"
            "m=video 40004 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\na=sendrecv\r\n");
  EXPECT_EQ(told.alice,
            "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n"
            "m=video 40004 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\na=sendrecv\r\n");
}

TEST(Rfc3264S101, BobAddsAMedium) {
  const Told told = negotiate(
      "m=audio 65422 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 31\r\nm=video 53000 RTP/AVP "
      "32\r\n"
      "a=rtpmap:32 MPV/90000\r\nm=audio 51434 RTP/AVP 110\r\na=rtpmap:110 "
      "telephone-events/8000\r\na=recvonly\r\n",
      "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
      "m=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\nm=audio 53122 RTP/AVP 110\r\n"
      "a=rtpmap:110 telephone-events/8000\r\na=sendonly\r\n");
  EXPECT_NE(
      told.bob.find("m=audio 40006 RTP/AVP 110\r\na=rtpmap:110 telephone-events/8000\r\na=recvonly\r\n"),
      std::string::npos);
  EXPECT_NE(told.alice.find("m=video 0 RTP/AVP 31\r\nm=video 40004"), std::string::npos);
  EXPECT_NE(told.alice.find("a=sendonly\r\n"), std::string::npos);
}

TEST(Rfc3264S102, OneOfNCodecs) {
  const Told told = negotiate(
      "m=audio 62986 RTP/AVP 0 4 18\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:4 G723/8000\r\na=rtpmap:18 "
      "G729/8000\r\n"
      "a=inactive\r\n",
      "m=audio 54344 RTP/AVP 0 4\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:4 G723/8000\r\na=inactive\r\n");
  EXPECT_TRUE(told.bob.starts_with("m=audio 40000 RTP/AVP 0 4 18\r\n"));
  EXPECT_EQ(told.alice,
            "m=audio 40000 RTP/AVP 0 4\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:4 G723/8000\r\na=inactive\r\n");
}

TEST(Rfc4317S2, AudioAndVideoThenVideoEnds) {
  const std::string_view offer =
      "m=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 "
      "iLBC/8000\r\n"
      "m=video 51372 RTP/AVP 31 32\r\na=rtpmap:31 H261/90000\r\na=rtpmap:32 MPV/90000\r\n";
  const Told first =
      negotiate(offer,
                "m=audio 49174 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 49170 RTP/AVP 32\r\n"
                "a=rtpmap:32 MPV/90000\r\n");
  EXPECT_TRUE(first.bob.starts_with("m=audio 40000 RTP/AVP 0 8 97\r\n"));
  EXPECT_NE(first.alice.find("m=video 40002 RTP/AVP 32\r\n"), std::string::npos);
  const Told second = negotiate(
      "m=audio 51372 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n",
      "m=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 31\r\na=rtpmap:31 "
      "H261/90000\r\n");
  EXPECT_TRUE(second.bob.ends_with("m=video 0 RTP/AVP 31\r\n"));
  EXPECT_TRUE(second.alice.ends_with("m=video 0 RTP/AVP 31\r\n"));
}

TEST(Rfc4317S31, HoldAndUnhold) {
  const Told hold = negotiate(
      "m=audio 49170 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 iLBC/8000\r\na=sendonly\r\n",
      "m=audio 49172 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\na=recvonly\r\n");
  EXPECT_TRUE(hold.bob.ends_with("a=sendonly\r\n"));
  EXPECT_TRUE(hold.alice.ends_with("a=recvonly\r\n"));
}

TEST(Rfc8866S5, Example) {
  const Sdp sdp = parsed(
      "v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\ni=SDP Offer #1\r\n"
      "u=http://www.jdoe.example.com/home.html\r\ne=Jane Doe <jane@jdoe.example.com>\r\np=+1 617 555-6011\r\n"
      "c=IN IP4 198.51.100.1\r\nt=0 0\r\n",
      "m=audio 49170 RTP/AVP 0\r\nm=audio 49180 RTP/AVP 0\r\nm=video 51372 RTP/AVP 99\r\nc=IN IP6 "
      "2001:db8::2\r\n"
      "a=rtpmap:99 h263-1998/90000\r\n");
  EXPECT_EQ(sdp.origin().session_id, "3724394400");
  EXPECT_EQ(sdp.address(1)->to_string(), "198.51.100.1");
  EXPECT_EQ(sdp.address(2)->to_string(), "2001:db8::2");
  EXPECT_EQ(sdp.formats(2)[0].encoding, "h263-1998");
}

TEST(Rfc8866S67, DirectionOfSessionAndMedium) {
  const Sdp sdp = parsed(
      "v=0\r\no=jdoe 3724395000 3724395001 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 "
      "0\r\na=inactive\r\n",
      "m=audio 49170 RTP/AVP 0\r\na=sendrecv\r\nm=audio 49180 RTP/AVP 0\r\nm=video 51372 RTP/AVP 99\r\n"
      "a=rtpmap:99 h263-1998/90000\r\n");
  EXPECT_EQ(sdp.direction(0), Direction::sendrecv);
  EXPECT_EQ(sdp.direction(1), Direction::inactive);
  EXPECT_EQ(sdp.direction(2), Direction::inactive);
}

}  // namespace
}  // namespace sallyport::sip::test
