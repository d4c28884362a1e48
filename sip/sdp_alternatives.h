// SPDX-License-Identifier: GPL-3.0-or-later
// One medium in two m-lines: phones of "best effort" SRTP offer it with a secure profile and, beside that,
// with a plain one, and an answer takes one and refuses the other with port 0 (RFC 3264 §6). Offers and
// answers are read and written with one m-line a medium:
//
//     a leg's description ─▶ fold_offer, fold_answer ─▶ one m-line a medium
//     what a leg is told ◀─ unfold_offer, unfold_answer ◀─ one m-line a medium
//
// A MediaLayout remembers for a leg which m-lines are one medium: each keeps its place (RFC 3264 §8).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "sip/limits.h"
#include "sip/offer_answer.h"
#include "sip/rtp_profile.h"
#include "sip/sdp.h"

namespace sallyport::sip {

/// One m-line of a leg's descriptions. Of one that stands alone only `medium` counts.
struct MediaPlace {
  std::size_t medium = 0;  ///< which of the leg's media it describes
  bool taken = true;       ///< of a pair at most one: none while both are offered or both are refused
  RtpProfile profile = RtpProfile::other;
  bool has_crypto = false;  ///< the peer writes a=crypto there
  std::string refused;      ///< the value of the m= line while the other one is taken: `audio 0 RTP/AVP 0 8`
};

/// The m-lines of a leg's descriptions, in their order; those of a pair stand side by side.
struct MediaLayout {
  std::vector<MediaPlace> places;

  [[nodiscard]] std::size_t media_count() const { return places.empty() ? 0 : places.back().medium + 1; }
  /// Whether `place` is the first of two that describe the same medium.
  [[nodiscard]] bool begins_pair(std::size_t place) const {
    return place + 1 < places.size() && places[place].medium == places[place + 1].medium;
  }
  [[nodiscard]] bool has_pairs() const { return media_count() != places.size(); }
};

/// Leaves one m-line a medium in what a peer offers, and brings the layout up to it. Of a pair that is new
/// the secure one is left if the policy can take it, else the plain one; of a known one that which was taken,
/// as long as it is not refused. malformed: fewer m-lines than before.
[[nodiscard]] Result<void> fold_offer(Sdp& offer, const MediaPolicy& policy, const Limits& limits,
                                      MediaLayout& layout);

/// The same of a peer's answer to what unfold_offer() wrote: of a pair whose m-lines were both offered and
/// both taken the secure one counts. `offered` is the layout from there; gives the one that was agreed upon.
/// malformed: other m-lines than were offered. refused: a secure m-line was answered with a plain profile.
[[nodiscard]] Result<MediaLayout> fold_answer(Sdp& answer, const SentOffer& sent, const MediaLayout& offered);

/// Gives each m-line of the leg its place, and further media a place or, by policy, two. What is told at a
/// place has the profile that was agreed upon there, and in `sent` only the ways to keys that it tells.
void unfold_offer(SentOffer& sent, const MediaPolicy& policy, MediaLayout& layout);

/// Puts the refused m-lines back into what answers an offer that was folded into `layout`.
[[nodiscard]] std::string unfold_answer(std::string text, const MediaLayout& layout);

/// What unfold_offer() wrote, with those m-lines refused that its answer has not taken.
[[nodiscard]] std::string refuse_untaken(std::string offer, const MediaLayout& agreed);

}  // namespace sallyport::sip
