// SPDX-License-Identifier: GPL-3.0-or-later
// MediaLine: one m-line of a media session, its ports or its relay; and what an agreement asks of a relay.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "control/media/leg_handshake.h"
#include "control/media/relay_manager.h"
#include "sip/offer_answer.h"

namespace sallyport::control {

/// By leg: what was agreed upon for all media, in their order.
using Agreements = std::array<sip::Agreement, kLegs>;

/// How a leg of a line shares its transport with those of other lines (RFC 9143).
struct LineBundle {
  std::string mid;
  std::size_t carrier = 0;  ///< number of the line whose ports, keys and handshakes serve for all
};

struct MediaLine {
  std::array<Endpoint, kLegs> local;  ///< what the legs were told; of a line that is placed
  LegPorts ports;                     ///< until a relay takes them over
  std::uint64_t relay = 0;
  bool fresh = false;  ///< the relay is of the exchange that is open
  RelaySpec spec;      ///< of the relay
  std::array<std::optional<sip::KeyAgreement>, kLegs> agreements;  ///< of the relay
  std::array<std::unique_ptr<LegHandshake>, kLegs> handshakes;     ///< null: the leg needs none
  std::array<std::optional<LineBundle>, kLegs> bundles;            ///< nothing: a transport of its own
  std::array<std::string, kLegs> mids;  ///< by which offers of a bundle have named it; empty: none has
  bool stale = false;  ///< handshakes have come to something that the relay does not know yet

  [[nodiscard]] bool placed() const { return relay != 0 || ports[0].held() || ports[1].held(); }
  /// Gives the ports back, if there is no relay.
  void release() {
    if (relay != 0) return;
    ports = {};
    bundles = {};
    mids = {};
  }
};

/// Who a leg is, apart from what its peer describes.
struct MediaLegIdentity {
  const std::string& side;
  const IpAddress& signalling_peer;
};

/// What one leg of a relay is to be for a medium that was agreed upon. The source is learned: phones are
/// behind NAT as a rule. On a keyed leg only authenticated packets teach, on a plain one the described host
/// and the signalling peer. `handshake`: what has come of it so far; null where there is none.
[[nodiscard]] LegSpec leg_spec(const sip::AgreedMedia& agreed, const MediaLegIdentity& leg,
                               const LegHandshake* handshake);

/// One through which nothing goes: neither taken nor sent.
[[nodiscard]] LegSpec closed_leg(const std::string& side);

/// Whether flows of one serve for the other: all is the same but from whom media is expected, and the label.
[[nodiscard]] bool same_flows(const RelaySpec& left, const RelaySpec& right);

[[nodiscard]] std::array<bool, kLegs> expectations(const RelaySpec& spec);

}  // namespace sallyport::control
