// SPDX-License-Identifier: GPL-3.0-or-later
// Ring ports, and the wiring that dataplane/runtime.cc does for real ones.
#include "tests/support/relay_rig.h"

#include <cassert>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

namespace sallyport::test {

namespace {

constexpr auto kAnySocket = static_cast<unsigned>(SOCKET_ID_ANY);
constexpr unsigned kRingSize = 4096;
constexpr unsigned kPoolSize = 16383;
constexpr unsigned kPoolCache = 512;
constexpr unsigned kMemoryMb = 96;

rte_mempool* pool = nullptr;

/// Whether the machine has set aside enough huge pages: tests do without, measurements mean more with them.
bool huge_pages_free() {
  std::ifstream meminfo("/proc/meminfo");
  std::string word;
  while (meminfo >> word)
    if (word == "HugePages_Free:") {
      unsigned pages = 0;
      meminfo >> pages;
      return pages * 2 >= kMemoryMb;
    }
  return false;
}

rte_ring* make_ring(const std::string& name) {
  rte_ring* ring = rte_ring_create(name.c_str(), kRingSize, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (ring == nullptr) throw std::runtime_error("no ring " + name);
  return ring;
}

void drain(rte_ring* ring) {
  void* packet = nullptr;
  while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
  rte_ring_free(ring);
}

std::vector<dataplane::MediaAddress> default_addresses() {
  std::vector<dataplane::MediaAddress> made;
  for (const std::uint8_t port : {std::uint8_t{0}, std::uint8_t{1}})
    for (const char* text :
         {port == 0 ? "192.0.2.1" : "198.51.100.1", port == 0 ? "2001:db8:a::1" : "2001:db8:c::1"})
      made.push_back({.address = *IpAddress::parse(text),
                      .port = port,
                      .first_udp_port = 30000,
                      .last_udp_port = 30999});
  return made;
}

dataplane::NextHop hop(std::uint8_t port, std::uint8_t last, std::uint16_t vlan = 0) {
  return {.resolved = true, .port = port, .destination = {2, 0, 0, 0, 1, last}, .vlan = vlan, .mtu = 1500};
}

}  // namespace

void start_eal() {
  static std::once_flag once;
  std::call_once(once, [] {
    std::vector<std::string> words = {"rig",
                                      "-m",
                                      std::to_string(kMemoryMb),
                                      "--no-pci",
                                      "--no-telemetry",
                                      "--log-level=*:error",
                                      "--lcores=0@(0-1)"};
    for (const char* word : {"--no-huge", "--no-shconf"})
      if (!huge_pages_free()) words.emplace_back(word);
    if (huge_pages_free()) words.emplace_back("--in-memory");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) std::abort();
    pool = rte_pktmbuf_pool_create("rig", kPoolSize, kPoolCache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (pool == nullptr) std::abort();
  });
}

std::size_t packets_out() {
  return rte_mempool_in_use_count(pool);
}

RingPort::RingPort(const std::string& base_name, std::uint16_t queues) {
  start_eal();
  // The driver keeps a closed port's name for ever.
  static int number = 0;
  const std::string name = base_name + std::to_string(number++);
  for (std::uint16_t q = 0; q < queues; ++q) {
    incoming_.push_back(make_ring(name + "_i" + std::to_string(q)));
    outgoing_.push_back(make_ring(name + "_o" + std::to_string(q)));
  }
  const int id = rte_eth_from_rings(name.c_str(), incoming_.data(), queues, outgoing_.data(), queues, 0);
  if (id < 0) throw std::runtime_error("no ring port");
  dpdk_id_ = static_cast<std::uint16_t>(id);
  rte_eth_conf configuration{};
  if (rte_eth_dev_configure(dpdk_id_, queues, queues, &configuration) != 0)
    throw std::runtime_error("configure");
  for (std::uint16_t q = 0; q < queues; ++q) {
    if (rte_eth_rx_queue_setup(dpdk_id_, q, kRingSize / 4, kAnySocket, nullptr, pool) != 0 ||
        rte_eth_tx_queue_setup(dpdk_id_, q, kRingSize / 4, kAnySocket, nullptr) != 0)
      throw std::runtime_error("queue");
  }
  if (rte_eth_dev_start(dpdk_id_) != 0) throw std::runtime_error("start");
}

RingPort::~RingPort() {
  rte_eth_dev_stop(dpdk_id_);
  rte_eth_dev_close(dpdk_id_);
  for (rte_ring* ring : incoming_) drain(ring);
  for (rte_ring* ring : outgoing_) drain(ring);
}

bool RingPort::deliver(std::span<const std::uint8_t> frame, std::uint16_t queue) {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool);
  if (packet == nullptr) return false;
  char* room = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size()));
  assert(room != nullptr);
  std::copy(frame.begin(), frame.end(), reinterpret_cast<std::uint8_t*>(room));
  packet->port = dpdk_id_;
  return deliver_packet(packet, queue);
}

rte_mbuf* RingPort::blank() {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool);
  if (packet == nullptr) std::abort();
  packet->port = dpdk_id_;
  return packet;
}

bool RingPort::deliver_packet(rte_mbuf* packet, std::uint16_t queue) {
  if (rte_ring_enqueue(incoming_[queue], packet) == 0) return true;
  rte_pktmbuf_free(packet);
  return false;
}

std::size_t RingPort::take_sent(std::span<rte_mbuf*> packets) {
  std::size_t taken = 0;
  for (rte_ring* ring : outgoing_)
    taken += rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(packets.data() + taken),
                                    static_cast<unsigned>(packets.size() - taken), nullptr);
  return taken;
}

std::vector<Octets> RingPort::sent() {
  std::vector<Octets> frames;
  std::array<rte_mbuf*, 32> packets;
  while (const std::size_t taken = take_sent(packets))
    for (std::size_t i = 0; i < taken; ++i) {
      const auto* octets = rte_pktmbuf_mtod(packets[i], const std::uint8_t*);
      frames.emplace_back(octets, octets + packets[i]->data_len);
      rte_pktmbuf_free(packets[i]);
    }
  return frames;
}

RelayRig::RelayRig() : RelayRig(Options{}) {}

RelayRig::RelayRig(Options options)
    : access("access", static_cast<std::uint16_t>(options.workers)),
      core("core", static_cast<std::uint16_t>(options.workers)),
      addresses(options.addresses.empty() ? default_addresses() : options.addresses),
      engine(std::move(*crypto::make_srtp_engine(options.engine))) {
  owners_ = std::make_unique<dataplane::OwnerTable>(dataplane::PortIndex(addresses).size());
  strays_.resize(options.workers);
  for (std::size_t from = 0; from < options.workers; ++from)
    for (std::size_t to = 0; to < options.workers; ++to)
      strays_[from].push_back(from == to ? nullptr : std::make_unique<dataplane::PacketRing>(64));
  for (std::size_t w = 0; w < options.workers; ++w) {
    const auto queue = static_cast<std::uint16_t>(w);
    dataplane::WorkerWiring wiring{
        .index = static_cast<std::uint8_t>(w),
        .queues = {{access.dpdk_id(), queue, 0}, {core.dpdk_id(), queue, 1}},
        .ports = {{access.dpdk_id(), queue, false, options.twins, {2, 0, 0, 0, 0, 0xa}},
                  {core.dpdk_id(), queue, false, options.twins, {2, 0, 0, 0, 0, 0xc}}},
        .addresses = addresses,
        .owners = *owners_,
        .strays_out = strays_[w],
        .tsc_hz = rte_get_tsc_hz(),
        .burst_limit = options.burst_limit};
    for (std::size_t other = 0; other < options.workers; ++other)
      if (other != w) wiring.strays_in.push_back(strays_[other][w].get());
    workers.push_back(std::make_unique<dataplane::Worker>(
        std::move(wiring), std::move(*crypto::make_srtp_engine(options.engine))));
    for (const auto& [id, next] : {std::pair{kAccessHop, hop(0, 0xaa)}, std::pair{kCoreHop, hop(1, 0xcc)},
                                   std::pair{kVlanHop, hop(1, 0xcd, 77)}})
      execute({.kind = dataplane::CommandKind::set_next_hop,
               .worker = static_cast<std::uint8_t>(w),
               .next_hop_id = id,
               .next_hop = next});
  }
}

RelayRig::~RelayRig() = default;

dataplane::CommandResult RelayRig::execute(dataplane::Command command) {
  dataplane::Worker& worker = *workers[command.worker];
  worker.rings().commands.push(&command);
  worker.poll_once(rte_rdtsc());
  dataplane::Command* receipt = nullptr;
  if (!worker.rings().receipts.pop(receipt) || receipt != &command) throw std::runtime_error("no receipt");
  return command.result;
}

dataplane::CommandResult RelayRig::link(dataplane::Flow& a, dataplane::Flow& b, std::size_t worker) {
  return execute(
      {.kind = dataplane::CommandKind::link, .worker = static_cast<std::uint8_t>(worker), .flows = {&a, &b}});
}

dataplane::CommandResult RelayRig::unlink(dataplane::Flow& a, dataplane::Flow& b, std::size_t worker) {
  return execute({.kind = dataplane::CommandKind::unlink,
                  .worker = static_cast<std::uint8_t>(worker),
                  .flows = {&a, &b}});
}

std::size_t RelayRig::poll(std::uint64_t tsc) {
  std::size_t received = 0;
  for (const auto& worker : workers) received += worker->poll_once(tsc == 0 ? rte_rdtsc() : tsc);
  return received;
}

void RelayRig::settle() {
  for (int turn = 0; turn < 10000; ++turn)
    if (poll() == 0) return;
}

std::uint64_t RelayRig::verdicts(dataplane::Verdict verdict) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers)
    sum += worker->counters().verdicts[static_cast<std::size_t>(verdict)].get();
  return sum;
}

std::uint64_t RelayRig::received() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers) sum += worker->counters().received.get();
  return sum;
}

std::uint64_t RelayRig::verdict_sum() const {
  std::uint64_t sum = 0;
  for (const dataplane::VerdictInfo& info : dataplane::kVerdicts) sum += verdicts(info.verdict);
  return sum;
}

}  // namespace sallyport::test
