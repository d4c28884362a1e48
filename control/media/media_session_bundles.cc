// SPDX-License-Identifier: GPL-3.0-or-later
// Transports that several m-lines of a leg share (RFC 9143). The line that brought one carries it: its relay
// has the ports, the keys and the handshakes, also when its own medium has ended; the relays of the others
// join it.
#include <algorithm>

#include "control/media/media_session_state.h"

namespace sallyport::control {

/// Finds the carrier for what a leg offers of a line. A line that has a transport keeps it.
MediaSession::State::Fault MediaSession::State::bundle(std::size_t number, Leg leg,
                                                       const sip::RemoteOffer& offer) {
  const auto& offered = offer.media[number].bundle;
  MediaLine& line = lines_[number];
  auto& own = line.bundles[index(leg)];
  const MediaFault apart{488, "SDP: a medium keeps the transport that it has"};
  if (!offered) return line.relay != 0 && joins(number, leg) ? Fault(apart) : std::nullopt;
  const MediaLine& tagged = lines_[offered->tagged];
  if (offered->tagged != number && !offer.media[offered->tagged].active) return apart;
  const auto& its = tagged.bundles[index(leg)];
  const std::size_t carrier = its ? its->carrier : offered->tagged;
  if (line.relay != 0 && transport(number, leg) != carrier) return apart;
  own = LineBundle{offered->marks.mid, carrier};
  return std::nullopt;
}

/// Offers the lines of a leg that have transports of their own a common one, where the policy has it: that of
/// a bundle which is there, or else of the first line, those before which have a transport already (RFC 9143
/// §7.2).
void MediaSession::State::offer_bundle(const Exchange& exchange, std::vector<sip::LocalMedia>& told) {
  const Leg to = other(exchange.offerer);
  if (legs_[index(to)].policy.bundle != sip::BundleUse::offer) return;
  std::optional<std::size_t> bundled, placed, fresh;
  for (std::size_t i = told.size(); i-- > 0;) {
    if (!exchange.read.media[i].active || !told[i].ice || !told[i].dtls) continue;
    (told[i].bundle ? bundled : lines_[i].relay != 0 ? placed : fresh) = i;
  }
  if (!bundled && !placed && !fresh) return;
  const std::size_t carrier = bundled ? told[*bundled].bundle->carrier : placed ? *placed : *fresh;
  const auto shares = [&](const sip::LocalMedia& one) {
    return one.bundle && one.bundle->carrier == carrier;
  };
  auto members = static_cast<std::size_t>(std::ranges::count_if(told, shares));
  const std::size_t most =
      std::min<std::size_t>(sip::kMaxBundleMedia, services_.relays.limits()[Limit::bundle_media]);
  const auto places = sip::bundle_places(exchange.source);
  for (const bool first : {true, false}) {
    for (std::size_t i = 0; i < told.size(); ++i) {
      if ((i == carrier) != first || members >= most || !exchange.read.media[i].active) continue;
      if (told[i].bundle || !told[i].ice || !told[i].dtls) continue;
      name_line(i, to, places[i].mid);
      told[i].bundle = sip::LocalBundle{lines_[i].mids[index(to)], carrier, true};
      ++members;
    }
  }
}

/// Gives a line a mid that the leg knows for no other: the other leg's, which packets may have as an
/// extension, or else a number.
void MediaSession::State::name_line(std::size_t number, Leg leg, std::string_view wanted) {
  std::string& own = lines_[number].mids[index(leg)];
  if (!own.empty()) return;
  const auto is_taken = [&](std::string_view mid) {
    return std::ranges::any_of(lines_, [&](const MediaLine& line) {
      const auto& bundle = line.bundles[index(leg)];
      return line.mids[index(leg)] == mid || (bundle && bundle->mid == mid);
    });
  };
  std::string mid(wanted);
  for (std::size_t i = number; mid.empty() || is_taken(mid); ++i) mid = std::to_string(i);
  own = std::move(mid);
}

/// What all lines have that are offered a bundle: a line that joins another's transport would else have its
/// ICE session restarted alone, at which Firefox 153 refuses the next offer. Null: nothing yet, or none are.
const keying::IceCredentials* MediaSession::State::common_ice(Leg leg) const {
  if (legs_[index(leg)].policy.bundle != sip::BundleUse::offer) return nullptr;
  for (const MediaLine& line : lines_) {
    const LegHandshake* const its = line.handshakes[index(leg)].get();
    if (its == nullptr) continue;
    const LegTerms* const terms = its->planned ? its->planned.get() : its->terms.get();
    if (terms != nullptr && terms->has_ice()) return &terms->ice;
  }
  return nullptr;
}

/// Whether the line's relay knows of a bundle on that leg; what the session knows may be planned only.
bool MediaSession::State::in_bundle(const MediaLine& line, Leg leg) const {
  return line.bundles[index(leg)] && line.relay != 0 && services_.relays.has(line.relay) &&
         services_.relays.is_bundled(line.relay, leg);
}

/// What an answer makes of the bundles of its leg. What is in one stays there: its ports were given back.
tl::expected<MediaSession::State::Bundles, MediaFault> MediaSession::State::bundles_of(
    Leg leg, const sip::Agreement& answered) const {
  const tl::unexpected apart(MediaFault{488, "SDP: a medium keeps the transport that it has"});
  Bundles bundles(lines_.size());
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (in_bundle(lines_[i], leg)) bundles[i] = lines_[i].bundles[index(leg)];
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const sip::AgreedMedia& medium = answered.media[i];
    const bool has_joined = bundles[i] && bundles[i]->carrier != i;
    if (!medium.bundle && has_joined && medium.active) return apart;
    if (!medium.bundle) continue;
    const auto& tagged = bundles[medium.bundle->tagged];
    const std::size_t carrier = tagged ? tagged->carrier : medium.bundle->tagged;
    if (bundles[i] && bundles[i]->carrier != carrier) return apart;
    bundles[i] = LineBundle{medium.bundle->marks.mid, carrier};
  }
  return bundles;
}

void MediaSession::State::swap_bundles(Leg leg, Bundles& bundles) {
  for (std::size_t i = 0; i < lines_.size(); ++i) std::swap(lines_[i].bundles[index(leg)], bundles[i]);
}

/// Of an exchange that ends without effect.
void MediaSession::State::forget_bundles() {
  for (MediaLine& line : lines_)
    for (const Leg leg : {Leg::a, Leg::b})
      if (line.relay != 0 && !in_bundle(line, leg)) line.bundles[index(leg)].reset();
}

/// The offer that was answered, as the answer has left it: it is repeated as a refresh. Where media have come
/// into a bundle it says so (RFC 9143 §7.5), and of a medium in two m-lines it has one.
std::string MediaSession::State::offer_in_force() {
  const Leg to = other(exchange_->offerer);
  const auto& media = exchange_->sent.media;
  bool has_changed = false;
  for (std::size_t i = 0; i < media.size(); ++i)
    has_changed = has_changed || (media[i].apart && lines_[i].bundles[index(to)]);
  if (!has_changed) return sip::refuse_untaken(exchange_->sent.text, layouts_[index(to)]);
  for (std::size_t i = 0; i < media.size(); ++i) exchange_->read.media[i].active = agreed_active(i);
  auto again = compose(*exchange_);
  if (!again) return sip::refuse_untaken(exchange_->sent.text, layouts_[index(to)]);
  sip::unfold_offer(*again, legs_[index(to)].policy, layouts_[index(to)]);
  return std::move(again->text);
}

/// A relay of the session: those that may come to share a transport have one worker. 0: it does not matter,
/// or there is none.
std::uint64_t MediaSession::State::neighbour() const {
  const auto offers = [](const MediaLegSettings& leg) { return leg.policy.bundle == sip::BundleUse::offer; };
  if (std::ranges::none_of(legs_, offers)) return 0;
  const auto is_there = [&](const MediaLine& line) {
    return line.relay != 0 && services_.relays.has(line.relay);
  };
  const auto found = std::ranges::find_if(lines_, is_there);
  return found == lines_.end() ? 0 : found->relay;
}

/// The number of the line whose transport the leg has.
std::size_t MediaSession::State::transport(std::size_t number, Leg leg) const {
  const auto& bundle = lines_[number].bundles[index(leg)];
  return bundle ? bundle->carrier : number;
}

/// What was agreed for a line's leg, or else for another line that has its transport; null: nothing goes
/// through it.
const sip::AgreedMedia* MediaSession::State::agreed_on(std::size_t number, Leg leg) const {
  const auto& media = (*exchange_->agreed)[index(leg)].media;
  if (agreed_active(number)) return &media[number];
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (transport(i, leg) == number && agreed_active(i)) return &media[i];
  return nullptr;
}

bool MediaSession::State::is_needed(std::size_t number) const {
  return agreed_on(number, Leg::a) != nullptr || agreed_on(number, Leg::b) != nullptr;
}

/// By what the leg's peer says that packets of a line are known, by its answer or as long as that is not
/// there by its offer; null: there are none.
const sip::BundleMarks* MediaSession::State::marks(std::size_t number, Leg leg) const {
  const bool agreed = exchange_->agreed.has_value();
  if (agreed && !agreed_active(number)) return nullptr;
  if (!agreed && leg != exchange_->offerer) return nullptr;
  const auto& bundle =
      agreed ? (*exchange_->agreed)[index(leg)].media[number].bundle : exchange_->read.media[number].bundle;
  return bundle ? &bundle->marks : nullptr;
}

/// What a relay has to know of a leg that shares a transport. Where the peer says nothing of its packets
/// there are no rules in it: they are the carrier's as long as that is alone.
void MediaSession::State::put_bundle(std::size_t number, Leg leg, LegSpec& spec) const {
  if (!lines_[number].bundles[index(leg)]) return;
  const std::size_t carrier = transport(number, leg);
  spec.mux = true;
  if (carrier != number) {
    spec.joins = lines_[carrier].relay;
    spec.awaits_keys = {};  // of its own
  }
  dataplane::BundleRules& rules = spec.bundle.emplace();
  const sip::BundleMarks* const own = marks(number, leg);
  if (own == nullptr) return;
  rules.mid = own->mid;
  rules.mid_extension = own->mid_extension;
  rules.ssrcs = own->ssrcs;
  rules.payloads = own->payloads;  // of which those that several media have are nobody's
}

}  // namespace sallyport::control
