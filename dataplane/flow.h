// SPDX-License-Identifier: GPL-3.0-or-later
// Flow: one direction of one media stream. Control builds it whole and lends it to a worker; it comes back by
// receipt.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/ip_address.h"
#include "crypto/srtp.h"
#include "dataplane/bundle.h"
#include "dataplane/counters.h"
#include "dataplane/handshake.h"

namespace sallyport::dataplane {

/// Which source addresses a flow accepts.
enum class SourcePolicy : std::uint8_t {
  signalled,  ///< only the signalled endpoint
  latch,  ///< learned: keyed flows from any packet whose tag verifies, plain ones within a window from named
          ///< hosts
  verified,  ///< of a keyed flow: any packet whose tag verifies, and none teaches where to send (ICE does)
};

/// Index into every worker's next-hop table.
using NextHopId = std::uint16_t;
inline constexpr NextHopId kNoNextHop = 0;  ///< entry 0 never resolves

/// Where a flow's packets arrive. Ports are host order.
struct Arrival {
  std::uint8_t address = 0;     ///< index into RuntimeConfig::addresses
  std::uint16_t rtp_port = 0;   ///< our port
  std::uint16_t rtcp_port = 0;  ///< our port; equal to rtp_port when muxed (RFC 5761)
  SourcePolicy policy = SourcePolicy::signalled;
  std::array<Endpoint, kComponents> source{};  ///< signalled; port 0: not known
  IpAddress signalling_peer;                   ///< plain latching accepts this host too; unspecified: none
  std::uint32_t latch_window_ms = 5000;        ///< plain flows latch only so long after being linked
  std::uint32_t clock_rate = 8000;             ///< RTP timestamp units a second, for jitter
  HandshakeFilter handshakes;                  ///< what is passed on to the handshake thread
  std::uint64_t leg = 0;                       ///< control's name for the leg; comes with what is passed on
  /// A handshake is to give them: until then no media is taken, in clear or not.
  std::array<bool, kComponents> awaits_keys{};
  /// The legs key each other by ZRTP, through us: its packets go to the other leg as they are, within the
  /// budget of handshakes, and with them media of which only the header can be read. Without keys of our own
  /// on either leg.
  bool end_to_end = false;
  /// The port serves several media (RFC 9143): the flow that it belongs to, the carrier, and all that join it
  /// have rules. Not with `end_to_end`.
  std::optional<BundleRules> bundle;
  /// The port is the carrier's, which is linked: keys, sources and handshakes are its.
  bool joins = false;
  crypto::InboundStreamPtr stream;       ///< null: plain RTP, or keys are awaited
  crypto::InboundStreamPtr rtcp_stream;  ///< of RTCP with keys of its own; null: it shares `stream`
};

/// Where a flow's packets leave. Ports are host order.
struct Departure {
  IpAddress local;                             ///< our media address, which packets are sent from
  std::uint16_t rtp_port = 0;                  ///< our port, which packets are sent from
  std::uint16_t rtcp_port = 0;                 ///< equal to rtp_port when muxed
  std::array<Endpoint, kComponents> target{};  ///< port 0: wait until the reverse flow latches
  std::array<NextHopId, kComponents> next_hop{};
  std::uint8_t dscp = 46;  ///< RFC 4594: expedited forwarding
  std::uint8_t ttl = 64;
  /// Until a replacement brings them nothing is sent, whatever `target` says.
  std::array<bool, kComponents> awaits_keys{};
  /// The reverse flow joins: target, next hop and keys are those of what the carrier's peer is sent.
  bool joins = false;
  crypto::OutboundStreamPtr stream;       ///< null: plain RTP, or keys are awaited
  crypto::OutboundStreamPtr rtcp_stream;  ///< of RTCP with keys of its own; null: it shares `stream`
};

struct Flow;

/// What a flow takes over from the one that it is to replace.
struct Succession {
  Flow* of = nullptr;
  bool inbound = false;                              ///< its stream goes on, instead of Arrival::stream
  bool outbound = false;                             ///< likewise, instead of Departure::stream
  bool inbound_rtcp = false, outbound_rtcp = false;  ///< likewise, instead of their rtcp_stream
  bool source = false;                               ///< the address that it learned stays learned
};

struct FlowConfig {
  std::uint64_t id = 0;  ///< control's name for it; appears in events and captures
  Arrival arrival;
  Departure departure;
  Succession succeeds;
};

/// What control may read of a flow that a worker uses.
struct FlowView {
  std::array<Endpoint, kComponents> source{};  ///< as latched or signalled
  std::array<Endpoint, kComponents> target{};
  bool latched = false;
};

struct FlowDeleter {
  void operator()(Flow* flow) const;  ///< wipes keys; the flow must not be linked
};
using FlowPtr = std::unique_ptr<Flow, FlowDeleter>;

/// Builds a flow with its frame templates. Never fails: what can be refused was refused before.
[[nodiscard]] FlowPtr make_flow(FlowConfig config);

/// Makes a flow the owner of the streams that it shares with its predecessor. Called by the control thread
/// when the receipt of the replacement is there; until then the predecessor, which must live so long, owns
/// them.
void take_streams(Flow& flow, Flow& predecessor);

// Called by the control thread at any time between make_flow and destruction.
[[nodiscard]] std::uint64_t id(const Flow& flow);
[[nodiscard]] const FlowCounters& counters(const Flow& flow);
[[nodiscard]] FlowView view(const Flow& flow);
// Null also where the stream is the carrier's.
[[nodiscard]] const crypto::InboundStream* inbound_stream(const Flow& flow);
[[nodiscard]] const crypto::OutboundStream* outbound_stream(const Flow& flow);
/// All memory of the flow and of the streams that are its own.
[[nodiscard]] std::size_t memory_bytes(const Flow& flow);

}  // namespace sallyport::dataplane
