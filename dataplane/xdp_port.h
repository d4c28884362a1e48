// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What is particular to ports that share a kernel interface by AF_XDP.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/runtime.h"

namespace sallyport::dataplane {

/// DPDK's name for the AF_XDP device of a kernel interface.
[[nodiscard]] std::string xdp_device_name(const std::string& interface_name);

/// The arguments of `net_af_xdp` for this port.
[[nodiscard]] std::string xdp_device_arguments(const PortConfig& config, const std::string& program_path);

/// Refuses what the driver would refuse less clearly: no such interface, too few queues, a foreign XDP
/// program. A steering program that a killed process left behind is detached. Throws std::runtime_error with
/// a line that does not name the port.
void prepare_interface(const PortConfig& config, std::size_t workers);

/// The AF_XDP sockets this process has open, ascending.
[[nodiscard]] std::vector<int> open_xdp_sockets();

/// Packets that found the AF_XDP receive ring of this socket full.
[[nodiscard]] std::uint64_t receive_ring_overruns(int xdp_socket);

/// The largest IP packet, with one VLAN tag, that an AF_XDP buffer of the packet pool takes. `data_room` is
/// the pool's.
[[nodiscard]] std::uint16_t largest_xdp_mtu(std::uint16_t data_room);

}  // namespace sallyport::dataplane
