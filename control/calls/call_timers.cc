// SPDX-License-Identifier: GPL-3.0-or-later
// Everything in a call that waits: one timer, set to what comes first.
#include <algorithm>

#include "control/calls/calls.h"
#include "control/calls/description.h"
#include "sip/reason.h"

namespace sallyport::control {

namespace {

constexpr std::uint64_t kMs = 1000;

/// When a branch that has not answered is given up; 0: never.
sip::InstantMs patience_ends(const Branch& branch, const CallsConfig& config) {
  if (!branch.heard) return branch.began_ms + config.first_response_s * kMs;
  if (!branch.rings && config.progress_s != 0) return branch.began_ms + config.progress_s * kMs;
  return 0;
}

}  // namespace

void Call::schedule() {
  std::optional<sip::InstantMs> next;
  const auto consider = [&next](std::optional<sip::InstantMs> due) {
    if (due && (!next || *due < *next)) next = due;
  };
  const CallsConfig& config = calls_.domain().config.calls;
  if (state_ == CallState::calling) consider(began_ms_ + config.ring_s * kMs);
  if (state_ == CallState::answered && config.max_duration_s != 0)
    consider(answered_ms_ + config.max_duration_s * kMs);
  for (const auto& branch : branches_) {
    if (branch->open && state_ == CallState::calling && winner_ == nullptr && branch->invite)
      if (const sip::InstantMs due = patience_ends(*branch, config); due != 0) consider(due);
    if (branch->reliable_out && state_ == CallState::calling) consider(branch->reliable_out->next_deadline());
    for (const Party& party : branch->parties) {
      if (party.success) consider(party.success->repeater.next_deadline());
      if (party.lost_ms != 0 && state_ == CallState::answered)
        consider(party.lost_ms + config.reconnect_s * kMs);
      if (state_ == CallState::answered && branch.get() == winner_) consider(party.session.next_deadline());
    }
  }
  if (next)
    calls_.set_timer(timer_, *next);
  else
    calls_.stop_timer(timer_);
}

void Call::on_timer(sip::InstantMs now) {
  watch_patience(now);
  for (std::size_t i = 0; i < branches_.size(); ++i) watch_acknowledgements(*branches_[i], now);
  if (state_ == CallState::answered) watch_session(now);
  if (state_ == CallState::answered) watch_connections(now);
  schedule();
}

void Call::watch_patience(sip::InstantMs now) {
  const CallsConfig& config = calls_.domain().config.calls;
  if (state_ != CallState::calling || winner_ != nullptr) return;
  if (now >= began_ms_ + config.ring_s * kMs) {
    definite_ = true;
    best_status_ = 408;
    best_reason_ = "Nobody Answered";
    best_response_.reset();
    return refuse(best_status_, best_reason_);
  }
  for (std::size_t i = 0; i < branches_.size() && state_ == CallState::calling; ++i) {
    Branch& branch = *branches_[i];
    const sip::InstantMs due = patience_ends(branch, config);
    if (!branch.open || !branch.invite || due == 0 || now < due) continue;
    calls_.domain().signalling.cancel(*branch.invite);
    if (branch.target.trunk != nullptr) branch.target.trunk->attempt_failed();
    branch_failed(branch, 408, "No Response In Time");
  }
}

/// What is repeated until the other end has acknowledged it.
void Call::watch_acknowledgements(Branch& branch, sip::InstantMs now) {
  Signalling& signalling = calls_.domain().signalling;
  if (branch.reliable_out && state_ == CallState::calling) {
    const auto step = branch.reliable_out->advance(now);
    if (step == sip::Repeater::Step::repeat)
      static_cast<void>(signalling.respond(invite_, 183, branch.reliable_out->octets()));
    if (step == sip::Repeater::Step::give_up) end({EndedBy::us, 504, "no PRACK came", {}});
  }
  for (const Leg leg : {Leg::a, Leg::b}) {
    Party& party = branch.party(leg);
    if (!party.success) continue;
    const auto step = party.success->repeater.advance(now);
    if (step == sip::Repeater::Step::repeat)
      static_cast<void>(signalling.respond(party.success->transaction, 200, party.success->octets));
    if (step != sip::Repeater::Step::give_up) continue;
    party.success.reset();
    if (party.bye_waits_for_ack) {
      party.bye_waits_for_ack = false;
      --goodbyes_;
      send_bye(branch, leg, party.bye_reason);
    } else {
      end({EndedBy::us, 408, "no ACK came", sip::write_reason("SIP", 408, "No ACK")});
    }
  }
}

// A caller without a connection cannot be answered. Within a call both ends may come back by another one.
void Call::on_connection_lost(std::uint64_t connection) {
  if (state_ == CallState::calling && caller_.hop.connection == connection)
    return end({EndedBy::caller, 487, "the caller's connection is lost", {}});
  if (state_ != CallState::answered) return;
  for (Party& party : winner_->parties)
    if (party.at.hop.connection == connection) party.lost_ms = calls_.domain().signalling.now();
  schedule();
}

/// Media shows that a phone lives, with or without signalling.
bool Call::sends_media(const Branch& branch, Leg leg) const {
  const CallDomain& domain = calls_.domain();
  if (!branch.media) return false;
  for (const std::uint64_t id : branch.media->relays()) {
    const auto relay = domain.media.relays.show(id);
    if (relay && relay->legs[index(leg)].idle_s &&
        *relay->legs[index(leg)].idle_s < domain.config.calls.reconnect_s)
      return true;
  }
  return false;
}

void Call::watch_connections(sip::InstantMs now) {
  const CallsConfig& config = calls_.domain().config.calls;
  for (const Leg leg : {Leg::a, Leg::b}) {
    Party& party = winner_->party(leg);
    if (party.lost_ms == 0 || now < party.lost_ms + config.reconnect_s * kMs || has_returned(party)) continue;
    party.lost_ms = now;
    if (sends_media(*winner_, leg)) continue;
    party.dialog->terminate();
    return end({leg == Leg::a ? EndedBy::caller : EndedBy::called, 408, "the connection is lost",
                sip::write_reason("SIP", 408, "Connection lost")});
  }
}

void Call::watch_session(sip::InstantMs now) {
  const CallsConfig& config = calls_.domain().config.calls;
  if (config.max_duration_s != 0 && now >= answered_ms_ + config.max_duration_s * kMs)
    return end(
        {EndedBy::us, 408, "the longest duration is reached", sip::write_reason("SIP", 408, "Time is up")});
  for (const Leg leg : {Leg::a, Leg::b}) {
    if (state_ != CallState::answered) return;
    const auto step = winner_->party(leg).session.advance(now);
    if (step == sip::SessionTimer::Step::refresh) refresh(*winner_, leg);
    if (step == sip::SessionTimer::Step::expired)
      end({EndedBy::us, 408, "the session expired", sip::write_reason("SIP", 408, "Session expired")});
  }
}

}  // namespace sallyport::control
