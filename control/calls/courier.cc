// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of calls hold for other requests too: who may send where, what of one side the other is shown.
#include "control/calls/courier.h"

#include <utility>

#include "sip/status.h"

namespace sallyport::control {

using sip::HeaderId;

namespace {}  // namespace

void Courier::answer(sip::ServerTransactionId id, unsigned status, std::string_view reason,
                     std::uint32_t retry_after_s) {
  sip::MessageWriter writer = domain_.signalling.response(id, status, reason);
  if (retry_after_s != 0) writer.header(HeaderId::retry_after, std::uint64_t{retry_after_s});
  static_cast<void>(domain_.signalling.respond(id, std::move(writer)));
}

void Courier::set_out(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop,
                      std::function<void(const ErrandPtr&)> go) {
  const auto caller = domain_.gatekeeper.identify(id, request, hop);
  if (!caller) return;
  auto errand = std::make_shared<Errand>();
  errand->id = id;
  errand->from = calls_.address_of(*caller, hop);
  errand->claim = calls_.claim_of(*caller, request, errand->from);
  if (calls_.has_looped(request, errand->from.side)) return answer(id, 482);
  auto routed = domain_.router.route(
      {request.request_uri(), errand->from.side, caller->user, caller->trunk.get(), wall_time()});
  if (!routed) return answer(id, routed.error().status, routed.error().reason, routed.error().retry_after_s);
  errand->target = std::move(routed->front());
  const TrunkPtr trunk = errand->target.trunk;
  if (trunk == nullptr) {
    const sip::Hop flow = errand->target.contacts.front().flow;
    if (sip::is_reliable(flow.transport) && !domain_.signalling.transport().is_open(flow.connection))
      return answer(id, 480, "Connection To The Phone Is Lost");
    return reach(errand, flow, go);
  }
  domain_.trunks.locate(*trunk, [this, errand, go](Result<std::vector<transport::Target>> found) {
    if (!found || found->empty()) return answer(errand->id, 503, "Trunk Cannot Be Found");
    const auto reached = domain_.signalling.transport().reach(found->front());
    if (!reached) return answer(errand->id, 503, "Trunk Cannot Be Reached");
    reach(errand, *reached, go);
  });
}

void Courier::reach(const ErrandPtr& errand, const sip::Hop& hop,
                    const std::function<void(const ErrandPtr&)>& go) {
  PartyAddress& to = errand->to;
  to.hop = hop;
  to.side = domain_.config.sip.listeners[hop.listener].side;
  to.policy = &calls_.policy(to.side);
  to.trunk = errand->target.trunk;
  to.aor = errand->target.aor;
  if (!errand->target.contacts.empty()) to.instance = errand->target.contacts.front().instance;
  const sip::Message* const request = domain_.signalling.request_of(errand->id);
  if (request == nullptr) return;
  const std::string& of_trunk = to.trunk != nullptr ? to.trunk->config().from_domain : std::string();
  auto identity = identity_for(*request, errand->claim, *errand->from.policy, *to.policy,
                               of_trunk.empty() ? domain_.config.sip.domains.front() : of_trunk);
  if (!identity) return answer(errand->id, identity.error().status, identity.error().reason);
  errand->identity = std::move(*identity);
  go(errand);
}

void Courier::send(const ErrandPtr& errand, const RequestNames& names, const Fill& fill,
                   const OnReply& done) {
  send_attempt(errand, names, fill, done, 0);
}

void Courier::send_attempt(const ErrandPtr& errand, const RequestNames& names, const Fill& fill,
                           const OnReply& done, unsigned attempt) {
  Signalling& signalling = domain_.signalling;
  const sip::Message* const request = signalling.request_of(errand->id);
  if (request == nullptr) return done({487, nullptr});
  const Signalling::NewVia via = signalling.new_via(errand->to.hop);
  std::string octets = write(*errand, *request, names, via.value, fill);
  const auto on_reply = [this, errand, names, fill, done, attempt](const Reply& reply) {
    if (!reply.is_final()) return;
    DigestClient* const digest = errand->to.trunk != nullptr ? errand->to.trunk->digest() : nullptr;
    if (!sip::is_challenge(reply.status) || reply.message == nullptr || digest == nullptr ||
        attempt >= DigestClient::kMaxAttempts || !digest->learn(*reply.message, attempt))
      return done(reply);
    send_attempt(errand, {names.call_id, names.from_tag, names.cseq + 1}, fill, done, attempt + 1);
  };
  if (!signalling.request(std::move(octets), via.branch, errand->to.hop, on_reply)) done({503, nullptr});
}

std::string Courier::write(const Errand& errand, const sip::Message& request, const RequestNames& names,
                           const std::string& via, const Fill& fill) const {
  const Target* const contact = errand.target.contacts.empty() ? nullptr : &errand.target.contacts.front();
  const std::string& uri = contact != nullptr ? contact->contact : errand.target.request_uri;
  const auto forwards = request.number(HeaderId::max_forwards);
  const std::uint32_t hops = forwards && *forwards ? **forwards : domain_.config.calls.max_forwards;
  const std::string_view method = request.method_text();

  sip::MessageWriter writer = sip::MessageWriter::request(method, uri);
  writer.header(HeaderId::via, {via, ";", calls_.loop_mark(request, errand.from.side)});
  if (contact != nullptr && !contact->path.empty()) writer.header(HeaderId::route, contact->path);
  writer.header(HeaderId::max_forwards, std::uint64_t{hops - 1})
      .header(HeaderId::from, {errand.identity.from, ";tag=", names.from_tag})
      .header(HeaderId::to, {"<", errand.target.aor.empty() ? uri : errand.target.aor, ">"})
      .header(HeaderId::call_id, names.call_id)
      .header(HeaderId::cseq, {std::to_string(names.cseq), " ", method});
  if (!errand.identity.asserted.empty())
    writer.header(HeaderId::p_asserted_identity, errand.identity.asserted);
  if (!errand.identity.privacy.empty()) writer.header(HeaderId::privacy, errand.identity.privacy);
  if (DigestClient* const digest = errand.to.trunk != nullptr ? errand.to.trunk->digest() : nullptr)
    for (const CredentialField& field : digest->credentials(method, uri, request.body()))
      writer.header(field.id, field.value);
  copy_across(writer, request, *errand.from.policy, *errand.to.policy);
  if (fill) fill(writer);
  copy_body(writer, request);
  return writer.finish();
}

void Courier::pass_back(const Errand& errand, const Reply& reply, const Fill& fill) {
  const bool has_reason = reply.message != nullptr && !sip::is_challenge(reply.status);
  sip::MessageWriter response =
      domain_.signalling.response(errand.id, sip::is_challenge(reply.status) ? 502 : reply.status,
                                  has_reason ? reply.message->reason() : std::string_view());
  if (reply.message != nullptr) copy_across(response, *reply.message, *errand.to.policy, *errand.from.policy);
  if (fill) fill(response);
  if (reply.message != nullptr) copy_body(response, *reply.message);
  static_cast<void>(domain_.signalling.respond(errand.id, std::move(response)));
}

void copy_event_fields(sip::MessageWriter& writer, const sip::Message& from) {
  for (const HeaderId field : {HeaderId::allow_events, HeaderId::sip_etag, HeaderId::sip_if_match})
    writer.copy(from, field);
}

}  // namespace sallyport::control
