// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing an address and its ports for a leg.
#include "control/media/media_ports.h"

#include <algorithm>

namespace sallyport::control {

PortLease::~PortLease() {
  if (pool_ == nullptr) return;
  if (single_)
    pool_->release_single(port_);
  else
    pool_->release_pair(port_);
}

MediaPorts::MediaPorts(const Config& config, Limits& limits, std::uint64_t seed)
    : config_(config), limits_(limits) {
  for (const auto& media : config.runtime.addresses)
    pools_.emplace_back(media.first_udp_port, media.last_udp_port, seed + pools_.size());
}

std::optional<std::uint8_t> MediaPorts::find_side(std::string_view name) const {
  for (std::size_t i = 0; i < config_.sides.size(); ++i)
    if (config_.sides[i].name == name) return static_cast<std::uint8_t>(i);
  return std::nullopt;
}

bool MediaPorts::wants_v4(const SideConfig& side, const LegSpec& leg) const {
  if (leg.remote) return leg.remote->address.is_v4();
  if (leg.family != AddressFamily::automatic) return leg.family == AddressFamily::v4;
  return config_.runtime.addresses[side.addresses.front()].address.is_v4();
}

bool MediaPorts::belongs(const PortLease& lease, std::uint8_t side) const {
  return lease.held() && std::ranges::count(config_.sides[side].addresses, lease.address()) != 0;
}

bool MediaPorts::has_family(std::uint8_t side, bool v4) const {
  return std::ranges::any_of(config_.sides[side].addresses, [&](std::uint8_t address) {
    return config_.runtime.addresses[address].address.is_v4() == v4;
  });
}

Result<PortLease> MediaPorts::take(std::uint8_t side_index, const LegSpec& leg) {
  const SideConfig& side = config_.sides[side_index];
  const bool v4 = wants_v4(side, leg);
  std::optional<std::uint8_t> best;
  for (const std::uint8_t address : side.addresses) {
    if (config_.runtime.addresses[address].address.is_v4() != v4) continue;
    if (!best || pools_[address].ports_free() > pools_[*best].ports_free()) best = address;
  }
  if (!best)
    return fail(ErrorClass::refused,
                "side '" + side.name + "' has no " + (v4 ? "IPv4" : "IPv6") + " media address");
  PortPool& pool = pools_[*best];
  const auto port = leg.mux ? pool.take_single() : pool.take_pair();
  if (!port) return limits_.refuse(Limit::media_ports);
  return PortLease(pool, *best, *port, leg.mux);
}

}  // namespace sallyport::control
