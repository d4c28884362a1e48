// SPDX-License-Identifier: GPL-3.0-or-later
// Asking the kernel for routes, and following its links, neighbours and routes as they change.
#include "control/media/kernel_routes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kDatagramRoom = 65536;
constexpr int kMostDatagramsATurn = 256;
constexpr int kMostDatagramsAnAnswer = 65536;
constexpr timeval kAnswerPatience{1, 0};
constexpr int kSubscriptionBuffer = 1 << 20;
constexpr std::uint16_t kDiscardPort = 9;  // RFC 863
constexpr std::array kGroups = {RTNLGRP_LINK,      RTNLGRP_NEIGH,     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
                                RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP};

std::runtime_error netlink_failure(const std::string& what) {
  return std::runtime_error("route netlink: " + what + ": " + std::strerror(errno));
}

bool is_broadcast(const IpAddress& address) {
  return address.is_v4() &&
         std::ranges::all_of(address.v4_octets(), [](std::uint8_t octet) { return octet == 0xff; });
}

bool is_link_local_v6(const IpAddress& address) {
  return !address.is_v4() && address.octets()[0] == 0xfe && (address.octets()[1] & 0xc0) == 0x80;
}

Result<void> check_hosts(const IpAddress& destination, const IpAddress& source) {
  const std::string name = destination.to_string();
  if (destination.is_unspecified() || destination.is_multicast() || is_broadcast(destination))
    return fail(ErrorClass::refused, name + " is not a single host");
  if (is_link_local_v6(destination))
    return fail(ErrorClass::unsupported, name + " is link-local: it does not say on which link");
  if (!source.is_unspecified() && source.is_v4() != destination.is_v4())
    return fail(ErrorClass::unsupported,
                name + " cannot be reached from " + source.to_string() + ": one is IPv4, the other IPv6");
  return {};
}

/// Whether the kind of route leads to a host that frames can be sent to.
Result<void> check_route(const netlink::Route& route, const IpAddress& destination) {
  const std::string name = destination.to_string();
  switch (route.type) {
    case RTN_UNICAST:
      return {};
    case RTN_LOCAL:
      return fail(ErrorClass::unsupported, name + " is this host itself");
    case RTN_BROADCAST:
    case RTN_MULTICAST:
    case RTN_ANYCAST:
      return fail(ErrorClass::refused, name + " is not a single host");
    default:
      return fail(ErrorClass::not_found, "no route to " + name);
  }
}

/// Kernels differ in what they call a source address that is not theirs, and a route that drops.
Error route_error(int number, const IpAddress& destination, const IpAddress& source) {
  std::string text = "no route to " + destination.to_string();
  if (!source.is_unspecified()) text += " from " + source.to_string();
  switch (number) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EACCES:
    case EINVAL:
    case ESRCH:
      return {ErrorClass::not_found, text};
    default:
      return {ErrorClass::internal, text + ": " + std::strerror(number)};
  }
}

/// An empty datagram to the discard port: the kernel must resolve the neighbour to send it, and needs no
/// privilege.
void send_discard(const NextHopKey& key) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (key.neighbour.is_v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(kDiscardPort);
    std::memcpy(&four.sin_addr, key.neighbour.v4_octets().data(), 4);
    std::memcpy(&storage, &four, length = sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(kDiscardPort);
    six.sin6_scope_id = is_link_local_v6(key.neighbour) ? key.interface_index : 0;
    std::memcpy(&six.sin6_addr, key.neighbour.octets().data(), 16);
    std::memcpy(&storage, &six, length = sizeof six);
  }
  const int socket = ::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return;
  (void)::sendto(socket, nullptr, 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&storage), length);
  ::close(socket);
}

}  // namespace

void KernelRoutes::SocketCloser::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

KernelRoutes::Socket KernelRoutes::open_subscription() {
  Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) throw netlink_failure("no socket");
  const int descriptor = mnl_socket_get_fd(socket.get());
  // A larger buffer makes overruns rare; the kernel grants what it allows.
  (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &kSubscriptionBuffer, sizeof kSubscriptionBuffer);
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) throw netlink_failure("cannot bind");
  for (int group : kGroups)
    if (mnl_socket_setsockopt(socket.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      throw netlink_failure("cannot subscribe to changes");
  return socket;
}

KernelRoutes::Socket KernelRoutes::open_requests() {
  Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket) throw netlink_failure("no socket");
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) throw netlink_failure("cannot bind");
  if (setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kAnswerPatience,
                 sizeof kAnswerPatience) != 0)
    throw netlink_failure("cannot bound waiting");
  return socket;
}

KernelRoutes::KernelRoutes(KernelRouteEvents events)
    : events_(std::move(events)),
      subscription_(open_subscription()),
      requests_(open_requests()),
      room_(kDatagramRoom) {
  // Subscribed first, read second: what changes in between is told again rather than missed.
  if (const auto links = read_links(); !links) throw std::runtime_error(links.error().text);
  if (const auto neighbours = read_neighbours(); !neighbours)
    throw std::runtime_error(neighbours.error().text);
  touched_.clear();
  link_changes_.clear();
}

KernelRoutes::~KernelRoutes() = default;

int KernelRoutes::descriptor() const {
  return mnl_socket_get_fd(subscription_.get());
}

namespace {

enum class Answer { more, finished };

/// Hands the messages of one datagram that answer `sequence` to `take`. A dump ends with NLMSG_DONE,
/// everything else with its first message or an error.
tl::expected<Answer, int> read_answer(std::span<const std::uint8_t> datagram, std::uint32_t sequence,
                                      bool dump, const std::function<void(netlink::Message)>& take) {
  while (const auto message = netlink::take_message(datagram)) {
    const netlink::Header header = netlink::header(*message);
    if (header.sequence != sequence) continue;  // an answer that came too late for its question
    if (header.type == NLMSG_ERROR || header.type == NLMSG_DONE) {
      const int number = netlink::error_number(*message);
      if (number != 0) return tl::unexpected(number);
      return Answer::finished;
    }
    take(*message);
    if (!dump) return Answer::finished;
  }
  return Answer::more;
}

}  // namespace

tl::expected<void, int> KernelRoutes::ask(const std::vector<std::uint8_t>& request,
                                          const std::function<void(netlink::Message)>& take) {
  const bool dump = netlink::is_dump(request);
  if (mnl_socket_sendto(requests_.get(), request.data(), request.size()) < 0) return tl::unexpected(errno);
  for (int i = 0; i < kMostDatagramsAnAnswer; ++i) {
    const ssize_t length = mnl_socket_recvfrom(requests_.get(), room_.data(), room_.size());
    if (length < 0) return tl::unexpected(errno);
    const auto answer =
        read_answer(std::span(room_).first(static_cast<std::size_t>(length)), sequence_, dump, take);
    if (!answer) return tl::unexpected(answer.error());
    if (*answer == Answer::finished) return {};
  }
  return tl::unexpected(EPROTO);
}

Result<void> KernelRoutes::read_links() {
  const auto outcome = ask(netlink::write_dump(RTM_GETLINK, ++sequence_), [this](netlink::Message message) {
    if (const auto link = netlink::parse_link(message)) take_link(*link, false);
  });
  if (outcome) return {};
  return fail(ErrorClass::internal,
              std::string("the kernel's links cannot be read: ") + std::strerror(outcome.error()));
}

Result<void> KernelRoutes::read_neighbours() {
  const auto outcome = ask(netlink::write_dump(RTM_GETNEIGH, ++sequence_), [this](netlink::Message message) {
    if (const auto neighbour = netlink::parse_neighbour(message)) take_neighbour(*neighbour, false);
  });
  if (outcome) return {};
  return fail(ErrorClass::internal,
              std::string("the kernel's neighbours cannot be read: ") + std::strerror(outcome.error()));
}

/// After an overrun nobody knows what was missed: read all, and compare with what was known.
void KernelRoutes::read_all_again() {
  ++overruns_;
  const auto known = std::exchange(links_, {});
  const auto pending = link_changes_;
  neighbours_.clear();
  for (const auto& [key, hop] : hops_) touched_.insert(key);
  routes_changed_ = true;
  const auto links = read_links();
  const auto neighbours = read_neighbours();
  if (!links || !neighbours)
    log::error("routes.reread_failed", {{"text", !links ? links.error().text : neighbours.error().text}});
  link_changes_ = pending;
  for (const auto& [index, link] : known)
    if (!links_.contains(index)) link_changes_.push_back({index, false, false});
  for (const auto& [index, link] : links_) {
    const auto before = known.find(index);
    if (before == known.end() || before->second.up != link.up)
      link_changes_.push_back({index, true, link.up});
  }
}

Result<netlink::Route> KernelRoutes::ask_route(const IpAddress& destination, const IpAddress& source) {
  std::optional<netlink::Route> route;
  const auto outcome = ask(netlink::write_route_request(destination, source, ++sequence_),
                           [&route](netlink::Message message) { route = netlink::parse_route(message); });
  if (!outcome) return tl::unexpected(route_error(outcome.error(), destination, source));
  if (!route)
    return fail(ErrorClass::internal, "no route to " + destination.to_string() + ": unreadable answer");
  return *route;
}

const netlink::Link* KernelRoutes::find_link(unsigned index) {
  if (!links_.contains(index)) (void)read_links();  // made a moment ago: its event is still on the way
  const auto found = links_.find(index);
  return found == links_.end() ? nullptr : &found->second;
}

Result<KernelNextHop> KernelRoutes::lookup(const IpAddress& destination, const IpAddress& source) {
  if (const auto checked = check_hosts(destination, source); !checked) return tl::unexpected(checked.error());
  const auto route = ask_route(destination, source);
  if (!route) return tl::unexpected(route.error());
  if (const auto checked = check_route(*route, destination); !checked) return tl::unexpected(checked.error());
  const netlink::Link* link = find_link(route->interface_index);
  if (link == nullptr)
    return fail(ErrorClass::not_found, "the interface towards " + destination.to_string() + " vanished");
  NextHopKey key;
  key.interface_index = link->index;
  key.neighbour = route->gateway.value_or(destination);
  key.mtu = std::min(route->mtu.value_or(link->mtu), link->mtu);
  return track(key);
}

Result<KernelNextHop> KernelRoutes::track(const NextHopKey& key) {
  const auto known = hops_.find(key);
  if (known == hops_.end() && hops_.size() >= kMostNextHops)
    return fail(ErrorClass::exhausted, std::to_string(kMostNextHops) + " next hops are in use");
  Hop& hop = known != hops_.end() ? known->second : hops_[key];
  hop.told = describe(key);
  const KernelNextHop told = hop.told;
  if (!told.resolved) (void)probe(key);
  return told;
}

KernelNextHop KernelRoutes::describe(const NextHopKey& key) const {
  KernelNextHop hop;
  hop.key = key;
  hop.parent_index = key.interface_index;
  const auto link = links_.find(key.interface_index);
  if (link == links_.end()) return hop;
  hop.parent_index = link->second.parent_index;
  hop.vlan = link->second.vlan;
  const auto neighbour = neighbours_.find({key.interface_index, key.neighbour});
  if (neighbour == neighbours_.end() || !neighbour->second.usable || !link->second.up) return hop;
  hop.resolved = true;
  hop.mac = neighbour->second.mac;
  return hop;
}

bool KernelRoutes::probe(const NextHopKey& key) {
  const auto found = hops_.find(key);
  if (found == hops_.end()) return false;
  const auto now = Clock::now();
  if (now - found->second.probed < kProbeInterval) return false;
  found->second.probed = now;
  ask_for_neighbour(key);
  return true;
}

void KernelRoutes::ask_for_neighbour(const NextHopKey& key) {
  const auto outcome = ask(netlink::write_neighbour_use(key.interface_index, key.neighbour, ++sequence_),
                           [](netlink::Message) {});
  if (!outcome && outcome.error() == EPERM) send_discard(key);
}

void KernelRoutes::forget(const NextHopKey& key) {
  hops_.erase(key);
}

void KernelRoutes::maintain() {
  const auto now = Clock::now();
  for (auto& [key, hop] : hops_) {
    const auto neighbour = neighbours_.find({key.interface_index, key.neighbour});
    const bool stale = neighbour != neighbours_.end() && neighbour->second.stale;
    if (describe(key).resolved && !(stale && now - hop.probed >= kConfirmInterval)) continue;
    (void)probe(key);
  }
}

void KernelRoutes::on_readable() {
  for (int i = 0; i < kMostDatagramsATurn; ++i) {
    const ssize_t length = mnl_socket_recvfrom(subscription_.get(), room_.data(), room_.size());
    if (length < 0 && errno == ENOBUFS) {
      read_all_again();
      continue;
    }
    if (length <= 0) break;
    auto datagram = std::span<const std::uint8_t>(room_).first(static_cast<std::size_t>(length));
    while (const auto message = netlink::take_message(datagram)) take_event(*message);
  }
  tell_changes();
}

void KernelRoutes::take_event(netlink::Message message) {
  const std::uint16_t type = netlink::header(message).type;
  switch (type) {
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      if (const auto neighbour = netlink::parse_neighbour(message))
        take_neighbour(*neighbour, type == RTM_DELNEIGH);
      return;
    case RTM_NEWLINK:
    case RTM_DELLINK:
      if (const auto link = netlink::parse_link(message)) take_link(*link, type == RTM_DELLINK);
      return;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      routes_changed_ = true;
      return;
    default:
      return;
  }
}

void KernelRoutes::take_neighbour(const netlink::Neighbour& neighbour, bool gone) {
  const NeighbourKey key{neighbour.interface_index, neighbour.address};
  if (gone || !neighbour.usable)
    neighbours_.erase(key);
  else if (neighbours_.contains(key) || neighbours_.size() < kMostNeighbours)
    neighbours_[key] = neighbour;
  touch(key);
}

void KernelRoutes::take_link(const netlink::Link& link, bool gone) {
  const auto known = links_.find(link.index);
  const bool same = known != links_.end() && known->second.up == link.up && known->second.mtu == link.mtu;
  if (gone)
    links_.erase(link.index);
  else
    links_[link.index] = link;
  if (same && !gone) return;
  link_changes_.push_back({link.index, !gone, !gone && link.up});
  routes_changed_ = true;  // the kernel drops IPv4 routes of a dead link without telling each
  for (const auto& [key, hop] : hops_)
    if (key.interface_index == link.index) touched_.insert(key);
}

void KernelRoutes::touch(const NeighbourKey& neighbour) {
  const NextHopKey first{neighbour.first, neighbour.second, 0};
  for (auto hop = hops_.lower_bound(first); hop != hops_.end(); ++hop) {
    if (hop->first.interface_index != neighbour.first || hop->first.neighbour != neighbour.second) return;
    touched_.insert(hop->first);
  }
}

/// Calls the events for what was gathered. They may look up and forget, so nothing is iterated meanwhile.
void KernelRoutes::tell_changes() {
  std::vector<KernelNextHop> changed;
  for (const NextHopKey& key : std::exchange(touched_, {})) {
    const auto hop = hops_.find(key);
    if (hop == hops_.end()) continue;
    const KernelNextHop now = describe(key);
    if (now == hop->second.told) continue;
    hop->second.told = now;
    changed.push_back(now);
  }
  const auto links = std::exchange(link_changes_, {});
  const bool routes = std::exchange(routes_changed_, false);
  if (events_.link_changed)
    for (const LinkState& link : links) events_.link_changed(link);
  if (events_.next_hop_changed)
    for (const KernelNextHop& hop : changed) events_.next_hop_changed(hop);
  if (routes && events_.routes_changed) events_.routes_changed();
}

}  // namespace sallyport::control
