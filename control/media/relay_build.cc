// SPDX-License-Identifier: GPL-3.0-or-later
// From a request to flows: ports, next hops, streams. Leases and smart pointers give everything back on
// refusal.
#include <algorithm>

#include "base/log.h"
#include "control/media/relay_manager.h"

namespace sallyport::control {

using dataplane::Component;

namespace {

constexpr std::size_t kRtp = static_cast<std::size_t>(Component::rtp);
constexpr std::size_t kRtcp = static_cast<std::size_t>(Component::rtcp);

/// SSRCs that a bundle's streams remember in full: a medium has one, and one for repairs (RFC 4588).
constexpr std::uint8_t kBundleSsrcCapacity = 2 * dataplane::kMaxBundleMembers;

crypto::SrtpConfig srtp_config(const Keying& keying, const KeyMaterial& material, const MediaConfig& media,
                               bool bundled) {
  crypto::SrtpConfig config;
  if (bundled) config.ssrc_capacity = kBundleSsrcCapacity;
  config.suite = keying.suite;
  config.master_key = material.key.duplicate();
  config.master_salt = material.salt.duplicate();
  config.mki = material.mki;
  config.mki_length = material.mki_length;
  config.rtp_replay_window = media.replay_window;
  config.rtcp_replay_window = media.rtcp_replay_window;
  config.encrypt_srtcp = !keying.unencrypted_srtcp;
  if (material.lifetime) {
    config.srtp_lifetime = std::min(*material.lifetime, crypto::kMaxSrtpPackets);
    config.srtcp_lifetime = std::min(*material.lifetime, crypto::kMaxSrtcpPackets);
  }
  return config;
}

std::array<Endpoint, dataplane::kComponents> remote_endpoints(const LegSpec& leg) {
  std::array<Endpoint, dataplane::kComponents> remote{};
  if (!leg.remote) return remote;
  remote[kRtp] = *leg.remote;
  remote[kRtcp] = leg.remote_rtcp.value_or(*leg.remote);
  if (!leg.mux && !leg.remote_rtcp) remote[kRtcp].port = static_cast<std::uint16_t>(leg.remote->port + 1);
  return remote;
}

std::uint16_t rtcp_port(const RelayLeg& leg) {
  return static_cast<std::uint16_t>(leg.ports.port() + (leg.mux ? 0 : 1));
}

/// Whether a stream under this key would start over. `present` is the key in its place now, whose stream goes
/// on if all of it stays.
bool is_spent(const Relay& relay, const KeyMark& wanted, const KeyMark* present) {
  if (present != nullptr && *present == wanted) return false;
  for (const RelayLeg& leg : relay.legs)
    for (const LegStream& stream : kLegStreams)
      if (const auto& keys = leg.*stream.held)
        if (keys->send.key == wanted.key || keys->receive.key == wanted.key) return true;
  return std::ranges::find(relay.past_keys, wanted.key) != relay.past_keys.end();
}

Error spent_key() {
  return {ErrorClass::refused, "this relay has used that key for another stream; a change needs new ones"};
}

/// Whether what a leg's flow has learned of its peer's address is still so.
bool keeps_source(const RelayLeg& before, const RelayLeg& after) {
  if (before.joins != 0 || after.joins != 0) return false;  // it learns none
  return after.policy == dataplane::SourcePolicy::latch && before.policy == after.policy &&
         before.keys.has_value() == after.keys.has_value() && before.mux == after.mux &&
         before.remote == after.remote;
}

/// What the flow from leg `from` takes over; learned addresses are put into `flow` as they are by now.
dataplane::Succession succession(const Relay& before, const Relay& after, Leg from,
                                 dataplane::FlowConfig& flow) {
  const std::size_t in = index(from), out = index(other(from));
  const auto latched = [&](std::size_t leg) {
    const dataplane::FlowView view = dataplane::view(*before.flows[leg]);
    const bool kept = view.latched && keeps_source(before.legs[leg], after.legs[leg]);
    return kept ? std::optional(view.source) : std::nullopt;
  };
  if (const auto source = latched(in)) flow.arrival.source = *source;
  if (const auto target = latched(out)) flow.departure.target = *target;
  dataplane::Succession succession;
  succession.of = before.flows[in].get();
  const auto goes_on = [&](std::size_t leg, const LegStream& stream, KeyMark StreamMarks::*direction) {
    const auto &had = before.legs[leg].*stream.held, &has = after.legs[leg].*stream.held;
    return had && has && (*had).*direction == (*has).*direction;
  };
  succession.inbound = goes_on(in, kLegStreams[kRtp], &StreamMarks::receive);
  succession.outbound = goes_on(out, kLegStreams[kRtp], &StreamMarks::send);
  succession.inbound_rtcp = goes_on(in, kLegStreams[kRtcp], &StreamMarks::receive);
  succession.outbound_rtcp = goes_on(out, kLegStreams[kRtcp], &StreamMarks::send);
  succession.source = keeps_source(before.legs[in], after.legs[in]);
  return succession;
}

}  // namespace

/// Of one leg, in the order of kLegStreams.
struct RelayManager::Streams {
  std::array<crypto::InboundStreamPtr, dataplane::kComponents> inbound;
  std::array<crypto::OutboundStreamPtr, dataplane::kComponents> outbound;
};

std::optional<SpecError> RelayManager::place_leased(const RelaySpec& spec, Leg leg, Relay& relay,
                                                    PortLease lease) {
  const LegSpec& wanted = spec.legs[index(leg)];
  const std::string prefix = std::string(name(leg)) + ".";
  const auto side = ports_.find_side(wanted.side);
  if (!side || !ports_.belongs(lease, *side))
    return SpecError{{ErrorClass::refused, "the ports are not of this side"}, prefix + "side"};
  relay.legs[index(leg)].side = *side;
  relay.legs[index(leg)].ports = std::move(lease);
  return check_ports(wanted, relay.legs[index(leg)], prefix);
}

std::optional<SpecError> RelayManager::place(const RelaySpec& spec, Relay& relay, LegPorts leases) {
  for (const Leg leg : {Leg::a, Leg::b}) {
    const LegSpec& wanted = spec.legs[index(leg)];
    const std::string prefix = std::string(name(leg)) + ".";
    if (wanted.joins != 0) {
      const Relay& carrier = *relays_.at(wanted.joins);
      relay.legs[index(leg)].side = carrier.legs[index(leg)].side;
      relay.legs[index(leg)].ports = carrier.legs[index(leg)].ports.named();
      continue;
    }
    if (leases[index(leg)].held()) {
      if (auto wrong = place_leased(spec, leg, relay, std::move(leases[index(leg)]))) return wrong;
      continue;
    }
    const auto side = ports_.find_side(wanted.side);
    if (!side) return SpecError{{ErrorClass::not_found, "there is no such side"}, prefix + "side"};
    auto ports = ports_.take(*side, wanted);
    if (!ports) return SpecError{std::move(ports.error()), prefix + "side"};
    relay.legs[index(leg)].side = *side;
    relay.legs[index(leg)].ports = std::move(*ports);
  }
  return std::nullopt;
}

std::optional<SpecError> RelayManager::check_ports(const LegSpec& wanted, const RelayLeg& leg,
                                                   const std::string& prefix) const {
  if (!wanted.mux && leg.ports.single())
    return SpecError{{ErrorClass::refused, "a leg that was muxed has one port"}, prefix + "mux"};
  const bool v4 = config_.runtime.addresses[leg.ports.address()].address.is_v4();
  if (wanted.remote && wanted.remote->address.is_v4() != v4)
    return SpecError{{ErrorClass::refused, "a leg stays in its address family"}, prefix + "remote"};
  return std::nullopt;
}

std::optional<SpecError> RelayManager::check_change(const RelaySpec& spec, const Relay& relay) {
  if (relay.past_keys.size() + 2 * kLegs > limits_[Limit::relay_keys])
    return SpecError{limits_.refuse(Limit::relay_keys).value(), ""};
  for (const Leg leg : {Leg::a, Leg::b}) {
    const LegSpec& wanted = spec.legs[index(leg)];
    const RelayLeg& now = relay.legs[index(leg)];
    const std::string prefix = std::string(name(leg)) + ".";
    if (ports_.find_side(wanted.side) != now.side)
      return SpecError{{ErrorClass::refused, "a leg stays on its side"}, prefix + "side"};
    if (auto wrong = check_bundle_change(wanted, relay, leg)) return wrong;
    if (wanted.joins != 0) continue;
    if (auto wrong = check_ports(wanted, now, prefix)) return wrong;
    for (const LegStream& stream : kLegStreams) {
      const auto& keying = wanted.*stream.wanted;
      const auto& held = now.*stream.held;
      if (!keying) continue;
      if (is_spent(relay, mark(*keying, keying->send), held ? &held->send : nullptr))
        return SpecError{spent_key(), prefix + "send_key"};
      if (is_spent(relay, mark(*keying, keying->receive), held ? &held->receive : nullptr))
        return SpecError{spent_key(), prefix + "receive_key"};
    }
  }
  return std::nullopt;
}

void RelayManager::describe_leg(const LegSpec& spec, RelayLeg& leg) const {
  leg.dscp = spec.dscp.value_or(config_.sides[leg.side].dscp);
  leg.mux = spec.mux;
  leg.policy = spec.policy;
  leg.clock_rate = spec.clock_rate;
  leg.remote = remote_endpoints(spec);
  leg.expects_media = spec.expects_media;
  leg.handshake_leg = spec.handshake_leg;
  leg.bundled = spec.bundle.has_value();
  leg.joins = spec.joins;
  for (const LegStream& stream : kLegStreams)
    if (const auto& keying = spec.*stream.wanted)
      (leg.*stream.held).emplace(StreamMarks{mark(*keying, keying->send), mark(*keying, keying->receive)});
  if (spec.keying) leg.suite = spec.keying->suite;
}

NextHopLease RelayManager::find_hop(const Relay& relay, Leg leg, const Endpoint& target) {
  if (target.port == 0) return {};
  auto hop = next_hops_.acquire(relay.legs[index(leg)].ports.address(), target.address);
  if (hop) return std::move(*hop);
  // The relay is set up all the same: routes come and go, and packets without one are counted by the worker.
  log::warning(
      "relay.unreachable",
      {{"relay", relay.id}, {"leg", name(leg)}, {"target", target.to_string()}, {"why", hop.error().text}});
  tell(RelayEvent::Kind::unreachable, relay.id, leg, target);
  return {};
}

dataplane::FlowConfig RelayManager::flow_config(const RelaySpec& spec, Relay& relay, Leg from,
                                                const Relay* predecessor) {
  const Leg to = other(from);
  const LegSpec& source = spec.legs[index(from)];
  const RelayLeg &arrives = relay.legs[index(from)], &leaves = relay.legs[index(to)];
  dataplane::FlowConfig flow;
  flow.id = flow_id(relay.id, relay.generation, from);
  flow.arrival.address = arrives.ports.address();
  flow.arrival.rtp_port = arrives.ports.port();
  flow.arrival.rtcp_port = rtcp_port(arrives);
  flow.arrival.policy = source.policy;
  flow.arrival.source = arrives.remote;
  flow.arrival.signalling_peer = source.signalling_peer;
  flow.arrival.latch_window_ms = config_.media.latch_window_ms;
  flow.arrival.clock_rate = source.clock_rate;
  flow.arrival.handshakes = source.handshakes;
  flow.arrival.leg = source.handshake_leg;
  flow.arrival.awaits_keys = source.awaits_keys;
  flow.arrival.end_to_end = source.end_to_end;
  flow.arrival.bundle = source.bundle;
  flow.arrival.joins = source.joins != 0;
  flow.departure.local = config_.runtime.addresses[leaves.ports.address()].address;
  flow.departure.rtp_port = leaves.ports.port();
  flow.departure.rtcp_port = rtcp_port(leaves);
  flow.departure.dscp = leaves.dscp;
  flow.departure.ttl = config_.sides[leaves.side].ttl;
  flow.departure.awaits_keys = spec.legs[index(to)].awaits_keys;
  flow.departure.joins = leaves.joins != 0;
  if (!flow.departure.joins) flow.departure.target = leaves.remote;
  if (predecessor != nullptr) flow.succeeds = succession(*predecessor, relay, from, flow);
  for (std::size_t i = 0; i < dataplane::kComponents; ++i) {
    NextHopLease& hop = relay.hops[index(from)][i];
    const bool same_as_rtp =
        i == kRtcp && flow.departure.target[kRtcp].address == flow.departure.target[kRtp].address;
    if (same_as_rtp && flow.departure.next_hop[kRtp] == dataplane::kNoNextHop) continue;  // told once
    hop = find_hop(relay, to, flow.departure.target[i]);
    flow.departure.next_hop[i] = hop.id();
  }
  return flow;
}

std::optional<SpecError> RelayManager::make_streams(const RelaySpec& spec, Leg leg, Relay& relay,
                                                    const Relay* predecessor, Streams& streams) {
  const std::string prefix = std::string(name(leg)) + ".";
  const bool bundled = spec.legs[index(leg)].bundle.has_value();
  for (std::size_t i = 0; i < kLegStreams.size(); ++i) {
    const auto& keying = spec.legs[index(leg)].*kLegStreams[i].wanted;
    if (!keying) continue;
    const StreamMarks& now = *(relay.legs[index(leg)].*kLegStreams[i].held);
    const auto before =
        predecessor == nullptr ? std::nullopt : predecessor->legs[index(leg)].*kLegStreams[i].held;
    if (!before || before->receive != now.receive) {
      auto in = plane_.engine().make_inbound(srtp_config(*keying, keying->receive, config_.media, bundled));
      if (!in) return SpecError{std::move(in.error()), prefix + "receive_key"};
      streams.inbound[i] = std::move(*in);
    }
    if (!before || before->send != now.send) {
      auto out = plane_.engine().make_outbound(srtp_config(*keying, keying->send, config_.media, bundled));
      if (!out) return SpecError{std::move(out.error()), prefix + "send_key"};
      streams.outbound[i] = std::move(*out);
    }
  }
  return std::nullopt;
}

std::optional<SpecError> RelayManager::make_flows(const RelaySpec& spec, Relay& relay,
                                                  const Relay* predecessor) {
  std::array<Streams, kLegs> streams;
  for (const Leg leg : {Leg::a, Leg::b}) {
    describe_leg(spec.legs[index(leg)], relay.legs[index(leg)]);
    if (auto wrong = make_streams(spec, leg, relay, predecessor, streams[index(leg)])) return wrong;
  }
  for (const Leg from : {Leg::a, Leg::b}) {
    dataplane::FlowConfig config = flow_config(spec, relay, from, predecessor);
    auto& [stream, rtcp_stream] = streams[index(from)].inbound;
    config.arrival.stream = std::move(stream);
    config.arrival.rtcp_stream = std::move(rtcp_stream);
    auto& [out_stream, out_rtcp_stream] = streams[index(other(from))].outbound;
    config.departure.stream = std::move(out_stream);
    config.departure.rtcp_stream = std::move(out_rtcp_stream);
    relay.flows[index(from)] = dataplane::make_flow(std::move(config));
  }
  return std::nullopt;
}

}  // namespace sallyport::control
