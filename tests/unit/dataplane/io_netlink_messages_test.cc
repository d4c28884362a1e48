// SPDX-License-Identifier: GPL-3.0-or-later
// Route netlink messages, whole, odd and cut off.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "control/media/netlink_messages.h"

namespace sallyport::control::netlink {

namespace {

using Octets = std::vector<std::uint8_t>;

template <typename T>
Octets octets_of(const T& value) {
  Octets octets(sizeof value);
  std::memcpy(octets.data(), &value, sizeof value);
  return octets;
}

Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Octets attribute(std::uint16_t type, Octets value) {
  rtattr head{};
  head.rta_type = type;
  head.rta_len = static_cast<unsigned short>(RTA_LENGTH(value.size()));
  value.resize(RTA_ALIGN(value.size()));
  return octets_of(head) + value;
}

Octets text(const std::string& value) {
  return Octets(value.begin(), value.end()) + Octets{0};
}

template <typename Fixed>
Octets message(std::uint16_t type, const Fixed& fixed, const Octets& attributes = {}) {
  nlmsghdr head{};
  head.nlmsg_type = type;
  head.nlmsg_seq = 7;
  head.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof fixed) + attributes.size());
  return octets_of(head) + octets_of(fixed) + attributes;
}

/// As Linux 6 sent it after `ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:99 nud permanent` on
/// interface 3.
// clang-format off
const Octets kRecordedNeighbour = {
    0x4c, 0, 0, 0, 0x1c, 0, 0, 0, 0, 0, 0, 0, 0xcb, 0x76, 0, 0,                    // header: RTM_NEWNEIGH
    2, 0, 0, 0, 3, 0, 0, 0, 0x80, 0, 0, 1,                                         // IPv4, interface 3, permanent
    8, 0, 1, 0, 10, 0, 0, 2,                                                       // NDA_DST
    10, 0, 2, 0, 2, 0, 0, 0, 0, 0x99, 0, 0,                                        // NDA_LLADDR, padded
    8, 0, 4, 0, 0, 0, 0, 0,                                                        // NDA_PROBES
    0x14, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,                 // NDA_CACHEINFO
};
// clang-format on

ndmsg neighbour_of(std::uint8_t family, int state) {
  ndmsg fixed{};
  fixed.ndm_family = family;
  fixed.ndm_ifindex = 3;
  fixed.ndm_state = static_cast<std::uint16_t>(state);
  return fixed;
}

const Octets kMac = {2, 0, 0, 0, 0, 0x99};

TEST(NetlinkNeighbour, IsReadFromARecordedMessage) {
  std::span<const std::uint8_t> rest(kRecordedNeighbour);
  const auto taken = take_message(rest);
  ASSERT_TRUE(taken);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(header(*taken).type, RTM_NEWNEIGH);
  const auto neighbour = parse_neighbour(*taken);
  ASSERT_TRUE(neighbour);
  EXPECT_EQ(neighbour->interface_index, 3u);
  EXPECT_EQ(neighbour->address.to_string(), "10.0.0.2");
  EXPECT_TRUE(neighbour->usable);
  EXPECT_FALSE(neighbour->stale);
  EXPECT_EQ(to_string(neighbour->mac), "02:00:00:00:00:99");
}

TEST(NetlinkNeighbour, IsUsableInSomeStatesOnly) {
  const Octets attributes = attribute(NDA_DST, {10, 0, 0, 2}) + attribute(NDA_LLADDR, kMac);
  const auto usable = [&](int state) {
    return parse_neighbour(message(RTM_NEWNEIGH, neighbour_of(AF_INET, state), attributes))->usable;
  };
  for (const int state : {NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT})
    EXPECT_TRUE(usable(state));
  for (const int state : {NUD_NONE, NUD_INCOMPLETE, NUD_FAILED}) EXPECT_FALSE(usable(state));
}

TEST(NetlinkNeighbour, WithoutALinkAddressIsNotUsable) {
  const Octets address = attribute(NDA_DST, {10, 0, 0, 2});
  EXPECT_FALSE(parse_neighbour(message(RTM_NEWNEIGH, neighbour_of(AF_INET, NUD_REACHABLE), address))->usable);
  const Octets short_mac = address + attribute(NDA_LLADDR, {2, 0, 0, 0, 0});
  EXPECT_FALSE(
      parse_neighbour(message(RTM_NEWNEIGH, neighbour_of(AF_INET, NUD_REACHABLE), short_mac))->usable);
  const Octets infiniband = address + attribute(NDA_LLADDR, Octets(20, 1));
  EXPECT_FALSE(
      parse_neighbour(message(RTM_NEWNEIGH, neighbour_of(AF_INET, NUD_REACHABLE), infiniband))->usable);
}

TEST(NetlinkNeighbour, OfAnotherKindIsIgnored) {
  EXPECT_FALSE(parse_neighbour(
      message(RTM_NEWNEIGH, neighbour_of(AF_BRIDGE, NUD_PERMANENT), attribute(NDA_LLADDR, kMac))));
  EXPECT_FALSE(parse_neighbour(message(RTM_NEWNEIGH, neighbour_of(AF_INET, NUD_PERMANENT))));
  EXPECT_FALSE(parse_neighbour(
      message(RTM_NEWNEIGH, neighbour_of(AF_INET, NUD_PERMANENT), attribute(NDA_DST, {10, 0, 0}))));
  EXPECT_FALSE(
      parse_neighbour(message(RTM_NEWNEIGH, neighbour_of(AF_INET, NUD_PERMANENT), attribute(NDA_DST, {}))));
}

ifinfomsg link_of(unsigned flags) {
  ifinfomsg fixed{};
  fixed.ifi_index = 5;
  fixed.ifi_flags = flags;
  return fixed;
}

Octets vlan_info(const std::string& kind) {
  return attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text(kind)) +
                                      attribute(IFLA_INFO_DATA | NLA_F_NESTED,
                                                attribute(IFLA_VLAN_ID, octets_of(std::uint16_t{100}))));
}

TEST(NetlinkLink, IsRead) {
  const Octets attributes =
      attribute(IFLA_IFNAME, text("eth0")) + attribute(IFLA_MTU, octets_of(std::uint32_t{9000}));
  const auto link = parse_link(message(RTM_NEWLINK, link_of(IFF_UP | IFF_RUNNING), attributes));
  ASSERT_TRUE(link);
  EXPECT_EQ(link->index, 5u);
  EXPECT_EQ(link->parent_index, 5u);
  EXPECT_EQ(link->vlan, 0);
  EXPECT_EQ(link->mtu, 9000);
  EXPECT_EQ(link->name, "eth0");
  EXPECT_TRUE(link->up);
}

TEST(NetlinkLink, IsUpOnlyWithACarrier) {
  EXPECT_FALSE(parse_link(message(RTM_NEWLINK, link_of(IFF_UP)))->up);
  EXPECT_FALSE(parse_link(message(RTM_NEWLINK, link_of(IFF_RUNNING)))->up);
}

TEST(NetlinkLink, KnowsItsVlanAndParent) {
  const Octets on_top = attribute(IFLA_LINK, octets_of(std::uint32_t{4}));
  const auto vlan = parse_link(message(RTM_NEWLINK, link_of(IFF_UP), on_top + vlan_info("vlan")));
  EXPECT_EQ(vlan->vlan, 100);
  EXPECT_EQ(vlan->parent_index, 4u);
  // A veth names its peer in the same attribute; that is no parent.
  const auto veth = parse_link(message(RTM_NEWLINK, link_of(IFF_UP), on_top + vlan_info("veth")));
  EXPECT_EQ(veth->vlan, 0);
  EXPECT_EQ(veth->parent_index, 5u);
}

TEST(NetlinkLink, HoldsAHugeMtuDown) {
  const auto link =
      parse_link(message(RTM_NEWLINK, link_of(0), attribute(IFLA_MTU, octets_of(std::uint32_t{65536}))));
  EXPECT_EQ(link->mtu, 65535);  // loopback
}

TEST(NetlinkLink, OfABridgePortIsIgnored) {
  ifinfomsg fixed = link_of(IFF_UP);
  fixed.ifi_family = AF_BRIDGE;
  EXPECT_FALSE(parse_link(message(RTM_NEWLINK, fixed)));
}

rtmsg route_of(std::uint8_t family) {
  rtmsg fixed{};
  fixed.rtm_family = family;
  fixed.rtm_type = RTN_UNICAST;
  return fixed;
}

TEST(NetlinkRoute, IsRead) {
  const Octets out = attribute(RTA_OIF, octets_of(std::uint32_t{3}));
  const auto on_link = parse_route(message(RTM_NEWROUTE, route_of(AF_INET), out));
  ASSERT_TRUE(on_link);
  EXPECT_EQ(on_link->type, RTN_UNICAST);
  EXPECT_EQ(on_link->interface_index, 3u);
  EXPECT_FALSE(on_link->gateway);
  EXPECT_FALSE(on_link->mtu);
  const Octets metrics = attribute(RTA_METRICS, attribute(RTAX_MTU, octets_of(std::uint32_t{1400})));
  const auto routed = parse_route(
      message(RTM_NEWROUTE, route_of(AF_INET), out + attribute(RTA_GATEWAY, {10, 0, 0, 2}) + metrics));
  EXPECT_EQ(routed->gateway->to_string(), "10.0.0.2");
  EXPECT_EQ(routed->mtu, 1400);
}

TEST(NetlinkRoute, MayHaveAGatewayOfTheOtherFamily) {
  const auto gateway = IpAddress::parse("fe80::2")->octets();
  const Octets via = octets_of(std::uint16_t{AF_INET6}) + Octets(gateway.begin(), gateway.end());
  const auto route = parse_route(message(RTM_NEWROUTE, route_of(AF_INET), attribute(RTA_VIA, via)));
  ASSERT_TRUE(route && route->gateway);
  EXPECT_EQ(route->gateway->to_string(), "fe80::2");
  const auto empty = parse_route(message(RTM_NEWROUTE, route_of(AF_INET), attribute(RTA_VIA, {})));
  EXPECT_FALSE(empty->gateway);
}

TEST(NetlinkRoute, OfAnotherFamilyIsIgnored) {
  EXPECT_FALSE(parse_route(message(RTM_NEWROUTE, route_of(RTNL_FAMILY_IPMR))));
}

TEST(NetlinkDatagram, HoldsSeveralMessages) {
  const Octets two = kRecordedNeighbour + kRecordedNeighbour;
  std::span<const std::uint8_t> rest(two);
  EXPECT_TRUE(take_message(rest));
  EXPECT_TRUE(take_message(rest));
  EXPECT_FALSE(take_message(rest));
}

TEST(NetlinkDatagram, CutOffAnywhereGivesNoMessage) {
  for (std::size_t length = 0; length < kRecordedNeighbour.size(); ++length) {
    const Octets cut(kRecordedNeighbour.begin(),
                     kRecordedNeighbour.begin() + static_cast<std::ptrdiff_t>(length));
    std::span<const std::uint8_t> rest(cut);
    EXPECT_FALSE(take_message(rest)) << length;
  }
}

TEST(NetlinkDatagram, WithAnImpossibleLengthGivesNoMessage) {
  for (const std::uint8_t length : Octets{0, 1, 15, 77, 255}) {
    Octets odd = kRecordedNeighbour;
    odd[0] = length;
    std::span<const std::uint8_t> rest(odd);
    EXPECT_FALSE(take_message(rest)) << int{length};
  }
}

/// The message with its length corrected, cut off after `length` octets.
Octets cut_off(const Octets& whole, std::size_t length) {
  Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
  if (cut.size() >= 4) cut[0] = static_cast<std::uint8_t>(length);
  return cut;
}

TEST(NetlinkMessages, CutOffAnywhereAreReadSafely) {
  const Octets link = message(RTM_NEWLINK, link_of(IFF_UP),
                              attribute(IFLA_LINK, octets_of(std::uint32_t{4})) + vlan_info("vlan"));
  const Octets route = message(RTM_NEWROUTE, route_of(AF_INET),
                               attribute(RTA_METRICS, attribute(RTAX_MTU, octets_of(std::uint32_t{1400}))));
  for (const Octets& whole : {kRecordedNeighbour, link, route})
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const Octets cut = cut_off(whole, length);
      const auto neighbour = parse_neighbour(cut);
      EXPECT_TRUE(!neighbour || length >= NLMSG_LENGTH(sizeof(ndmsg)));
      const auto parsed_link = parse_link(cut);
      EXPECT_TRUE(!parsed_link || length >= NLMSG_LENGTH(sizeof(ifinfomsg)));
      const auto parsed_route = parse_route(cut);
      EXPECT_TRUE(!parsed_route || length >= NLMSG_LENGTH(sizeof(rtmsg)));
      (void)error_number(cut);
      (void)header(cut);
    }
}

TEST(NetlinkMessages, WithAttributesThatLieAreReadSafely) {
  for (const std::uint8_t length : Octets{0, 1, 3, 13, 255}) {
    Octets odd = kRecordedNeighbour;
    odd[NLMSG_LENGTH(sizeof(ndmsg))] = length;  // of NDA_DST
    EXPECT_FALSE(parse_neighbour(odd)) << int{length};
  }
}

TEST(NetlinkErrors, AreNumbers) {
  nlmsgerr fixed{};
  EXPECT_EQ(error_number(message(NLMSG_ERROR, fixed)), 0);
  fixed.error = -ENETUNREACH;
  EXPECT_EQ(error_number(message(NLMSG_ERROR, fixed)), ENETUNREACH);
  EXPECT_EQ(error_number(message(NLMSG_DONE, std::int32_t{-EBUSY})), EBUSY);
  EXPECT_EQ(error_number(Octets{}), EBADMSG);
  nlmsghdr head{};
  head.nlmsg_len = sizeof head;
  head.nlmsg_type = NLMSG_ERROR;
  EXPECT_EQ(error_number(octets_of(head)), EBADMSG);
  head.nlmsg_type = NLMSG_DONE;
  EXPECT_EQ(error_number(octets_of(head)), 0);
}

TEST(NetlinkRequests, AreWhatTheKernelWants) {
  const Octets request =
      write_route_request(*IpAddress::parse("192.0.2.1"), *IpAddress::parse("10.0.0.1"), 42);
  std::span<const std::uint8_t> rest(request);
  const auto whole = take_message(rest);
  ASSERT_TRUE(whole);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(header(*whole).type, RTM_GETROUTE);
  EXPECT_EQ(header(*whole).sequence, 42u);
  EXPECT_FALSE(is_dump(*whole));
  const Octets expected = attribute(RTA_DST, {192, 0, 2, 1}) + attribute(RTA_SRC, {10, 0, 0, 1});
  EXPECT_TRUE(std::ranges::equal(whole->subspan(NLMSG_LENGTH(sizeof(rtmsg))), expected));
  const Octets any = write_route_request(*IpAddress::parse("2001:db8::1"), IpAddress(), 1);
  EXPECT_EQ(any.size(), NLMSG_LENGTH(sizeof(rtmsg)) + RTA_LENGTH(16));
  EXPECT_TRUE(is_dump(write_dump(RTM_GETLINK, 1)));
  EXPECT_FALSE(is_dump(write_neighbour_use(3, *IpAddress::parse("10.0.0.2"), 1)));
  EXPECT_FALSE(is_dump({}));
}

}  // namespace

}  // namespace sallyport::control::netlink
