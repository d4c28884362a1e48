// SPDX-License-Identifier: GPL-3.0-or-later
// Writing messages: lengths, order, and that no value opens a line of its own.
#include "sip/writer.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

const std::string kRequest =
    "INVITE sip:bob@h SIP/2.0\r\n"
    "Via: SIP/2.0/UDP a;branch=z9hG4bK1;rport, SIP/2.0/UDP b;branch=z9hG4bK2\r\n"
    "v: SIP/2.0/UDP c\r\n"
    "f: <sip:alice@h>;tag=1\r\n"
    "t: <sip:bob@h>\r\n"
    "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"
    "Timestamp: 54\r\n"
    "i: x@y\r\n"
    "CSeq: 7 INVITE\r\n\r\n";

TEST(Writer, WritesARequest) {
  MessageWriter writer = MessageWriter::request(Method::message, "sip:bob@h");
  writer.header(HeaderId::max_forwards, 70)
      .header(HeaderId::to, {"<sip:bob@h>", ";tag=", "x"})
      .header("X-Own", "y");
  writer.body("text/plain", std::string_view("a\0b", 3));
  const std::string text = std::move(writer).finish();
  EXPECT_EQ(text, std::string(
                      "MESSAGE sip:bob@h SIP/2.0\r\nMax-Forwards: 70\r\nTo: <sip:bob@h>;tag=x\r\nX-Own: y\r\n"
                      "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na\0b",
                      128));
}

TEST(Writer, WritesAResponse) {
  EXPECT_EQ(MessageWriter::response(486).finish(), "SIP/2.0 486 Busy Here\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(MessageWriter::response(486, "No").finish(), "SIP/2.0 486 No\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(MessageWriter::response(486).status(), 486U);
}

TEST(Writer, NoValueOpensALine) {
  using std::string_view_literals::operator""sv;
  const auto evil = "a\r\nX-Evil: 1\r\n\r\n\0"sv;
  MessageWriter writer = MessageWriter::request(evil, evil);
  writer.header(HeaderId::subject, evil).header(evil, evil).header(HeaderId::to, {evil, evil});
  const std::string text = std::move(writer).finish();
  std::size_t lines = 0;
  for (std::size_t at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at + 1)) ++lines;
  EXPECT_EQ(lines, 6U);
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_EQ(MessageWriter::response(400, evil).finish().find("X-Evil: 1\r\n\r\n"), std::string::npos);
}

TEST(Writer, NeitherDoesACopyOfADefectiveMessage) {
  const ParsedMessage bad = parse_message(
      "INVITE sip:bob@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: a\nX-Evil: 1\r\nTo: b\rX\r\nX: \r\n\r\n");
  ASSERT_TRUE(bad.defect);
  MessageWriter writer = response_to(bad.message, 400);
  writer.copy(bad.message, HeaderId::from);
  const std::string text = std::move(writer).finish();
  EXPECT_EQ(text.find("\nX-Evil"), std::string::npos);
  EXPECT_EQ(text.find("\rX"), std::string::npos);
}

TEST(Writer, AResponseCopiesWhatItMust) {
  const ParsedMessage request = parse_message(kRequest);
  ASSERT_FALSE(request.defect);
  const Endpoint source{IpAddress::v4({192, 0, 2, 9}), 999};
  EXPECT_EQ(response_to(request.message, 180, {}, "tt", &source)
                .copy(request.message, HeaderId::record_route)
                .so_far(),
            "SIP/2.0 180 Ringing\r\n"
            "Via: SIP/2.0/UDP a;branch=z9hG4bK1;rport=999;received=192.0.2.9\r\n"
            "Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\n"
            "Via: SIP/2.0/UDP c\r\n"
            "From: <sip:alice@h>;tag=1\r\n"
            "To: <sip:bob@h>;tag=tt\r\n"
            "Call-ID: x@y\r\n"
            "CSeq: 7 INVITE\r\n"
            "Record-Route: <sip:p1;lr>\r\n"
            "Record-Route: <sip:p2;lr>\r\n");
}

TEST(Writer, TimestampIsForTrying) {
  const ParsedMessage request = parse_message(kRequest);
  EXPECT_NE(response_to(request.message, 100).finish().find("Timestamp: 54"), std::string::npos);
  EXPECT_EQ(response_to(request.message, 180).finish().find("Timestamp"), std::string::npos);
}

TEST(Writer, ATagThatIsThereStays) {
  std::string text = kRequest;
  text.replace(text.find("t: <sip:bob@h>"), 14, "t: <sip:bob@h>;tag=old");
  const ParsedMessage request = parse_message(text);
  const std::string response = response_to(request.message, 200, {}, "new").finish();
  EXPECT_NE(response.find("tag=old\r\n"), std::string::npos);
  EXPECT_EQ(response.find("tag=new"), std::string::npos);
}

TEST(Writer, WhatIsMissingIsLeftOut) {
  const ParsedMessage request = parse_message("INVITE sip:bob@h SIP/2.0\r\nVia: SIP/2.0/UDP a;;\r\n\r\n");
  const Endpoint source{IpAddress::v4({192, 0, 2, 9}), 999};
  EXPECT_EQ(response_to(request.message, 400, "Missing From", "t", &source).finish(),
            "SIP/2.0 400 Missing From\r\nVia: SIP/2.0/UDP a;;\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace

}  // namespace sallyport::sip
