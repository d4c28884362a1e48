// SPDX-License-Identifier: GPL-3.0-or-later
// Relays that share a transport (RFC 9143): who may join whom, and what is looked at for all of them
// together.
#include <algorithm>
#include <limits>

#include "control/media/relay_manager.h"

namespace sallyport::control {

namespace {

SpecError refused(Leg leg, std::string_view field, std::string text) {
  return {Error{ErrorClass::refused, std::move(text)}, std::string(name(leg)) + "." + std::string(field)};
}

std::uint64_t packets(const Relay& relay, Leg leg) {
  return dataplane::counters(*relay.flows[index(leg)]).packets[0].get();
}

std::uint64_t last_of(const Relay& relay) {
  std::uint64_t last = 0;
  for (const auto& flow : relay.flows) last = std::max(last, dataplane::counters(*flow).last_seen.get());
  return last;
}

}  // namespace

/// `relay`: whose leg it is to be; 0: of one that is not there yet.
std::optional<SpecError> RelayManager::check_joining(const LegSpec& wanted, Leg leg, std::uint64_t relay) {
  const Relay* carrier = find(wanted.joins);
  const std::string number = std::to_string(wanted.joins);
  if (carrier == nullptr || wanted.joins == relay)
    return SpecError{{ErrorClass::not_found, "there is no relay " + number + " to join"},
                     std::string(name(leg)) + ".joins"};
  const RelayLeg& transport = carrier->legs[index(leg)];
  if (!transport.bundled || transport.joins != 0 || !transport.mux)
    return refused(leg, "joins", "relay " + number + " carries no bundle on this leg");
  if (ports_.find_side(wanted.side) != transport.side)
    return refused(leg, "side", "who joins a bundle is on its side");
  const auto& joined = carrier->joined[index(leg)];
  const bool is_there = std::ranges::find(joined, relay) != joined.end();
  if (!is_there && joined.size() + 1 >= limits_[Limit::bundle_media])
    return SpecError{limits_.refuse(Limit::bundle_media).value(), std::string(name(leg)) + ".joins"};
  return std::nullopt;
}

/// What a change may make of a leg that shares its transport, or is to.
std::optional<SpecError> RelayManager::check_bundle_change(const LegSpec& wanted, const Relay& relay,
                                                           Leg leg) {
  const RelayLeg& now = relay.legs[index(leg)];
  const bool carries_on = wanted.bundle && wanted.joins == 0;
  if (!carries_on && !relay.joined[index(leg)].empty())
    return refused(leg, "bundle", "other relays have joined this leg");
  if (wanted.joins == 0)
    return now.joins == 0
               ? std::nullopt
               : std::optional(refused(leg, "joins", "a leg that has joined has no port of its own"));
  if (auto wrong = check_joining(wanted, leg, relay.id)) return wrong;
  if (relays_.at(wanted.joins)->worker != relay.worker)
    return refused(leg, "joins", "a relay stays with its worker, and the bundle is another one's");
  return std::nullopt;
}

/// The carriers', if there are any: all that shares a port is served by one. Else that of the relay which it
/// is to be beside.
tl::expected<std::uint8_t, SpecError> RelayManager::choose_worker(const RelaySpec& spec) {
  std::optional<std::uint8_t> chosen;
  for (const Leg leg : {Leg::a, Leg::b}) {
    const LegSpec& wanted = spec.legs[index(leg)];
    if (wanted.joins == 0) continue;
    if (auto wrong = check_joining(wanted, leg, 0)) return tl::unexpected(std::move(*wrong));
    const std::uint8_t worker = relays_.at(wanted.joins)->worker;
    if (chosen && *chosen != worker)
      return tl::unexpected(refused(leg, "joins", "the bundles of both legs have different workers"));
    chosen = worker;
  }
  const Relay* const beside = find(spec.beside);
  if (!chosen && beside != nullptr) chosen = beside->worker;
  return chosen.value_or(least_loaded_worker());
}

/// Null: the leg has its own transport, or its carrier has gone.
const Relay* RelayManager::carrier_of(const RelayLeg& leg) const {
  const auto found = leg.joins == 0 ? relays_.end() : relays_.find(leg.joins);
  return found == relays_.end() ? nullptr : found->second.get();
}

void RelayManager::enlist(const Relay& relay) {
  for (const Leg leg : {Leg::a, Leg::b})
    if (Relay* carrier = find(relay.legs[index(leg)].joins)) carrier->joined[index(leg)].push_back(relay.id);
}

void RelayManager::strike(const Relay& relay) {
  for (const Leg leg : {Leg::a, Leg::b}) {
    // Also of a carrier that is being dropped: its list names living relays to the end.
    const auto carrier = relays_.find(relay.legs[index(leg)].joins);
    if (carrier != relays_.end()) std::erase(carrier->second->joined[index(leg)], relay.id);
  }
}

/// From here on new media is what a leg, or one that shares its transport, receives beyond this.
void RelayManager::mark_received(Relay& relay, Leg leg) {
  relay.legs[index(leg)].received_before = packets(relay, leg);
  for (const std::uint64_t id : relay.joined[index(leg)]) {
    Relay& member = *relays_.at(id);
    // Flows under way begin to count where those before have come to, which nobody knows yet.
    member.legs[index(leg)].received_before =
        member.changing ? std::numeric_limits<std::uint64_t>::max() : packets(member, leg);
  }
}

bool RelayManager::media_came(const Relay& relay, Leg leg) const {
  const auto came = [&](const Relay& to) { return packets(to, leg) > to.legs[index(leg)].received_before; };
  return came(relay) || std::ranges::any_of(relay.joined[index(leg)],
                                            [&](std::uint64_t id) { return came(*relays_.at(id)); });
}

/// A carrier lives while any medium of its transport does: it is what they all would end with.
std::uint64_t RelayManager::last_packet(const Relay& relay) const {
  std::uint64_t last = last_of(relay);
  for (const auto& joined : relay.joined)
    for (const std::uint64_t id : joined) last = std::max(last, last_of(*relays_.at(id)));
  return last;
}

}  // namespace sallyport::control
