// SPDX-License-Identifier: GPL-3.0-or-later
// TransactionLayer: what is matched to what, what the layer answers by itself, lost hops, limits.
#include "sip/transaction_layer.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/sip/transaction_rig.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kInvite =
    "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP pc33.atlanta.example.com:5070;branch=z9hG4bKnashds8\r\n"
    "Max-Forwards: 70\r\n"
    "To: <sip:bob@biloxi.example.com>\r\n"
    "From: <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
    "Call-ID: a84b4c76e66710\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.1>\r\n"
    "Content-Length: 0\r\n\r\n";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  for (std::size_t at = result.find(from); at != std::string::npos; at = result.find(from, at + to.size()))
    result.replace(at, from.size(), to);
  return result;
}
std::string as_method(std::string_view request, std::string_view method) {
  return replaced(request, "INVITE", method);
}

/// One layer with the test as its user, its peer and its network.
class TransactionLayerTest : public ::testing::Test, public TransactionUser, public MessageSink {
 protected:
  void receive(std::string_view octets) { receive(octets, hop); }
  void receive(std::string_view octets, const Hop& from) {
    ParsedMessage parsed = parse_message(std::string(octets));
    ASSERT_FALSE(parsed.defect) << parsed.defect->reason;
    layer.receive(std::move(parsed.message), from, now);
  }
  /// The status of the last response sent.
  [[nodiscard]] unsigned last_status() const {
    return sent.empty() ? 0 : parse_message(sent.back()).message.status();
  }
  Result<void> answer(unsigned status) {
    return layer.respond(request_ids.back(), layer.response(request_ids.back(), status), now);
  }
  ClientTransactionId send_request(std::string_view method, Transport transport = Transport::udp) {
    branch = layer.new_branch();
    const Hop to{transport, {IpAddress::v4({192, 0, 2, 9}), 5060}, 0, 1};
    return layer
        .request({replaced(as_method(kInvite, method), "z9hG4bKnashds8", branch), branch, to, 99}, now)
        .value_or(ClientTransactionId{});
  }
  /// A response to what was sent last.
  std::string response(unsigned status, std::string_view tag = "b1") const {
    return response_to(parse_message(sent.front()).message, status, {}, tag).finish();
  }

  Result<std::uint64_t> send(const Hop& to, std::string_view octets) override {
    if (is_down) return fail(ErrorClass::internal, "down");
    sent.emplace_back(octets);
    hops.push_back(to);
    if (!is_reliable(to.transport)) return 0;
    return to.connection != 0 ? to.connection : 5;
  }
  void on_request(ServerTransactionId id, const Message&, const Hop&, InstantMs) override {
    events.emplace_back("request");
    request_ids.push_back(id);
    layer.set_context(id, 7);
  }
  void on_cancel(ServerTransactionId id, std::uint64_t context, const Message&, InstantMs) override {
    events.push_back("cancel " + std::to_string(context));
    EXPECT_EQ(id, request_ids.back());
  }
  void on_ack(ServerTransactionId id, const Message&, const Hop&, InstantMs) override {
    events.emplace_back(id ? "ack within" : "ack");
  }
  void on_response(ClientTransactionId, std::uint64_t context, Message& response, InstantMs) override {
    EXPECT_EQ(context, 99U);
    events.push_back(std::to_string(response.status()));
  }
  void on_timeout(ClientTransactionId, std::uint64_t, InstantMs) override { events.emplace_back("timeout"); }
  void on_transport_error(ClientTransactionId, std::uint64_t, InstantMs) override {
    events.emplace_back("error");
  }
  void on_transport_error(ServerTransactionId, std::uint64_t, InstantMs) override {
    events.emplace_back("server error");
  }
  void on_no_ack(ServerTransactionId, std::uint64_t, InstantMs) override { events.emplace_back("no ack"); }

  using Events = std::vector<std::string>;
  Events events;
  std::vector<std::string> sent;
  std::vector<Hop> hops;
  std::vector<ServerTransactionId> request_ids;
  std::string branch;
  bool is_down = false;
  InstantMs now = 1000;
  Limits limits;
  TransactionLayer layer{*this, *this, limits, {{1, 2}, {3, 4}}, 1000};
  Hop hop{Transport::udp, {IpAddress::v4({192, 0, 2, 1}), 40000}, 0, 1};
};

TEST_F(TransactionLayerTest, AnInviteThatWaitsIsAnswered100) {
  receive(kInvite);
  EXPECT_EQ(events, Events{"request"});
  ASSERT_EQ(sent.size(), 1U);
  const Message trying = parse_message(sent[0]).message;
  EXPECT_EQ(trying.status(), 100U);
  EXPECT_EQ(trying.to()->tag(), "");
  EXPECT_EQ(trying.top_via()->received, "192.0.2.1");
  receive(kInvite);
  EXPECT_EQ(events, Events{"request"});  // the 100 again, nothing for the user
  EXPECT_EQ(sent.size(), 2U);
  EXPECT_EQ(layer.counters().repeated_requests, 1U);
}

TEST_F(TransactionLayerTest, OtherRequestsWaitInSilence) {
  receive(as_method(kInvite, "OPTIONS"));
  receive(as_method(kInvite, "OPTIONS"));
  EXPECT_EQ(events, Events{"request"});
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(answer(200));
  EXPECT_FALSE(answer(200));
  EXPECT_EQ(layer.request_of(request_ids[0]), nullptr);
  receive(as_method(kInvite, "OPTIONS"));
  EXPECT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0], sent[1]);
}

// RFC 3261 §18.2.2 and RFC 3581: the port of a response.
TEST_F(TransactionLayerTest, ResponsesGoToWhereTheyAreAwaited) {
  struct Row {
    std::string via;
    std::uint16_t port;
  };
  for (const Row& row : {Row{"pc33.atlanta.example.com:5070;branch=z9hG4bKa", 5070},
                         Row{"pc33.atlanta.example.com;branch=z9hG4bKb", 5060},
                         Row{"pc33.atlanta.example.com:5070;rport;branch=z9hG4bKc", 40000},
                         Row{"pc33.atlanta.example.com;maddr=198.51.100.1;branch=z9hG4bKd", 5060}}) {
    const std::string via = "pc33.atlanta.example.com:5070;branch=z9hG4bKnashds8";
    receive(replaced(as_method(kInvite, "OPTIONS"), via, row.via));
    EXPECT_EQ(request_ids.size(), 1U);
    EXPECT_TRUE(answer(200));
    EXPECT_EQ(hops.back().remote, (Endpoint{hop.remote.address, row.port})) << row.via;
    layer.advance(now += 40000);
    request_ids.clear();
  }
}

TEST_F(TransactionLayerTest, WhatMakesARequestAnother) {
  receive(kInvite);
  const std::vector<std::string> others = {
      replaced(replaced(kInvite, "nashds8", "nashds9"), "a84b4c", "a84b4d"),
      replaced(replaced(kInvite, "pc33", "pc34"), "a84b4c", "a84b4e"),
      replaced(replaced(kInvite, ":5070", ":5071"), "a84b4c", "a84b4f"),
      replaced(as_method(kInvite, "MESSAGE"), "a84b4c", "a84b50"),
  };
  for (const std::string& other : others) receive(other);
  EXPECT_EQ(request_ids.size(), 1 + others.size());
  // Case in branch and host makes none.
  receive(replaced(replaced(kInvite, "pc33.atlanta", "PC33.Atlanta"), "z9hG4bKnashds8", "z9HG4BKNASHDS8"));
  EXPECT_EQ(request_ids.size(), 1 + others.size());
}

TEST_F(TransactionLayerTest, CopiesByAnotherWayAreMerged) {
  receive(kInvite);
  receive(replaced(kInvite, "nashds8", "other"));
  EXPECT_EQ(last_status(), 482U);
  EXPECT_EQ(layer.counters().merged_requests, 1U);
  // Not within a dialog, not for another user, not with another number, not once the first is over.
  receive(replaced(replaced(kInvite, "nashds8", "b"), "biloxi.example.com>", "biloxi.example.com>;tag=x"));
  receive(replaced(replaced(kInvite, "nashds8", "c"), "INVITE sip:bob", "INVITE sip:carol"));
  receive(replaced(replaced(kInvite, "nashds8", "d"), "314159", "314160"));
  EXPECT_EQ(request_ids.size(), 4U);
  EXPECT_EQ(layer.servers(), 4U);
  layer.respond_and_forget(request_ids[0], layer.response(request_ids[0], 401));
  EXPECT_EQ(layer.servers(), 3U);
  receive(replaced(kInvite, "nashds8", "e"));
  EXPECT_EQ(request_ids.size(), 5U);
}

TEST_F(TransactionLayerTest, RefusingStrangersLeavesNothing) {
  receive(kInvite);
  const std::string tag = layer.to_tag(request_ids[0]);
  EXPECT_EQ(tag.size(), 16U);
  layer.respond_and_forget(request_ids[0], layer.response(request_ids[0], 401));
  EXPECT_EQ(last_status(), 401U);
  EXPECT_EQ(layer.servers(), 0U);
  EXPECT_EQ(layer.next_deadline(), std::nullopt);
  layer.respond_and_forget(request_ids[0], MessageWriter::response(401));  // gone: nothing happens
  receive(kInvite);  // a repetition is a new request, and gets the same tag
  EXPECT_EQ(layer.to_tag(request_ids[1]), tag);
  receive(replaced(as_method(kInvite, "ACK"), "biloxi.example.com>", "biloxi.example.com>;tag=" + tag));
  EXPECT_EQ(events.size(), 2U);  // absorbed by the second
}

TEST_F(TransactionLayerTest, CancelMatchesItsInviteOnly) {
  receive(as_method(kInvite, "CANCEL"));
  EXPECT_EQ(last_status(), 481U);
  receive(kInvite);
  for (const auto& [from, to] : {std::pair{"nashds8", "nashds9"}, {"pc33", "pc34"}, {":5070", ":5071"}}) {
    receive(replaced(as_method(kInvite, "CANCEL"), from, to));
    EXPECT_EQ(last_status(), 481U) << to;
  }
  Hop stranger = hop;
  stranger.remote.address = IpAddress::v4({198, 51, 100, 66});
  receive(as_method(kInvite, "CANCEL"), stranger);
  EXPECT_EQ(last_status(), 481U);
  EXPECT_EQ(layer.counters().stray_cancels, 5U);
  EXPECT_EQ(events, Events{"request"});

  receive(as_method(kInvite, "CANCEL"));
  EXPECT_EQ(last_status(), 200U);
  EXPECT_EQ(parse_message(sent.back()).message.to()->tag(), layer.to_tag(request_ids[0]));
  EXPECT_EQ(events, (Events{"request", "cancel 7"}));
  receive(as_method(kInvite, "CANCEL"));  // again: the 200 again
  EXPECT_EQ(events.size(), 2U);
  EXPECT_TRUE(answer(487));
  receive(as_method(kInvite, "ACK"));
  layer.advance(now += 40000);
  EXPECT_EQ(layer.servers(), 0U);
}

TEST_F(TransactionLayerTest, CancelAfterTheAnswerChangesNothing) {
  receive(kInvite);
  EXPECT_TRUE(answer(200));
  receive(as_method(kInvite, "CANCEL"));
  EXPECT_EQ(last_status(), 200U);
  EXPECT_EQ(events, Events{"request"});
}

TEST_F(TransactionLayerTest, AckOfAFailureStaysHereOfASuccessDoesNot) {
  receive(kInvite);
  receive(as_method(kInvite, "ACK"));  // before any answer: nothing
  EXPECT_TRUE(answer(486));
  receive(as_method(kInvite, "ACK"));
  EXPECT_EQ(layer.dump(request_ids[0]), "server_invite confirmed over UDP");
  EXPECT_EQ(events, Events{"request"});
  receive(replaced(as_method(kInvite, "ACK"), "nashds8", "ack"));
  EXPECT_EQ(events, (Events{"request", "ack"}));
  layer.advance(now += 5000);
  EXPECT_EQ(layer.dump(request_ids[0]), "gone");
}

TEST_F(TransactionLayerTest, AFailureIsRepeatedUntilTimerH) {
  receive(kInvite);
  EXPECT_TRUE(answer(486));
  sent.clear();
  for (now = 1001; now <= 33000; ++now) layer.advance(now);
  // 500 ms, 1 s, 2 s, then every 4 s to 32 s.
  EXPECT_EQ(sent.size(), 10U);
  EXPECT_EQ(events, (Events{"request", "no ack"}));
  EXPECT_EQ(layer.servers(), 0U);
}

TEST_F(TransactionLayerTest, Accepted) {
  receive(kInvite);
  EXPECT_TRUE(answer(200));
  sent.clear();
  receive(kInvite);             // absorbed, RFC 6026
  layer.advance(now += 10000);  // nor does the layer repeat
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(layer.respond(request_ids[0], 200, "SIP/2.0 200 OK\r\n\r\n", now));
  EXPECT_FALSE(layer.respond(request_ids[0], 486, "SIP/2.0 486 Busy Here\r\n\r\n", now));
  EXPECT_FALSE(layer.respond(request_ids[0], 180, "SIP/2.0 180 Ringing\r\n\r\n", now));
  EXPECT_EQ(sent.size(), 1U);
  receive(as_method(kInvite, "ACK"));  // a careless client takes the INVITE's branch
  EXPECT_EQ(events, (Events{"request", "ack within"}));
  layer.advance(now += 22000);
  EXPECT_FALSE(layer.respond(request_ids[0], 200, "SIP/2.0 200 OK\r\n\r\n", now));
}

// Without a cookie in the branch RFC 3261 §17.2.3 and RFC 6026 §6 compare what RFC 2543 did.
TEST_F(TransactionLayerTest, Rfc2543) {
  const std::string invite = replaced(kInvite, ";branch=z9hG4bKnashds8", "");
  receive(invite);
  receive(invite);
  EXPECT_EQ(request_ids.size(), 1U);
  receive(replaced(as_method(invite, "CANCEL"), "sip:bob", "sip:bobby"));
  EXPECT_EQ(last_status(), 481U);
  receive(as_method(invite, "CANCEL"));
  EXPECT_EQ(last_status(), 200U);
  EXPECT_TRUE(answer(487));
  const std::string tag = layer.to_tag(request_ids[0]);
  const std::string ack = as_method(invite, "ACK");
  receive(replaced(ack, "biloxi.example.com>", "biloxi.example.com>;tag=another"));
  EXPECT_EQ(layer.dump(request_ids[0]), "server_invite completed over UDP");
  EXPECT_EQ(events.back(), "ack");
  receive(replaced(ack, "biloxi.example.com>", "biloxi.example.com>;tag=" + tag));
  EXPECT_EQ(layer.dump(request_ids[0]), "server_invite confirmed over UDP");
}

TEST_F(TransactionLayerTest, Rfc2543AckOfASuccessReachesTheUser) {
  const std::string invite = replaced(kInvite, ";branch=z9hG4bKnashds8", ";branch=1");
  receive(invite);
  const std::string tag = layer.to_tag(request_ids[0]);
  EXPECT_TRUE(answer(200));
  receive(replaced(as_method(invite, "ACK"), "biloxi.example.com>", "biloxi.example.com>;tag=" + tag));
  EXPECT_EQ(events, (Events{"request", "ack within"}));
}

//= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
//= type=test
//# Any response received that does not match an existing client
//# transaction state machine is simply dropped.
TEST_F(TransactionLayerTest, StrayAndWrongResponsesAreDropped) {
  (void)send_request("INVITE");
  const std::string good = response(200);
  receive(replaced(good, branch, "z9hG4bKforged"));
  receive(replaced(good, "314159 INVITE", "314159 BYE"));
  EXPECT_EQ(layer.counters().stray_responses, 2U);
  EXPECT_TRUE(events.empty());
  receive(good);
  receive(response(200, "b2"));  // another branch of a fork
  receive(good);                 // again: its user acknowledges again
  receive(response(486, "b3"));  // too late
  EXPECT_EQ(events, (Events{"200", "200", "200"}));
  layer.advance(now += 32000);
  receive(good);
  EXPECT_EQ(layer.counters().stray_responses, 3U);
}

TEST_F(TransactionLayerTest, TheAckOfAFailureIsMadeFromTheInvite) {
  (void)send_request("INVITE");
  const Message invite = parse_message(sent[0]).message;
  receive(response(486, "busy"));
  ASSERT_EQ(sent.size(), 2U);
  const auto parsed = parse_message(sent[1]);
  ASSERT_FALSE(parsed.defect);
  const Message& ack = parsed.message;
  EXPECT_EQ(ack.method(), Method::ack);
  EXPECT_EQ(ack.request_uri(), invite.request_uri());
  EXPECT_EQ(ack.top_via()->text, invite.top_via()->text);
  EXPECT_EQ(ack.call_id(), invite.call_id());
  EXPECT_EQ(ack.header(HeaderId::from), invite.header(HeaderId::from));
  EXPECT_EQ(ack.to()->tag(), "busy");
  EXPECT_EQ(ack.header(HeaderId::cseq), "314159 ACK");
  receive(response(486, "busy"));
  EXPECT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[2], sent[1]);
  EXPECT_EQ(events, Events{"486"});
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
//= type=test
//# If no provisional response has been received, the CANCEL request MUST
//# NOT be sent; rather, the client MUST wait for the arrival of a
//# provisional response before sending the request.
TEST_F(TransactionLayerTest, CancelWaitsForTheFirstProvisionalResponse) {
  const ClientTransactionId id = send_request("INVITE");
  layer.cancel(id, now, "SIP;cause=200;text=\"Call completed elsewhere\"");
  layer.cancel(id, now);
  EXPECT_EQ(sent.size(), 1U);
  receive(response(100));
  ASSERT_EQ(sent.size(), 2U);
  const Message cancel = parse_message(sent[1]).message;
  EXPECT_EQ(cancel.method(), Method::cancel);
  EXPECT_EQ(cancel.header(HeaderId::cseq), "314159 CANCEL");
  EXPECT_EQ(cancel.top_via()->branch, branch);
  EXPECT_EQ(cancel.to()->tag(), "");
  EXPECT_EQ(cancel.header(HeaderId::reason), "SIP;cause=200;text=\"Call completed elsewhere\"");
  EXPECT_FALSE(cancel.has(HeaderId::require));
  receive(response(180));
  layer.cancel(id, now);
  EXPECT_EQ(sent.size(), 2U);
  // Its own answer is the layer's; without a final response the INVITE ends after 64*T1.
  receive(replaced(response(200), "314159 INVITE", "314159 CANCEL"));
  EXPECT_EQ(events, (Events{"100", "180"}));
  layer.advance(now += 32000);
  EXPECT_EQ(events.back(), "timeout");
  EXPECT_EQ(layer.clients(), 0U);
}

TEST_F(TransactionLayerTest, CancelOfWhatIsAnsweredOrNoInviteDoesNothing) {
  const ClientTransactionId options = send_request("OPTIONS");
  layer.cancel(options, now);
  const ClientTransactionId invite = send_request("INVITE");
  receive(replaced(response(200), "314159 OPTIONS", "314159 OPTIONS"));
  layer.cancel({}, now);
  sent.erase(sent.begin());
  receive(response(200));
  layer.cancel(invite, now);
  layer.advance(now += 100);
  for (const std::string& octets : sent) EXPECT_FALSE(octets.starts_with("CANCEL"));
}

TEST_F(TransactionLayerTest, ALostConnectionEndsItsRequests) {
  const ClientTransactionId first = send_request("INVITE", Transport::tls);
  EXPECT_EQ(layer.dump(first), "client_invite calling over TLS");
  (void)send_request("OPTIONS", Transport::tls);
  Hop lost = hops[0];
  lost.connection = 6;
  layer.hop_failed(lost, now);  // another connection to the same place
  EXPECT_TRUE(events.empty());
  lost.connection = 5;
  layer.hop_failed(lost, now);
  layer.hop_failed(lost, now);
  EXPECT_EQ(events, (Events{"error", "error"}));
  EXPECT_EQ(layer.clients(), 0U);
}

//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# A server transaction MUST NOT discard transaction state based only on
//# encountering a non-recoverable transport error when sending a
//# response.
TEST_F(TransactionLayerTest, AServerOutlivesItsConnection) {
  hop.transport = Transport::tls;
  hop.connection = 12;
  receive(replaced(kInvite, "/UDP", "/TLS"));
  layer.hop_failed(hop, now);
  EXPECT_EQ(events, (Events{"request", "server error"}));
  EXPECT_EQ(layer.dump(request_ids[0]), "server_invite proceeding over TLS");
  EXPECT_TRUE(answer(486));  // on a new connection, to where the Via says
  EXPECT_EQ(hops.back().connection, 0U);
  EXPECT_EQ(hops.back().remote, (Endpoint{hop.remote.address, 5070}));
  Hop renewed = hops.back();
  renewed.connection = 5;  // which the sink had opened
  layer.hop_failed(renewed, now);
  EXPECT_EQ(events.back(), "server error");
}

TEST_F(TransactionLayerTest, NothingIsSentWhileTheNetworkIsDown) {
  is_down = true;
  EXPECT_FALSE(send_request("INVITE"));
  EXPECT_EQ(layer.clients(), 0U);
  receive(as_method(kInvite, "OPTIONS"));
  EXPECT_FALSE(answer(200));
  EXPECT_EQ(layer.dump(request_ids[0]), "server completed over UDP");
  is_down = false;
  receive(as_method(kInvite, "OPTIONS"));  // the answer was kept
  EXPECT_EQ(last_status(), 200U);

  (void)send_request("OPTIONS");
  is_down = true;
  layer.advance(now += 500);
  EXPECT_EQ(events.back(), "error");
  EXPECT_EQ(layer.clients(), 0U);
}

TEST_F(TransactionLayerTest, Limits) {
  limits.set(Limit::server_transactions, 2);
  limits.set(Limit::client_transactions, 1);
  receive(replaced(replaced(kInvite, "nashds8", "1"), "a84b4c", "1"));
  receive(replaced(replaced(kInvite, "nashds8", "2"), "a84b4c", "2"));
  receive(replaced(replaced(kInvite, "nashds8", "3"), "a84b4c", "3"));
  EXPECT_EQ(request_ids.size(), 2U);
  EXPECT_EQ(last_status(), 503U);
  EXPECT_TRUE(parse_message(sent.back()).message.has(HeaderId::retry_after));
  EXPECT_EQ(limits.refusals(Limit::server_transactions), 1U);
  EXPECT_TRUE(send_request("OPTIONS"));
  EXPECT_FALSE(send_request("OPTIONS"));
  EXPECT_EQ(limits.refusals(Limit::client_transactions), 1U);
  // A CANCEL needs no room.
  receive(replaced(replaced(as_method(kInvite, "CANCEL"), "nashds8", "2"), "a84b4c", "2"));
  EXPECT_EQ(events.back(), "cancel 7");
  EXPECT_EQ(last_status(), 200U);
}

TEST_F(TransactionLayerTest, BranchesAreTheirOwn) {
  const std::string first = layer.new_branch();
  EXPECT_EQ(first.size(), kMagicCookie.size() + 24);
  EXPECT_TRUE(first.starts_with(kMagicCookie));
  EXPECT_NE(layer.new_branch(), first);
  const Hop to{Transport::udp, {}, 0, 0};
  EXPECT_TRUE(layer.request({replaced(kInvite, "z9hG4bKnashds8", first), first, to, 0}, now));
  EXPECT_FALSE(layer.request({replaced(kInvite, "z9hG4bKnashds8", first), first, to, 0}, now));
  EXPECT_FALSE(layer.request({as_method(kInvite, "ACK"), "z9hG4bKnashds8", to, 0}, now));
}

}  // namespace
}  // namespace sallyport::sip
