// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. How flows begin to be served, end, and succeed one another, with the bundles that they carry or
// join. Runs on the worker's thread, between packets.
#include <algorithm>

#include <rte_cycles.h>

#include "dataplane/latch.h"
#include "dataplane/worker.h"

namespace sallyport::dataplane {

namespace {

/// What a leg has counted and learned goes on in the flow that takes its place. Both are linked pairs;
/// control is told of an address only if it was learned after the new flow was built.
void succeed(const Flow& before, Flow& flow, Ring<Event>& events) {
  flow.counters.continue_from(before.counters);
  if (flow.clock_rate == before.clock_rate) flow.reception = before.reception;
  flow.former_source = before.latched && !flow.keeps_source ? before.source : before.former_source;
  if (!flow.keeps_source || !before.latched || flow.joins) return;
  for (const Component component : {Component::rtp, Component::rtcp}) {
    const auto index = static_cast<std::size_t>(component);
    if (before.source_state[index] == SourceState::learning) continue;
    // Without room for the event the next packet teaches the address once more.
    (void)detail::latch_component(flow, component, before.source[index], events);
  }
  flow.latched = true;
  flow.publish();
  flow.reverse->publish();
}

}  // namespace

/// Who joined has no port to be found by.
bool Worker::is_linked(const Flow& flow) const {
  if (flow.joins) return flow.linked;
  return flows_.find(port_index_.of(flow.arrival_address, flow.arrival_ports[0])) == &flow;
}

void Worker::set_ports(const Flow& flow, Flow* entry, std::uint8_t owner) {
  for (const std::uint16_t port : flow.arrival_ports) {
    const std::uint32_t index = port_index_.of(flow.arrival_address, port);
    flows_.set(index, entry);
    wiring_.owners.set(index, owner);
  }
}

/// Ports of a pair that leaves in the same turn are as good as free.
bool Worker::ports_are_free(const Flow& flow, const Pair& leaving) const {
  return std::ranges::all_of(flow.arrival_ports, [&](std::uint16_t port) {
    const std::uint32_t index = port_index_.of(flow.arrival_address, port);
    if (index == PortIndex::kNone) return false;
    if (wiring_.owners.of(index) == OwnerTable::kNobody) return true;
    const Flow* present = flows_.find(index);
    return present != nullptr && (present == leaving[0] || present == leaving[1]);
  });
}

/// The bundle that the flow is to join; null: its port carries none.
Bundle* Worker::bundle_of_port(const Flow& flow) const {
  const std::uint32_t index = port_index_.of(flow.arrival_address, flow.arrival_ports[0]);
  const Flow* carrier = index == PortIndex::kNone ? nullptr : flows_.find(index);
  return carrier == nullptr ? nullptr : carrier->bundle.get();
}

CommandResult Worker::judge(const Flow& flow) const {
  if (!flow.joins) return ports_are_free(flow, {}) ? CommandResult::done : CommandResult::port_in_use;
  const Bundle* bundle = bundle_of_port(flow);
  if (bundle == nullptr) return CommandResult::no_carrier;
  return bundle->has_room() ? CommandResult::done : CommandResult::bundle_full;
}

/// From here on the flows are served, but for bundles.
void Worker::begin_pair(const Pair& flows) {
  flows[0]->reverse = flows[1];
  flows[1]->reverse = flows[0];
  for (Flow* flow : flows) {
    flow->linked = true;
    flow->learn_until_tsc = rte_rdtsc() + wiring_.tsc_hz / 1000 * flow->learn_window_ms;
    flow->reception = Reception(MediaClock(flow->clock_rate, wiring_.tsc_hz));
    if (!flow->joins) set_ports(*flow, flow, wiring_.index);
  }
}

void Worker::end_pair(const Pair& flows) {
  for (Flow* flow : flows) {
    flow->linked = false;
    if (!flow->joins) set_ports(*flow, nullptr, OwnerTable::kNobody);
  }
}

CommandResult Worker::link(Flow& a, Flow& b) {
  for (const Flow* flow : {&a, &b})
    if (const CommandResult result = judge(*flow); result != CommandResult::done) return result;
  begin_pair({&a, &b});
  for (Flow* flow : {&a, &b}) {
    Bundle* const bundle = flow->joins ? bundle_of_port(*flow) : flow->bundle.get();
    if (bundle == nullptr) continue;
    if (flow->joins)
      bundle->join(*flow, around_.tsc, counters_->bundle_ssrcs_displaced);
    else
      bundle->begin(*flow, around_.tsc, counters_->bundle_ssrcs_displaced);
    bundle->align();
  }
  return CommandResult::done;
}

CommandResult Worker::unlink(Flow& a, Flow& b) {
  if (!is_linked(a) || !is_linked(b)) return CommandResult::not_linked;
  for (Flow* flow : {&a, &b}) {
    if (flow->bundle != nullptr) flow->bundle->dissolve();
    if (flow->joins && flow->shared != nullptr) flow->shared->leave(*flow);
  }
  end_pair({&a, &b});
  return CommandResult::done;
}

/// The bundle that `before` carries or has joined, with `flow` in its place. A bundle that is not there any
/// more, or has no room, leaves `flow` linked and closed: it is the state that its predecessor would be in.
void Worker::hand_over(Flow& before, Flow& flow) {
  Counter& displaced = counters_->bundle_ssrcs_displaced;
  if (flow.bundle != nullptr) {
    if (before.bundle != nullptr) flow.bundle->take_over(*before.bundle);
    flow.bundle->begin(flow, around_.tsc, displaced);
  } else if (before.bundle != nullptr) {
    before.bundle->dissolve();
  }
  Bundle* const joined = flow.joins ? bundle_of_port(flow) : nullptr;
  if (before.joins && before.shared != nullptr && before.shared != joined) before.shared->leave(before);
  if (joined == nullptr) return;
  if (before.joins && before.shared == joined)
    joined->exchange(before, flow, around_.tsc, displaced);
  else
    joined->join(flow, around_.tsc, displaced);
}

CommandResult Worker::replace(Command& command) {
  const Pair &before = command.flows, &after = command.replacements;
  for (const Flow* flow : before)
    if (!is_linked(*flow)) return CommandResult::not_linked;
  for (const Flow* flow : after)
    if (!flow->joins && !ports_are_free(*flow, before)) return CommandResult::port_in_use;
  end_pair(before);
  begin_pair(after);
  for (std::size_t i = 0; i < after.size(); ++i) hand_over(*before[i], *after[i]);
  for (std::size_t i = 0; i < after.size(); ++i) succeed(*before[i], *after[i], rings_->events);
  for (Flow* flow : after) {
    if (flow->shared == nullptr) continue;
    flow->shared->align();
    // What it was sent before goes on under the same SSRC.
    const FlowCounters& sent = flow->reverse->counters;
    if (sent.packets[0].get() != 0)
      flow->shared->note_sent(flow->slot, sent.ssrc.get(), around_.tsc, counters_->bundle_ssrcs_displaced);
  }
  return CommandResult::done;
}

CommandResult Worker::retarget(Flow& flow, Component component, NextHopId next_hop) {
  if (!is_linked(flow)) return CommandResult::not_linked;
  if (flow.reverse->joins) return CommandResult::done;  // it goes where the carrier's does
  flow.headers[static_cast<std::size_t>(component)].next_hop = next_hop;
  if (flow.reverse->bundle != nullptr) flow.reverse->bundle->align();
  return CommandResult::done;
}

}  // namespace sallyport::dataplane
