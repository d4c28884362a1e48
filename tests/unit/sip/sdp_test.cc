// SPDX-License-Identifier: GPL-3.0-or-later
// Session descriptions: what is read, what is refused, what is bounded.
#include "sip/sdp.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

constexpr std::string_view kHead =
    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

Sdp parsed(std::string_view rest) {
  auto sdp = parse_sdp(std::string(kHead) + std::string(rest));
  EXPECT_TRUE(sdp) << (sdp ? "" : sdp.error().text);
  return sdp ? std::move(*sdp) : Sdp();
}

std::string with_audio(std::string_view lines) {
  return "m=audio 5004 RTP/AVP 0\r\n" + std::string(lines);
}

TEST(Sdp, AttributeTableFindsEveryName) {
  for (std::size_t i = 1; i < kSdpAttributes.size(); ++i)
    EXPECT_EQ(sdp_attribute(kSdpAttributes[i].name), kSdpAttributes[i].id) << kSdpAttributes[i].name;
  for (const std::string_view name : {"", "Crypto", "crypt", "cryptos", "zzz", "a", "{", "X-crypto", "-"})
    EXPECT_EQ(sdp_attribute(name), SdpAttribute::other) << name;
}

TEST(Sdp, ReadsWhatItHas) {
  const Sdp sdp = parsed(
      "a=group:BUNDLE 0\r\nm=audio 5004/1 RTP/SAVPF 0 8 101\r\nb=AS:80\r\na=rtpmap:101 "
      "telephone-event/8000\r\n"
      "a=ptime:20\r\na=rtcp-mux\r\nm=video 0 RTP/AVP 99\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:99 VP8/90000\r\n"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
  EXPECT_EQ(sdp.origin().user, "alice");
  EXPECT_EQ(sdp.origin().version, "2");
  EXPECT_EQ(sdp.origin().address, "192.0.2.1");
  ASSERT_EQ(sdp.media_count(), 3U);
  const SdpMedia audio = sdp.media(0);
  EXPECT_EQ(audio.kind, MediaKind::audio);
  EXPECT_EQ(audio.port, 5004);
  EXPECT_EQ(audio.profile, RtpProfile::savpf);
  EXPECT_EQ(audio.formats, "0 8 101");
  EXPECT_EQ(sdp.media(1).port, 0);
  EXPECT_EQ(sdp.media(2).kind, MediaKind::other);
  EXPECT_EQ(sdp.media(2).profile, RtpProfile::other);
  EXPECT_EQ(sdp.media(2).protocol, "UDP/DTLS/SCTP");
  EXPECT_EQ(sdp.address(0)->to_string(), "192.0.2.1");
  EXPECT_EQ(sdp.address(1)->to_string(), "2001:db8::1");
  EXPECT_EQ(sdp.media_attribute(0, SdpAttribute::ptime), "20");
  EXPECT_EQ(sdp.media_attribute(0, SdpAttribute::rtcp_mux), "");
  EXPECT_FALSE(sdp.media_attribute(1, SdpAttribute::ptime));
  EXPECT_EQ(sdp.session_attribute(SdpAttribute::group), "BUNDLE 0");
  EXPECT_EQ(sdp.media_lines(0).size(), 5U);
  EXPECT_EQ(sdp.session_lines().size(), 6U);
}

TEST(Sdp, SurvivesBeingMoved) {
  auto small = parse_sdp("v=0");  // fits into a string object itself
  ASSERT_TRUE(small);
  const Sdp moved = std::move(*small);
  EXPECT_EQ((*moved.session_lines().begin()).value, "0");
}

TEST(Sdp, LinesMayEndWithLfAlone) {
  const auto sdp = parse_sdp(
      "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n\n\r\n");
  ASSERT_TRUE(sdp);
  EXPECT_EQ(sdp->media(0).formats, "0");
}

TEST(Sdp, MissingLinesThatOccurAreTolerated) {
  EXPECT_TRUE(parse_sdp("v=0\r\nm=audio 5004 RTP/AVP 0"));
  EXPECT_TRUE(parse_sdp(std::string(kHead) + "y=what is this\r\n"));
}

TEST(Sdp, RefusesTheMalformed) {
  const std::string head(kHead);
  const std::string texts[] = {
      "",
      "\r\n",
      "o=- 1 1 IN IP4 192.0.2.1\r\n",
      "v=1\r\n",
      "v=0 \r\n",
      "v=\r\n",
      "\r\n" + head,
      head + "\r\nm=audio 5004 RTP/AVP 0\r\n",
      head + "m=audio 5004 RTP/AVP 0\rm=video 1 RTP/AVP 0\r\n",
      head + "hello\r\n",
      head + "A=x\r\n",
      head + "a\r\n",
      head + "=\r\n",
      head + " a=x\r\n",
      head + "a=\r\n",
      head + "a=:x\r\n",
      head + "a=two words:x\r\n",
      head + "o=alice\r\n",
      head + "o=alice 1 2 IN IP4\r\n",
      head + "o=alice 1 2 IN IP4 \r\n",
      head + "o=alice 1 2 IN IP4 192.0.2.1 more\r\n",
      head + "c=IN IP4\r\n",
      head + "c=IN IP4 a b\r\n",
      head + "c=192.0.2.1\r\n",
      head + "c=\r\n",
      head + "m=\r\n",
      head + "m=audio\r\n",
      head + "m=audio 5004\r\n",
      head + "m=audio 5004 RTP/AVP\r\n",
      head + "m=audio 5004 RTP/AVP \r\n",
      head + "m=audio  5004 RTP/AVP 0\r\n",
      head + "m=audio 65536 RTP/AVP 0\r\n",
      head + "m=audio -1 RTP/AVP 0\r\n",
      head + "m=audio 0x10 RTP/AVP 0\r\n",
      head + "m=audio 5004/ RTP/AVP 0\r\n",
      head + "m=audio 5004/0 RTP/AVP 0\r\n",
      head + "m=audio /2 RTP/AVP 0\r\n",
      head + "m=au(dio 5004 RTP/AVP 0\r\n",
      head + std::string("a=x\0y\r\n", 7),
  };
  for (const std::string& text : texts) {
    const auto sdp = parse_sdp(text);
    ASSERT_FALSE(sdp) << text;
    EXPECT_EQ(sdp.error().error_class, ErrorClass::malformed) << text;
    EXPECT_NE(std::string_view(sdp.error().text), "") << text;
  }
}

TEST(Sdp, LinesAndMediaAreBounded) {
  std::string text(kHead);
  for (int i = 0; i < 10000; ++i) text += "a=x\r\n";
  auto sdp = parse_sdp(text);
  ASSERT_FALSE(sdp);
  EXPECT_EQ(sdp.error().limit, Limit::sdp_lines);
  EXPECT_EQ(sdp.error().error_class, ErrorClass::exhausted);

  text = kHead;
  for (int i = 0; i < 16; ++i) text += "m=audio 5004 RTP/AVP 0\r\n";
  EXPECT_TRUE(parse_sdp(text));
  sdp = parse_sdp(text + "m=audio 5004 RTP/AVP 0\r\n");
  ASSERT_FALSE(sdp);
  EXPECT_EQ(sdp.error().limit, Limit::sdp_media);

  Limits wider;
  wider.set(Limit::sdp_media, 17);
  EXPECT_TRUE(parse_sdp(text + "m=audio 5004 RTP/AVP 0\r\n", wider));
}

TEST(Sdp, DirectionOfMediumSessionAndHold) {
  struct Case {
    std::string_view session, medium;
    Direction expected;
  };
  using enum Direction;
  for (const Case& entry :
       {Case{"", "", sendrecv}, Case{"", "a=sendonly\r\n", sendonly}, Case{"a=inactive\r\n", "", inactive},
        Case{"a=inactive\r\n", "a=sendrecv\r\n", sendrecv}, Case{"", "a=recvonly\r\n", recvonly},
        Case{"", "c=IN IP4 0.0.0.0\r\n", sendonly}, Case{"", "c=IN IP6 ::\r\na=recvonly\r\n", inactive},
        Case{"a=sendonly\r\n", "c=IN IP4 0.0.0.0\r\n", sendonly}})
    EXPECT_EQ(parsed(std::string(entry.session) + with_audio(entry.medium)).direction(0), entry.expected)
        << entry.session << entry.medium;
  EXPECT_EQ(reversed(sendonly), recvonly);
  EXPECT_EQ(reversed(inactive), inactive);
  EXPECT_EQ(both(sendonly, recvonly), inactive);
}

TEST(Sdp, AddressesThatMediaCannotBeSentTo) {
  for (const std::string_view line :
       {"c=IN IP4 host.example.com\r\n", "c=IN IP4 224.2.1.1/127\r\n", "c=IN IP4 224.2.1.1\r\n",
        "c=IN IP6 ff15::101\r\n", "c=IN IP4 2001:db8::1\r\n", "c=IN IP6 192.0.2.1\r\n",
        "c=ATM NSAP 47.0091\r\n", "c=IN IP4 192.0.2\r\n", "c=IN IP4 192.0.2.256\r\n",
        "c=in IP4 192.0.2.1\r\n"})
    EXPECT_FALSE(parsed(with_audio(line)).address(0)) << line;
  EXPECT_FALSE(parse_sdp("v=0\r\nm=audio 5004 RTP/AVP 0\r\n")->address(0));
  EXPECT_TRUE(parsed(with_audio("c=IN IP4 192.0.2.7 \r\n")).address(0));
}

TEST(Sdp, Rtcp) {
  const auto rtcp = [](std::string_view line) { return parsed(with_audio(line)).rtcp(0); };
  EXPECT_EQ(*rtcp(""), std::nullopt);
  EXPECT_EQ((*rtcp("a=rtcp:53020\r\n"))->to_string(), "192.0.2.1:53020");
  EXPECT_EQ((*rtcp("a=rtcp:53020 IN IP4 126.16.64.4\r\n"))->to_string(), "126.16.64.4:53020");
  EXPECT_EQ((*rtcp("a=rtcp:53020 IN IP6 2001:db8::5\r\n"))->to_string(), "[2001:db8::5]:53020");
  for (const std::string_view line :
       {"a=rtcp\r\n", "a=rtcp:\r\n", "a=rtcp:0\r\n", "a=rtcp:65536\r\n", "a=rtcp:x\r\n", "a=rtcp:1 IN\r\n",
        "a=rtcp:1 IN IP4 host.example.com\r\n"})
    EXPECT_FALSE(rtcp(line)) << line;
}

TEST(Sdp, FormatsAndClockRate) {
  const Sdp sdp = parsed(
      "m=audio 5004 RTP/AVP 101 96  0 8\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:96 opus/48000/2\r\n"
      "a=rtpmap:97 none/1\r\na=rtpmap:0\r\na=rtpmap:8 PCMA\r\n");
  const auto formats = sdp.formats(0);
  ASSERT_EQ(formats.size(), 4U);
  EXPECT_EQ(formats[1].encoding, "opus");
  EXPECT_EQ(formats[1].clock_rate, 48000U);
  EXPECT_EQ(formats[2].encoding, "PCMU");
  EXPECT_EQ(formats[3].clock_rate, 8000U);
  EXPECT_EQ(sdp.clock_rate(0), 48000U);
  EXPECT_EQ(parsed("m=video 5004 RTP/AVP 31\r\n").clock_rate(0), 90000U);
  EXPECT_EQ(parsed("m=audio 5004 RTP/AVP 97\r\na=rtpmap:97 x/y\r\n").clock_rate(0), 8000U);
}

TEST(Sdp, FormatsAreBounded) {
  std::string line = "m=audio 5004 RTP/AVP";
  for (int i = 0; i < 5000; ++i) line += " 0";
  EXPECT_LE(parsed(line + "\r\n").formats(0).size(), 128U);
}

}  // namespace
}  // namespace sallyport::sip
