// SPDX-License-Identifier: GPL-3.0-or-later
// KernelRoutes: by which interface and neighbour a host is reached, as the kernel's routes and neighbour
// tables have it.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "control/media/netlink_messages.h"

struct mnl_socket;

namespace sallyport::control {

/// What distinguishes next hops: thousands of targets behind one gateway share one.
struct NextHopKey {
  unsigned interface_index = 0;
  IpAddress neighbour;    ///< the gateway, or the destination itself where it is on the link
  std::uint16_t mtu = 0;  ///< largest IP packet on this way

  friend auto operator<=>(const NextHopKey&, const NextHopKey&) = default;
};

struct KernelNextHop {
  NextHopKey key;
  unsigned parent_index = 0;  ///< the interface that carries the frames: of a VLAN interface, what it sits on
  std::uint16_t vlan = 0;     ///< 802.1Q identifier; 0: untagged
  bool resolved = false;      ///< `mac` is known
  MacAddress mac{};

  friend bool operator==(const KernelNextHop&, const KernelNextHop&) = default;
};

struct LinkState {
  unsigned interface_index = 0;
  bool exists = true;
  bool up = false;  ///< administratively up, with a carrier
};

/// Called from KernelRoutes::on_readable and maintain; they may call lookup, probe and forget.
struct KernelRouteEvents {
  std::function<void(const KernelNextHop&)> next_hop_changed;  ///< one that lookup gave out
  std::function<void()> routes_changed;                        ///< look every destination up again
  std::function<void(const LinkState&)> link_changed;
};

/// Lives in the control thread. Never waits longer than a netlink round trip within this machine.
class KernelRoutes {
 public:
  using Clock = std::chrono::steady_clock;

  /// Next hops that can be in use at once.
  static constexpr std::size_t kMostNextHops = 4096;
  /// Neighbours remembered; the kernel's own tables are smaller unless they were enlarged.
  static constexpr std::size_t kMostNeighbours = 65536;
  /// An unknown neighbour is asked for no more often than this; a stale one confirmed no more often than
  /// that.
  static constexpr std::chrono::seconds kProbeInterval{1};
  static constexpr std::chrono::seconds kConfirmInterval{10};

  /// Subscribes to the kernel's changes and reads its tables. Throws std::runtime_error.
  explicit KernelRoutes(KernelRouteEvents events);
  ~KernelRoutes();
  KernelRoutes(const KernelRoutes&) = delete;
  KernelRoutes& operator=(const KernelRoutes&) = delete;

  /// How packets from our `source` (unspecified: any) reach `destination`. An unresolved neighbour is asked
  /// for at once; next_hop_changed tells when it answers. refused: not a single host; not_found: no route, or
  /// `source` is not ours; unsupported: this host itself, or another address family; exhausted: kMostNextHops
  /// are in use.
  [[nodiscard]] Result<KernelNextHop> lookup(const IpAddress& destination, const IpAddress& source);

  /// Has the kernel ask for the neighbour's link address. False: it was asked less than kProbeInterval ago.
  bool probe(const NextHopKey& key);
  /// No more events for this one.
  void forget(const NextHopKey& key);
  [[nodiscard]] std::size_t next_hops_in_use() const { return hops_.size(); }

  /// Call about once a second: asks for unresolved neighbours again, and has stale ones confirmed, which the
  /// kernel does not do by itself since it does not see the media that uses them.
  void maintain();

  /// Becomes readable when the kernel has changes to tell.
  [[nodiscard]] int descriptor() const;
  /// Takes them in and calls the events.
  void on_readable();

  /// Times the kernel told changes faster than they were read, so that all was read anew.
  [[nodiscard]] std::uint64_t overruns() const { return overruns_; }

 private:
  using NeighbourKey = std::pair<unsigned, IpAddress>;
  struct Hop {
    Clock::time_point probed{};
    KernelNextHop told;  ///< as last given out
  };
  struct SocketCloser {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, SocketCloser>;

  static Socket open_subscription();
  static Socket open_requests();

  /// Sends a request that carries sequence_, and hands what answers it to `take`. The error is an errno
  /// value.
  tl::expected<void, int> ask(const std::vector<std::uint8_t>& request,
                              const std::function<void(netlink::Message)>& take);
  Result<netlink::Route> ask_route(const IpAddress& destination, const IpAddress& source);
  const netlink::Link* find_link(unsigned index);
  [[nodiscard]] KernelNextHop describe(const NextHopKey& key) const;
  Result<KernelNextHop> track(const NextHopKey& key);

  [[nodiscard]] Result<void> read_links();
  [[nodiscard]] Result<void> read_neighbours();
  void read_all_again();
  void take_event(netlink::Message message);
  void take_neighbour(const netlink::Neighbour& neighbour, bool gone);
  void take_link(const netlink::Link& link, bool gone);
  void touch(const NeighbourKey& neighbour);
  void tell_changes();
  void ask_for_neighbour(const NextHopKey& key);

  KernelRouteEvents events_;
  Socket subscription_;
  Socket requests_;
  std::uint32_t sequence_ = 0;
  std::vector<std::uint8_t> room_;  ///< for one datagram
  std::map<unsigned, netlink::Link> links_;
  std::map<NeighbourKey, netlink::Neighbour> neighbours_;
  std::map<NextHopKey, Hop> hops_;
  std::set<NextHopKey> touched_;         ///< next hops that may have changed since they were told
  std::vector<LinkState> link_changes_;  ///< to be told
  bool routes_changed_ = false;
  std::uint64_t overruns_ = 0;
};

}  // namespace sallyport::control
