// SPDX-License-Identifier: GPL-3.0-or-later
// Offers and answers: what a description is by the message that carries it.
#include "sip/offer_exchange.h"

namespace sallyport::sip {

using enum DescriptionRole;

/// Of a reliable response to INVITE: the answer to the INVITE's offer, or an offer of its own if the INVITE
/// had none. Only the first description counts.
DescriptionRole OfferExchange::classify_response(bool has_description, bool is_final) const {
  if (invite_described_) return has_description ? ignored : none;
  if (invite_offered_) {
    if (has_description) return answer;
    return is_final ? missing : none;
  }
  if (!has_description) return missing;
  return state_ == OfferState::idle ? offer : unexpected;
}

DescriptionRole OfferExchange::classify(Carrier carrier, bool has_description, bool is_sent) const {
  const OfferState awaiting = is_sent ? OfferState::remote_offer : OfferState::local_offer;
  const auto answer_to = [&](Carrier offered_in) {
    if (state_ != awaiting || offered_in_ != offered_in) return has_description ? ignored : none;
    return has_description ? answer : missing;
  };
  switch (carrier) {
    case Carrier::invite:
    case Carrier::update:
      if (!has_description) return none;
      return state_ == OfferState::idle ? offer : unexpected;
    case Carrier::provisional:
      if (!has_description) return none;
      return invite_offered_ && !invite_described_ ? preview : ignored;
    case Carrier::reliable_provisional:
      return classify_response(has_description, false);
    case Carrier::success:
      return classify_response(has_description, true);
    case Carrier::ack:
      return answer_to(Carrier::success);
    case Carrier::prack:
      if (state_ == awaiting && offered_in_ == Carrier::reliable_provisional)
        return has_description ? answer : missing;
      if (!has_description) return none;
      if (!prack_may_offer_) return ignored;
      return state_ == OfferState::idle ? offer : unexpected;
    case Carrier::prack_success:
      return answer_to(Carrier::prack);
    case Carrier::update_success:
      return answer_to(Carrier::update);
    // A description here tells capabilities (RFC 6337 §2.4).
    case Carrier::failure:
    case Carrier::prack_failure:
    case Carrier::update_failure:
      return has_description ? ignored : none;
  }
  return none;
}

DescriptionRole OfferExchange::pass(Carrier carrier, bool has_description, bool is_sent) {
  const DescriptionRole role = classify(carrier, has_description, is_sent);
  if (role == offer) {
    offered_in_ = carrier;
    apply(is_sent ? OfferEvent::offer_sent : OfferEvent::offer_received);
  }
  if (role == answer) apply(is_sent ? OfferEvent::answer_sent : OfferEvent::answer_received);
  follow(carrier, role, is_sent);
  return role;
}

/// Which transactions are under way.
void OfferExchange::follow(Carrier carrier, DescriptionRole role, bool is_sent) {
  const bool is_description = role == offer || role == answer;
  const auto reject = [this](Carrier offered_in) {
    if (offered_in_ == offered_in) apply(OfferEvent::rejected);
  };
  switch (carrier) {
    case Carrier::invite:
      invite_ = is_sent ? Side::ours : Side::theirs;
      invite_offered_ = role == offer;
      invite_described_ = prack_may_offer_ = prack_pending_ = false;
      return;
    case Carrier::provisional:
      return;
    case Carrier::reliable_provisional:
      invite_described_ |= is_description;
      prack_pending_ |= is_description;
      prack_may_offer_ = role == answer;
      return;
    case Carrier::success:
      invite_described_ |= is_description;
      if (role == missing) reject(Carrier::invite);
      return;
    case Carrier::failure:
      reject(Carrier::invite);
      reject(Carrier::reliable_provisional);
      reject(Carrier::prack);
      invite_ = Side::none;
      prack_may_offer_ = prack_pending_ = false;
      return;
    case Carrier::ack:
      // Without the answer that was due the session stays as it was.
      if (role == missing) reject(Carrier::success);
      invite_ = Side::none;
      prack_may_offer_ = prack_pending_ = false;
      return;
    case Carrier::prack:
      if (role == missing) reject(Carrier::reliable_provisional);
      prack_may_offer_ = false;
      return;
    case Carrier::prack_success:
    case Carrier::prack_failure:
      if (role != answer) reject(Carrier::prack);
      prack_pending_ = false;
      return;
    case Carrier::update:
      (is_sent ? our_update_ : their_update_) = true;
      (is_sent ? our_update_offers_ : their_update_offers_) = role == offer;
      return;
    case Carrier::update_success:
    case Carrier::update_failure:
      // The response to ours is received.
      if (role != answer && (is_sent ? their_update_offers_ : our_update_offers_)) reject(Carrier::update);
      (is_sent ? their_update_ : our_update_) = false;
      (is_sent ? their_update_offers_ : our_update_offers_) = false;
      return;
  }
}

void OfferExchange::apply(OfferEvent event) {
  const auto& step = kOfferTable.step(state_, event);
  state_ = step.to;
  if (step.actions.has(OfferAction::agree)) has_session_ = true;
}

unsigned OfferExchange::glare_status(Carrier carrier, bool has_description) const {
  const unsigned open_offer = state_ == OfferState::local_offer    ? 491
                              : state_ == OfferState::remote_offer ? 500
                                                                   : 0;
  if (carrier == Carrier::invite) {
    if (invite_ == Side::ours) return 491;    // UAS-IcI
    if (invite_ == Side::theirs) return 500;  // UAS-IsI
    if (our_update_offers_) return 491;       // UAS-UcI
    if (their_update_offers_) return 500;     // UAS-UsI
    return open_offer;
  }
  if (carrier != Carrier::update) return 0;
  if (their_update_) return 500;  // UAS-UsU
  if (!has_description) return 0;
  if (our_update_offers_) return 491;                            // UAS-UcU
  if (prack_pending_) return invite_ == Side::ours ? 491 : 500;  // UAS-IcU, UAS-IsU
  return open_offer;
}

bool OfferExchange::may_send_invite() const {
  return invite_ == Side::none && state_ == OfferState::idle && !our_update_ && !their_update_offers_;
}

bool OfferExchange::may_send_update(bool has_description) const {
  if (our_update_) return false;
  if (!has_description) return true;
  return has_session_ && state_ == OfferState::idle && !prack_pending_ && !their_update_offers_;
}

bool OfferExchange::may_offer_in_prack() const {
  return prack_may_offer_ && state_ == OfferState::idle;
}

std::string OfferExchange::dump() const {
  std::string text(name(state_));
  if (has_session_) text += ", session";
  if (invite_ == Side::ours) text += ", INVITE of ours";
  if (invite_ == Side::theirs) text += ", INVITE of theirs";
  if (our_update_) text += ", UPDATE of ours";
  if (their_update_) text += ", UPDATE of theirs";
  if (prack_pending_) text += ", PRACK";
  return text;
}

}  // namespace sallyport::sip
