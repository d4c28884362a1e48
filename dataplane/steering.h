// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Steering: the XDP program of a shared port, told which packets are media and whose are not wanted.
#pragma once

#include <cstdint>
#include <string>

#include "base/ip_address.h"
#include "base/result.h"
#include "dataplane/file_descriptor.h"
#include "dataplane/runtime.h"

namespace sallyport::dataplane {

/// Packets since the program was attached, summed over CPUs.
struct SteeringCounters {
  std::uint64_t steered = 0;   ///< to a worker
  std::uint64_t banned = 0;    ///< dropped: the source is banned
  std::uint64_t passed = 0;    ///< to the kernel
  std::uint64_t unserved = 0;  ///< media on a receive queue that no worker serves: to the kernel
};

/// Handles of the maps of the program that runs on an interface. The program itself is attached and detached
/// by the DPDK port. Moving packets does not involve this class.
class Steering {
 public:
  /// Throws std::runtime_error: no program on this interface, or not ours.
  [[nodiscard]] static Steering open(unsigned interface_index);

  /// From now on UDP for this address, VLAN and port range goes to the workers. Again: the range is replaced.
  /// With a VLAN the interface is told to leave tags in the frames, since the program cannot see them
  /// otherwise. malformed: the range is empty; exhausted: STEERING_MAX_ADDRESSES are allowed already.
  [[nodiscard]] Result<void> allow(const MediaAddress& address);
  /// Drops every IP packet of this host. exhausted: STEERING_MAX_BANS hosts are banned already.
  [[nodiscard]] Result<void> ban(const IpAddress& source);
  /// not_found: it was not banned.
  [[nodiscard]] Result<void> unban(const IpAddress& source);

  [[nodiscard]] SteeringCounters counters() const;

 private:
  Steering() = default;

  unsigned interface_index_ = 0;
  FileDescriptor addresses_;
  FileDescriptor bans_;
  FileDescriptor counters_;
};

/// The program as a file that can be opened by `path()` as long as this lives.
class SteeringProgramFile {
 public:
  /// Throws std::runtime_error.
  SteeringProgramFile();
  [[nodiscard]] std::string path() const;

 private:
  FileDescriptor memory_;
};

/// Number of the XDP program that runs on the interface; 0: none.
[[nodiscard]] std::uint32_t attached_program(unsigned interface_index);
/// Whether that program is this one. Throws std::runtime_error where the kernel does not tell.
[[nodiscard]] bool is_steering_program(std::uint32_t program);
void detach_program(unsigned interface_index);

}  // namespace sallyport::dataplane
