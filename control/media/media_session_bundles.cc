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
