// SPDX-License-Identifier: GPL-3.0-or-later
// NextHopTable: the neighbours that media is sent to, numbered for the workers and kept equal on all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "control/config/limit_table.h"
#include "control/media/media_plane.h"

namespace sallyport::control {

/// What distinguishes next hops: thousands of destinations behind one gateway share one.
struct NextHopName {
  std::uint8_t port = 0;         ///< index into Runtime::ports()
  unsigned interface_index = 0;  ///< the kernel's; 0: it has none
  IpAddress neighbour;           ///< the gateway, or the destination itself when it is on the link
  std::uint16_t mtu = 0;

  friend auto operator<=>(const NextHopName&, const NextHopName&) = default;
};

/// How a destination is reached from a media address.
struct Route {
  NextHopName name;
  dataplane::NextHop hop;  ///< unresolved until the neighbour's link address is known
};

class NextHopResolver {
 public:
  virtual ~NextHopResolver() = default;
  /// `address` is an index into RuntimeConfig::addresses. not_found: no route; refused: it leaves by no media
  /// port.
  [[nodiscard]] virtual Result<Route> lookup(std::uint8_t address, const IpAddress& destination) = 0;
  /// Nothing is sent there any more.
  virtual void forget(const NextHopName& name) = 0;
};

class NextHopTable;

/// One use of a table entry; ends with the object. An empty lease stands for "unreachable".
class NextHopLease {
 public:
  NextHopLease() = default;
  NextHopLease(NextHopTable& table, dataplane::NextHopId id) : table_(&table), id_(id) {}
  NextHopLease(NextHopLease&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), id_(std::exchange(other.id_, dataplane::kNoNextHop)) {}
  NextHopLease& operator=(NextHopLease&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~NextHopLease();

  [[nodiscard]] dataplane::NextHopId id() const { return id_; }

 private:
  NextHopTable* table_ = nullptr;
  dataplane::NextHopId id_ = dataplane::kNoNextHop;
};

/// Entries are shared by everything that goes to the same neighbour.
class NextHopTable {
 public:
  NextHopTable(MediaPlane& plane, NextHopResolver& resolver, Limits& limits);

  /// Errors: not_found and refused from the resolver; exhausted when every number is in use.
  [[nodiscard]] Result<NextHopLease> acquire(std::uint8_t address, const IpAddress& destination);
  /// The neighbour is reached differently now: the workers are told.
  void update(const Route& route);

  [[nodiscard]] std::size_t in_use() const { return ids_.size(); }
  [[nodiscard]] const dataplane::NextHop& hop(dataplane::NextHopId id) const { return entries_[id].hop; }

 private:
  friend class NextHopLease;
  struct Entry {
    NextHopName name;
    dataplane::NextHop hop;
    std::uint32_t leases = 0;
  };

  void release(dataplane::NextHopId id);
  void publish(dataplane::NextHopId id);

  MediaPlane& plane_;
  NextHopResolver& resolver_;
  Limits& limits_;
  std::vector<Entry> entries_;  ///< by id; 0 is never used
  std::vector<dataplane::NextHopId> free_;
  std::map<NextHopName, dataplane::NextHopId> ids_;
};

}  // namespace sallyport::control
