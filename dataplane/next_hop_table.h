// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. How neighbours are reached: a worker's own copy, with the link header ready to be written.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "dataplane/command.h"
#include "dataplane/frame.h"
#include "dataplane/runtime.h"

namespace sallyport::dataplane {

struct LinkHeader {
  bool resolved = false;
  std::uint8_t port = 0;
  std::uint8_t length = 0;  ///< 14, or 18 with a VLAN tag; the IP type stands in the last two octets
  std::uint16_t mtu = 0;
  std::array<std::uint8_t, kEthernetLength + kVlanTagLength> octets{};

  /// Writes the header in front of `ip`.
  void write_before(std::uint8_t* ip, bool is_v4) const {
    // Lengths that the compiler knows: a call for fourteen octets costs more than they do.
    if (length == kEthernetLength)
      std::memcpy(ip - kEthernetLength, octets.data(), kEthernetLength);
    else
      std::memcpy(ip - octets.size(), octets.data(), octets.size());
    store_be16(ip - 2, is_v4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
  }
};

/// `source` is the port's own MAC address.
[[nodiscard]] inline LinkHeader make_link_header(const NextHop& hop, const MacAddress& source) {
  LinkHeader header;
  header.resolved = hop.resolved;
  header.port = hop.port;
  header.mtu = hop.mtu;
  header.length = hop.vlan == 0 ? kEthernetLength : kEthernetLength + kVlanTagLength;
  std::memcpy(header.octets.data(), hop.destination.data(), hop.destination.size());
  std::memcpy(header.octets.data() + 6, source.data(), source.size());
  if (hop.vlan == 0) return header;
  store_be16(header.octets.data() + 12, kEtherTypeVlan);
  store_be16(header.octets.data() + 14, hop.vlan);
  return header;
}

class NextHopTable {
 public:
  NextHopTable() : hops_(kNextHopCapacity) {}

  [[nodiscard]] const LinkHeader& at(NextHopId id) const { return hops_[id]; }

  /// `source` is the port's own MAC address. Entry kNoNextHop stays unresolved.
  void set(NextHopId id, const NextHop& hop, const MacAddress& source) {
    if (id == kNoNextHop || id >= hops_.size()) return;
    hops_[id] = make_link_header(hop, source);
  }

 private:
  std::vector<LinkHeader> hops_;
};

}  // namespace sallyport::dataplane
