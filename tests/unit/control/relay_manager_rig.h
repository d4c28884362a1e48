// SPDX-License-Identifier: GPL-3.0-or-later
// A RelayManager whose workers are a test's: orders are taken out one by one and returned as receipts.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/media/relay_manager.h"
#include "tests/unit/control/media_double.h"

namespace sallyport::control {

inline constexpr std::string_view kRelayConfig = R"(
[limits]
relays = 3
[media]
timeout_s = 5
[media.side.access]
device = "eth0"
addresses = ["192.0.2.1", "2001:db8::1"]
ports = "30000-30007"
[media.side.core]
device = "eth0"
addresses = ["198.51.100.1"]
ports = "40000-40007"
dscp = 0
)";

inline KeyMaterial key(std::uint8_t fill) {
  const std::array<std::uint8_t, 30> octets = [fill] {
    std::array<std::uint8_t, 30> made{};
    made.fill(fill);
    return made;
  }();
  KeyMaterial material;
  material.key = Secret<crypto::kMaxMasterKeyLength>(std::span(octets).first(16));
  material.salt = Secret<crypto::kMaxMasterSaltLength>(std::span(octets).last(14));
  return material;
}

inline LegSpec leg(std::string side, std::string_view remote, std::uint8_t first_key = 0) {
  LegSpec spec;
  spec.side = std::move(side);
  spec.remote = Endpoint::parse(remote).value();
  if (first_key == 0) return spec;
  Keying& keying = spec.keying.emplace();
  keying.send = key(first_key);
  keying.receive = key(static_cast<std::uint8_t>(first_key + 1));
  return spec;
}

inline RelaySpec keyed_spec(std::uint8_t first_key = 1) {
  RelaySpec spec;
  spec.legs[0] = leg("access", "10.0.0.1:5000", first_key);
  spec.legs[1] = leg("core", "198.51.100.9:6000", static_cast<std::uint8_t>(first_key + 2));
  return spec;
}

class RelayManagerRig : public testing::Test {
 protected:
  void SetUp() override {
    manager.set_observer([this](const RelayEvent& event) { events.push_back(event); });
  }
  ~RelayManagerRig() override {
    EXPECT_EQ(ports.pool(0).ports_in_use() + ports.pool(1).ports_in_use() + ports.pool(2).ports_in_use(),
              ports_of_living());
  }
  std::size_t ports_of_living() {
    std::size_t count = 0;
    for (const RelayInfo& relay : manager.list(0, 100))
      for (const LegInfo& info : relay.legs) count += info.local_rtp == info.local_rtcp ? 1 : 2;
    return count;
  }
  void expect_nothing_left() {
    EXPECT_EQ(manager.size(), 0U);
    EXPECT_EQ(test::Live::flows, 0);
    EXPECT_EQ(test::Live::streams, 0);
    EXPECT_EQ(hops.in_use(), 0U);
    EXPECT_EQ(manager.operations_under_way(), 0U);
    EXPECT_EQ(manager.relays_on(0) + manager.relays_on(1), 0U);
    for (std::uint8_t address = 0; address < 3; ++address) EXPECT_EQ(ports.pool(address).ports_in_use(), 0U);
    for (const auto& [neighbour, count] : resolver.known) EXPECT_EQ(count, 0) << neighbour;
  }
  template <typename T>
  auto into(std::optional<tl::expected<T, SpecError>>& slot) {
    return [&slot](tl::expected<T, SpecError> answer) { slot.emplace(std::move(answer)); };
  }
  RelayAdded add(RelaySpec spec = keyed_spec()) {
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.add(std::move(spec), into(answer));
    EXPECT_FALSE(answer) << "the answer waits for the receipt";
    manager.on_receipt(plane.take());
    EXPECT_TRUE(answer && *answer);
    return answer && *answer ? **answer : RelayAdded{};
  }
  std::string refused_field(RelaySpec spec) {
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.add(std::move(spec), into(answer));
    EXPECT_TRUE(answer && !*answer);
    return answer && !*answer ? answer->error().field : "accepted";
  }
  void drop(std::uint64_t id) {
    std::optional<tl::expected<std::uint64_t, SpecError>> answer;
    manager.drop(id, into(answer));
    manager.on_receipt(plane.take());
    EXPECT_TRUE(answer && *answer);
  }

  const Config config = parse_config(kRelayConfig, "t.toml").value();
  Limits limits = config.limits;
  test::Plane plane;
  test::Resolver resolver;
  NextHopTable hops{plane, resolver, limits};
  MediaPorts ports{config, limits, 1};
  RelayManager manager{config, limits, plane, hops, ports};
  std::vector<RelayEvent> events;
};

}  // namespace sallyport::control
