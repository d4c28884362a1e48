// SPDX-License-Identifier: GPL-3.0-or-later
// MediaPorts: the port pools of all media addresses, by side and address family.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/result.h"
#include "control/config/config.h"
#include "control/media/port_pool.h"
#include "control/media/relay_spec.h"

namespace sallyport::control {

/// A leg's local ports; they return to their pool with the object.
class PortLease {
 public:
  PortLease() = default;
  PortLease(PortPool& pool, std::uint8_t address, std::uint16_t port, bool single)
      : pool_(&pool), address_(address), port_(port), single_(single) {}
  PortLease(PortLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        address_(other.address_),
        port_(other.port_),
        single_(other.single_) {}
  PortLease& operator=(PortLease&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(address_, other.address_);
    std::swap(port_, other.port_);
    std::swap(single_, other.single_);
    return *this;
  }
  ~PortLease();

  /// The same ports, named and not held: of a leg that shares them.
  [[nodiscard]] PortLease named() const {
    PortLease name;
    name.address_ = address_;
    name.port_ = port_;
    name.single_ = single_;
    return name;
  }
  /// False: default-constructed, moved from, or another's.
  [[nodiscard]] bool held() const { return pool_ != nullptr; }
  /// Index into RuntimeConfig::addresses.
  [[nodiscard]] std::uint8_t address() const { return address_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool single() const { return single_; }

 private:
  PortPool* pool_ = nullptr;
  std::uint8_t address_ = 0;
  std::uint16_t port_ = 0;
  bool single_ = false;
};

class MediaPorts {
 public:
  /// `config` outlives the object. `seed` decides the order of ports.
  MediaPorts(const Config& config, Limits& limits, std::uint64_t seed);

  /// Index into Config::sides, or nothing.
  [[nodiscard]] std::optional<std::uint8_t> find_side(std::string_view name) const;
  /// Takes ports for a leg on the side's address with the most free ports of its family. Errors: refused when
  /// the side has no address of that family; exhausted.
  [[nodiscard]] Result<PortLease> take(std::uint8_t side, const LegSpec& leg);

  /// Whether the ports are of an address of that side.
  [[nodiscard]] bool belongs(const PortLease& lease, std::uint8_t side) const;
  /// Where RTP arrives. RTCP does at the port above, or with it when the leg is muxed.
  [[nodiscard]] Endpoint endpoint(const PortLease& lease) const {
    return {config_.runtime.addresses[lease.address()].address, lease.port()};
  }
  /// The side's first address.
  [[nodiscard]] const IpAddress& first_address(std::uint8_t side) const {
    return config_.runtime.addresses[config_.sides[side].addresses.front()].address;
  }
  /// Whether the side has a media address of that family.
  [[nodiscard]] bool has_family(std::uint8_t side, bool v4) const;

  [[nodiscard]] const PortPool& pool(std::uint8_t address) const { return pools_[address]; }

 private:
  [[nodiscard]] bool wants_v4(const SideConfig& side, const LegSpec& leg) const;

  const Config& config_;
  Limits& limits_;
  std::vector<PortPool> pools_;  ///< by media address
};

}  // namespace sallyport::control
