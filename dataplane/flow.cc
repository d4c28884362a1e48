// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Building flows from their configuration, and control's window into those a worker uses.
#include <new>

#include "base/key_memory.h"
#include "dataplane/flow_state.h"

namespace sallyport::dataplane {

namespace {

SourceState initial_state(const Arrival& arrival, std::size_t component, bool keyed) {
  if (arrival.joins) return SourceState::closed;  // nothing comes by a port of its own
  if (arrival.awaits_keys[component]) return SourceState::closed;
  if (arrival.policy == SourcePolicy::signalled) return SourceState::fixed;
  if (!keyed) return SourceState::learning;
  return arrival.policy == SourcePolicy::verified ? SourceState::verified : SourceState::keyed;
}

Passage passage_of(const Arrival& arrival) {
  if (arrival.bundle && !arrival.joins) return Passage::bundled;
  return arrival.end_to_end ? Passage::end_to_end : Passage::ordinary;
}

/// What the rules of a bundle make of a flow: its carrier, or one that joins.
void take_bundle(Flow& flow, const Arrival& arrival) {
  flow.passage = passage_of(arrival);
  flow.joins = arrival.joins;
  if (!arrival.bundle && !arrival.joins) return;
  flow.medium = std::make_unique<BundleMedium>(arrival.bundle.value_or(BundleRules{}));
  if (!arrival.joins) flow.bundle = std::make_unique<Bundle>();
}

void take_arrival(Flow& flow, Arrival arrival, const Succession& succeeds) {
  flow.inbound_owner = std::move(arrival.stream);
  flow.inbound = succeeds.inbound ? succeeds.of->inbound : flow.inbound_owner.get();
  if (flow.inbound != nullptr) flow.inbound_hot_lines = flow.inbound->hot_lines();
  flow.inbound_rtcp_owner = std::move(arrival.rtcp_stream);
  flow.inbound_rtcp = succeeds.inbound_rtcp                ? succeeds.of->inbound_rtcp
                      : flow.inbound_rtcp_owner != nullptr ? flow.inbound_rtcp_owner.get()
                                                           : flow.inbound;
  flow.keeps_source = succeeds.source;
  flow.arrival_address = arrival.address;
  flow.arrival_ports = {arrival.rtp_port, arrival.rtcp_port};
  flow.arrives_muxed = arrival.rtp_port == arrival.rtcp_port;
  take_bundle(flow, arrival);
  flow.source = arrival.source;
  for (std::size_t component = 0; component < kComponents; ++component)
    flow.source_state[component] = initial_state(arrival, component, flow.inbound != nullptr);
  flow.learn_from = {arrival.source[0].address, arrival.signalling_peer};
  flow.learn_window_ms = arrival.latch_window_ms;
  flow.clock_rate = arrival.clock_rate;
  flow.handshakes = arrival.handshakes;
  flow.handshake_leg = arrival.leg;
}

void take_departure(Flow& flow, Departure departure, const Succession& succeeds) {
  const IpAddress local = departure.local;
  flow.leaves_joined = departure.joins;
  for (std::size_t component = 0; component < kComponents; ++component) {
    const std::uint16_t port = component == 0 ? departure.rtp_port : departure.rtcp_port;
    flow.headers[component] = HeaderTemplate({local, port}, departure.dscp, departure.ttl);
    flow.headers[component].next_hop = departure.next_hop[component];
    if (departure.awaits_keys[component] || departure.joins)
      continue;  // a leg without a target can leak nothing
    if (departure.target[component].port != 0) flow.headers[component].aim_at(departure.target[component]);
  }
  flow.outbound_owner = std::move(departure.stream);
  flow.outbound = succeeds.outbound ? succeeds.of->outbound : flow.outbound_owner.get();
  if (flow.outbound != nullptr) flow.outbound_hot_lines = flow.outbound->hot_lines();
  flow.outbound_rtcp_owner = std::move(departure.rtcp_stream);
  flow.outbound_rtcp = succeeds.outbound_rtcp                ? succeeds.of->outbound_rtcp
                       : flow.outbound_rtcp_owner != nullptr ? flow.outbound_rtcp_owner.get()
                                                             : flow.outbound;
}

}  // namespace

FlowPtr make_flow(FlowConfig config) {
  FlowPtr flow(new (allocate_key_memory(sizeof(Flow))) Flow);
  flow->id = config.id;
  take_arrival(*flow, std::move(config.arrival), config.succeeds);
  take_departure(*flow, std::move(config.departure), config.succeeds);
  // What we open ourselves is nobody else's.
  const bool keyed = flow->inbound != nullptr || flow->outbound != nullptr;
  if (keyed && flow->end_to_end()) flow->passage = Passage::ordinary;
  flow->publish();
  return flow;
}

// Workers use the pointers beside the owners and never the owners, so nothing is written here that they read.
void take_streams(Flow& flow, Flow& predecessor) {
  if (flow.inbound == predecessor.inbound_owner.get())
    flow.inbound_owner = std::move(predecessor.inbound_owner);
  // Where they share, a predecessor's owner for RTCP is null and so is never what RTCP uses.
  if (predecessor.inbound_rtcp_owner && flow.inbound_rtcp == predecessor.inbound_rtcp_owner.get())
    flow.inbound_rtcp_owner = std::move(predecessor.inbound_rtcp_owner);
  if (flow.leaves_joined) return;  // what its worker points it to is the carrier's
  if (flow.outbound == predecessor.outbound_owner.get())
    flow.outbound_owner = std::move(predecessor.outbound_owner);
  if (predecessor.outbound_rtcp_owner && flow.outbound_rtcp == predecessor.outbound_rtcp_owner.get())
    flow.outbound_rtcp_owner = std::move(predecessor.outbound_rtcp_owner);
}

void FlowDeleter::operator()(Flow* flow) const {
  flow->~Flow();
  release_key_memory(flow, sizeof(Flow));
}

std::uint64_t id(const Flow& flow) {
  return flow.id;
}
const FlowCounters& counters(const Flow& flow) {
  return flow.counters;
}
FlowView view(const Flow& flow) {
  return flow.published.load();
}
const crypto::InboundStream* inbound_stream(const Flow& flow) {
  return flow.inbound;
}
const crypto::OutboundStream* outbound_stream(const Flow& flow) {
  return flow.leaves_joined ? nullptr : flow.outbound;
}

std::size_t memory_bytes(const Flow& flow) {
  std::size_t bytes = sizeof(Flow);
  if (flow.medium != nullptr) bytes += sizeof(BundleMedium);
  if (flow.bundle != nullptr) bytes += sizeof(Bundle);
  if (flow.inbound != nullptr) bytes += flow.inbound->memory_bytes();
  if (flow.inbound_rtcp != flow.inbound) bytes += flow.inbound_rtcp->memory_bytes();
  if (flow.leaves_joined) return bytes;
  if (flow.outbound != nullptr) bytes += flow.outbound->memory_bytes();
  if (flow.outbound_rtcp != flow.outbound) bytes += flow.outbound_rtcp->memory_bytes();
  return bytes;
}

}  // namespace sallyport::dataplane
