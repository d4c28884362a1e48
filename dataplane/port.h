// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Opening and closing of DPDK ports: AF_XDP on a kernel interface, or any DPDK device by its name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/file_descriptor.h"
#include "dataplane/runtime.h"

struct rte_mempool;

namespace sallyport::dataplane {

class Steering;  // steering.h
class TapTwin;   // tap_twin.h

inline constexpr std::uint16_t kNoDevice = 0xffff;

/// An opened and started DPDK port. Receive queue q belongs to worker q modulo the number of workers;
/// transmit queue w to worker w.
struct Port {
  std::uint16_t dpdk_id = kNoDevice;
  PortInfo info;
  std::unique_ptr<Steering> steering;  ///< shared ports
  std::unique_ptr<TapTwin> twin;       ///< vdev ports with a twin
  /// One a receive queue, in their order: poll(2) finds it readable when packets wait there. Owned by the
  /// driver. Empty: this device can only be polled by receiving.
  std::vector<int> receive_descriptors;
  std::string
      plugged_device;    ///< what open_port plugged in and the destructor unplugs; empty: it was there before
  FileDescriptor claim;  ///< shared ports: on the kernel interface

  Port();
  Port(Port&&) noexcept;
  Port& operator=(Port&&) noexcept;
  ~Port();  ///< stops and closes the device; its workers have stopped
};

/// Throws std::runtime_error with one line that names the port and what is wrong.
[[nodiscard]] Port open_port(const PortConfig& config, rte_mempool& pool, std::size_t workers);

[[nodiscard]] PortStatistics statistics(const Port& port);

}  // namespace sallyport::dataplane
