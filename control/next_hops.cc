// SPDX-License-Identifier: GPL-3.0-or-later
// Counting of leases, and telling workers.
#include "control/next_hops.h"

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
  const Key key{address, route->neighbour};
  if (const auto known = ids_.find(key); known != ids_.end()) {
    ++entries_[known->second].leases;
    return NextHopLease(*this, known->second);
  }
  if (free_.empty()) return limits_.refuse(Limit::next_hops);
  const dataplane::NextHopId id = free_.back();
  free_.pop_back();
  ids_.emplace(key, id);
  entries_[id] = Entry{key, route->hop, 1};
  publish(id);
  return NextHopLease(*this, id);
}

void NextHopTable::release(dataplane::NextHopId id) {
  Entry& entry = entries_[id];
  if (--entry.leases != 0) return;
  // No flow names this entry any more: leases end with receipts. Workers keep its value until the number is
  // reused.
  ids_.erase(entry.key);
  free_.push_back(id);
}

void NextHopTable::refresh() {
  for (const auto& [key, id] : ids_) {
    const auto route = resolver_.lookup(key.first, key.second);
    dataplane::NextHop hop = entries_[id].hop;
    if (route)
      hop = route->hop;
    else
      hop.resolved = false;
    if (same(hop, entries_[id].hop)) continue;
    entries_[id].hop = hop;
    publish(id);
  }
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
