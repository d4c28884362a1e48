// SPDX-License-Identifier: GPL-3.0-or-later
// DNS answers octet by octet, good and malicious.
#include "transport/dns_message.h"

#include <gtest/gtest.h>

namespace sallyport::transport {
namespace {

using namespace std::string_literals;

std::string header(int questions, int answers, int authorities = 0) {
  std::string text = "\x12\x34\x84\x00"s;
  for (const int count : {questions, answers, authorities, 0}) {
    text += static_cast<char>(count >> 8);
    text += static_cast<char>(count & 255);
  }
  return text;
}

const std::string kName = "\1a\4test\0"s;  // at offset 12
const std::string kPointer = "\xc0\x0c"s;
const std::string kInternet = "\0\1"s;

std::string record(const std::string& owner, int type, const std::string& data,
                   const std::string& ttl = "\0\0\0\x3c"s) {
  return owner + "\0"s + static_cast<char>(type) + kInternet + ttl + static_cast<char>(data.size() >> 8) +
         static_cast<char>(data.size() & 255) + data;
}

Result<DnsAnswer> parse(const std::string& text, DnsType type) {
  return parse_dns_answer({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, "A.Test.", type);
}

std::string question(int type) {
  return kName + "\0"s + static_cast<char>(type) + kInternet;
}

TEST(DnsMessage, ReadsWhatFindsServers) {
  const auto a = parse(
      header(1, 2) + question(1) + record(kPointer, 1, "\xc0\0\2\1"s) + record(kPointer, 1, "\xc0\0\2\2"s),
      DnsType::a);
  ASSERT_TRUE(a);
  ASSERT_EQ(a->addresses.size(), 2U);
  EXPECT_EQ(a->addresses[1].to_string(), "192.0.2.2");
  EXPECT_EQ(a->ttl, 60U);
  const auto srv = parse(header(1, 1) + question(33) + record(kPointer, 33, "\0\1\0\2\x13\xc5\2s1\xc0\x0c"s),
                         DnsType::srv);
  ASSERT_TRUE(srv);
  ASSERT_EQ(srv->srv.size(), 1U);
  EXPECT_EQ(srv->srv[0].priority, 1);
  EXPECT_EQ(srv->srv[0].weight, 2);
  EXPECT_EQ(srv->srv[0].port, 5061);
  EXPECT_EQ(srv->srv[0].target, "s1.a.test");
  const auto naptr =
      parse(header(1, 1) + question(35) + record(kPointer, 35, "\0\1\0\2\1s\x08SIPS+D2T\0\5_sips\xc0\x0c"s),
            DnsType::naptr);
  ASSERT_TRUE(naptr);
  ASSERT_EQ(naptr->naptr.size(), 1U);
  EXPECT_EQ(naptr->naptr[0].service, "SIPS+D2T");
  EXPECT_EQ(naptr->naptr[0].replacement, "_sips.a.test");
}

TEST(DnsMessage, FollowsAliasesAndTakesTheShortestTime) {
  const std::string alias = record(kPointer, 5, "\1b\xc0\x0e"s, "\0\0\0\5"s);
  const auto answer =
      parse(header(1, 2) + question(1) + alias + record("\1B\xc0\x0e"s, 1, "\xc0\0\2\1"s), DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->addresses.size(), 1U);
  EXPECT_EQ(answer->ttl, 5U);
}

TEST(DnsMessage, LeavesOutWhatWasNotAskedFor) {
  const auto answer = parse(header(1, 3) + question(1) + record("\1x\4test\0"s, 1, "\xc0\0\2\1"s) +
                                record(kPointer, 16, "\3txt"s) + record(kPointer, 28, std::string(16, 'x')),
                            DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->empty());
}

TEST(DnsMessage, NothingIsRememberedForAsLongAsTheSoaSays) {
  const std::string soa = "\0\0"s + std::string(16, '\0') + "\0\0\0\x1e"s;
  const auto answer = parse(header(1, 0, 1) + question(1) + record(kPointer, 6, soa), DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ttl, 30U);
  const auto none = parse(header(1, 0) + question(1), DnsType::a);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->ttl, 0U);
  const auto huge =
      parse(header(1, 1) + question(1) + record(kPointer, 1, "\xc0\0\2\1"s, "\xff\xff\xff\xff"s), DnsType::a);
  ASSERT_TRUE(huge);
  EXPECT_EQ(huge->ttl, 0U) << "RFC 2181 §8";
}

TEST(DnsMessage, AliasesThatGoInCirclesEnd) {
  const std::string circle = record(kPointer, 5, "\1b\xc0\x0e"s) + record("\1b\xc0\x0e"s, 5, kPointer);
  const auto answer = parse(header(1, 2) + question(1) + circle, DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->empty());
}

TEST(DnsMessage, RefusesWhatBreaksTheGrammar) {
  const std::string good = record(kPointer, 1, "\xc0\0\2\1"s);
  const std::pair<const char*, std::string> cases[] = {
      {"empty", ""},
      {"short header", header(1, 0).substr(0, 11)},
      {"missing record", header(1, 2) + question(1) + good},
      {"too many records", header(1, 65535) + question(1) + good},
      {"name points to itself", header(0, 1) + "\xc0\x0c"s + good.substr(2)},
      {"name points beyond the end", header(1, 1) + question(1) + "\xff\xff"s + good.substr(2)},
      {"half a pointer", header(1, 1) + question(1) + "\xc0"s},
      {"reserved kind of label", header(1, 1) + question(1) + "\x80"s + "a\0"s + good.substr(2)},
      {"dot within a label", header(1, 1) + question(1) + "\3a.b\0"s + good.substr(2)},
      {"NUL within a label", header(1, 1) + question(1) + "\3a\0b\0"s + good.substr(2)},
      {"address too short", header(1, 1) + question(1) + record(kPointer, 1, "\xc0\0\2"s)},
      {"address too long", header(1, 1) + question(1) + record(kPointer, 1, "\xc0\0\2\1\1"s)},
      {"alias to nowhere", header(1, 1) + question(1) + record(kPointer, 5, "\x3f"s)},
  };
  for (const auto& [what, text] : cases) EXPECT_FALSE(parse(text, DnsType::a)) << what;
  EXPECT_FALSE(parse(header(1, 1) + question(33) + record(kPointer, 33, "\0\1\0\2\x13"s), DnsType::srv));
  EXPECT_FALSE(parse(header(1, 1) + question(35) + record(kPointer, 35, "\0\1\0\2\x7fs"s), DnsType::naptr));
}

TEST(DnsMessage, SurvivesEveryCut) {
  const std::string whole = header(1, 1, 1) + question(33) +
                            record(kPointer, 33, "\0\1\0\2\x13\xc5\2s1\xc0\x0c"s) +
                            record(kPointer, 6, "\0\0"s + std::string(20, '\0'));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse(whole.substr(0, size), DnsType::srv)) << size;
  for (std::size_t at = 12; at < whole.size(); ++at)
    for (const int flip : {1, 0x40, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      static_cast<void>(parse(changed, DnsType::srv));
    }
}

}  // namespace
}  // namespace sallyport::transport
