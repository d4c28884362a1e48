// SPDX-License-Identifier: GPL-3.0-or-later
// What callees say to our INVITEs, and how the caller hears of it.
#include <utility>

#include "base/random.h"
#include "control/calls/calls.h"
#include "control/calls/description.h"
#include "sip/cseq.h"
#include "sip/option_tags.h"
#include "sip/reason.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

namespace {

constexpr unsigned kMaxRetries = 4;  // after challenges and 422

std::string tag_of(const sip::Message& message) {
  const auto to = message.to();
  return to ? std::string(to->tag()) : std::string();
}

std::uint32_t sequence_of(const sip::Message& message) {
  const auto cseq = message.cseq();
  return cseq ? cseq->number : 0;
}

}  // namespace

void Call::on_invite_reply(Branch& branch, const Reply& reply) {
  branch.heard = true;
  if (reply.message == nullptr) {
    branch.invite.reset();
    if (branch.open && branch.target.trunk != nullptr) branch.target.trunk->attempt_failed();
    if (branch.open && !try_elsewhere(branch))
      branch_failed(branch, reply.status, reply.status == 408 ? "No Answer" : "Connection Failed");
    return finish_if_done();
  }
  sip::Message& response = *reply.message;
  if (response.status() == 100) return schedule();
  // What comes while media is being set up keeps its place behind it.
  if (branch.response != nullptr && branch.open)
    branch.later_responses.push_back(std::move(response));
  else
    handle_response(branch, response);
  schedule();
  finish_if_done();
}

void Call::handle_response(Branch& branch, sip::Message& response) {
  if (response.status() < 200) return handle_provisional(branch, response);
  // A 2xx leaves the transaction open for further ones; nothing of that is waited for.
  branch.invite.reset();
  if (response.status() < 300) return handle_success(branch, response);
  handle_failure(branch, response);
}

void Call::handle_provisional(Branch& branch, sip::Message& response) {
  if (!branch.open || state_ != CallState::calling) return;
  branch.rings = true;
  const auto found = branch.dialogs->received(response);
  sip::Dialog* const dialog = found ? *found : nullptr;
  const bool reliable = sip::is_reliable_provisional(response);
  if (reliable) {
    const auto rseq = response.number(HeaderId::rseq);
    if (dialog == nullptr || !rseq || !*rseq ||
        branch.reliable_in.received(**rseq) != sip::ReliableReceiver::Verdict::acknowledge)
      return;
    send_prack(branch, *dialog, response);
  }
  Party& b = branch.party(Leg::b);
  if (dialog != nullptr && b.dialog == nullptr) {
    b.dialog = dialog;
    b.allows_update = sip::allows(response, Method::update);
    calls_.index(*dialog, id_, branch.index, Leg::b);
  }
  const auto carrier = reliable ? sip::Carrier::reliable_provisional : sip::Carrier::provisional;
  const auto role = b.exchange.received(carrier, !description_of(response).empty());
  if (role == sip::DescriptionRole::answer || role == sip::DescriptionRole::preview)
    return take_answer(branch, response, !reliable);
  send_provisional(branch, response, {});
}

void Call::take_answer(Branch& branch, sip::Message& response, bool preview) {
  const std::string description = description_of(response);
  branch.response = std::make_unique<sip::Message>(std::move(response));
  branch.media->answer(Leg::b, description,
                       later(branch, [](Call& call, Branch& its,
                                        const MediaSession::Text& text) { call.on_media_ready(its, text); }),
                       preview);
}

void Call::on_media_ready(Branch& branch, const MediaSession::Text& text) {
  const std::unique_ptr<sip::Message> response = std::move(branch.response);
  if (response == nullptr || !branch.open) return;
  if (response->status() < 200) {
    // Early media that cannot be is a pity; the answer proper will tell.
    send_provisional(branch, *response, text ? *text : std::string());
  } else if (text) {
    accept(branch, *response, *text);
  } else {
    const MediaFault fault = text.error();
    say_goodbye(branch, Leg::b, sip::write_reason("SIP", fault.status, fault.reason));
    winner_ = nullptr;
    branch_failed(branch, fault.status, fault.reason);
  }
  while (branch.response == nullptr && !branch.later_responses.empty()) {
    sip::Message next = std::move(branch.later_responses.front());
    branch.later_responses.pop_front();
    handle_response(branch, next);
  }
  schedule();
  finish_if_done();
}

void Call::send_prack(Branch& branch, sip::Dialog& dialog, const sip::Message& response) {
  const auto rseq = response.number(HeaderId::rseq);
  const auto cseq = response.cseq();
  Signalling& signalling = calls_.domain().signalling;
  const Party& b = branch.party(Leg::b);
  const Signalling::NewVia via = signalling.new_via(b.at.hop);
  sip::MessageWriter writer = dialog.request(Method::prack, via.value);
  writer.header(HeaderId::rack, sip::write_rack(**rseq, *cseq));
  // If it fails, the callee repeats its response, and another PRACK follows.
  static_cast<void>(signalling.request(writer.finish(), via.branch, b.at.hop, [](const Reply&) {}));
}

// The caller's view of a branch: a dialog with a tag of its own, as if a proxy had forked.
bool Call::open_caller_dialog(Branch& branch, const sip::Message& invite) {
  Party& a = branch.party(Leg::a);
  if (a.dialog != nullptr) return true;
  auto dialog = sip::Dialog::from_request(invite, branch.a_tag, invite.request_uri().starts_with("sips:"));
  if (!dialog) return false;
  a.own_dialog = std::make_unique<sip::Dialog>(std::move(*dialog));
  a.dialog = a.own_dialog.get();
  calls_.index(*a.dialog, id_, branch.index, Leg::a);
  return true;
}

sip::MessageWriter Call::response_to_caller(Branch& branch, const sip::Message& invite, unsigned status,
                                            std::string_view reason) {
  sip::MessageWriter writer = sip::response_to(invite, status, reason, branch.a_tag, &caller_.hop.remote);
  writer.copy(invite, HeaderId::record_route);
  return writer;
}

void Call::send_provisional(Branch& branch, const sip::Message& response, std::string_view sdp) {
  Signalling& signalling = calls_.domain().signalling;
  const sip::Message* const invite = signalling.request_of(invite_);
  if (invite == nullptr || state_ != CallState::calling || !open_caller_dialog(branch, *invite)) return;
  if (!record_.ringing)
    record_.ringing = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  Party& a = branch.party(Leg::a);
  const auto support = sip::reliable_support(*invite);
  const bool reliable =
      support == sip::ReliableSupport::required ||
      (support == sip::ReliableSupport::supported && sip::is_reliable_provisional(response));
  if (reliable && branch.reliable_out == nullptr)
    branch.reliable_out =
        std::make_unique<sip::ReliableSender>(random_value<std::uint32_t>(), sequence_of(*invite));
  if (reliable && !branch.reliable_out->may_send()) return;  // the one that waits says as much

  const auto carrier = reliable ? sip::Carrier::reliable_provisional : sip::Carrier::provisional;
  const auto role = a.exchange.role_if_sent(carrier, !sdp.empty());
  if (role == sip::DescriptionRole::ignored || role == sip::DescriptionRole::unexpected) sdp = {};
  a.exchange.sent(carrier, !sdp.empty());
  sip::MessageWriter writer = response_to_caller(branch, *invite, response.status(), response.reason());
  if (reliable)
    writer.header(HeaderId::require, "100rel")
        .header(HeaderId::rseq, std::uint64_t{branch.reliable_out->next_rseq()});
  write_common(writer, branch, Leg::a, &response, false);
  if (!sdp.empty()) writer.body(kSdpType, sdp);
  std::string octets = writer.finish();
  if (reliable) branch.reliable_out->sent(octets, !sdp.empty(), signalling.now());
  static_cast<void>(signalling.respond(invite_, response.status(), std::move(octets)));
}

void Call::handle_success(Branch& branch, sip::Message& response) {
  Party& b = branch.party(Leg::b);
  if (winner_ == &branch && b.dialog != nullptr && b.dialog->remote_tag() == tag_of(response)) {
    if (!b.ack.empty()) static_cast<void>(calls_.domain().signalling.send_plain(b.at.hop, b.ack));
    return;
  }
  const auto found = branch.dialogs->received(response);
  const bool is_wanted = branch.open && state_ == CallState::calling && winner_ == nullptr;
  if (!is_wanted || !found || *found == nullptr) return refuse_late_success(branch, response);

  if (b.dialog != nullptr) calls_.forget(*b.dialog);
  b.dialog = *found;
  calls_.index(*b.dialog, id_, branch.index, Leg::b);
  b.allows_update = sip::allows(response, Method::update);
  b.user_agent =
      response.header(HeaderId::user_agent).value_or(response.header(HeaderId::server).value_or(""));
  b.session.received_success(response, calls_.domain().signalling.now());
  winner_ = &branch;
  cancel_others(&branch, sip::write_reason("SIP", 200, "Call completed elsewhere"));

  const std::string description = description_of(response);
  const auto role = b.exchange.received(sip::Carrier::success, !description.empty());
  if (role == sip::DescriptionRole::offer) {
    b.ack_waits = true;
    b.ack_cseq = sequence_of(response);
    const MediaSession::Text text = branch.media->offer(Leg::b, description);
    branch.response = std::make_unique<sip::Message>(std::move(response));
    return on_media_ready(branch, text);
  }
  acknowledge(branch, Leg::b, sequence_of(response), {});
  if (role == sip::DescriptionRole::answer) return take_answer(branch, response, false);
  branch.response = std::make_unique<sip::Message>(std::move(response));
  if (role == sip::DescriptionRole::missing || !has_offer_)
    return on_media_ready(branch, tl::unexpected(MediaFault{488, "No Session Description"}));
  on_media_ready(branch, MediaSession::Text(std::string()));  // a reliable response had the answer before
}

/// The ACK of a 2xx, and what is sent again when that 2xx is repeated.
void Call::acknowledge(Branch& branch, Leg leg, std::uint32_t cseq, std::string_view sdp) {
  Signalling& signalling = calls_.domain().signalling;
  Party& party = branch.party(leg);
  const Signalling::NewVia via = signalling.new_via(party.at.hop);
  sip::MessageWriter writer = party.dialog->ack(cseq, via.value);
  if (!sdp.empty()) writer.body(kSdpType, sdp);
  party.ack = writer.finish();
  party.ack_cseq = cseq;
  party.ack_waits = false;
  party.exchange.sent(sip::Carrier::ack, !sdp.empty());
  static_cast<void>(signalling.send_plain(party.at.hop, party.ack));
}

// Somebody answered whom nobody waits for any more: another fork, or the CANCEL came too late.
void Call::refuse_late_success(Branch& branch, sip::Message& success) {
  auto dialog = sip::Dialog::from_response(success, branch.target.request_uri, false);
  if (!dialog) return;
  Signalling& signalling = calls_.domain().signalling;
  const sip::Hop hop = branch.party(Leg::b).at.hop;
  static_cast<void>(
      signalling.send_plain(hop, dialog->ack(sequence_of(success), signalling.new_via(hop).value).finish()));
  const Signalling::NewVia via = signalling.new_via(hop);
  sip::MessageWriter writer = dialog->request(Method::bye, via.value);
  writer.header(HeaderId::reason, sip::write_reason("SIP", 487, "Answered too late"));
  ++goodbyes_;
  const auto sent = signalling.request(writer.finish(), via.branch, hop,
                                       later(branch, [](Call& call, Branch&, const Reply& reply) {
                                         if (!reply.is_final()) return;
                                         --call.goodbyes_;
                                         call.finish_if_done();
                                       }));
  if (!sent) --goodbyes_;
}

void Call::accept(Branch& branch, const sip::Message& response, std::string_view sdp) {
  const CallDomain& domain = calls_.domain();
  const sip::Message* const invite = domain.signalling.request_of(invite_);
  if (invite == nullptr || state_ != CallState::calling || !open_caller_dialog(branch, *invite)) {
    say_goodbye(branch, Leg::b, {});
    return conclude({EndedBy::us, 500, "the caller is gone", {}});
  }
  if (branch.reliable_out != nullptr && !branch.reliable_out->may_accept()) {
    branch.accept_waits = true;
    branch.response = std::make_unique<sip::Message>(response);
    branch.answer = sdp;
    return;
  }
  Party& a = branch.party(Leg::a);
  const auto role = a.exchange.role_if_sent(sip::Carrier::success, !sdp.empty());
  if (role == sip::DescriptionRole::ignored) sdp = {};
  a.exchange.sent(sip::Carrier::success, !sdp.empty());
  sip::MessageWriter writer = response_to_caller(branch, *invite, 200, {});
  writer.header(HeaderId::supported, "100rel, timer, replaces");
  sip::SessionTimer::write_success(writer, branch.session);
  write_common(writer, branch, Leg::a, &response, false);
  if (!sdp.empty()) writer.body(kSdpType, sdp);
  std::string octets = writer.finish();

  state_ = CallState::answered;
  answered_ms_ = domain.signalling.now();
  record_.answer = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  remember_security(branch);
  ++calls_.counters().answered;
  a.dialog->confirm();
  a.session.sent_success(branch.session, answered_ms_);
  if (branch.reliable_out != nullptr) branch.reliable_out->sent_final();
  const bool has_late_offer = branch.party(Leg::b).ack_waits;
  a.success.emplace(Unacknowledged{invite_, octets, sip::Repeater::of_success(answered_ms_), has_late_offer});
  if (!has_late_offer) branch.media->settle();
  calls_.index_relays(*branch.media, id_);
  calls_.forget(invite_);
  calls_.watch(branch.party(Leg::b).at.hop, id_);
  static_cast<void>(domain.signalling.respond(invite_, 200, std::move(octets)));
}

void Call::handle_failure(Branch& branch, sip::Message& response) {
  branch.party(Leg::b).exchange.received(sip::Carrier::failure, false);
  branch.dialogs->end_early();
  if (!branch.open) return;
  if (try_again(branch, response)) return;
  const unsigned status = response.status();
  Trunk* const trunk = branch.target.trunk.get();
  const bool is_gone = status == 430 || status == 503;
  if (trunk != nullptr && is_gone) trunk->attempt_failed();
  if (is_gone && try_elsewhere(branch)) return;
  const std::string reason(response.reason());
  branch_failed(branch, status, reason, std::make_unique<sip::Message>(std::move(response)));
}

/// After a challenge that we may answer, or a 422 with a longer interval. Users' phones are never answered:
/// they would collect digests to crack (CVE-2021-41158).
bool Call::try_again(Branch& branch, const sip::Message& response) {
  Party& b = branch.party(Leg::b);
  if (branch.challenges >= kMaxRetries) return false;
  const unsigned status = response.status();
  if (status == 401 || status == 407) {
    DigestClient* const digest = b.at.trunk != nullptr ? b.at.trunk->digest() : nullptr;
    if (digest == nullptr || !digest->learn(response, branch.challenges)) return false;
  } else if (status != 422 || !b.session.received_422(response)) {
    return false;
  }
  ++branch.challenges;
  if (b.dialog != nullptr) calls_.forget(*b.dialog);
  b.dialog = nullptr;
  return send_invite(branch) || !branch.open;
}

}  // namespace sallyport::control
