// SPDX-License-Identifier: GPL-3.0-or-later
// TransactionLayer under a user, a peer and a network that do anything at any time, from within its calls as
// well.
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sip/transaction_layer.h"

namespace sallyport::sip {
namespace {

class Chaos : public TransactionUser, public MessageSink {
 public:
  explicit Chaos(std::uint32_t seed) : source_(seed) { limits_.set(Limit::server_transactions, 20); }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += random(4) == 0 ? random(20000) : random(50);
      if (random(3) == 0) layer_.advance(now_);
      act(0);
    }
    quiet_ = true;
    for (const ServerTransactionId id : servers_) (void)layer_.respond(id, layer_.response(id, 500), now_);
    for (const ClientTransactionId id : clients_) {
      layer_.cancel(id, now_);
      layer_.hop_failed(hop(), now_);
    }
    for (unsigned transport = 0; transport < 4; ++transport) layer_.hop_failed(hop_of(transport), now_);
    layer_.advance(now_ + 100'000);
  }
  TransactionLayer& layer() { return layer_; }

  Result<std::uint64_t> send(const Hop& to, std::string_view octets) override {
    if (random(10) == 0) return fail(ErrorClass::internal, "down");
    if (octets.size() < 2000) wire_.emplace_back(octets);
    if (wire_.size() > 50) wire_.erase(wire_.begin());
    return is_reliable(to.transport) ? 1 + random(2) : 0;
  }
  void on_request(ServerTransactionId id, const Message& request, const Hop&, InstantMs) override {
    EXPECT_EQ(layer_.request_of(id), &request);
    servers_.push_back(id);
    if (servers_.size() > 40) servers_.erase(servers_.begin());
    act(1);
    EXPECT_FALSE(request.call_id().empty());  // still there, whatever was answered
  }
  void on_cancel(ServerTransactionId, std::uint64_t, const Message&, InstantMs) override { act(1); }
  void on_ack(ServerTransactionId, const Message&, const Hop&, InstantMs) override { act(1); }
  void on_response(ClientTransactionId, std::uint64_t, Message& response, InstantMs) override {
    if (random(2) == 0) kept_ = std::move(response);
    act(1);
  }
  void on_timeout(ClientTransactionId id, std::uint64_t, InstantMs) override { over(id); }
  void on_transport_error(ClientTransactionId id, std::uint64_t, InstantMs) override { over(id); }
  void on_no_ack(ServerTransactionId, std::uint64_t, InstantMs) override { act(1); }
  void on_transport_error(ServerTransactionId, std::uint64_t, InstantMs) override { act(1); }
  void on_ended(ClientTransactionId id, std::uint64_t, InstantMs) override {
    EXPECT_EQ(layer_.dump(id), "gone");
    act(1);
  }
  void on_ended(ServerTransactionId, std::uint64_t, InstantMs) override { act(1); }

 private:
  std::uint32_t random(std::uint32_t below) { return static_cast<std::uint32_t>(source_()) % below; }

  static Hop hop_of(unsigned kind) {
    const Transport transport = kind % 2 == 0 ? Transport::udp : Transport::tls;
    return {transport, {IpAddress::v4({192, 0, 2, 1}), 5060}, kind % 2 == 0 ? 0U : 1 + kind / 2, 1};
  }
  Hop hop() { return hop_of(random(4)); }

  void over(ClientTransactionId id) {
    EXPECT_EQ(layer_.dump(id), "gone");
    act(1);
  }

  /// A request from a few methods, branches, calls and tags, so that they meet.
  std::string any_request(std::string_view branch) {
    static const std::vector<std::string> kMethodNames = {"INVITE", "INVITE",  "INVITE", "ACK",
                                                          "CANCEL", "OPTIONS", "BYE"};
    const std::string& method = kMethodNames[random(7)];
    std::string text = method + " sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=";
    text +=
        branch.empty() ? (random(5) == 0 ? "1" : "z9hG4bK" + std::to_string(random(6))) : std::string(branch);
    text += "\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=a\r\nTo: <sip:b@example.com>";
    if (random(3) == 0) text += ";tag=" + std::to_string(random(2));
    text += "\r\nCall-ID: " + std::to_string(random(3)) + "\r\nCSeq: " + std::to_string(1 + random(2)) + " " +
            method;
    return text + "\r\nContent-Length: 0\r\n\r\n";
  }

  void act(int depth) {
    if (quiet_ || depth_ > 3 || (depth > 0 && random(2) == 0)) return;
    ++depth_;
    const ServerTransactionId server = servers_.empty()
                                           ? ServerTransactionId{}
                                           : servers_[random(static_cast<std::uint32_t>(servers_.size()))];
    const ClientTransactionId client = clients_.empty()
                                           ? ClientTransactionId{}
                                           : clients_[random(static_cast<std::uint32_t>(clients_.size()))];
    static constexpr unsigned kStatusChoices[] = {100, 180, 200, 200, 302, 404, 487, 603};
    const unsigned status = kStatusChoices[random(8)];
    switch (random(9)) {
      case 0:
      case 1:
        receive(any_request({}));
        break;
      case 2:
      case 3:
        (void)layer_.respond(server, layer_.response(server, status), now_);
        break;
      case 4:
        layer_.respond_and_forget(server, layer_.response(server, 401));
        break;
      case 5: {
        const std::string branch = layer_.new_branch();
        if (const auto id = layer_.request({any_request(branch), branch, hop(), 1}, now_))
          clients_.push_back(*id);
        if (clients_.size() > 40) clients_.erase(clients_.begin());
        break;
      }
      case 6:
        layer_.cancel(client, now_, "SIP;cause=487");
        break;
      case 7:
        if (random(6) == 0) layer_.hop_failed(hop(), now_);
        break;
      case 8:
        if (!wire_.empty()) answer_or_echo(wire_[random(static_cast<std::uint32_t>(wire_.size()))], status);
        break;
    }
    --depth_;
  }
  void answer_or_echo(const std::string& octets, unsigned status) {
    const ParsedMessage parsed = parse_message(octets);
    if (parsed.message.is_request() && random(5) != 0)
      receive(response_to(parsed.message, status, {}, "z").finish());
    else
      receive(octets);
  }
  void receive(std::string octets) {
    ParsedMessage parsed = parse_message(std::move(octets));
    if (!parsed.defect) layer_.receive(std::move(parsed.message), hop(), now_);
  }

  std::mt19937 source_;
  Limits limits_;
  InstantMs now_ = 1;
  TransactionLayer layer_{*this, *this, limits_, {{1, 2}, {3, 4}}, 1};
  std::vector<ServerTransactionId> servers_;
  std::vector<ClientTransactionId> clients_;
  std::vector<std::string> wire_;
  Message kept_;
  int depth_ = 0;
  bool quiet_ = false;
};

TEST(TransactionChaos, NothingBreaksAndEverythingEnds) {
  std::uint64_t requests = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    Chaos chaos(seed);
    chaos.run(1500);
    requests += chaos.layer().counters().requests;
    // A proceeding INVITE of ours whose hop never fails has no end of its own; all others do.
    EXPECT_EQ(chaos.layer().clients(), 0U) << seed;
    EXPECT_LE(chaos.layer().servers(), 20U) << seed;
  }
  EXPECT_GT(requests, 1000U);
}

}  // namespace
}  // namespace sallyport::sip
