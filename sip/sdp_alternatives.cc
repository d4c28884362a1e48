// SPDX-License-Identifier: GPL-3.0-or-later
// Folding and unfolding of media that are described in two m-lines.
#include "sip/sdp_alternatives.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <string_view>
#include <utility>

#include "sip/sdp_bundle.h"
#include "sip/sdp_words.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::string_view kMediaLine = "m=", kLineEnd = "\r\n";

bool has_common_format(const Sdp& sdp, std::size_t left, std::size_t right) {
  const auto theirs = sdp.formats(right);
  return std::ranges::any_of(sdp.formats(left), [&](const SdpFormat& format) {
    return std::ranges::any_of(theirs, [&](const SdpFormat& other) {
      return format.payload == other.payload && format.clock_rate == other.clock_rate &&
             text::equal_ignoring_case(format.encoding, other.encoding);
    });
  });
}

std::string_view argument_of(const Sdp& sdp, std::size_t medium, std::string_view name) {
  for (const SdpLine line : sdp.media_lines(medium))
    if (line.type == 'a' && line.name == name) return line.argument;
  return {};
}

/// Whether two m-lines are named apart (RFC 4574, RFC 4796): those are two media, whatever their profiles.
bool named_apart(const Sdp& sdp, std::size_t left, std::size_t right) {
  return std::ranges::any_of(std::array<std::string_view, 2>{"label", "content"}, [&](std::string_view name) {
    return argument_of(sdp, left, name) != argument_of(sdp, right, name);
  });
}

/// Whether an offer leaves the choice between two m-lines: the same medium, with SRTP or without.
bool are_alternatives(const Sdp& sdp, const std::vector<BundlePlace>& bundles, std::size_t left,
                      std::size_t right) {
  const SdpMedia one = sdp.media(left), two = sdp.media(right);
  const auto is_relayed = [](const SdpMedia& line) {
    return line.port != 0 && line.kind != MediaKind::other && line.profile != RtpProfile::other;
  };
  if (!is_relayed(one) || !is_relayed(two) || one.kind != two.kind) return false;
  if (is_secure(one.profile) == is_secure(two.profile)) return false;
  // Media that share a transport are meant to flow side by side.
  if (bundles[left].tagged && bundles[left].tagged == bundles[right].tagged) return false;
  return has_common_format(sdp, left, right) && !named_apart(sdp, left, right);
}

void add_places(const Sdp& offer, DualLines use, MediaLayout& layout) {
  auto& places = layout.places;
  if (places.size() == offer.media_count()) return;
  const auto bundles = bundle_places(offer);
  for (std::size_t i = places.size(); i < offer.media_count(); ++i) {
    const bool is_alone = i > 0 && (i == 1 || !layout.begins_pair(i - 2));
    const bool pairs = use != DualLines::off && is_alone && are_alternatives(offer, bundles, i - 1, i);
    if (pairs) places[i - 1].taken = false;
    places.push_back({.medium = pairs ? places[i - 1].medium : layout.media_count(), .taken = !pairs});
  }
}

/// The place among the two from `first` on that has a secure profile.
std::size_t secure_place(const MediaLayout& layout, std::size_t first) {
  return is_secure(layout.places[first].profile) ? first : first + 1;
}

/// The other one of the two from `first` on.
constexpr std::size_t other_place(std::size_t first, std::size_t place) {
  return place == first ? first + 1 : first;
}

/// The place among the two from `first` on that is taken; nothing: neither.
std::optional<std::size_t> taken_place(const MediaLayout& layout, std::size_t first) {
  for (const std::size_t i : {first, first + 1})
    if (layout.places[i].taken) return i;
  return std::nullopt;
}

void take(MediaLayout& layout, std::size_t first, std::optional<std::size_t> chosen) {
  for (const std::size_t i : {first, first + 1}) layout.places[i].taken = chosen == i;
}

void describe(const Sdp& offer, std::size_t place, MediaPlace& its) {
  const SdpMedia line = offer.media(place);
  its.profile = line.profile;
  its.has_crypto = offer.media_attribute(place, SdpAttribute::crypto).has_value();
  its.refused = line.type;
  its.refused.append(" 0 ").append(line.protocol).append(1, ' ').append(line.formats);
}

/// Which of the two from `first` on an offer has us take; nothing: it has given both up.
std::optional<std::size_t> choose(const Sdp& offer, const MediaPolicy& policy, const Limits& limits,
                                  const MediaLayout& layout, std::size_t first) {
  const auto is_active = [&](std::size_t place) { return offer.media(place).port != 0; };
  if (const auto before = taken_place(layout, first); before && is_active(*before)) return before;
  const std::size_t secure = secure_place(layout, first), plain = other_place(first, secure);
  if (!is_active(secure)) return is_active(plain) ? std::optional(plain) : std::nullopt;
  const bool leaves_secure =
      is_active(plain) && !can_take(offer, secure, policy, limits) && can_take(offer, plain, policy, limits);
  return leaves_secure ? plain : secure;
}

/// Of each medium one m-line: of two that are refused both it is the first.
void remove_others(Sdp& sdp, const MediaLayout& layout) {
  for (std::size_t i = layout.places.size(); i-- > 0;)
    if (layout.begins_pair(i)) sdp.remove_medium(layout.places[i + 1].taken ? i : i + 1);
}

/// A description that we wrote, cut into what stands before the first m-line, and the m-lines with theirs.
struct Sections {
  std::string_view session;
  std::vector<std::string_view> media;

  explicit Sections(std::string_view text) {
    const auto cut = [&text] {
      const std::size_t next = text.find("\r\nm=");
      const std::string_view section = text.substr(0, next == text.npos ? next : next + kLineEnd.size());
      text.remove_prefix(section.size());
      return section;
    };
    session = cut();
    while (!text.empty()) media.push_back(cut());
  }
};

void append_refused(std::string& text, const MediaPlace& place) {
  text.append(kMediaLine).append(place.refused).append(kLineEnd);
}

/// `is_folded`: the description has one m-line a medium; else one a place.
std::string refused_at_places(std::string_view text, const MediaLayout& layout, bool is_folded) {
  const Sections sections(text);
  assert(sections.media.size() == (is_folded ? layout.media_count() : layout.places.size()));
  std::string all(sections.session);
  for (std::size_t i = 0; i < layout.places.size(); ++i) {
    const MediaPlace& place = layout.places[i];
    if (place.taken)
      all.append(sections.media[is_folded ? place.medium : i]);
    else
      append_refused(all, place);
  }
  return all;
}

/// What an m-line of ours says.
struct WrittenMedia {
  std::string_view type, port, protocol, formats;

  explicit WrittenMedia(std::string_view section) {
    std::string_view rest = section.substr(kMediaLine.size(), section.find(kLineEnd) - kMediaLine.size());
    type = next_word(rest);
    port = next_word(rest);
    protocol = next_word(rest);
    formats = text::trim(rest);
  }
};

/// The ways to keys that a section of ours tells of.
struct ToldKeys {
  bool crypto, dtls, zrtp;

  [[nodiscard]] bool drops(std::string_view line) const {
    if (!line.starts_with("a=")) return false;
    const SdpAttributeInfo& attribute = info(sdp_attribute(line.substr(2, line.find_first_of(":\r") - 2)));
    return (attribute.id == SdpAttribute::crypto && !crypto) ||
           (attribute.group == SdpGroup::dtls && !dtls) || (attribute.group == SdpGroup::zrtp && !zrtp);
  }
};

void append_section(std::string& text, std::string_view section, RtpProfile profile, const ToldKeys& keys) {
  const WrittenMedia line(section);
  text.append(kMediaLine).append(line.type).append(1, ' ').append(line.port).append(1, ' ');
  text.append(name(profile)).append(1, ' ').append(line.formats).append(kLineEnd);
  section.remove_prefix(section.find(kLineEnd) + kLineEnd.size());
  while (!section.empty()) {
    const std::string_view next = section.substr(0, section.find(kLineEnd) + kLineEnd.size());
    if (!keys.drops(next)) text.append(next);
    section.remove_prefix(next.size());
  }
}

bool can_be_secure(const SentOffer::Medium& sent, RtpProfile profile) {
  return !is_secure(sent.profile) && is_secure(profile) &&
         (is_dtls(profile) ? sent.dtls : !sent.crypto.empty());
}

ToldKeys secure_keys(RtpProfile profile) {
  return {.crypto = !is_dtls(profile), .dtls = is_dtls(profile), .zrtp = false};
}

/// What an m-line without SRTP can do with: keys in the description would be for nothing there.
ToldKeys plain_keys(const SentOffer::Medium& sent) {
  return {.crypto = false, .dtls = sent.dtls, .zrtp = sent.zrtp || sent.end_to_end};
}

/// The medium at the place that it has: with the profile there, and if that is plain without keys in the
/// description, unless the peer itself has them there.
void append_taken(std::string& text, std::string_view section, SentOffer::Medium& sent,
                  const MediaPlace& place) {
  const bool secure = can_be_secure(sent, place.profile);
  if (!secure && (is_secure(sent.profile) || is_secure(place.profile) || place.has_crypto)) {
    text.append(section);
    return;
  }
  const ToldKeys keys = secure ? secure_keys(place.profile) : plain_keys(sent);
  if (secure) sent.profile = place.profile;
  if (!keys.crypto) sent.crypto.clear();
  if (!keys.dtls) sent.dtls = false;
  if (!keys.zrtp) sent.zrtp = false;
  append_section(text, section, sent.profile, keys);
}

void append_offered_pair(std::string& text, std::string_view section, SentOffer::Medium& sent,
                         MediaLayout& layout, std::size_t first) {
  const std::size_t secure = secure_place(layout, first), plain = other_place(first, secure);
  auto taken = taken_place(layout, first);
  const bool both = sent.active && !taken && can_be_secure(sent, layout.places[secure].profile);
  if (sent.active && !taken && !both) {
    taken = is_secure(sent.profile) ? secure : plain;
    take(layout, first, taken);
  }
  for (const std::size_t i : {first, first + 1}) {
    const MediaPlace& place = layout.places[i];
    if (!sent.active || (!both && taken != i))
      append_refused(text, place);
    else if (!both)
      append_taken(text, section, sent, place);
    else if (i == secure)
      append_section(text, section, place.profile, secure_keys(place.profile));
    else
      append_section(text, section, sent.profile, plain_keys(sent));
  }
}

/// The pair of places that a medium which is offered first gets: the secure one first, since many take the
/// first that they can.
void add_pair(std::string_view section, const SentOffer::Medium& sent, MediaLayout& layout) {
  const std::size_t medium = layout.media_count();
  const WrittenMedia line(section);
  const RtpProfile secure = rtp_profile(KeyAgreement::sdes, has_feedback(sent.profile));
  for (const RtpProfile profile : {secure, sent.profile}) {
    MediaPlace& place = layout.places.emplace_back();
    place.medium = medium;
    place.taken = false;
    place.profile = profile;
    place.refused = line.type;
    place.refused.append(" 0 ").append(name(profile)).append(1, ' ').append(line.formats);
  }
}

}  // namespace

Result<void> fold_offer(Sdp& offer, const MediaPolicy& policy, const Limits& limits, MediaLayout& layout) {
  if (offer.media_count() < layout.places.size())
    return fail(ErrorClass::malformed, "SDP: an offer with fewer media than before");
  add_places(offer, policy.dual_lines, layout);
  for (std::size_t i = 0; i < layout.places.size(); ++i) {
    if (!layout.begins_pair(i)) continue;
    for (const std::size_t place : {i, i + 1}) describe(offer, place, layout.places[place]);
    take(layout, i, choose(offer, policy, limits, layout, i));
  }
  remove_others(offer, layout);
  return {};
}

Result<MediaLayout> fold_answer(Sdp& answer, const SentOffer& sent, const MediaLayout& offered) {
  if (answer.media_count() != offered.places.size())
    return fail(ErrorClass::malformed, "SDP: the answer has not as many media as the offer");
  MediaLayout agreed = offered;
  for (std::size_t first = 0; first < offered.places.size(); ++first) {
    if (!offered.begins_pair(first)) continue;
    const SentOffer::Medium& medium = sent.media[offered.places[first].medium];
    const auto taken = taken_place(offered, first);
    const std::size_t secure = secure_place(offered, first), plain = other_place(first, secure);
    const auto is_active = [&](std::size_t place) { return answer.media(place).port != 0; };
    for (const std::size_t i : {first, first + 1}) {
      if (!is_active(i)) continue;
      if (answer.media(i).kind != medium.kind)
        return fail(ErrorClass::malformed, "SDP: the answer's media are not the offer's");
      if (!medium.active || (taken && taken != i))
        return fail(ErrorClass::malformed, "SDP: the answer takes a medium that was not offered");
    }
    if (is_active(secure) && !taken && !is_secure(answer.media(secure).profile))
      return fail(ErrorClass::refused, "SDP: the answer's transport protocol is not the offer's");
    std::optional<std::size_t> chosen;
    if (is_active(secure))
      chosen = secure;
    else if (is_active(plain))
      chosen = plain;
    take(agreed, first, chosen);
    if (chosen)
      agreed.places[*chosen].has_crypto = answer.media_attribute(*chosen, SdpAttribute::crypto).has_value();
  }
  remove_others(answer, agreed);
  return agreed;
}

void unfold_offer(SentOffer& sent, const MediaPolicy& policy, MediaLayout& layout) {
  const Sections sections(sent.text);
  assert(sections.media.size() == sent.media.size());
  for (std::size_t medium = layout.media_count(); medium < sent.media.size(); ++medium) {
    const SentOffer::Medium& its = sent.media[medium];
    const bool both = policy.dual_lines == DualLines::offer && its.active && !its.carrier &&
                      can_be_secure(its, RtpProfile::savp);
    if (both)
      add_pair(sections.media[medium], its, layout);
    else
      layout.places.push_back({.medium = medium});
  }
  if (!layout.has_pairs()) return;
  std::string text(sections.session);
  for (std::size_t i = 0; i < layout.places.size(); ++i) {
    const std::size_t medium = layout.places[i].medium;
    if (!layout.begins_pair(i)) {
      text.append(sections.media[medium]);
      continue;
    }
    append_offered_pair(text, sections.media[medium], sent.media[medium], layout, i);
    ++i;
  }
  sent.text = std::move(text);
}

std::string unfold_answer(std::string text, const MediaLayout& layout) {
  return layout.has_pairs() ? refused_at_places(text, layout, true) : text;
}

std::string refuse_untaken(std::string offer, const MediaLayout& agreed) {
  return agreed.has_pairs() ? refused_at_places(offer, agreed, false) : offer;
}

}  // namespace sallyport::sip
