// SPDX-License-Identifier: GPL-3.0-or-later
// RelayManager: relays that share a transport (RFC 9143). Who may join whom, what a leg that joins is made
// of, and what is looked at for all of them together.
#include <functional>

#include <gtest/gtest.h>

#include "tests/unit/control/relay_manager_rig.h"

namespace sallyport::control {
namespace {

using dataplane::Command;
using dataplane::CommandKind;
using dataplane::CommandResult;

dataplane::BundleRules rules(std::string mid) {
  dataplane::BundleRules made;
  made.mid = std::move(mid);
  made.mid_extension = 4;
  made.payloads.set(96);
  made.ssrcs = {0x1234};
  return made;
}

/// The first medium of a bundle on leg a.
RelaySpec carrier_spec(std::uint8_t first_key = 1) {
  RelaySpec spec = keyed_spec(first_key);
  spec.legs[0].mux = true;
  spec.legs[0].bundle = rules("0");
  return spec;
}

/// Another, with a leg b of its own.
RelaySpec joining_spec(std::uint64_t carrier, std::uint8_t first_key = 51) {
  RelaySpec spec;
  spec.legs[0].side = "access";
  spec.legs[0].mux = true;
  spec.legs[0].bundle = rules("1");
  spec.legs[0].joins = carrier;
  spec.legs[1] = leg("core", "198.51.100.9:6010", first_key);
  return spec;
}

class RelayBundleTest : public RelayManagerRig {
 protected:
  RelayBundleTest() { limits.set(Limit::relays, 20); }
  ~RelayBundleTest() override { expect_nothing_left(); }

  /// A relay with the flows that it is linked with.
  struct Added {
    std::uint64_t id = 0;
    std::array<dataplane::Flow*, kLegs> flows{};
  };
  Added link(RelaySpec spec) {
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    const std::uint64_t id = manager.add(std::move(spec), into(answer));
    const Command order = plane.take();
    EXPECT_EQ(order.kind, CommandKind::link);
    worker = order.worker;
    manager.on_receipt(order);
    EXPECT_TRUE(answer && *answer);
    return {id, order.flows};
  }
  Command change(std::uint64_t id, RelaySpec spec) {
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.set(id, std::move(spec), into(answer));
    EXPECT_FALSE(answer) << answer->error().field << ": " << answer->error().error.text;
    const Command order = plane.take();
    EXPECT_EQ(order.kind, CommandKind::replace);
    manager.on_receipt(order);
    EXPECT_TRUE(answer && *answer);
    return order;
  }
  std::string set_refused(std::uint64_t id, RelaySpec spec) {
    const auto wrong = manager.check_set(id, spec);
    return wrong ? wrong->field : "accepted";
  }
  std::uint8_t worker = 0;  ///< of the last link
};

TEST_F(RelayBundleTest, ALegThatJoinsHasThePortAndNothingElse) {
  const Added carrier = link(carrier_spec());
  const std::uint8_t carriers_worker = worker;
  const std::size_t hops_before = hops.in_use();
  const Added video = link(joining_spec(carrier.id));
  EXPECT_EQ(worker, carriers_worker);
  EXPECT_EQ(ports.pool(0).ports_in_use(), 1U);
  EXPECT_EQ(hops.in_use(), hops_before) << "the access leg's next hop is the carrier's";
  const auto &first = test::config_of(*carrier.flows[0]), &forth = test::config_of(*video.flows[0]);
  const auto& back = test::config_of(*video.flows[1]);
  EXPECT_TRUE(first.arrival.bundle && !first.arrival.joins);
  EXPECT_TRUE(forth.arrival.joins);
  EXPECT_EQ(forth.arrival.bundle, rules("1"));
  EXPECT_EQ(forth.arrival.rtp_port, first.arrival.rtp_port);
  EXPECT_EQ(forth.arrival.rtcp_port, first.arrival.rtp_port);
  EXPECT_FALSE(forth.arrival.stream);
  EXPECT_TRUE(forth.departure.stream);
  EXPECT_FALSE(forth.departure.joins);
  EXPECT_TRUE(back.departure.joins);
  EXPECT_FALSE(back.departure.stream);
  EXPECT_EQ(back.departure.target[0].port, 0);
  EXPECT_EQ(back.departure.next_hop[0], dataplane::kNoNextHop);
  EXPECT_EQ(back.departure.rtp_port, first.arrival.rtp_port);
  EXPECT_EQ(back.departure.local, ports.endpoint(manager.ports_of(carrier.id, Leg::a)).address);
  const RelayInfo shown = manager.show(video.id).value();
  EXPECT_EQ(shown.legs[0].bundled_with, carrier.id);
  EXPECT_FALSE(shown.legs[1].bundled_with);
  EXPECT_EQ(shown.legs[0].local_rtp, manager.show(carrier.id)->legs[0].local_rtp);
  EXPECT_EQ(shown.legs[0].target_rtp.to_string(), "10.0.0.1:5000");
  EXPECT_TRUE(shown.legs[0].reachable);
  EXPECT_EQ(shown.legs[0].suite, manager.show(carrier.id)->legs[0].suite);
  EXPECT_FALSE(manager.show(carrier.id)->legs[0].bundled_with);
  drop(video.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, WhetherKeysAreAwaitedIsTheCarriersMatter) {
  RelaySpec spec = carrier_spec();
  spec.legs[0].keying.reset();
  spec.legs[0].awaits_keys.fill(true);
  const Added carrier = link(std::move(spec));
  RelaySpec second = joining_spec(carrier.id);
  second.legs[0].awaits_keys.fill(true);
  const Added video = link(second.duplicate());
  (void)change(carrier.id, carrier_spec());
  EXPECT_TRUE(manager.show(video.id)->legs[0].suite) << "no order of its own";
  drop(video.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, BothLegsMayJoin) {
  RelaySpec spec = carrier_spec();
  spec.legs[1].mux = true;
  spec.legs[1].bundle = rules("a");
  const Added carrier = link(std::move(spec));
  RelaySpec second = joining_spec(carrier.id);
  second.legs[1] = {};
  second.legs[1].side = "core";
  second.legs[1].mux = true;
  second.legs[1].bundle = rules("b");
  second.legs[1].joins = carrier.id;
  const Added video = link(std::move(second));
  EXPECT_EQ(ports.pool(0).ports_in_use() + ports.pool(2).ports_in_use(), 2U);
  EXPECT_TRUE(test::config_of(*video.flows[0]).departure.joins);
  EXPECT_TRUE(test::config_of(*video.flows[1]).arrival.joins);
  drop(carrier.id);
  drop(video.id);
}

TEST_F(RelayBundleTest, RefusesWhatCannotBeJoined) {
  const Added carrier = link(carrier_spec());
  const Added alone = link(keyed_spec(11));
  const Added video = link(joining_spec(carrier.id));
  struct Case {
    const char* what;
    std::function<void(LegSpec&)> change;
    const char* field;
  };
  const Case cases[] = {
      {"nobody", [](auto& a) { a.joins = 4711; }, "a.joins"},
      {"a relay without a bundle", [&](auto& a) { a.joins = alone.id; }, "a.joins"},
      {"one that has joined itself", [&](auto& a) { a.joins = video.id; }, "a.joins"},
      {"another side", [](auto& a) { a.side = "core"; }, "a.side"},
      {"without rules", [](auto& a) { a.bundle.reset(); }, "a.bundle"},
      {"not muxed", [](auto& a) { a.mux = false; }, "a.mux"},
      {"a key", [](auto& a) { a.keying = leg("access", "10.0.0.1:5000", 31).keying->duplicate(); },
       "a.send_key"},
      {"a handshake", [](auto& a) { a.handshakes.dtls = true; }, "a.handshakes"},
      {"the name of one", [](auto& a) { a.handshake_leg = 9; }, "a.handshakes"},
      {"end to end", [](auto& a) { a.end_to_end = true; }, "a.end_to_end"},
      {"a long MID", [](auto& a) { a.bundle->mid = std::string(dataplane::kMaxMidLength + 1, 'm'); },
       "a.bundle"},
      {"many SSRCs", [](auto& a) { a.bundle->ssrcs.resize(dataplane::kMaxSignalledSsrcs + 1); }, "a.bundle"},
  };
  for (const Case& entry : cases) {
    RelaySpec spec = joining_spec(carrier.id, 61);
    entry.change(spec.legs[0]);
    EXPECT_EQ(refused_field(std::move(spec)), entry.field) << entry.what;
  }
  RelaySpec unmuxed = carrier_spec(71);
  unmuxed.legs[0].mux = false;
  EXPECT_EQ(refused_field(std::move(unmuxed)), "a.mux");
  EXPECT_TRUE(plane.idle());
  drop(video.id);
  drop(alone.id);
  drop(carrier.id);
  EXPECT_EQ(refused_field(joining_spec(carrier.id)), "a.joins") << "it has gone";
}

TEST_F(RelayBundleTest, NobodyJoinsARelayThatIsBeingDropped) {
  const Added carrier = link(carrier_spec());
  manager.drop(carrier.id, [](const auto&) {});
  EXPECT_EQ(refused_field(joining_spec(carrier.id)), "a.joins");
  manager.on_receipt(plane.take());
}

TEST_F(RelayBundleTest, BundlesOfDifferentWorkersAreNotJoinedByOne) {
  const Added first = link(carrier_spec());
  RelaySpec spec = keyed_spec(11);
  spec.legs[1].mux = true;
  spec.legs[1].bundle = rules("0");
  const Added second = link(std::move(spec));
  ASSERT_NE(manager.worker_of(first.id), manager.worker_of(second.id));
  RelaySpec both = joining_spec(first.id);
  both.legs[1] = {};
  both.legs[1].side = "core";
  both.legs[1].mux = true;
  both.legs[1].bundle = rules("1");
  both.legs[1].joins = second.id;
  EXPECT_EQ(refused_field(std::move(both)), "b.joins");
  drop(first.id);
  drop(second.id);
}

TEST_F(RelayBundleTest, ABundleHasSoManyMedia) {
  // Leg b has eight ports: one each.
  const auto member = [&](std::uint64_t carrier, std::uint8_t first_key) {
    RelaySpec spec = joining_spec(carrier, first_key);
    spec.legs[1].mux = true;
    return spec;
  };
  RelaySpec first = carrier_spec();
  first.legs[1].mux = true;
  const Added carrier = link(std::move(first));
  std::vector<std::uint64_t> ids;
  for (std::uint8_t i = 1; i < dataplane::kMaxBundleMembers; ++i)
    ids.push_back(link(member(carrier.id, static_cast<std::uint8_t>(50 + 2 * i))).id);
  EXPECT_EQ(limits.refusals(Limit::bundle_media), 0U);
  EXPECT_EQ(refused_field(member(carrier.id, 101)), "a.joins");
  EXPECT_EQ(limits.refusals(Limit::bundle_media), 1U);
  (void)change(ids[0], member(carrier.id, 52));  // who has joined may change
  // Who goes makes room at once, since orders keep their sequence; its port on leg b comes with the receipt.
  manager.drop(ids[0], [](const auto&) {});
  EXPECT_EQ(refused_field(member(carrier.id, 111)), "b.side");
  EXPECT_EQ(limits.refusals(Limit::bundle_media), 1U);
  manager.drop_all([](std::uint64_t) {});
  while (!plane.idle()) manager.on_receipt(plane.take());
}

TEST_F(RelayBundleTest, ChangesOfACarrierAreItsOwn) {
  const Added carrier = link(carrier_spec());
  const Added video = link(joining_spec(carrier.id));
  RelaySpec moved = carrier_spec(21);
  moved.legs[0].remote = Endpoint::parse("10.0.0.77:7000").value();
  (void)change(carrier.id, std::move(moved));
  EXPECT_TRUE(plane.idle()) << "the worker takes along who joined";
  EXPECT_EQ(manager.show(video.id)->legs[0].target_rtp.to_string(), "10.0.0.77:7000");
  RelaySpec alone = carrier_spec(31);
  alone.legs[0].bundle.reset();
  EXPECT_EQ(set_refused(carrier.id, std::move(alone)), "a.bundle");
  RelaySpec itself = carrier_spec(31);
  itself.legs[0].keying.reset();
  itself.legs[0].joins = carrier.id;
  EXPECT_EQ(set_refused(carrier.id, std::move(itself)), "a.bundle");
  manager.drop(video.id, [](const auto&) {});
  RelaySpec last = carrier_spec(31);
  last.legs[0].bundle.reset();
  EXPECT_EQ(set_refused(carrier.id, std::move(last)), "accepted") << "nobody is left";
  manager.on_receipt(plane.take());
  drop(carrier.id);
}

TEST_F(RelayBundleTest, ChangesOfWhoJoined) {
  const Added carrier = link(carrier_spec());
  const Added video = link(joining_spec(carrier.id));
  const Command order = change(video.id, joining_spec(carrier.id, 81));
  EXPECT_TRUE(test::config_of(*order.replacements[0]).arrival.joins);
  EXPECT_FALSE(test::config_of(*order.replacements[0]).succeeds.source);
  EXPECT_EQ(ports.pool(0).ports_in_use(), 1U);
  RelaySpec own = keyed_spec(91);
  EXPECT_EQ(set_refused(video.id, std::move(own)), "a.joins");
  EXPECT_EQ(set_refused(video.id, joining_spec(video.id, 91)), "a.joins");
  drop(carrier.id);
  EXPECT_EQ(set_refused(video.id, joining_spec(carrier.id, 91)), "a.joins") << "its carrier has gone";
  const RelayInfo orphan = manager.show(video.id).value();
  EXPECT_EQ(orphan.legs[0].bundled_with, carrier.id);
  EXPECT_FALSE(orphan.legs[0].suite);
  EXPECT_FALSE(orphan.legs[0].reachable);
  drop(video.id);
}

TEST_F(RelayBundleTest, ALegMayJoinLaterAndGivesItsPortsBack) {
  const Added carrier = link(carrier_spec());
  // So that the next one has the same worker.
  const Added other_worker = link(keyed_spec(11));
  const Added video = link(keyed_spec(31));
  ASSERT_EQ(manager.worker_of(video.id), manager.worker_of(carrier.id));
  EXPECT_EQ(set_refused(other_worker.id, joining_spec(carrier.id)), "a.joins");
  EXPECT_EQ(ports.pool(0).ports_in_use(), 5U);
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  plane.made.fail_after = 0;
  manager.set(video.id, joining_spec(carrier.id, 71), into(answer));
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(ports_of_living(), 11U) << "what is refused changes nothing";
  plane.made.fail_after = -1;
  manager.set(video.id, joining_spec(carrier.id, 71), into(answer));
  EXPECT_EQ(ports.pool(0).ports_in_use(), 5U) << "the worker has the old flows until the receipt";
  const Command order = plane.take();
  EXPECT_EQ(test::config_of(*order.replacements[0]).arrival.rtp_port,
            test::config_of(*carrier.flows[0]).arrival.rtp_port);
  manager.on_receipt(order);
  EXPECT_TRUE(*answer);
  EXPECT_EQ(ports.pool(0).ports_in_use(), 3U);
  EXPECT_EQ(manager.show(video.id)->legs[0].bundled_with, carrier.id);
  drop(video.id);
  drop(other_worker.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, LeasedPortsOfALegThatJoinsGoBack) {
  const Added carrier = link(carrier_spec());
  LegPorts taken;
  taken[0] = ports.take(0, LegSpec{}).value();
  taken[1] = ports.take(1, LegSpec{}).value();
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  const std::uint64_t id = manager.add(joining_spec(carrier.id), into(answer), std::move(taken));
  EXPECT_EQ(ports.pool(0).ports_in_use(), 1U);
  manager.on_receipt(plane.take());
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->rtp[0], manager.show(carrier.id)->legs[0].local_rtp);
  drop(id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, ALinkThatItsWorkerRefusesLeavesNothing) {
  const Added carrier = link(carrier_spec());
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(joining_spec(carrier.id), into(answer));
  Command order = plane.take();
  order.result = CommandResult::no_carrier;
  manager.on_receipt(order);
  ASSERT_TRUE(answer && !*answer);
  RelaySpec alone = carrier_spec(31);
  alone.legs[0].bundle.reset();
  EXPECT_EQ(set_refused(carrier.id, std::move(alone)), "accepted") << "nobody has joined";
  drop(carrier.id);
}

TEST_F(RelayBundleTest, RoutesOfASharedLegAreLookedUpForItsCarrier) {
  const Added carrier = link(carrier_spec());
  const Added video = link(joining_spec(carrier.id));
  resolver.gateway = "192.0.2.253";
  manager.routes_changed();
  manager.scan(10);
  std::size_t retargeted = 0;
  while (!plane.idle()) {
    const Command order = plane.take();
    EXPECT_EQ(order.flows[0], carrier.flows[1]);
    manager.on_receipt(order);
    ++retargeted;
  }
  EXPECT_EQ(retargeted, 2U) << "RTP and RTCP";
  drop(video.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, ACarrierIsAliveWhileAnyMediumIs) {
  const Added carrier = link(carrier_spec());
  const Added video = link(joining_spec(carrier.id));
  plane.now += 4000;
  test::counters_of(*video.flows[0]).last_seen.set(plane.now);
  plane.now += 1000;
  manager.scan(10);
  EXPECT_TRUE(events.empty());
  test::counters_of(*carrier.flows[0]).last_seen.set(plane.now);
  plane.now += 4000;
  manager.scan(10);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].relay, video.id) << "each medium that joined has a silence of its own";
  plane.now += 1000;
  manager.scan(10);
  EXPECT_EQ(events.size(), 2U);
  drop(video.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, AnyMediumVerifiesTheKeysOfAll) {
  RelaySpec spec = carrier_spec();
  spec.legs[0].handshake_leg = 7;
  const Added carrier = link(spec.duplicate());
  const Added video = link(joining_spec(carrier.id));
  test::counters_of(*video.flows[0]).packets[0].set(5);
  RelaySpec rekeyed = carrier_spec(21);
  rekeyed.legs[0].handshake_leg = 7;
  (void)change(carrier.id, std::move(rekeyed));
  events.clear();
  manager.scan(10);
  EXPECT_TRUE(events.empty()) << "what came under the keys before says nothing";
  test::counters_of(*video.flows[0]).packets[0].set(6);
  manager.scan(10);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, RelayEvent::Kind::verified);
  EXPECT_EQ(events[0].relay, carrier.id);
  drop(video.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, WhatArrivesSealedIsCapturedAtTheCarrier) {
  const Added carrier = link(carrier_spec());
  const Added video = link(joining_spec(carrier.id));
  std::optional<tl::expected<std::uint64_t, SpecError>> answer;
  manager.capture(video.id, Leg::a, true, false, into(answer));
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().field, "mode");
  answer.reset();
  manager.capture(video.id, Leg::a, false, true, into(answer));
  manager.on_receipt(plane.take());
  EXPECT_TRUE(answer && *answer);
  answer.reset();
  manager.capture(video.id, Leg::b, true, false, into(answer));
  manager.on_receipt(plane.take());
  EXPECT_TRUE(answer && *answer);
  drop(video.id);
  drop(carrier.id);
}

TEST_F(RelayBundleTest, ACarrierMayGoFirst) {
  const Added carrier = link(carrier_spec());
  const Added video = link(joining_spec(carrier.id));
  manager.drop(carrier.id, [](const auto&) {});
  manager.drop(video.id, [](const auto&) {});
  const Command first = plane.take(), second = plane.take();
  manager.on_receipt(second);
  manager.scan(10);
  manager.on_receipt(first);
}

}  // namespace
}  // namespace sallyport::control
