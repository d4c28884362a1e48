// SPDX-License-Identifier: GPL-3.0-or-later
// The media plane as the relay logic sees it, in memory: flows and streams that are counted, orders that wait
// until a test answers them.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/media/handshakes.h"
#include "control/media/media_plane.h"
#include "control/media/next_hops.h"

namespace sallyport::control::test {

/// Flows and streams that exist. Each test begins and ends with none.
struct Live {
  static inline int flows = 0;
  static inline int streams = 0;
};

class Engine final : public crypto::SrtpEngine {
 public:
  Result<crypto::InboundStreamPtr> make_inbound(const crypto::SrtpConfig& config) override;
  Result<crypto::OutboundStreamPtr> make_outbound(const crypto::SrtpConfig& config) override;
  void unprotect_rtp(std::span<crypto::InboundPacket>) override {}
  void unprotect_rtcp(std::span<crypto::InboundPacket>) override {}
  void protect_rtp(std::span<crypto::OutboundPacket>) override {}
  void protect_rtcp(std::span<crypto::OutboundPacket>) override {}
  [[nodiscard]] std::string_view description() const override { return "in memory"; }

  int fail_after = -1;  ///< streams that can still be made; -1: any number
};

/// Workers execute orders in sequence when a test says so.
class Plane final : public MediaPlane {
 public:
  explicit Plane(std::size_t workers = 2) : counters_(workers) {}

  [[nodiscard]] std::span<const dataplane::PortInfo> ports() const override { return ports_; }
  [[nodiscard]] std::size_t worker_count() const override { return counters_.size(); }
  [[nodiscard]] std::uint64_t tsc_hz() const override { return 1000; }
  [[nodiscard]] std::uint64_t tsc_now() const override { return now; }
  [[nodiscard]] crypto::SrtpEngine& engine() override { return made; }
  void submit(const dataplane::Command& order) override { orders.push_back(order); }
  [[nodiscard]] dataplane::PortStatistics port_statistics(std::size_t) const override { return {}; }
  [[nodiscard]] const dataplane::WorkerCounters& worker_counters(std::size_t worker) const override {
    return counters_[worker];
  }
  [[nodiscard]] Result<void> ban(const IpAddress&) override { return {}; }
  [[nodiscard]] Result<void> unban(const IpAddress&) override { return {}; }

  /// The next order that is not about next hops, taken out; the others are kept in `next_hops`.
  [[nodiscard]] dataplane::Command take();
  [[nodiscard]] bool idle();

  std::deque<dataplane::Command> orders;
  std::vector<dataplane::Command> next_hops;
  std::uint64_t now = 1000;
  Engine made;

 private:
  std::vector<dataplane::PortInfo> ports_ = std::vector<dataplane::PortInfo>(1);
  std::vector<dataplane::WorkerCounters> counters_;
};

/// Everything outside 198.51.100.0/24 goes through 192.0.2.254; 203.0.113.0/24 has no route.
class Resolver final : public NextHopResolver {
 public:
  [[nodiscard]] Result<Route> lookup(std::uint8_t address, const IpAddress& destination) override;
  void forget(const NextHopName& name) override { --known[name.neighbour.to_string()]; }

  std::map<std::string, int> known;  ///< neighbours given out and not forgotten: table entries, not uses
  std::string gateway = "192.0.2.254";
};

/// The handshake thread: orders wait for a test to look at them.
class HandshakeDouble final : public HandshakePlane {
 public:
  [[nodiscard]] bool has_room() const override { return room; }
  void order(keying::HandshakeOrder order) override { orders.push_back(std::move(order)); }
  [[nodiscard]] keying::InstantMs now() const override { return 0; }

  /// The next order, which must be of this kind.
  template <typename Order>
  [[nodiscard]] Order take() {
    EXPECT_FALSE(orders.empty());
    auto order = std::move(orders.front());
    orders.pop_front();
    EXPECT_TRUE(std::holds_alternative<Order>(order));
    return std::get<Order>(std::move(order));
  }

  std::deque<keying::HandshakeOrder> orders;
  bool room = true;
};

/// What a worker would write.
[[nodiscard]] dataplane::FlowCounters& counters_of(dataplane::Flow& flow);
[[nodiscard]] const dataplane::FlowConfig& config_of(const dataplane::Flow& flow);
/// The flow learned its source.
void latch(dataplane::Flow& flow, const Endpoint& source);

}  // namespace sallyport::control::test
