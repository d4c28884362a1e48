// SPDX-License-Identifier: GPL-3.0-or-later
// Messages in, messages out, and one timer for all transactions.
#include "control/signalling/signalling.h"

#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace sallyport::control {

using sip::HeaderId;

namespace {

sip::ViaTransport via_transport(sip::Transport transport) {
  using enum sip::Transport;
  switch (transport) {
    case udp:
      return sip::ViaTransport::udp;
    case tcp:
      return sip::ViaTransport::tcp;
    case tls:
      return sip::ViaTransport::tls;
    case ws:
      return sip::ViaTransport::ws;
    case wss:
      return sip::ViaTransport::wss;
  }
  return sip::ViaTransport::other;
}

std::string contact_of(const transport::ListenerSettings& listener) {
  std::string text = "sip:" + listener.address.to_string();
  switch (listener.transport) {
    case sip::Transport::udp:
      return text;
    case sip::Transport::tcp:
      return text + ";transport=tcp";
    case sip::Transport::tls:
      return text + ";transport=tls";
    case sip::Transport::ws:
    case sip::Transport::wss:
      return text + ";transport=ws";
  }
  return text;
}

}  // namespace

Signalling::Signalling(boost::asio::io_context& context, const SipConfig& config)
    : context_(context),
      config_(config),
      limits_(config.transport.sip_limits),
      transport_(context, config.transport, *this),
      transactions_(*this, *this, limits_, random_value<sip::TransactionSeed>(), steady_ms()),
      timer_(context, [this] {
        transactions_.advance(now());
        arm();
      }) {
  listeners_changed();
}

void Signalling::listeners_changed() {
  sent_by_.clear();
  contacts_.clear();
  for (const transport::TransportLayer::Listener& listener : transport_.listeners()) {
    sent_by_.push_back(listener.settings.address.to_string());
    contacts_.push_back(contact_of(listener.settings));
  }
}

Signalling::~Signalling() = default;

void Signalling::start() {
  transport_.start();
}

// What comes in.

void Signalling::on_message(sip::Frame frame, const sip::Hop& from) {
  sip::ParsedMessage parsed = sip::parse_message(std::move(frame), limits_);
  ++counters_.received;
  if (tap_ != nullptr) tap_->on_received(parsed.message, from);
  if (parsed.defect)
    refuse(parsed.message, *parsed.defect, from);
  else
    transactions_.receive(std::move(parsed.message), from, now());
  arm();
}

/// Without state: a repetition is as defective as the first.
void Signalling::refuse(const sip::Message& message, const sip::Defect& defect, const sip::Hop& from) {
  if (defect.limit != sip::Limit::none) limits_.count_refusal(defect.limit);
  if (!defect.answerable || !sip::is_answerable(message)) {
    ++counters_.unparsable;
    return;
  }
  ++counters_.refused;
  log::debug("sip.refused",
             {{"status", defect.status}, {"reason", defect.reason}, {"from", from.remote.to_string()}});
  sip::MessageWriter writer = sip::response_to(message, defect.status, defect.reason, {}, &from.remote);
  static_cast<void>(send(from, writer.finish()));
}

void Signalling::on_connection_closed(const sip::Hop& hop, const Error& why) {
  log::debug("sip.connection_closed", {{"remote", hop.remote.to_string()}, {"why", why.text}});
  transactions_.hop_failed(hop, now());
  if (handler_ != nullptr) handler_->on_connection_closed(hop);
  arm();
}

void Signalling::on_unreachable(const sip::Hop& hop, const Error& /*why*/) {
  transactions_.hop_failed(hop, now());
  arm();
}

void Signalling::on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop,
                            sip::InstantMs /*now*/) {
  handler_->on_request(id, request, hop);
}

void Signalling::on_cancel(sip::ServerTransactionId id, std::uint64_t /*context*/, const sip::Message& cancel,
                           sip::InstantMs /*now*/) {
  handler_->on_cancel(id, cancel);
}

void Signalling::on_ack(sip::ServerTransactionId /*id*/, const sip::Message& ack, const sip::Hop& hop,
                        sip::InstantMs /*now*/) {
  handler_->on_ack(ack, hop);
}

void Signalling::on_response(sip::ClientTransactionId /*id*/, std::uint64_t context, sip::Message& response,
                             sip::InstantMs /*now*/) {
  reply(context, {response.status(), &response});
}

void Signalling::on_timeout(sip::ClientTransactionId /*id*/, std::uint64_t context, sip::InstantMs /*now*/) {
  reply(context, {408, nullptr});
}

void Signalling::on_transport_error(sip::ClientTransactionId /*id*/, std::uint64_t context,
                                    sip::InstantMs /*now*/) {
  reply(context, {503, nullptr});
}

void Signalling::on_ended(sip::ClientTransactionId /*id*/, std::uint64_t context, sip::InstantMs /*now*/) {
  waiting_.erase(context);
}

// The function may begin requests of its own, which may move the table: it is called outside of it.
void Signalling::reply(std::uint64_t context, const Reply& reply) {
  const auto found = waiting_.find(context);
  if (found == waiting_.end()) return;
  const OnReply on_reply = std::move(found->second);
  on_reply(reply);
  if (const auto still = waiting_.find(context); still != waiting_.end()) still->second = on_reply;
}

// What goes out.

// A connection that is lost is opened anew where the peer listens, as RFC 3261 §18.2.2 has it for responses.
Result<std::uint64_t> Signalling::send(const sip::Hop& hop, std::string_view octets) {
  sip::Hop way = hop;
  if (sip::is_reliable(hop.transport) && !transport_.is_open(hop.connection)) {
    const auto reached =
        transport_.reach({hop.transport, hop.remote, hop.remote.address.to_string(), {}, hop.listener});
    if (!reached) {
      ++counters_.unsent;
      return tl::unexpected(reached.error());
    }
    way = *reached;
  }
  if (const auto sent = transport_.send(way, octets); !sent) {
    ++counters_.unsent;
    return tl::unexpected(sent.error());
  }
  ++counters_.sent;
  if (tap_ != nullptr) tap_->on_sent(octets, way);
  return way.connection;
}

Result<void> Signalling::send_plain(const sip::Hop& hop, std::string_view octets) {
  if (const auto sent = send(hop, octets); !sent) return tl::unexpected(sent.error());
  return {};
}

sip::MessageWriter Signalling::response(sip::ServerTransactionId id, unsigned status,
                                        std::string_view reason) {
  sip::MessageWriter writer = transactions_.response(id, status, reason);
  if (!config_.server_name.empty()) writer.header(HeaderId::server, config_.server_name);
  return writer;
}

Result<void> Signalling::respond(sip::ServerTransactionId id, sip::MessageWriter&& response) {
  auto result = transactions_.respond(id, std::move(response), now());
  arm();
  return result;
}

Result<void> Signalling::respond(sip::ServerTransactionId id, unsigned status, std::string octets) {
  auto result = transactions_.respond(id, status, std::move(octets), now());
  arm();
  return result;
}

void Signalling::respond_and_forget(sip::ServerTransactionId id, sip::MessageWriter&& response) {
  transactions_.respond_and_forget(id, std::move(response));
}

Signalling::NewVia Signalling::new_via(const sip::Hop& hop) {
  NewVia via;
  via.branch = transactions_.new_branch();
  via.value = sip::write_via(via_transport(hop.transport), sent_by_[hop.listener], via.branch,
                             !sip::is_reliable(hop.transport));
  return via;
}

const std::string& Signalling::contact_uri(const sip::Hop& hop) const {
  return contacts_[hop.listener];
}

Result<sip::ClientTransactionId> Signalling::request(std::string octets, std::string_view branch,
                                                     const sip::Hop& hop, OnReply on_reply) {
  const std::uint64_t context = ++last_context_;
  auto begun = transactions_.request({std::move(octets), branch, hop, context}, now());
  if (begun) waiting_.emplace(context, std::move(on_reply));
  arm();
  return begun;
}

void Signalling::cancel(sip::ClientTransactionId id, std::string_view reason) {
  transactions_.cancel(id, now(), reason);
  arm();
}

}  // namespace sallyport::control
