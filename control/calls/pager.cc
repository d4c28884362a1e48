// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of calls hold for messages too: who may send where, what of one side the other is shown.
#include "control/calls/pager.h"

#include <utility>

namespace sallyport::control {

using sip::HeaderId;

void Pager::answer(sip::ServerTransactionId id, unsigned status, std::string_view reason,
                   std::uint32_t retry_after_s) {
  sip::MessageWriter writer = domain_.signalling.response(id, status, reason);
  if (retry_after_s != 0) writer.header(HeaderId::retry_after, std::uint64_t{retry_after_s});
  static_cast<void>(domain_.signalling.respond(id, std::move(writer)));
}

void Pager::on_message(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  const auto caller = domain_.gatekeeper.identify(id, request, hop);
  if (!caller) return;
  Page page{id, calls_.address_of(*caller, hop), {}, {}};
  page.claim = calls_.claim_of(*caller, request, page.from);
  if (calls_.has_looped(request, page.from.side)) return answer(id, 482);
  auto routed = domain_.router.route(
      {request.request_uri(), page.from.side, caller->user, caller->trunk.get(), wall_time()});
  if (!routed) return answer(id, routed.error().status, routed.error().reason, routed.error().retry_after_s);
  page.target = std::move(routed->front());
  if (page.target.trunk == nullptr) return send(page, page.target.contacts.front().flow);
  const TrunkPtr trunk = page.target.trunk;
  domain_.trunks.locate(*trunk, [this, page = std::move(page)](Result<std::vector<transport::Target>> found) {
    if (!found || found->empty()) return answer(page.id, 503, "Trunk Cannot Be Found");
    const auto reached = domain_.signalling.transport().reach(found->front());
    if (!reached) return answer(page.id, 503, "Trunk Cannot Be Reached");
    send(page, *reached);
  });
}

void Pager::send(const Page& page, const sip::Hop& hop) {
  Signalling& signalling = domain_.signalling;
  const sip::Message* const request = signalling.request_of(page.id);
  if (request == nullptr) return;
  if (sip::is_reliable(hop.transport) && page.target.trunk == nullptr &&
      !signalling.transport().is_open(hop.connection))
    return answer(page.id, 480, "Connection To The Phone Is Lost");
  const SidePolicy& to_side = calls_.policy(domain_.config.sip.listeners[hop.listener].side);
  const auto identity =
      identity_for(*request, page.claim, *page.from.policy, to_side, domain_.config.sip.domains.front());
  if (!identity) return answer(page.id, identity.error().status, identity.error().reason);
  const Target* const contact = page.target.contacts.empty() ? nullptr : &page.target.contacts.front();
  const std::string& uri = contact != nullptr ? contact->contact : page.target.request_uri;
  const auto forwards = request->number(HeaderId::max_forwards);
  const std::uint32_t hops = forwards && *forwards ? **forwards : domain_.config.calls.max_forwards;

  const Signalling::NewVia via = signalling.new_via(hop);
  sip::MessageWriter writer = sip::MessageWriter::request(sip::Method::message, uri);
  writer.header(HeaderId::via, {via.value, ";", calls_.loop_mark(*request, page.from.side)});
  if (contact != nullptr && !contact->path.empty()) writer.header(HeaderId::route, contact->path);
  writer.header(HeaderId::max_forwards, std::uint64_t{hops - 1})
      .header(HeaderId::from, {identity->from, ";tag=", calls_.token()})
      .header(HeaderId::to, {"<", page.target.aor.empty() ? uri : page.target.aor, ">"})
      .header(HeaderId::call_id, calls_.token())
      .header(HeaderId::cseq, "1 MESSAGE");
  if (!identity->asserted.empty()) writer.header(HeaderId::p_asserted_identity, identity->asserted);
  if (!identity->privacy.empty()) writer.header(HeaderId::privacy, identity->privacy);
  copy_across(writer, *request, *page.from.policy, to_side);
  copy_body(writer, *request);
  const auto sent = signalling.request(
      writer.finish(), via.branch, hop,
      [this, id = page.id, from = page.from.policy, &to_side](const Reply& reply) {
        if (!reply.is_final()) return;
        const bool is_challenge = reply.status == 401 || reply.status == 407;
        const bool has_reason = reply.message != nullptr && !is_challenge;
        sip::MessageWriter response = domain_.signalling.response(
            id, is_challenge ? 502 : reply.status, has_reason ? reply.message->reason() : std::string_view());
        if (reply.message != nullptr) copy_across(response, *reply.message, to_side, *from);
        static_cast<void>(domain_.signalling.respond(id, std::move(response)));
      });
  if (!sent) return answer(page.id, 503, "Cannot Be Sent");
  ++carried_;
}

}  // namespace sallyport::control
