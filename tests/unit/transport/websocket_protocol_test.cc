// SPDX-License-Identifier: GPL-3.0-or-later
// The request for a WebSocket and the frames that follow, without a connection: all that may come, and above
// all what may not.
#include <gtest/gtest.h>

#include "tests/support/websocket_client.h"
#include "transport/websocket_frames.h"
#include "transport/websocket_upgrade.h"

namespace sallyport::transport {
namespace {

using test::client_frame;
using test::upgrade_request;
using Kind = WebSocketEventKind;

constexpr std::size_t kLongest = 1000;
constexpr std::size_t kLongestRequest = 1024;

WebSocketRules pages(std::string path = {}) {
  WebSocketRules rules;
  rules.origins = {"https://phone.test", "https://other.test:8443"};
  rules.path = std::move(path);
  return rules;
}

struct Asked {
  UpgradeStep step;
  std::string answer;
  Count count;
  bool too_long;
};

Asked ask(const WebSocketRules& rules, std::string_view request, std::size_t piece = 100000) {
  WebSocketUpgrade upgrade(std::make_shared<const WebSocketRules>(rules));
  UpgradeStep step = UpgradeStep::wants_input;
  for (std::size_t at = 0; at < request.size() && step == UpgradeStep::wants_input; at += piece)
    step = upgrade.take(request.substr(at, piece), kLongestRequest);
  return {step, upgrade.answer(), upgrade.count(), upgrade.too_long()};
}

// The key and its answer are RFC 6455 §1.3's.
TEST(WebSocketUpgrade, GrantsWhatAsksRightly) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100000}}) {
    const Asked asked = ask(pages(), upgrade_request(), piece);
    ASSERT_EQ(asked.step, UpgradeStep::granted) << asked.answer;
    EXPECT_EQ(asked.answer,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n");
  }
}

struct Variant {
  const char* what;
  std::string from;
  std::string to;
};

TEST(WebSocketUpgrade, GrantsWhatIsWrittenOtherwise) {
  const Variant variants[] = {
      {"several protocols", "Sec-WebSocket-Protocol: sip", "Sec-WebSocket-Protocol: xmpp, sip"},
      {"in two fields", "Sec-WebSocket-Protocol: sip",
       "Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Protocol: sip"},
      {"more in Connection", "Connection: Upgrade", "Connection: keep-alive, Upgrade"},
      {"other case", "Upgrade: websocket", "upgrade: WebSocket"},
      {"an extension that is not taken up", "Sec-WebSocket-Version: 13",
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate"},
      {"another path", "GET / ", "GET /sip?x=1 "},
      {"another origin of the list", "https://phone.test", "https://other.test:8443"},
  };
  for (const Variant& variant : variants) {
    const Asked asked = ask(pages(), test::replaced(upgrade_request(), variant.from, variant.to));
    EXPECT_EQ(asked.step, UpgradeStep::granted) << variant.what << asked.answer;
    EXPECT_EQ(asked.answer.find("Extensions"), std::string::npos);
  }
}

struct Refused {
  const char* what;
  std::string from;
  std::string to;
  const char* status;
  Count count;
};

TEST(WebSocketUpgrade, RefusesAndSaysWhy) {
  using enum Count;
  const Refused cases[] = {
      {"another method", "GET / ", "POST / ", "405 ", upgrades_malformed},
      {"an old HTTP", "HTTP/1.1", "HTTP/1.0", "400 ", upgrades_malformed},
      {"no HTTP at all", "GET / HTTP/1.1", "OPTIONS sip:a@b SIP/2.0", "400 ", upgrades_malformed},
      {"no host", "Host: sip.test\r\n", "", "400 ", upgrades_malformed},
      {"two hosts", "Host: sip.test\r\n", "Host: sip.test\r\nHost: sip.test\r\n", "400 ", upgrades_malformed},
      {"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400 ", upgrades_malformed},
      {"two keys", "Sec-WebSocket-Key:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key:",
       "400 ", upgrades_malformed},
      {"a short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "400 ", upgrades_malformed},
      {"a key that is none", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBs!SBub25jZQ==", "400 ",
       upgrades_malformed},
      {"a body", "Host: sip.test", "Content-Length: 5\r\nHost: sip.test", "400 ", upgrades_malformed},
      {"a body of chunks", "Host: sip.test", "Transfer-Encoding: chunked\r\nHost: sip.test", "400 ",
       upgrades_malformed},
      {"more than was asked for", "\r\n\r\n", "\r\n\r\n" + client_frame(Opcode::text, "early"), "400 ",
       upgrades_malformed},
      {"no Upgrade", "Upgrade: websocket\r\n", "", "426 ", upgrades_not_websocket},
      {"another upgrade", "Upgrade: websocket", "Upgrade: h2c", "426 ", upgrades_not_websocket},
      {"no Connection", "Connection: Upgrade\r\n", "", "426 ", upgrades_not_websocket},
      {"an old version", "Version: 13", "Version: 8", "426 ", upgrades_version},
      {"no version", "Sec-WebSocket-Version: 13\r\n", "", "426 ", upgrades_version},
      {"no protocol", "Sec-WebSocket-Protocol: sip\r\n", "", "400 ", upgrades_protocol},
      {"another protocol", "Protocol: sip", "Protocol: sipx, xmpp", "400 ", upgrades_protocol},
      {"another origin", "https://phone.test", "https://evil.test", "403 ", upgrades_origin},
      {"another scheme", "https://phone.test", "http://phone.test", "403 ", upgrades_origin},
      {"another port", "https://phone.test", "https://phone.test:8443", "403 ", upgrades_origin},
      {"a longer origin", "https://phone.test", "https://phone.test.evil.test", "403 ", upgrades_origin},
      {"an origin that is hidden", "https://phone.test", "null", "403 ", upgrades_origin},
      {"two origins", "Origin:", "Origin: https://phone.test\r\nOrigin:", "400 ", upgrades_malformed},
      {"no origin", "Origin: https://phone.test\r\n", "", "403 ", upgrades_origin},
  };
  for (const Refused& refused : cases) {
    const Asked asked = ask(pages(), test::replaced(upgrade_request(), refused.from, refused.to));
    EXPECT_EQ(asked.step, UpgradeStep::refused) << refused.what;
    EXPECT_TRUE(asked.answer.starts_with(std::string("HTTP/1.1 ") + refused.status))
        << refused.what << ": " << asked.answer;
    EXPECT_EQ(asked.count, refused.count) << refused.what;
    EXPECT_FALSE(asked.too_long);
  }
}

TEST(WebSocketUpgrade, NamesTheVersionThatItKnows) {
  const Asked asked = ask(pages(), test::replaced(upgrade_request(), "Version: 13", "Version: 8"));
  EXPECT_NE(asked.answer.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos) << asked.answer;
}

TEST(WebSocketUpgrade, OriginsAsConfigured) {
  const std::string without = test::replaced(upgrade_request(), "Origin: https://phone.test\r\n", "");
  const std::string foreign = test::replaced(upgrade_request(), "https://phone.test", "https://evil.test");
  WebSocketRules rules;
  rules.any_origin = true;
  EXPECT_EQ(ask(rules, foreign).step, UpgradeStep::granted);
  EXPECT_EQ(ask(rules, without).step, UpgradeStep::refused) << "any origin is not none";
  rules = pages();
  rules.no_origin = true;
  EXPECT_EQ(ask(rules, foreign).step, UpgradeStep::refused);
  EXPECT_EQ(ask(rules, without).step, UpgradeStep::granted);
}

TEST(WebSocketUpgrade, OnePathWhereOneIsConfigured) {
  const auto at = [](const char* target) { return test::replaced(upgrade_request(), "GET / ", target); };
  EXPECT_EQ(ask(pages("/sip"), at("GET /sip ")).step, UpgradeStep::granted);
  EXPECT_EQ(ask(pages("/sip"), at("GET /sip?token=1 ")).step, UpgradeStep::granted);
  for (const char* other : {"GET / ", "GET /sip/ ", "GET /sipx ", "GET /SIP "}) {
    const Asked asked = ask(pages("/sip"), at(other));
    EXPECT_EQ(asked.step, UpgradeStep::refused) << other;
    EXPECT_TRUE(asked.answer.starts_with("HTTP/1.1 404 ")) << other;
    EXPECT_EQ(asked.count, Count::upgrades_path);
  }
}

TEST(WebSocketUpgrade, AnEndlessRequestEnds) {
  std::string longest = test::replaced(upgrade_request(), "Host:", "X: y\r\nHost:");
  longest = test::replaced(longest, "X: y", "X: " + std::string(kLongestRequest - longest.size() + 1, 'y'));
  ASSERT_EQ(longest.size(), kLongestRequest);
  EXPECT_EQ(ask(pages(), longest).step, UpgradeStep::granted);
  for (const std::string& request : {test::replaced(longest, "yy", "yyy"), std::string(5000, 'x'),
                                     "GET / HTTP/1.1\r\n" + std::string(5000, 'x')})
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100000}}) {
      const Asked asked = ask(pages(), request, piece);
      EXPECT_EQ(asked.step, UpgradeStep::refused);
      EXPECT_TRUE(asked.answer.starts_with("HTTP/1.1 431 ")) << asked.answer;
      EXPECT_TRUE(asked.too_long);
    }
}

std::vector<WebSocketEvent> read_all(WebSocketReader& reader, std::string_view octets,
                                     std::size_t piece = 100000) {
  std::vector<WebSocketEvent> events;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    std::string_view part = octets.substr(at, piece);
    while (true) {
      WebSocketEvent event = reader.next(part, kLongest);
      if (event.kind == Kind::none) break;
      events.push_back(std::move(event));
    }
    EXPECT_TRUE(part.empty());
  }
  return events;
}

std::vector<WebSocketEvent> read_all(std::string_view octets, std::size_t piece = 100000) {
  WebSocketReader reader;
  return read_all(reader, octets, piece);
}

TEST(WebSocketFrames, MessagesOfEveryLengthComeWhole) {
  for (const std::size_t size : {0U, 1U, 3U, 125U, 126U, 127U, 999U, 1000U})
    for (const Opcode opcode : {Opcode::text, Opcode::binary})
      for (const std::size_t piece : {1U, 5U, 100000U}) {
        const std::string text(size, 'x');
        const auto events = read_all(client_frame(opcode, text) + client_frame(opcode, "next"), piece);
        ASSERT_EQ(events.size(), 2U) << size;
        EXPECT_EQ(events[0].kind, Kind::message);
        EXPECT_EQ(events[0].text, text);
        EXPECT_EQ(events[1].text, "next");
      }
}

TEST(WebSocketFrames, FragmentsAreJoinedAndControlFramesGoBetween) {
  const std::string octets =
      client_frame(Opcode::text, "one ", false) + client_frame(Opcode::ping, "are you there") +
      client_frame(Opcode::continuation, "", false) + client_frame(Opcode::pong, "") +
      client_frame(Opcode::continuation, "message") + client_frame(Opcode::binary, "\xff");
  for (const std::size_t piece : {1U, 2U, 3U, 100000U}) {
    WebSocketReader reader;
    const auto events = read_all(reader, octets, piece);
    ASSERT_EQ(events.size(), 6U);
    const Kind kinds[] = {Kind::fragment, Kind::ping,    Kind::fragment,
                          Kind::pong,     Kind::message, Kind::message};
    for (std::size_t i = 0; i < std::size(kinds); ++i) EXPECT_EQ(events[i].kind, kinds[i]) << i;
    EXPECT_EQ(events[1].text, "are you there");
    EXPECT_EQ(events[4].text, "one message");
    EXPECT_FALSE(reader.in_part());
  }
}

TEST(WebSocketFrames, TellsWhatIsIncomplete) {
  WebSocketReader reader;
  EXPECT_FALSE(reader.in_part());
  static_cast<void>(read_all(reader, "\x81"));
  EXPECT_TRUE(reader.in_part());
  EXPECT_FALSE(reader.in_message());
  static_cast<void>(read_all(reader, client_frame(Opcode::text, "abc", false).substr(1, 4)));
  EXPECT_FALSE(reader.in_message());
  WebSocketReader other;
  static_cast<void>(read_all(other, client_frame(Opcode::text, "abc", false)));
  EXPECT_TRUE(other.in_message());
  static_cast<void>(read_all(other, client_frame(Opcode::ping, "abc")));
  EXPECT_TRUE(other.in_message()) << "a ping does not end a message";
  static_cast<void>(read_all(other, client_frame(Opcode::continuation, "abc")));
  EXPECT_FALSE(other.in_part());
}

std::string close_frame(unsigned code, std::string reason = {}) {
  return client_frame(Opcode::close,
                      std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + reason);
}

TEST(WebSocketFrames, ClosesWithACodeOrNone) {
  EXPECT_EQ(read_all(client_frame(Opcode::close, "")).at(0).code, CloseCode::none);
  for (const unsigned code : {1000U, 1001U, 1003U, 1007U, 1011U, 3000U, 4999U}) {
    const auto events = read_all(close_frame(code, "wegen Störung") + client_frame(Opcode::text, "late"));
    ASSERT_EQ(events.size(), 1U) << "nothing follows a close";
    EXPECT_EQ(events[0].kind, Kind::close) << code;
    EXPECT_EQ(static_cast<unsigned>(events[0].code), code);
  }
}

struct Broken {
  const char* what;
  std::string octets;
  CloseCode code = CloseCode::protocol_error;
};

TEST(WebSocketFrames, WhatIsForbiddenEndsIt) {
  const std::string begun = client_frame(Opcode::text, "a", false);
  const std::string mask(4, '\1');
  const Broken cases[] = {
      {"not masked", std::string("\x81\x02hi")},
      {"not masked and empty", std::string("\x81\x00", 2)},
      {"an extension's bit", test::with_first(client_frame(Opcode::text, "a"), '\xc1')},
      {"a reserved bit", test::with_first(client_frame(Opcode::text, "a"), '\x91')},
      {"no known data", test::with_first(client_frame(Opcode::text, "a"), '\x83')},
      {"no known control", test::with_first(client_frame(Opcode::text, "a"), '\x8b')},
      {"a continuation of nothing", client_frame(Opcode::continuation, "a")},
      {"a message within another", begun + client_frame(Opcode::text, "b")},
      {"a fragmented ping", client_frame(Opcode::ping, "a", false)},
      {"a long ping", client_frame(Opcode::ping, std::string(126, 'x'))},
      {"a long close", client_frame(Opcode::close, std::string(126, 'x'))},
      {"a length in 2 octets that has room in 1", std::string("\x82\xfe\x00\x7d", 4) + mask},
      {"a length in 8 octets that has room in 2", std::string("\x82\xff\0\0\0\0\0\0\xff\xff", 10) + mask},
      {"a negative length", std::string("\x82\xff\x80\0\0\0\0\0\0\0", 10) + mask},
      {"half a close code", client_frame(Opcode::close, "x")},
      {"a close code that is never sent", close_frame(1005)},
      {"another", close_frame(1006)},
      {"one that nobody defined", close_frame(2999)},
      {"a close code of 0", close_frame(0)},
      {"a reason that is no UTF-8", close_frame(1000, "\xff"), CloseCode::not_utf8},
      {"a text that is no UTF-8", client_frame(Opcode::text, "a\xffz"), CloseCode::not_utf8},
      {"a text that ends within a character", client_frame(Opcode::text, "\xc3"), CloseCode::not_utf8},
      {"one octet too much", client_frame(Opcode::binary, std::string(kLongest + 1, 'x')),
       CloseCode::too_long},
      {"too long in all",
       client_frame(Opcode::text, std::string(kLongest, 'x'), false) +
           client_frame(Opcode::continuation, "y"),
       CloseCode::too_long},
      {"an exabyte, announced", std::string("\x82\xff\x10\0\0\0\0\0\0\0", 10) + mask, CloseCode::too_long},
      {"all that can be announced", std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10) + mask,
       CloseCode::too_long},
      {"that, as a fragment", begun + std::string("\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10) + mask,
       CloseCode::too_long},
  };
  for (const Broken& broken : cases)
    for (const std::size_t piece : {1U, 100000U}) {
      const auto events = read_all(broken.octets + client_frame(Opcode::text, "more"), piece);
      ASSERT_FALSE(events.empty()) << broken.what;
      EXPECT_EQ(events.back().kind, Kind::broken) << broken.what;
      EXPECT_EQ(events.back().code, broken.code) << broken.what;
      EXPECT_NE(*events.back().why, '\0') << broken.what;
    }
}

TEST(WebSocketFrames, CharactersMayBeCutByFragments) {
  const auto events =
      read_all(client_frame(Opcode::text, "\xc3", false) + client_frame(Opcode::continuation, "\xb6"));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].text, "ö");
}

TEST(WebSocketFrames, OursAreAsShortAsTheyCanBe) {
  EXPECT_EQ(websocket_message("hi"), "\x81\x02hi");
  EXPECT_EQ(websocket_message("\xff"), "\x82\x01\xff") << "no text";
  EXPECT_EQ(websocket_message(std::string(126, 'x')).substr(0, 4), std::string("\x81\x7e\x00\x7e", 4));
  EXPECT_EQ(websocket_message(std::string(65535, 'x')).substr(0, 4), "\x81\x7e\xff\xff");
  EXPECT_EQ(websocket_message(std::string(65536, 'x')).substr(0, 10),
            std::string("\x81\x7f\0\0\0\0\0\1\0\0", 10));
  EXPECT_EQ(websocket_close(CloseCode::too_long), "\x88\x02\x03\xf1");
  EXPECT_EQ(websocket_close(CloseCode::none), std::string("\x88\x00", 2));
}

}  // namespace
}  // namespace sallyport::transport
