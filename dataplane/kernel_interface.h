// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What the kernel says of one of its network interfaces, and a claim on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ip_address.h"
#include "dataplane/file_descriptor.h"

namespace sallyport::dataplane {

struct KernelInterface {
  unsigned index = 0;
  MacAddress mac{};
  std::uint16_t mtu = 0;
  bool running = false;      ///< up, with a carrier
  bool promiscuous = false;  ///< set so by an administrator
  unsigned queue_pairs = 1;  ///< combined channels, as ethtool -l shows them
};

/// Nothing: there is no such interface in this network namespace.
[[nodiscard]] std::optional<KernelInterface> read_kernel_interface(const std::string& name);

/// Claims the interface for this process, in this network namespace; the claim ends with the descriptor, also
/// when the process is killed. Throws std::runtime_error when another holds it.
[[nodiscard]] FileDescriptor claim_interface(const std::string& name);

/// Whether the interface takes VLAN tags out of frames before an XDP program sees them.
[[nodiscard]] bool strips_vlan_tags(const std::string& name);
/// False: the driver will not, or we may not.
bool keep_vlan_tags(const std::string& name);

}  // namespace sallyport::dataplane
