// SPDX-License-Identifier: GPL-3.0-or-later
// From an agreement to a relay's legs.
#include "control/media/media_line.h"

namespace sallyport::control {

namespace {

constexpr std::uint32_t kUsualClockRate = 8000;
constexpr std::uint32_t kHighestClockRate = 1'000'000;

bool same_stream(const LegSpec& left, const LegSpec& right) {
  if (!left.keying || !right.keying) return left.keying.has_value() == right.keying.has_value();
  return mark(*left.keying, left.keying->send) == mark(*right.keying, right.keying->send) &&
         mark(*left.keying, left.keying->receive) == mark(*right.keying, right.keying->receive);
}

bool same_leg(const LegSpec& left, const LegSpec& right) {
  return left.side == right.side && left.remote == right.remote && left.remote_rtcp == right.remote_rtcp &&
         left.policy == right.policy && left.mux == right.mux && left.clock_rate == right.clock_rate &&
         left.signalling_peer == right.signalling_peer && same_stream(left, right);
}

}  // namespace

LegSpec leg_spec(const sip::AgreedMedia& agreed, const MediaLegIdentity& leg) {
  LegSpec spec;
  spec.side = leg.side;
  spec.remote = agreed.rtp;
  // RTCP can be done without: a place that media cannot be sent to is as good as none.
  const bool place = agreed.rtcp && agreed.rtcp->port != 0 && !agreed.rtcp->address.is_multicast();
  if (agreed.rtp && !agreed.mux && place) spec.remote_rtcp = agreed.rtcp;
  if (agreed.keying) spec.keying = agreed.keying->duplicate();
  spec.policy = dataplane::SourcePolicy::latch;
  spec.mux = agreed.mux;
  const bool usable = agreed.clock_rate != 0 && agreed.clock_rate <= kHighestClockRate;
  spec.clock_rate = usable ? agreed.clock_rate : kUsualClockRate;
  if (!agreed.keying) spec.signalling_peer = leg.signalling_peer;
  spec.expects_media = sip::sends(agreed.direction);
  return spec;
}

bool same_flows(const RelaySpec& left, const RelaySpec& right) {
  return same_leg(left.legs[0], right.legs[0]) && same_leg(left.legs[1], right.legs[1]);
}

std::array<bool, kLegs> expectations(const RelaySpec& spec) {
  return {spec.legs[0].expects_media, spec.legs[1].expects_media};
}

}  // namespace sallyport::control
