// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Preparation of a kernel interface for DPDK's AF_XDP driver.
#include "dataplane/xdp_port.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <stdexcept>

#include <linux/if_xdp.h>
#include <rte_mbuf.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"
#include "dataplane/kernel_interface.h"
#include "dataplane/steering.h"

namespace sallyport::dataplane {

namespace {

// The kernel keeps this much before each frame for XDP programs, beside the driver's own headroom.
constexpr unsigned kKernelHeadroom = 256;
constexpr unsigned kEthernetHeaderWithTag = 18;

/// Kernels before 5.11 charge XDP maps and packet memory against this limit; later ones do not care.
void raise_locked_memory_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0)
    log::debug("port.memlock_limit", {{"text", "cannot lift the limit on locked memory"}});
}

void check_queues(const PortConfig& config, std::size_t workers, const KernelInterface& interface) {
  const std::string pairs = std::to_string(interface.queue_pairs);
  if (config.queues > interface.queue_pairs)
    throw std::runtime_error("interface '" + config.device + "' has " + pairs +
                             " queue pair(s), fewer than queues = " + std::to_string(config.queues));
  if (config.queues < workers)
    throw std::runtime_error("an AF_XDP port needs a queue for each of the " + std::to_string(workers) +
                             " workers, but queues = " + std::to_string(config.queues));
  if (config.queues < interface.queue_pairs)
    log::warning("port.queues_unserved",
                 {{"port", config.name},
                  {"interface", config.device},
                  {"queues", config.queues},
                  {"interface_queues", interface.queue_pairs},
                  {"text", "media that arrives on the others goes to the kernel: ethtool -L " +
                               config.device + " combined " + std::to_string(config.queues)}});
}

void clear_stale_program(const PortConfig& config, unsigned interface_index) {
  const std::uint32_t program = attached_program(interface_index);
  if (program == 0) return;
  if (!is_steering_program(program))
    throw std::runtime_error("interface '" + config.device + "' already runs XDP program " +
                             std::to_string(program) + "; detach it with: ip link set dev " + config.device +
                             " xdp off");
  // The claim on the interface is ours: whoever attached this no longer lives.
  detach_program(interface_index);
  log::warning("port.stale_program",
               {{"port", config.name}, {"interface", config.device}, {"program", program}});
}

}  // namespace

std::string xdp_device_name(const std::string& interface_name) {
  return "net_af_xdp_" + interface_name;
}

std::string xdp_device_arguments(const PortConfig& config, const std::string& program_path) {
  std::string arguments = "iface=" + config.device +
                          ",start_queue=0,queue_count=" + std::to_string(config.queues) +
                          ",xdp_prog=" + program_path;
  // In copy mode the kernel fills the ring by itself, and an empty poll needs no system call at all. In
  // zero-copy mode the driver would otherwise wait inside poll(2) for up to a second.
  if (!config.zero_copy) arguments += ",force_copy=1,busy_budget=0";
  return arguments;
}

void prepare_interface(const PortConfig& config, std::size_t workers) {
  const auto interface = read_kernel_interface(config.device);
  if (!interface) throw std::runtime_error("there is no interface '" + config.device + "'");
  check_queues(config, workers, *interface);
  clear_stale_program(config, interface->index);
  raise_locked_memory_limit();
}

std::vector<int> open_xdp_sockets() {
  std::vector<int> sockets;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const std::string name = entry.path().filename();
    int descriptor = -1;
    if (std::from_chars(name.data(), name.data() + name.size(), descriptor).ec != std::errc{}) continue;
    int domain = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_XDP)
      sockets.push_back(descriptor);
  }
  std::ranges::sort(sockets);
  return sockets;
}

std::uint64_t receive_ring_overruns(int xdp_socket) {
  xdp_statistics counted{};
  socklen_t length = sizeof counted;
  if (getsockopt(xdp_socket, SOL_XDP, XDP_STATISTICS, &counted, &length) != 0) return 0;
  return counted.rx_ring_full;
}

std::uint16_t largest_xdp_mtu(std::uint16_t data_room) {
  return static_cast<std::uint16_t>(data_room - RTE_PKTMBUF_HEADROOM - kKernelHeadroom -
                                    kEthernetHeaderWithTag);
}

}  // namespace sallyport::dataplane
