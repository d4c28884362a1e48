// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to relays unasked, latching, silence, new routes; and their description for people.
#include <algorithm>

#include "base/log.h"
#include "control/media/relay_manager.h"

namespace sallyport::control {

using dataplane::Component;

namespace {

template <typename Stream>
std::optional<crypto::StreamStatus> status_of(const Stream* stream) {
  return stream == nullptr ? std::nullopt : std::optional(stream->status());
}

}  // namespace

Relay* RelayManager::find_by_flow(std::uint64_t flow_id) {
  Relay* relay = find(relay_of(flow_id));
  // News of a flow that was replaced since concerns nobody.
  return relay != nullptr && dataplane::id(*relay->flows[index(leg_of(flow_id))]) == flow_id ? relay
                                                                                             : nullptr;
}

void RelayManager::on_event(const dataplane::Event& event) {
  switch (event.kind) {
    case dataplane::EventKind::latched:
      break;
  }
  Relay* relay = find_by_flow(event.flow_id);
  if (relay == nullptr) return;
  const Leg leg = leg_of(event.flow_id);
  log::info("relay.latched", {{"relay", relay->id},
                              {"leg", name(leg)},
                              {"component", event.component == Component::rtp ? "rtp" : "rtcp"},
                              {"remote", event.endpoint.to_string()}});
  tell(RelayEvent::Kind::latched, relay->id, leg, event.endpoint);
  retarget(*relay, leg, event.component, find_hop(*relay, leg, event.endpoint));
}

void RelayManager::check_media(Relay& relay, std::uint64_t now) {
  if (config_.media.timeout_s == 0 || !relay.linked || relay.dropping) return;
  // Nobody may send: silence is what was agreed upon.
  if (!relay.legs[0].expects_media && !relay.legs[1].expects_media) return;
  const std::uint64_t last = std::max(last_packet(relay), relay.expecting_since_tsc);
  const bool silent = now > last && now - last >= config_.media.timeout_s * plane_.tsc_hz();
  if (silent == relay.timed_out) return;
  relay.timed_out = silent;
  const auto kind = silent ? RelayEvent::Kind::media_timeout : RelayEvent::Kind::media_resumed;
  log::warning(name(kind), {{"relay", relay.id}, {"label", relay.label}});
  tell(kind, relay.id);
  if (!silent) return;
  ++totals_.media_timeouts;
  if (config_.media.timeout_action == TimeoutAction::drop)
    start_drop(relay, [id = relay.id](const auto&) {
      log::info("relay.dropped", {{"relay", id}, {"why", "media timeout"}});
    });
}

/// What a handshake keeps for a peer that wants its last flight again can go when media shows that it does
/// not.
void RelayManager::check_handshakes(Relay& relay) {
  if (!relay.linked || relay.changing || relay.dropping) return;
  for (const Leg leg : {Leg::a, Leg::b}) {
    RelayLeg& its = relay.legs[index(leg)];
    if (its.handshake_leg == 0 || !its.keys || its.verified) continue;
    if (!media_came(relay, leg)) continue;
    its.verified = true;
    if (observer_) observer_({RelayEvent::Kind::verified, relay.id, leg, {}, its.handshake_leg});
  }
}

void RelayManager::check_routes(Relay& relay) {
  if (!relay.linked || relay.changing || relay.dropping) return;
  for (const Leg leg : {Leg::a, Leg::b}) {
    if (relay.legs[index(leg)].joins != 0) continue;  // the carrier's
    const std::size_t flow = index(other(leg));
    const auto targets = dataplane::view(*relay.flows[flow]).target;
    for (std::size_t i = 0; i < dataplane::kComponents; ++i) {
      if (targets[i].port == 0) continue;
      auto hop = next_hops_.acquire(relay.legs[index(leg)].ports.address(), targets[i].address);
      NextHopLease found = hop ? std::move(*hop) : NextHopLease();
      if (found.id() != relay.hops[flow][i].id())
        retarget(relay, leg, static_cast<Component>(i), std::move(found));
    }
  }
}

void RelayManager::routes_changed() {
  route_checks_left_ = relays_.size();
}

void RelayManager::scan(std::size_t count) {
  const std::uint64_t now = plane_.tsc_now();
  auto position = relays_.upper_bound(scan_position_);
  for (std::size_t i = 0; i < std::min(count, relays_.size()); ++i) {
    if (position == relays_.end()) position = relays_.begin();
    Relay& relay = *position->second;
    scan_position_ = position->first;
    ++position;
    check_media(relay, now);
    check_handshakes(relay);
    if (route_checks_left_ == 0) continue;
    --route_checks_left_;
    check_routes(relay);
  }
}

Endpoint RelayManager::local(const RelayLeg& leg, Component component) const {
  const std::uint16_t above = component == Component::rtcp && !leg.mux ? 1 : 0;
  return {config_.runtime.addresses[leg.ports.address()].address,
          static_cast<std::uint16_t>(leg.ports.port() + above)};
}

RelayAdded RelayManager::added(const Relay& relay) const {
  RelayAdded added;
  added.id = relay.id;
  added.worker = relay.worker;
  for (std::size_t i = 0; i < kLegs; ++i) {
    added.rtp[i] = local(relay.legs[i], Component::rtp);
    added.rtcp[i] = local(relay.legs[i], Component::rtcp);
  }
  return added;
}

LegInfo RelayManager::describe_leg(const Relay& relay, Leg which) const {
  const RelayLeg& leg = relay.legs[index(which)];
  // What a transport is like, and its keys, is known where it is carried; without a carrier there is none.
  const Relay* carrier = carrier_of(leg);
  const Relay& at = carrier == nullptr ? relay : *carrier;
  const RelayLeg& transport = at.legs[index(which)];
  const dataplane::Flow& receives = *at.flows[index(which)];
  const dataplane::Flow& sends = *at.flows[index(other(which))];
  const dataplane::FlowView received = dataplane::view(receives), sent = dataplane::view(sends);
  LegInfo info;
  if (leg.joins != 0) info.bundled_with = leg.joins;
  info.side = config_.sides[leg.side].name;
  info.local_rtp = local(leg, Component::rtp);
  info.local_rtcp = local(leg, Component::rtcp);
  info.target_rtp = sent.target[0];
  info.target_rtcp = sent.target[1];
  info.source_rtp = received.source[0];
  info.source_rtcp = received.source[1];
  info.mux = leg.mux;
  info.latched = received.latched;
  const dataplane::NextHopId hop = at.hops[index(other(which))][0].id();
  info.reachable = hop != dataplane::kNoNextHop && next_hops_.hop(hop).resolved;
  info.dscp = leg.dscp;
  info.policy = transport.policy;
  info.clock_rate = leg.clock_rate;
  if (transport.keys) info.suite = transport.suite;
  info.receive = status_of(dataplane::inbound_stream(receives));
  info.send = status_of(dataplane::outbound_stream(sends));
  info.counters = &dataplane::counters(*relay.flows[index(which)]);
  const std::uint64_t last = info.counters->last_seen.get(), now = plane_.tsc_now();
  if (last != 0)
    info.idle_s = now > last ? static_cast<double>(now - last) / static_cast<double>(plane_.tsc_hz()) : 0;
  return info;
}

RelayInfo RelayManager::describe(const Relay& relay) const {
  const double hz = static_cast<double>(plane_.tsc_hz());
  const std::uint64_t now = plane_.tsc_now(), last = last_packet(relay);
  const auto seconds_since = [&](std::uint64_t then) {
    return now > then ? static_cast<double>(now - then) / hz : 0;
  };
  RelayInfo info;
  info.id = relay.id;
  info.label = relay.label;
  info.worker = relay.worker;
  info.linked = relay.linked;
  info.age_s = seconds_since(relay.started_tsc);
  if (last != 0) info.idle_s = seconds_since(last);
  info.timed_out = relay.timed_out;
  for (const auto& flow : relay.flows) info.memory_bytes += dataplane::memory_bytes(*flow);
  for (const Leg leg : {Leg::a, Leg::b}) info.legs[index(leg)] = describe_leg(relay, leg);
  return info;
}

bool RelayManager::has(std::uint64_t id) const {
  const auto found = relays_.find(id);
  return found != relays_.end() && !found->second->dropping;
}

std::optional<RelayInfo> RelayManager::show(std::uint64_t id) const {
  if (!has(id)) return std::nullopt;
  return describe(*relays_.at(id));
}

std::vector<RelayInfo> RelayManager::list(std::uint64_t after, std::size_t count) const {
  std::vector<RelayInfo> page;
  for (auto it = relays_.upper_bound(after); it != relays_.end() && page.size() < count; ++it)
    if (!it->second->dropping) page.push_back(describe(*it->second));
  return page;
}

}  // namespace sallyport::control
