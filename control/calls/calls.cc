// SPDX-License-Identifier: GPL-3.0-or-later
// Which call a message belongs to, and what a new INVITE must be before it becomes one.
#include "control/calls/calls.h"

#include <chrono>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "base/random.h"
#include "control/calls/description.h"
#include "sip/identity.h"
#include "sip/reason.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

using sip::HeaderId;

namespace {

constexpr std::string_view kLoopParameter = "sl";

void append_hex(std::string& text, std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[value >> shift & 15]);
}

}  // namespace

Calls::Calls(const CallDomain& domain)
    : domain_(domain),
      secret_(random_value<HashKey>()),
      wheel_(steady_ms()),
      deadline_(domain.context, [this] {
        wheel_.advance(steady_ms(), [this](sip::Timer& timer) {
          if (Call* const call = find(static_cast<CallTimer&>(timer).call)) call->on_timer(steady_ms());
        });
        arm();
      }) {
  domain_.signalling.set_tap(&traces_);
}

Calls::~Calls() {
  domain_.signalling.set_tap(nullptr);
  retired_.clear();
  calls_.clear();
}

// What comes in.

void Calls::on_invite(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  const auto caller = domain_.gatekeeper.identify(id, request, hop);
  if (!caller) return;
  const PartyAddress from = address_of(*caller, hop);
  if (has_looped(request, from.side)) {
    ++counters_.looped;
    return refuse(id, 482);
  }
  if (!describes_session(id, request) || !has_usable_timer(id, request)) return;
  if (const auto dialog = sip::Dialog::from_request(request, "x", false); !dialog)
    return refuse(id, 400, "Missing Or Malformed Contact");

  Call::Start start{id, request, from, claim_of(*caller, request, from), {}, {}, {}};
  if (request.has(HeaderId::replaces)) {
    if (!redirect_to_replaced(request, start)) return refuse(id, 481);
  } else {
    auto routed = domain_.router.route(
        {request.request_uri(), from.side, caller->user, caller->trunk.get(), wall_time()});
    if (!routed)
      return refuse(id, routed.error().status, routed.error().reason, routed.error().retry_after_s);
    start.targets = std::move(*routed);
  }
  auto admitted =
      domain_.admission.admit(caller->user, caller->trunk, static_cast<std::int64_t>(steady_ms()));
  if (!admitted)
    return refuse(id, admitted.error().status, admitted.error().reason, admitted.error().retry_after_s);
  start.ticket = std::move(*admitted);

  ++counters_.begun;
  const CallId call_id = ++last_id_;
  traces_.begin(call_id, request, hop);
  Call& call = *calls_.emplace(call_id, std::make_unique<Call>(*this, call_id)).first->second;
  static_cast<void>(domain_.signalling.respond(id, domain_.signalling.response(id, 100)));
  call.begin(std::move(start));
}

bool Calls::on_dialog_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  const auto key = sip::dialog_key(secret_, request);
  const auto place = key ? dialogs_.find(*key) : dialogs_.end();
  if (place == dialogs_.end()) return false;
  Call* const call = find(place->second.call);
  Branch* const branch = call != nullptr ? call->branch(place->second.branch) : nullptr;
  if (branch == nullptr) return false;
  call->on_request(*branch, place->second.leg, id, request, hop);
  return true;
}

void Calls::on_ack(const sip::Message& ack, const sip::Hop& /*hop*/) {
  const auto key = sip::dialog_key(secret_, ack);
  const auto place = key ? dialogs_.find(*key) : dialogs_.end();
  if (place == dialogs_.end()) return;
  if (Call* const call = find(place->second.call))
    if (Branch* const branch = call->branch(place->second.branch))
      call->on_ack(*branch, place->second.leg, ack);
}

void Calls::on_cancel(sip::ServerTransactionId id, const sip::Message& cancel) {
  if (const auto found = invites_.find(id); found != invites_.end()) {
    if (Call* const call = find(found->second)) call->on_cancel(cancel);
    return;
  }
  const auto key = sip::dialog_key(secret_, cancel);
  const auto place = key ? dialogs_.find(*key) : dialogs_.end();
  if (place == dialogs_.end()) return;
  if (Call* const call = find(place->second.call)) call->on_exchange_cancel();
}

void Calls::on_connection_closed(const sip::Hop& hop) {
  std::vector<CallId> concerned;
  const auto [first, last] = connections_.equal_range(hop.connection);
  for (auto it = first; it != last; ++it) concerned.push_back(it->second);
  for (const CallId id : concerned)
    if (Call* const call = find(id)) call->on_connection_lost(hop.connection);
}

void Calls::on_relay_event(const RelayEvent& event) {
  if (event.kind != RelayEvent::Kind::media_timeout) return;
  const auto found = relays_.find(event.relay);
  Call* const call = found != relays_.end() ? find(found->second) : nullptr;
  if (call == nullptr) return;
  ++counters_.media_timeouts;
  call->end({EndedBy::us, 408, "no media any more", sip::write_reason("SIP", 408, "Media timeout")});
}

void Calls::end_all() {
  std::vector<CallId> ids;
  ids.reserve(calls_.size());
  for (const auto& [id, call] : calls_) ids.push_back(id);
  for (const CallId id : ids)
    if (Call* const call = find(id))
      call->end({EndedBy::us, 503, "shutdown", sip::write_reason("SIP", 503, "Shutdown")});
}

// What an INVITE must be.

void Calls::refuse(sip::ServerTransactionId id, unsigned status, std::string_view reason,
                   std::uint32_t retry_after_s) {
  ++counters_.refused;
  sip::MessageWriter writer = domain_.signalling.response(id, status, reason);
  if (retry_after_s != 0) writer.header(HeaderId::retry_after, std::uint64_t{retry_after_s});
  if (status == 415) writer.header(HeaderId::accept, kSdpType);
  static_cast<void>(domain_.signalling.respond(id, std::move(writer)));
}

/// The body is a session description, or there is none.
bool Calls::describes_session(sip::ServerTransactionId id, const sip::Message& request) {
  if (request.body().empty()) return true;
  const auto found = sip::find_body(request, kSdpType, domain_.signalling.sip_limits());
  if (found && *found && !(*found)->leaves_required) return true;
  if (!found && found.error().error_class != ErrorClass::unsupported)
    refuse(id, 400, "Malformed Body");
  else
    refuse(id, 415);
  return false;
}

bool Calls::has_usable_timer(sip::ServerTransactionId id, const sip::Message& request) {
  const CallsConfig& config = domain_.config.calls;
  sip::SessionTimer timer({config.session_expires_s, config.min_se_s, true});
  const auto answer = timer.received_request(request);
  if (answer.status == 0) return true;
  if (answer.status != 422) return refuse(id, answer.status, "Malformed Session-Expires"), false;
  ++counters_.refused;
  sip::MessageWriter writer = domain_.signalling.response(id, 422);
  writer.header(HeaderId::min_se, std::uint64_t{answer.min_se_s});
  static_cast<void>(domain_.signalling.respond(id, std::move(writer)));
  return false;
}

PartyAddress Calls::address_of(const Caller& caller, const sip::Hop& hop) const {
  PartyAddress at;
  at.hop = hop;
  at.side = domain_.config.sip.listeners[hop.listener].side;
  at.policy = &policy(at.side);
  if (caller.user != nullptr) at.aor = caller.user->aor;
  at.trunk = caller.trunk;
  if (caller.algorithm) at.digest = crypto::info(*caller.algorithm).name;
  return at;
}

/// A user is who the digest proved; whoever we trust says who it is.
Claim Calls::claim_of(const Caller& caller, const sip::Message& request, const PartyAddress& from) const {
  if (caller.user != nullptr) return {caller.user->aor, caller.user->display_name};
  if (caller.trunk == nullptr && !from.policy->trust) return {};
  const auto asserted = sip::asserted_identity(request, HeaderId::p_asserted_identity);
  if (asserted && (asserted->sip || asserted->tel)) {
    const sip::NameAddr& name = asserted->sip ? *asserted->sip : *asserted->tel;
    return {hide_host(name.uri, domain_.config.sip.domains.front()), name.display_name()};
  }
  const auto given = request.from();
  if (!given) return {};
  return {hide_host(given->uri, domain_.config.sip.domains.front()), given->display_name()};
}

/// An INVITE with Replaces goes to the other end of the call that it names, which knows that call by another
/// name (RFC 3891).
bool Calls::redirect_to_replaced(const sip::Message& request, Call::Start& start) {
  const auto replaces = sip::parse_replaces(request.header(HeaderId::replaces).value_or(""));
  if (!replaces) return false;
  const Hash128 key =
      KeyedHash<>(secret_).text(replaces->call_id).text(replaces->to_tag).text(replaces->from_tag).finish();
  const auto place = dialogs_.find(key);
  Call* const call = place != dialogs_.end() ? find(place->second.call) : nullptr;
  Branch* const branch = call != nullptr ? call->branch(place->second.branch) : nullptr;
  if (branch == nullptr || call->winner() != branch) return false;
  Party& peer = branch->party(other(place->second.leg));
  if (peer.dialog == nullptr) return false;
  RouteTarget target;
  target.request_uri = peer.dialog->remote_target();
  target.aor = peer.at.aor;
  target.route = "replaces";
  target.trunk = peer.at.trunk;
  if (peer.at.trunk == nullptr) {
    Target contact;
    contact.contact = peer.dialog->remote_target();
    contact.flow = peer.at.hop;
    contact.instance = peer.at.instance;
    target.contacts.push_back(std::move(contact));
  }
  start.replaces = sip::write_replaces(
      {peer.dialog->call_id(), peer.dialog->remote_tag(), peer.dialog->local_tag(), replaces->early_only});
  start.targets.push_back(std::move(target));
  return true;
}

std::string Calls::loop_mark(const sip::Message& request, std::string_view side) const {
  const Hash128 hash = KeyedHash<>(secret_).text("loop").text(request.request_uri()).text(side).finish();
  std::string text(kLoopParameter);
  text.push_back('=');
  append_hex(text, hash.low);
  return text;
}

/// A Via of ours with the mark that this request would get: it has come round unchanged (RFC 3261 §16.3).
bool Calls::has_looped(const sip::Message& request, std::string_view side) const {
  const std::string mark = loop_mark(request, side).substr(kLoopParameter.size() + 1);
  for (const std::string_view value : request.values(HeaderId::via))
    if (const auto via = sip::parse_via(value); via && via->parameters.value(kLoopParameter) == mark)
      return true;
  return false;
}

// What calls need.

Call* Calls::find(CallId id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

std::vector<const Call*> Calls::list(CallId after, std::size_t count) const {
  std::vector<const Call*> calls;
  for (auto it = calls_.upper_bound(after); it != calls_.end() && calls.size() < count; ++it)
    calls.push_back(it->second.get());
  return calls;
}

std::string Calls::token() {
  const Hash128 hash = KeyedHash<>(secret_).text("token").number(++tokens_).finish();
  std::string text;
  text.reserve(32);
  append_hex(text, hash.low);
  append_hex(text, hash.high);
  return text;
}

void Calls::index(const sip::Dialog& dialog, CallId call, std::size_t branch, Leg leg) {
  dialogs_[sip::dialog_key(secret_, dialog)] = {call, branch, leg};
}
void Calls::forget(const sip::Dialog& dialog) {
  dialogs_.erase(sip::dialog_key(secret_, dialog));
}
void Calls::watch(const sip::Hop& hop, CallId call) {
  if (hop.connection != 0) connections_.emplace(hop.connection, call);
}
void Calls::unwatch(const sip::Hop& hop, CallId call) {
  const auto [first, last] = connections_.equal_range(hop.connection);
  for (auto it = first; it != last; ++it)
    if (it->second == call) {
      connections_.erase(it);
      return;
    }
}
void Calls::index_relays(const MediaSession& media, CallId call) {
  for (const std::uint64_t relay : media.relays()) relays_[relay] = call;
}
void Calls::forget_relays(const MediaSession& media) {
  for (const std::uint64_t relay : media.relays()) relays_.erase(relay);
}

void Calls::set_timer(CallTimer& timer, sip::InstantMs due_ms) {
  if (timer.is_running() && timer.due_ms() == due_ms) return;
  wheel_.start(timer, due_ms);
  arm();
}

void Calls::retire(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  forget(found->second->transaction());
  traces_.over(id);
  retired_.push_back(std::move(found->second));
  calls_.erase(found);
  if (retired_.size() == 1) boost::asio::post(domain_.context, [this] { retired_.clear(); });
}

const SidePolicy& Calls::policy(const std::string& side) const {
  return domain_.config.policies.at(side);
}

// The connection on which a peer proved itself proves it again (decision 32); whoever comes by another way
// has to say who he is.
Calls::Origin Calls::origin_of(const PartyAddress& at, sip::ServerTransactionId id,
                               const sip::Message& request, const sip::Hop& hop) {
  const auto forbid = [&] {
    static_cast<void>(domain_.signalling.respond(id, domain_.signalling.response(id, 403)));
    return Origin::refused;
  };
  const bool is_stream = sip::is_reliable(hop.transport);
  if (is_stream && hop.connection == at.hop.connection && hop.transport == at.hop.transport)
    return Origin::same;
  if (at.trunk != nullptr) {
    if (domain_.gatekeeper.trunk_of(hop) != at.trunk) return forbid();
    return is_stream ? Origin::moved : Origin::same;
  }
  if (at.aor.empty())
    return hop.remote == at.hop.remote && hop.transport == at.hop.transport ? Origin::same : forbid();
  const auto caller = domain_.gatekeeper.prove(id, request, hop, AuthRole::proxy);
  if (!caller) return Origin::refused;
  return caller->user->aor == at.aor ? Origin::moved : forbid();
}

std::optional<sip::Hop> Calls::way_to(const PartyAddress& at, const sip::Dialog& dialog) {
  if (!sip::is_reliable(at.hop.transport)) {
    // Requests go to the Contact, or to the first proxy of the route set (RFC 3261 §12.2.1.1).
    const auto hop = reach_uri(dialog.next_hop(), at.hop);
    return hop && at.aor.empty() ? hop : at.hop;
  }
  if (domain_.signalling.transport().is_open(at.hop.connection)) return at.hop;
  if (const auto hop = returned(at, dialog)) return hop;
  return reach_uri(dialog.next_hop(), at.hop);
}

std::optional<sip::Hop> Calls::returned(const PartyAddress& at, const sip::Dialog& dialog) const {
  if (at.aor.empty()) return std::nullopt;
  for (const Target& target : domain_.subscribers.registrar().targets(at.aor, wall_time())) {
    const bool same_phone =
        at.instance.empty() ? target.contact == dialog.remote_target() : target.instance == at.instance;
    if (same_phone && domain_.signalling.transport().is_open(target.flow.connection)) return target.flow;
  }
  return std::nullopt;
}

std::optional<sip::Hop> Calls::reach_uri(std::string_view text, const sip::Hop& like) {
  // Nobody listens where a script is: its own connection leads to it, or none (RFC 7118 B.1, RFC 5626 §5.3).
  if (like.transport == sip::Transport::wss) return std::nullopt;
  // Of a bare URI a name-addr's parameters would be the header's (RFC 3261 §20.10): they are the URI's here.
  if (text.find('<') != std::string_view::npos)
    if (const auto name = sip::parse_name_addr(text)) text = name->uri;
  const auto uri = sip::parse_uri(text);
  if (!uri || !uri->is_sip()) return std::nullopt;
  std::string_view host = uri->host;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  transport::Target target;
  target.transport = like.transport;
  const std::string_view wanted = uri->parameters.value("transport");
  if (sip::text::equal_ignoring_case(wanted, "udp")) target.transport = sip::Transport::udp;
  if (sip::text::equal_ignoring_case(wanted, "tcp")) target.transport = sip::Transport::tcp;
  if (sip::text::equal_ignoring_case(wanted, "tls")) target.transport = sip::Transport::tls;
  const std::uint16_t port = uri->port != 0 ? uri->port : transport::default_port(target.transport);
  target.remote = {*address, port};
  target.server_name = address->to_string();
  target.listener = like.listener;
  const auto hop = domain_.signalling.transport().reach(target);
  return hop ? std::optional(*hop) : std::nullopt;
}

}  // namespace sallyport::control
