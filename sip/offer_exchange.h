// SPDX-License-Identifier: GPL-3.0-or-later
// OfferExchange: who may offer when (RFC 3264 in the messages of RFC 3261, 3262 and 3311, read as RFC 6337
// reads them).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sip/state_machine.h"

namespace sallyport::sip {

/// The messages that may carry a session description.
enum class Carrier : std::uint8_t {
  invite,
  provisional,           ///< 101-199 to INVITE, unreliable
  reliable_provisional,  ///< with RSeq
  success,               ///< 2xx to INVITE
  failure,               ///< 300-699 to INVITE, or its timeout
  ack,                   ///< of a 2xx
  prack,
  prack_success,
  prack_failure,
  update,
  update_success,
  update_failure,
};

/// What a session description in a message is.
enum class DescriptionRole : std::uint8_t {
  none,  ///< there is none and none was due
  offer,
  answer,
  preview,  ///< of the answer, in an unreliable response (RFC 6337 §3.1.1): act on it, but the offer stays
            ///< open
  ignored,  ///< there is one where none belongs
  missing,  ///< there is none where an offer or answer was due
  unexpected,  ///< an offer that crosses another: glare_status() would have refused it
};

enum class OfferState : std::uint8_t { idle, local_offer, remote_offer };
enum class OfferEvent : std::uint8_t { offer_sent, offer_received, answer_sent, answer_received, rejected };
enum class OfferAction : std::uint8_t { agree, keep_previous };

inline constexpr std::array<std::string_view, 3> kOfferStateNames = {"idle", "local offer", "remote offer"};
inline constexpr std::array<std::string_view, 5> kOfferEventNames = {
    "offer sent", "offer received", "answer sent", "answer received", "rejected"};
[[nodiscard]] constexpr std::string_view name(OfferState state) {
  return kOfferStateNames[static_cast<std::size_t>(state)];
}

/// RFC 3264 §4: one offer at a time, and each has one answer.
inline constexpr auto kOfferTransitions = [] {
  using enum OfferState;
  using enum OfferEvent;
  using enum OfferAction;
  return std::to_array<Transition<OfferState, OfferEvent, OfferAction>>({
      {idle, offer_sent, local_offer, {}},
      {idle, offer_received, remote_offer, {}},
      {local_offer, answer_received, idle, {agree}},
      {local_offer, rejected, idle, {keep_previous}},
      {remote_offer, answer_sent, idle, {agree}},
      {remote_offer, rejected, idle, {keep_previous}},
  });
}();
static_assert(is_deterministic(kOfferTransitions));
inline constexpr StateTable<OfferState, OfferEvent, OfferAction, 3, 5> kOfferTable(kOfferTransitions);

/// One dialog's. Of a fork, each dialog has its own and begins with sent(Carrier::invite, …).
class OfferExchange {
 public:
  /// A message passed that belongs to this dialog, with or without a description; repetitions do not count.
  /// Gives what the description is.
  DescriptionRole sent(Carrier carrier, bool has_description) { return pass(carrier, has_description, true); }
  DescriptionRole received(Carrier carrier, bool has_description) {
    return pass(carrier, has_description, false);
  }
  /// What it would be; nothing changes.
  [[nodiscard]] DescriptionRole role_if_sent(Carrier carrier, bool has_description) const {
    return classify(carrier, has_description, true);
  }

  /// Before received(): the status that an INVITE or UPDATE must be refused with; 491 Request Pending, 500
  /// with a Retry-After of retry_after_s(), or 0. RFC 3261 §14.2, RFC 3311 §5.2, RFC 6337 §4.3.
  [[nodiscard]] unsigned glare_status(Carrier carrier, bool has_description) const;

  /// Before sent(): RFC 6337 UAC-II, UAC-UI.
  [[nodiscard]] bool may_send_invite() const;
  /// RFC 6337 UAC-UU, UAC-IU, RFC 3311 §5.1. Without an offer only another UPDATE is in the way.
  [[nodiscard]] bool may_send_update(bool has_description) const;
  /// A PRACK may offer once the response that it acknowledges has brought the answer.
  [[nodiscard]] bool may_offer_in_prack() const;

  [[nodiscard]] OfferState state() const { return state_; }
  /// At least one exchange is complete.
  [[nodiscard]] bool has_session() const { return has_session_; }
  /// `idle, session, INVITE of ours`.
  [[nodiscard]] std::string dump() const;

 private:
  enum class Side : std::uint8_t { none, ours, theirs };

  [[nodiscard]] DescriptionRole classify(Carrier carrier, bool has_description, bool is_sent) const;
  [[nodiscard]] DescriptionRole classify_response(bool has_description, bool is_final) const;
  DescriptionRole pass(Carrier carrier, bool has_description, bool is_sent);
  void follow(Carrier carrier, DescriptionRole role, bool is_sent);
  void apply(OfferEvent event);

  OfferState state_ = OfferState::idle;
  Carrier offered_in_ = Carrier::invite;  ///< of the open offer
  Side invite_ = Side::none;              ///< who sent the INVITE that is not over; with a 2xx, until its ACK
  bool invite_offered_ = false;           ///< it had an offer
  bool invite_described_ = false;         ///< a reliable response has had its description
  bool prack_may_offer_ = false;          ///< the response to be acknowledged had the answer
  bool prack_pending_ = false;            ///< for a response with a description
  bool our_update_ = false;
  bool their_update_ = false;
  bool our_update_offers_ = false;
  bool their_update_offers_ = false;
  bool has_session_ = false;
};

/// How long to wait after a 491 before trying again (RFC 3261 §14.1), from random bits.
[[nodiscard]] constexpr std::uint32_t glare_wait_ms(bool owns_call_id, std::uint32_t random) {
  return owns_call_id ? 2100 + random % 191 * 10 : random % 201 * 10;
}
/// The Retry-After of a 500: 0 to 10 seconds (RFC 3261 §14.2).
[[nodiscard]] constexpr std::uint32_t retry_after_s(std::uint32_t random) {
  return random % 11;
}

}  // namespace sallyport::sip
