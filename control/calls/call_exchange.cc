// SPDX-License-Identifier: GPL-3.0-or-later
// INVITE and UPDATE within a call: an offer of one end becomes one to the other, and its answer comes back.
#include <utility>

#include "control/calls/calls.h"
#include "control/calls/description.h"
#include "sip/option_tags.h"
#include "sip/reason.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

namespace {

sip::Carrier request_carrier(Method method) {
  return method == Method::update ? sip::Carrier::update : sip::Carrier::invite;
}
sip::Carrier success_carrier(Method method) {
  return method == Method::update ? sip::Carrier::update_success : sip::Carrier::success;
}
sip::Carrier failure_carrier(Method method) {
  return method == Method::update ? sip::Carrier::update_failure : sip::Carrier::failure;
}

}  // namespace

void Call::on_offer_request(Branch& branch, Leg from, sip::ServerTransactionId id,
                            const sip::Message& request) {
  Signalling& signalling = calls_.domain().signalling;
  Party& party = branch.party(from);
  Party& peer = branch.party(other(from));
  const Method method = request.method();
  std::string sdp = description_of(request);
  const auto carrier = request_carrier(method);
  if (const unsigned glare = party.exchange.glare_status(carrier, !sdp.empty()); glare != 0)
    return answer(id, glare);
  const bool is_refresh = method == Method::update && sdp.empty();
  // Before the call is answered, or while another exchange is under way, there is nobody to pass an offer to.
  if (!is_refresh && (branch.exchange || peer.dialog == nullptr || state_ != CallState::answered ||
                      peer.ack_waits || peer.success || !peer.exchange.may_send_invite()))
    return answer(id, 491);
  const sip::SessionTimer::Answer session = party.session.received_request(request);
  if (session.status != 0) {
    sip::MessageWriter writer = signalling.response(id, session.status);
    if (session.status == 422) writer.header(HeaderId::min_se, std::uint64_t{session.min_se_s});
    static_cast<void>(signalling.respond(id, std::move(writer)));
    return;
  }
  if (const auto target = party.dialog->refresh_target(request); !target)
    return answer(id, 400, "Malformed Contact");
  party.exchange.received(carrier, !sdp.empty());
  branch.exchange = Exchange{from, id, method, std::nullopt, session, !sdp.empty()};
  if (is_refresh) return finish_exchange(branch, 200, {}, {});
  if (sdp.empty()) return pass_exchange(branch, request, {});
  MediaSession::Text text = branch.media->offer(from, sdp);
  if (!text) return finish_exchange(branch, text.error().status, text.error().reason, {});
  pass_exchange(branch, request, std::move(*text));
}

void Call::pass_exchange(Branch& branch, const sip::Message& request, std::string sdp) {
  const Leg to = other(branch.exchange->from);
  Party& peer = branch.party(to);
  const bool by_update = branch.exchange->method == Method::update && peer.allows_update;
  const Method method = by_update ? Method::update : Method::invite;
  peer.exchange.sent(request_carrier(method), !sdp.empty());
  const sip::ServerTransactionId id = branch.exchange->request;
  const auto fill = [this, &branch, to, id](sip::MessageWriter& writer) {
    writer.header(HeaderId::supported, "timer, replaces");
    branch.party(to).session.write_request(writer);
    write_common(writer, branch, to, calls_.domain().signalling.request_of(id), true);
  };
  static_cast<void>(request);
  const auto sent = ask(branch, to, sip::name_of(method), fill, sdp_body(std::move(sdp)),
                        later(branch, [method](Call& call, Branch& its, const Reply& reply) {
                          call.on_exchange_reply(its, method, reply);
                        }));
  if (branch.exchange) branch.exchange->sent = sent;
}

void Call::on_exchange_reply(Branch& branch, Method method, const Reply& reply) {
  if (!reply.is_final()) return;
  const bool is_success = reply.status / 100 == 2;
  if (is_success && reply.message != nullptr) return on_exchange_success(branch, method, *reply.message);
  if (!branch.exchange) return;
  const Leg to = other(branch.exchange->from);
  branch.party(to).exchange.received(failure_carrier(method), false);
  if (branch.media->offer_is_open()) branch.media->reject();
  const bool is_over = reply.status == 481 || reply.status == 408;
  const unsigned status = reply.status == 401 || reply.status == 407 ? 502 : reply.status;
  finish_exchange(branch, status, reply.message != nullptr ? reply.message->reason() : std::string_view(),
                  {});
  if (is_over) end({EndedBy::us, reply.status, "the other end has no such call", {}});
}

void Call::on_exchange_success(Branch& branch, Method method, sip::Message& response) {
  const auto cseq = response.cseq();
  // Repeated: our ACK was lost.
  const auto repeated = [&](Party& party) {
    if (party.dialog == nullptr || !party.dialog->owns_response(response) || party.ack.empty() ||
        party.ack_cseq != cseq->number)
      return false;
    static_cast<void>(calls_.domain().signalling.send_plain(party.at.hop, party.ack));
    return true;
  };
  if (method == Method::invite && (repeated(branch.party(Leg::a)) || repeated(branch.party(Leg::b)))) return;
  if (!branch.exchange) return;
  const Leg to = other(branch.exchange->from);
  Party& peer = branch.party(to);
  static_cast<void>(peer.dialog->refresh_target(response));
  peer.session.received_success(response, calls_.domain().signalling.now());
  const std::string sdp = description_of(response);
  const auto role = peer.exchange.received(success_carrier(method), !sdp.empty());
  if (role == sip::DescriptionRole::offer) {
    // The ACK waits for the answer of whoever asked.
    peer.ack_waits = true;
    peer.ack_cseq = cseq->number;
    const MediaSession::Text text = branch.media->offer(to, sdp);
    return finish_exchange(branch, text ? 200 : text.error().status,
                           text ? std::string_view() : text.error().reason, text ? *text : std::string());
  }
  if (method == Method::invite) acknowledge(branch, to, cseq->number, {});
  if (role != sip::DescriptionRole::answer) {
    if (branch.media->offer_is_open()) branch.media->reject();
    return finish_exchange(branch, 488, "No Answer To The Offer", {});
  }
  branch.media->answer(to, sdp, later(branch, [](Call& call, Branch& its, const MediaSession::Text& text) {
                         if (!its.exchange) return;
                         if (!text && its.media->offer_is_open()) its.media->reject();
                         call.finish_exchange(its, text ? 200 : text.error().status,
                                              text ? std::string_view() : text.error().reason,
                                              text ? *text : std::string());
                         call.calls_.index_relays(*its.media, call.id_);
                       }));
}

/// The answer for whoever began the exchange.
void Call::finish_exchange(Branch& branch, unsigned status, std::string_view reason, std::string_view sdp) {
  const Exchange exchange = *std::exchange(branch.exchange, std::nullopt);
  Signalling& signalling = calls_.domain().signalling;
  Party& party = branch.party(exchange.from);
  Party& peer = branch.party(other(exchange.from));
  const bool is_success = status / 100 == 2;
  if (!is_success && peer.ack_waits) acknowledge(branch, other(exchange.from), peer.ack_cseq, {});
  if (is_success && !peer.ack_waits) branch.media->settle();
  party.exchange.sent(is_success ? success_carrier(exchange.method) : failure_carrier(exchange.method),
                      !sdp.empty());
  sip::MessageWriter writer = signalling.response(exchange.request, status, reason);
  if (is_success) {
    writer.header(HeaderId::supported, "timer, replaces");
    sip::SessionTimer::write_success(writer, exchange.session);
    write_common(writer, branch, exchange.from, nullptr, false);
    party.session.sent_success(exchange.session, signalling.now());
  }
  if (!sdp.empty()) writer.body(kSdpType, sdp);
  std::string octets = writer.finish();
  if (is_success && exchange.method == Method::invite)
    party.success.emplace(Unacknowledged{exchange.request, octets,
                                         sip::Repeater::of_success(signalling.now()), peer.ack_waits});
  static_cast<void>(signalling.respond(exchange.request, status, std::move(octets)));
  schedule();
}

void Call::on_exchange_cancel() {
  if (winner_ == nullptr || !winner_->exchange || !winner_->exchange->sent) return;
  calls_.domain().signalling.cancel(*winner_->exchange->sent);
}

void Call::on_ack(Branch& branch, Leg from, const sip::Message& ack) {
  Party& party = branch.party(from);
  if (party.dialog == nullptr || party.dialog->check_request(ack) != 0 || !party.success) return;
  const bool brings_answer = party.success->wants_answer;
  party.success.reset();
  party.exchange.received(sip::Carrier::ack, brings_answer && !description_of(ack).empty());
  if (party.bye_waits_for_ack) {
    party.bye_waits_for_ack = false;
    --goodbyes_;
    send_bye(branch, from, party.bye_reason);
  } else if (brings_answer) {
    take_late_answer(branch, from, ack);
  }
  schedule();
}

/// The offer came in a 2xx, so that its answer comes in the ACK.
void Call::take_late_answer(Branch& branch, Leg from, const sip::Message& ack) {
  const std::string sdp = description_of(ack);
  if (sdp.empty()) return end({EndedBy::us, 488, "no answer to the offer in the 2xx", {}});
  branch.media->answer(from, sdp,
                       later(branch, [from](Call& call, Branch& its, const MediaSession::Text& text) {
                         Party& peer = its.party(other(from));
                         if (!text || peer.dialog == nullptr)
                           return call.end({EndedBy::us,
                                            text ? 500U : text.error().status,
                                            text ? "the callee is gone" : text.error().reason,
                                            {}});
                         call.acknowledge(its, other(from), peer.ack_cseq, *text);
                         its.media->settle();
                         call.calls_.index_relays(*its.media, call.id_);
                       }));
}

/// RFC 4028 §7.4: an UPDATE without offer, or the last offer once more.
void Call::refresh(Branch& branch, Leg leg) {
  Party& party = branch.party(leg);
  const bool by_update = party.allows_update;
  if (!by_update &&
      (branch.exchange || !party.exchange.may_send_invite() || party.success || party.ack_waits)) {
    party.session.retry_refresh(calls_.domain().signalling.now() + 2000);
    return;
  }
  const Method method = by_update ? Method::update : Method::invite;
  const std::string sdp = by_update ? std::string() : std::string(branch.media->description(leg));
  party.exchange.sent(request_carrier(method), !sdp.empty());
  const auto fill = [this, &branch, leg](sip::MessageWriter& writer) {
    writer.header(HeaderId::supported, "timer, replaces");
    branch.party(leg).session.write_request(writer);
    write_common(writer, branch, leg, nullptr, true);
  };
  static_cast<void>(
      ask(branch, leg, sip::name_of(method), fill, sdp_body(sdp),
          later(branch, [leg, method](Call& call, Branch& its, const Reply& reply) {
            if (!reply.is_final()) return;
            Party& refreshed = its.party(leg);
            const bool is_success = reply.status / 100 == 2 && reply.message != nullptr;
            if (is_success) {
              const auto cseq = reply.message->cseq();
              const bool is_new = refreshed.ack.empty() || refreshed.ack_cseq != cseq->number;
              if (method == Method::invite) call.acknowledge(its, leg, cseq->number, {});
              if (!is_new) return;
              refreshed.exchange.received(success_carrier(method), !description_of(*reply.message).empty());
              refreshed.session.received_success(*reply.message, call.calls_.domain().signalling.now());
              return call.schedule();
            }
            refreshed.exchange.received(failure_carrier(method), false);
            if (sip::failure_impact(reply.status) == sip::FailureImpact::transaction) {
              refreshed.session.retry_refresh(call.calls_.domain().signalling.now() + 5000);
              return call.schedule();
            }
            call.end({EndedBy::us, reply.status, "a session refresh was refused",
                      sip::write_reason("SIP", reply.status, "Session refresh failed")});
          })));
}

}  // namespace sallyport::control
