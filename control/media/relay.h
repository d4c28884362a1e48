// SPDX-License-Identifier: GPL-3.0-or-later
// Relay: two legs and the two flows between them, as control keeps them; and what it tells of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "control/media/media_ports.h"
#include "control/media/next_hops.h"
#include "control/media/relay_spec.h"
#include "dataplane/flow.h"

namespace sallyport::control {

/// Which keys a stream in each direction has.
struct StreamMarks {
  KeyMark send, receive;
};

/// What stays of a LegSpec once its keys went into the streams.
struct RelayLeg {
  std::uint8_t side = 0;  ///< index into Config::sides
  std::uint8_t dscp = 0;
  bool mux = false;
  std::optional<StreamMarks> keys;       ///< nothing: in clear, or keys are awaited
  std::optional<StreamMarks> rtcp_keys;  ///< of RTCP with keys of its own
  crypto::SuiteId suite = crypto::SuiteId::aes_cm_128_hmac_sha1_80;
  dataplane::SourcePolicy policy = dataplane::SourcePolicy::signalled;
  std::uint32_t clock_rate = 8000;
  std::uint64_t handshake_leg = 0;                        ///< in Handshakes; 0: none
  bool verified = false;                                  ///< media has come after the last handshake
  std::uint64_t received_before = 0;                      ///< RTP packets by then, also of one that joins
  std::array<Endpoint, dataplane::kComponents> remote{};  ///< as signalled; port 0: unknown
  bool expects_media = true;
  bool bundled = false;     ///< one medium of a transport that may carry more
  std::uint64_t joins = 0;  ///< the relay that has this leg's transport; 0: it has its own
  PortLease ports;          ///< of a leg that joins: named, not held
};

/// The two streams that a leg may have: as it is asked for, and as it is held.
struct LegStream {
  std::optional<Keying> LegSpec::*wanted;
  std::optional<StreamMarks> RelayLeg::*held;
};
inline constexpr std::array<LegStream, dataplane::kComponents> kLegStreams = {
    {{&LegSpec::keying, &RelayLeg::keys}, {&LegSpec::rtcp_keying, &RelayLeg::rtcp_keys}}};

// A flow's id names relay, generation and the leg it receives on, so that news of a replaced flow is
// recognised.
[[nodiscard]] constexpr std::uint64_t flow_id(std::uint64_t relay, std::uint8_t generation, Leg receives) {
  return relay << 9 | static_cast<std::uint64_t>(generation) << 1 | index(receives);
}
[[nodiscard]] constexpr std::uint64_t relay_of(std::uint64_t flow_id) {
  return flow_id >> 9;
}
[[nodiscard]] constexpr Leg leg_of(std::uint64_t flow_id) {
  return (flow_id & 1) == 0 ? Leg::a : Leg::b;
}

/// Next hops of one flow, by component.
using FlowHops = std::array<NextHopLease, dataplane::kComponents>;

/// flows[i] receives on leg i and sends on the other.
struct Relay {
  std::uint64_t id = 0;
  std::uint64_t started_tsc = 0;
  std::uint64_t expecting_since_tsc = 0;  ///< silence before does not count
  std::uint8_t worker = 0;
  std::uint8_t generation = 0;  ///< of its flows; told apart in their ids
  bool linked = false;
  bool changing = false;  ///< replacement flows are under way
  bool dropping = false;
  bool timed_out = false;
  std::string label;
  std::array<RelayLeg, kLegs> legs;
  std::array<std::vector<std::uint64_t>, kLegs> joined;  ///< relays whose leg has its transport here
  std::array<FlowHops, kLegs> hops;
  std::array<dataplane::FlowPtr, kLegs> flows;
  std::vector<std::uint64_t> past_keys;  ///< KeyMark::key of those that it had and has no more
};

/// One leg for people: addresses, keys' state without keys, and what came from there.
struct LegInfo {
  std::string side;
  Endpoint local_rtp, local_rtcp;
  Endpoint target_rtp, target_rtcp;  ///< where we send; port 0: not known yet
  Endpoint source_rtp, source_rtcp;  ///< where we accept from
  bool mux = false;
  bool latched = false;
  bool reachable = false;  ///< the next hop towards target_rtp is resolved
  std::uint8_t dscp = 0;
  dataplane::SourcePolicy policy = dataplane::SourcePolicy::signalled;
  std::uint32_t clock_rate = 8000;
  std::optional<std::uint64_t> bundled_with;  ///< the relay that has its transport
  std::optional<crypto::SuiteId> suite;
  std::optional<crypto::StreamStatus> receive, send;
  std::optional<double> idle_s;  ///< since the last accepted packet from there; nothing: none yet
  const dataplane::FlowCounters* counters = nullptr;  ///< of the flow that receives here
};

/// Valid until the relay changes: points to counters that workers still write.
struct RelayInfo {
  std::uint64_t id = 0;
  std::string label;
  std::uint8_t worker = 0;
  bool linked = false;
  double age_s = 0;
  std::optional<double> idle_s;  ///< since the last accepted packet of either leg; nothing: none yet
  bool timed_out = false;
  std::size_t memory_bytes = 0;
  std::array<LegInfo, kLegs> legs;
};

}  // namespace sallyport::control
