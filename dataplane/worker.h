// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Worker: one core, one thread, one poll loop; shares nothing but rings.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ring.h"
#include "crypto/srtp.h"
#include "dataplane/address_table.h"
#include "dataplane/burst.h"
#include "dataplane/command.h"
#include "dataplane/counters.h"
#include "dataplane/dispatch.h"
#include "dataplane/flow_table.h"
#include "dataplane/handshake.h"
#include "dataplane/next_hop_table.h"
#include "dataplane/packet_budget.h"
#include "dataplane/relay.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kPuntRingSize = 1024;
inline constexpr std::size_t kStrayRingSize = 4096;
inline constexpr std::size_t kInjectionRingSize = 1024;

/// A datagram of the handshake thread: a packet that holds its payload.
struct HandshakeAnswer {
  rte_mbuf* packet = nullptr;
  HandshakeRoute route;
};

/// The rings between one worker and control, and between it and the handshake thread.
struct WorkerRings {
  Ring<Command*> commands{kCommandPoolSize};
  Ring<Command*> receipts{kCommandPoolSize};  ///< as large as the pool of commands: it cannot fill
  Ring<Event> events{kEventRingSize};
  Ring<CaptureRecord> captures{kCaptureRingSize};
  Ring<HandshakePacket> handshakes{kHandshakeRingSize};  ///< to the handshake thread
  Ring<HandshakeAnswer> answers{kAnswerRingSize};        ///< from there
  PacketRing punts{kPuntRingSize};                       ///< frames for the kernel's twin of a port
  PacketRing injections{kInjectionRingSize};             ///< frames from there, to be sent as they are
};

struct ReceiveQueue {
  std::uint16_t dpdk_id = 0;
  std::uint16_t queue = 0;
  std::uint8_t port = 0;
};

/// What set-up hands to a worker. Spans and references outlive it.
struct WorkerWiring {
  std::uint8_t index = 0;
  std::vector<ReceiveQueue> queues;
  std::vector<SendPort> ports;
  std::span<const MediaAddress> addresses;
  OwnerTable& owners;
  std::span<const std::unique_ptr<PacketRing>> strays_out;  ///< by worker; null at our own place
  std::vector<PacketRing*> strays_in;
  std::uint64_t tsc_hz = 0;
  PollMode poll = PollMode::adaptive;
  /// Readable when packets wait on our queues. Empty when some queue has none: then sleeps are short.
  std::vector<int> receive_descriptors;
  std::uint16_t burst_limit = Burst::kCapacity;  ///< packets taken from a queue at once
};

class Worker {
 public:
  Worker(WorkerWiring wiring, std::unique_ptr<crypto::SrtpEngine> engine);
  ~Worker();  ///< the thread has stopped; every flow has been unlinked
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Bursts that a queue may fill in one turn, before commands and other queues have theirs again.
  static constexpr std::size_t kBurstsATurn = 8;

  /// One turn: commands, strays, a few bursts of each queue. `tsc` is the time of all of it. Returns packets
  /// received.
  std::size_t poll_once(std::uint64_t tsc);

  /// Polls until `stop`. The worker's own thread calls it.
  void run(const std::atomic<bool>& stop);

  // Called by the control thread.
  [[nodiscard]] WorkerRings& rings() { return *rings_; }
  [[nodiscard]] const WorkerCounters& counters() const { return *counters_; }
  /// Ends the worker's sleep, if it sleeps.
  void wake();
  /// Readable when receipts came since it was last read (an eventfd).
  [[nodiscard]] int receipt_descriptor() const { return receipt_bell_; }

 private:
  void take_commands();
  void execute(Command& command);
  CommandResult link(Flow& a, Flow& b);
  CommandResult unlink(Flow& a, Flow& b);
  CommandResult replace(Command& command);
  CommandResult retarget(Flow& flow, Component component, NextHopId next_hop);
  using Pair = std::array<Flow*, 2>;
  [[nodiscard]] bool is_linked(const Flow& flow) const;
  [[nodiscard]] bool ports_are_free(const Flow& flow, const Pair& leaving) const;
  [[nodiscard]] Bundle* bundle_of_port(const Flow& flow) const;
  [[nodiscard]] CommandResult judge(const Flow& flow) const;
  void begin_pair(const Pair& flows);
  void end_pair(const Pair& flows);
  void hand_over(Flow& before, Flow& flow);
  void set_ports(const Flow& flow, Flow* entry, std::uint8_t owner);
  std::size_t receive(const ReceiveQueue& queue);
  std::size_t receive_strays(PacketRing& ring);
  void send_injections();
  template <typename Take>
  std::size_t serve(std::uint8_t port, std::size_t limit, Take take);
  void begin(Burst& burst, std::uint8_t port);
  void finish(Burst& burst, Burst& next, std::uint8_t port);
  void parse(Burst& burst, std::uint8_t port);
  [[nodiscard]] Verdict parse_packet(rte_mbuf& packet, std::uint8_t port, PacketView& view) const;
  void classify(Burst& burst);
  void find_flows(Burst& burst);
  void pass_on_handshakes(Burst& burst);
  [[nodiscard]] Verdict verdict_of_handshake(Burst& burst, std::size_t i);
  [[nodiscard]] bool affords(Sender sender);
  static Verdict verdict_of_carried(PacketView& view, const Flow& flow);
  void send_answers();
  [[nodiscard]] bool send_answer(const HandshakeAnswer& answer);
  [[nodiscard]] Verdict verdict_of_stray(Burst& burst, std::size_t i, std::uint32_t port_index);
  [[nodiscard]] bool packets_ring() const;
  void sleep();

  static constexpr std::uint8_t kAnyPort = 0xff;  ///< handed over by a worker that has looked at the port

  const WorkerWiring wiring_;
  const std::unique_ptr<crypto::SrtpEngine> engine_;
  const std::unique_ptr<WorkerRings> rings_;
  const std::unique_ptr<WorkerCounters> counters_;
  const AddressTable addresses_;
  const PortIndex port_index_;
  FlowTable flows_;
  NextHopTable next_hops_;
  RelaySurroundings around_;
  // For what is passed on to the handshake thread, by Sender.
  const std::array<BudgetCycles, kSenders> budget_cycles_;
  const BudgetCycles leg_budget_cycles_;
  std::array<PacketBudget, kSenders> handshake_budgets_;
  std::array<Burst, 2> bursts_;  ///< one that is finished, and the next, which begins meanwhile
  const int doorbell_;           ///< eventfd that control rings
  const int receipt_bell_;       ///< eventfd that we ring
  const int wakers_;             ///< epoll set: the doorbell and the queues that can ring
  std::atomic<bool> asleep_{false};
};

}  // namespace sallyport::dataplane
