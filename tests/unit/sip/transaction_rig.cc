// SPDX-License-Identifier: GPL-3.0-or-later
// The rig's network and users.
#include "tests/unit/sip/transaction_rig.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

namespace sallyport::sip {

namespace {

constexpr TransactionSeed kSeed{{0x1234, 0x5678}, {0x9abc, 0xdef0}};

Endpoint address_of(int number) {
  return {IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(1 + number)}), 5060};
}

}  // namespace

void Network::send(int from, const Hop& hop, std::string_view octets, InstantMs now) {
  const Fault fault = faults(log.size());
  log.emplace_back(octets.substr(0, octets.find('\r')));
  for (const std::uint32_t delay : fault) {
    Packet packet{1 - from, hop, std::string(octets)};
    packet.hop.remote = address_of(from);
    packets_.emplace(now + delay, std::move(packet));
  }
}

Network::Packet Network::take() {
  Packet packet = std::move(packets_.begin()->second);
  packets_.erase(packets_.begin());
  return packet;
}

End::End(Network& network, int number, Transport transport)
    : connection(is_reliable(transport) ? 77 : 0), network_(network), number_(number), transport_(transport) {
  TransactionSeed seed = kSeed;
  seed.branches.low += static_cast<std::uint64_t>(number);
  layer_ = std::make_unique<TransactionLayer>(*this, *this, limits, seed, 0);
}

Hop End::hop_to_other() const {
  return {transport_, address_of(1 - number_), 0, 1};
}

std::string End::write_request(Method method, std::string_view branch, std::string_view to_tag) const {
  MessageWriter writer = MessageWriter::request(method, "sip:bob@biloxi.example.com");
  const ViaTransport via = is_reliable(transport_) ? ViaTransport::tcp : ViaTransport::udp;
  writer.header(HeaderId::via, write_via(via, address_of(number_).address.to_string(), branch, false));
  writer.header(HeaderId::route, "<sip:edge.example.com;lr>");
  writer.header(HeaderId::max_forwards, 70);
  writer.header(HeaderId::from, "<sip:alice@atlanta.example.com>;tag=a1");
  std::string to = "<sip:bob@biloxi.example.com>";
  if (!to_tag.empty()) to.append(";tag=").append(to_tag);
  writer.header(HeaderId::to, to).header(HeaderId::call_id, "3848276298220188511@atlanta");
  writer.header(HeaderId::cseq, write_cseq(1, name_of(method)));
  writer.header(HeaderId::contact, "<sip:alice@192.0.2.1>");
  return std::move(writer).finish();
}

ClientTransactionId End::invite(InstantMs at, std::string_view to_tag) {
  now = at;
  const std::string branch = layer_->new_branch();
  const auto id =
      layer_->request({write_request(Method::invite, branch, to_tag), branch, hop_to_other(), 42}, at);
  invite_ = id.value_or(ClientTransactionId{});
  if (give_up_ms) give_up_at_ = at + *give_up_ms;
  return invite_;
}

ClientTransactionId End::request(Method method, InstantMs at) {
  now = at;
  const std::string branch = layer_->new_branch();
  return layer_->request({write_request(method, branch), branch, hop_to_other(), 43}, at)
      .value_or(ClientTransactionId{});
}

std::optional<InstantMs> End::next() const {
  std::optional<InstantMs> earliest = layer_->next_deadline();
  const auto consider = [&](std::optional<InstantMs> other) {
    if (other && (!earliest || *other < *earliest)) earliest = other;
  };
  if (!due_.empty()) consider(due_.begin()->first);
  if (success_) consider(success_->repeater.next_deadline());
  consider(give_up_at_);
  return earliest;
}

void End::advance(InstantMs at) {
  now = at;
  layer_->advance(at);
  while (!due_.empty() && due_.begin()->first <= at) {
    const Due due = due_.begin()->second;
    due_.erase(due_.begin());
    answer(due.id, due.status);
  }
  if (success_) switch (success_->repeater.advance(at)) {
      case Repeater::Step::repeat:
        // Timer L may have ended the transaction; then the 2xx has been repeated long enough.
        (void)layer_->respond(success_->id, 200, success_->octets, at);
        break;
      case Repeater::Step::give_up:
        ++never_acknowledged;
        success_.reset();
        break;
      case Repeater::Step::nothing:
        break;
    }
  if (give_up_at_ && *give_up_at_ <= at) {
    give_up_at_.reset();
    layer_->cancel(invite_, at, "SIP;cause=480");
  }
}

void End::receive(const Hop& hop, std::string octets, InstantMs at) {
  now = at;
  ParsedMessage parsed = parse_message(std::move(octets));
  ASSERT_FALSE(parsed.defect) << parsed.defect->reason;
  layer_->receive(std::move(parsed.message), hop, at);
}

Result<std::uint64_t> End::send(const Hop& hop, std::string_view octets) {
  if (network_.is_down) return fail(ErrorClass::internal, "the network is down");
  Hop used = hop;
  used.connection = connection;
  network_.send(number_, used, octets, now);
  return connection;
}

void End::answer(ServerTransactionId id, unsigned status) {
  MessageWriter writer = layer_->response(id, status);
  if (layer_->request_of(id) == nullptr) return;  // a CANCEL was faster
  const bool is_invite = layer_->request_of(id)->method() == Method::invite;
  writer.header(HeaderId::contact, "<sip:bob@192.0.2.2>");
  std::string octets = std::move(writer).finish();
  if (is_invite && status / 100 == 2) success_ = Success{id, octets, Repeater::of_success(now)};
  EXPECT_EQ(layer_->respond(id, status, std::move(octets), now).has_value(), !network_.is_down);
}

void End::on_request(ServerTransactionId id, const Message& request, const Hop& /*hop*/, InstantMs at) {
  ++requests;
  last_server = id;
  last_request = request.text();
  layer_->set_context(id, 44);
  if (behaviour.provisional != 0) due_.emplace(at + behaviour.provisional_ms, Due{id, behaviour.provisional});
  if (behaviour.final_status == 0) return;
  if (behaviour.final_ms != 0)
    due_.emplace(at + behaviour.final_ms, Due{id, behaviour.final_status});
  else
    answer(id, behaviour.final_status);
}

void End::on_cancel(ServerTransactionId id, std::uint64_t context, const Message& cancel, InstantMs /*now*/) {
  ++cancels;
  contexts.push_back(context);
  EXPECT_EQ(cancel.method(), Method::cancel);
  answer(id, 487);
}

void End::on_ack(ServerTransactionId /*id*/, const Message& /*ack*/, const Hop& /*hop*/, InstantMs /*now*/) {
  ++acks;
  success_.reset();
}

void End::on_response(ClientTransactionId /*id*/, std::uint64_t context, Message& response, InstantMs at) {
  contexts.push_back(context);
  if (response.status() < 200) {
    provisionals.push_back(response.status());
    return;
  }
  finals.push_back(response.status());
  give_up_at_.reset();
  if (response.method() != Method::invite || response.status() >= 300) return;
  auto dialog = Dialog::from_response(response, "sip:bob@biloxi.example.com", false);
  ASSERT_TRUE(dialog) << dialog.error().text;
  const std::string via = write_via(ViaTransport::udp, "192.0.2.1", layer_->new_branch(), false);
  now = at;
  (void)send(hop_to_other(), dialog->ack(response.cseq()->number, via).finish());
}

void End::on_timeout(ClientTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {
  ++timeouts;
  give_up_at_.reset();
}
void End::on_transport_error(ClientTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {
  ++errors;
  give_up_at_.reset();
}
void End::on_no_ack(ServerTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {
  ++no_acks;
}
void End::on_transport_error(ServerTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {
  ++server_errors;
}
void End::on_ended(ClientTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {
  ++ended;
}
void End::on_ended(ServerTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {
  ++ended;
}

void Rig::run(InstantMs until) {
  for (;;) {
    std::optional<InstantMs> next = network.next();
    for (const End* end : {&caller, &callee})
      if (const auto other = end->next(); other && (!next || *other < *next)) next = other;
    if (!next || *next > until) return;
    now = std::max(now, *next);
    while (network.next() && *network.next() <= now) {
      Network::Packet packet = network.take();
      (packet.to == 0 ? caller : callee).receive(packet.hop, std::move(packet.octets), now);
    }
    caller.advance(now);
    callee.advance(now);
  }
}

}  // namespace sallyport::sip
