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

crypto::SrtpConfig srtp_config(const Keying& keying, const KeyMaterial& material, const MediaConfig& media) {
  crypto::SrtpConfig config;
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

}  // namespace

std::optional<SpecError> RelayManager::place(const RelaySpec& spec, Relay& relay) {
  for (const Leg leg : {Leg::a, Leg::b}) {
    const LegSpec& wanted = spec.legs[index(leg)];
    const std::string prefix = std::string(name(leg)) + ".";
    const auto side = ports_.find_side(wanted.side);
    if (!side) return SpecError{{ErrorClass::not_found, "there is no such side"}, prefix + "side"};
    auto ports = ports_.take(*side, wanted);
    if (!ports) return SpecError{std::move(ports.error()), prefix + "side"};
    relay.legs[index(leg)].side = *side;
    relay.legs[index(leg)].ports = std::move(*ports);
  }
  return std::nullopt;
}

std::optional<SpecError> RelayManager::check_change(const RelaySpec& spec, const Relay& relay) const {
  std::vector<std::uint64_t> present;
  for (const RelayLeg& leg : relay.legs)
    if (leg.keyed) present.insert(present.end(), leg.key_fingerprints.begin(), leg.key_fingerprints.end());
  const auto known = [&](const KeyMaterial& material) {
    return std::ranges::find(present, fingerprint(material)) != present.end();
  };
  for (const Leg leg : {Leg::a, Leg::b}) {
    const LegSpec& wanted = spec.legs[index(leg)];
    const RelayLeg& now = relay.legs[index(leg)];
    const std::string prefix = std::string(name(leg)) + ".";
    const auto refused = [&](std::string_view field, std::string text) {
      return SpecError{{ErrorClass::refused, std::move(text)}, prefix + std::string(field)};
    };
    if (ports_.find_side(wanted.side) != now.side) return refused("side", "a leg stays on its side");
    if (!wanted.mux && now.ports.single()) return refused("mux", "a leg that was muxed has one port");
    const bool v4 = config_.runtime.addresses[now.ports.address()].address.is_v4();
    if (wanted.remote && wanted.remote->address.is_v4() != v4)
      return refused("remote", "a leg stays in its address family");
    if (!wanted.keying) continue;
    if (known(wanted.keying->send))
      return refused("send_key", "this relay uses that key already; a change needs new ones");
    if (known(wanted.keying->receive))
      return refused("receive_key", "this relay uses that key already; a change needs new ones");
  }
  return std::nullopt;
}

void RelayManager::describe_leg(const LegSpec& spec, RelayLeg& leg) const {
  leg.dscp = spec.dscp.value_or(config_.sides[leg.side].dscp);
  leg.mux = spec.mux;
  leg.policy = spec.policy;
  leg.clock_rate = spec.clock_rate;
  leg.keyed = spec.keying.has_value();
  if (!spec.keying) return;
  leg.suite = spec.keying->suite;
  leg.key_fingerprints = {fingerprint(spec.keying->send), fingerprint(spec.keying->receive)};
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

dataplane::FlowConfig RelayManager::flow_config(const RelaySpec& spec, Relay& relay, Leg from) {
  const Leg to = other(from);
  const LegSpec &source = spec.legs[index(from)], &target = spec.legs[index(to)];
  const RelayLeg &arrives = relay.legs[index(from)], &leaves = relay.legs[index(to)];
  dataplane::FlowConfig flow;
  flow.id = flow_id(relay.id, relay.generation, from);
  flow.arrival.address = arrives.ports.address();
  flow.arrival.rtp_port = arrives.ports.port();
  flow.arrival.rtcp_port = rtcp_port(arrives);
  flow.arrival.policy = source.policy;
  flow.arrival.source = remote_endpoints(source);
  flow.arrival.signalling_peer = source.signalling_peer;
  flow.arrival.latch_window_ms = config_.media.latch_window_ms;
  flow.arrival.clock_rate = source.clock_rate;
  flow.departure.local = config_.runtime.addresses[leaves.ports.address()].address;
  flow.departure.rtp_port = leaves.ports.port();
  flow.departure.rtcp_port = rtcp_port(leaves);
  flow.departure.target = remote_endpoints(target);
  flow.departure.dscp = leaves.dscp;
  flow.departure.ttl = config_.sides[leaves.side].ttl;
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

std::optional<SpecError> RelayManager::make_flows(const RelaySpec& spec, Relay& relay) {
  std::array<crypto::InboundStreamPtr, kLegs> inbound;
  std::array<crypto::OutboundStreamPtr, kLegs> outbound;
  for (const Leg leg : {Leg::a, Leg::b}) {
    const LegSpec& wanted = spec.legs[index(leg)];
    describe_leg(wanted, relay.legs[index(leg)]);
    if (!wanted.keying) continue;
    const std::string prefix = std::string(name(leg)) + ".";
    auto in =
        plane_.engine().make_inbound(srtp_config(*wanted.keying, wanted.keying->receive, config_.media));
    if (!in) return SpecError{std::move(in.error()), prefix + "receive_key"};
    auto out = plane_.engine().make_outbound(srtp_config(*wanted.keying, wanted.keying->send, config_.media));
    if (!out) return SpecError{std::move(out.error()), prefix + "send_key"};
    inbound[index(leg)] = std::move(*in);
    outbound[index(leg)] = std::move(*out);
  }
  for (const Leg from : {Leg::a, Leg::b}) {
    dataplane::FlowConfig config = flow_config(spec, relay, from);
    config.arrival.stream = std::move(inbound[index(from)]);
    config.departure.stream = std::move(outbound[index(other(from))]);
    relay.flows[index(from)] = dataplane::make_flow(std::move(config));
  }
  return std::nullopt;
}

}  // namespace sallyport::control
