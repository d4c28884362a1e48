// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 7983's classes, the RTP header and RTCP compounds: tables of what is and is not.
#include <gtest/gtest.h>

#include "dataplane/demux.h"
#include "dataplane/rtcp.h"
#include "dataplane/rtp.h"
#include "tests/support/frames.h"

namespace sallyport::dataplane {
namespace {

using test::from_hex;
using test::Octets;

PayloadClass classify(std::uint8_t first, std::uint8_t second) {
  const Octets payload = {first, second};
  return classify_payload(payload);
}

TEST(Demux, EveryFirstOctet) {
  for (unsigned first = 0; first < 256; ++first) {
    PayloadClass expected = PayloadClass::unknown;
    if (first <= 3) expected = PayloadClass::stun;
    if (first >= 16 && first <= 19) expected = PayloadClass::zrtp;
    if (first >= 20 && first <= 63) expected = PayloadClass::dtls;
    if (first >= 128 && first <= 191) expected = PayloadClass::rtp;
    EXPECT_EQ(classify(static_cast<std::uint8_t>(first), 0), expected) << first;
  }
}

TEST(Demux, RtcpTypesOfRfc5761) {
  for (unsigned second = 0; second < 256; ++second)
    EXPECT_EQ(classify(0x80, static_cast<std::uint8_t>(second)),
              second >= 192 && second <= 223 ? PayloadClass::rtcp : PayloadClass::rtp)
        << second;
}

TEST(Demux, OneOctetOrNoneIsNothing) {
  EXPECT_EQ(classify_payload({}), PayloadClass::unknown);
  EXPECT_EQ(classify_payload(Octets{0x80}), PayloadClass::unknown);
}

TEST(Rtp, HeaderWithCsrcsAndExtension) {
  const Octets packet = test::rtp_packet({.payload_type = 8,
                                          .sequence = 0xfffe,
                                          .timestamp = 7,
                                          .ssrc = 9,
                                          .csrcs = 3,
                                          .extension = Octets(8, 1)},
                                         Octets(20, 2));
  const RtpHeader header = parse_rtp(packet);
  ASSERT_TRUE(header.valid);
  EXPECT_EQ(header.length, 12 + 12 + 4 + 8);
  EXPECT_EQ(header.sequence, 0xfffe);
  EXPECT_EQ(header.timestamp, 7u);
  EXPECT_EQ(header.ssrc, 9u);
  EXPECT_FALSE(header.padded);
}

TEST(Rtp, LengthsPastTheEndAreRefused) {
  const struct {
    const char* name;
    Octets packet;
  } cases[] = {
      {"empty", {}},
      {"eleven octets", Octets(11, 0x80)},
      {"version 1", from_hex("40000001 00000000 00000000")},
      {"fifteen CSRCs, none there", from_hex("8f000001 00000000 00000000")},
      {"extension header missing", from_hex("90000001 00000000 00000000")},
      {"extension header cut", from_hex("90000001 00000000 00000000 bede00")},
      {"extension body missing", from_hex("90000001 00000000 00000000 bede0001")},
      {"extension of 65535 words", from_hex("90000001 00000000 00000000 bedeffff 00000000")},
  };
  for (const auto& entry : cases) EXPECT_FALSE(parse_rtp(entry.packet).valid) << entry.name;
}

TEST(Rtp, Padding) {
  EXPECT_TRUE(has_valid_padding(test::rtp_packet({.padding = 4}, Octets(10, 1)), 12));
  EXPECT_TRUE(has_valid_padding(test::rtp_packet({.padding = 4}, {}), 12));  // nothing but padding
  EXPECT_FALSE(has_valid_padding(from_hex("a0000001 00000000 00000000"), 12));
  EXPECT_FALSE(has_valid_padding(from_hex("a0000001 00000000 00000000 00"), 12));
  EXPECT_FALSE(has_valid_padding(from_hex("a0000001 00000000 00000000 0003"), 12));
}

TEST(Rtcp, Compounds) {
  EXPECT_TRUE(is_rtcp_compound(test::rtcp_compound(5)));
  EXPECT_EQ(rtcp_sender(test::rtcp_compound(0x01020304)), 0x01020304u);
  const struct {
    const char* name;
    const char* hex;
  } cases[] = {
      {"length past the end", "80c90002 00000001"},
      {"second packet cut", "80c90001 00000001 81ca0005 00000001"},
      {"second packet of another version", "80c90001 00000001 41ca0001 00000001"},
      {"three octets left over", "80c90001 00000001 80c900"},
  };
  for (const auto& entry : cases) EXPECT_FALSE(is_rtcp_compound(from_hex(entry.hex))) << entry.name;
  EXPECT_FALSE(has_rtcp_header(from_hex("80c90001")));
  EXPECT_FALSE(has_rtcp_header(from_hex("00c90001 00000001")));
}

}  // namespace
}  // namespace sallyport::dataplane
