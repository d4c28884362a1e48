// SPDX-License-Identifier: GPL-3.0-or-later
// What can be refused by looking at the request alone.
#include "control/media/relay_spec.h"

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

namespace sallyport::control {

namespace {

constexpr std::uint32_t kMaxClockRate = 10'000'000;

SpecError refused(std::string field, std::string text, ErrorClass error_class = ErrorClass::refused) {
  return {Error{error_class, std::move(text)}, std::move(field)};
}

bool usable_target(const Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() && !endpoint.address.is_multicast();
}

bool family_contradicts(AddressFamily family, const IpAddress& address) {
  if (family == AddressFamily::automatic) return false;
  return (family == AddressFamily::v4) != address.is_v4();
}

std::optional<SpecError> check_addresses(const LegSpec& leg, const std::string& prefix) {
  if (leg.policy == dataplane::SourcePolicy::signalled && !leg.remote)
    return refused(prefix + "remote", "a signalled leg needs its remote address");
  if (leg.remote && !usable_target(*leg.remote))
    return refused(prefix + "remote", "not an address that media can be sent to");
  if (leg.remote && family_contradicts(leg.family, leg.remote->address))
    return refused(prefix + "family", "the remote address is of the other family");
  if (!leg.remote_rtcp) {
    // RFC 3550 §11: without an address of its own, RTCP goes to the next higher port.
    const bool no_next_port = leg.remote && !leg.mux && leg.remote->port == 65535;
    return no_next_port ? std::optional(refused(prefix + "remote", "port 65535 leaves none for RTCP"))
                        : std::nullopt;
  }
  if (leg.mux) return refused(prefix + "remote_rtcp", "a muxed leg has no address for RTCP alone");
  if (!leg.remote) return refused(prefix + "remote_rtcp", "needs a remote address for RTP beside it");
  if (!usable_target(*leg.remote_rtcp))
    return refused(prefix + "remote_rtcp", "not an address that media can be sent to");
  if (leg.remote_rtcp->address.is_v4() != leg.remote->address.is_v4())
    return refused(prefix + "remote_rtcp", "RTP and RTCP must be of one address family");
  return std::nullopt;
}

std::optional<SpecError> check_values(const LegSpec& leg, const std::string& prefix) {
  if (leg.side.empty()) return refused(prefix + "side", "is required");
  if (leg.dscp && *leg.dscp > 63) return refused(prefix + "dscp", "must be from 0 to 63");
  if (leg.clock_rate == 0 || leg.clock_rate > kMaxClockRate)
    return refused(prefix + "clock_rate", "must be from 1 to " + std::to_string(kMaxClockRate));
  if (leg.signalling_peer.is_unspecified()) return std::nullopt;
  if (leg.keying || leg.policy != dataplane::SourcePolicy::latch)
    return refused(prefix + "signalling_peer", "is only for a latching leg without keys");
  return std::nullopt;
}

std::optional<SpecError> check_key(const KeyMaterial& material, crypto::SuiteId id,
                                   const std::string& field) {
  const crypto::Suite& suite = crypto::suite(id);
  if (material.key.size() == suite.key_length && material.salt.size() == suite.salt_length)
    return std::nullopt;
  return refused(field,
                 std::string(suite.name) + " needs a key of " + std::to_string(suite.key_length) +
                     " and a salt of " + std::to_string(suite.salt_length) + " octets",
                 ErrorClass::malformed);
}

std::optional<SpecError> check_bundle(const LegSpec& leg, const std::string& prefix) {
  if (!leg.bundle) return std::nullopt;
  if (!leg.mux) return refused(prefix + "mux", "RTP and RTCP of a bundle share a port");
  if (leg.end_to_end) return refused(prefix + "end_to_end", "what cannot be opened cannot be told apart");
  if (leg.bundle->mid.size() > dataplane::kMaxMidLength)
    return refused(prefix + "bundle",
                   "a MID has at most " + std::to_string(dataplane::kMaxMidLength) + " octets");
  if (leg.bundle->ssrcs.size() > dataplane::kMaxSignalledSsrcs)
    return refused(prefix + "bundle", "a medium of a bundle names at most " +
                                          std::to_string(dataplane::kMaxSignalledSsrcs) + " SSRCs");
  return std::nullopt;
}

/// What is the carrier's may not be asked for again.
std::optional<SpecError> check_joining(const LegSpec& leg, const std::string& prefix) {
  if (!leg.bundle) return refused(prefix + "bundle", "who joins a bundle needs to be told apart");
  if (leg.keying || leg.rtcp_keying)
    return refused(prefix + "send_key", "the keys of a bundle are its carrier's");
  if (leg.handshakes.any() || leg.handshake_leg != 0)
    return refused(prefix + "handshakes", "the handshakes of a bundle are its carrier's");
  return std::nullopt;
}

std::optional<SpecError> check_leg(const LegSpec& leg, const std::string& prefix) {
  if (auto wrong = check_values(leg, prefix)) return wrong;
  if (auto wrong = check_bundle(leg, prefix)) return wrong;
  if (leg.joins != 0) return check_joining(leg, prefix);
  if (auto wrong = check_addresses(leg, prefix)) return wrong;
  for (const auto* keying : {&leg.keying, &leg.rtcp_keying}) {
    if (!*keying) continue;
    if (auto wrong = check_key((*keying)->send, (*keying)->suite, prefix + "send_key")) return wrong;
    if (auto wrong = check_key((*keying)->receive, (*keying)->suite, prefix + "receive_key")) return wrong;
  }
  return std::nullopt;
}

// A master key that serves two streams makes them share a keystream when SSRC and index meet (RFC 3711 §9.1),
// so every key of a relay must be another one, whatever its salt.
std::optional<SpecError> check_distinct_keys(const RelaySpec& spec) {
  struct Named {
    std::string field;
    const KeyMaterial* material;
  };
  std::vector<Named> keys;
  for (const Leg leg : {Leg::a, Leg::b}) {
    const std::string prefix = std::string(name(leg)) + ".";
    for (const auto* keying : {&spec.legs[index(leg)].keying, &spec.legs[index(leg)].rtcp_keying}) {
      if (!*keying) continue;
      keys.push_back({prefix + "send_key", &(*keying)->send});
      keys.push_back({prefix + "receive_key", &(*keying)->receive});
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (std::ranges::equal(keys[i].material->key.view(), keys[j].material->key.view()))
        return refused(keys[i].field, "is the same key as " + keys[j].field);
  return std::nullopt;
}

std::uint64_t hash(std::span<const std::uint8_t> octets) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

}  // namespace

RelaySpec RelaySpec::duplicate() const {
  const auto keys = [](const std::optional<Keying>& keying) {
    return keying ? std::optional(keying->duplicate()) : std::nullopt;
  };
  RelaySpec copy;
  copy.label = label;
  copy.beside = beside;
  for (std::size_t i = 0; i < kLegs; ++i) {
    const LegSpec& from = legs[i];
    copy.legs[i] = {.side = from.side,
                    .remote = from.remote,
                    .remote_rtcp = from.remote_rtcp,
                    .keying = keys(from.keying),
                    .rtcp_keying = keys(from.rtcp_keying),
                    .awaits_keys = from.awaits_keys,
                    .end_to_end = from.end_to_end,
                    .handshakes = from.handshakes,
                    .handshake_leg = from.handshake_leg,
                    .policy = from.policy,
                    .mux = from.mux,
                    .dscp = from.dscp,
                    .clock_rate = from.clock_rate,
                    .signalling_peer = from.signalling_peer,
                    .family = from.family,
                    .expects_media = from.expects_media,
                    .bundle = from.bundle,
                    .joins = from.joins};
  }
  return copy;
}

std::optional<SpecError> check(const RelaySpec& spec) {
  if (spec.label.size() > kMaxLabelLength)
    return refused("label", "has more than " + std::to_string(kMaxLabelLength) + " octets");
  for (const Leg leg : {Leg::a, Leg::b})
    if (auto wrong = check_leg(spec.legs[index(leg)], std::string(name(leg)) + ".")) return wrong;
  return check_distinct_keys(spec);
}

KeyMark mark(const Keying& keying, const KeyMaterial& material) {
  const auto parameters = std::to_array<std::uint8_t>(
      {static_cast<std::uint8_t>(keying.suite), keying.unencrypted_srtcp, material.mki_length});
  KeyMark made;
  made.key = hash(material.key.view());
  made.whole = made.key;
  for (const auto part : {hash(material.salt.view()),
                          hash(std::span(material.mki).first(material.mki_length)), hash(parameters)})
    made.whole = (made.whole ^ part) * 0x9e3779b97f4a7c15U;
  return made;
}

}  // namespace sallyport::control
