// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4475: every torture test message, parsed and answered as its section asks.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sip/contact.h"
#include "sip/digest_header.h"
#include "sip/message.h"
#include "sip/multipart.h"
#include "sip/uri.h"
#include "sip/writer.h"
#include "tests/vectors/rfc4475_messages.h"

namespace sallyport::sip::test {

namespace {

ParsedMessage parsed(std::string_view name) {
  return parse_message(std::string(torture(name)));
}

std::vector<std::string> strings_of(const Message& message, HeaderId id) {
  std::vector<std::string> values;
  for (const std::string_view value : message.values(id)) values.emplace_back(value);
  return values;
}

/// White space of any length is one space (RFC 3261 §7.3.1).
std::string squeezed(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' || result.empty() || result.back() != ' ') result += c;
  return result;
}

class Rfc4475 : public testing::TestWithParam<TortureMessage> {};

TEST_P(Rfc4475, IsTakenAsItsSectionAsks) {
  const TortureMessage& torture = GetParam();
  const ParsedMessage parsed = parse_message(std::string(torture.text));
  EXPECT_EQ(parsed.defect.has_value(), torture.expected != Torture::good);
  if (!parsed.defect) return;
  EXPECT_EQ(parsed.message.is_request(), torture.expected == Torture::answer);
  EXPECT_EQ(parsed.defect->answerable, torture.expected == Torture::answer);
  if (torture.expected == Torture::answer) {
    EXPECT_EQ(parsed.defect->status, torture.status);
    EXPECT_EQ(parsed.defect->reason, torture.reason);
  }
}

/// What is wrong with a request must not be wrong with its answer, the fields that it copies aside.
TEST_P(Rfc4475, CanBeAnswered) {
  const TortureMessage& torture = GetParam();
  const ParsedMessage request = parse_message(std::string(torture.text));
  if (!is_answerable(request.message)) return;
  const ParsedMessage response =
      parse_message(response_to(request.message, 400, "Bad Request", "tag").finish());
  EXPECT_FALSE(response.message.is_request());
  EXPECT_EQ(response.message.status(), 400U);
  EXPECT_EQ(response.message.body(), "");
  if (torture.expected == Torture::good) {
    EXPECT_FALSE(response.defect);
    EXPECT_EQ(response.message.call_id(), request.message.call_id());
  }
}

/// Cut anywhere, a message is a defect or still a message, and never a crash.
TEST_P(Rfc4475, SurvivesEveryCut) {
  const std::string_view text = GetParam().text;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const ParsedMessage parsed = parse_message(std::string(text.substr(0, size)));
    if (parsed.message.has(HeaderId::content_length) && GetParam().expected == Torture::good &&
        parsed.message.body().size() > size)
      ADD_FAILURE() << "a body longer than its message at " << size;
  }
}

std::string name_of_case(const testing::TestParamInfo<TortureMessage>& info) {
  return std::string(info.param.name);
}

INSTANTIATE_TEST_SUITE_P(Section3, Rfc4475, testing::ValuesIn(kTortureMessages), name_of_case);

// §3.1.1.1
TEST(Rfc4475Valid, ShortTortuousInvite) {
  const auto [message, defect] = parsed("wsinv");
  ASSERT_FALSE(defect);
  EXPECT_EQ(strings_of(message, HeaderId::via).size(), 3U);
  EXPECT_EQ(message.top_via()->branch, "390skdjuw");
  EXPECT_FALSE(message.top_via()->has_magic_cookie());
  EXPECT_EQ(message.top_via()->host, "192.0.2.2");
  EXPECT_EQ(message.number(HeaderId::max_forwards)->value(), 68U);
  EXPECT_EQ(message.cseq()->number, 9U);
  EXPECT_EQ(message.to()->tag(), "1918181833n");
  EXPECT_EQ(message.from()->tag(), "98asjd8");
  EXPECT_EQ(message.from()->display_name(), "J Rosenberg \\\"");
  EXPECT_EQ(message.header(HeaderId::subject), "");
  EXPECT_EQ(squeezed(*message.header("NewFangledHeader")), "newfangled value continued newfangled value");
  EXPECT_EQ(squeezed(*message.header("UnknownHeaderWithUnusualValue")), ";;,,;;,;");
  const auto list = contacts(message);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().q, 330);
  EXPECT_EQ(message.addresses(HeaderId::route)->size(), 1U);
  EXPECT_EQ(message.body().substr(0, 3), "v=0");
}

// §3.1.1.2
TEST(Rfc4475Valid, WideRangeOfCharacters) {
  const auto [message, defect] = parsed("intmeth");
  ASSERT_FALSE(defect);
  EXPECT_EQ(message.method(), Method::other);
  EXPECT_EQ(message.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
  const auto uri = parse_uri(message.request_uri());
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(uri->password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
  EXPECT_EQ(uri->host, "example.com");
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(message.to()->display_name(), "BEL:\x07 NUL:\0 DEL:\x7f"sv);
  EXPECT_EQ(message.from()->tag(), "_token~1'+`*%!-.");
  EXPECT_EQ(message.call_id(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
  EXPECT_TRUE(message.header("extensionHeader-!.%*+_`'~"));
}

// §3.1.1.3: escapes are undone once.
TEST(Rfc4475Valid, Escapes) {
  const auto [message, defect] = parsed("esc01");
  ASSERT_FALSE(defect);
  const auto uri = parse_uri(message.request_uri());
  ASSERT_TRUE(uri);
  EXPECT_EQ(unescape(uri->user), "sips:user@example.com");
  EXPECT_EQ(uri->host, "example.net");
  EXPECT_EQ(unescape(message.from()->parsed_uri()->user), "I have spaces");
  EXPECT_TRUE(equivalent(*message.to()->parsed_uri(), *parse_uri("sip:user@example.com")));
  const auto contact = contacts(message)->front().address.parsed_uri();
  ASSERT_TRUE(contact);
  EXPECT_TRUE(equivalent(*contact, *parse_uri("sip:caller@host5.example.net;lr;name=value%2541")));
  EXPECT_FALSE(equivalent(*contact, *parse_uri("sip:caller@host5.example.net;lr;name=valueA")));
}

// §3.1.1.4
TEST(Rfc4475Valid, EscapedNulls) {
  const auto [message, defect] = parsed("escnull");
  ASSERT_FALSE(defect);
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(unescape(message.to()->parsed_uri()->user), "null-\0-null"sv);
  EXPECT_EQ(address_of_record(*message.to()->parsed_uri()), "sip:null-%00-null@example.com");
  const auto list = contacts(message);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_FALSE(equivalent(*(*list)[0].address.parsed_uri(), *(*list)[1].address.parsed_uri()));
}

// §3.1.1.5
TEST(Rfc4475Valid, PercentThatIsNoEscape) {
  const auto [message, defect] = parsed("esc02");
  ASSERT_FALSE(defect);
  EXPECT_EQ(message.method(), Method::other);
  EXPECT_EQ(message.to()->display_name(), "%Z%45");
  EXPECT_EQ(contacts(message)->size(), 2U);
}

// §3.1.1.6
TEST(Rfc4475Valid, NoSpaceBeforeTheBracket) {
  const auto [message, defect] = parsed("lwsdisp");
  ASSERT_FALSE(defect);
  EXPECT_EQ(message.from()->display_name(), "caller");
  EXPECT_EQ(message.from()->uri, "sip:caller@example.com");
}

// §3.1.1.7
TEST(Rfc4475Valid, LongValues) {
  const auto [message, defect] = parsed("longreq");
  ASSERT_FALSE(defect);
  EXPECT_EQ(strings_of(message, HeaderId::via).size(), 34U);
  EXPECT_EQ(message.from()->tag().size(), 155U);
  EXPECT_EQ(message.to()->parsed_uri()->port, 6000);
}

// §3.1.1.8
TEST(Rfc4475Valid, OctetsBehindTheMessageAreDropped) {
  const auto [message, defect] = parsed("dblreq");
  ASSERT_FALSE(defect);
  EXPECT_EQ(message.method(), Method::register_);
  EXPECT_EQ(message.body(), "");
  EXPECT_EQ(strings_of(message, HeaderId::via).size(), 1U);
}

// §3.1.1.9
TEST(Rfc4475Valid, SemicolonsInTheUserPart) {
  const auto [message, defect] = parsed("semiuri");
  ASSERT_FALSE(defect);
  EXPECT_EQ(unescape(parse_uri(message.request_uri())->user), "user;par=u@example.net");
  EXPECT_EQ(strings_of(message, HeaderId::accept).size(), 6U);
}

// §3.1.1.10
TEST(Rfc4475Valid, Transports) {
  const auto [message, defect] = parsed("transports");
  ASSERT_FALSE(defect);
  std::vector<ViaTransport> transports;
  for (const std::string_view value : message.values(HeaderId::via))
    transports.push_back(parse_via(value)->transport);
  EXPECT_EQ(transports, (std::vector{ViaTransport::udp, ViaTransport::sctp, ViaTransport::tls,
                                     ViaTransport::other, ViaTransport::tcp}));
}

// §3.1.1.11
TEST(Rfc4475Valid, Multipart) {
  const auto [message, defect] = parsed("mpart01");
  ASSERT_FALSE(defect);
  const auto parts = parse_multipart(*message.header(HeaderId::content_type), message.body());
  ASSERT_TRUE(parts) << parts.error().text;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].content_type, "text/plain");
  EXPECT_EQ((*parts)[0].body, "Hello");
  EXPECT_TRUE(parse_media_type((*parts)[1].content_type)->is("application/octet-stream"));
  EXPECT_NE((*parts)[1].body.find('\0'), std::string_view::npos);
}

// §3.1.1.12 and §3.1.1.13
TEST(Rfc4475Valid, ReasonPhrases) {
  const auto unusual = parsed("unreason");
  EXPECT_EQ(unusual.message.status(), 200U);
  EXPECT_EQ(unusual.message.reason().substr(0, 5), "= 2**");
  const auto empty = parsed("noreason");
  EXPECT_EQ(empty.message.status(), 100U);
  EXPECT_EQ(empty.message.reason(), "");
}

// §3.2.1: a cookie without anything behind it identifies no transaction.
TEST(Rfc4475Transaction, MissingIdentifier) {
  EXPECT_FALSE(parsed("badbranch").message.top_via()->has_magic_cookie());
}

// §3.3.2 and §3.3.3: 416 is for who routes.
TEST(Rfc4475Application, UnknownSchemes) {
  for (const char* name : {"unkscm", "novelsc"}) {
    const auto uri = parse_uri(parsed(name).message.request_uri());
    ASSERT_TRUE(uri) << name;
    EXPECT_EQ(uri->scheme, UriScheme::other) << name;
  }
}

// §3.3.4
TEST(Rfc4475Application, UnknownSchemesInHeaders) {
  const auto [message, defect] = parsed("unksm2");
  EXPECT_EQ(message.to()->parsed_uri()->scheme_text, "isbn");
  EXPECT_EQ(message.from()->parsed_uri()->scheme_text, "http");
  EXPECT_EQ(contacts(message)->front().address.uri, "name:John_Smith");
}

// §3.3.5
TEST(Rfc4475Application, RequiredExtensions) {
  const auto [message, defect] = parsed("bext01");
  EXPECT_EQ(strings_of(message, HeaderId::require),
            (std::vector<std::string>{"nothingSupportsThis", "nothingSupportsThisEither"}));
  EXPECT_EQ(strings_of(message, HeaderId::proxy_require),
            (std::vector<std::string>{"noProxiesSupportThis", "norDoAnyProxiesSupportThis"}));
}

// §3.3.6
TEST(Rfc4475Application, UnknownContentType) {
  const auto found = find_body(parsed("invut").message, "application/sdp");
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

// §3.3.7
TEST(Rfc4475Application, UnknownAuthorizationScheme) {
  const auto [message, defect] = parsed("regaut01");
  const auto credentials = parse_credentials(*message.header(HeaderId::authorization));
  ASSERT_TRUE(credentials);
  EXPECT_FALSE(credentials->is_digest());
  EXPECT_EQ(credentials->scheme, "NoOneKnowsThisScheme");
}

// §3.3.10
TEST(Rfc4475Application, BroadcastVia) {
  EXPECT_EQ(strings_of(parsed("bcast").message, HeaderId::via).size(), 2U);
}

// §3.3.11
TEST(Rfc4475Application, MaxForwardsOfZero) {
  EXPECT_EQ(parsed("zeromf").message.number(HeaderId::max_forwards)->value(), 0U);
}

// §3.3.12 to §3.3.14: whose parameter it is.
TEST(Rfc4475Application, ContactParameters) {
  const auto first = parsed("cparam01");
  const auto of_header = contacts(first.message)->front();
  EXPECT_TRUE(of_header.address.parameters.has("unknownparam"));
  EXPECT_FALSE(of_header.address.parsed_uri()->parameters.has("unknownparam"));
  const auto second = parsed("cparam02");
  const auto of_uri = contacts(second.message)->front();
  EXPECT_FALSE(of_uri.address.parameters.has("unknownparam"));
  EXPECT_TRUE(of_uri.address.parsed_uri()->parameters.has("unknownparam"));
  const auto third = parsed("regescrt");
  const auto escaped = contacts(third.message)->front();
  EXPECT_EQ(escaped.address.parsed_uri()->headers, "Route=%3Csip:sip.example.com%3E");
}

// §3.4.1
TEST(Rfc4475Backward, Rfc2543Syntax) {
  const auto [message, defect] = parsed("inv2543");
  ASSERT_FALSE(defect);
  EXPECT_EQ(message.top_via()->branch, "");
  EXPECT_EQ(message.from()->tag(), "");
  EXPECT_EQ(message.body().substr(0, 3), "v=0");
}

}  // namespace

}  // namespace sallyport::sip::test
