// SPDX-License-Identifier: GPL-3.0-or-later
// KernelRoutes against a real kernel: a veth to a neighbour that answers, in namespaces of the test's own.
#include <array>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/media/kernel_routes.h"
#include "tests/system/io_frames.h"
#include "tests/system/io_sandbox.h"

namespace sallyport::test {

namespace {

using control::KernelNextHop;
using control::KernelRoutes;
using control::LinkState;

constexpr int kMostTurns = 1000;
constexpr auto kPeerMac = "02:00:00:00:00:02";

class Routes : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_sandbox();
    if (!reason.empty()) GTEST_SKIP() << reason;
    ours_.emplace();
    theirs_.emplace();
    inside_.emplace(*ours_);
    must_run("ip link add media0 type veth peer name wire0 address " + std::string(kPeerMac));
    must_run("ip link set wire0 netns " + theirs_->path());
    must_run("ip address add 10.0.0.1/24 dev media0");
    must_run("ip address add 10.0.0.9/24 dev media0");
    must_run("ip address add 2001:db8::1/64 dev media0 nodad");
    must_run("ip link set media0 up");
    {
      const Inside there(*theirs_);
      must_run("ip address add 10.0.0.2/24 dev wire0");
      must_run("ip address add 10.0.0.3/24 dev wire0");
      must_run("ip address add 2001:db8::2/64 dev wire0 nodad");
      must_run("ip address add fe80::2/64 dev wire0 nodad");
      must_run("ip link set wire0 up");
    }
    control::KernelRouteEvents events;
    events.next_hop_changed = [this](const KernelNextHop& hop) { hops_.push_back(hop); };
    events.routes_changed = [this] { ++route_changes_; };
    events.link_changed = [this](const LinkState& link) { links_.push_back(link); };
    routes_.emplace(std::move(events));
    wait_for_carrier();
    settle();
    hops_.clear();
    links_.clear();
    route_changes_ = 0;
  }

  /// The kernel notices the carrier of a new link a while after it is set up.
  void wait_for_carrier() {
    must_run("ip neigh replace 10.0.0.250 lladdr 02:00:00:00:00:fa nud permanent dev media0");
    const auto hop = [this] { return lookup("10.0.0.250").value(); };
    ASSERT_TRUE(wait_until([&] { return hop().resolved; }));
    routes_->forget(hop().key);
    must_run("ip neigh delete 10.0.0.250 dev media0");
  }
  /// Takes in what the kernel has told already.
  void settle() {
    pollfd waiting{routes_->descriptor(), POLLIN, 0};
    for (int i = 0; i < kMostTurns && poll(&waiting, 1, 0) == 1; ++i) routes_->on_readable();
  }
  /// Takes in events until `done`; false: five seconds passed without any.
  template <typename Done>
  [[nodiscard]] bool wait_until(Done done) {
    pollfd waiting{routes_->descriptor(), POLLIN, 0};
    for (int i = 0; i < kMostTurns && !done(); ++i) {
      if (poll(&waiting, 1, kPatienceMs) != 1) return done();
      routes_->on_readable();
    }
    return done();
  }
  [[nodiscard]] Result<KernelNextHop> lookup(std::string_view destination, std::string_view source = "::") {
    return routes_->lookup(address(destination), address(source));
  }
  [[nodiscard]] ErrorClass refusal(std::string_view destination, std::string_view source = "::") {
    const auto result = lookup(destination, source);
    EXPECT_FALSE(result) << destination;
    return result ? ErrorClass::timeout : result.error().error_class;
  }
  [[nodiscard]] KernelNextHop resolved(std::string_view destination) {
    const auto asked = lookup(destination);
    if (!asked) throw std::runtime_error(asked.error().text);
    const auto now = [&] { return lookup(destination).value(); };
    EXPECT_TRUE(wait_until([&] { return now().resolved; })) << destination;
    return now();
  }

  std::optional<Namespace> ours_;
  std::optional<Namespace> theirs_;
  std::optional<Inside> inside_;
  std::optional<KernelRoutes> routes_;
  std::vector<KernelNextHop> hops_;
  std::vector<LinkState> links_;
  int route_changes_ = 0;
};

TEST_F(Routes, AsksForANeighbourOnTheLink) {
  const auto hop = lookup("10.0.0.2", "10.0.0.1");
  ASSERT_TRUE(hop);
  EXPECT_EQ(hop->key.neighbour, address("10.0.0.2"));
  EXPECT_EQ(hop->key.interface_index, if_nametoindex("media0"));
  EXPECT_EQ(hop->parent_index, if_nametoindex("media0"));
  EXPECT_EQ(hop->key.mtu, 1500);
  EXPECT_EQ(hop->vlan, 0);
  ASSERT_TRUE(wait_until([&] { return !hops_.empty(); }));
  EXPECT_EQ(hops_.back().key, hop->key);
  EXPECT_TRUE(hops_.back().resolved);
  EXPECT_EQ(to_string(hops_.back().mac), kPeerMac);
}

TEST_F(Routes, AsksForAnIpv6NeighbourToo) {
  EXPECT_EQ(to_string(resolved("2001:db8::2").mac), kPeerMac);
}

TEST_F(Routes, SharesTheNextHopBehindAGateway) {
  must_run("ip route add 192.0.2.0/24 via 10.0.0.2");
  must_run("ip route add 198.51.100.0/24 via 10.0.0.2");
  const auto one = resolved("192.0.2.1");
  const auto other = resolved("198.51.100.200");
  EXPECT_EQ(one, other);
  EXPECT_EQ(one.key.neighbour, address("10.0.0.2"));
  EXPECT_EQ(routes_->next_hops_in_use(), 1u);
}

TEST_F(Routes, KnowsGatewaysOfTheOtherFamilyAndOnTheLinkOnly) {
  must_run("ip route add 192.0.2.0/24 via inet6 fe80::2 dev media0");
  must_run("ip route add 2001:db8:1::/48 via fe80::2 dev media0");
  const auto four = resolved("192.0.2.1");
  EXPECT_EQ(four.key.neighbour, address("fe80::2"));
  EXPECT_EQ(to_string(four.mac), kPeerMac);
  EXPECT_EQ(resolved("2001:db8:1::7"), four);
}

TEST_F(Routes, FollowsRouteChanges) {
  must_run("ip route add 192.0.2.0/24 via 10.0.0.2");
  EXPECT_EQ(resolved("192.0.2.1").key.neighbour, address("10.0.0.2"));
  settle();
  route_changes_ = 0;
  must_run("ip route change 192.0.2.0/24 via 10.0.0.3");
  ASSERT_TRUE(wait_until([&] { return route_changes_ > 0; }));
  EXPECT_EQ(resolved("192.0.2.1").key.neighbour, address("10.0.0.3"));
  must_run("ip route delete 192.0.2.0/24");
  EXPECT_EQ(refusal("192.0.2.1"), ErrorClass::not_found);
}

TEST_F(Routes, FollowsNeighbourChanges) {
  (void)resolved("10.0.0.2");
  settle();
  hops_.clear();
  must_run("ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:99 nud permanent dev media0");
  ASSERT_TRUE(wait_until([&] { return !hops_.empty(); }));
  EXPECT_EQ(to_string(hops_.back().mac), "02:00:00:00:00:99");
  hops_.clear();
  must_run("ip neigh delete 10.0.0.2 dev media0");
  ASSERT_TRUE(wait_until([&] { return !hops_.empty(); }));
  EXPECT_FALSE(hops_.back().resolved);
}

TEST_F(Routes, KnowsNeighboursThatWereThereBefore) {
  must_run("ip neigh replace 10.0.0.77 lladdr 02:00:00:00:00:77 nud permanent dev media0");
  KernelRoutes late({});
  const auto hop = late.lookup(address("10.0.0.77"), IpAddress());
  ASSERT_TRUE(hop);
  EXPECT_TRUE(hop->resolved);
  EXPECT_EQ(to_string(hop->mac), "02:00:00:00:00:77");
}

TEST_F(Routes, TellsNothingOfNeighboursNobodyAskedFor) {
  must_run("ip neigh replace 10.0.0.77 lladdr 02:00:00:00:00:77 nud permanent dev media0");
  const auto hop = lookup("10.0.0.2");
  ASSERT_TRUE(hop);
  routes_->forget(hop->key);
  settle();
  must_run("ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:99 nud permanent dev media0");
  settle();
  EXPECT_TRUE(hops_.empty());
  EXPECT_EQ(routes_->next_hops_in_use(), 0u);
}

TEST_F(Routes, LeavesASilentNeighbourUnresolvedAndAsksSparingly) {
  const auto hop = lookup("10.0.0.200");
  ASSERT_TRUE(hop);
  EXPECT_FALSE(hop->resolved);
  EXPECT_FALSE(routes_->probe(hop->key));  // lookup has just asked
  routes_->maintain();
  control::NextHopKey unknown = hop->key;
  unknown.neighbour = address("10.0.0.201");
  EXPECT_FALSE(routes_->probe(unknown));  // nobody looked it up
}

/// Without the right to administer the network as long as this lives, as the daemon may be once it has
/// started.
class WithoutNetAdmin {
 public:
  WithoutNetAdmin() {
    if (syscall(SYS_capget, &header_, before_.data()) != 0) throw std::runtime_error("capget failed");
    auto reduced = before_;
    reduced[0].effective &= ~(1u << CAP_NET_ADMIN);
    if (syscall(SYS_capset, &header_, reduced.data()) != 0) throw std::runtime_error("capset failed");
  }
  ~WithoutNetAdmin() { (void)syscall(SYS_capset, &header_, before_.data()); }
  WithoutNetAdmin(const WithoutNetAdmin&) = delete;
  WithoutNetAdmin& operator=(const WithoutNetAdmin&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> before_{};
};

TEST_F(Routes, AsksWithoutPrivilegesToo) {
  must_run("ip route add 192.0.2.0/24 via inet6 fe80::2 dev media0");
  const WithoutNetAdmin unprivileged;
  EXPECT_EQ(to_string(resolved("10.0.0.2").mac), kPeerMac);
  EXPECT_EQ(to_string(resolved("2001:db8::2").mac), kPeerMac);
  EXPECT_EQ(to_string(resolved("192.0.2.1").mac), kPeerMac);
}

TEST_F(Routes, ObeysPolicyRoutingBySource) {
  must_run("ip route add 192.0.2.0/24 via 10.0.0.2");
  must_run("ip route add 192.0.2.0/24 via 10.0.0.3 table 100");
  must_run("ip rule add from 10.0.0.9 table 100");
  EXPECT_EQ(lookup("192.0.2.1", "10.0.0.1")->key.neighbour, address("10.0.0.2"));
  EXPECT_EQ(lookup("192.0.2.1", "10.0.0.9")->key.neighbour, address("10.0.0.3"));
}

TEST_F(Routes, TellsTheMtuOfTheWay) {
  must_run("ip route add 192.0.2.0/24 via 10.0.0.2 mtu 1400");
  EXPECT_EQ(lookup("192.0.2.1")->key.mtu, 1400);
  EXPECT_EQ(lookup("10.0.0.2")->key.mtu, 1500);
  settle();
  route_changes_ = 0;
  must_run("ip link set media0 mtu 1300");
  ASSERT_TRUE(wait_until([&] { return route_changes_ > 0; }));
  EXPECT_EQ(lookup("10.0.0.2")->key.mtu, 1300);
}

TEST_F(Routes, RefusesWhatIsNotASingleOtherHost) {
  EXPECT_EQ(refusal("0.0.0.0"), ErrorClass::refused);
  EXPECT_EQ(refusal("::"), ErrorClass::refused);
  EXPECT_EQ(refusal("224.0.0.1"), ErrorClass::refused);
  EXPECT_EQ(refusal("ff02::1"), ErrorClass::refused);
  EXPECT_EQ(refusal("255.255.255.255"), ErrorClass::refused);
  EXPECT_EQ(refusal("10.0.0.255"), ErrorClass::refused);
  EXPECT_EQ(refusal("10.0.0.1"), ErrorClass::unsupported);
  EXPECT_EQ(refusal("127.0.0.1"), ErrorClass::unsupported);
  EXPECT_EQ(refusal("::1"), ErrorClass::unsupported);
  EXPECT_EQ(refusal("fe80::2"), ErrorClass::unsupported);
  EXPECT_EQ(refusal("10.0.0.2", "2001:db8::1"), ErrorClass::unsupported);
  EXPECT_EQ(refusal("10.0.0.2", "203.0.113.1"), ErrorClass::not_found);
  EXPECT_EQ(refusal("203.0.113.1"), ErrorClass::not_found);
  EXPECT_EQ(refusal("2001:db8:ffff::1"), ErrorClass::not_found);
  must_run("ip route add blackhole 192.0.2.0/24");
  must_run("ip route add unreachable 198.51.100.0/24");
  must_run("ip route add prohibit 203.0.113.0/24");
  EXPECT_EQ(refusal("192.0.2.1"), ErrorClass::not_found);
  EXPECT_EQ(refusal("198.51.100.1"), ErrorClass::not_found);
  EXPECT_EQ(refusal("203.0.113.1"), ErrorClass::not_found);
  EXPECT_EQ(routes_->next_hops_in_use(), 0u);
}

TEST_F(Routes, TellsWhenALinkGoesDownAndComesBack) {
  const unsigned index = if_nametoindex("media0");
  (void)resolved("10.0.0.2");
  settle();
  hops_.clear();
  links_.clear();
  must_run("ip link set media0 down");
  ASSERT_TRUE(wait_until([&] { return !links_.empty() && !hops_.empty(); }));
  EXPECT_EQ(links_.back().interface_index, index);
  EXPECT_TRUE(links_.back().exists);
  EXPECT_FALSE(links_.back().up);
  EXPECT_FALSE(hops_.back().resolved);
  EXPECT_EQ(refusal("10.0.0.2"), ErrorClass::not_found);
  must_run("ip link set media0 up");
  ASSERT_TRUE(wait_until([&] { return links_.back().up; }));
  EXPECT_TRUE(resolved("10.0.0.2").resolved);
}

TEST_F(Routes, TellsWhenALinkIsDeleted) {
  const unsigned index = if_nametoindex("media0");
  (void)resolved("10.0.0.2");
  settle();
  links_.clear();
  must_run("ip link delete media0");
  ASSERT_TRUE(wait_until([&] { return !links_.empty() && !links_.back().exists; }));
  EXPECT_EQ(links_.back().interface_index, index);
  EXPECT_FALSE(links_.back().up);
  EXPECT_EQ(refusal("10.0.0.2"), ErrorClass::not_found);
}

TEST_F(Routes, ReadsAllAgainWhenTheKernelToldTooMuch) {
  (void)resolved("10.0.0.2");
  must_run("ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:98 nud permanent dev media0");
  settle();
  hops_.clear();
  // Far more events than the socket keeps, and the one that matters among the lost.
  const std::string batch = ::testing::TempDir() + "sallyport-neighbours";
  std::FILE* file = std::fopen(batch.c_str(), "w");
  ASSERT_NE(file, nullptr);
  for (int round = 0; round < 60; ++round)
    for (int host = 10; host < 250; ++host)
      std::fprintf(file, "neigh replace 10.0.0.%d lladdr 02:00:00:00:%02x:%02x nud permanent dev media0\n",
                   host, round, host);
  std::fprintf(file, "neigh replace 10.0.0.2 lladdr 02:00:00:00:00:99 nud permanent dev media0\n");
  ASSERT_EQ(std::fclose(file), 0);
  must_run("ip -batch " + batch);
  (void)std::remove(batch.c_str());
  ASSERT_TRUE(wait_until([&] { return !hops_.empty(); }));
  EXPECT_GE(routes_->overruns(), 1u);
  EXPECT_EQ(to_string(hops_.back().mac), "02:00:00:00:00:99");
  EXPECT_TRUE(links_.empty());  // nothing happened to them
}

TEST_F(Routes, SeesThroughVlanInterfaces) {
  if (run("ip link add link media0 name media0.100 type vlan id 100") != 0)
    GTEST_SKIP() << "this kernel has no 802.1Q interfaces";
  must_run("ip address add 10.1.0.1/24 dev media0.100");
  must_run("ip link set media0.100 up");
  must_run("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:01:02 nud permanent dev media0.100");
  const auto hop = resolved("10.1.0.2");
  EXPECT_EQ(hop.vlan, 100);
  EXPECT_EQ(hop.parent_index, if_nametoindex("media0"));
  EXPECT_EQ(hop.key.interface_index, if_nametoindex("media0.100"));
}

}  // namespace

}  // namespace sallyport::test
