// SPDX-License-Identifier: GPL-3.0-or-later
// How calls end: goodbyes to whoever is still there, media given back, a record of it all.
#include <algorithm>
#include <utility>

#include "control/calls/calls.h"
#include "control/calls/description.h"
#include "sip/reason.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

void Call::end(const Ending& ending) {
  if (state_ == CallState::ended) return;
  if (state_ == CallState::calling) {
    Signalling& signalling = calls_.domain().signalling;
    cancel_others(winner_, ending.reason);
    if (winner_ != nullptr) say_goodbye(*winner_, Leg::b, ending.reason);
    sip::MessageWriter writer = signalling.response(invite_, ending.status >= 300 ? ending.status : 480);
    if (!ending.reason.empty()) writer.header(HeaderId::reason, ending.reason);
    static_cast<void>(signalling.respond(invite_, std::move(writer)));
    ++calls_.counters().failed;
  } else {
    for (const Leg leg : {Leg::a, Leg::b}) say_goodbye(*winner_, leg, ending.reason);
  }
  conclude(ending);
}

/// A BYE, or as soon as one is allowed. A party that hung up itself has no dialog any more.
void Call::say_goodbye(Branch& branch, Leg leg, std::string_view reason) {
  Party& party = branch.party(leg);
  if (party.dialog == nullptr || party.dialog->state() == sip::DialogState::terminated) return;
  if (party.ack_waits) acknowledge(branch, leg, party.ack_cseq, {});
  if (party.success) {
    party.bye_waits_for_ack = true;
    party.bye_reason = reason;
    ++goodbyes_;
    return;
  }
  send_bye(branch, leg, reason);
}

void Call::send_bye(Branch& branch, Leg leg, std::string_view reason) {
  Party& party = branch.party(leg);
  ++goodbyes_;
  const auto fill = [reason = std::string(reason)](sip::MessageWriter& writer) {
    if (!reason.empty()) writer.header(HeaderId::reason, reason);
  };
  // If no answer comes there is nothing left to do about it: RFC 3261 §15.1.1.
  static_cast<void>(ask(branch, leg, sip::name_of(Method::bye), fill, {},
                        later(branch, [](Call& call, Branch&, const Reply& reply) {
                          if (!reply.is_final()) return;
                          --call.goodbyes_;
                          call.finish_if_done();
                        })));
  party.dialog->terminate();
}

/// The call is over for both ends; transactions may still be under way.
void Call::conclude(const Ending& ending) {
  if (state_ == CallState::ended) return;
  state_ = CallState::ended;
  calls_.forget(invite_);
  CallRecord record = describe();
  record.end = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  record.status = record.answer ? 200 : ending.status;
  record.ended_by = ending.by;
  record.reason = ending.reason.empty() ? ending.why : ending.reason;
  calls_.domain().records.append(record);
  for (const auto& branch : branches_) {
    if (branch->media) calls_.forget_relays(*branch->media);
    branch->media.reset();
    branch->exchange.reset();
    branch->ticket.give_back();
  }
  ticket_.give_back();
  calls_.traces().end(id_);
  schedule();
  finish_if_done();
}

/// Without keys there is no media: a call that cannot be heard ends, unless the side's policy keeps it.
void Call::on_handshake_failure(Branch& branch, Leg leg, std::string_view outcome) {
  ++calls_.counters().handshake_failures;
  if (branch.party(leg).at.policy->handshake_failure == HandshakeFailurePolicy::keep) return;
  const std::string why = "media handshake: " + std::string(outcome);
  const std::string reason = sip::write_reason("SIP", 488, why);
  if (&branch == winner_) return end({EndedBy::us, 488, why, reason});
  if (!branch.open || state_ != CallState::calling) return;
  if (branch.invite) calls_.domain().signalling.cancel(*branch.invite, reason);
  branch_failed(branch, 488, why);
}

void Call::finish_if_done() {
  if (state_ != CallState::ended || goodbyes_ != 0) return;
  for (const auto& branch : branches_)
    if (branch->invite) return;
  calls_.retire(id_);
}

/// Nothing finds the branch any more.
void Call::close(Branch& branch) {
  for (Party& party : branch.parties)
    if (party.dialog != nullptr) calls_.forget(*party.dialog);
  if (branch.media) calls_.forget_relays(*branch.media);
  if (&branch != winner_) return;
  for (const Party& party : branch.parties) calls_.unwatch(party.at.hop, id_);
}

namespace {

RecordedStream stream_of(const dataplane::FlowCounters& counters, std::uint32_t clock_rate) {
  RecordedStream stream;
  stream.packets = counters.packets[0].get();
  stream.bytes = counters.rtp_bytes.get();
  const std::uint64_t expected = counters.expected.get();
  stream.lost = expected > stream.packets ? expected - stream.packets : 0;
  stream.jitter_ms = counters.jitter.get() / 16.0 * 1000.0 / clock_rate;
  stream.forged = counters.forged.get();
  stream.replayed = counters.replayed.get();
  return stream;
}

/// What the relay knows beside what was described: packets, and where they come from.
void add_traffic(const RelayInfo& relay, Leg leg, RecordedMedia& recorded) {
  const LegInfo& here = relay.legs[index(leg)];
  const LegInfo& there = relay.legs[index(other(leg))];
  recorded.relay = relay.id;
  recorded.local = here.local_rtp.to_string();
  if (here.source_rtp.port != 0) recorded.source = here.source_rtp.to_string();
  if (here.counters != nullptr) recorded.received = stream_of(*here.counters, here.clock_rate);
  if (there.counters == nullptr) return;
  recorded.sent = stream_of(*there.counters, there.clock_rate);
  recorded.sent.packets = there.counters->rtp_forwarded.get();
  recorded.sent.forged = recorded.sent.replayed = 0;
}

/// False if the connection is gone.
bool add_security(const transport::TransportLayer& transport, const sip::Hop& hop, RecordedLeg& leg) {
  const auto facts = transport.facts(hop.connection);
  if (!facts) return false;
  leg.listener = facts->listener;
  if (facts->tls) {
    leg.tls_version = facts->tls->version;
    leg.tls_cipher = facts->tls->cipher;
  }
  if (facts->peer) {
    leg.certificate_names = facts->peer->domains;
    leg.certificate_fingerprint = facts->peer->fingerprint;
  }
  return true;
}

void copy_security(const RecordedLeg& from, RecordedLeg& to) {
  to.listener = from.listener;
  to.tls_version = from.tls_version;
  to.tls_cipher = from.tls_cipher;
  to.certificate_names = from.certificate_names;
  to.certificate_fingerprint = from.certificate_fingerprint;
}

}  // namespace

void Call::remember_security(const Branch& branch) {
  const transport::TransportLayer& transport = calls_.domain().signalling.transport();
  static_cast<void>(add_security(transport, branch.party(Leg::a).at.hop, record_.a));
  static_cast<void>(add_security(transport, branch.party(Leg::b).at.hop, record_.b.emplace()));
}

RecordedLeg Call::describe_leg(const Branch& branch, Leg leg) const {
  const CallDomain& domain = calls_.domain();
  const Party& party = branch.party(leg);
  const PartyAddress& at = party.at;
  RecordedLeg out;
  out.side = at.side;
  out.identity = at.trunk != nullptr ? "trunk:" + at.trunk->config().name : at.aor;
  out.transport = sip::name(at.hop.transport);
  out.remote = at.hop.remote.to_string();
  out.digest_algorithm = at.digest;
  out.user_agent = party.user_agent;
  if (party.dialog != nullptr) {
    // The callee is called by a request of ours, the caller called by one of theirs.
    out.call_id = party.dialog->call_id();
    out.from = leg == Leg::b ? party.dialog->local_address() : party.dialog->remote_address();
    out.to = leg == Leg::b ? party.dialog->remote_address() : party.dialog->local_address();
  } else if (leg == Leg::a) {
    out.from = record_.a.from;
    out.to = record_.a.to;
  }
  if (!add_security(domain.signalling.transport(), at.hop, out) && (leg == Leg::a || record_.b))
    copy_security(leg == Leg::a ? record_.a : *record_.b, out);
  if (!branch.media) return out;
  for (const MediaFacts& medium : branch.media->facts()) {
    const MediaFacts::OfLeg& of_leg = medium.legs[index(leg)];
    RecordedMedia recorded;
    recorded.kind = medium.kind == sip::MediaKind::audio   ? "audio"
                    : medium.kind == sip::MediaKind::video ? "video"
                                                           : "other";
    for (const std::string& codec : medium.codecs)
      recorded.codec.append(recorded.codec.empty() ? "" : ",").append(codec);
    recorded.profile = of_leg.profile;
    if (of_leg.agreement) recorded.keys = name(*of_leg.agreement);
    if (of_leg.suite) recorded.suite = crypto::suite(*of_leg.suite).name;
    if (of_leg.end_to_end) recorded.keys = "end-to-end";
    recorded.handshake_failure = of_leg.handshake_failure;
    if (of_leg.zrtp)
      recorded.sas = RecordedSas{of_leg.zrtp->sas, of_leg.zrtp->verified, of_leg.zrtp->mismatch};
    recorded.ice = of_leg.ice;
    if (of_leg.remote) recorded.remote = of_leg.remote->to_string();
    if (const auto relay = domain.media.relays.show(medium.relay)) add_traffic(*relay, leg, recorded);
    out.media.push_back(std::move(recorded));
  }
  return out;
}

CallRecord Call::describe() const {
  CallRecord record = record_;
  const Branch* shown = winner_;
  if (shown == nullptr && !branches_.empty()) shown = branches_.back().get();
  if (shown == nullptr) return record;
  record.route = shown->target.route;
  if (shown->target.trunk != nullptr) record.trunk = shown->target.trunk->config().name;
  record.a = describe_leg(*shown, Leg::a);
  record.b = describe_leg(*shown, Leg::b);
  record.a.request_uri = record.called;
  const auto& contacts = shown->target.contacts;
  record.b->request_uri = contacts.empty() ? shown->target.request_uri
                                           : contacts[std::min(shown->contact, contacts.size() - 1)].contact;
  return record;
}

}  // namespace sallyport::control
