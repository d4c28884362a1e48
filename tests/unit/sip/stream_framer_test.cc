// SPDX-License-Identifier: GPL-3.0-or-later
// Cutting streams: keep-alives, pieces of every size, and lengths that lie.
#include "sip/stream_framer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

const std::string kFields =
    "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: "
    "<sip:b@h>\r\n"
    "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

std::string message(const std::string& body = "", const std::string& name = "Content-Length: ") {
  return kFields + name + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// All frames in letters: m, i (ping), o (pong), b.
std::string kinds(StreamFramer& framer) {
  std::string letters;
  for (Frame frame = framer.next(); frame.kind != FrameKind::none; frame = framer.next())
    letters += " miob"[static_cast<std::size_t>(frame.kind)];
  return letters;
}

std::string kinds(const std::string& stream) {
  StreamFramer framer;
  framer.append(stream);
  return kinds(framer);
}

TEST(StreamFramer, CutsMessages) {
  StreamFramer framer;
  framer.append(message("hello") + message());
  Frame frame = framer.next();
  EXPECT_EQ(frame.kind, FrameKind::message);
  EXPECT_EQ(frame.text, message("hello"));
  EXPECT_EQ(framer.next().text, message());
  EXPECT_EQ(framer.next().kind, FrameKind::none);
  EXPECT_EQ(framer.buffered(), 0U);
}

TEST(StreamFramer, PiecesOfEverySizeGiveTheSame) {
  const std::string stream = "\r\n\r\n" + message(std::string("a\r\n\r\n\0b", 7)) + message("", "l : ") +
                             "\r\n\r\n\r\n" + message("x", "Content-Length:\r\n ") + message();
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    StreamFramer framer;
    std::string letters;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      framer.append(std::string_view(stream).substr(at, piece));
      letters += kinds(framer);
    }
    EXPECT_EQ(letters, "immiomm") << piece;
    EXPECT_EQ(framer.buffered(), 0U);
  }
}

TEST(StreamFramer, ALoneCrLfIsAPongOnlyIfOneIsDue) {
  StreamFramer framer;
  framer.append("\r\n");
  EXPECT_EQ(kinds(framer), "");
  framer.append("\r\n");
  EXPECT_EQ(kinds(framer), "i");
  framer.expect_pong();
  framer.append("\r");
  EXPECT_EQ(kinds(framer), "");
  framer.append("\n");
  EXPECT_EQ(kinds(framer), "o");
  framer.append("\r\n");
  EXPECT_EQ(kinds(framer), "");
  framer.append(message());
  EXPECT_EQ(kinds(framer), "om");
  EXPECT_FALSE(framer.in_message());
}

TEST(StreamFramer, BreaksWhereTheEndCannotBeTold) {
  struct Case {
    std::string stream;
    std::uint16_t status;
    const char* reason;
  };
  for (const auto& [stream, status, reason] : {
           Case{kFields + "\r\n", 400, "Missing Content-Length"},
           Case{kFields + "Content-Length: -1\r\n\r\n", 400, "Malformed Content-Length"},
           Case{kFields + "Content-Length: 1x\r\n\r\n", 400, "Malformed Content-Length"},
           Case{kFields + "Content-Length: 1 2\r\n\r\n", 400, "Malformed Content-Length"},
           Case{kFields + "Content-Length:\r\n\r\n", 400, "Malformed Content-Length"},
           Case{kFields + "Content-Length: 0\r\nl: 0\r\n\r\n", 400, "Duplicate Content-Length"},
           Case{kFields + "Content-Length: 0\r\nContent-Length: 7\r\n\r\n", 400, "Duplicate Content-Length"},
           Case{kFields + "Content-Length: 65537\r\n\r\n", 413, "Request Entity Too Large"},
           Case{kFields + "Content-Length: 99999999999999999999999999\r\n\r\n", 413,
                "Request Entity Too Large"},
           Case{kFields + "X: " + std::string(40000, 'x'), 513, "Message Too Large: header"},
       }) {
    StreamFramer framer;
    framer.append(stream);
    Frame frame = framer.next();
    ASSERT_EQ(frame.kind, FrameKind::broken) << reason;
    EXPECT_TRUE(framer.is_broken());
    EXPECT_EQ(framer.buffered(), 0U);
    const auto [parsed, defect] = parse_message(std::move(frame));
    ASSERT_TRUE(defect);
    EXPECT_STREQ(defect->reason, reason);
    EXPECT_EQ(defect->status, status);
    EXPECT_TRUE(defect->answerable) << reason;
    EXPECT_EQ(parsed.call_id(), "1");
    framer.append(message());
    EXPECT_EQ(kinds(framer), "") << "nothing comes behind a break";
  }
}

TEST(StreamFramer, GarbageIsNotAnswered) {
  for (const std::string& stream :
       {std::string("\x16\x03\x01\x02\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string(40000, '\0'), std::string(40000, '\n'),
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\n\r\n" + std::string()}) {
    StreamFramer framer;
    framer.append(stream);
    Frame frame = framer.next();
    ASSERT_EQ(frame.kind, FrameKind::broken);
    EXPECT_FALSE(parse_message(std::move(frame)).defect->answerable);
  }
}

TEST(StreamFramer, ACrThatBeginsNoLineBreakIsPartOfAMessage) {
  StreamFramer framer;
  framer.append("\rINVITE");
  EXPECT_EQ(kinds(framer), "");
  EXPECT_TRUE(framer.in_message());
}

/// A peer that sends an octet at a time makes neither the memory nor the work grow beyond the message's size.
TEST(StreamFramer, SlowInputIsBounded) {
  StreamFramer framer;
  std::size_t sent = 0;
  Frame frame;
  framer.append(kFields);
  while (frame.kind == FrameKind::none && sent < 100000) {
    framer.append("x");
    ++sent;
    frame = framer.next();
    ASSERT_LE(framer.buffered(), kStandardLimits[Limit::header_bytes] + 1U);
  }
  EXPECT_EQ(frame.kind, FrameKind::broken);
  EXPECT_LE(sent, kStandardLimits[Limit::header_bytes]);
}

TEST(StreamFramer, WaitsForABodyThatIsAnnounced) {
  StreamFramer framer;
  framer.append(kFields + "Content-Length: 10\r\n\r\n123456789");
  EXPECT_EQ(kinds(framer), "");
  EXPECT_TRUE(framer.in_message());
  framer.append("0");
  EXPECT_EQ(kinds(framer), "m");
}

TEST(StreamFramer, LimitsAreThoseItIsGiven) {
  Limits limits;
  limits.set(Limit::body_bytes, 4);
  StreamFramer framer(limits);
  framer.append(message("12345"));
  EXPECT_EQ(framer.next().defect->limit, Limit::body_bytes);
}

TEST(StreamFramer, AnotherHeaderIsNoLength) {
  EXPECT_EQ(
      kinds(kFields + "Content-Lengthy: 5\r\nLoc: 7\r\nX: Content-Length: 9\r\nContent-Length: 0\r\n\r\n"),
      "m");
  EXPECT_EQ(kinds(kFields + "X: a\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n"), "m");
}

}  // namespace

}  // namespace sallyport::sip
