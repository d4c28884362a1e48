// SPDX-License-Identifier: GPL-3.0-or-later
// The server half of the transaction layer: requests of others, their repetitions, ACK, CANCEL, and our
// responses.
#include <utility>

#include "sip/server_invite_transaction.h"
#include "sip/server_transaction.h"
#include "sip/transaction_layer.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kTagDigits = 16;
constexpr std::uint64_t kRetryAfterSeconds = 5;
constexpr std::uint16_t kStandardPort = 5060;
constexpr std::uint16_t kStandardTlsPort = 5061;

// What a keyed hash is of, so that one kind of key never equals another.
enum class KeyKind : std::uint8_t { branch, rfc2543, origin, tag };
constexpr std::uint64_t mark(KeyKind kind) {
  return static_cast<std::uint64_t>(kind);
}

std::uint16_t sent_by_port(const Via& via, Transport transport) {
  if (via.port != 0) return via.port;
  return is_secure(transport) ? kStandardTlsPort : kStandardPort;
}

/// Where a response goes (RFC 3261 §18.2.2, RFC 3581 §4): always to the address that the request came from,
/// whatever its Via says, maddr included; over UDP to sent-by's port unless rport was asked for.
Hop response_hop(const Via& via, const Hop& source) {
  Hop hop = source;
  if (!is_reliable(source.transport) && !via.has_rport) hop.remote.port = sent_by_port(via, source.transport);
  return hop;
}

}  // namespace

Hash128 TransactionLayer::tag_key(std::string_view tag) const {
  return KeyedHash<>(seed_.table).number(mark(KeyKind::tag)).text(tag).finish();
}

Result<TransactionLayer::Arrival> TransactionLayer::read(const Message& request, const Hop& hop) {
  const auto via = request.top_via();
  const auto cseq = request.cseq();
  const auto from = request.from();
  const auto to = request.to();
  if (!via || !cseq || !from || !to)
    return fail(ErrorClass::malformed, "Via, CSeq, From or To is unreadable");
  return Arrival{request, hop, *via, *cseq, from->tag(), to->tag()};
}

/// RFC 3261 §17.2.3. Tags in To are compared apart: an ACK has another than its INVITE.
Hash128 TransactionLayer::server_key(const Arrival& arrival, std::string_view method) const {
  const Via& via = arrival.via;
  KeyedHash<> hash(seed_.table);
  if (via.has_magic_cookie())
    return hash.number(mark(KeyKind::branch))
        .folded_text(via.branch)
        .folded_text(via.host)
        .number(via.port)
        .text(method)
        .finish();
  return hash.number(mark(KeyKind::rfc2543))
      .text(arrival.request.request_uri())
      .text(arrival.from_tag)
      .text(arrival.request.call_id())
      .number(arrival.cseq.number)
      .text(via.text)
      .text(method)
      .finish();
}

/// Equal for copies of one request that took different ways (RFC 3261 §8.2.2.2). The Request-URI counts too:
/// a proxy in front that forks to several users of ours sends one request to each, and these are no copies.
Hash128 TransactionLayer::origin_key(const Arrival& arrival) const {
  return KeyedHash<>(seed_.table)
      .number(mark(KeyKind::origin))
      .text(arrival.from_tag)
      .text(arrival.request.call_id())
      .number(arrival.cseq.number)
      .text(arrival.request.method_text())
      .text(arrival.request.request_uri())
      .finish();
}

std::string TransactionLayer::to_tag(Hash128 key) const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const Hash128 hash = KeyedHash<>(seed_.branches).number(key.low).number(key.high).finish();
  std::string tag;
  for (std::size_t i = 0; i < kTagDigits; ++i) tag.push_back(kDigits[(hash.low >> (4 * i)) & 0xf]);
  return tag;
}

ServerTransaction* TransactionLayer::find_server(const Arrival& arrival, Hash128 key) const {
  ServerTransaction* const server = servers_by_key_.find(key);
  if (server == nullptr || !server->is_rfc2543) return server;
  const bool is_ack = arrival.request.method() == Method::ack;
  return tag_key(arrival.to_tag) == (is_ack ? server->response_to_tag : server->request_to_tag) ? server
                                                                                                : nullptr;
}

void TransactionLayer::receive_request(Message& request, const Hop& hop, InstantMs now) {
  const Result<Arrival> arrival = read(request, hop);
  if (!arrival) {
    ++counters_.unusable;
    return;
  }
  if (request.method() == Method::ack) return receive_ack(*arrival, now);
  if (request.method() == Method::cancel) return receive_cancel(*arrival, now);
  const Hash128 key = server_key(*arrival, request.method_text());
  if (ServerTransaction* const server = find_server(*arrival, key)) {
    ++counters_.repeated_requests;
    return handle(*server, ServerEvent::request, nullptr, nullptr, now);
  }
  receive_new(*arrival, key, request, now);
}

void TransactionLayer::receive_ack(const Arrival& ack, InstantMs now) {
  if (ServerTransaction* const server = find_server(ack, server_key(ack, name_of(Method::invite))))
    return handle(*server, ServerEvent::ack, &ack.request, &ack.hop, now);
  user_.on_ack({}, ack.request, ack.hop, now);
}

void TransactionLayer::receive_cancel(const Arrival& cancel, InstantMs now) {
  ServerTransaction* const invite = find_server(cancel, server_key(cancel, name_of(Method::invite)));
  // Whoever cancels cannot be asked for a password, but must sit where the INVITE came from.
  const bool is_ours = invite != nullptr && invite->hop.listener == cancel.hop.listener &&
                       invite->hop.transport == cancel.hop.transport &&
                       invite->hop.remote.address == cancel.hop.remote.address;
  if (!is_ours) {
    ++counters_.stray_cancels;
    return refuse(cancel, 481);
  }
  // Answered without a transaction of its own: a repeated CANCEL meets the same INVITE and gets the same
  // answer.
  respond_without_state(response_to(cancel.request, 200, {}, to_tag(invite->by_key.key), &invite->hop.remote),
                        invite->hop);
  if (invite->is_cancelled || !invite->machine.is_pending()) return;
  invite->is_cancelled = true;
  user_.on_cancel(invite->handle, invite->context, cancel.request, now);
}

void TransactionLayer::receive_new(const Arrival& arrival, Hash128 key, Message& request, InstantMs now) {
  const bool may_be_merged = arrival.to_tag.empty();
  const Hash128 origin = may_be_merged ? origin_key(arrival) : Hash128{};
  if (may_be_merged && servers_by_origin_.find(origin) != nullptr) {
    ++counters_.merged_requests;
    return refuse(arrival, 482, "Merged Request");
  }
  if (servers_.size() >= limits_[Limit::server_transactions]) {
    limits_.count_refusal(Limit::server_transactions);
    return refuse(arrival, 503);
  }
  ServerTransaction& opened = open_server(arrival, key);
  if (may_be_merged) servers_by_origin_.insert(opened.by_origin, origin, opened);
  ++counters_.requests;
  opened.request = &request;
  const ServerTransactionId id = opened.handle;
  user_.on_request(id, request, arrival.hop, now);

  ServerTransaction* const server = servers_.find(id);
  if (server == nullptr || server->request == nullptr) return;
  server->kept_request = std::make_unique<Message>(std::move(request));
  server->request = server->kept_request.get();
  //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
  //# The server transaction MUST generate a 100
  //# (Trying) response unless it knows that the TU will generate a
  //# provisional or final response within 200 ms, in which case it MAY
  //# generate a 100 (Trying) response.
  if (server->is_invite && server->octets.empty())
    (void)respond(id, response_to(*server->request, 100, {}, {}, &server->hop.remote), now);
}

ServerTransaction& TransactionLayer::open_server(const Arrival& arrival, Hash128 key) {
  ServerTransaction& server = servers_.take();
  server.is_invite = arrival.request.method() == Method::invite;
  server.machine = ServerMachine(server.is_invite ? kServerInviteRules : kServerRules);
  server.hop = response_hop(arrival.via, arrival.hop);
  server.sent_by_port = sent_by_port(arrival.via, arrival.hop.transport);
  server.is_rfc2543 = !arrival.via.has_magic_cookie();
  if (server.is_rfc2543) server.request_to_tag = tag_key(arrival.to_tag);
  servers_by_key_.insert(server.by_key, key, server);
  servers_by_hop_.insert(server.by_hop, hop_key(server.hop), server);
  return server;
}

/// Answers without state: a repetition gets the same answer again.
void TransactionLayer::refuse(const Arrival& arrival, unsigned status, std::string_view reason) {
  const Hop target = response_hop(arrival.via, arrival.hop);
  const std::string tag = to_tag(server_key(arrival, arrival.request.method_text()));
  MessageWriter writer = response_to(arrival.request, status, reason, tag, &target.remote);
  if (status == 503) writer.header(HeaderId::retry_after, kRetryAfterSeconds);
  respond_without_state(std::move(writer), target);
}

void TransactionLayer::respond_without_state(MessageWriter&& response, const Hop& hop) {
  if (!sink_.send(hop, std::move(response).finish())) ++counters_.transport_errors;
}

const Message* TransactionLayer::request_of(ServerTransactionId id) {
  const ServerTransaction* const server = servers_.find(id);
  return server != nullptr ? server->request : nullptr;
}

std::string TransactionLayer::to_tag(ServerTransactionId id) {
  const ServerTransaction* const server = servers_.find(id);
  return server != nullptr ? to_tag(server->by_key.key) : std::string();
}

MessageWriter TransactionLayer::response(ServerTransactionId id, unsigned status, std::string_view reason) {
  const ServerTransaction* const server = servers_.find(id);
  if (server == nullptr || server->request == nullptr) return MessageWriter::response(status, reason);
  // RFC 3261 §17.2.1: a 100 has no tag of ours.
  const std::string tag = status == 100 ? std::string() : to_tag(server->by_key.key);
  return response_to(*server->request, status, reason, tag, &server->hop.remote);
}

void TransactionLayer::set_context(ServerTransactionId id, std::uint64_t context) {
  if (ServerTransaction* const server = servers_.find(id)) server->context = context;
}

Result<void> TransactionLayer::respond(ServerTransactionId id, MessageWriter&& response, InstantMs now) {
  const unsigned status = response.status();
  return respond(id, status, std::move(response).finish(), now);
}

Result<void> TransactionLayer::respond(ServerTransactionId id, unsigned status, std::string octets,
                                       InstantMs now) {
  ServerTransaction* const server = servers_.find(id);
  if (server == nullptr) return fail(ErrorClass::not_found, "the transaction is over");
  const StateTimers before = server->machine.timers();
  if (!server->machine.handle(server_event(status)).has(ServerAction::send_response))
    return fail(ErrorClass::refused, "the final response was given");
  if (server->is_rfc2543 && status >= 200) {
    const Message parsed = parse_message(octets).message;
    const auto to = parsed.to();
    server->response_to_tag = tag_key(to ? to->tag() : std::string_view());
  }
  if (!server->machine.is_pending()) {
    server->request = nullptr;
    server->kept_request.reset();
  }
  const Result<void> sent = transmit(*server, octets);
  server->octets = std::move(octets);
  const std::uint64_t context = server->context;
  if (settle(*server, before, now)) user_.on_ended(id, context, now);
  return sent;
}

void TransactionLayer::respond_and_forget(ServerTransactionId id, MessageWriter&& response) {
  ServerTransaction* const server = servers_.find(id);
  if (server == nullptr || !server->machine.is_pending()) return;
  (void)transmit(*server, std::move(response).finish());
  release(*server);
}

Result<void> TransactionLayer::transmit(ServerTransaction& server, std::string_view octets) {
  const Result<std::uint64_t> sent = sink_.send(server.hop, octets);
  if (!sent) {
    ++counters_.transport_errors;
    return tl::unexpected(sent.error());
  }
  if (*sent == server.hop.connection) return {};
  server.hop.connection = *sent;
  servers_by_hop_.erase(server.by_hop);
  servers_by_hop_.insert(server.by_hop, hop_key(server.hop), server);
  return {};
}

void TransactionLayer::handle(ServerTransaction& server, ServerEvent event, const Message* ack,
                              const Hop* hop, InstantMs now) {
  using enum ServerAction;
  const StateTimers before = server.machine.timers();
  const ActionSet<ServerAction> actions = server.machine.handle(event);
  bool has_failed = actions.has(report_error);
  if (actions.has(repeat_response) && !server.octets.empty() && !transmit(server, server.octets))
    has_failed = server.machine.handle(ServerEvent::transport_error).has(report_error);
  if (actions.has(report_timeout)) ++counters_.timeouts;

  const ServerTransactionId id = server.handle;
  const std::uint64_t context = server.context;
  const bool has_ended = settle(server, before, now);
  if (actions.has(pass_ack)) user_.on_ack(id, *ack, *hop, now);
  if (actions.has(report_timeout)) user_.on_no_ack(id, context, now);
  if (has_failed) user_.on_transport_error(id, context, now);
  if (has_ended) user_.on_ended(id, context, now);
}

/// A response will be tried on a new connection to where the request says its sender listens (RFC 3261
/// §18.2.2).
void TransactionLayer::lose_hop(ServerTransaction& server, InstantMs now) {
  ++counters_.transport_errors;
  servers_by_hop_.erase(server.by_hop);
  if (is_reliable(server.hop.transport)) {
    server.hop.connection = 0;
    server.hop.remote.port = server.sent_by_port;
  }
  servers_by_hop_.insert(server.by_hop, hop_key(server.hop), server);
  handle(server, ServerEvent::transport_error, nullptr, nullptr, now);
}

/// Follows a change of state with timers and memory; true if the transaction is gone.
bool TransactionLayer::settle(ServerTransaction& server, const StateTimers& before, InstantMs now) {
  const bool reliable = is_reliable(server.hop.transport);
  const TimerChange change{before, server.machine.timers(), reliable};
  if (restart_timers(server.repeat, server.end, server.interval_ms, change, now))
    (void)server.machine.handle(*server_event(*change.after.end));
  const ServerState state = server.machine.state();
  if (state == ServerState::terminated) {
    release(server);
    return true;
  }
  // Its user repeats a 2xx; a confirmed failure is not repeated.
  if (state == ServerState::accepted || state == ServerState::confirmed) std::string().swap(server.octets);
  return false;
}

void TransactionLayer::fire(ServerTransaction& server, bool repeats, InstantMs now) {
  const StateTimers timers = server.machine.timers();
  if (!repeats) return handle(server, *server_event(*timers.end), nullptr, nullptr, now);
  server.interval_ms = doubled_ms(server.interval_ms, timing_);
  wheel_.start(server.repeat, now + server.interval_ms);
  ++counters_.retransmissions;
  handle(server, *server_event(*timers.repeat), nullptr, nullptr, now);
}

void TransactionLayer::release(ServerTransaction& server) {
  wheel_.stop(server.repeat);
  wheel_.stop(server.end);
  servers_by_key_.erase(server.by_key);
  servers_by_hop_.erase(server.by_hop);
  servers_by_origin_.erase(server.by_origin);
  servers_.release(server);
}

}  // namespace sallyport::sip
