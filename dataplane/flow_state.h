// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. What a Flow is made of, in the order in which a packet touches it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/ip_address.h"
#include "base/seqlock.h"
#include "crypto/srtp.h"
#include "dataplane/bundle_state.h"
#include "dataplane/counters.h"
#include "dataplane/flow.h"
#include "dataplane/header_template.h"
#include "dataplane/packet_budget.h"
#include "dataplane/reception.h"

namespace sallyport::dataplane {

/// How a flow decides whose packets it takes.
enum class SourceState : std::uint8_t {
  fixed,     ///< only `source`: signalled, or latched for good
  verified,  ///< any source may try, and none becomes `source`
  keyed,     ///< any source may try; the one whose tag verified last is `source`
  closed,    ///< nobody's: keys are awaited
  learning,  ///< in clear: the first packet from a permitted host, within the window, fixes it, but for those
             ///< that come from where the leg was before it moved
};

enum class CaptureMode : std::uint8_t { none, received, opened, both };

[[nodiscard]] constexpr bool captures_received(CaptureMode mode) {
  return mode == CaptureMode::received || mode == CaptureMode::both;
}
[[nodiscard]] constexpr bool captures_opened(CaptureMode mode) {
  return mode == CaptureMode::opened || mode == CaptureMode::both;
}

/// What is special about the packets that come by a flow's port.
enum class Passage : std::uint8_t {
  ordinary,
  end_to_end,  ///< what is behind headers is the ends' own
  bundled,     ///< they are of several media: once open, each goes on as one of its member's
};

struct alignas(64) Flow {
  // The first lines are all that an RTP packet of a settled flow touches; this is the first.
  crypto::InboundStream* inbound = nullptr;    ///< owned through inbound_owner, ours or the predecessor's
  crypto::OutboundStream* outbound = nullptr;  ///< likewise
  std::uint32_t inbound_hot_lines = 0;
  std::uint32_t outbound_hot_lines = 0;
  std::array<Endpoint, kComponents> source{};  ///< of the next packet expected
  std::array<SourceState, kComponents> source_state{};
  Passage passage = Passage::ordinary;
  CaptureMode capture = CaptureMode::none;

  std::array<HeaderTemplate, kComponents> headers{};  ///< RTP's first
  Reception reception;
  FlowCounters counters;

  // Rarely touched by a packet.
  crypto::InboundStream* inbound_rtcp = nullptr;    ///< RTCP's: `inbound`, or one of its own
  crypto::OutboundStream* outbound_rtcp = nullptr;  ///< likewise
  Flow* reverse = nullptr;                          ///< set when linked
  std::uint64_t id = 0;
  bool arrives_muxed = false;
  bool latched = false;
  bool keeps_source = false;   ///< what the flow that this one replaces has learned
  bool joins = false;          ///< it has no port: its packets come by the carrier's
  bool leaves_joined = false;  ///< its packets leave as the carrier's peer is sent them; for control to read
  bool linked = false;         ///< by its worker's account
  BundleSlot slot = kNoSlot;   ///< in `shared`
  Bundle* shared = nullptr;    ///< that its packets come by; null: none, or its carrier has gone
  std::unique_ptr<BundleMedium> medium;  ///< what tells its packets from others of the port
  std::unique_ptr<Bundle> bundle;        ///< the carrier's
  std::uint64_t learn_until_tsc = 0;
  std::array<Endpoint, kComponents> former_source{};  ///< learned by flows before; port 0: none
  std::array<IpAddress, 2> learn_from{};  ///< hosts that may fix a flow in clear; unspecified: none
  std::array<std::uint16_t, kComponents> arrival_ports{};
  std::uint8_t arrival_address = 0;
  std::uint32_t learn_window_ms = 0;
  std::uint32_t clock_rate = 8000;
  HandshakeFilter handshakes;
  std::uint64_t handshake_leg = 0;
  std::array<PacketBudget, kSenders> handshake_budgets;  ///< by Sender
  crypto::InboundStreamPtr inbound_owner;
  crypto::OutboundStreamPtr outbound_owner;
  crypto::InboundStreamPtr inbound_rtcp_owner;    ///< null: they share
  crypto::OutboundStreamPtr outbound_rtcp_owner;  ///< likewise
  Seqlock<FlowView> published;                    ///< what control reads while a worker changes the rest

  [[nodiscard]] bool end_to_end() const { return passage == Passage::end_to_end; }
  [[nodiscard]] crypto::InboundStream* inbound_of(Component component) const {
    return component == Component::rtp ? inbound : inbound_rtcp;
  }
  [[nodiscard]] crypto::OutboundStream* outbound_of(Component component) const {
    return component == Component::rtp ? outbound : outbound_rtcp;
  }
  /// The worker tells control what it learned.
  void publish() { published.store({source, {headers[0].target(), headers[1].target()}, latched}); }
};

/// What is worth prefetching before a packet is looked at: the two lines that decide and address it, and
/// those that count it.
inline void prefetch(const Flow& flow) {
  __builtin_prefetch(&flow);
  __builtin_prefetch(&flow.headers[0]);
  __builtin_prefetch(&flow.reception);
  __builtin_prefetch(&flow.counters);
}

}  // namespace sallyport::dataplane
