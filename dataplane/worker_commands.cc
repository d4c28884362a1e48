// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What a worker does between packets: orders of control, and sleep. Runs on the worker's thread.
#include <cassert>
#include <system_error>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dataplane/worker.h"

namespace sallyport::dataplane {

namespace {

void ring(int bell) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell, &one, sizeof one);
}

/// Each arrival is told once: whoever wakes polls all queues until they are empty, and nobody reads the bell.
void watch(int wakers, int descriptor) {
  epoll_event arrivals{};
  arrivals.events = EPOLLIN | EPOLLET;
  if (epoll_ctl(wakers, EPOLL_CTL_ADD, descriptor, &arrivals) != 0)
    throw std::system_error(errno, std::generic_category(), "watching a worker's queue");
}

// Packets end a sleep where every queue can ring; then it comes with the first empty turn, for waking costs
// less time than spinning until they come. Where one cannot, the sleep bounds what it adds to their delay.
constexpr std::uint64_t kManyEmptyTurns = 2000;
constexpr long kLongSleepNanoseconds = 20'000'000;
constexpr long kShortSleepNanoseconds = 100'000;

CaptureMode capture_mode(const Command& command) {
  if (command.capture_received && command.capture_opened) return CaptureMode::both;
  if (command.capture_received) return CaptureMode::received;
  return command.capture_opened ? CaptureMode::opened : CaptureMode::none;
}

}  // namespace

Worker::Worker(WorkerWiring wiring, std::unique_ptr<crypto::SrtpEngine> engine)
    : wiring_(std::move(wiring)),
      engine_(std::move(engine)),
      rings_(std::make_unique<WorkerRings>()),
      counters_(std::make_unique<WorkerCounters>()),
      addresses_(wiring_.addresses),
      port_index_(wiring_.addresses),
      flows_(port_index_.size()),
      around_{*engine_, wiring_.addresses, *counters_, rings_->events, rings_->captures},
      budget_cycles_{BudgetCycles{kWorkerHandshakeBudgets[0], wiring_.tsc_hz},
                     BudgetCycles{kWorkerHandshakeBudgets[1], wiring_.tsc_hz},
                     BudgetCycles{kWorkerHandshakeBudgets[2], wiring_.tsc_hz}},
      leg_budget_cycles_(kLegHandshakeBudget, wiring_.tsc_hz),
      doorbell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      receipt_bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wakers_(epoll_create1(EPOLL_CLOEXEC)) {
  if (doorbell_ < 0 || receipt_bell_ < 0 || wakers_ < 0)
    throw std::system_error(errno, std::generic_category(), "a worker's doorbell");
  watch(wakers_, doorbell_);
  for (const int descriptor : wiring_.receive_descriptors) watch(wakers_, descriptor);
}

Worker::~Worker() {
  rings_->punts.consume_all([](rte_mbuf* packet) { rte_pktmbuf_free(packet); });
  rings_->answers.consume_all([](const HandshakeAnswer& answer) { rte_pktmbuf_free(answer.packet); });
  rings_->injections.consume_all([](rte_mbuf* packet) { rte_pktmbuf_free(packet); });
  for (PacketRing* ring : wiring_.strays_in)
    ring->consume_all([](rte_mbuf* packet) { rte_pktmbuf_free(packet); });
  close(wakers_);
  close(doorbell_);
  close(receipt_bell_);
}

void Worker::run(const std::atomic<bool>& stop) {
  prctl(PR_SET_TIMERSLACK, 1);  // the default of 50 µs would add half again to a sleep
  const std::uint64_t most_empty_polls = packets_ring() ? 0 : kManyEmptyTurns;
  std::uint64_t empty_polls = 0;
  std::uint64_t began = rte_rdtsc();
  while (!stop.load(std::memory_order_relaxed)) {
    const std::size_t received = poll_once(began);
    const std::uint64_t ended = rte_rdtsc();
    if (received > 0) {
      counters_->busy_cycles.add(ended - began);
      empty_polls = 0;
    } else if (wiring_.poll == PollMode::adaptive && ++empty_polls > most_empty_polls) {
      sleep();
    } else {
      rte_pause();
    }
    began = rte_rdtsc();
  }
  take_commands();  // a receipt for every order, also for those that came with the stop
}

/// Whether every packet ends a sleep. Other workers' strays ring no bell.
bool Worker::packets_ring() const {
  return !wiring_.receive_descriptors.empty() && wiring_.strays_in.empty();
}

/// Sleeps until a packet comes or control rings.
void Worker::sleep() {
  counters_->sleeps.add();
  asleep_.store(true, std::memory_order_seq_cst);
  if (rings_->commands.read_available() == 0 && rings_->injections.read_available() == 0 &&
      rings_->answers.read_available() == 0) {
    const timespec limit{0, packets_ring() ? kLongSleepNanoseconds : kShortSleepNanoseconds};
    epoll_event woken{};
    epoll_pwait2(wakers_, &woken, 1, &limit, nullptr);
  }
  asleep_.store(false, std::memory_order_relaxed);
}

void Worker::wake() {
  std::atomic_thread_fence(
      std::memory_order_seq_cst);  // the order is in the ring before we look whether it sleeps
  if (!asleep_.load(std::memory_order_relaxed)) return;
  ring(doorbell_);
}

void Worker::take_commands() {
  Command* command = nullptr;
  bool any = false;
  while (rings_->commands.pop(command)) {
    execute(*command);
    [[maybe_unused]] const bool room = rings_->receipts.push(command);
    assert(room);
    any = true;
  }
  // The only system call between packets: once for all orders of a turn, so that no call waits for a timer.
  if (any) ring(receipt_bell_);
}

void Worker::execute(Command& command) {
  Flow* const a = command.flows[0];
  Flow* const b = command.flows[1];
  command.result = CommandResult::done;
  switch (command.kind) {
    case CommandKind::link:
      command.result = link(*a, *b);
      return;
    case CommandKind::unlink:
      command.result = unlink(*a, *b);
      return;
    case CommandKind::replace:
      command.result = replace(command);
      return;
    case CommandKind::set_next_hop:
      next_hops_.set(command.next_hop_id, command.next_hop, wiring_.ports[command.next_hop.port].mac);
      return;
    case CommandKind::retarget:
      command.result = retarget(*a, command.component, command.next_hop_id);
      return;
    case CommandKind::capture:
      if (!is_linked(*a)) command.result = CommandResult::not_linked;
      a->capture = capture_mode(command);
      return;
  }
}

}  // namespace sallyport::dataplane
