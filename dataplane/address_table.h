// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Which of our media addresses a packet is for.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/ip_address.h"
#include "dataplane/runtime.h"

namespace sallyport::dataplane {

/// A small open-addressed hash of (address, VLAN); filled once, and never by a peer.
class AddressTable {
 public:
  static constexpr std::uint8_t kNone = 0xff;

  explicit AddressTable(std::span<const MediaAddress> addresses) {
    assert(addresses.size() <= kMaxMediaAddresses);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      std::size_t slot = hash(addresses[i].address, addresses[i].vlan);
      while (slots_[slot].index != kNone) slot = (slot + 1) % kSlots;
      slots_[slot] = {addresses[i].address, addresses[i].vlan, static_cast<std::uint8_t>(i)};
    }
  }

  /// Index of the media address, or kNone.
  [[nodiscard]] std::uint8_t find(const IpAddress& address, std::uint16_t vlan) const {
    for (std::size_t slot = hash(address, vlan); slots_[slot].index != kNone; slot = (slot + 1) % kSlots)
      if (slots_[slot].address == address && slots_[slot].vlan == vlan) return slots_[slot].index;
    return kNone;
  }

 private:
  static constexpr std::size_t kSlots = 4 * kMaxMediaAddresses;  // a quarter full at most: probes end soon
  struct Slot {
    IpAddress address;
    std::uint16_t vlan = 0;
    std::uint8_t index = kNone;
  };

  static std::size_t hash(const IpAddress& address, std::uint16_t vlan) {
    std::uint64_t words[2];
    std::memcpy(words, address.octets().data(), sizeof words);
    const std::uint64_t mixed = (words[0] ^ words[1] ^ vlan) * 0x9e3779b97f4a7c15u;
    return static_cast<std::size_t>(mixed >> 56) % kSlots;
  }

  std::array<Slot, kSlots> slots_{};
};

}  // namespace sallyport::dataplane
