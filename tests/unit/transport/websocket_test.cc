// SPDX-License-Identifier: GPL-3.0-or-later
// WebSockets through the whole layer: how they begin, carry messages, are kept, and end.
#include <chrono>

#include <gtest/gtest.h>

#include "tests/support/transport_rig.h"
#include "tests/support/websocket_client.h"

namespace sallyport::transport {
namespace {

using test::client_frame;
using test::next_frame;
using test::ServerFrame;
using test::sip_request;
using test::TestPki;
using test::TestStream;
using test::TransportRig;
using test::upgrade_request;
using Kind = test::Told::Kind;

struct Ground {
  TestPki pki;
  TransportSettings settings;
  Ground() {
    settings.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:sip.test"}})};
    settings.listeners = {test::tls_listener({"server"})};
    settings.listeners[0].name = "wss";
    settings.listeners[0].transport = sip::Transport::wss;
    settings.listeners[0].websocket.origins = {"https://phone.test"};
  }
};

/// A browser whose TLS handshake is over.
TestStream connected(TransportRig& rig) {
  TestStream peer = TestStream::connect(rig.at(0));
  EXPECT_EQ(peer.handshake({}), "");
  return peer;
}

/// And who has asked; what was answered.
std::string ask(TestStream& peer, const std::string& request = upgrade_request()) {
  EXPECT_TRUE(peer.send(request));
  std::string answer;
  while (answer.find("\r\n\r\n") == std::string::npos) {
    const std::string more = peer.receive();
    if (more.empty()) break;
    answer += more;
  }
  return answer;
}

/// And who was granted it.
struct Browser {
  TestStream peer;
  std::string received;

  explicit Browser(TransportRig& rig) : peer(connected(rig)) {
    EXPECT_TRUE(ask(peer).starts_with("HTTP/1.1 101 "));
  }
  [[nodiscard]] bool send(Opcode opcode, std::string_view payload, bool fin = true) {
    return peer.send(client_frame(opcode, payload, fin));
  }
  [[nodiscard]] ServerFrame next() { return next_frame(peer, received); }
};

std::string code_of(const ServerFrame& frame) {
  if (frame.opcode != Opcode::close || frame.payload.size() < 2) return "no close frame with a code";
  return std::to_string(static_cast<unsigned char>(frame.payload[0]) << 8 |
                        static_cast<unsigned char>(frame.payload[1]));
}

TEST(WebSockets, CarryMessagesBothWays) {
  Ground ground;
  TransportRig rig(ground.settings);
  Browser browser(rig);
  for (const Opcode opcode : {Opcode::text, Opcode::binary}) {
    const std::string request = sip_request("MESSAGE", "one", "", std::string(20000, 'x'));
    ASSERT_TRUE(browser.send(opcode, request));
    const auto told = rig.next(Kind::message);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->text, request);
    EXPECT_EQ(told->hop.transport, sip::Transport::wss);
    EXPECT_EQ(told->hop.remote, browser.peer.local());
    for (const std::string& answer : {std::string("SIP/2.0 200 OK\r\n\r\n"), std::string(70000, 'y')}) {
      ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.send(told->hop, answer); }));
      const ServerFrame frame = browser.next();
      EXPECT_EQ(frame.opcode, Opcode::text);
      EXPECT_EQ(frame.payload, answer);
    }
    const auto facts = rig.on_layer([&](TransportLayer& layer) { return layer.facts(told->hop.connection); });
    ASSERT_TRUE(facts && facts->tls);
    EXPECT_EQ(facts->listener, "wss");
  }
  EXPECT_EQ(rig.count(Count::handshakes_done), 1U);
  EXPECT_EQ(rig.count(Count::upgrades), 1U);
}

TEST(WebSockets, NeedNoContentLengthAndJoinFragments) {
  Ground ground;
  TransportRig rig(ground.settings);
  Browser browser(rig);
  const std::string message = "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n";
  ASSERT_TRUE(browser.send(Opcode::text, message.substr(0, 10), false));
  ASSERT_TRUE(browser.send(Opcode::ping, "still there"));
  const ServerFrame pong = browser.next();
  EXPECT_EQ(pong.opcode, Opcode::pong);
  EXPECT_EQ(pong.payload, "still there");
  for (const char octet : client_frame(Opcode::continuation, message.substr(10)))
    ASSERT_TRUE(browser.peer.send({&octet, 1}));
  const auto told = rig.next(Kind::message);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->text, message);
}

TEST(WebSockets, AnswerKeepAlivesOfBothKinds) {
  Ground ground;
  TransportRig rig(ground.settings);
  Browser browser(rig);
  // In one record: the latest ping is answered for all.
  ASSERT_TRUE(browser.peer.send(client_frame(Opcode::ping, "1") + client_frame(Opcode::ping, "2") +
                                client_frame(Opcode::text, "\r\n\r\n") + client_frame(Opcode::text, "\r\n")));
  const ServerFrame pong = browser.next();
  EXPECT_EQ(pong.opcode, Opcode::pong);
  EXPECT_EQ(pong.payload, "2");
  const ServerFrame answer = browser.next();
  EXPECT_EQ(answer.opcode, Opcode::text);
  EXPECT_EQ(answer.payload, "\r\n");
  EXPECT_EQ(rig.count(Count::keep_alives), 4U);
  EXPECT_EQ(rig.count(Count::messages_received), 0U);
}

TEST(WebSockets, RefusalsAreAnsweredAndCounted) {
  Ground ground;
  TransportRig rig(ground.settings);
  TestStream peer = connected(rig);
  const std::string answer =
      ask(peer, test::replaced(upgrade_request(), "https://phone.test", "https://evil.test"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_TRUE(peer.ended_in_order());
  EXPECT_EQ(rig.count(Count::upgrades_origin), 1U);
  EXPECT_EQ(rig.count(Count::upgrades), 0U);
  // Another one is served, and the user hears of that one alone.
  Browser browser(rig);
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->hop.remote, browser.peer.local());
  EXPECT_TRUE(rig.eventually([](TransportLayer& layer) { return layer.sources().handshakes() == 0; }));
}

TEST(WebSockets, SipWithoutAnUpgradeIsRefused) {
  Ground ground;
  TransportRig rig(ground.settings);
  TestStream peer = connected(rig);
  EXPECT_TRUE(ask(peer, sip_request("OPTIONS", "one")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(rig.count(Count::messages_received), 0U);
}

TEST(WebSockets, LongRequestsAreRefused) {
  Ground ground;
  ground.settings.limits.set(Limit::upgrade_bytes, 512);
  TransportRig rig(ground.settings);
  TestStream peer = connected(rig);
  EXPECT_TRUE(ask(peer, "GET /" + std::string(600, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(rig.refusals(Limit::upgrade_bytes), 1U);
}

TEST(WebSockets, SlowRequestsEnd) {
  Ground ground;
  ground.settings.limits.set(Limit::handshake_ms, 2000);
  TransportRig rig(ground.settings);
  TestStream silent = connected(rig);
  TestStream half = connected(rig);
  ASSERT_TRUE(half.send("GET / HTTP/1.1\r\n"));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(half.ended());
  EXPECT_EQ(rig.refusals(Limit::handshake_ms), 2U);
  EXPECT_EQ(rig.count(Count::upgrades_abandoned), 2U);
  EXPECT_EQ(rig.count(Count::handshakes_failed), 0U);
}

struct Violation {
  const char* what;
  std::string octets;
  const char* code;
};

TEST(WebSockets, WhatIsForbiddenEndsThemWithACode) {
  const Violation violations[] = {
      {"not masked", websocket_frame(Opcode::text, "hi"), "1002"},
      {"a long ping", client_frame(Opcode::ping, std::string(126, 'x')), "1002"},
      {"no UTF-8", client_frame(Opcode::text, "\xff"), "1007"},
  };
  for (const Violation& violation : violations) {
    Ground ground;
    TransportRig rig(ground.settings);
    Browser browser(rig);
    ASSERT_TRUE(browser.peer.send(violation.octets));
    EXPECT_EQ(code_of(browser.next()), violation.code) << violation.what;
    EXPECT_TRUE(browser.peer.ended_in_order());
    ASSERT_TRUE(rig.next(Kind::closed));
    EXPECT_EQ(rig.count(Count::websocket_violations), 1U) << violation.what;
    EXPECT_EQ(rig.count(Count::messages_received), 0U);
  }
}

TEST(WebSockets, LongMessagesEndThem) {
  for (const bool in_fragments : {false, true}) {
    Ground ground;
    ground.settings.limits.set(Limit::websocket_message_bytes, 2000);
    TransportRig rig(ground.settings);
    Browser browser(rig);
    if (in_fragments) {
      ASSERT_TRUE(browser.send(Opcode::text, std::string(1500, 'x'), false));
      ASSERT_TRUE(browser.send(Opcode::continuation, std::string(501, 'x')));
    } else {
      ASSERT_TRUE(browser.send(Opcode::text, std::string(2001, 'x')));
    }
    EXPECT_EQ(code_of(browser.next()), "1009");
    EXPECT_TRUE(browser.peer.ended());
    EXPECT_EQ(rig.refusals(Limit::websocket_message_bytes), 1U);
    EXPECT_EQ(rig.count(Count::websocket_violations), 0U);
  }
}

// Pings and empty fragments in between do not make it younger.
TEST(WebSockets, UnfinishedMessagesEndThem) {
  Ground ground;
  ground.settings.limits.set(Limit::incomplete_s, 1);
  TransportRig rig(ground.settings);
  Browser browser(rig);
  ASSERT_TRUE(browser.send(Opcode::text, "OPTIONS ", false));
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < patience && browser.send(Opcode::continuation, "", false) &&
         browser.send(Opcode::ping, "x") && browser.next().opcode == Opcode::pong) {
  }
  const auto told = rig.next(Kind::closed);
  ASSERT_TRUE(told);
  EXPECT_NE(told->text.find("incomplete_s"), std::string::npos) << told->text;
}

TEST(WebSockets, ArePingedWhenTheyAreSilent) {
  Ground ground;
  ground.settings.listeners[0].websocket.ping_s = 1;
  TransportRig rig(ground.settings);
  Browser browser(rig);
  const ServerFrame first = browser.next();
  ASSERT_EQ(first.opcode, Opcode::ping);
  ASSERT_TRUE(browser.send(Opcode::pong, first.payload));
  const ServerFrame second = browser.next();
  ASSERT_EQ(second.opcode, Opcode::ping) << "who answered stays, and is asked again";
  EXPECT_NE(second.payload, first.payload);
  EXPECT_EQ(rig.count(Count::websocket_pings), 2U);
  EXPECT_EQ(rig.count(Count::keep_alives), 1U);
}

TEST(WebSockets, EndWhenTheyDoNotAnswerAPing) {
  Ground ground;
  ground.settings.listeners[0].websocket.ping_s = 1;
  ground.settings.limits.set(Limit::websocket_pong_s, 1);
  TransportRig rig(ground.settings);
  Browser browser(rig);
  ASSERT_EQ(browser.next().opcode, Opcode::ping);
  ASSERT_TRUE(browser.send(Opcode::pong, "of another ping"));
  EXPECT_EQ(code_of(browser.next()), "1001");
  const auto told = rig.next(Kind::closed);
  ASSERT_TRUE(told);
  EXPECT_NE(told->text.find("websocket_pong_s"), std::string::npos) << told->text;
  EXPECT_EQ(rig.refusals(Limit::websocket_pong_s), 1U);
}

TEST(WebSockets, EndAsThePeerOrWeSay) {
  Ground ground;
  TransportRig rig(ground.settings);
  Browser one(rig);
  ASSERT_TRUE(one.send(Opcode::close,
                       "\x03\xe8"
                       "bye"));
  EXPECT_EQ(code_of(one.next()), "1000");
  EXPECT_TRUE(one.peer.ended_in_order());
  ASSERT_TRUE(rig.next(Kind::closed));
  EXPECT_EQ(rig.count(Count::closed_by_peer), 1U);
  ASSERT_TRUE(rig.next(Kind::opened));

  Browser other(rig);
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  rig.on_layer([&](TransportLayer& layer) {
    layer.close(opened->hop.connection, {ErrorClass::refused, "no more"});
  });
  EXPECT_EQ(code_of(other.next()), "1001");
  EXPECT_TRUE(other.peer.ended_in_order());
}

TEST(WebSockets, AreToldWhenTheLayerEnds) {
  Ground ground;
  auto rig = std::make_unique<TransportRig>(ground.settings);
  Browser browser(*rig);
  ASSERT_TRUE(rig->next(Kind::opened));
  rig.reset();
  EXPECT_EQ(code_of(browser.next()), "1001");
}

// What the peer does not take waits up to the limit, and then comes whole.
TEST(WebSockets, QueuesAreBoundedAndKeepFramesWhole) {
  Ground ground;
  ground.settings.limits.set(Limit::write_queue_bytes, 500000);
  TransportRig rig(ground.settings);
  Browser browser(rig);
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  const std::string message(60000, 'x');
  unsigned taken = 0;
  while (rig.on_layer([&](TransportLayer& layer) { return layer.send(opened->hop, message); })) {
    ASSERT_LT(++taken, 10000U);
  }
  EXPECT_EQ(rig.refusals(Limit::write_queue_bytes), 1U);
  for (unsigned i = 0; i < taken; ++i) ASSERT_EQ(browser.next().payload, message) << i;
}

TEST(WebSockets, FollowChangedRulesAndKeepOldConnections) {
  Ground ground;
  TransportRig rig(ground.settings);
  Browser before(rig);
  TestStream between = connected(rig);
  ASSERT_TRUE(between.send("GET "));
  TransportSettings changed = ground.settings;
  changed.listeners[0].websocket.origins = {"https://new.test"};
  changed.listeners[0].websocket.path = "/sip";
  ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(changed); }));
  TestStream refused = connected(rig);
  EXPECT_TRUE(ask(refused).starts_with("HTTP/1.1 404 "));
  TestStream granted = connected(rig);
  EXPECT_TRUE(ask(granted, test::replaced(test::replaced(upgrade_request(), "GET / ", "GET /sip "),
                                          "https://phone.test", "https://new.test"))
                  .starts_with("HTTP/1.1 101 "));
  EXPECT_TRUE(ask(between, upgrade_request().substr(4)).starts_with("HTTP/1.1 101 "))
      << "a handshake goes on with the rules with which it began";
  ASSERT_TRUE(before.send(Opcode::text, sip_request("OPTIONS", "one")));
  EXPECT_TRUE(rig.next(Kind::message));
}

TEST(WebSockets, AreNotCalledUp) {
  Ground ground;
  TransportRig rig(ground.settings);
  const auto hop = rig.on_layer([&](TransportLayer& layer) {
    return layer.reach({.transport = sip::Transport::wss, .remote = rig.at(0), .server_name = "sip.test"});
  });
  ASSERT_FALSE(hop);
  EXPECT_EQ(hop.error().error_class, ErrorClass::unsupported);
}

}  // namespace
}  // namespace sallyport::transport
