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
#include "control/limit_table.h"
#include "control/media_plane.h"

namespace sallyport::control {

/// How a destination is reached from a media address.
struct Route {
  IpAddress neighbour;     ///< the gateway, or the destination itself when it is on the link
  dataplane::NextHop hop;  ///< unresolved until the neighbour's link address is known
};

class NextHopResolver {
 public:
  virtual ~NextHopResolver() = default;
  /// `address` is an index into RuntimeConfig::addresses. not_found: no route; refused: it leaves by no media
  /// port.
  [[nodiscard]] virtual Result<Route> lookup(std::uint8_t address, const IpAddress& destination) = 0;
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

/// Entries are shared by everything that goes to the same neighbour from the same media address.
class NextHopTable {
 public:
  NextHopTable(MediaPlane& plane, NextHopResolver& resolver, Limits& limits);

  /// Errors: not_found and refused from the resolver; exhausted when every number is in use.
  [[nodiscard]] Result<NextHopLease> acquire(std::uint8_t address, const IpAddress& destination);
  /// Asks again how each neighbour is reached and tells the workers what changed.
  void refresh();

  [[nodiscard]] std::size_t in_use() const { return ids_.size(); }
  [[nodiscard]] const dataplane::NextHop& hop(dataplane::NextHopId id) const { return entries_[id].hop; }

 private:
  friend class NextHopLease;
  using Key = std::pair<std::uint8_t, IpAddress>;  ///< media address, neighbour
  struct Entry {
    Key key;
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
  std::map<Key, dataplane::NextHopId> ids_;
};

}  // namespace sallyport::control
