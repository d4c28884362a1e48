// SPDX-License-Identifier: GPL-3.0-or-later
// Requests within a call's dialogs: who may send them, and how they reach the other end.
#include <utility>

#include "control/calls/calls.h"
#include "control/calls/description.h"
#include "sip/cseq.h"
#include "sip/reason.h"
#include "sip/status.h"
#include "sip/uri.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

namespace {

constexpr std::uint64_t kRetryAfterSeconds = 1;

}  // namespace

void Call::on_request(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& request,
                      const sip::Hop& hop) {
  Party& party = branch.party(from);
  if (!is_from(party, id, request, hop)) return;
  // Both ends may hang up at once.
  if (party.dialog == nullptr || state_ == CallState::ended)
    return answer(id, request.method() == Method::bye ? 200 : 481);
  if (const unsigned status = party.dialog->check_request(request); status != 0) return answer(id, status);
  const Method method = request.method();
  if (method == Method::bye) return on_bye(branch, from, id, request);
  if (method == Method::invite || method == Method::update)
    return on_offer_request(branch, from, id, request);
  if (method == Method::prack) return on_prack(branch, from, id, request);
  if (method == Method::options) return answer(id, 200);
  if (method == Method::register_ || method == Method::publish) return answer(id, 405);
  pass_request(branch, from, id, request);
}

bool Call::is_from(Party& party, sip::ServerTransactionId id, const sip::Message& request,
                   const sip::Hop& hop) {
  const Calls::Origin origin = calls_.origin_of(party.at, id, request, hop);
  if (origin == Calls::Origin::moved) move(party, hop);
  return origin != Calls::Origin::refused;
}

/// The party is reached by another connection from now on.
void Call::move(Party& party, const sip::Hop& hop) {
  calls_.unwatch(party.at.hop, id_);
  party.at.hop = hop;
  party.lost_ms = 0;
  calls_.watch(hop, id_);
}

void Call::answer(sip::ServerTransactionId id, unsigned status, std::string_view reason) {
  Signalling& signalling = calls_.domain().signalling;
  sip::MessageWriter writer = signalling.response(id, status, reason);
  if (status == 200) writer.header(HeaderId::allow, kAllowInCalls);
  if (status == 500) writer.header(HeaderId::retry_after, kRetryAfterSeconds);
  static_cast<void>(signalling.respond(id, std::move(writer)));
}

void Call::on_bye(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& bye) {
  const std::string reason(bye.header(HeaderId::reason).value_or(""));
  answer(id, 200);
  const EndedBy by = from == Leg::a ? EndedBy::caller : EndedBy::called;
  Party& party = branch.party(from);
  party.dialog->terminate();
  party.success.reset();
  if (state_ == CallState::answered && winner_ == &branch) return end({by, 200, "hung up", reason});
  // RFC 3261 §15: the caller may end an early dialog by BYE; the callee should not, but may have lost its
  // mind.
  if (from == Leg::a) {
    cancel_others(nullptr, reason);
    Signalling& signalling = calls_.domain().signalling;
    static_cast<void>(signalling.respond(invite_, signalling.response(invite_, 487)));
    return conclude({by, 487, "hung up before the answer", reason});
  }
  if (branch.invite) calls_.domain().signalling.cancel(*branch.invite);
  branch_failed(branch, 480, "Callee Hung Up");
}

void Call::on_prack(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& prack) {
  const auto rack = sip::parse_rack(prack.header(HeaderId::rack).value_or(""));
  if (from != Leg::a || branch.reliable_out == nullptr || !rack ||
      branch.reliable_out->received_prack(*rack) != sip::ReliableSender::PrackAnswer::matches)
    return answer(id, rack ? 481 : 400);
  const bool has_offer = !description_of(prack).empty();
  const auto role = branch.party(from).exchange.received(sip::Carrier::prack, has_offer);
  if (role == sip::DescriptionRole::offer) {
    // What an UPDATE can do as well is not done here.
    branch.party(from).exchange.sent(sip::Carrier::prack_failure, false);
    return answer(id, 488, "No Offers In PRACK");
  }
  branch.party(from).exchange.sent(sip::Carrier::prack_success, false);
  answer(id, 200);
  if (!std::exchange(branch.accept_waits, false)) return;
  const auto response = std::move(branch.response);
  accept(branch, *response, std::exchange(branch.answer, {}));
}

/// INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE and what nobody has heard of: the other end answers.
void Call::pass_request(Branch& branch, Leg from, sip::ServerTransactionId id, const sip::Message& request) {
  const Leg to = other(from);
  if (branch.party(to).dialog == nullptr) return answer(id, 481);
  static_cast<void>(branch.party(from).dialog->refresh_target(request));
  // The request itself is the transaction's and stays until its final response.
  const auto fill = [this, &branch, to, id](sip::MessageWriter& writer) {
    const sip::Message* const source = calls_.domain().signalling.request_of(id);
    if (source == nullptr) return;
    for (const HeaderId field : {HeaderId::refer_to, HeaderId::content_disposition, HeaderId::allow_events})
      writer.copy(*source, field);
    if (source->has(HeaderId::referred_by))
      writer.header(
          HeaderId::referred_by,
          {"<",
           claim_.uri.empty() ? calls_.domain().signalling.contact_uri(branch.party(to).at.hop) : claim_.uri,
           ">"});
    write_common(writer, branch, to, source, true);
  };
  Body body;
  if (!request.body().empty())
    body = {std::string(request.header(HeaderId::content_type).value_or("application/octet-stream")),
            std::string(request.body())};
  static_cast<void>(
      ask(branch, to, request.method_text(), fill, std::move(body),
          later(branch, [id, from](Call& call, Branch& its, const Reply& reply) {
            if (!reply.is_final()) return;
            Signalling& signalling = call.calls_.domain().signalling;
            const unsigned status = sip::is_challenge(reply.status) ? 502 : reply.status;
            sip::MessageWriter writer = signalling.response(
                id, status, reply.message != nullptr ? reply.message->reason() : std::string_view());
            if (status / 100 == 2) call.write_common(writer, its, from, reply.message, false);
            if (reply.message != nullptr && !reply.message->body().empty()) copy_body(writer, *reply.message);
            static_cast<void>(signalling.respond(id, std::move(writer)));
            if (sip::failure_impact(reply.status) == sip::FailureImpact::dialog || reply.status == 481)
              call.end({EndedBy::us, reply.status, "the other end has no such call", {}});
          })));
}

/// False if there is no way to the party.
bool Call::find_way(Party& party) {
  const auto hop = calls_.way_to(party.at, *party.dialog);
  if (hop && *hop != party.at.hop) move(party, *hop);
  return hop.has_value();
}

bool Call::has_returned(Party& party) {
  const auto hop = party.dialog != nullptr ? calls_.returned(party.at, *party.dialog) : std::nullopt;
  if (hop) move(party, *hop);
  return hop.has_value();
}

std::optional<sip::ClientTransactionId> Call::ask(Branch& branch, Leg leg, std::string_view method, Fill fill,
                                                  Body body, OnReply on_reply, unsigned attempt) {
  const CallDomain& domain = calls_.domain();
  Party& party = branch.party(leg);
  if (!find_way(party)) {
    on_reply({503, nullptr});
    return std::nullopt;
  }
  const Signalling::NewVia via = domain.signalling.new_via(party.at.hop);
  sip::MessageWriter writer = party.dialog->request(method, via.value);
  fill(writer);
  DigestClient* const digest = party.at.trunk != nullptr ? party.at.trunk->digest() : nullptr;
  if (digest != nullptr)
    for (const CredentialField& field :
         digest->credentials(method, party.dialog->remote_target(), body.octets))
      writer.header(field.id, field.value);
  if (!body.octets.empty()) writer.body(body.type, body.octets);
  const std::string octets = writer.finish();
  OnReply handler = on_reply;
  if (digest != nullptr)
    handler = later(branch, [leg, method = std::string(method), fill, body, on_reply, attempt](
                                Call& call, Branch& its, const Reply& reply) {
      DigestClient* const client = its.party(leg).at.trunk->digest();
      if (sip::is_challenge(reply.status) && reply.message != nullptr && client != nullptr &&
          attempt < DigestClient::kMaxAttempts && client->learn(*reply.message, attempt))
        static_cast<void>(call.ask(its, leg, method, fill, body, on_reply, attempt + 1));
      else
        on_reply(reply);
    });
  const auto sent = domain.signalling.request(octets, via.branch, party.at.hop, std::move(handler));
  if (!sent) {
    on_reply({503, nullptr});
    return std::nullopt;
  }
  return *sent;
}

}  // namespace sallyport::control
