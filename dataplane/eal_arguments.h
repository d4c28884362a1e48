// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What EAL is told, as a pure function of the configuration and the machine, so that it can be
// tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataplane/runtime.h"

namespace sallyport::dataplane {

/// What of the machine matters to EAL's arguments.
struct MachineFacts {
  std::vector<unsigned> allowed_cpus;      ///< CPUs this process may run on, ascending
  std::uint64_t free_huge_page_bytes = 0;  ///< of the default huge page size
};

/// Asks the scheduler and /proc/meminfo.
[[nodiscard]] MachineFacts read_machine_facts();

/// `HugePages_Free` times `Hugepagesize` of a /proc/meminfo text; 0 when either is missing or unreadable.
[[nodiscard]] std::uint64_t free_huge_page_bytes(std::string_view meminfo);

/// `0000:03:00.0` or `03:00.0`, arguments after a comma allowed: a PCI device rather than a virtual one.
[[nodiscard]] bool is_pci_device(std::string_view device);

struct EalArguments {
  std::vector<std::string> arguments;  ///< argv, the program's name first
  bool huge_pages = false;
};

/// refused: a worker core that the process may not use, too many workers, or huge pages demanded and not
/// there.
[[nodiscard]] Result<EalArguments> eal_arguments(const RuntimeConfig& config, const MachineFacts& machine);

/// Receive and transmit ring length of AF_XDP queues, in descriptors; the driver's own default.
inline constexpr std::uint16_t kXdpRingSize = 2048;
/// Ring length of other devices, where their limits allow it.
inline constexpr std::uint16_t kDeviceRingSize = 1024;

/// Packet buffers that keep every queue of the configuration full at once, with what workers hold in their
/// hands.
[[nodiscard]] unsigned packet_buffer_count(const RuntimeConfig& config);

}  // namespace sallyport::dataplane
