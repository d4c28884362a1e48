// SPDX-License-Identifier: GPL-3.0-or-later
// SideRoutes: next hops as the configuration gives them, or as the kernel has them.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "control/config/config.h"
#include "control/media/kernel_routes.h"
#include "control/media/next_hops.h"

namespace sallyport::control {

class SideRoutes final : public NextHopResolver {
 public:
  struct Events {
    std::function<void(const Route&)> next_hop_changed;
    std::function<void()> routes_changed;
    std::function<void(const LinkState&)> link_changed;
  };

  /// Arguments outlive the object. The kernel is asked only if a side needs it. Throws std::runtime_error.
  SideRoutes(const Config& config, std::span<const dataplane::PortInfo> ports, Events events);

  [[nodiscard]] Result<Route> lookup(std::uint8_t address, const IpAddress& destination) override;
  void forget(const NextHopName& name) override;

  /// Null when no side needs the kernel's routes.
  [[nodiscard]] KernelRoutes* kernel() { return kernel_.get(); }

 private:
  [[nodiscard]] const SideConfig& side_of(std::uint8_t address) const;
  [[nodiscard]] Result<Route> route(const KernelNextHop& hop) const;

  const Config& config_;
  std::span<const dataplane::PortInfo> ports_;
  std::unique_ptr<KernelRoutes> kernel_;
};

}  // namespace sallyport::control
