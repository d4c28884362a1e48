// SPDX-License-Identifier: GPL-3.0-or-later
// From the kernel's interfaces to ports.
#include "control/media/side_routes.h"

#include <algorithm>

namespace sallyport::control {

SideRoutes::SideRoutes(const Config& config, std::span<const dataplane::PortInfo> ports, Events events)
    : config_(config), ports_(ports) {
  const bool kernel_needed =
      std::ranges::any_of(config.sides, [](const SideConfig& side) { return !side.next_hop; });
  if (!kernel_needed) return;
  KernelRouteEvents kernel_events;
  kernel_events.routes_changed = std::move(events.routes_changed);
  kernel_events.link_changed = std::move(events.link_changed);
  kernel_events.next_hop_changed = [this,
                                    changed = std::move(events.next_hop_changed)](const KernelNextHop& hop) {
    if (const auto known = route(hop)) changed(*known);
  };
  kernel_ = std::make_unique<KernelRoutes>(std::move(kernel_events));
}

const SideConfig& SideRoutes::side_of(std::uint8_t address) const {
  return *std::ranges::find_if(config_.sides, [address](const SideConfig& side) {
    return std::ranges::find(side.addresses, address) != side.addresses.end();
  });
}

Result<Route> SideRoutes::route(const KernelNextHop& hop) const {
  const unsigned carrier = hop.parent_index != 0 ? hop.parent_index : hop.key.interface_index;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i].interface_index != carrier) continue;
    const auto port = static_cast<std::uint8_t>(i);
    return Route{{port, hop.key.interface_index, hop.key.neighbour, hop.key.mtu},
                 {hop.resolved, port, hop.mac, hop.vlan, hop.key.mtu}};
  }
  return fail(ErrorClass::refused, "the route leaves by an interface that is no media port");
}

Result<Route> SideRoutes::lookup(std::uint8_t address, const IpAddress& destination) {
  const SideConfig& side = side_of(address);
  const dataplane::MediaAddress& media = config_.runtime.addresses[address];
  if (side.next_hop) {
    const std::uint16_t mtu = ports_[side.port].mtu;
    // The neighbour is the same for all; VLANs of one port are told apart where the neighbour's address would
    // be.
    const IpAddress vlan_name = IpAddress::v4(
        {0, 0, static_cast<std::uint8_t>(media.vlan >> 8), static_cast<std::uint8_t>(media.vlan & 0xff)});
    return Route{{side.port, 0, vlan_name, mtu}, {true, side.port, *side.next_hop, media.vlan, mtu}};
  }
  const auto hop = kernel_->lookup(destination, media.address);
  if (!hop) return tl::unexpected(hop.error());
  auto found = route(*hop);
  if (!found) kernel_->forget(hop->key);
  return found;
}

void SideRoutes::forget(const NextHopName& name) {
  if (kernel_ == nullptr || name.interface_index == 0) return;
  kernel_->forget({name.interface_index, name.neighbour, name.mtu});
}

}  // namespace sallyport::control
