// SPDX-License-Identifier: GPL-3.0-or-later
// Legs, their components, and who may begin what.
#include "keying/handshake_table.h"

#include <algorithm>

namespace sallyport::keying {

namespace {

constexpr std::uint8_t kLastStunOctet = 3;  // RFC 7983 §7
constexpr std::uint8_t kFirstZrtpOctet = 16;
constexpr std::uint8_t kLastZrtpOctet = 19;
constexpr std::uint8_t kFirstDtlsOctet = 20;
constexpr std::uint8_t kLastDtlsOctet = 63;

}  // namespace

/// One port of a leg. OpenSSL's and bzrtp's datagrams come out of it.
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
  // Held in the table's sources while a handshake is in progress.
  std::optional<IpAddress> dtls_place;
  std::optional<IpAddress> zrtp_place;
  std::unique_ptr<DtlsAssociation> dtls;
  std::unique_ptr<ZrtpAssociation> zrtp;
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
      if (component) end_zrtp(*component);
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
    if (!keeps) {
      end_dtls(*component);
      begin_dtls(*component, now);
    }
    if (index > 0 || (!is_new && leg.keying.keeps_association && component->zrtp)) continue;
    end_zrtp(*component);
    component->zrtp = std::move(leg.keying.zrtp);
    start_zrtp(*component, now);
  }
}

void HandshakeTable::end_dtls(Component& component) {
  leave_place(component.dtls_place);
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

void HandshakeTable::end_zrtp(Component& component) {
  leave_place(component.zrtp_place);
  component.zrtp.reset();
  set_timer(component);
}

/// Both ends of ZRTP begin, each as soon as it knows where the other is.
void HandshakeTable::start_zrtp(Component& component, InstantMs now) {
  if (!component.zrtp || component.zrtp->state() != ZrtpAssociation::State::waiting ||
      component.zrtp->outcome() == ZrtpOutcome::unanswered)
    return;
  if (component.remote.port == 0 || (component.ice && !component.ice->nominated())) return;
  if (!take_place(component.zrtp_place, component.remote)) {
    end_zrtp(component);
    counters_.add(ZrtpOutcome::limit_reached);
    return events_.happened(handshake_event::ZrtpEnded{component.leg.keying.leg, ZrtpOutcome::limit_reached});
  }
  took(component, component.zrtp->begin(component, now), ZrtpAssociation::State::waiting);
}

/// As soon as there is an address: ICE's nominated one, or SDP's.
void HandshakeTable::start_if_active(Component& component, InstantMs now) {
  const bool waits = component.dtls && component.leg.keying.role == DtlsRole::active &&
                     component.dtls->state() == DtlsAssociation::State::waiting;
  if (!waits || component.remote.port == 0 || (component.ice && !component.ice->nominated())) return;
  if (!take_place(component.dtls_place, component.remote)) {
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
    if (!component->ice && component->remote.port == 0)
      component->remote = leg.keying.remote[component->index];
    if (component->zrtp) {
      const auto before = component->zrtp->state();
      if (answer.peer_hello_hash)
        took(*component, component->zrtp->announce(*answer.peer_hello_hash), before);
      start_zrtp(*component, now);
    }
    if (!component->dtls) continue;
    took(*component, component->dtls->announce(leg.keying.peer_fingerprints, now));
    start_if_active(*component, now);
  }
}

void HandshakeTable::settle(LegId leg) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  for (const auto& component : found->second->used()) {
    if (component->dtls) component->dtls->settle();
    if (component->zrtp) component->zrtp->settle();
    set_timer(*component);
  }
}

void HandshakeTable::remove(LegId leg) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  for (const auto& component : found->second->used()) {
    if (component->dtls) counters_.add(component->dtls->close());
    if (component->zrtp) counters_.add(component->zrtp->close());
    leave_place(component->dtls_place);
    leave_place(component->zrtp_place);
    set_timer(*component);
  }
  legs_.erase(found);
}

void HandshakeTable::set_verified(LegId leg, bool verified) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  const auto& component = found->second->components[0];
  if (component->zrtp) component->zrtp->set_verified(verified);
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
  if (first >= kFirstZrtpOctet && first <= kLastZrtpOctet && component->zrtp)
    return receive_zrtp(*component, datagram, now);
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
  start_zrtp(component, now);
}

// Once begun, an association without ICE stays with its address: who else sends here is a stranger.
bool HandshakeTable::may_take(const Component& component, const Endpoint& source, bool begun) const {
  return component.ice || !begun ? component.may_begin(source) : source == component.remote;
}

void HandshakeTable::receive_dtls(Component& component, const PuntedDatagram& datagram, InstantMs now) {
  DtlsAssociation& dtls = *component.dtls;
  const bool begun = dtls.state() != DtlsAssociation::State::waiting;
  if (!may_take(component, datagram.source, begun)) return counters_.add(HandshakeCount::wrong_source);
  if (!begun) {
    if (component.leg.keying.role == DtlsRole::active) return counters_.add(DtlsOutcome::ignored);
    if (!take_place(component.dtls_place, datagram.source)) return;
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

void HandshakeTable::receive_zrtp(Component& component, const PuntedDatagram& datagram, InstantMs now) {
  ZrtpAssociation& zrtp = *component.zrtp;
  const auto before = zrtp.state();
  const bool begun = before != ZrtpAssociation::State::waiting;
  if (!may_take(component, datagram.source, begun)) return counters_.add(HandshakeCount::wrong_source);
  if (!begun) {
    if (!take_place(component.zrtp_place, datagram.source)) return;
    if (!component.ice || !component.ice->nominated()) {
      component.remote = datagram.source;
      component.neighbour = datagram.neighbour;
    }
    zrtp.begin(component, now);  // nothing, if the peer is only late
  } else if (!component.ice && !component.neighbour) {
    component.neighbour = datagram.neighbour;
  }
  took(component, zrtp.receive(datagram.payload, now), before);
}

/// What a machine has said is counted, told and seen to.
void HandshakeTable::took(Component& component, DtlsOutcome outcome) {
  counters_.add(outcome);
  DtlsAssociation& dtls = *component.dtls;
  const LegId leg = component.leg.keying.leg;
  using enum DtlsAssociation::State;
  if (dtls.state() != handshaking) leave_place(component.dtls_place);
  if (auto keys = dtls.take_keys())
    events_.happened(handshake_event::Keys{leg, component.index, std::move(*keys)});
  else if (dtls.state() == over && info(outcome).is_failure)
    events_.happened(handshake_event::Ended{leg, component.index, outcome});
  set_timer(component);
}

void HandshakeTable::took(Component& component, ZrtpOutcome outcome, ZrtpAssociation::State before) {
  counters_.add(outcome);
  ZrtpAssociation& zrtp = *component.zrtp;
  const LegId leg = component.leg.keying.leg;
  using enum ZrtpAssociation::State;
  if (zrtp.state() != handshaking) leave_place(component.zrtp_place);
  if (auto keys = zrtp.take_keys()) {
    events_.happened(handshake_event::Keys{leg, 0, std::move(*keys), !component.leg.keying.muxed});
    events_.happened(handshake_event::ZrtpSecured{leg, zrtp.security()});
  } else if ((zrtp.state() == over && before != over) || outcome == ZrtpOutcome::unanswered) {
    events_.happened(handshake_event::ZrtpEnded{leg, outcome});
  }
  set_timer(component);
}

bool HandshakeTable::take_place(std::optional<IpAddress>& place, const Endpoint& remote) {
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
  place = source;
  return true;
}

void HandshakeTable::leave_place(std::optional<IpAddress>& place) {
  if (!place) return;
  const auto found = sources_.find(*place);
  if (--found->second == 0) sources_.erase(found);
  --handshakes_;
  place.reset();
}

/// Follows the earlier of the machines' deadlines, or their absence.
void HandshakeTable::set_timer(Component& component) {
  auto wanted = component.dtls ? component.dtls->deadline() : std::nullopt;
  const auto also = component.zrtp ? component.zrtp->deadline() : std::nullopt;
  if (!wanted || (also && *also < *wanted)) wanted = also;
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
  for (Component* component : due) {
    if (component->dtls && component->dtls->deadline() && *component->dtls->deadline() <= now)
      took(*component, component->dtls->on_timer(now));
    if (!component->zrtp || !component->zrtp->deadline() || *component->zrtp->deadline() > now) continue;
    const auto before = component->zrtp->state();
    took(*component, component->zrtp->on_timer(now), before);
  }
}

}  // namespace sallyport::keying
