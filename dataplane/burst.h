// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Burst: up to 32 packets and, for each, its view, its flow and its verdict.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ip_address.h"
#include "dataplane/demux.h"
#include "dataplane/flow_state.h"
#include "dataplane/rtp.h"
#include "dataplane/verdict.h"

struct rte_mbuf;

namespace sallyport::dataplane {

/// What the stages have found out about one packet.
struct PacketView {
  std::uint8_t* payload = nullptr;  ///< of UDP
  std::uint16_t length = 0;         ///< of the payload; changes when it is opened and closed
  std::uint16_t arrived_length = 0;
  std::uint8_t address = 0;  ///< index of the media address it came to
  std::uint16_t local_port = 0;
  Endpoint source;
  Component component = Component::rtp;
  RtpHeader rtp;  ///< RTCP: only `ssrc`
  Flow* flow = nullptr;

  [[nodiscard]] std::span<const std::uint8_t> octets() const { return {payload, length}; }
  [[nodiscard]] std::size_t component_index() const { return static_cast<std::size_t>(component); }
};

struct Burst {
  static constexpr std::size_t kCapacity = 32;

  std::size_t size = 0;
  std::array<rte_mbuf*, kCapacity> packets;
  /// `forward` until a stage decides otherwise; later stages then pass the packet over.
  std::array<Verdict, kCapacity> verdicts;
  std::array<PacketView, kCapacity> views;
  std::array<std::uint8_t, kCapacity> owners;  ///< the worker that a packet is handed to; with `handoff` only

  bool holds_handshakes = false;  ///< something that is neither RTP nor RTCP, nor decided on

  [[nodiscard]] bool undecided(std::size_t i) const { return verdicts[i] == Verdict::forward; }

  /// The keys that the packet's flow will want first; nothing if no flow was found.
  [[nodiscard]] Lines first_keys(std::size_t i) const {
    const Flow* flow = views[i].flow;
    if (flow == nullptr) return {};
    if (flow->inbound != nullptr) return {flow->inbound, flow->inbound_hot_lines};
    return {flow->outbound, flow->outbound_hot_lines};
  }

  /// Decides against a packet; once its flow is known the flow counts it too.
  void drop(std::size_t i, Verdict verdict) {
    verdicts[i] = verdict;
    if (views[i].flow != nullptr) views[i].flow->counters.dropped.add();
  }
};

}  // namespace sallyport::dataplane
