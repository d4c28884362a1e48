// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up and control side. Builds the media plane, runs its threads, and is control's end of every ring.
#include "dataplane/runtime.h"

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>

#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "dataplane/steering.h"
#include "dataplane/tap_twin.h"
#include "dataplane/worker.h"

namespace sallyport::dataplane {

namespace {

constexpr std::size_t kTwinFramesPerPoll =
    64;  // from each twin, so that control's other work is not kept waiting
constexpr std::size_t kMaxTwinFrame = 2048;

std::unique_ptr<crypto::SrtpEngine> engine_or_throw(crypto::EngineKind kind) {
  auto engine = crypto::make_srtp_engine(kind);
  if (!engine) throw std::runtime_error(engine.error().text);
  return std::move(*engine);
}

void check(const RuntimeConfig& config) {
  if (config.worker_cores.empty() || config.worker_cores.size() > kMaxWorkers)
    throw std::runtime_error("between 1 and " + std::to_string(kMaxWorkers) + " worker cores are needed");
  if (config.ports.empty() || config.ports.size() > kMaxPorts)
    throw std::runtime_error("between 1 and " + std::to_string(kMaxPorts) + " media ports are needed");
  if (config.addresses.size() > kMaxMediaAddresses)
    throw std::runtime_error("at most " + std::to_string(kMaxMediaAddresses) + " media addresses are served");
}

}  // namespace

struct Runtime::State {
  /// Orders under way, each in a place of its own until its receipt has been read.
  class CommandPool {
   public:
    CommandPool() : commands_(kCommandPoolSize) {
      free_.reserve(kCommandPoolSize);
      for (Command& command : commands_) free_.push_back(&command);
    }
    [[nodiscard]] Command* take(const Command& order) {
      if (free_.empty()) return nullptr;
      Command* command = free_.back();
      free_.pop_back();
      *command = order;
      return command;
    }
    void give_back(Command* command) { free_.push_back(command); }
    [[nodiscard]] std::size_t taken() const { return commands_.size() - free_.size(); }

   private:
    std::vector<Command> commands_;
    std::vector<Command*> free_;
  };

  explicit State(const RuntimeConfig& configuration)
      : config(configuration), eal(config), engine(engine_or_throw(config.engine)) {}

  void open_ports();
  void serve_addresses();
  void make_workers();
  [[nodiscard]] WorkerWiring wiring_of(std::size_t worker);
  void inject(std::uint8_t port_index, TapTwin& twin);
  void take_punts(Worker& worker);
  [[nodiscard]] std::size_t port_index_of(std::uint16_t dpdk_id) const;

  const RuntimeConfig config;
  Eal eal;
  std::vector<Port> ports;
  std::vector<PortInfo> infos;
  std::unique_ptr<crypto::SrtpEngine> engine;
  std::unique_ptr<OwnerTable> owners;
  /// strays[from][to]; null where from == to.
  std::vector<std::vector<std::unique_ptr<PacketRing>>> strays;
  std::vector<std::unique_ptr<Worker>> workers;
  CommandPool commands;
  std::atomic<bool> stop{false};
  bool running = false;
};

void Runtime::State::open_ports() {
  for (const PortConfig& port : config.ports) {
    ports.push_back(open_port(port, eal.packet_pool(), config.worker_cores.size()));
    infos.push_back(ports.back().info);
  }
}

void Runtime::State::serve_addresses() {
  for (const MediaAddress& address : config.addresses) {
    Port& port = ports.at(address.port);
    Result<void> served;
    if (port.steering != nullptr) served = port.steering->allow(address);
    if (port.twin != nullptr) {
      const unsigned whole = address.address.is_v4() ? 32 : 128;
      served =
          port.twin->add_address(address.address, address.prefix_length == 0 ? whole : address.prefix_length);
    }
    if (!served) throw std::runtime_error(address.address.to_string() + ": " + served.error().text);
  }
}

WorkerWiring Runtime::State::wiring_of(std::size_t worker) {
  WorkerWiring wiring{.index = static_cast<std::uint8_t>(worker),
                      .addresses = config.addresses,
                      .owners = *owners,
                      .strays_out = strays[worker]};
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const Port& port = ports[p];
    wiring.ports.push_back({port.dpdk_id, static_cast<std::uint16_t>(worker), port.info.checksum_offload,
                            port.twin != nullptr, port.info.mac});
    for (std::size_t queue = worker; queue < port.info.queues; queue += config.worker_cores.size()) {
      wiring.queues.push_back(
          {port.dpdk_id, static_cast<std::uint16_t>(queue), static_cast<std::uint8_t>(p)});
      if (queue < port.receive_descriptors.size())
        wiring.receive_descriptors.push_back(port.receive_descriptors[queue]);
    }
  }
  if (wiring.receive_descriptors.size() < wiring.queues.size()) wiring.receive_descriptors.clear();
  for (std::size_t other = 0; other < strays.size(); ++other)
    if (other != worker) wiring.strays_in.push_back(strays[other][worker].get());
  wiring.tsc_hz = rte_get_tsc_hz();
  wiring.poll = config.poll;
  return wiring;
}

void Runtime::State::make_workers() {
  const std::size_t count = config.worker_cores.size();
  owners = std::make_unique<OwnerTable>(PortIndex(config.addresses).size());
  strays.resize(count);
  for (std::size_t from = 0; from < count; ++from)
    for (std::size_t to = 0; to < count; ++to)
      strays[from].push_back(from == to ? nullptr : std::make_unique<PacketRing>(kStrayRingSize));
  for (std::size_t worker = 0; worker < count; ++worker)
    workers.push_back(std::make_unique<Worker>(wiring_of(worker), engine_or_throw(config.engine)));
}

Runtime::Runtime(const RuntimeConfig& config) {
  check(config);
  state_ = std::make_unique<State>(config);
  state_->open_ports();
  state_->make_workers();
  state_->serve_addresses();
}

Runtime::~Runtime() {
  stop_workers();
}

void Runtime::start_workers() {
  State& state = *state_;
  if (std::exchange(state.running, true)) return;
  state.stop = false;
  for (std::size_t i = 0; i < state.workers.size(); ++i) {
    struct Launch {
      Worker* worker;
      const std::atomic<bool>* stop;
    };
    const auto body = [](void* argument) {
      const std::unique_ptr<Launch> launch(static_cast<Launch*>(argument));
      launch->worker->run(*launch->stop);
      return 0;
    };
    auto* launch = new Launch{state.workers[i].get(), &state.stop};
    if (rte_eal_remote_launch(body, launch, static_cast<unsigned>(i + 1)) == 0) continue;
    delete launch;
    throw std::runtime_error("worker " + std::to_string(i) + " could not be started on its core");
  }
}

void Runtime::stop_workers() {
  State& state = *state_;
  if (!std::exchange(state.running, false)) return;
  state.stop = true;
  for (const auto& worker : state.workers) worker->wake();
  rte_eal_mp_wait_lcore();
}

std::span<const PortInfo> Runtime::ports() const {
  return state_->infos;
}
PortStatistics Runtime::port_statistics(std::size_t port) const {
  return statistics(state_->ports.at(port));
}
std::size_t Runtime::worker_count() const {
  return state_->workers.size();
}
const WorkerCounters& Runtime::worker_counters(std::size_t worker) const {
  return state_->workers.at(worker)->counters();
}
std::uint64_t Runtime::tsc_hz() const {
  return rte_get_tsc_hz();
}
std::uint64_t Runtime::tsc_now() const {
  return rte_rdtsc();
}
crypto::SrtpEngine& Runtime::engine() {
  return *state_->engine;
}

Result<void> Runtime::submit(const Command& order) {
  Command* command = state_->commands.take(order);
  if (command == nullptr) return fail(ErrorClass::exhausted, "too many orders to the workers are under way");
  Worker& worker = *state_->workers.at(order.worker);
  // As large as the pool, so there is room.
  worker.rings().commands.push(command);
  worker.wake();
  return {};
}

std::size_t Runtime::poll_receipts(const std::function<void(const Command&)>& take) {
  std::size_t taken = 0;
  for (const auto& worker : state_->workers) {
    Command* command = nullptr;
    while (worker->rings().receipts.pop(command)) {
      const Command receipt = *command;
      state_->commands.give_back(command);  // first: `take` may submit the next order
      take(receipt);
      ++taken;
    }
  }
  return taken;
}

std::size_t Runtime::poll_events(const std::function<void(const Event&)>& take) {
  std::size_t taken = 0;
  for (const auto& worker : state_->workers) taken += worker->rings().events.consume_all(take);
  return taken;
}

std::size_t Runtime::poll_captures(const std::function<void(const CaptureRecord&)>& take) {
  std::size_t taken = 0;
  for (const auto& worker : state_->workers) taken += worker->rings().captures.consume_all(take);
  return taken;
}

std::size_t Runtime::poll_handshakes(const std::function<void(const HandshakePacket&)>& take) {
  std::size_t taken = 0;
  for (const auto& worker : state_->workers)
    for (std::size_t i = 0; i < kHandshakeRingSize && worker->rings().handshakes.consume_one(take); ++i)
      ++taken;
  return taken;
}

bool Runtime::send_handshake(const HandshakeRoute& route, std::span<const std::uint8_t> payload) {
  if (route.worker >= state_->workers.size() || payload.size() > kMaxHandshakePayload) return false;
  Worker& worker = *state_->workers[route.worker];
  rte_mbuf* const packet = rte_pktmbuf_alloc(&state_->eal.packet_pool());
  if (packet == nullptr) return false;
  char* const room = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(payload.size()));
  if (room != nullptr) std::memcpy(room, payload.data(), payload.size());
  if (room == nullptr || !worker.rings().answers.push({packet, route})) {
    rte_pktmbuf_free(packet);
    return false;
  }
  worker.wake();
  return true;
}

std::size_t Runtime::commands_under_way() const {
  return state_->commands.taken();
}

std::size_t Runtime::State::port_index_of(std::uint16_t dpdk_id) const {
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (ports[i].dpdk_id == dpdk_id) return i;
  return ports.size();
}

void Runtime::State::take_punts(Worker& worker) {
  worker.rings().punts.consume_all([this](rte_mbuf* packet) {
    const std::size_t port = port_index_of(packet->port);
    if (port < ports.size() && ports[port].twin != nullptr)
      ports[port].twin->write_frame({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len});
    rte_pktmbuf_free(packet);
  });
}

/// The kernel's frames leave by worker 0, whose queue every port has.
void Runtime::State::inject(std::uint8_t port_index, TapTwin& twin) {
  PacketRing& ring = workers.front()->rings().injections;
  bool any = false;
  for (std::size_t i = 0; i < kTwinFramesPerPoll && ring.write_available() > 0; ++i) {
    rte_mbuf* packet = rte_pktmbuf_alloc(&eal.packet_pool());
    if (packet == nullptr) break;
    auto* room = rte_pktmbuf_mtod(packet, std::uint8_t*);
    const auto length =
        twin.read_frame({room, std::min<std::size_t>(kMaxTwinFrame, rte_pktmbuf_tailroom(packet))});
    if (!length) {
      rte_pktmbuf_free(packet);
      break;
    }
    packet->data_len = static_cast<std::uint16_t>(*length);
    packet->pkt_len = packet->data_len;
    packet->port = port_index;  // the worker's name for it, not DPDK's
    ring.push(packet);
    any = true;
  }
  if (any) workers.front()->wake();
}

void Runtime::poll_twins() {
  State& state = *state_;
  for (const auto& worker : state.workers) state.take_punts(*worker);
  for (std::size_t i = 0; i < state.ports.size(); ++i)
    if (state.ports[i].twin != nullptr) state.inject(static_cast<std::uint8_t>(i), *state.ports[i].twin);
}

std::vector<int> Runtime::receipt_descriptors() const {
  std::vector<int> descriptors;
  for (const auto& worker : state_->workers) descriptors.push_back(worker->receipt_descriptor());
  return descriptors;
}

std::vector<int> Runtime::twin_descriptors() const {
  std::vector<int> descriptors;
  for (const Port& port : state_->ports)
    if (port.twin != nullptr) descriptors.push_back(port.twin->descriptor());
  return descriptors;
}

Result<void> Runtime::ban(const IpAddress& source) {
  bool any = false;
  for (Port& port : state_->ports) {
    if (port.steering == nullptr) continue;
    any = true;
    if (auto banned = port.steering->ban(source); !banned) return banned;
  }
  if (!any)
    return fail(ErrorClass::unsupported,
                "no port is attached as shared: there is nothing to ban in front of");
  return {};
}

Result<void> Runtime::unban(const IpAddress& source) {
  Result<void> outcome = fail(ErrorClass::not_found, source.to_string() + " is not banned");
  for (Port& port : state_->ports) {
    if (port.steering == nullptr) continue;
    if (auto unbanned = port.steering->unban(source); unbanned) outcome = unbanned;
  }
  return outcome;
}

}  // namespace sallyport::dataplane
