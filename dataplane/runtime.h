// SPDX-License-Identifier: GPL-3.0-or-later
// Runtime: the media plane as control sees it: ports, workers, and the rings between. Free of DPDK.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "crypto/srtp.h"
#include "dataplane/command.h"
#include "dataplane/counters.h"
#include "dataplane/flow.h"
#include "dataplane/handshake.h"

namespace sallyport::dataplane {

enum class Attach : std::uint8_t {
  shared,  ///< AF_XDP on a kernel interface, which keeps everything that is not media
  vdev,    ///< any DPDK device by its own name; the worker gets every frame
};

enum class PollMode : std::uint8_t {
  adaptive,  ///< poll less and then sleep when nothing comes
  busy,      ///< spin
};

enum class HugePages : std::uint8_t { automatic, on, off };

struct PortConfig {
  std::string name;  ///< for people: "access"
  Attach attach = Attach::shared;
  std::string device;  ///< shared: kernel interface; vdev: DPDK device and arguments, or a PCI address
  std::uint16_t queues = 1;
  bool zero_copy = false;  ///< shared: ask the driver for zero copy instead of copy mode
  std::string twin;        ///< vdev: name of the TAP interface that takes what is not media; empty: none
  std::optional<MacAddress> mac;  ///< vdev: override
};

/// One media address with the ports it serves.
struct MediaAddress {
  IpAddress address;
  std::uint8_t port = 0;           ///< index into RuntimeConfig::ports
  std::uint8_t prefix_length = 0;  ///< vdev with a twin: of the network it is on; 0: a host address
  std::uint16_t vlan = 0;
  std::uint16_t first_udp_port = 30000;
  std::uint16_t last_udp_port = 39999;
};

struct RuntimeConfig {
  std::vector<PortConfig> ports;
  std::vector<MediaAddress> addresses;  ///< at most kMaxMediaAddresses
  std::vector<unsigned> worker_cores;   ///< one worker a core
  PollMode poll = PollMode::adaptive;
  crypto::EngineKind engine = crypto::EngineKind::ipsec_mb;
  HugePages huge_pages = HugePages::automatic;
  unsigned memory_mb = 256;                ///< packet buffers and rings
  std::vector<std::string> eal_arguments;  ///< further EAL arguments, as they are
  std::string file_prefix = "sallyport";
};

inline constexpr std::size_t kMaxMediaAddresses = 64;
inline constexpr std::size_t kMaxWorkers = 64;
inline constexpr std::size_t kMaxPorts = 32;
inline constexpr std::size_t kNextHopCapacity = 4096;
inline constexpr std::size_t kCommandPoolSize = 4096;
inline constexpr std::size_t kEventRingSize = 65536;
inline constexpr std::size_t kCaptureRingSize = 1024;

struct PortInfo {
  std::string name;
  std::string device;
  Attach attach = Attach::shared;
  std::string driver;            ///< DPDK's name: net_af_xdp, net_ring, …
  unsigned interface_index = 0;  ///< the kernel's: of the shared interface or the twin; 0: none
  MacAddress mac{};
  std::uint16_t mtu = 1500;
  std::uint16_t queues = 1;
  bool checksum_offload = false;
};

struct PortStatistics {
  bool link_up = false;
  std::uint64_t received = 0, received_bytes = 0, sent = 0, sent_bytes = 0;
  std::uint64_t missed = 0;     ///< the queue was full
  std::uint64_t no_buffer = 0;  ///< the mempool was exhausted
  std::uint64_t receive_errors = 0, send_errors = 0;
};

/// All members are called by the control thread, but where it says otherwise.
class Runtime {
 public:
  /// Starts EAL, opens ports, makes workers that do not run yet. Throws std::runtime_error with one line for
  /// a person.
  explicit Runtime(const RuntimeConfig& config);
  ~Runtime();  ///< stops workers, detaches programs, closes ports; linked flows must have been unlinked
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  void start_workers();
  /// Returns when every worker has left its loop.
  void stop_workers();

  [[nodiscard]] std::span<const PortInfo> ports() const;
  [[nodiscard]] PortStatistics port_statistics(std::size_t port) const;
  [[nodiscard]] std::size_t worker_count() const;
  [[nodiscard]] const WorkerCounters& worker_counters(std::size_t worker) const;
  [[nodiscard]] std::uint64_t tsc_hz() const;
  [[nodiscard]] std::uint64_t tsc_now() const;
  /// Control's own engine: for making streams.
  [[nodiscard]] crypto::SrtpEngine& engine();

  /// Sends an order; the worker in `order.worker` executes it in its next turn and the receipt carries it
  /// back. exhausted: kCommandPoolSize orders are under way; poll receipts and try again.
  [[nodiscard]] Result<void> submit(const Command& order);
  /// Hands each receipt that has arrived to `take`; returns how many.
  std::size_t poll_receipts(const std::function<void(const Command&)>& take);
  std::size_t poll_events(const std::function<void(const Event&)>& take);
  std::size_t poll_captures(const std::function<void(const CaptureRecord&)>& take);
  [[nodiscard]] std::size_t commands_under_way() const;

  // Called by the handshake thread, and by no other.
  /// Hands over what workers have passed on, at most kHandshakeRingSize a worker; returns how much it was.
  std::size_t poll_handshakes(const std::function<void(const HandshakePacket&)>& take);
  /// Sends a datagram from one of our media ports, by the worker that serves it. False: it is lost, for want
  /// of packets or of room, or because it is too long.
  bool send_handshake(const HandshakeRoute& route, std::span<const std::uint8_t> payload);

  // Called by the control thread again.
  /// Moves frames between ports and their TAP twins: what the kernel sends makes `twin_descriptors` readable,
  /// what workers punt is only found by looking.
  void poll_twins();
  [[nodiscard]] std::vector<int> twin_descriptors() const;
  /// Readable when there are receipts to poll, until they are read (eventfds, one a worker).
  [[nodiscard]] std::vector<int> receipt_descriptors() const;

  /// Drops packets of this source before they reach a worker (shared ports). unsupported: no such port.
  [[nodiscard]] Result<void> ban(const IpAddress& source);
  [[nodiscard]] Result<void> unban(const IpAddress& source);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::dataplane
