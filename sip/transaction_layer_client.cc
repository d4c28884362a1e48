// SPDX-License-Identifier: GPL-3.0-or-later
// The client half of the transaction layer: requests of ours, their responses, ACK of failures, CANCEL.
#include <utility>

#include "sip/client_invite_transaction.h"
#include "sip/client_transaction.h"
#include "sip/transaction_layer.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kBranchDigits = 24;

/// What ACK and CANCEL take over from their INVITE (RFC 3261 §17.1.1.3, §9.1).
MessageWriter follow_up(const Message& invite, Method method, std::string_view to) {
  MessageWriter writer = MessageWriter::request(method, invite.request_uri());
  if (const auto via = invite.top_via()) writer.header(HeaderId::via, via->text);
  writer.copy(invite, HeaderId::route);
  writer.header(HeaderId::max_forwards, kMaxForwards);
  writer.header(HeaderId::from, invite.header(HeaderId::from).value_or(""));
  writer.header(HeaderId::to, to);
  writer.header(HeaderId::call_id, invite.call_id());
  if (const auto cseq = invite.cseq())
    writer.header(HeaderId::cseq, write_cseq(cseq->number, name_of(method)));
  return writer;
}

std::string write_ack(std::string invite_octets, const Message& response) {
  const Message invite = parse_message(std::move(invite_octets)).message;
  return follow_up(invite, Method::ack, response.header(HeaderId::to).value_or("")).finish();
}

std::string write_cancel(std::string invite_octets, std::string_view reason) {
  const Message invite = parse_message(std::move(invite_octets)).message;
  MessageWriter writer = follow_up(invite, Method::cancel, invite.header(HeaderId::to).value_or(""));
  if (!reason.empty()) writer.header(HeaderId::reason, reason);
  return std::move(writer).finish();
}

}  // namespace

std::string TransactionLayer::new_branch() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  // A pseudo-random function of a counter: no two alike, and none tells the next.
  const Hash128 hash = KeyedHash<>(seed_.branches).number(++branches_made_).finish();
  std::string branch(kMagicCookie);
  for (std::size_t i = 0; i < kBranchDigits; ++i)
    branch.push_back(kDigits[(i < 16 ? hash.low >> (4 * i) : hash.high >> (4 * (i - 16))) & 0xf]);
  return branch;
}

Hash128 TransactionLayer::client_key(std::string_view branch, std::string_view method) const {
  return KeyedHash<>(seed_.table).folded_text(branch).text(method).finish();
}

Result<ClientTransactionId> TransactionLayer::request(ClientRequest request, InstantMs now) {
  const std::string_view method = std::string_view(request.octets).substr(0, request.octets.find(' '));
  const Hash128 key = client_key(request.branch, method);
  if (method == "ACK" || clients_by_key_.find(key) != nullptr)
    return fail(ErrorClass::internal, "an ACK, or a branch that is in use");
  if (clients_.size() >= limits_[Limit::client_transactions]) {
    limits_.count_refusal(Limit::client_transactions);
    return fail(ErrorClass::exhausted, "limit 'client_transactions' is reached");
  }
  const Result<std::uint64_t> sent = sink_.send(request.hop, request.octets);
  if (!sent) {
    ++counters_.transport_errors;
    return tl::unexpected(sent.error());
  }
  ClientTransaction& client = clients_.take();
  client.is_invite = method == "INVITE";
  client.machine = ClientMachine(client.is_invite ? kClientInviteRules : kClientRules);
  client.hop = request.hop;
  client.hop.connection = *sent;
  client.context = request.context;
  clients_by_key_.insert(client.by_key, key, client);
  clients_by_hop_.insert(client.by_hop, hop_key(client.hop), client);
  const bool reliable = is_reliable(client.hop.transport);
  // An INVITE is also what its ACK and CANCEL are made from.
  if (client.is_invite || !reliable) client.octets = std::move(request.octets);
  (void)restart_timers(client.repeat, client.end, client.interval_ms, {{}, client.machine.timers(), reliable},
                       now);
  return client.handle;
}

void TransactionLayer::cancel(ClientTransactionId id, InstantMs now, std::string_view reason) {
  ClientTransaction* const client = clients_.find(id);
  if (client == nullptr || !client->is_invite || !client->cancel.empty()) return;
  const ClientState state = client->machine.state();
  if (state != ClientState::calling && state != ClientState::proceeding) return;
  client->cancel = write_cancel(client->octets, reason);
  //= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
  //# If no provisional response has been received, the CANCEL request MUST
  //# NOT be sent; rather, the client MUST wait for the arrival of a
  //# provisional response before sending the request.
  if (state == ClientState::proceeding) send_cancel(*client, now);
}

void TransactionLayer::send_cancel(ClientTransaction& client, InstantMs now) {
  const Message cancel = parse_message(client.cancel).message;
  const auto via = cancel.top_via();
  const Result<ClientTransactionId> sent =
      request({client.cancel, via ? via->branch : std::string_view(), client.hop, 0}, now);
  if (sent) clients_.find(*sent)->is_own_cancel = true;
  // Whether it arrives or not, the INVITE now ends in time (RFC 3261 §9.1, last paragraph).
  wheel_.start(client.end, now + timing_.transaction_ms());
}

void TransactionLayer::receive_response(Message& response, InstantMs now) {
  const auto via = response.top_via();
  const auto cseq = response.cseq();
  if (!via || !cseq) {
    ++counters_.unusable;
    return;
  }
  ClientTransaction* const client = clients_by_key_.find(client_key(via->branch, cseq->method_text));
  if (client == nullptr) {
    //= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
    //# Any response received that does not match an existing client
    //# transaction state machine is simply dropped.
    ++counters_.stray_responses;
    return;
  }
  handle(*client, client_event(response.status()), &response, now);
}

void TransactionLayer::handle(ClientTransaction& client, ClientEvent event, Message* response,
                              InstantMs now) {
  using enum ClientAction;
  const StateTimers before = client.machine.timers();
  const ClientState was = client.machine.state();
  const ActionSet<ClientAction> actions = client.machine.handle(event);
  if (response != nullptr && !actions.has(pass_response)) ++counters_.repeated_responses;
  if (actions.has(send_ack) && was != ClientState::completed)
    client.octets = write_ack(std::move(client.octets), *response);

  bool has_failed = actions.has(report_error);
  if ((actions.has(send_request) || actions.has(send_ack)) && !send_kept(client))
    has_failed = client.machine.handle(ClientEvent::transport_error).has(report_error);
  if (has_failed) ++counters_.transport_errors;
  if (actions.has(report_timeout)) ++counters_.timeouts;

  const ClientTransactionId id = client.handle;
  const std::uint64_t context = client.context;
  const bool is_silent = client.is_own_cancel;
  const bool has_ended = settle(client, before, now);
  if (was == ClientState::calling && event == ClientEvent::provisional && !client.cancel.empty())
    send_cancel(client, now);
  if (is_silent) return;
  if (actions.has(pass_response)) user_.on_response(id, context, *response, now);
  if (actions.has(report_timeout)) user_.on_timeout(id, context, now);
  if (has_failed) user_.on_transport_error(id, context, now);
  if (has_ended) user_.on_ended(id, context, now);
}

bool TransactionLayer::send_kept(ClientTransaction& client) {
  const Result<std::uint64_t> sent = sink_.send(client.hop, client.octets);
  if (!sent || *sent == client.hop.connection) return sent.has_value();
  client.hop.connection = *sent;
  clients_by_hop_.erase(client.by_hop);
  clients_by_hop_.insert(client.by_hop, hop_key(client.hop), client);
  return true;
}

/// Follows a change of state with timers and memory; true if the transaction is gone.
bool TransactionLayer::settle(ClientTransaction& client, const StateTimers& before, InstantMs now) {
  const bool reliable = is_reliable(client.hop.transport);
  const TimerChange change{before, client.machine.timers(), reliable};
  if (restart_timers(client.repeat, client.end, client.interval_ms, change, now))
    (void)client.machine.handle(*client_event(*change.after.end));
  const ClientState state = client.machine.state();
  if (state == ClientState::terminated) {
    release(client);
    return true;
  }
  const bool is_acknowledging = client.is_invite && state == ClientState::completed;
  if (state == ClientState::accepted || state == ClientState::completed) {
    std::string().swap(client.cancel);
    if (!is_acknowledging) std::string().swap(client.octets);
  }
  return false;
}

void TransactionLayer::fire(ClientTransaction& client, bool repeats, InstantMs now) {
  const StateTimers timers = client.machine.timers();
  if (!repeats) {
    handle(client, timers.end ? *client_event(*timers.end) : ClientEvent::cancel_expired, nullptr, now);
    return;
  }
  // Timer A doubles without bound until B ends it; E reaches T2, and in Proceeding at once.
  if (*timers.repeat == TimerName::a)
    client.interval_ms *= 2;
  else if (client.machine.state() == ClientState::proceeding)
    client.interval_ms = timing_.t2_ms;
  else
    client.interval_ms = doubled_ms(client.interval_ms, timing_);
  wheel_.start(client.repeat, now + client.interval_ms);
  ++counters_.retransmissions;
  handle(client, *client_event(*timers.repeat), nullptr, now);
}

void TransactionLayer::release(ClientTransaction& client) {
  wheel_.stop(client.repeat);
  wheel_.stop(client.end);
  clients_by_key_.erase(client.by_key);
  clients_by_hop_.erase(client.by_hop);
  clients_.release(client);
}

}  // namespace sallyport::sip
