// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The local port is the key: a flat table gives the flow in one cache miss. And who owns which port.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/runtime.h"

namespace sallyport::dataplane {

/// Numbers all (media address, port) pairs without gaps.
class PortIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  explicit PortIndex(std::span<const MediaAddress> addresses) {
    for (const MediaAddress& address : addresses) {
      ranges_.push_back({size_, address.first_udp_port, address.last_udp_port});
      size_ += static_cast<std::uint32_t>(address.last_udp_port - address.first_udp_port) + 1;
    }
  }

  /// kNone when the port is outside the address's range.
  [[nodiscard]] std::uint32_t of(std::uint8_t address, std::uint16_t port) const {
    const Range& range = ranges_[address];
    if (port < range.first || port > range.last) return kNone;
    return range.offset + (port - range.first);
  }
  [[nodiscard]] std::uint32_t size() const { return size_; }

 private:
  struct Range {
    std::uint32_t offset;
    std::uint16_t first;
    std::uint16_t last;
  };
  std::vector<Range> ranges_;
  std::uint32_t size_ = 0;
};

/// Who serves a port. Each entry is written by the worker that links or unlinks its flow and read by all; a
/// reader that sees an old value sends a packet to a worker that drops it with a count, which is what happens
/// to a packet that comes a moment before its flow anyway.
class OwnerTable {
 public:
  static constexpr std::uint8_t kNobody = 0xff;

  explicit OwnerTable(std::uint32_t ports) : owners_(ports) {
    for (auto& owner : owners_) owner.store(kNobody, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint8_t of(std::uint32_t port_index) const {
    return owners_[port_index].load(std::memory_order_relaxed);
  }
  void set(std::uint32_t port_index, std::uint8_t worker) {
    owners_[port_index].store(worker, std::memory_order_relaxed);
  }

 private:
  std::vector<std::atomic<std::uint8_t>> owners_;
};

/// One worker's flows by port.
class FlowTable {
 public:
  explicit FlowTable(std::uint32_t ports) : flows_(ports, nullptr) {}

  [[nodiscard]] Flow* find(std::uint32_t port_index) const { return flows_[port_index]; }
  void prefetch(std::uint32_t port_index) const { __builtin_prefetch(&flows_[port_index]); }
  void set(std::uint32_t port_index, Flow* flow) { flows_[port_index] = flow; }
  /// Where the entry lies, for measurements that want it out of the caches.
  [[nodiscard]] const void* entry(std::uint32_t port_index) const { return &flows_[port_index]; }

 private:
  std::vector<Flow*> flows_;
};

}  // namespace sallyport::dataplane
