// SPDX-License-Identifier: GPL-3.0-or-later
// From an agreement to a relay's legs.
#include "control/media/media_line.h"

namespace sallyport::control {

namespace {

constexpr std::uint32_t kUsualClockRate = 8000;
constexpr std::uint32_t kHighestClockRate = 1'000'000;

bool same_stream(const std::optional<Keying>& left, const std::optional<Keying>& right) {
  if (!left || !right) return left.has_value() == right.has_value();
  return mark(*left, left->send) == mark(*right, right->send) &&
         mark(*left, left->receive) == mark(*right, right->receive);
}

bool same_leg(const LegSpec& left, const LegSpec& right) {
  return left.side == right.side && left.remote == right.remote && left.remote_rtcp == right.remote_rtcp &&
         left.policy == right.policy && left.mux == right.mux && left.clock_rate == right.clock_rate &&
         left.signalling_peer == right.signalling_peer && same_stream(left.keying, right.keying) &&
         same_stream(left.rtcp_keying, right.rtcp_keying) && left.awaits_keys == right.awaits_keys &&
         left.end_to_end == right.end_to_end && left.handshakes == right.handshakes &&
         left.handshake_leg == right.handshake_leg && left.bundle == right.bundle &&
         left.joins == right.joins;
}

}  // namespace

LegSpec leg_spec(const sip::AgreedMedia& agreed, const MediaLegIdentity& leg, const LegHandshake* handshake) {
  LegSpec spec;
  spec.side = leg.side;
  const bool ice = !agreed.ice_fragment.empty();  // which finds the peer's addresses out
  if (!ice) spec.remote = agreed.rtp;
  // RTCP can be done without: a place that media cannot be sent to is as good as none.
  const bool place = agreed.rtcp && agreed.rtcp->port != 0 && !agreed.rtcp->address.is_multicast();
  if (spec.remote && !agreed.mux && place) spec.remote_rtcp = agreed.rtcp;
  if (agreed.keying) spec.keying = agreed.keying->duplicate();
  spec.policy = dataplane::SourcePolicy::latch;
  spec.mux = agreed.mux;
  const bool usable = agreed.clock_rate != 0 && agreed.clock_rate <= kHighestClockRate;
  spec.clock_rate = usable ? agreed.clock_rate : kUsualClockRate;
  if (!agreed.agreement) spec.signalling_peer = leg.signalling_peer;
  spec.expects_media = sip::sends(agreed.direction);
  spec.end_to_end = agreed.end_to_end;
  if (handshake == nullptr) return spec;
  spec.handshakes.stun = handshake->has_ice();
  spec.handshakes.dtls = handshake->has_dtls();
  spec.handshakes.zrtp = handshake->has_zrtp();
  spec.handshakes.host = leg.signalling_peer;
  if (handshake->terms)
    spec.handshakes.ice_fragment = dataplane::make_ice_fragment(handshake->terms->ice.fragment);
  spec.handshake_leg = handshake->id;
  apply(*handshake, spec);
  return spec;
}

LegSpec closed_leg(const std::string& side) {
  LegSpec spec;
  spec.side = side;
  spec.policy = dataplane::SourcePolicy::latch;
  spec.awaits_keys.fill(true);
  spec.expects_media = false;
  return spec;
}

bool same_flows(const RelaySpec& left, const RelaySpec& right) {
  return same_leg(left.legs[0], right.legs[0]) && same_leg(left.legs[1], right.legs[1]);
}

std::array<bool, kLegs> expectations(const RelaySpec& spec) {
  return {spec.legs[0].expects_media, spec.legs[1].expects_media};
}

}  // namespace sallyport::control
