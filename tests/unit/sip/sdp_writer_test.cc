// SPDX-License-Identifier: GPL-3.0-or-later
// What crosses the border of a description, and what must not.
#include "sip/sdp_writer.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

// Every value that tells of the other side holds the word SECRET or its address.
constexpr std::string_view kTelling =
    "v=0\r\n"
    "o=SECRET 4711 1 IN IP4 10.9.9.9\r\n"
    "s=SECRET\r\n"
    "i=SECRET\r\nu=http://SECRET/\r\ne=SECRET@example.com\r\np=+1 SECRET\r\n"
    "c=IN IP4 10.9.9.9\r\n"
    "b=CT:128\r\n"
    "t=0 0\r\n"
    "k=clear:SECRET\r\n"
    "a=tool:SECRET\r\na=group:BUNDLE SECRET\r\na=ice-lite\r\na=ice-options:SECRET\r\na=fingerprint:SECRET\r\n"
    "a=key-mgmt:mikey SECRET\r\na=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET\r\na=csup:SECRET\r\n"
    "a=X-SECRET\r\na=x-nat:SECRET\r\na=sendonly\r\na=maxptime:40\r\na=made-up:kept\r\n"
    "y=kept too\r\n"
    "m=audio 7000 RTP/AVP 0 101\r\n"
    "i=SECRET\r\n"
    "c=IN IP4 10.9.9.9\r\n"
    "b=AS:64\r\n"
    "k=base64:SECRET\r\n"
    "a=candidate:1 1 UDP 2130706431 10.9.9.9 7000 typ host\r\na=remote-candidates:1 10.9.9.9 7000\r\n"
    "a=ice-ufrag:SECRET\r\na=ice-pwd:SECRET\r\na=end-of-candidates\r\na=setup:actpass\r\na=tls-id:SECRET\r\n"
    "a=connection:new\r\na=zrtp-hash:1.10 SECRET\r\na=mid:SECRET\r\na=msid:SECRET\r\na=ssrc:1 "
    "cname:SECRET\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET\r\na=rtcp:7001 IN IP4 10.9.9.9\r\na=rtcp-mux\r\n"
    "a=source-filter:incl IN IP4 * 10.9.9.9\r\na=altc:1 IP4 10.9.9.9 7000\r\na=tcap:1 RTP/SAVP\r\na=pcfg:1 "
    "a=1 t=1\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
    "0-16\r\na=ptime:20\r\na=recvonly\r\n"
    "m=application 9 UDP/DTLS/SCTP SECRETformat\r\na=sctp-port:5000\r\n";

Sdp parsed(std::string_view text) {
  auto sdp = parse_sdp(std::string(text));
  EXPECT_TRUE(sdp) << (sdp ? "" : sdp.error().text);
  return sdp ? std::move(*sdp) : Sdp();
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

MediaEdit audio_edit() {
  MediaEdit edit;
  edit.protocol = "RTP/SAVP";
  edit.local = Endpoint{address("192.0.2.1"), 30000};
  edit.direction = Direction::sendonly;
  return edit;
}

TEST(SdpWriter, HidesTheOtherSide) {
  std::string telling(kTelling);
  telling.replace(telling.find("SECRETformat"), 12, "5000");
  const Sdp source = parsed(telling);
  const MediaEdit edits[] = {audio_edit(), {.protocol = "UDP/DTLS/SCTP"}};
  const std::string text = write_sdp(source, {815, 3, address("192.0.2.1")}, edits, {});
  EXPECT_EQ(text.find("SECRET"), std::string::npos) << text;
  EXPECT_EQ(text.find("10.9.9.9"), std::string::npos) << text;
  EXPECT_EQ(
      text,
      "v=0\r\no=- 815 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nb=CT:128\r\nt=0 0\r\ny=kept too\r\n"
      "a=maxptime:40\r\na=made-up:kept\r\n"
      "m=audio 30000 RTP/SAVP 0 101\r\nb=AS:64\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 "
      "telephone-event/8000\r\n"
      "a=fmtp:101 0-16\r\na=ptime:20\r\na=sendonly\r\n"
      "m=application 0 UDP/DTLS/SCTP 5000\r\n");
  EXPECT_TRUE(parse_sdp(text));
}

TEST(SdpWriter, KeepsWhatTheCallerWants) {
  const Sdp source = parsed(kTelling);
  SdpFilter filter;
  filter.dropped = {"maxptime", "made-*"};
  const MediaEdit edits[] = {audio_edit(), {.protocol = "UDP/DTLS/SCTP"}};
  const std::string text = write_sdp(source, {815, 3, address("192.0.2.1")}, edits, filter);
  for (const std::string_view kept : {"a=X-SECRET", "a=x-nat"})
    EXPECT_NE(text.find(kept), std::string::npos) << kept;
  for (const std::string_view dropped :
       {"a=candidate:",    "a=ice-ufrag:", "a=fingerprint:", "a=setup:",  "a=zrtp-hash:", "a=mid:",
        "a=group:BUNDLE",  "a=ssrc:",      "a=msid:",        "a=crypto",  "a=key-mgmt",   "k=",
        "a=acap",          "a=pcfg",       "a=tcap",         "a=rtcp:",   "a=rtcp-mux",   "a=altc",
        "a=source-filter", "a=tool",       "a=maxptime",     "a=made-up", "a=recvonly"})
    EXPECT_EQ(text.find(dropped), std::string::npos) << dropped;
}

TEST(SdpWriter, HeaderExtensionsCrossWhereTheyAreKept) {
  const Sdp source = parsed(
      "v=0\r\na=extmap-allow-mixed\r\na=extmap:1 urn:a\r\nm=audio 7000 RTP/AVP 0\r\na=extmap-allow-mixed\r\n"
      "a=extmap:2/sendonly urn:b x\r\na=extmapped:kept\r\n");
  const MediaEdit edit = audio_edit();
  const auto written = [&](const SdpFilter& filter) {
    return write_sdp(source, {815, 3, address("192.0.2.1")}, {&edit, 1}, filter);
  };
  const std::string kept = written({});
  for (const std::string_view line : {"a=extmap:1 urn:a\r\n", "a=extmap:2/sendonly urn:b x\r\n"})
    EXPECT_NE(kept.find(line), std::string::npos) << line;
  EXPECT_NE(kept.find("a=extmap-allow-mixed"), kept.rfind("a=extmap-allow-mixed")) << "at both levels";

  SdpFilter strip;
  strip.keep_extensions = false;
  const std::string stripped = written(strip);
  EXPECT_EQ(stripped.find("a=extmap:"), std::string::npos) << stripped;
  EXPECT_EQ(stripped.find("a=extmap-"), std::string::npos) << stripped;
  EXPECT_NE(stripped.find("a=extmapped:kept"), std::string::npos);

  SdpFilter dropping;
  dropping.dropped = {"extmap"};
  const std::string dropped = written(dropping);
  EXPECT_EQ(dropped.find("a=extmap:"), std::string::npos) << "drop_attributes has its word still";
  EXPECT_NE(dropped.find("a=extmap-allow-mixed"), std::string::npos);
}

TEST(SdpWriter, WritesTransportAnew) {
  const Sdp source = parsed("v=0\r\na=sendrecv\r\nm=audio 7000 RTP/AVP 0\r\n");
  CryptoAttribute crypto =
      std::move(*parse_crypto("7 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"));
  MediaEdit edit;
  edit.protocol = "RTP/SAVP";
  edit.local = Endpoint{address("2001:db8::2"), 30000};
  edit.local_rtcp = Endpoint{address("2001:db8::3"), 40001};
  edit.crypto = {&crypto, 1};
  EXPECT_EQ(
      write_sdp(source, {1, 1, address("2001:db8::1")}, {&edit, 1}, {}),
      "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
      "m=audio 30000 RTP/SAVP 0\r\nc=IN IP6 2001:db8::2\r\na=sendrecv\r\na=rtcp:40001 IN IP6 2001:db8::3\r\n"
      "a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n");
  edit.local_rtcp = Endpoint{address("2001:db8::2"), 30001};
  edit.mux = true;
  const std::string text = write_sdp(source, {1, 1, address("2001:db8::2")}, {&edit, 1}, {});
  EXPECT_EQ(text.find("a=rtcp:"), std::string::npos);
  EXPECT_NE(text.find("a=rtcp-mux\r\n"), std::string::npos);
  EXPECT_EQ(text.find("c=IN IP6 2001:db8::2"), text.rfind("c=IN IP6 2001:db8::2"));
}

}  // namespace
}  // namespace sallyport::sip
