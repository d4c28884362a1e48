// SPDX-License-Identifier: GPL-3.0-or-later
// A worker between two ring ports, polled by hand: frames go in at one end and are looked at when they come
// out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/srtp.h"
#include "dataplane/worker.h"
#include "tests/support/frames.h"

struct rte_mempool;
struct rte_ring;

namespace sallyport::test {

/// Starts EAL without huge pages, devices or privileges; once a process.
void start_eal();
/// Packets that no one has given back; zero when a test has leaked none.
[[nodiscard]] std::size_t packets_out();

/// One DPDK port made of two rings.
class RingPort {
 public:
  explicit RingPort(const std::string& base_name, std::uint16_t queues = 1);
  ~RingPort();
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  /// What the wire delivers to the port. False when the pool or the ring is exhausted.
  bool deliver(std::span<const std::uint8_t> frame, std::uint16_t queue = 0);
  bool deliver_packet(rte_mbuf* packet, std::uint16_t queue = 0);
  /// An empty packet from the pool; aborts when there is none.
  [[nodiscard]] rte_mbuf* blank();
  /// What the port has sent since the last call.
  [[nodiscard]] std::vector<Octets> sent();
  std::size_t take_sent(std::span<rte_mbuf*> packets);
  [[nodiscard]] std::uint16_t dpdk_id() const { return dpdk_id_; }

 private:
  std::vector<rte_ring*> incoming_;
  std::vector<rte_ring*> outgoing_;
  std::uint16_t dpdk_id_ = 0;
};

/// Port 0 is the access side, port 1 the core side.
class RelayRig {
  // Outlive the workers that use them.
  std::unique_ptr<dataplane::OwnerTable> owners_;
  std::vector<std::vector<std::unique_ptr<dataplane::PacketRing>>> strays_;

 public:
  struct Options {
    std::size_t workers = 1;
    bool twins = false;
    std::uint16_t burst_limit = dataplane::Burst::kCapacity;
    crypto::EngineKind engine = crypto::EngineKind::ipsec_mb;
    std::vector<dataplane::MediaAddress> addresses;  ///< empty: one IPv4 and one IPv6 address a side
  };
  RelayRig();
  explicit RelayRig(Options options);
  ~RelayRig();

  /// Links a pair and checks its receipt.
  dataplane::CommandResult link(dataplane::Flow& a, dataplane::Flow& b, std::size_t worker = 0);
  dataplane::CommandResult unlink(dataplane::Flow& a, dataplane::Flow& b, std::size_t worker = 0);
  dataplane::CommandResult execute(dataplane::Command command);
  /// One turn of each worker.
  std::size_t poll(std::uint64_t tsc = 0);
  /// Turns until nothing moves any more (bounded).
  void settle();
  [[nodiscard]] std::uint64_t verdicts(dataplane::Verdict verdict) const;
  [[nodiscard]] std::uint64_t received() const;
  [[nodiscard]] std::uint64_t verdict_sum() const;

  RingPort access;
  RingPort core;
  std::vector<dataplane::MediaAddress> addresses;
  std::vector<std::unique_ptr<dataplane::Worker>> workers;
  std::unique_ptr<crypto::SrtpEngine> engine;  ///< control's
};

/// Next hops that every rig knows: of the access side, of the core side, one never resolved.
inline constexpr dataplane::NextHopId kAccessHop = 1;
inline constexpr dataplane::NextHopId kCoreHop = 2;
inline constexpr dataplane::NextHopId kDeadHop = 3;
inline constexpr dataplane::NextHopId kVlanHop = 4;  ///< core side, VLAN 77

}  // namespace sallyport::test
