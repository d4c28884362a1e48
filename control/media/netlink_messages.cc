// SPDX-License-Identifier: GPL-3.0-or-later
// Parsing and writing of route netlink messages. Lengths are checked here rather than trusted: a message that
// ends early is as if it had not come.
#include "control/media/netlink_messages.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace sallyport::control::netlink {

namespace {

constexpr std::uint16_t kUsableStates =
    NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
constexpr std::uint16_t kLargestMtu = 65535;
constexpr std::uint8_t kBitsV4 = 32;
constexpr std::uint8_t kBitsV6 = 128;

template <typename T>
std::optional<T> read(std::span<const std::uint8_t> octets) {
  if (octets.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

/// The attributes behind a message's fixed part, or inside a nested attribute.
class Attributes {
 public:
  explicit Attributes(std::span<const std::uint8_t> octets) : rest_(octets) {}

  /// The value of the first attribute of this type; empty when there is none.
  [[nodiscard]] std::span<const std::uint8_t> find(std::uint16_t wanted) const {
    std::span<const std::uint8_t> rest = rest_;
    while (const auto attribute = read<nlattr>(rest)) {
      if (attribute->nla_len < sizeof(nlattr) || attribute->nla_len > rest.size()) return {};
      if ((attribute->nla_type & NLA_TYPE_MASK) == wanted)
        return rest.subspan(sizeof(nlattr), attribute->nla_len - sizeof(nlattr));
      rest = rest.subspan(std::min<std::size_t>(NLA_ALIGN(attribute->nla_len), rest.size()));
    }
    return {};
  }
  template <typename T>
  [[nodiscard]] std::optional<T> number(std::uint16_t wanted) const {
    return read<T>(find(wanted));
  }

 private:
  std::span<const std::uint8_t> rest_;
};

template <typename Fixed>
struct Parts {
  Fixed fixed;
  Attributes attributes;
};

/// Splits a message into its fixed part and its attributes; nothing when it is shorter than the former.
template <typename Fixed>
std::optional<Parts<Fixed>> split(Message message) {
  if (message.size() < NLMSG_HDRLEN) return std::nullopt;
  const auto payload = message.subspan(NLMSG_HDRLEN);
  const auto fixed = read<Fixed>(payload);
  if (!fixed) return std::nullopt;
  return Parts<Fixed>{
      *fixed, Attributes(payload.subspan(std::min<std::size_t>(NLMSG_ALIGN(sizeof(Fixed)), payload.size())))};
}

std::optional<IpAddress> address_from(std::span<const std::uint8_t> octets) {
  if (octets.size() == 4) {
    std::array<std::uint8_t, 4> four{};
    std::ranges::copy(octets, four.begin());
    return IpAddress::v4(four);
  }
  if (octets.size() != 16) return std::nullopt;
  std::array<std::uint8_t, 16> sixteen{};
  std::ranges::copy(octets, sixteen.begin());
  return IpAddress::v6(sixteen);
}

std::uint16_t mtu_from(std::uint32_t mtu) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(mtu, kLargestMtu));
}

bool is_ip(std::uint8_t family) {
  return family == AF_INET || family == AF_INET6;
}

std::string text_from(std::span<const std::uint8_t> octets) {
  const auto end = std::ranges::find(octets, std::uint8_t{0});
  return {octets.begin(), end};
}

/// Puts a request together; libmnl aligns and counts.
class Writer {
 public:
  Writer(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence)
      : buffer_(kRoom), header_(mnl_nlmsg_put_header(buffer_.data())) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = flags;
    header_->nlmsg_seq = sequence;
  }
  template <typename Fixed>
  void put(const Fixed& fixed) {
    std::memcpy(mnl_nlmsg_put_extra_header(header_, sizeof fixed), &fixed, sizeof fixed);
  }
  void put_address(std::uint16_t type, const IpAddress& address) {
    if (address.is_v4())
      mnl_attr_put(header_, type, 4, address.v4_octets().data());
    else
      mnl_attr_put(header_, type, 16, address.octets().data());
  }
  [[nodiscard]] std::vector<std::uint8_t> finish() {
    buffer_.resize(header_->nlmsg_len);
    return std::move(buffer_);
  }

 private:
  static constexpr std::size_t kRoom = 256;
  std::vector<std::uint8_t> buffer_;
  nlmsghdr* header_;
};

}  // namespace

std::optional<Message> take_message(std::span<const std::uint8_t>& datagram) {
  const auto fixed = read<nlmsghdr>(datagram);
  if (!fixed || fixed->nlmsg_len < sizeof(nlmsghdr) || fixed->nlmsg_len > datagram.size())
    return std::nullopt;
  const Message message = datagram.first(fixed->nlmsg_len);
  datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(fixed->nlmsg_len), datagram.size()));
  return message;
}

Header header(Message message) {
  const auto fixed = read<nlmsghdr>(message).value_or(nlmsghdr{});
  return {fixed.nlmsg_type, fixed.nlmsg_seq};
}

int error_number(Message message) {
  if (message.size() < NLMSG_HDRLEN) return EBADMSG;
  const auto code = read<std::int32_t>(message.subspan(NLMSG_HDRLEN));
  if (code) return -*code;
  return header(message).type == NLMSG_DONE ? 0 : EBADMSG;
}

std::optional<Neighbour> parse_neighbour(Message message) {
  const auto parts = split<ndmsg>(message);
  if (!parts || !is_ip(parts->fixed.ndm_family)) return std::nullopt;
  const auto address = address_from(parts->attributes.find(NDA_DST));
  if (!address) return std::nullopt;
  Neighbour neighbour;
  neighbour.interface_index = static_cast<unsigned>(parts->fixed.ndm_ifindex);
  neighbour.address = *address;
  const auto mac = parts->attributes.find(NDA_LLADDR);
  if (mac.size() != neighbour.mac.size()) return neighbour;
  std::ranges::copy(mac, neighbour.mac.begin());
  neighbour.usable = (parts->fixed.ndm_state & kUsableStates) != 0;
  neighbour.stale = (parts->fixed.ndm_state & NUD_STALE) != 0;
  return neighbour;
}

std::optional<Link> parse_link(Message message) {
  const auto parts = split<ifinfomsg>(message);
  // Bridges tell of their ports in messages of their own family; those are not about the link.
  if (!parts || parts->fixed.ifi_family != AF_UNSPEC) return std::nullopt;
  Link link;
  link.index = static_cast<unsigned>(parts->fixed.ifi_index);
  link.parent_index = link.index;
  link.up = (parts->fixed.ifi_flags & IFF_UP) != 0 && (parts->fixed.ifi_flags & IFF_RUNNING) != 0;
  link.mtu = mtu_from(parts->attributes.number<std::uint32_t>(IFLA_MTU).value_or(0));
  link.name = text_from(parts->attributes.find(IFLA_IFNAME));
  const Attributes info(parts->attributes.find(IFLA_LINKINFO));
  if (text_from(info.find(IFLA_INFO_KIND)) != "vlan") return link;
  const Attributes data(info.find(IFLA_INFO_DATA));
  link.vlan = data.number<std::uint16_t>(IFLA_VLAN_ID).value_or(0);
  link.parent_index = parts->attributes.number<std::uint32_t>(IFLA_LINK).value_or(link.index);
  return link;
}

std::optional<Route> parse_route(Message message) {
  const auto parts = split<rtmsg>(message);
  if (!parts || !is_ip(parts->fixed.rtm_family)) return std::nullopt;
  Route route;
  route.type = parts->fixed.rtm_type;
  route.interface_index = parts->attributes.number<std::uint32_t>(RTA_OIF).value_or(0);
  route.gateway = address_from(parts->attributes.find(RTA_GATEWAY));
  // RTA_VIA holds the family in two octets before the address.
  const auto via = parts->attributes.find(RTA_VIA);
  if (!route.gateway && via.size() > sizeof(rtvia)) route.gateway = address_from(via.subspan(sizeof(rtvia)));
  const Attributes metrics(parts->attributes.find(RTA_METRICS));
  if (const auto mtu = metrics.number<std::uint32_t>(RTAX_MTU); mtu && *mtu != 0) route.mtu = mtu_from(*mtu);
  return route;
}

bool is_dump(Message request) {
  return (read<nlmsghdr>(request).value_or(nlmsghdr{}).nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

std::vector<std::uint8_t> write_dump(std::uint16_t type, std::uint32_t sequence) {
  Writer writer(type, NLM_F_REQUEST | NLM_F_DUMP, sequence);
  if (type == RTM_GETLINK)
    writer.put(ifinfomsg{});
  else
    writer.put(ndmsg{});
  return writer.finish();
}

std::vector<std::uint8_t> write_route_request(const IpAddress& destination, const IpAddress& source,
                                              std::uint32_t sequence) {
  const bool v4 = destination.is_v4();
  const bool with_source = !source.is_unspecified();
  const std::uint8_t bits = v4 ? kBitsV4 : kBitsV6;
  rtmsg fixed{};
  fixed.rtm_family = v4 ? AF_INET : AF_INET6;
  fixed.rtm_dst_len = bits;
  fixed.rtm_src_len = with_source ? bits : std::uint8_t{0};
  Writer writer(RTM_GETROUTE, NLM_F_REQUEST, sequence);
  writer.put(fixed);
  writer.put_address(RTA_DST, destination);
  if (with_source) writer.put_address(RTA_SRC, source);
  return writer.finish();
}

std::vector<std::uint8_t> write_neighbour_use(unsigned interface_index, const IpAddress& neighbour,
                                              std::uint32_t sequence) {
  ndmsg fixed{};
  fixed.ndm_family = neighbour.is_v4() ? AF_INET : AF_INET6;
  fixed.ndm_ifindex = static_cast<int>(interface_index);
  fixed.ndm_flags = NTF_USE;
  Writer writer(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, sequence);
  writer.put(fixed);
  writer.put_address(NDA_DST, neighbour);
  return writer.finish();
}

}  // namespace sallyport::control::netlink
