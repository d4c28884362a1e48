// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. EAL's argument list and the size of the packet pool.
#include "dataplane/eal_arguments.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include <sched.h>

namespace sallyport::dataplane {

namespace {

constexpr std::uint64_t kKibibyte = 1024;
constexpr std::uint64_t kMebibyte = 1024 * kKibibyte;

// An AF_XDP queue holds one ring of buffers to receive into, one on its way out and one sent but not yet
// reaped.
constexpr unsigned kBuffersPerXdpQueue = 3 * kXdpRingSize;
// A worker holds bursts, its hand-over rings and its mempool cache.
constexpr unsigned kBuffersPerWorker = 2048;
// Frames on their way between ports and twins, and devices that keep rings of their own.
constexpr unsigned kSpareBuffers = 4096;

/// The number after `key:` in a /proc/meminfo text; 0 when it is not there.
std::uint64_t meminfo_number(std::string_view meminfo, std::string_view key) {
  const std::size_t found = meminfo.find(key);
  if (found == std::string_view::npos) return 0;
  std::string_view rest = meminfo.substr(found + key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  return error == std::errc{} ? number : 0;
}

std::string cpu_list(const std::vector<unsigned>& cpus) {
  std::string list;
  for (const unsigned cpu : cpus) {
    if (!list.empty()) list += ',';
    list += std::to_string(cpu);
  }
  return list;
}

/// Lcore 0 is the control thread, free to move; worker w is lcore w + 1 on its own CPU.
std::string lcore_map(const RuntimeConfig& config, const MachineFacts& machine) {
  std::string map = "0@(" + cpu_list(machine.allowed_cpus) + ")";
  for (std::size_t worker = 0; worker < config.worker_cores.size(); ++worker)
    map += "," + std::to_string(worker + 1) + "@" + std::to_string(config.worker_cores[worker]);
  return map;
}

Result<void> check_workers(const RuntimeConfig& config, const MachineFacts& machine) {
  if (config.worker_cores.empty()) return fail(ErrorClass::refused, "at least one worker core is needed");
  if (config.worker_cores.size() > kMaxWorkers)
    return fail(ErrorClass::refused, "at most " + std::to_string(kMaxWorkers) +
                                         " workers are possible, not " +
                                         std::to_string(config.worker_cores.size()));
  for (const unsigned core : config.worker_cores)
    if (!std::ranges::binary_search(machine.allowed_cpus, core))
      return fail(ErrorClass::refused, "worker core " + std::to_string(core) +
                                           " is not among the CPUs this process may use (" +
                                           cpu_list(machine.allowed_cpus) + ")");
  return {};
}

bool is_hex(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

void append_devices(const RuntimeConfig& config, std::vector<std::string>& arguments) {
  bool any_pci = false;
  for (const PortConfig& port : config.ports) {
    if (port.attach != Attach::vdev || !is_pci_device(port.device)) continue;
    arguments.insert(arguments.end(), {"-a", port.device});
    any_pci = true;
  }
  if (!any_pci) arguments.emplace_back("--no-pci");
}

}  // namespace

MachineFacts read_machine_facts() {
  MachineFacts facts;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed)) facts.allowed_cpus.push_back(cpu);
  std::ifstream meminfo("/proc/meminfo");
  const std::string text(std::istreambuf_iterator<char>(meminfo), {});
  facts.free_huge_page_bytes = free_huge_page_bytes(text);
  return facts;
}

std::uint64_t free_huge_page_bytes(std::string_view meminfo) {
  return meminfo_number(meminfo, "HugePages_Free:") * meminfo_number(meminfo, "Hugepagesize:") * kKibibyte;
}

bool is_pci_device(std::string_view device) {
  std::string_view address = device.substr(0, device.find(','));
  const std::size_t dot = address.rfind('.');
  if (dot == std::string_view::npos || !is_hex(address.substr(dot + 1)) || address.size() - dot != 2)
    return false;
  address = address.substr(0, dot);
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || !is_hex(address.substr(colon + 1)) || address.size() - colon != 3)
    return false;
  std::string_view bus = address.substr(0, colon);
  const std::size_t domain_end = bus.find(':');
  if (domain_end != std::string_view::npos) {
    if (domain_end < 4 || domain_end > 8 || !is_hex(bus.substr(0, domain_end))) return false;
    bus.remove_prefix(domain_end + 1);
  }
  return bus.size() == 2 && is_hex(bus);
}

Result<EalArguments> eal_arguments(const RuntimeConfig& config, const MachineFacts& machine) {
  if (const auto workers = check_workers(config, machine); !workers) return tl::unexpected(workers.error());
  const bool enough = machine.free_huge_page_bytes >= config.memory_mb * kMebibyte;
  if (config.huge_pages == HugePages::on && !enough)
    return fail(ErrorClass::refused, "huge pages are demanded, but only " +
                                         std::to_string(machine.free_huge_page_bytes / kMebibyte) + " of " +
                                         std::to_string(config.memory_mb) +
                                         " MB are free; raise vm.nr_hugepages or lower memory_mb");
  EalArguments result;
  result.huge_pages = config.huge_pages != HugePages::off && enough;
  auto& arguments = result.arguments;
  arguments = {"sallyport",
               "--file-prefix",
               config.file_prefix,
               "--lcores",
               lcore_map(config, machine),
               "--iova-mode=va",
               "--no-telemetry",
               "--log-level=*:warning",
               "-m",
               std::to_string(config.memory_mb)};
  // Either way nothing is left in the file system. EAL 22.11 refuses --in-memory together with --no-huge.
  if (result.huge_pages)
    arguments.emplace_back("--in-memory");
  else
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  append_devices(config, arguments);
  arguments.insert(arguments.end(), config.eal_arguments.begin(), config.eal_arguments.end());
  return result;
}

unsigned packet_buffer_count(const RuntimeConfig& config) {
  const auto workers = static_cast<unsigned>(config.worker_cores.size());
  unsigned count = kSpareBuffers + workers * kBuffersPerWorker;
  for (const PortConfig& port : config.ports)
    count += port.attach == Attach::shared ? port.queues * kBuffersPerXdpQueue
                                           : (port.queues + workers) * kDeviceRingSize;
  return count;
}

}  // namespace sallyport::dataplane
