// SPDX-License-Identifier: GPL-3.0-or-later
// A relayed call on the rig: two peers, two flows, addresses on both sides.
#pragma once

#include <optional>
#include <vector>

#include "tests/support/peer.h"
#include "tests/support/relay_rig.h"

namespace sallyport::dataplane {

/// A payload of 20 ms of G.711.
inline const test::Octets kVoice(160, 0x55);

struct CallOptions {
  std::optional<crypto::SuiteId> access_suite;
  std::optional<crypto::SuiteId> core_suite;
  SourcePolicy access_policy = SourcePolicy::signalled;
  SourcePolicy core_policy = SourcePolicy::signalled;
  bool access_mux = false;
  bool core_mux = false;
  bool access_v6 = false;
  bool core_v6 = false;
  std::uint16_t access_port = 30000;
  std::uint16_t core_port = 30000;
  std::uint8_t dscp = 46;
  NextHopId core_hop = test::kCoreHop;
  std::uint64_t id = 100;
  std::size_t worker = 0;
  crypto::EngineKind peer_engine = crypto::EngineKind::ipsec_mb;
  bool core_target_known = true;
};

/// Links on construction, unlinks on destruction.
class Call {
  test::RelayRig& rig_;
  CallOptions options_;

 public:
  Call(test::RelayRig& rig, const CallOptions& options) : rig_(rig), options_(options) {
    const auto number = static_cast<std::uint8_t>(options.access_v6 ? 1 : 0);
    const auto core_number = static_cast<std::uint8_t>(options.core_v6 ? 3 : 2);
    access_local = {rig.addresses[number].address, options.access_port};
    core_local = {rig.addresses[core_number].address, options.core_port};
    access_remote = *Endpoint::parse(options.access_v6 ? "[2001:db8:a::99]:40000" : "192.0.2.99:40000");
    core_remote = *Endpoint::parse(options.core_v6 ? "[2001:db8:c::99]:50000" : "198.51.100.99:50000");
    forth = make_flow(config(true));
    back = make_flow(config(false));
    result = rig.link(*forth, *back, options.worker);
  }
  ~Call() {
    if (result == CommandResult::done) rig_.unlink(*forth, *back, options_.worker);
  }

  /// A frame of the access peer to our access address.
  [[nodiscard]] test::Octets from_access(std::span<const std::uint8_t> payload,
                                         std::uint16_t port_offset = 0) const {
    return test::udp_frame(
        {.source = at(access_remote, port_offset), .destination = at(access_local, port_offset)}, payload);
  }
  [[nodiscard]] test::Octets from_core(std::span<const std::uint8_t> payload,
                                       std::uint16_t port_offset = 0) const {
    return test::udp_frame(
        {.source = at(core_remote, port_offset), .destination = at(core_local, port_offset)}, payload);
  }
  [[nodiscard]] static Endpoint at(Endpoint endpoint, std::uint16_t offset) {
    endpoint.port = static_cast<std::uint16_t>(endpoint.port + offset);
    return endpoint;
  }

  Endpoint access_local, core_local, access_remote, core_remote;
  FlowPtr forth;  ///< access to core
  FlowPtr back;
  CommandResult result = CommandResult::pending;
  // Keys by seed: 1 the access peer sends with, 2 it receives with, 3 the core peer receives with, 4 it sends
  // with.
  test::Peer access_peer{options_.access_suite, 1, 2, options_.peer_engine};
  test::Peer core_peer{options_.core_suite, 4, 3, options_.peer_engine};

  /// What a flow of the call is made of, with streams that begin.
  [[nodiscard]] FlowConfig config(bool forward) const {
    const auto address =
        static_cast<std::uint8_t>(forward ? (options_.access_v6 ? 1 : 0) : (options_.core_v6 ? 3 : 2));
    const bool in_mux = forward ? options_.access_mux : options_.core_mux;
    const bool out_mux = forward ? options_.core_mux : options_.access_mux;
    const Endpoint in_local = forward ? access_local : core_local;
    const Endpoint out_local = forward ? core_local : access_local;
    const Endpoint in_remote = forward ? access_remote : core_remote;
    const Endpoint out_remote = forward ? core_remote : access_remote;
    const auto rtcp_of = [](Endpoint rtp, bool mux) { return mux ? rtp : at(rtp, 1); };
    FlowConfig config;
    config.id = options_.id + (forward ? 0 : 1);
    config.arrival.address = address;
    config.arrival.rtp_port = in_local.port;
    config.arrival.rtcp_port = rtcp_of(in_local, in_mux).port;
    config.arrival.policy = forward ? options_.access_policy : options_.core_policy;
    config.arrival.source = {in_remote, rtcp_of(in_remote, in_mux)};
    config.departure.local = out_local.address;
    config.departure.rtp_port = out_local.port;
    config.departure.rtcp_port = rtcp_of(out_local, out_mux).port;
    if (!forward || options_.core_target_known)
      config.departure.target = {out_remote, rtcp_of(out_remote, out_mux)};
    config.departure.next_hop.fill(forward ? options_.core_hop : test::kAccessHop);
    config.departure.dscp = options_.dscp;
    const auto in_suite = forward ? options_.access_suite : options_.core_suite;
    const auto out_suite = forward ? options_.core_suite : options_.access_suite;
    if (in_suite)
      config.arrival.stream =
          std::move(*rig_.engine->make_inbound(test::srtp_config(*in_suite, forward ? 1 : 4)));
    if (out_suite)
      config.departure.stream =
          std::move(*rig_.engine->make_outbound(test::srtp_config(*out_suite, forward ? 3 : 2)));
    return config;
  }
};

}  // namespace sallyport::dataplane
