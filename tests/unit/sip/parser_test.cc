// SPDX-License-Identifier: GPL-3.0-or-later
// Parsing whole messages: what is found in them, what is wrong with them, and that the answer says so.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sip/message.h"
#include "sip/writer.h"

namespace sallyport::sip {

namespace {

const std::string kHead =
    "INVITE sip:bob@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK776\r\n"
    "Max-Forwards: 70\r\n"
    "From: Alice <sip:alice@example.com>;tag=1928301774\r\n"
    "To: Bob <sip:bob@example.com>\r\n"
    "Call-ID: a84b4c76e66710\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.1>\r\n";

std::string invite(const std::string& more = "") {
  return kHead + more + "Content-Length: 0\r\n\r\n";
}

std::string replaced(const std::string& what, const std::string& with) {
  std::string text = invite();
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(Parser, FindsEverything) {
  std::string text = kHead +
                     "v: SIP/2.0/UDP a, SIP/2.0/TCP b\r\n"
                     "X-Folded: one\r\n two\r\n\tthree  \r\n"
                     "x-empty:\r\n"
                     "s :  spaced\r\n"
                     "Content-Type: text/plain\r\nl: 4\r\n\r\nbodyrest";
  auto [message, defect] = parse_message(text);
  ASSERT_FALSE(defect) << defect->reason;
  const Message moved = std::move(message);
  EXPECT_TRUE(moved.is_request());
  EXPECT_EQ(moved.method(), Method::invite);
  EXPECT_EQ(moved.request_uri(), "sip:bob@example.com");
  EXPECT_EQ(moved.status(), 0U);
  EXPECT_EQ(moved.call_id(), "a84b4c76e66710");
  EXPECT_EQ(moved.cseq()->number, 314159U);
  EXPECT_EQ(moved.from()->tag(), "1928301774");
  EXPECT_EQ(moved.to()->uri, "sip:bob@example.com");
  EXPECT_EQ(moved.top_via()->branch, "z9hG4bK776");
  EXPECT_EQ(moved.header("x-folded"), "one   two  \tthree");
  EXPECT_EQ(moved.header("X-Empty"), "");
  EXPECT_EQ(moved.header(HeaderId::subject), "spaced");
  EXPECT_EQ(moved.header("Subject"), std::nullopt);
  EXPECT_EQ(moved.body(), "body");
  std::vector<std::string> vias;
  for (const std::string_view value : moved.values(HeaderId::via)) vias.emplace_back(value);
  EXPECT_EQ(vias, (std::vector<std::string>{"SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK776", "SIP/2.0/UDP a",
                                            "SIP/2.0/TCP b"}));
  std::size_t count = 0;
  for (const Field field : moved.fields()) count += !field.name.empty();
  EXPECT_EQ(count, moved.field_count());
  EXPECT_TRUE(moved.values(HeaderId::route).empty());
  EXPECT_TRUE(moved.fields(HeaderId::route).empty());
  EXPECT_EQ(moved.number(HeaderId::max_forwards)->value(), 70U);
  EXPECT_EQ(*moved.number(HeaderId::expires), std::nullopt);
  EXPECT_GT(moved.memory(), text.size());
}

TEST(Parser, ReadsAResponse) {
  const auto [message, defect] = parse_message(
      "\r\n\r\nsip/2.0 180 Ringing, \xc3\xa4\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>\r\nTo: "
      "<sip:b@h>;tag=1\r\nCall-ID: 1\r\n"
      "CSeq: 1 X-METHOD\r\n\r\n");
  ASSERT_FALSE(defect) << defect->reason;
  EXPECT_FALSE(message.is_request());
  EXPECT_EQ(message.status(), 180U);
  EXPECT_EQ(message.reason(), "Ringing, \xc3\xa4");
  EXPECT_EQ(message.method(), Method::other);
  EXPECT_EQ(message.method_text(), "X-METHOD");
  EXPECT_EQ(message.request_uri(), "");
}

TEST(Parser, ValuesOfCredentialsAreNotDivided) {
  const auto [message, defect] =
      parse_message(invite("Authorization: Digest a=1, b=2\r\nAuthorization: Digest c=3\r\n"));
  ASSERT_FALSE(defect);
  std::vector<std::string_view> values;
  for (const std::string_view value : message.values(HeaderId::authorization)) values.push_back(value);
  EXPECT_EQ(values.size(), 2U);
}

struct Wrong {
  const char* what;
  const char* with;
  const char* reason;
  std::uint16_t status = 400;
};

/// One place of a good INVITE is changed; the answer names it.
TEST(Parser, SaysWhatIsWrong) {
  for (const auto& [what, with, reason, status] : {
           Wrong{"INVITE sip", " INVITE sip", "Malformed Request-Line"},
           Wrong{"INVITE sip", "INVITE  sip", "Malformed Request-URI"},
           Wrong{"INVITE sip", "IN(VITE sip", "Malformed Request-Line"},
           Wrong{"INVITE sip:bob@example.com SIP/2.0", "INVITE", "Malformed Request-Line"},
           Wrong{"INVITE sip:bob@example.com SIP/2.0", "INVITE SIP/2.0", "Malformed Request-Line"},
           Wrong{" SIP/2.0\r", "  SIP/2.0\r", "Malformed Request-URI"},
           Wrong{" SIP/2.0\r", " SIP/2.0 \r", "Malformed Request-Line"},
           Wrong{" SIP/2.0\r", " SIP/3.0\r", "Version Not Supported", 505},
           Wrong{" SIP/2.0\r", " SIP/2.01\r", "Version Not Supported", 505},
           Wrong{" SIP/2.0\r", " HTTP/1.1\r", "Malformed Request-Line"},
           Wrong{"sip:bob@example.com SIP", "<sip:bob@example.com> SIP", "Malformed Request-URI"},
           Wrong{"sip:bob@example.com SIP", "sip:bob@exam ple.com SIP", "Malformed Request-URI"},
           Wrong{"sip:bob@example.com SIP", "sip:bob@example.com?Route=x SIP", "Headers in Request-URI"},
           Wrong{"sip:bob@example.com SIP", "bob SIP", "Malformed Request-URI"},
           Wrong{"Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK776\r\n", "", "Missing Via"},
           Wrong{"SIP/2.0/TLS 192.0.2.1", "SIP/2.0 192.0.2.1", "Malformed Via"},
           Wrong{"z9hG4bK776", "z9hG4bK776,", "Malformed Via"},
           Wrong{"From: Alice <sip:alice@example.com>;tag=1928301774\r\n", "", "Missing From"},
           Wrong{"From: Alice", "From: \"Alice", "Malformed From"},
           Wrong{"To: Bob <sip:bob@example.com>\r\n", "", "Missing To"},
           Wrong{"To: Bob <", "To: Bob < ", "Malformed To"},
           Wrong{"To: Bob <sip", "To: Bob, B <sip", "Malformed To"},
           Wrong{"Call-ID: a84b4c76e66710\r\n", "", "Missing Call-ID"},
           Wrong{"a84b4c76e66710", "a84b 4c76", "Malformed Call-ID"},
           Wrong{"a84b4c76e66710", "", "Malformed Call-ID"},
           Wrong{"a84b4c76e66710", "a\xc3\xa4", "Malformed Call-ID"},
           Wrong{"CSeq: 314159 INVITE\r\n", "", "Missing CSeq"},
           Wrong{"314159 INVITE", "314159", "Malformed CSeq"},
           Wrong{"314159 INVITE", "2147483648 INVITE", "Malformed CSeq"},
           Wrong{"314159 INVITE", "314159 BYE", "CSeq Method Differs From Request Method"},
           Wrong{"314159 INVITE", "314159 invite", "CSeq Method Differs From Request Method"},
           Wrong{"Max-Forwards: 70", "Max-Forwards: 256", "Malformed Max-Forwards"},
           Wrong{"Max-Forwards: 70", "Max-Forwards: -1", "Malformed Max-Forwards"},
           Wrong{"Max-Forwards: 70", "Max-Forwards:", "Malformed Max-Forwards"},
           Wrong{"<sip:alice@192.0.2.1>", "sip:alice@192.0.2.1?a=b", "Malformed Contact"},
           Wrong{"<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1>,", "Malformed Contact"},
           Wrong{"Contact: <sip:alice@192.0.2.1>", "Route: <sip:>", "Malformed Route"},
           Wrong{"Contact: <sip:alice@192.0.2.1>", "Record-Route: *", "Malformed Record-Route"},
           Wrong{"Content-Length: 0", "Content-Length: 1", "Content-Length Exceeds Message"},
           Wrong{"Content-Length: 0", "Content-Length: 99999999999999999999",
                 "Content-Length Exceeds Message"},
           Wrong{"Content-Length: 0", "Content-Length: -999", "Malformed Content-Length"},
           Wrong{"Content-Length: 0", "Content-Length: 0x10", "Malformed Content-Length"},
           Wrong{"Content-Length: 0", "Content-Length:", "Malformed Content-Length"},
           Wrong{"Content-Length: 0", "Content-Length: 0\r\nl: 0", "Duplicate Content-Length"},
           Wrong{"Max-Forwards: 70", "Max-Forwards: 70\r\nMax-Forwards: 70", "Duplicate Max-Forwards"},
           Wrong{"Max-Forwards: 70", "f: <sip:eve@h>;tag=1", "Duplicate From"},
           Wrong{"Max-Forwards: 70", "t: <sip:eve@h>", "Duplicate To"},
           Wrong{"Max-Forwards: 70", "i: x", "Duplicate Call-ID"},
           Wrong{"Max-Forwards: 70", "cseq: 2 INVITE", "Duplicate CSeq"},
           Wrong{"Max-Forwards: 70", "Content-Type: a/b\r\nc: a/b", "Duplicate Content-Type"},
           Wrong{"Max-Forwards: 70", "Max-Forwards 70", "Header Field Without a Colon"},
           Wrong{"Max-Forwards: 70", "Max-Forwards", "Header Field Without a Colon"},
           Wrong{"Max-Forwards: 70", "Max Forwards: 70", "Malformed Header Field Name"},
           Wrong{"Max-Forwards: 70", ": 70", "Malformed Header Field Name"},
           Wrong{"Max-Forwards: 70", "M\xc3\xa4x: 70", "Malformed Header Field Name"},
           Wrong{"Max-Forwards: 70",
                 "X: a\x01"
                 "b",
                 "Control Character in Header"},
           Wrong{"Max-Forwards: 70", "X: a\nb", "LF Without CR"},
           Wrong{"Max-Forwards: 70", "X: a\rb", "CR Without LF"},
           Wrong{"SIP/2.0\r\nVia", "SIP/2.0\nVia", "LF Without CR"},
           Wrong{"0\r\n\r\n", "0\r\n", "No Empty Line After Header"},
           Wrong{"0\r\n\r\n", "0", "No Empty Line After Header"},
       }) {
    const auto [message, defect] = parse_message(replaced(what, with));
    ASSERT_TRUE(defect) << reason;
    EXPECT_STREQ(defect->reason, reason) << "for " << with;
    EXPECT_EQ(defect->status, status) << reason;
    EXPECT_EQ(defect->limit, Limit::none) << reason;
  }
}

TEST(Parser, NulOctetsAreRefusedOutsideQuotedPairs) {
  std::string text = replaced("Max-Forwards: 70", "X: a?b");
  text[text.find("a?b") + 1] = '\0';
  EXPECT_STREQ(parse_message(text).defect->reason, "NUL Octet in Header");
  text = replaced("Alice <", "\"A\\?\" <");
  text[text.find("\\?") + 1] = '\0';
  EXPECT_FALSE(parse_message(text).defect);
  // The backslash is an escaped one.
  text = replaced("Alice <", "\"A\\\\?\" <");
  text[text.find("\\?") + 1] = '\0';
  EXPECT_STREQ(parse_message(text).defect->reason, "NUL Octet in Header");
  text = invite();
  text.insert(text.size(), "a\0b", 3);
  EXPECT_FALSE(parse_message(text).defect);
}

TEST(Parser, ABodyMayHoldAnything) {
  const std::string octets("\0\r\n\r\nINVITE\x01\n", 13);
  const auto [message, defect] = parse_message(kHead + "Content-Length: 13\r\n\r\n" + octets);
  ASSERT_FALSE(defect);
  EXPECT_EQ(message.body(), octets);
}

TEST(Parser, RepeatedTextsArePassedOn) {
  const auto [message, defect] =
      parse_message(invite("User-Agent: a\r\nUser-Agent: b\r\nX-New: 1\r\nX-New: 2\r\n"));
  EXPECT_FALSE(defect);
  EXPECT_EQ(message.header("X-New"), "1");
}

TEST(Parser, BadResponsesAreDropped) {
  const std::string rest = invite().substr(invite().find("\r\n"));
  for (const char* line : {"SIP/2.0", "SIP/2.0 ", "SIP/2.0 99 x", "SIP/2.0 099 x", "SIP/2.0 700 x",
                           "SIP/2.0 2000 x", "SIP/2.0 20 x", "SIP/2.0 4294967301 x", "SIP/2.0  200 x",
                           "SIP/2.0 20x y", "SIP/2.0 200x", "SIP/3.0 200 x", "SIP/ 200 x"}) {
    const auto [message, defect] = parse_message(line + rest);
    ASSERT_TRUE(defect) << line;
    EXPECT_FALSE(defect->answerable) << line;
    EXPECT_FALSE(message.is_request()) << line;
  }
  EXPECT_FALSE(parse_message("SIP/2.0 200" + rest).defect);
  EXPECT_FALSE(parse_message("SIP/2.0 200 " + rest).defect);
}

TEST(Parser, WhatCannotBeAnsweredIsNot) {
  EXPECT_TRUE(parse_message(replaced("314159 INVITE", "x")).defect->answerable);
  EXPECT_FALSE(parse_message("").defect->answerable);
  EXPECT_FALSE(parse_message("\r\n\r\n").defect->answerable);
  EXPECT_FALSE(parse_message(std::string(100, '\0')).defect->answerable);
  EXPECT_FALSE(parse_message("GET / HTTP/1.1\r\nHost: h\r\n\r\n").defect->answerable);
  std::string ack = replaced("INVITE sip", "ACK sip");
  EXPECT_FALSE(parse_message(ack).defect->answerable);
}

TEST(Parser, LimitsHaveTheirAnswers) {
  struct Case {
    std::string text;
    Limit limit;
    std::uint16_t status;
  };
  const std::string value(kStandardLimits[Limit::header_value_bytes], 'a');
  std::string fields;
  for (std::uint32_t i = 0; i < kStandardLimits[Limit::header_fields]; ++i) fields += "Xy: y\r\n";
  std::string vias;
  for (std::uint32_t i = 0; i < kStandardLimits[Limit::via_fields]; ++i) vias += "Via: SIP/2.0/UDP h\r\n";
  std::string large;
  for (int i = 0; i < 6; ++i) large += "Xy: " + value + "\r\n";
  const std::string body(kStandardLimits[Limit::body_bytes] + 1, 'b');
  for (const auto& [text, limit, status] : {
           Case{invite("Xy: a" + value + "\r\n"), Limit::header_value_bytes, 513},
           Case{invite(fields), Limit::header_fields, 513},
           Case{invite(vias), Limit::via_fields, 513},
           Case{invite(large), Limit::header_bytes, 513},
           Case{kHead + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
                Limit::body_bytes, 413},
           Case{kHead + "\r\n" + body, Limit::body_bytes, 413},
           Case{replaced("sip:bob@example.com SIP",
                         "sip:" + std::string(kStandardLimits[Limit::uri_bytes], 'b') + "@h SIP"),
                Limit::uri_bytes, 414},
       }) {
    const auto [message, defect] = parse_message(text);
    ASSERT_TRUE(defect) << info(limit).name;
    EXPECT_EQ(defect->limit, limit) << info(limit).name << ": " << defect->reason;
    EXPECT_EQ(defect->status, status) << info(limit).name;
    EXPECT_TRUE(defect->answerable) << info(limit).name;
  }
  EXPECT_FALSE(parse_message(invite("Xy: " + value + "\r\n")).defect);
  Limits narrow;
  narrow.set(Limit::header_fields, 16);
  EXPECT_FALSE(parse_message(invite(), narrow).defect);
}

/// Every prefix and every single changed octet: a defect or a message, and views that stay inside.
TEST(Parser, SurvivesDamage) {
  const std::string good = invite("Route: <sip:p@h;lr>\r\nX: a\r\n b\r\n");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_TRUE(parse_message(good.substr(0, size)).defect) << size;
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const char octet : {'\0', '\r', '\n', ' ', '"', '<', '>', ',', ';', ':', '\\', '\xff'}) {
      std::string text = good;
      text[at] = octet;
      const ParsedMessage parsed = parse_message(text);
      if (is_answerable(parsed.message)) {
        const std::string response = response_to(parsed.message, 400).finish();
        for (std::size_t nul = response.find('\0'); nul != std::string::npos;
             nul = response.find('\0', nul + 1))
          EXPECT_EQ(response[nul - 1], '\\') << at;
      }
    }
}

}  // namespace

}  // namespace sallyport::sip
