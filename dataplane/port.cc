// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Opening and closing of DPDK ports.
#include "dataplane/port.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mempool.h>

#include "base/log.h"
#include "dataplane/dpdk_log.h"
#include "dataplane/eal_arguments.h"
#include "dataplane/kernel_interface.h"
#include "dataplane/steering.h"
#include "dataplane/tap_twin.h"
#include "dataplane/xdp_port.h"

namespace sallyport::dataplane {

namespace {

constexpr auto kAnySocket = static_cast<unsigned>(SOCKET_ID_ANY);

/// What DPDK refused, in its own words where it had any.
std::runtime_error dpdk_refusal(const std::string& what, int code) {
  const std::string line = take_dpdk_error();
  const std::string reason = rte_strerror(code < 0 ? -code : code);
  return std::runtime_error(what + ": " + (line.empty() ? reason : line + " (" + reason + ")"));
}

void plug(Port& port, const std::string& name, const std::string& arguments) {
  (void)take_dpdk_error();
  const int code = rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str());
  if (code != 0) throw dpdk_refusal("DPDK cannot open device '" + name + "'", code);
  port.plugged_device = name;
  (void)take_dpdk_error();  // some drivers complain of what does not matter
}

/// Marks the device as ours, so that a second port of the configuration cannot take, and then close, it.
void own_device(std::uint16_t id, const std::string& name) {
  rte_eth_dev_owner owner{};
  if (rte_eth_dev_owner_get(id, &owner) == 0 && owner.id != RTE_ETH_DEV_NO_OWNER)
    throw std::runtime_error("device '" + name + "' serves another port already");
  owner = {};
  if (const int code = rte_eth_dev_owner_new(&owner.id); code != 0) throw dpdk_refusal("no owner", code);
  name.copy(owner.name, sizeof owner.name - 1);
  if (const int code = rte_eth_dev_owner_set(id, &owner); code != 0)
    throw dpdk_refusal("device '" + name + "' cannot be taken", code);
}

/// Finds the port of a device, plugging it in when it is virtual and not there yet. Tests and benches make
/// rings of their own beforehand.
void attach_device(Port& port, const PortConfig& config) {
  const std::size_t comma = config.device.find(',');
  const std::string name = config.device.substr(0, comma);
  const std::string arguments = comma == std::string::npos ? "" : config.device.substr(comma + 1);
  std::uint16_t id = kNoDevice;
  const bool present = rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0;
  if (!present && is_pci_device(config.device))
    throw std::runtime_error("PCI device '" + name +
                             "' is not there, or not bound to a driver that DPDK can use");
  if (!present) plug(port, name, arguments);
  if (const int code = rte_eth_dev_get_port_by_name(name.c_str(), &id); code != 0)
    throw dpdk_refusal("device '" + name + "' made no port", code);
  own_device(id, name);
  port.dpdk_id = id;
}

rte_eth_dev_info device_info(std::uint16_t id) {
  rte_eth_dev_info info{};
  if (const int code = rte_eth_dev_info_get(id, &info); code != 0)
    throw dpdk_refusal("the device does not describe itself", code);
  return info;
}

struct QueueCounts {
  std::uint16_t receive = 0;
  std::uint16_t transmit = 0;
};

QueueCounts queue_counts(const PortConfig& config, const rte_eth_dev_info& device, std::size_t workers) {
  QueueCounts counts{config.queues, static_cast<std::uint16_t>(workers)};
  if (config.attach == Attach::shared) counts.transmit = counts.receive;  // AF_XDP queues come in pairs
  if (counts.receive == 0) throw std::runtime_error("queues = 0: a port needs at least one");
  if (counts.receive > device.max_rx_queues)
    throw std::runtime_error("the device has " + std::to_string(device.max_rx_queues) +
                             " receive queue(s), fewer than queues = " + std::to_string(counts.receive));
  if (counts.transmit > device.max_tx_queues)
    throw std::runtime_error("the device has " + std::to_string(device.max_tx_queues) +
                             " transmit queue(s), fewer than the " + std::to_string(counts.transmit) +
                             " workers");
  return counts;
}

void configure_device(Port& port, const QueueCounts& queues, const rte_eth_dev_info& device) {
  rte_eth_conf wanted{};
  constexpr std::uint64_t kUdpSpread = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
  if (queues.receive > 1 && (device.flow_type_rss_offloads & kUdpSpread) != 0) {
    wanted.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    wanted.rx_adv_conf.rss_conf.rss_hf = device.flow_type_rss_offloads & kUdpSpread;
  }
  wanted.txmode.offloads = device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
  const int code = rte_eth_dev_configure(port.dpdk_id, queues.receive, queues.transmit, &wanted);
  if (code != 0) throw dpdk_refusal("the device refuses its configuration", code);
  port.info.checksum_offload = wanted.txmode.offloads != 0;
}

/// Sets up one receive queue and remembers the socket that appeared with it, if any: the driver does not
/// tell.
void add_receive_queue(Port& port, std::uint16_t queue, std::uint16_t length, rte_mempool& pool) {
  const bool shared = port.info.attach == Attach::shared;
  const std::vector<int> before = shared ? open_xdp_sockets() : std::vector<int>{};
  const int code = rte_eth_rx_queue_setup(port.dpdk_id, queue, length, kAnySocket, nullptr, &pool);
  if (code != 0) throw dpdk_refusal("receive queue " + std::to_string(queue) + " cannot be set up", code);
  if (!shared) return;
  std::vector<int> appeared;
  std::ranges::set_difference(open_xdp_sockets(), before, std::back_inserter(appeared));
  if (appeared.size() == 1) port.receive_descriptors.push_back(appeared.front());
}

void set_up_queues(Port& port, const QueueCounts& queues, rte_mempool& pool) {
  const std::uint16_t wanted = port.info.attach == Attach::shared ? kXdpRingSize : kDeviceRingSize;
  std::uint16_t receive_length = wanted;
  std::uint16_t transmit_length = wanted;
  if (const int code = rte_eth_dev_adjust_nb_rx_tx_desc(port.dpdk_id, &receive_length, &transmit_length);
      code != 0)
    throw dpdk_refusal("the device refuses its ring sizes", code);
  for (std::uint16_t queue = 0; queue < queues.receive; ++queue)
    add_receive_queue(port, queue, receive_length, pool);
  if (port.receive_descriptors.size() != queues.receive) port.receive_descriptors.clear();
  for (std::uint16_t queue = 0; queue < queues.transmit; ++queue) {
    const int code = rte_eth_tx_queue_setup(port.dpdk_id, queue, transmit_length, kAnySocket, nullptr);
    if (code != 0) throw dpdk_refusal("transmit queue " + std::to_string(queue) + " cannot be set up", code);
  }
}

bool is_zero(const MacAddress& mac) {
  return std::ranges::all_of(mac, [](std::uint8_t octet) { return octet == 0; });
}

MacAddress device_mac(std::uint16_t id) {
  rte_ether_addr address{};
  MacAddress mac{};
  if (rte_eth_macaddr_get(id, &address) == 0) std::copy_n(address.addr_bytes, mac.size(), mac.begin());
  if (!is_zero(mac)) return mac;
  rte_eth_random_addr(mac.data());  // rings and the like have none; ARP and IPv6 need one
  return mac;
}

/// A device that cannot change its address hears ours by listening to everything.
void set_mac(Port& port, const PortConfig& config) {
  port.info.mac = device_mac(port.dpdk_id);
  if (!config.mac || *config.mac == port.info.mac) return;
  port.info.mac = *config.mac;
  rte_ether_addr address{};
  std::ranges::copy(*config.mac, address.addr_bytes);
  if (rte_eth_dev_default_mac_addr_set(port.dpdk_id, &address) == 0) return;
  (void)rte_eth_promiscuous_enable(port.dpdk_id);
}

void start_device(Port& port) {
  if (const int code = rte_eth_dev_start(port.dpdk_id); code != 0)
    throw dpdk_refusal("the device does not start", code);
}

/// Opens the device of either kind with its queues; what it has is in port.info afterwards.
void open_device(Port& port, const PortConfig& config, rte_mempool& pool, std::size_t workers) {
  const rte_eth_dev_info device = device_info(port.dpdk_id);
  port.info.driver = device.driver_name != nullptr ? device.driver_name : "";
  const QueueCounts queues = queue_counts(config, device, workers);
  configure_device(port, queues, device);
  set_up_queues(port, queues, pool);
}

void open_shared(Port& port, const PortConfig& config, rte_mempool& pool, std::size_t workers) {
  if (pool.nb_mem_chunks != 1)
    throw std::runtime_error("AF_XDP needs the packet pool in one piece of memory, but it is in " +
                             std::to_string(pool.nb_mem_chunks) + "; free more memory or lower memory_mb");
  port.claim = claim_interface(config.device);
  prepare_interface(config, workers);
  const SteeringProgramFile program;  // read while the queues are set up
  plug(port, xdp_device_name(config.device), xdp_device_arguments(config, program.path()));
  if (const int code = rte_eth_dev_get_port_by_name(port.plugged_device.c_str(), &port.dpdk_id); code != 0)
    throw dpdk_refusal("the device made no port", code);
  open_device(port, config, pool, workers);
  const auto interface = read_kernel_interface(config.device);
  if (!interface) throw std::runtime_error("interface '" + config.device + "' vanished");
  port.info.interface_index = interface->index;
  port.info.mac = interface->mac;
  port.info.mtu = std::min(interface->mtu, largest_xdp_mtu(rte_pktmbuf_data_room_size(&pool)));
  port.steering = std::make_unique<Steering>(Steering::open(interface->index));
  start_device(port);
  // Starting replays DPDK's idea of promiscuity onto the interface, whose owner may have had another.
  if (interface->promiscuous) (void)rte_eth_promiscuous_enable(port.dpdk_id);
}

void open_vdev(Port& port, const PortConfig& config, rte_mempool& pool, std::size_t workers) {
  attach_device(port, config);
  open_device(port, config, pool, workers);
  set_mac(port, config);
  (void)rte_eth_dev_get_mtu(port.dpdk_id, &port.info.mtu);
  start_device(port);
  if (config.twin.empty()) return;
  (void)rte_eth_allmulticast_enable(port.dpdk_id);  // neighbour discovery is multicast
  port.twin = std::make_unique<TapTwin>(config.twin, port.info.mac, port.info.mtu);
  port.info.interface_index = port.twin->interface_index();
}

}  // namespace

Port::Port() = default;

Port::Port(Port&& other) noexcept
    : dpdk_id(std::exchange(other.dpdk_id, kNoDevice)),
      info(std::move(other.info)),
      steering(std::move(other.steering)),
      twin(std::move(other.twin)),
      receive_descriptors(std::move(other.receive_descriptors)),
      plugged_device(std::exchange(other.plugged_device, {})),
      claim(std::move(other.claim)) {}

Port& Port::operator=(Port&& other) noexcept {
  Port taken(std::move(other));
  std::swap(dpdk_id, taken.dpdk_id);
  std::swap(info, taken.info);
  std::swap(steering, taken.steering);
  std::swap(twin, taken.twin);
  std::swap(receive_descriptors, taken.receive_descriptors);
  std::swap(plugged_device, taken.plugged_device);
  std::swap(claim, taken.claim);
  return *this;
}

Port::~Port() {
  if (dpdk_id != kNoDevice) {
    (void)rte_eth_dev_stop(dpdk_id);
    (void)rte_eth_dev_close(dpdk_id);  // AF_XDP: detaches the program
  }
  if (!plugged_device.empty()) (void)rte_eal_hotplug_remove("vdev", plugged_device.c_str());
}

Port open_port(const PortConfig& config, rte_mempool& pool, std::size_t workers) try {
  Port port;
  port.info.name = config.name;
  port.info.device = config.device;
  port.info.attach = config.attach;
  port.info.queues = config.queues;
  if (config.attach == Attach::shared)
    open_shared(port, config, pool, workers);
  else
    open_vdev(port, config, pool, workers);
  log::info("port.opened", {{"port", config.name},
                            {"device", config.device},
                            {"driver", port.info.driver},
                            {"mac", to_string(port.info.mac)},
                            {"mtu", port.info.mtu},
                            {"queues", port.info.queues}});
  return port;
} catch (const std::exception& error) {
  throw std::runtime_error("port '" + config.name + "': " + error.what());
}

PortStatistics statistics(const Port& port) {
  PortStatistics result;
  rte_eth_stats counted{};
  if (rte_eth_stats_get(port.dpdk_id, &counted) == 0) {
    result.received = counted.ipackets;
    result.received_bytes = counted.ibytes;
    result.sent = counted.opackets;
    result.sent_bytes = counted.obytes;
    result.missed = counted.imissed;
    result.no_buffer = counted.rx_nombuf;
    result.receive_errors = counted.ierrors;
    result.send_errors = counted.oerrors;
  }
  for (const int socket : port.receive_descriptors) result.missed += receive_ring_overruns(socket);
  if (port.info.attach == Attach::shared) {  // the AF_XDP driver calls every link up
    const auto interface = read_kernel_interface(port.info.device);
    result.link_up = interface && interface->running;
    return result;
  }
  rte_eth_link link{};
  result.link_up = rte_eth_link_get_nowait(port.dpdk_id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
  return result;
}

}  // namespace sallyport::dataplane
