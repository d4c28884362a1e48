// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Start and end of EAL, and the packet pool.
#include "dataplane/eal.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <sched.h>

#include "base/log.h"
#include "dataplane/dpdk_log.h"
#include "dataplane/eal_arguments.h"
#include "dataplane/packet_pool.h"

namespace sallyport::dataplane {

namespace {

constexpr const char* kPoolName = "packets";

/// EAL pins its caller to lcore 0's set; threads started later would inherit that.
class AffinityGuard {
 public:
  AffinityGuard() { known_ = sched_getaffinity(0, sizeof set_, &set_) == 0; }
  ~AffinityGuard() {
    if (known_) (void)sched_setaffinity(0, sizeof set_, &set_);
  }
  AffinityGuard(const AffinityGuard&) = delete;
  AffinityGuard& operator=(const AffinityGuard&) = delete;

 private:
  cpu_set_t set_{};
  bool known_ = false;
};

std::string why_refused() {
  const std::string line = take_dpdk_error();
  const std::string code = rte_strerror(rte_errno);
  return line.empty() ? code : line + " (" + code + ")";
}

void start_eal(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  (void)take_dpdk_error();
  if (rte_eal_init(static_cast<int>(arguments.size()), argv.data()) >= 0) return;
  if (rte_errno == EALREADY) throw std::runtime_error("DPDK was already started in this process");
  throw std::runtime_error("DPDK did not start: " + why_refused());
}

BufferLayout layout_for(const RuntimeConfig& config) {
  const bool zero_copy = std::ranges::any_of(config.ports, &PortConfig::zero_copy);
  return zero_copy ? BufferLayout::page_each : BufferLayout::packed;
}

rte_mempool* make_pool_for(const RuntimeConfig& config) {
  const unsigned count = packet_buffer_count(config);
  const BufferLayout layout = layout_for(config);
  rte_mempool* pool = make_packet_pool(kPoolName, count, layout);
  if (pool != nullptr) return pool;
  const std::size_t needed_mb = (count * packet_buffer_bytes(layout)) >> 20;
  throw std::runtime_error(std::to_string(count) + " packet buffers (" + std::to_string(needed_mb) +
                           " MB) do not fit memory_mb = " + std::to_string(config.memory_mb) + ": " +
                           rte_strerror(rte_errno));
}

}  // namespace

Eal::Eal(const RuntimeConfig& config) {
  const auto arguments = eal_arguments(config, read_machine_facts());
  if (!arguments) throw std::runtime_error(arguments.error().text);
  const AffinityGuard guard;
  route_foreign_logs();
  start_eal(arguments->arguments);
  huge_pages_ = arguments->huge_pages;
  try {
    packet_pool_ = make_pool_for(config);
  } catch (...) {
    rte_eal_cleanup();
    throw;
  }
  log::info("eal.started", {{"huge_pages", huge_pages_},
                            {"memory_mb", config.memory_mb},
                            {"packet_buffers", packet_pool_->size},
                            {"workers", config.worker_cores.size()}});
}

Eal::~Eal() {
  rte_mempool_free(packet_pool_);
  rte_eal_cleanup();
}

}  // namespace sallyport::dataplane
