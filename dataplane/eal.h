// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. DPDK's environment abstraction layer, from the configuration: cores, memory, devices.
#pragma once

#include <cstddef>

#include "dataplane/runtime.h"

struct rte_mempool;

namespace sallyport::dataplane {

/// EAL lives once a process. Worker w runs on EAL lcore w + 1; the caller's thread keeps its CPU affinity.
class Eal {
 public:
  /// Throws std::runtime_error with one line: what EAL refused and what would help.
  explicit Eal(const RuntimeConfig& config);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  [[nodiscard]] bool huge_pages() const { return huge_pages_; }
  /// The pool that all ports receive into and twins send from. Owned by EAL.
  [[nodiscard]] rte_mempool& packet_pool() const { return *packet_pool_; }

 private:
  bool huge_pages_ = false;
  rte_mempool* packet_pool_ = nullptr;
};

}  // namespace sallyport::dataplane
