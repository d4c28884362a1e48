// SPDX-License-Identifier: GPL-3.0-or-later
// URIs: their parts, what is refused, and when two are one.
#include "sip/uri.h"

#include <string>

#include <gtest/gtest.h>

#include "sip/limits.h"

namespace sallyport::sip {

namespace {

TEST(Uri, HasItsParts) {
  const auto uri =
      parse_uri("sip:alice:secret@[2001:db8::1]:5061;transport=tls;lr?Subject=x&Priority=urgent");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, UriScheme::sip);
  EXPECT_EQ(uri->user, "alice");
  EXPECT_EQ(uri->password, "secret");
  EXPECT_EQ(uri->host, "[2001:db8::1]");
  EXPECT_EQ(uri->port, 5061);
  EXPECT_EQ(uri->parameters.text(), ";transport=tls;lr");
  EXPECT_EQ(uri->parameters.value("Transport"), "tls");
  EXPECT_TRUE(uri->is_loose_route());
  EXPECT_EQ(uri->headers, "Subject=x&Priority=urgent");
}

TEST(Uri, HasOnlyAHost) {
  const auto uri = parse_uri("SIPS:example.com");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, UriScheme::sips);
  EXPECT_FALSE(uri->has_user);
  EXPECT_EQ(uri->host, "example.com");
  EXPECT_EQ(uri->port, 0);
  EXPECT_TRUE(uri->parameters.empty());
}

TEST(Uri, WellFormed) {
  for (const char* text : {
           "sip:1@h",
           "sip:192.0.2.1:5060",
           "sip:+1-212-555-1212:1234@gateway.com;user=phone",
           "sip:alice;day=tuesday@atlanta.com",
           "sip:a?b/c@h",
           "sip:a%20b@h",
           "sip:*21#@h",
           "sip:a@my_host",
           "sip:h;x",
           "sip:h;x=y;z",
           "sip:h;vsf=AAAA==",
           "sip:h?a=",
           "sip:a:@h",
           "sip:a@h;maddr=[::1]",
           "sip:[::]",
           "sip:[::ffff:192.0.2.1]:65535",
           "tel:+1-201-555-0123",
           "tel:7042;phone-context=example.com",
           "tel:+358-555-1234567;postd=pp22",
           "tel:*21#",
           "tel:(212)555.1212;ext=12",
           "urn:service:sos",
           "isbn:2983792873",
           "http://www.example.com/a?b=c#d",
           "soap.beep://192.0.2.103:3002",
           "nobodyKnowsThisScheme:totallyopaquecontent",
       })
    EXPECT_TRUE(parse_uri(text)) << text;
}

TEST(Uri, Malformed) {
  for (const char* text : {
           "",
           "sip",
           "sip:",
           ":",
           "sip:@h",
           "sip:@",
           "sip::p@h",
           "sip:a@",
           "sip:a@b@c",
           "sip:a b@h",
           "sip:a@h h",
           "sip: a@h",
           "<sip:a@h>",
           "sip:a@h:",
           "sip:a@h:0",
           "sip:a@h:65536",
           "sip:a@h:99999999999999999999",
           "sip:a@h:50x",
           "sip:a@h:-1",
           "sip:a@-h",
           "sip:a@.h",
           "sip:a@[",
           "sip:a@[]",
           "sip:a@[::1",
           "sip:a@[192.0.2.1]",
           "sip:a@[::g]",
           "sip:a@[::1]x",
           "sip:a@::1",
           "sip:a%@h",
           "sip:a%2@h",
           "sip:a%2g@h",
           "sip:a@h;",
           "sip:a@h;;lr",
           "sip:a@h;=x",
           "sip:a@h;x=",
           "sip:a@h;x y",
           "sip:a@h;x=\"y\"",
           "sip:a@h?",
           "sip:a@h?x",
           "sip:a@h?=x",
           "sip:a@h?a=b&",
           "sip:a@h?a=b&c",
           "sip:a@h,b",
           "sip:a\"b@h",
           "sip:a<b@h",
           "sip:\xc3\xa4@h",
           "sip:a@h\xc3\xa4",
           "sip:a:p#w@h",
           "1sip:a@h",
           "tel:",
           "tel:+",
           "tel:-",
           "tel:+1x2",
           "tel:+12a",
           "tel:12;",
           "tel:12;=x",
           "tel:12 3",
           "urn:",
           "urn:a b",
           "urn:a<b>",
           "urn:\x01",
       })
    EXPECT_FALSE(parse_uri(text)) << text;
  EXPECT_FALSE(parse_uri(std::string("sip:a\0b@h", 9)));
  EXPECT_FALSE(parse_uri(std::string("sip:a@h\0", 8)));
}

TEST(Uri, ParametersAreBounded) {
  std::string text = "sip:a@h";
  for (std::uint32_t i = 0; i < kStandardLimits[Limit::parameters]; ++i) text += ";p";
  EXPECT_TRUE(parse_uri(text));
  EXPECT_FALSE(parse_uri(text + ";p"));
}

struct Pair {
  const char* a;
  const char* b;
};

/// The examples of RFC 3261 §19.1.4 are among both tables.
TEST(UriComparison, Equivalent) {
  for (const auto& [a, b] : {
           Pair{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"},
           Pair{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
           Pair{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
           Pair{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"},
           Pair{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
           Pair{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
           Pair{"sip:a@[2001:db8::1]", "SIP:a@[2001:DB8:0:0:0:0:0:1]"},
           Pair{"sip:a%5fb@h", "sip:a_b@h"},
           Pair{"sip:a%3bb@h", "sip:a%3Bb@h"},
           Pair{"sip:a@h;lr", "sip:a@h;l%72"},
           Pair{"tel:+1-201-555-0123", "tel:+12015550123"},
           Pair{"tel:+12015550123;ext=1-2;foo=bar", "TEL:+1.201.555.0123;foo=BAR;ext=12"},
           Pair{"tel:7042;phone-context=+1-914", "tel:70-42;phone-context=+1914"},
           Pair{"urn:service:sos", "URN:service:sos"},
       }) {
    EXPECT_TRUE(equivalent(*parse_uri(a), *parse_uri(b))) << a << ' ' << b;
    EXPECT_TRUE(equivalent(*parse_uri(b), *parse_uri(a))) << b << ' ' << a;
  }
}

TEST(UriComparison, Different) {
  for (const auto& [a, b] : {
           Pair{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
           Pair{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
           Pair{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
           Pair{"sip:bob@biloxi.com;transport=udp", "sip:bob@biloxi.com;transport=tcp"},
           Pair{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;newparam=6"},
           Pair{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
           Pair{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
           Pair{"sip:carol@chicago.com?Subject=a", "sip:carol@chicago.com?Subject=b"},
           Pair{"sip:carol@chicago.com?a=1&a=1&b=2", "sip:carol@chicago.com?a=1&b=2&b=2"},
           Pair{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
           Pair{"sip:a@h", "sips:a@h"},
           Pair{"sip:h", "sip:a@h"},
           Pair{"sip:a@h", "sip:a:p@h"},
           Pair{"sip:a:p@h", "sip:a:P@h"},
           Pair{"sip:a@h;user=phone", "sip:a@h"},
           Pair{"sip:a@h;ttl=1", "sip:a@h"},
           Pair{"sip:a@h;method=INVITE", "sip:a@h"},
           Pair{"sip:a@h;maddr=192.0.2.1", "sip:a@h"},
           Pair{"sip:a%3Bb@h", "sip:a;b@h"},
           Pair{"sip:a%2541@h", "sip:a%41@h"},
           Pair{"sip:%00@h", "sip:%00%00@h"},
           Pair{"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"},
           Pair{"tel:+12015550123", "tel:12015550123;phone-context=+1"},
           Pair{"tel:+12015550123", "tel:+12015550123;ext=1"},
           Pair{"tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"},
           Pair{"tel:+1", "sip:+1@h"},
           Pair{"urn:service:sos", "urn:service:SOS"},
       }) {
    EXPECT_FALSE(equivalent(*parse_uri(a), *parse_uri(b))) << a << ' ' << b;
    EXPECT_FALSE(equivalent(*parse_uri(b), *parse_uri(a))) << b << ' ' << a;
  }
}

TEST(AddressOfRecord, IsOneKeyForAUser) {
  for (const char* text : {"sip:alice@example.com", "sips:alice@EXAMPLE.com:5061;transport=tls?a=b",
                           "sip:%61lice:password@example.com"})
    EXPECT_EQ(address_of_record(*parse_uri(text)), "sip:alice@example.com") << text;
  EXPECT_EQ(address_of_record(*parse_uri("sip:a%00b%3f@h")), "sip:a%00b?@h");
  EXPECT_EQ(address_of_record(*parse_uri("sip:example.com")), "sip:example.com");
  EXPECT_EQ(address_of_record(*parse_uri("tel:+1-201-555-0123;ext=1")), "tel:+12015550123");
  EXPECT_NE(address_of_record(*parse_uri("sip:Alice@h")), address_of_record(*parse_uri("sip:alice@h")));
}

TEST(Escapes, AreUndoneOnce) {
  EXPECT_EQ(unescape("a%2541"), "a%41");
  EXPECT_EQ(unescape(""), "");
  for (const char* text : {"%", "%4", "%4x", "%x4", "a%"}) EXPECT_FALSE(unescape(text)) << text;
  EXPECT_EQ(escape_user("a@b c#%"), "a%40b%20c%23%25");
  EXPECT_EQ(unescape(escape_user("\xff\x01\"<>")), "\xff\x01\"<>");
}

TEST(UriHeaders, AreTakenOneByOne) {
  std::string_view rest = "a=1&b=&c";
  EXPECT_EQ(next_uri_header(rest).value, "1");
  EXPECT_EQ(next_uri_header(rest).name, "b");
  EXPECT_EQ(next_uri_header(rest).name, "c");
  EXPECT_TRUE(rest.empty());
}

TEST(HostPort, IsWholeOrNothing) {
  EXPECT_EQ(parse_host_port("h:1")->port, 1);
  EXPECT_EQ(parse_host_port("[::1]")->host, "[::1]");
  for (const char* text :
       {"", ":", ":1", "h:", "h:x", "h:1x", "h;", "h ", " h", "[::1]:", "[::1", "::1", "h:1:2"})
    EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace

}  // namespace sallyport::sip
