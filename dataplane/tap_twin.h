// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up and control side. TapTwin: a kernel interface that stands in for a DPDK port for everything that is
// not media.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/ip_address.h"
#include "base/result.h"
#include "dataplane/file_descriptor.h"

namespace sallyport::dataplane {

/// What a twin moved since it was made.
struct TapTwinCounters {
  std::uint64_t to_kernel = 0;
  std::uint64_t from_kernel = 0;
  std::uint64_t dropped_to_kernel = 0;    ///< the kernel's queue was full, or the interface is down
  std::uint64_t dropped_from_kernel = 0;  ///< longer than the caller's buffer
};

/// Frames that a worker punts are written here, and the kernel's own frames (ARP, NDP, ICMP, SIP) are read
/// and sent by the port. It carries the port's MAC, so the network sees one host. Belongs to the control
/// thread; never blocks.
class TapTwin {
 public:
  /// Makes the interface and brings it up. Throws std::runtime_error with one line: the name is taken, no
  /// permission, no /dev/net/tun.
  TapTwin(const std::string& name, const MacAddress& mac, std::uint16_t mtu);

  /// Gives the kernel an address there. refused by the kernel: `internal` with its reason.
  [[nodiscard]] Result<void> add_address(const IpAddress& address, unsigned prefix_length);

  /// Readable when the kernel has a frame for the port.
  [[nodiscard]] int descriptor() const { return tap_.get(); }
  [[nodiscard]] unsigned interface_index() const { return interface_index_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// The length of the frame put into `buffer`; nothing when there is none (longer ones were dropped and
  /// counted).
  [[nodiscard]] std::optional<std::size_t> read_frame(std::span<std::uint8_t> buffer);
  /// Hands a whole Ethernet frame to the kernel. False: dropped and counted.
  bool write_frame(std::span<const std::uint8_t> frame);

  [[nodiscard]] const TapTwinCounters& counters() const { return counters_; }

 private:
  std::string name_;
  FileDescriptor tap_;
  unsigned interface_index_ = 0;
  TapTwinCounters counters_;
};

}  // namespace sallyport::dataplane
