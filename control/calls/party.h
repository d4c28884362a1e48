// SPDX-License-Identifier: GPL-3.0-or-later
// Party: one end of a call as we see it, its dialog and all that is under way in it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control/calls/trunk.h"
#include "control/config/policy.h"
#include "control/media/relay_spec.h"
#include "sip/dialog.h"
#include "sip/hop.h"
#include "sip/offer_exchange.h"
#include "sip/repeater.h"
#include "sip/session_timer.h"
#include "sip/transaction_user.h"

namespace sallyport::control {

/// Who is at an end, and how they are reached.
struct PartyAddress {
  sip::Hop hop;
  std::string side;                    ///< of the listener
  const SidePolicy* policy = nullptr;  ///< the side's
  std::string aor;                     ///< of a user of ours; empty: a trunk's party, or a guest
  std::string instance;                ///< of the user's phone, as it registered
  TrunkPtr trunk;
  std::string digest;  ///< algorithm by which they proved who they are; empty: otherwise
};

/// A 2xx of ours that wants its ACK (RFC 3261 §13.3.1.4).
struct Unacknowledged {
  sip::ServerTransactionId transaction;
  std::string octets;
  sip::Repeater repeater;
  bool wants_answer = false;  ///< the 2xx had the offer
};

struct Party {
  PartyAddress at;
  sip::Dialog* dialog = nullptr;  ///< early or more; `own_dialog`, or one of the branch's DialogSet
  std::unique_ptr<sip::Dialog> own_dialog;
  sip::OfferExchange exchange;
  sip::SessionTimer session = sip::SessionTimer();
  /// Its connection is lost since then, and it has not come back; 0: it is there.
  sip::InstantMs lost_ms = 0;
  std::string user_agent;
  bool allows_update = false;

  std::optional<Unacknowledged> success;
  bool bye_waits_for_ack = false;  ///< RFC 3261 §15: none before the ACK of our 2xx
  std::string bye_reason;          ///< value of its Reason

  /// The ACK of their last 2xx, for when they repeat it.
  std::string ack;
  std::uint32_t ack_cseq = 0;
  bool ack_waits = false;  ///< their 2xx had an offer, whose answer is not here yet
};

}  // namespace sallyport::control
