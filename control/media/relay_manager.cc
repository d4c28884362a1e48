// SPDX-License-Identifier: GPL-3.0-or-later
// Orders and receipts. How a request becomes flows stands in relay_build.cc.
#include "control/media/relay_manager.h"

#include <algorithm>
#include <cassert>

#include "base/log.h"
#include "control/media/relay_operation.h"

namespace sallyport::control {

using dataplane::Command;
using dataplane::CommandKind;
using dataplane::CommandResult;
using dataplane::Component;

namespace {

SpecError no_such_relay(std::uint64_t id) {
  return {Error{ErrorClass::not_found, "there is no relay " + std::to_string(id)}, "relay"};
}

// What is lent to a worker is not touched before its receipt: a second change waits until then.
SpecError busy() {
  return {Error{ErrorClass::refused, "a change of this relay is under way"}, "relay"};
}

/// Remembers the keys of `before` that `after` has no more.
void retire_keys(const std::array<RelayLeg, kLegs>& before, const std::array<RelayLeg, kLegs>& after,
                 std::vector<std::uint64_t>& past) {
  for (std::size_t i = 0; i < kLegs; ++i) {
    for (const LegStream& stream : kLegStreams) {
      const auto &old_keys = before[i].*stream.held, &new_keys = after[i].*stream.held;
      if (!old_keys) continue;
      if (!new_keys || old_keys->send != new_keys->send) past.push_back(old_keys->send.key);
      if (!new_keys || old_keys->receive != new_keys->receive) past.push_back(old_keys->receive.key);
    }
  }
}

SpecError worker_refused(CommandResult result) {
  switch (result) {
    case CommandResult::port_in_use:
      return {Error{ErrorClass::internal, "the worker holds these ports already"}, ""};
    case CommandResult::no_carrier:
      return {Error{ErrorClass::internal, "the worker has no bundle to join"}, ""};
    case CommandResult::bundle_full:
      return {Error{ErrorClass::internal, "the worker's bundle is full"}, ""};
    case CommandResult::pending:
    case CommandResult::done:
    case CommandResult::not_linked:
      break;
  }
  return {Error{ErrorClass::internal, "the worker has no such relay"}, ""};
}

}  // namespace

std::string_view name(RelayEvent::Kind kind) {
  switch (kind) {
    case RelayEvent::Kind::media_timeout:
      return "relay.media_timeout";
    case RelayEvent::Kind::media_resumed:
      return "relay.media_resumed";
    case RelayEvent::Kind::latched:
      return "relay.latched";
    case RelayEvent::Kind::unreachable:
      return "relay.unreachable";
    case RelayEvent::Kind::changed:
      return "relay.changed";
    case RelayEvent::Kind::ended:
      return "relay.ended";
    case RelayEvent::Kind::verified:
      return "relay.verified";
  }
  return "relay";
}

RelayManager::RelayManager(const Config& config, Limits& limits, MediaPlane& plane, NextHopTable& next_hops,
                           MediaPorts& ports)
    : config_(config),
      limits_(limits),
      plane_(plane),
      next_hops_(next_hops),
      ports_(ports),
      worker_relays_(plane.worker_count()) {}

RelayManager::~RelayManager() = default;

Relay* RelayManager::find(std::uint64_t id) {
  const auto found = relays_.find(id);
  return found == relays_.end() || found->second->dropping ? nullptr : found->second.get();
}

std::uint8_t RelayManager::least_loaded_worker() const {
  return static_cast<std::uint8_t>(std::ranges::min_element(worker_relays_) - worker_relays_.begin());
}

void RelayManager::submit(Command order, const Relay& relay, std::unique_ptr<Operation> operation) {
  order.worker = relay.worker;
  order.cookie = ++last_cookie_;
  operation->kind = order.kind;
  operation->relay = relay.id;
  operations_.emplace(order.cookie, std::move(operation));
  plane_.submit(order);
}

std::uint64_t RelayManager::add(RelaySpec spec, Answer<RelayAdded> done, LegPorts leases) {
  const auto refuse = [&](SpecError why) {
    ++totals_.refused;
    done(tl::unexpected(std::move(why)));
    return std::uint64_t{0};
  };
  if (auto wrong = check(spec)) return refuse(std::move(*wrong));
  if (relays_.size() >= limits_[Limit::relays]) return refuse({limits_.refuse(Limit::relays).value(), ""});
  const auto worker = choose_worker(spec);
  if (!worker) return refuse(worker.error());
  auto relay = std::make_unique<Relay>();
  relay->id = ++last_id_;
  relay->label = std::move(spec.label);
  relay->worker = *worker;
  relay->started_tsc = relay->expecting_since_tsc = plane_.tsc_now();
  if (auto wrong = place(spec, *relay, std::move(leases))) return refuse(std::move(*wrong));
  if (auto wrong = make_flows(spec, *relay)) return refuse(std::move(*wrong));
  Command order;
  order.kind = CommandKind::link;
  order.flows = {relay->flows[0].get(), relay->flows[1].get()};
  auto operation = std::make_unique<Operation>();
  operation->added = std::move(done);
  Relay& placed = *relay;
  ++worker_relays_[placed.worker];
  relays_.emplace(placed.id, std::move(relay));
  enlist(placed);
  submit(order, placed, std::move(operation));
  return placed.id;
}

void RelayManager::finish_link(Operation& operation, CommandResult result) {
  Relay& relay = *relays_.at(operation.relay);
  if (result == CommandResult::done) {
    relay.linked = true;
    ++totals_.added;
    return operation.added(added(relay));
  }
  ++totals_.link_failures;
  log::error("relay.link_failed", {{"relay", relay.id}});
  // A drop that is under way frees the relay with its own receipt.
  if (!relay.dropping) forget(relay.id);
  operation.added(tl::unexpected(worker_refused(result)));
}

std::optional<SpecError> RelayManager::check_set(std::uint64_t id, const RelaySpec& spec) {
  const Relay* relay = find(id);
  if (relay == nullptr) return no_such_relay(id);
  if (!relay->linked || relay->changing) return busy();
  if (auto wrong = check(spec)) return wrong;
  return check_change(spec, *relay);
}

void RelayManager::set(std::uint64_t id, RelaySpec spec, Answer<RelayAdded> done) {
  if (auto wrong = check_set(id, spec)) return done(tl::unexpected(std::move(*wrong)));
  Relay* relay = find(id);
  Relay next;
  next.id = relay->id;
  next.generation = static_cast<std::uint8_t>(relay->generation + 1);
  for (const Leg leg : {Leg::a, Leg::b}) {
    next.legs[index(leg)].side = relay->legs[index(leg)].side;
    const std::uint64_t joins = spec.legs[index(leg)].joins;
    const Relay& has_ports = joins == 0 ? *relay : *relays_.at(joins);
    next.legs[index(leg)].ports = has_ports.legs[index(leg)].ports.named();
  }
  if (auto wrong = make_flows(spec, next, relay)) return done(tl::unexpected(std::move(*wrong)));
  Command order;
  order.kind = CommandKind::replace;
  order.flows = {relay->flows[0].get(), relay->flows[1].get()};
  order.replacements = {next.flows[0].get(), next.flows[1].get()};
  auto operation = std::make_unique<Operation>();
  operation->added = std::move(done);
  for (const Leg leg : {Leg::a, Leg::b}) mark_received(*relay, leg);
  // The worker still uses the old flows: they and their next hops stay alive until the receipt.
  operation->retired_flows = std::exchange(relay->flows, std::move(next.flows));
  operation->retired_hops = std::exchange(relay->hops, std::move(next.hops));
  retire_keys(relay->legs, next.legs, relay->past_keys);
  strike(*relay);
  for (std::size_t i = 0; i < kLegs; ++i) {
    next.legs[i].received_before = relay->legs[i].received_before;
    PortLease& held = next.legs[i].joins == 0 ? next.legs[i].ports : operation->retired_ports[i];
    held = std::move(relay->legs[i].ports);
  }
  relay->legs = std::move(next.legs);
  enlist(*relay);
  relay->generation = next.generation;
  relay->changing = true;
  if (!spec.label.empty()) relay->label = std::move(spec.label);
  submit(order, *relay, std::move(operation));
}

void RelayManager::finish_replace(Operation& operation, CommandResult result) {
  Relay& relay = *relays_.at(operation.relay);
  relay.changing = false;
  if (result == CommandResult::done) {
    for (std::size_t i = 0; i < kLegs; ++i)
      dataplane::take_streams(*relay.flows[i], *operation.retired_flows[i]);
    ++totals_.changed;
    tell(RelayEvent::Kind::changed, relay.id);
    relay.timed_out = false;
    relay.expecting_since_tsc = plane_.tsc_now();
    return operation.added(added(relay));
  }
  ++totals_.link_failures;
  log::error("relay.replace_failed", {{"relay", relay.id}});
  if (!relay.dropping) forget(relay.id);
  operation.added(tl::unexpected(worker_refused(result)));
}

void RelayManager::expect_media(std::uint64_t id, std::array<bool, kLegs> legs) {
  Relay* relay = find(id);
  if (relay == nullptr) return;
  for (std::size_t i = 0; i < kLegs; ++i) relay->legs[i].expects_media = legs[i];
  relay->timed_out = false;
  relay->expecting_since_tsc = plane_.tsc_now();
}

void RelayManager::start_drop(Relay& relay, Answer<std::uint64_t> done) {
  relay.dropping = true;
  strike(relay);
  Command order;
  order.kind = CommandKind::unlink;
  order.flows = {relay.flows[0].get(), relay.flows[1].get()};
  auto operation = std::make_unique<Operation>();
  operation->answered = std::move(done);
  submit(order, relay, std::move(operation));
}

void RelayManager::drop(std::uint64_t id, Answer<std::uint64_t> done) {
  Relay* relay = find(id);
  if (relay == nullptr) return done(tl::unexpected(no_such_relay(id)));
  start_drop(*relay, std::move(done));
}

void RelayManager::drop_all(std::function<void(std::uint64_t)> done) {
  struct Pending {
    std::uint64_t left = 0, dropped = 0;
    std::function<void(std::uint64_t)> done;
  };
  auto pending = std::make_shared<Pending>();
  pending->done = std::move(done);
  for (auto& [id, relay] : relays_) {
    if (relay->dropping) continue;
    ++pending->left;
    start_drop(*relay, [pending](const auto&) {
      ++pending->dropped;
      if (--pending->left == 0) pending->done(pending->dropped);
    });
  }
  if (pending->left == 0) pending->done(0);
}

void RelayManager::finish_unlink(Operation& operation) {
  ++totals_.dropped;
  const std::uint64_t id = operation.relay;
  forget(id);
  operation.answered(id);
}

void RelayManager::forget(std::uint64_t id) {
  const auto found = relays_.find(id);
  assert(found != relays_.end());
  strike(*found->second);
  --worker_relays_[found->second->worker];
  relays_.erase(found);
  tell(RelayEvent::Kind::ended, id);
}

void RelayManager::capture(std::uint64_t id, Leg leg, bool received, bool opened,
                           Answer<std::uint64_t> done) {
  Relay* relay = find(id);
  if (relay == nullptr) return done(tl::unexpected(no_such_relay(id)));
  if (!relay->linked || relay->changing) return done(tl::unexpected(busy()));
  if (received && relay->legs[index(leg)].joins != 0)
    return done(tl::unexpected(SpecError{{ErrorClass::refused,
                                          "what arrives sealed is known at the relay that "
                                          "it is bundled with alone"},
                                         "mode"}));
  Command order;
  order.kind = CommandKind::capture;
  order.flows[0] = relay->flows[index(leg)].get();
  order.capture_received = received;
  order.capture_opened = opened;
  auto operation = std::make_unique<Operation>();
  operation->answered = std::move(done);
  operation->flow_id = dataplane::id(*order.flows[0]);
  submit(order, *relay, std::move(operation));
}

void RelayManager::retarget(Relay& relay, Leg leg, Component component, NextHopLease hop) {
  const std::size_t flow = index(other(leg));  // the flow that sends on this leg
  Command order;
  order.kind = CommandKind::retarget;
  order.component = component;
  order.flows[0] = relay.flows[flow].get();
  order.next_hop_id = hop.id();
  auto operation = std::make_unique<Operation>();
  NextHopLease& present = relay.hops[flow][static_cast<std::size_t>(component)];
  // The worker may use the old entry until the receipt.
  operation->retired_hops[0][0] = std::exchange(present, std::move(hop));
  submit(order, relay, std::move(operation));
}

void RelayManager::on_receipt(const Command& receipt) {
  const auto found = operations_.find(receipt.cookie);
  if (found == operations_.end()) return;  // a next hop's
  const std::unique_ptr<Operation> operation = std::move(found->second);
  operations_.erase(found);
  switch (operation->kind) {
    case CommandKind::link:
      return finish_link(*operation, receipt.result);
    case CommandKind::replace:
      return finish_replace(*operation, receipt.result);
    case CommandKind::unlink:
      return finish_unlink(*operation);
    case CommandKind::capture:
      if (receipt.result == CommandResult::done) return operation->answered(operation->flow_id);
      return operation->answered(tl::unexpected(worker_refused(receipt.result)));
    case CommandKind::retarget:
    case CommandKind::set_next_hop:
      return;
  }
}

void RelayManager::tell(RelayEvent::Kind kind, std::uint64_t relay, Leg leg, Endpoint endpoint) {
  if (observer_) observer_(RelayEvent{kind, relay, leg, endpoint});
}

}  // namespace sallyport::control
