// SPDX-License-Identifier: GPL-3.0-or-later
// Connections from their beginning to their end: adopted, found again, aliased, looked after, closed.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "transport/clock.h"
#include "transport/transport_layer.h"
#include "transport/transport_tokens.h"

namespace sallyport::transport {

namespace {

/// Ticks until every slot was looked at: with a tick of 100 ms, a second.
constexpr std::size_t kTicksPerSweep = 10;

auto remote_key(sip::Transport transport, const Endpoint& remote) {
  return std::pair(transport, std::pair(remote.address, remote.port));
}

}  // namespace

Connection* TransportLayer::find(std::uint64_t id) const {
  const std::uint32_t slot = slot_of(id);
  if (slot >= slots_.size()) return nullptr;
  Connection* connection = slots_[slot].connection.get();
  return connection != nullptr && connection->hop.connection == id ? connection : nullptr;
}

Connection& TransportLayer::add(std::unique_ptr<Connection> connection) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  connection->hop.connection = connection_id(index, ++slot.generation);
  connection->since_ms = connection->heard_ms = connection->taken_ms = connection->credit_ms = now_ms_;
  connection->credit = static_cast<std::int64_t>(limits_[Limit::messages_per_second]);
  connection->opened_s = unix_seconds();
  slot.check_ms = now_ms_ + kMsPerSecond;
  slot.connection = std::move(connection);
  return *slot.connection;
}

void TransportLayer::adopt(Established established) {
  Connection* connection = nullptr;
  if (established.order == 0) {
    auto made = std::make_unique<Connection>(sip_limits_);
    made->hop = {established.transport, established.remote, 0, established.listener};
    made->accepted = true;
    connection = &add(std::move(made));
  } else {
    connection = find(established.order);
    if (connection == nullptr) return;  // closed while it was being opened
    if (established.failure) {
      connection->place = std::move(established.place);
      return end(*connection, Count::connects_failed, *established.failure);
    }
    counters_.add(Count::connects);
    connection->taken_ms = connection->heard_ms = connection->since_ms = now_ms_;
    // The other side may have nothing to say of its own.
    connection->heard = true;
  }
  connection->place = std::move(established.place);
  connection->descriptor = std::move(established.descriptor);
  connection->tls = std::move(established.tls);
  if (established.transport == sip::Transport::wss) {
    connection->websocket = std::make_unique<WebSocket>();
    connection->websocket->heard_ms = now_ms_;
  }
  if (connection->tls)
    if (auto peer = connection->tls->peer())
      connection->peer = std::make_unique<PeerIdentity>(std::move(*peer));
  if (!poller_.add(connection->descriptor.get(), connection->hop.connection))
    return end(*connection, Count::closed_by_us,
               {ErrorClass::exhausted, "the kernel watches no more descriptors"});
  user_.on_connection_opened(connection->hop);
  if (!connection->closed) write_waiting(*connection);
  // Also lets the TLS library give back the buffer of the handshake.
  if (!connection->closed && connection->tls) take_tls(*connection, established.early);
}

bool TransportLayer::serves(const Connection& connection, const Target& target) {
  if (connection.closed || (target.listener && connection.hop.listener != *target.listener)) return false;
  if (target.transport != sip::Transport::tls) return !connection.accepted;
  // RFC 5923 §8.1: resolved to the same address, and the name is among the identities that the peer proved.
  return connection.peer ? matches(*connection.peer, target.server_name)
                         : !connection.accepted && connection.server_name == target.server_name;
}

Connection* TransportLayer::reusable(const Target& target) const {
  const auto [begin, end] = by_remote_.equal_range(remote_key(target.transport, target.remote));
  for (auto i = begin; i != end; ++i) {
    Connection* connection = find(i->second);
    if (connection != nullptr && serves(*connection, target)) return connection;
  }
  return nullptr;
}

Result<sip::Hop> TransportLayer::reach(const Target& target) {
  if (target.remote.port == 0 || target.remote.address.is_unspecified())
    return fail(ErrorClass::malformed, "no address to send to");
  const bool named =
      target.listener && *target.listener < listeners_.size() && listeners_[*target.listener].is_open();
  switch (target.transport) {
    case sip::Transport::udp:
      if (!named || !listeners_[*target.listener].datagrams)
        return fail(ErrorClass::not_found, "no listener for UDP to send from");
      return sip::Hop{sip::Transport::udp, target.remote, 0, *target.listener};
    case sip::Transport::tls:
      if (target.server_name.empty()) return fail(ErrorClass::malformed, "no name to know the server by");
      break;
    case sip::Transport::tcp:
      break;
    case sip::Transport::ws:
    case sip::Transport::wss:
      return fail(ErrorClass::unsupported, "browsers are not called up");
  }
  if (target.listener && !named) return fail(ErrorClass::not_found, "the listener is gone");
  if (const Connection* connection = target.exclusive ? nullptr : reusable(target)) {
    counters_.add(Count::reused);
    return connection->hop;
  }
  return dial(target);
}

Result<sip::Hop> TransportLayer::dial(const Target& target) {
  auto place = sources_.admit_own();
  if (!place) return tl::unexpected(place.error());
  auto made = std::make_unique<Connection>(sip_limits_);
  made->hop = {target.transport, target.remote, 0, target.listener.value_or(0)};
  made->server_name = target.server_name;
  const Connection& connection = add(std::move(made));
  if (!target.exclusive) remember(connection, target.remote);
  handshake_order::Dial order;
  order.order = connection.hop.connection;
  order.listener = connection.hop.listener;
  order.transport = target.transport;
  order.remote = target.remote;
  if (target.listener) order.local = listeners_[*target.listener].settings.address.address;
  order.server_name = target.server_name;
  order.certificate = target.certificate;
  order.place = std::move(*place);
  threads_[dials_++ % threads_.size()]->order(std::move(order));
  return connection.hop;
}

Result<void> TransportLayer::alias(std::uint64_t id, std::uint16_t port) {
  Connection* connection = find(id);
  if (connection == nullptr) return fail(ErrorClass::not_found, "the connection is gone");
  // RFC 5923 §9.2: who sent no certificate could take over what is meant for another.
  if (!connection->accepted || !connection->peer)
    return fail(ErrorClass::refused, "no certificate says who the peer is");
  const Endpoint remote{connection->hop.remote.address, port};
  if (std::ranges::find(connection->aliases, remote) != connection->aliases.end()) return {};
  static constexpr std::size_t kAliasesPerConnection = 4;
  if (connection->aliases.size() >= kAliasesPerConnection)
    return fail(ErrorClass::exhausted, "enough aliases");
  connection->aliases.push_back(remote);
  remember(*connection, remote);
  return {};
}

void TransportLayer::remember(const Connection& connection, const Endpoint& remote) {
  by_remote_.emplace(remote_key(connection.hop.transport, remote), connection.hop.connection);
}

void TransportLayer::forget(const Connection& connection) {
  const auto drop = [&](const Endpoint& remote) {
    const auto [begin, end] = by_remote_.equal_range(remote_key(connection.hop.transport, remote));
    const auto found = std::find_if(
        begin, end, [&](const auto& entry) { return entry.second == connection.hop.connection; });
    if (found != end) by_remote_.erase(found);
  };
  if (!connection.accepted) drop(connection.hop.remote);
  for (const Endpoint& remote : connection.aliases) drop(remote);
}

void TransportLayer::close(std::uint64_t id, const Error& why) {
  if (Connection* connection = find(id)) end(*connection, Count::closed_by_us, why);
}

void TransportLayer::end(Connection& connection, Count count, const Error& why) {
  if (std::exchange(connection.closed, true)) return;
  counters_.add(count);
  forget(connection);
  say_goodbye(connection);
  // The kernel forgets a closed descriptor's place in the poller.
  connection.descriptor.reset();
  connection.place.leave();
  const std::uint32_t index = slot_of(connection.hop.connection);
  closed_.emplace_back(connection.hop, why);
  ended_.push_back(std::move(slots_[index].connection));
  free_slots_.push_back(index);
  tell_closed_soon();
}

void TransportLayer::look_again(const Connection& connection, std::int64_t at_ms) {
  Slot& slot = slots_[slot_of(connection.hop.connection)];
  slot.check_ms = std::min(slot.check_ms, at_ms);
}

void TransportLayer::check_deadlines() {
  const std::size_t count = slots_.size() / kTicksPerSweep + 1;
  for (std::size_t i = 0; i < count && !slots_.empty(); ++i) {
    swept_ = (swept_ + 1) % slots_.size();
    Slot& slot = slots_[swept_];
    if (slot.connection && slot.check_ms <= now_ms_) check_deadline(*slot.connection, slot);
  }
}

void TransportLayer::check_deadline(Connection& connection, Slot& slot) {
  std::int64_t next = now_ms_ + 3600 * kMsPerSecond;
  bool over = false;
  const auto bound = [&](Limit limit, std::int64_t since_ms) {
    const std::int64_t at = since_ms + static_cast<std::int64_t>(limits_[limit]) * kMsPerSecond;
    next = std::min(next, at);
    if (over || at > now_ms_) return;
    over = true;
    end(connection, Count::closed_by_us, limits_.refuse(limit, ErrorClass::timeout));
  };
  if (!connection.is_open()) {  // the handshake thread sees to it
    slot.check_ms = now_ms_ + kMsPerSecond;
    return;
  }
  if (connection.waiting() != 0) bound(Limit::stalled_write_s, connection.taken_ms);
  if (connection.partial) bound(Limit::incomplete_s, connection.partial_ms);
  if (!connection.heard) bound(Limit::first_message_s, connection.since_ms);
  bound(Limit::idle_s, connection.heard_ms);
  if (connection.websocket && connection.websocket->pinged_ms != 0)
    bound(Limit::websocket_pong_s, connection.websocket->pinged_ms);
  if (over) return;
  if (connection.websocket) {
    if (ping_due_ms(connection) <= now_ms_) ping_websocket(connection);
    if (connection.closed) return;
    next = std::min(next, ping_due_ms(connection));
  }
  slot.check_ms = next;
}

bool TransportLayer::is_open(std::uint64_t id) const {
  const Connection* connection = find(id);
  return connection != nullptr && connection->is_open();
}

const PeerIdentity* TransportLayer::peer(std::uint64_t id) const {
  const Connection* connection = find(id);
  return connection == nullptr ? nullptr : connection->peer.get();
}

std::optional<ConnectionFacts> TransportLayer::facts(std::uint64_t id) const {
  const Connection* connection = find(id);
  if (connection == nullptr) return std::nullopt;
  ConnectionFacts facts;
  facts.hop = connection->hop;
  if (connection->hop.listener < listeners_.size())
    facts.listener = listeners_[connection->hop.listener].settings.name;
  facts.accepted = connection->accepted;
  facts.open = connection->is_open();
  if (connection->tls) facts.tls = connection->tls->facts();
  if (connection->peer) facts.peer = *connection->peer;
  facts.server_name = connection->server_name;
  facts.opened_s = connection->opened_s;
  facts.messages_received = connection->messages_received;
  facts.messages_sent = connection->messages_sent;
  facts.waiting = connection->waiting();
  return facts;
}

void TransportLayer::for_each(const std::function<void(const ConnectionFacts&)>& visit) const {
  for (const Slot& slot : slots_)
    if (slot.connection) visit(*facts(slot.connection->hop.connection));
}

}  // namespace sallyport::transport
