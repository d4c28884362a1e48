// SPDX-License-Identifier: GPL-3.0-or-later
// Tables: header names in all their forms, methods, statuses, limits; parameters, lists and the scanner.
#include "sip/header_table.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sip/comma_list.h"
#include "sip/defect_text.h"
#include "sip/limits.h"
#include "sip/method.h"
#include "sip/parameters.h"
#include "sip/scan.h"
#include "sip/status.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 0x20);
  return text;
}

TEST(HeaderTable, FindsEveryNameInEveryCase) {
  for (const HeaderInfo& header : kHeaders) {
    if (header.id == HeaderId::other) continue;
    const std::string name(header.name);
    EXPECT_EQ(header_id_of(name), header.id) << name;
    EXPECT_EQ(header_id_of(upper(name)), header.id) << name;
    if (header.compact == 0) continue;
    EXPECT_EQ(header_id_of(std::string(1, header.compact)), header.id) << name;
    EXPECT_EQ(header_id_of(upper(std::string(1, header.compact))), header.id) << name;
  }
}

TEST(HeaderTable, FindsNothingElse) {
  for (const HeaderInfo& header : kHeaders) {
    const std::string name(header.name);
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::string other = name;
      other[i] = other[i] == 'q' ? 'x' : 'q';
      if (other != name) {
        EXPECT_EQ(header_id_of(other), HeaderId::other) << other;
      }
    }
    EXPECT_EQ(header_id_of(name + "x"), name.empty() ? HeaderId::session_expires : HeaderId::other) << name;
  }
  for (const char* name : {"", "h", "1", "-", "C%6Fntact", "Vi", "Viaa", "@via", "[", "{"})
    EXPECT_EQ(header_id_of(name), HeaderId::other) << name;
  for (int c = 0; c < 256; ++c)
    if (!text::is(static_cast<char>(c), text::kAlpha)) {
      EXPECT_EQ(header_id_of(std::string(1, static_cast<char>(c))), HeaderId::other) << c;
    }
}

TEST(HeaderTable, NamesAndCompactFormsAreUnique) {
  std::set<std::string> names;
  std::set<char> compact;
  for (const HeaderInfo& header : kHeaders) {
    EXPECT_TRUE(names.insert(upper(std::string(header.name))).second) << header.name;
    if (header.compact != 0) {
      EXPECT_TRUE(compact.insert(header.compact).second) << header.name;
    }
  }
  EXPECT_STREQ(missing_text(HeaderId::from), "Missing From");
  EXPECT_STREQ(duplicate_text(HeaderId::call_id), "Duplicate Call-ID");
  EXPECT_STREQ(malformed_text(HeaderId::www_authenticate), "Malformed WWW-Authenticate");
}

TEST(Methods, AreCaseSensitive) {
  for (const MethodInfo& info : kMethods) EXPECT_EQ(method_of(info.name), info.method);
  for (const char* name : {"invite", "Invite", "INVITE ", "INVIT", "RE%47ISTER", ""})
    EXPECT_EQ(method_of(name), Method::other) << name;
}

TEST(Statuses, HaveAPhrase) {
  EXPECT_EQ(reason_phrase(486), "Busy Here");
  EXPECT_EQ(reason_phrase(299), "OK");
  EXPECT_EQ(reason_phrase(499), "Bad Request");
  EXPECT_EQ(reason_phrase(699), "Busy Everywhere");
  EXPECT_EQ(status_of(ErrorClass::malformed), 400);
  EXPECT_EQ(status_of(ErrorClass::exhausted), 503);
}

TEST(LimitTable, CountsRefusals) {
  Limits limits;
  for (const LimitInfo& limit : kLimits) {
    EXPECT_EQ(limits[limit.limit], limit.standard);
    EXPECT_LE(limit.lowest, limit.standard);
    EXPECT_LE(limit.standard, limit.highest);
    limits.count_refusal(limit.limit);
    EXPECT_EQ(limits.refusals(limit.limit), 1U);
  }
  limits.set(Limit::body_bytes, 7);
  EXPECT_EQ(limits[Limit::body_bytes], 7U);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> values;
  while (!text.empty()) values.emplace_back(next_list_value(text));
  return values;
}

TEST(CommaList, DividesOutsideQuotesAndBrackets) {
  using Values = std::vector<std::string>;
  EXPECT_EQ(split("a"), Values{"a"});
  EXPECT_EQ(split(" a ,\tb"), (Values{"a", "b"}));
  EXPECT_EQ(split("\"a,b\" <x,y>,c"), (Values{"\"a,b\" <x,y>", "c"}));
  EXPECT_EQ(split("\"a\\\",b\",c"), (Values{"\"a\\\",b\"", "c"}));
  EXPECT_EQ(split("a,,b"), (Values{"a", "", "b"}));
  EXPECT_EQ(split(",a"), (Values{"", "a"}));
  EXPECT_EQ(split("a,"), (Values{"a", ""}));
  EXPECT_EQ(split(","), (Values{"", ""}));
  // What does not close takes all.
  EXPECT_EQ(split("\"a,b"), Values{"\"a,b"});
  EXPECT_EQ(split("<a,b"), Values{"<a,b"});
}

TEST(ParameterList, IsWalked) {
  const auto list = parse_parameters(" ; a ; b = c;d=\"e;f\\\"\" ;A=2");
  ASSERT_TRUE(list);
  std::vector<std::string> names;
  for (const Parameter& parameter : *list) names.emplace_back(parameter.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "d", "A"}));
  EXPECT_EQ(list->value("B"), "c");
  EXPECT_EQ(list->value("d"), "\"e;f\\\"\"");
  EXPECT_FALSE(list->find("a")->has_value);
  EXPECT_FALSE(list->has("c"));
  EXPECT_EQ(list->number("a"), std::nullopt);
  EXPECT_EQ(parse_parameters(";n=7")->number("n", 6), std::nullopt);
  EXPECT_EQ(parse_parameters(";n=7")->number("n", 7), 7U);
  EXPECT_TRUE(parse_parameters("")->empty());
}

TEST(ParameterList, Malformed) {
  for (const char* text : {"a", ";", ";;a", ";a;", ";a=", ";=b", ";a b", ";a=b c", ";a=\"b", ";a=\"b\"c",
                           ";a==", ";a,b", ";\"a\"", ";a=<b>"})
    EXPECT_TRUE(!parse_parameters(text) || std::string_view(text) == ";a==") << text;
  std::string many;
  for (std::uint32_t i = 0; i < kStandardLimits[Limit::parameters]; ++i) many += ";p";
  EXPECT_TRUE(parse_parameters(many));
  EXPECT_FALSE(parse_parameters(many + ";p"));
}

/// Against the obvious loop, at every place of texts of every length around a block.
TEST(Scanner, FindsTheFirst) {
  for (std::size_t size = 0; size < 50; ++size)
    for (std::size_t place = 0; place <= size; ++place) {
      std::string text(size, 'a');
      if (place < size) text[place] = ':';
      for (std::size_t from = 0; from <= size; ++from) {
        const std::size_t expected = place >= from ? place : size;
        EXPECT_EQ((scan::any_of<'x', ':'>(text, from)), expected) << size << ' ' << place << ' ' << from;
        if (place < size) text[place] = '\x1f';
        EXPECT_EQ(scan::control(text, from), expected);
        if (place < size) text[place] = ':';
        EXPECT_EQ(scan::line(text, from).colon, expected);
        EXPECT_EQ(scan::line(text, from).end, size);
      }
    }
  EXPECT_EQ(scan::control("\x7f\x80\xff \t", 0), 4U);
}

TEST(Text, Numbers) {
  EXPECT_EQ(text::decimal("4294967295"), 4294967295U);
  for (const char* number : {"", " 1", "1 ", "+1", "-1", "4294967296", "99999999999999999999999", "1x"})
    EXPECT_EQ(text::decimal(number), std::nullopt) << number;
  EXPECT_EQ(text::delta_seconds("99999999999999999999999"), 0xffffffffU);
  EXPECT_EQ(text::delta_seconds(""), std::nullopt);
  EXPECT_EQ(text::delta_seconds("1x"), std::nullopt);
}

}  // namespace

}  // namespace sallyport::sip
