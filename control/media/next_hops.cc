// SPDX-License-Identifier: GPL-3.0-or-later
// Counting of leases, and telling workers.
#include "control/media/next_hops.h"

namespace sallyport::control {

namespace {

bool same(const dataplane::NextHop& a, const dataplane::NextHop& b) {
  return a.resolved == b.resolved && a.port == b.port && a.destination == b.destination && a.vlan == b.vlan &&
         a.mtu == b.mtu;
}

}  // namespace

NextHopLease::~NextHopLease() {
  if (table_ != nullptr) table_->release(id_);
}

NextHopTable::NextHopTable(MediaPlane& plane, NextHopResolver& resolver, Limits& limits)
    : plane_(plane), resolver_(resolver), limits_(limits), entries_(dataplane::kNextHopCapacity) {
  for (std::size_t id = dataplane::kNextHopCapacity - 1; id > 0; --id)
    free_.push_back(static_cast<dataplane::NextHopId>(id));
}

Result<NextHopLease> NextHopTable::acquire(std::uint8_t address, const IpAddress& destination) {
  const auto route = resolver_.lookup(address, destination);
  if (!route) return tl::unexpected(route.error());
  if (const auto known = ids_.find(route->name); known != ids_.end()) {
    ++entries_[known->second].leases;
    update(*route);
    return NextHopLease(*this, known->second);
  }
  if (free_.empty()) {
    resolver_.forget(route->name);
    return limits_.refuse(Limit::next_hops);
  }
  const dataplane::NextHopId id = free_.back();
  free_.pop_back();
  ids_.emplace(route->name, id);
  entries_[id] = Entry{route->name, route->hop, 1};
  publish(id);
  return NextHopLease(*this, id);
}

void NextHopTable::release(dataplane::NextHopId id) {
  Entry& entry = entries_[id];
  if (--entry.leases != 0) return;
  // No flow names this entry any more: leases end with receipts. Workers keep its value until the number is
  // reused.
  resolver_.forget(entry.name);
  ids_.erase(entry.name);
  free_.push_back(id);
}

void NextHopTable::update(const Route& route) {
  const auto known = ids_.find(route.name);
  if (known == ids_.end() || same(entries_[known->second].hop, route.hop)) return;
  entries_[known->second].hop = route.hop;
  publish(known->second);
}

void NextHopTable::publish(dataplane::NextHopId id) {
  dataplane::Command order;
  order.kind = dataplane::CommandKind::set_next_hop;
  order.next_hop_id = id;
  order.next_hop = entries_[id].hop;
  for (std::size_t worker = 0; worker < plane_.worker_count(); ++worker) {
    order.worker = static_cast<std::uint8_t>(worker);
    plane_.submit(order);
  }
}

}  // namespace sallyport::control
