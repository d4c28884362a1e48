// SPDX-License-Identifier: GPL-3.0-or-later
// A call of several media on the rig, whose access leg is one transport (RFC 9143); its core leg has a port
// for each medium, or is one transport too.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/peer.h"
#include "tests/support/relay_rig.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kAudio = 0;  ///< the carrier's medium
inline constexpr std::size_t kVideo = 1;
inline constexpr std::uint32_t kAudioSsrc = 0xa0a0a0a0, kVideoSsrc = 0xb0b0b0b0;
inline constexpr std::uint8_t kMidExtension = 3;
inline constexpr std::uint8_t kAudioType = 96;
inline constexpr std::uint8_t kVideoType = 97;
inline constexpr std::uint8_t kAnyType = 99;  ///< of both media, so that it decides nothing

/// Rules of the n-th medium: MID `m0`, `m1`, …; payload type 96, 97, ….
inline BundleRules rules_of(std::size_t medium) {
  BundleRules rules;
  rules.mid = "m" + std::to_string(medium);
  rules.mid_extension = kMidExtension;
  rules.payloads.set(kAudioType + medium);
  return rules;
}

/// An element of the one-byte form, padded to a word.
inline test::Octets mid_extension(const std::string& mid) {
  test::Octets octets((1 + mid.size() + 3) / 4 * 4);
  octets[0] = static_cast<std::uint8_t>(kMidExtension << 4 | (mid.size() - 1));
  std::copy(mid.begin(), mid.end(), octets.begin() + 1);
  return octets;
}

struct BundledOptions {
  std::optional<crypto::SuiteId> access_suite = crypto::SuiteId::aes_cm_128_hmac_sha1_80;
  std::optional<crypto::SuiteId> core_suite;
  bool core_bundled = false;
  SourcePolicy access_policy = SourcePolicy::signalled;
};

/// One relay of it.
struct MediumFlows {
  FlowPtr forth, back;
};

/// The carrier is linked on construction, media by join(); what is linked still is unlinked on destruction.
class BundledCall {
 public:
  BundledCall(test::RelayRig& rig, BundledOptions options = {}) : rig_(rig), options_(options) {
    (void)join(kAudio, rules_of(kAudio));
  }
  ~BundledCall() {
    for (std::size_t medium = media.size(); medium-- > 0;) (void)unlink(medium);
  }

  /// Links medium `medium`, the next one.
  CommandResult join(std::size_t medium) { return join(medium, rules_of(medium)); }
  CommandResult join(std::size_t medium, BundleRules rules) {
    if (media.size() <= medium) media.resize(medium + 1);
    media[medium] = make(medium, std::move(rules));
    const CommandResult result = rig_.link(*media[medium].forth, *media[medium].back);
    if (result != CommandResult::done) media[medium] = {};
    return result;
  }
  CommandResult unlink(std::size_t medium) {
    MediumFlows& flows = media[medium];
    if (flows.forth == nullptr) return CommandResult::not_linked;
    const CommandResult result = rig_.unlink(*flows.forth, *flows.back);
    flows = {};
    return result;
  }
  CommandResult replace(std::size_t medium, MediumFlows next) {
    MediumFlows& flows = media[medium];
    const CommandResult result = rig_.execute({.kind = CommandKind::replace,
                                               .flows = {flows.forth.get(), flows.back.get()},
                                               .replacements = {next.forth.get(), next.back.get()}});
    if (result == CommandResult::done) flows = std::move(next);  // the old pair is wiped
    return result;
  }

  [[nodiscard]] MediumFlows make(std::size_t medium, BundleRules rules) const {
    return {make_flow(config(medium, true, rules)), make_flow(config(medium, false, rules))};
  }
  /// Access to core, or back. Keys of the access leg by `access_keys`, so that a replacement has others.
  [[nodiscard]] FlowConfig config(std::size_t medium, bool forward, const BundleRules& rules) const {
    const bool carrier = medium == kAudio;
    FlowConfig config;
    config.id = 100 + 2 * medium + (forward ? 0 : 1);
    describe_arrival(config.arrival, medium, forward, carrier);
    describe_departure(config.departure, medium, forward, carrier);
    if (forward || options_.core_bundled) config.arrival.bundle = rules;
    return config;
  }

  [[nodiscard]] Endpoint core_local(std::size_t medium) const {
    return {rig_.addresses[2].address,
            static_cast<std::uint16_t>(30000 + (options_.core_bundled ? 0 : 10 * medium))};
  }
  [[nodiscard]] Endpoint core_remote(std::size_t medium) const {
    return {*IpAddress::parse("198.51.100.99"),
            static_cast<std::uint16_t>(50000 + (options_.core_bundled ? 0 : 10 * medium))};
  }
  /// What the access peer seals and sends.
  [[nodiscard]] test::Octets from_access(const test::RtpSpec& spec) {
    return frame(access_peer.close_rtp(spec, kPayload));
  }
  [[nodiscard]] test::Octets from_core(std::size_t medium, const test::RtpSpec& spec) {
    return test::udp_frame({.source = core_remote(medium), .destination = core_local(medium)},
                           core_peer.close_rtp(spec, kPayload));
  }
  [[nodiscard]] test::Octets frame(std::span<const std::uint8_t> sealed) const {
    return test::udp_frame({.source = access_remote, .destination = access_local}, sealed);
  }
  /// Sends one frame and gives what comes out at the other side.
  std::vector<test::Octets> pass(const test::Octets& frame, bool forward = true) {
    (forward ? rig_.access : rig_.core).deliver(frame);
    rig_.settle();
    return (forward ? rig_.core : rig_.access).sent();
  }
  /// The medium that a packet of the access peer goes on as; nothing: it was dropped.
  std::optional<std::size_t> medium_of(const test::RtpSpec& spec) {
    return medium_reached(from_access(spec));
  }
  std::optional<std::size_t> medium_reached(const test::Octets& frame) {
    std::vector<std::uint64_t> before;
    for (const MediumFlows& flows : media) before.push_back(accepted(flows));
    const std::size_t sent = pass(frame).size();
    for (std::size_t medium = 0; medium < media.size(); ++medium)
      if (accepted(media[medium]) != before[medium]) return sent == 1 ? std::optional(medium) : std::nullopt;
    return std::nullopt;
  }

  inline static const test::Octets kPayload = test::Octets(160, 0x55);
  const Endpoint access_local = *Endpoint::parse("192.0.2.1:30000");
  Endpoint access_remote = *Endpoint::parse("192.0.2.99:40000");
  std::vector<MediumFlows> media;

 private:
  static std::uint64_t accepted(const MediumFlows& flows) {
    if (flows.forth == nullptr) return 0;
    return counters(*flows.forth).packets[0].get() + counters(*flows.forth).packets[1].get();
  }
  void describe_arrival(Arrival& arrival, std::size_t medium, bool forward, bool carrier) const {
    const bool shared = forward || options_.core_bundled;
    const Endpoint local = forward ? access_local : core_local(medium);
    arrival.address = forward ? 0 : 2;
    arrival.rtp_port = arrival.rtcp_port = local.port;
    arrival.joins = shared && !carrier;
    if (arrival.joins) return;
    arrival.policy = forward ? options_.access_policy : SourcePolicy::signalled;
    arrival.source.fill(forward ? access_remote : core_remote(medium));
    const auto suite = forward ? options_.access_suite : options_.core_suite;
    if (suite)
      arrival.stream = std::move(
          *rig_.engine->make_inbound(test::srtp_config(*suite, forward ? access_keys : std::uint8_t{4})));
  }
  void describe_departure(Departure& departure, std::size_t medium, bool forward, bool carrier) const {
    const bool shared = !forward || options_.core_bundled;
    const Endpoint local = forward ? core_local(medium) : access_local;
    departure.local = local.address;
    departure.rtp_port = departure.rtcp_port = local.port;
    departure.joins = shared && !carrier;
    if (departure.joins) return;
    departure.target.fill(forward ? core_remote(medium) : access_remote);
    departure.next_hop.fill(forward ? test::kCoreHop : test::kAccessHop);
    const auto suite = forward ? options_.core_suite : options_.access_suite;
    if (suite)
      departure.stream = std::move(*rig_.engine->make_outbound(
          test::srtp_config(*suite, forward ? std::uint8_t{3} : static_cast<std::uint8_t>(access_keys + 1))));
  }

  test::RelayRig& rig_;
  const BundledOptions options_;

 public:
  /// Seed of what the access peer sends with; the next one it receives with. A test that changes it makes the
  /// next flows with other keys.
  std::uint8_t access_keys = 1;
  test::Peer access_peer{options_.access_suite, 1, 2};
  test::Peer core_peer{options_.core_suite, 4, 3};
};

}  // namespace sallyport::dataplane
