// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Puts new link, IP and UDP headers before a payload that is ready to leave, and finishes its checksums.
#pragma once

#include <span>

#include "dataplane/burst.h"
#include "dataplane/next_hop_table.h"

namespace sallyport::dataplane {

/// What a worker knows of a port it sends through.
struct SendPort {
  std::uint16_t dpdk_id = 0;
  std::uint16_t queue = 0;
  bool checksum_offload = false;  ///< the device finishes UDP checksums
  bool has_twin = false;          ///< what is not media goes to a TAP twin
  MacAddress mac{};
};

/// Follows protection, since lengths and checksums depend on it. Refuses what has no target, no next hop, or
/// is larger than the link allows.
void rewrite(Burst& burst, const NextHopTable& next_hops, std::span<const SendPort> ports);

}  // namespace sallyport::dataplane
