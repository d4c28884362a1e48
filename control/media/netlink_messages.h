// SPDX-License-Identifier: GPL-3.0-or-later
// Route netlink messages (rtnetlink(7)): the few that kernel_routes.cc asks and hears, parsed and written.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace sallyport::control::netlink {

/// One message with its header, as the kernel sent it.
using Message = std::span<const std::uint8_t>;

struct Header {
  std::uint16_t type = 0;
  std::uint32_t sequence = 0;
};

/// Takes the next whole message from the front of `datagram`; nothing when what is left is not one.
[[nodiscard]] std::optional<Message> take_message(std::span<const std::uint8_t>& datagram);
/// `message` came from take_message.
[[nodiscard]] Header header(Message message);
/// The error number in an NLMSG_ERROR or NLMSG_DONE message; 0: success. A cut-off message is EBADMSG.
[[nodiscard]] int error_number(Message message);

struct Neighbour {
  unsigned interface_index = 0;
  IpAddress address;
  bool usable = false;  ///< the kernel would send to `mac` now
  bool stale = false;   ///< usable, but not confirmed of late
  MacAddress mac{};
};
/// Nothing: truncated, no address in it, or of another family than IP.
[[nodiscard]] std::optional<Neighbour> parse_neighbour(Message message);

struct Link {
  unsigned index = 0;
  unsigned parent_index = 0;  ///< of a VLAN interface: what it sits on; otherwise `index`
  std::uint16_t vlan = 0;     ///< 802.1Q identifier; 0: none
  std::uint16_t mtu = 0;
  bool up = false;  ///< administratively up, with a carrier
  std::string name;
};
[[nodiscard]] std::optional<Link> parse_link(Message message);

struct Route {
  std::uint8_t type = 0;  ///< RTN_UNICAST, …
  unsigned interface_index = 0;
  std::optional<IpAddress> gateway;  ///< may be IPv6 for an IPv4 destination (RFC 5549)
  std::optional<std::uint16_t> mtu;  ///< the route's own, or learned from path MTU discovery
};
[[nodiscard]] std::optional<Route> parse_route(Message message);

/// Whether a request of ours asks for all entries.
[[nodiscard]] bool is_dump(Message request);

/// Asks for all entries: RTM_GETLINK or RTM_GETNEIGH.
[[nodiscard]] std::vector<std::uint8_t> write_dump(std::uint16_t type, std::uint32_t sequence);
/// Asks for the route to `destination`; `source` may be unspecified.
[[nodiscard]] std::vector<std::uint8_t> write_route_request(const IpAddress& destination,
                                                            const IpAddress& source, std::uint32_t sequence);
/// Asks the kernel to find out, or to confirm, the link address of `neighbour`.
[[nodiscard]] std::vector<std::uint8_t> write_neighbour_use(unsigned interface_index,
                                                            const IpAddress& neighbour,
                                                            std::uint32_t sequence);

}  // namespace sallyport::control::netlink
