// SPDX-License-Identifier: GPL-3.0-or-later
// Bodies in parts: boundaries, nesting, and finding the session description.
#include "sip/multipart.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

const std::string kMixed = "multipart/mixed;boundary=\"b1\"";
const std::string kTwo =
    "preamble\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1 \t\r\n"
    "Content-Type: application/x\r\nContent-Disposition: render;handling=optional\r\nContent-ID: "
    "<1@h>\r\n\r\n--b12\r\n--b1--\r\nepilogue";

Message with_body(const std::string& type, const std::string& body, const std::string& more = "") {
  return parse_message(
             "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: "
             "<sip:b@h>\r\n"
             "Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: " +
             type + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)
      .message;
}

TEST(MediaType, IsTypeAndSubtype) {
  const auto type = parse_media_type(" Application / SDP ;charset=\"utf-8\"");
  ASSERT_TRUE(type);
  EXPECT_TRUE(type->is("application/sdp"));
  EXPECT_FALSE(type->is("application/sd"));
  EXPECT_FALSE(type->is("application sdp"));
  EXPECT_EQ(type->parameters.value("charset"), "\"utf-8\"");
  for (const char* text : {"", "a", "a/", "/b", "a b/c", "a/b;", "a/b c", "a/b;c=", "a/b,c/d"})
    EXPECT_FALSE(parse_media_type(text)) << text;
}

TEST(Multipart, HasItsParts) {
  const auto parts = parse_multipart(kMixed, kTwo);
  ASSERT_TRUE(parts) << parts.error().text;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].content_type, "application/sdp");
  EXPECT_EQ((*parts)[0].body, "v=0\r\n");
  EXPECT_FALSE((*parts)[0].is_optional());
  EXPECT_TRUE((*parts)[1].is_optional());
  EXPECT_EQ((*parts)[1].content_id, "<1@h>");
  EXPECT_EQ((*parts)[1].body, "--b12");
}

TEST(Multipart, APartMayHaveNoHeaderAndNoBody) {
  const auto parts = parse_multipart("multipart/mixed;boundary=x", "--x\r\n\r\n\r\n--x\r\n\r\ntext\r\n--x--");
  ASSERT_TRUE(parts) << parts.error().text;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].body, "");
  EXPECT_EQ((*parts)[1].content_type, "text/plain");
  EXPECT_EQ((*parts)[1].body, "text");
}

TEST(Multipart, Malformed) {
  struct Case {
    const char* type;
    const char* body;
  };
  for (const auto& [type, body] : {
           Case{"multipart/mixed", "--b1\r\n\r\nx\r\n--b1--"},
           Case{"multipart/mixed;boundary=\"\"", "--\r\n\r\nx\r\n----"},
           Case{"multipart/mixed;boundary=\"b \"", "--b \r\n\r\nx\r\n--b --"},
           Case{"multipart/"
                "mixed;boundary=0123456789012345678901234567890123456789012345678901234567890123456789X",
                ""},
           Case{"multipart", "--b1\r\n\r\nx\r\n--b1--"},
           Case{"multipart/mixed;boundary=b1", ""},
           Case{"multipart/mixed;boundary=b1", "--b2\r\n\r\nx\r\n--b2--"},
           Case{"multipart/mixed;boundary=b1", "--b1\r\n\r\nx"},
           Case{"multipart/mixed;boundary=b1", "--b1\r\n\r\nx\r\n--b1"},
           Case{"multipart/mixed;boundary=b1", "--b1\r\n\r\nx--b1--"},
           Case{"multipart/mixed;boundary=b1", "--b1--"},
           Case{"multipart/mixed;boundary=b1", "x--b1\r\n\r\nx\r\n--b1--"},
           Case{"multipart/mixed;boundary=b1", "--b1\r\nContent-Type: a/b\r\n--b1--"},
           Case{"multipart/mixed;boundary=b1", "--b1\r\nno colon\r\n\r\nx\r\n--b1--"},
           Case{"multipart/mixed;boundary=b1", "--b1\n\nx\n--b1--"},
           Case{"multipart/mixed;boundary=b1", "--b1x\r\n\r\nx\r\n--b1x--"},
       })
    EXPECT_FALSE(parse_multipart(type, body)) << type << ' ' << body;
}

TEST(Multipart, PartsAreBounded) {
  std::string body;
  for (std::uint32_t i = 0; i < kStandardLimits[Limit::multipart_parts]; ++i) body += "--b1\r\n\r\nx\r\n";
  EXPECT_TRUE(parse_multipart(kMixed, body + "--b1--"));
  const auto over = parse_multipart(kMixed, body + "--b1\r\n\r\nx\r\n--b1--");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().error_class, ErrorClass::exhausted);
}

TEST(FindBody, FindsAWholeBody) {
  const Message message = with_body("Application/SDP", "v=0\r\n");
  const auto found = find_body(message, "application/sdp");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->part.body, "v=0\r\n");
  EXPECT_FALSE((*found)->leaves_required);
}

TEST(FindBody, FindsAPart) {
  const Message message = with_body(kMixed, kTwo);
  const auto found = find_body(message, "application/sdp");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->part.body, "v=0\r\n");
  EXPECT_FALSE((*found)->leaves_required);
  EXPECT_TRUE((*find_body(message, "application/x"))->leaves_required);
  EXPECT_FALSE(*find_body(message, "application/y"));
}

TEST(FindBody, OfAlternativesTheLast) {
  const std::string body =
      "--b1\r\nContent-Type: application/sdp\r\n\r\n1\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n2\r\n"
      "--b1\r\nContent-Type: application/sdpng\r\n\r\n3\r\n--b1--";
  EXPECT_EQ((*find_body(with_body("multipart/mixed;boundary=b1", body), "application/sdp"))->leaves_required,
            true);
  const Message message = with_body("multipart/alternative;boundary=b1", body);
  const auto found = find_body(message, "application/sdp");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->part.body, "2");
  EXPECT_FALSE((*found)->leaves_required);
}

std::string nested(std::uint32_t depth) {
  std::string type = "application/sdp";
  std::string body = "v=0";
  for (std::uint32_t i = 0; i < depth; ++i) {
    const std::string boundary = "n" + std::to_string(i);
    body = "--" + boundary + "\r\nContent-Type: " + type + "\r\n\r\n" + body + "\r\n--" + boundary + "--";
    type = "multipart/mixed;boundary=" + boundary;
  }
  return type + "\n" + body;
}

TEST(FindBody, GoesOnlySoDeep) {
  const std::uint32_t depth = kStandardLimits[Limit::multipart_depth];
  for (const std::uint32_t levels : {depth, depth + 1}) {
    const std::string text = nested(levels);
    const std::size_t end = text.find('\n');
    const Message message = with_body(text.substr(0, end), text.substr(end + 1));
    const auto found = find_body(message, "application/sdp");
    EXPECT_EQ(found.has_value(), levels == depth);
  }
}

TEST(FindBody, RefusesWhatItCannotRead) {
  EXPECT_EQ(find_body(with_body("application/sdp", "dj0w", "Content-Transfer-Encoding: base64\r\n"),
                      "application/sdp")
                .error()
                .error_class,
            ErrorClass::unsupported);
  EXPECT_TRUE(find_body(with_body("application/sdp", "v=0", "Content-Transfer-Encoding: 8BIT\r\n"),
                        "application/sdp"));
  EXPECT_FALSE(find_body(with_body("nonsense", "v=0"), "application/sdp"));
  EXPECT_FALSE(*find_body(with_body("nonsense", ""), "application/sdp"));
}

TEST(Multipart, IsWrittenAndReadAgain) {
  BodyPart sdp;
  sdp.content_type = "application/sdp";
  sdp.body = "v=0\r\n";
  BodyPart other;
  other.content_type = "a/b";
  other.disposition = "render;handling=optional";
  other.body = std::string_view("\0--b1x", 6);
  const std::string body = write_multipart("b1", {sdp, other});
  const auto parts = parse_multipart(kMixed, body);
  ASSERT_TRUE(parts) << parts.error().text;
  EXPECT_EQ((*parts)[0].body, sdp.body);
  EXPECT_EQ((*parts)[1].body, other.body);
  EXPECT_TRUE((*parts)[1].is_optional());
}

}  // namespace

}  // namespace sallyport::sip
