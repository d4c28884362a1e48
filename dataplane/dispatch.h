// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The only exit: counts every packet's verdict and sends it, punts it, hands it off or frees it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ring.h"
#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/next_hop_table.h"
#include "dataplane/rewrite.h"

namespace sallyport::dataplane {

using PacketRing = Ring<rte_mbuf*>;

/// Where a worker's packets can go.
struct Exits {
  std::span<const SendPort> ports;
  PacketRing& punts;                                    ///< to control
  std::span<const std::unique_ptr<PacketRing>> strays;  ///< to each other worker; null at our own place
};

void dispatch(Burst& burst, const NextHopTable& next_hops, const Exits& exits, WorkerCounters& counters);

}  // namespace sallyport::dataplane
