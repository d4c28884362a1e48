// SPDX-License-Identifier: GPL-3.0-or-later
// Legs, their components, and who may begin what.
#include "keying/handshake_table.h"

#include <algorithm>

namespace sallyport::keying {

namespace {

constexpr std::uint8_t kLastStunOctet = 3;  // RFC 7983 §7
constexpr std::uint8_t kFirstDtlsOctet = 20;
constexpr std::uint8_t kLastDtlsOctet = 63;

}  // namespace

/// One port of a leg. OpenSSL's datagrams come out of it.
struct HandshakeTable::Component final : DatagramSink {
  Component(Leg& leg_of, MediaPath& path_of, std::uint8_t index_of)
      : leg(leg_of), path(path_of), index(index_of) {}

  void send(std::span<const std::uint8_t> payload) override;
  [[nodiscard]] bool may_begin(const Endpoint& source) const;

  Leg& leg;
  MediaPath& path;
  const std::uint8_t index;
  std::optional<IceLiteAgent> ice;
  Endpoint remote;  ///< where handshakes go; port 0: not known
  std::optional<MacAddress> neighbour;
  std::optional<InstantMs> timer;
  std::optional<IpAddress> place;  ///< held in the table's sources while a handshake is in progress
  std::unique_ptr<DtlsAssociation> dtls;
};

struct HandshakeTable::Leg {
  LegKeying keying;
  std::array<std::unique_ptr<Component>, kLegComponents> components;

  [[nodiscard]] std::span<std::unique_ptr<Component>> used() {
    return std::span(components).first(keying.muxed ? 1 : kLegComponents);
  }
};

void HandshakeTable::Component::send(std::span<const std::uint8_t> payload) {
  if (remote.port != 0) path.send(leg.keying.local[index], remote, neighbour, payload);
}

bool HandshakeTable::Component::may_begin(const Endpoint& source) const {
  if (ice) return ice->is_validated(source);
  const Endpoint& named = leg.keying.remote[index];
  return (named.port != 0 && source == named) ||
         std::ranges::find(leg.keying.named_hosts, source.address) != leg.keying.named_hosts.end();
}

HandshakeTable::HandshakeTable(MediaPath& path, HandshakeEvents& events, HandshakeCounters& counters,
                               const HandshakeLimits& limits)
    : path_(path), events_(events), counters_(counters), limits_(limits) {}

HandshakeTable::~HandshakeTable() = default;

void HandshakeTable::add(LegKeying keying, InstantMs now) {
  const LegId id = keying.leg;
  auto& place = legs_[id];
  const bool is_new = place == nullptr;
  if (is_new && legs_.size() > limits_[HandshakeLimit::legs]) {
    legs_.erase(id);
    counters_.add(HandshakeLimit::legs);
    return events_.happened(handshake_event::Ended{id, 0, DtlsOutcome::limit_reached});
  }
  if (is_new) place = std::make_unique<Leg>();
  Leg& leg = *place;
  const auto named_before = leg.keying.remote;
  leg.keying = std::move(keying);
  for (std::uint8_t index = 0; index < kLegComponents; ++index) {
    auto& component = leg.components[index];
    if (index > 0 && leg.keying.muxed) {
      if (component) end_dtls(*component);
      component.reset();
      continue;
    }
    if (!component) component = std::make_unique<Component>(leg, path_, index);
    if (!leg.keying.ice)
      component->ice.reset();
    else if (!component->ice)
      component->ice.emplace(leg.keying.ice->duplicate());
    else if (component->ice->local_fragment() != leg.keying.ice->fragment)
      component->ice->restart(leg.keying.ice->duplicate());
    const bool keeps = !is_new && leg.keying.keeps_association && component->dtls;
    // What a handshake under way has learned of NATs is better than what signalling says for the first time.
    const Endpoint& named = leg.keying.remote[index];
    const bool stays = keeps && (named == named_before[index] || named_before[index].port == 0) &&
                       component->remote.port != 0;
    if (!component->ice && !stays && named != component->remote) {
      component->remote = named;
      component->neighbour.reset();
    }
    if (keeps) continue;
    end_dtls(*component);
    begin_dtls(*component, now);
  }
}

void HandshakeTable::end_dtls(Component& component) {
  leave_place(component);
  component.dtls.reset();
  set_timer(component);
}

void HandshakeTable::begin_dtls(Component& component, InstantMs now) {
  const Leg& leg = component.leg;
  if (!leg.keying.identity) return;
  DtlsSettings settings;
  settings.identity = leg.keying.identity;
  settings.role = leg.keying.role;
  settings.profiles = leg.keying.profiles;
  settings.peer_fingerprints = leg.keying.peer_fingerprints;
  settings.budget.is_unlimited = component.ice.has_value();
  settings.limits = leg.keying.limits;
  component.dtls = std::make_unique<DtlsAssociation>(std::move(settings), component);
  start_if_active(component, now);
}

/// As soon as there is an address: ICE's nominated one, or SDP's.
void HandshakeTable::start_if_active(Component& component, InstantMs now) {
  const bool waits = component.dtls && component.leg.keying.role == DtlsRole::active &&
                     component.dtls->state() == DtlsAssociation::State::waiting;
  if (!waits || component.remote.port == 0 || (component.ice && !component.ice->nominated())) return;
  if (!take_place(component, component.remote)) {
    end_dtls(component);
    counters_.add(DtlsOutcome::limit_reached);
    return events_.happened(
        handshake_event::Ended{component.leg.keying.leg, component.index, DtlsOutcome::limit_reached});
  }
  took(component, component.dtls->start(now));
}

void HandshakeTable::answer(LegAnswer answer, InstantMs now) {
  const auto found = legs_.find(answer.leg);
  if (found == legs_.end()) return;
  Leg& leg = *found->second;
  leg.keying.remote = answer.remote;
  leg.keying.named_hosts = std::move(answer.named_hosts);
  leg.keying.peer_fingerprints = std::move(answer.peer_fingerprints);
  for (const auto& component : leg.used()) {
    if (!component->dtls) continue;
    if (!component->ice && component->remote.port == 0)
      component->remote = leg.keying.remote[component->index];
    took(*component, component->dtls->announce(leg.keying.peer_fingerprints, now));
    start_if_active(*component, now);
  }
}

void HandshakeTable::settle(LegId leg) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  for (const auto& component : found->second->used()) {
    if (!component->dtls) continue;
    component->dtls->settle();
    set_timer(*component);
  }
}

void HandshakeTable::remove(LegId leg) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  for (const auto& component : found->second->used()) {
    if (component->dtls) counters_.add(component->dtls->close());
    leave_place(*component);
    set_timer(*component);
  }
  legs_.erase(found);
}

HandshakeTable::Component* HandshakeTable::find(const PuntedDatagram& datagram) {
  const auto found = legs_.find(datagram.leg);
  if (found == legs_.end()) return nullptr;
  const auto used = found->second->used();
  const std::size_t index = used.size() == 1 ? 0 : datagram.component;
  return index < used.size() ? used[index].get() : nullptr;
}

void HandshakeTable::receive(const PuntedDatagram& datagram, InstantMs now) {
  counters_.add(HandshakeCount::datagrams);
  Component* component = find(datagram);
  if (component == nullptr) return counters_.add(HandshakeCount::unknown_leg);
  const std::uint8_t first = datagram.payload.empty() ? 255 : datagram.payload[0];
  if (first <= kLastStunOctet && component->ice) return receive_stun(*component, datagram, now);
  if (first >= kFirstDtlsOctet && first <= kLastDtlsOctet && component->dtls)
    return receive_dtls(*component, datagram, now);
  counters_.add(HandshakeCount::unexpected);
}

void HandshakeTable::receive_stun(Component& component, const PuntedDatagram& datagram, InstantMs now) {
  const auto reply = component.ice->receive(datagram.payload, datagram.source, now);
  counters_.add(reply.outcome);
  if (reply.answer)
    path_.send(component.leg.keying.local[component.index], datagram.source, datagram.neighbour,
               reply.answer->octets());
  if (reply.outcome != IceOutcome::nominated) return;
  component.remote = datagram.source;
  component.neighbour = datagram.neighbour;
  events_.happened(handshake_event::Nominated{component.leg.keying.leg, component.index, datagram.source,
                                              datagram.neighbour});
  start_if_active(component, now);
}

void HandshakeTable::receive_dtls(Component& component, const PuntedDatagram& datagram, InstantMs now) {
  DtlsAssociation& dtls = *component.dtls;
  // Once begun, an association without ICE stays with its address: who else sends here is a stranger.
  const bool begun = dtls.state() != DtlsAssociation::State::waiting;
  const bool known =
      component.ice || !begun ? component.may_begin(datagram.source) : datagram.source == component.remote;
  if (!known) return counters_.add(HandshakeCount::wrong_source);
  if (!begun) {
    if (component.leg.keying.role == DtlsRole::active) return counters_.add(DtlsOutcome::ignored);
    if (!take_place(component, datagram.source)) return;
    // Until ICE has nominated, the peer hears us where it speaks.
    if (!component.ice || !component.ice->nominated()) {
      component.remote = datagram.source;
      component.neighbour = datagram.neighbour;
    }
  } else if (!component.ice && !component.neighbour) {
    component.neighbour = datagram.neighbour;
  }
  took(component, dtls.receive(datagram.payload, now));
}

/// What a machine has said is counted, told and seen to.
void HandshakeTable::took(Component& component, DtlsOutcome outcome) {
  counters_.add(outcome);
  DtlsAssociation& dtls = *component.dtls;
  const LegId leg = component.leg.keying.leg;
  using enum DtlsAssociation::State;
  if (dtls.state() != handshaking) leave_place(component);
  if (auto keys = dtls.take_keys())
    events_.happened(handshake_event::Keys{leg, component.index, std::move(*keys)});
  else if (dtls.state() == over && info(outcome).is_failure)
    events_.happened(handshake_event::Ended{leg, component.index, outcome});
  set_timer(component);
}

bool HandshakeTable::take_place(Component& component, const Endpoint& remote) {
  if (handshakes_ >= limits_[HandshakeLimit::handshakes]) {
    counters_.add(HandshakeLimit::handshakes);
    return false;
  }
  const IpAddress source = source_of(remote.address);
  std::uint32_t& load = sources_[source];
  if (load >= limits_[HandshakeLimit::handshakes_per_source]) {
    counters_.add(HandshakeLimit::handshakes_per_source);
    return false;
  }
  ++load;
  ++handshakes_;
  component.place = source;
  return true;
}

void HandshakeTable::leave_place(Component& component) {
  if (!component.place) return;
  const auto found = sources_.find(*component.place);
  if (--found->second == 0) sources_.erase(found);
  --handshakes_;
  component.place.reset();
}

/// Follows the machine's deadline, or its absence.
void HandshakeTable::set_timer(Component& component) {
  const auto wanted = component.dtls ? component.dtls->deadline() : std::nullopt;
  if (wanted == component.timer) return;
  if (component.timer) timers_.erase({*component.timer, &component});
  if (wanted) timers_.emplace(*wanted, &component);
  component.timer = wanted;
}

std::optional<InstantMs> HandshakeTable::deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

void HandshakeTable::advance(InstantMs now) {
  // A timer that is not due by OpenSSL's own clock asks for the same moment again: each gets one turn.
  std::vector<Component*> due;
  for (const auto& [at, component] : timers_) {
    if (at > now) break;
    due.push_back(component);
  }
  for (Component* component : due) took(*component, component->dtls->on_timer(now));
}

}  // namespace sallyport::keying
