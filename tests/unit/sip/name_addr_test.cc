// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses: display names, brackets, and whose parameters they are.
#include "sip/name_addr.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

TEST(NameAddr, HasItsParts) {
  const auto address = parse_name_addr(R"("Alice \"A\" <x>" <sip:alice@h;transport=tls>;tag=88;x="a;b")");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->display, R"("Alice \"A\" <x>")");
  EXPECT_EQ(address->display_name(), "Alice \"A\" <x>");
  EXPECT_EQ(address->uri, "sip:alice@h;transport=tls");
  EXPECT_EQ(address->tag(), "88");
  EXPECT_EQ(address->parameters.value("x"), "\"a;b\"");
  EXPECT_TRUE(address->bracketed);
}

TEST(NameAddr, WithoutBracketsParametersAreTheHeaders) {
  const auto address = parse_name_addr("sip:alice@h;tag=1 ; x");
  ASSERT_TRUE(address);
  EXPECT_FALSE(address->bracketed);
  EXPECT_EQ(address->uri, "sip:alice@h");
  EXPECT_EQ(address->tag(), "1");
  EXPECT_TRUE(address->parameters.has("x"));
}

TEST(NameAddr, WellFormed) {
  for (const char* text : {"<sip:a@h>", "A B <sip:a@h>", "caller<sip:a@h>", "\"\"<sip:a@h>", "\"A\"<sip:a@h>",
                           "  <sip:a@h>  ", "<sip:a@h> ; tag = 1", "<http://x/?a=b,c>", "J\xc3\xa4 <sip:a@h>",
                           "\\\"arik\\\" <sip:a@h>", "tel:+1", "<sip:a@h?Route=%3Csip:b%3E>"})
    EXPECT_TRUE(parse_name_addr(text)) << text;
}

TEST(NameAddr, Malformed) {
  for (const char* text : {"",
                           " ",
                           "<",
                           "<>",
                           "<sip:a@h",
                           "sip:a@h>",
                           "\"A <sip:a@h>",
                           "\"A\" sip:a@h",
                           "Bell, A <sip:a@h>",
                           "A \"B\" <sip:a@h>",
                           "A;x <sip:a@h>",
                           "< sip:a@h>",
                           "<sip:a@h >",
                           "<sip:a @h>",
                           "sip:a@h?x=y",
                           "sip:a,b@h",
                           "alice",
                           "<alice>",
                           "<sip:a@h>x",
                           "<sip:a@h> x",
                           "<sip:a@h>;",
                           "<sip:a@h>;;",
                           "<sip:a@h>;tag=",
                           "<sip:a@h>;=",
                           "<sip:a@h>;x=\"y",
                           "<sip:a@h>,",
                           "A\\",
                           "sip:a@h x",
                           "\"A\\\" <sip:a@h>"})
    EXPECT_FALSE(parse_name_addr(text)) << text;
  EXPECT_FALSE(parse_name_addr(std::string("\"a\0b\" <sip:a@h>", 15)));
  EXPECT_TRUE(parse_name_addr(std::string("\"a\\\0b\" <sip:a@h>", 16)));
}

TEST(NameAddr, IsWrittenAndReadAgain) {
  for (const char* name : {"Alice", "a\"b\\c", "<sip:mallory@h>;tag=1", "J\xc3\xa4s"}) {
    const std::string text = write_name_addr(name, "sip:a@h");
    const auto address = parse_name_addr(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->display_name(), name);
    EXPECT_EQ(address->uri, "sip:a@h");
  }
  EXPECT_EQ(write_name_addr("", "sip:a@h"), "<sip:a@h>");
}

TEST(Quotes, AreTakenOffOnlyInPairs) {
  EXPECT_EQ(unquote("\"a\\\"b\""), "a\"b");
  for (const char* text : {"", "\"", "a", "\"a", "a\""}) EXPECT_EQ(unquote(text), text);
}

}  // namespace

}  // namespace sallyport::sip
