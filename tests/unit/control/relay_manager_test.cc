// SPDX-License-Identifier: GPL-3.0-or-later
// RelayManager: what it orders from workers, and that every way to fail gives ports, flows, keys and next
// hops back.
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/control/relay_manager_rig.h"

namespace sallyport::control {
namespace {

using dataplane::Command;
using dataplane::CommandKind;
using dataplane::CommandResult;
using dataplane::Component;

using RelayManagerTest = RelayManagerRig;

TEST_F(RelayManagerTest, FlowsAreEachOthersReverse) {
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(keyed_spec(), into(answer));
  const Command order = plane.take();
  ASSERT_EQ(order.kind, CommandKind::link);
  const auto &ab = test::config_of(*order.flows[0]), &ba = test::config_of(*order.flows[1]);
  EXPECT_EQ(ab.arrival.address, 0);
  EXPECT_EQ(ab.arrival.rtp_port, ba.departure.rtp_port);
  EXPECT_EQ(ab.arrival.rtcp_port, ab.arrival.rtp_port + 1);
  EXPECT_EQ(ba.arrival.rtp_port, ab.departure.rtp_port);
  EXPECT_EQ(ab.arrival.source[0].to_string(), "10.0.0.1:5000");
  EXPECT_EQ(ab.arrival.source[1].to_string(), "10.0.0.1:5001");
  EXPECT_EQ(ab.departure.target[0].to_string(), "198.51.100.9:6000");
  EXPECT_EQ(ab.departure.local.to_string(), "198.51.100.1");
  EXPECT_EQ(ab.departure.dscp, 0);
  EXPECT_EQ(ba.departure.dscp, 46);
  EXPECT_NE(ab.departure.next_hop[0], dataplane::kNoNextHop);
  EXPECT_NE(ab.departure.next_hop[0], ba.departure.next_hop[0]);
  EXPECT_TRUE(ab.arrival.stream && ab.departure.stream && ba.arrival.stream && ba.departure.stream);
  // Both workers learned both next hops before the flows that use them.
  EXPECT_EQ(plane.next_hops.size(), 4U);
  manager.on_receipt(order);
  drop((*answer)->id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, LocalPortsAreTold) {
  const RelayAdded added = add();
  EXPECT_EQ(added.rtp[0].address.to_string(), "192.0.2.1");
  EXPECT_EQ(added.rtp[0].port % 2, 0);
  EXPECT_EQ(added.rtcp[0].port, added.rtp[0].port + 1);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, MuxedLegHasOnePort) {
  RelaySpec spec = keyed_spec();
  spec.legs[0].mux = true;
  const RelayAdded added = add(std::move(spec));
  EXPECT_EQ(added.rtp[0], added.rtcp[0]);
  EXPECT_EQ(ports.pool(0).ports_in_use(), 1U);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, FamilyOfTheRemoteChoosesTheAddress) {
  RelaySpec spec = keyed_spec();
  spec.legs[0].remote = Endpoint::parse("[2001:db8::9]:5000").value();
  const RelayAdded added = add(std::move(spec));
  EXPECT_EQ(added.rtp[0].address.to_string(), "2001:db8::1");
  drop(added.id);
}

TEST_F(RelayManagerTest, WorkersShareTheLoad) {
  const RelayAdded first = add(keyed_spec(1)), second = add(keyed_spec(11));
  EXPECT_NE(first.worker, second.worker);
  drop(first.id);
  drop(second.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, UnknownSideIsRefusedAndFreesTheOthersPorts) {
  RelaySpec spec = keyed_spec();
  spec.legs[1].side = "nowhere";
  EXPECT_EQ(refused_field(std::move(spec)), "b.side");
  expect_nothing_left();
}

TEST_F(RelayManagerTest, SideWithoutTheFamilyIsRefused) {
  RelaySpec spec = keyed_spec();
  spec.legs[1].remote = Endpoint::parse("[2001:db8::9]:5000").value();
  EXPECT_EQ(refused_field(std::move(spec)), "b.side");
  expect_nothing_left();
}

TEST_F(RelayManagerTest, SpecIsCheckedBeforeAnythingIsTaken) {
  RelaySpec spec = keyed_spec();
  spec.legs[1].keying->send = key(1);
  EXPECT_EQ(refused_field(std::move(spec)), "b.send_key");
  expect_nothing_left();
}

TEST_F(RelayManagerTest, EveryStreamThatFailsFreesAll) {
  for (int good = 0; good < 4; ++good) {
    plane.made.fail_after = good;
    const std::string expected[] = {"a.receive_key", "a.send_key", "b.receive_key", "b.send_key"};
    EXPECT_EQ(refused_field(keyed_spec()), expected[good]);
    expect_nothing_left();
  }
}

TEST_F(RelayManagerTest, PortsRunOut) {
  limits.set(Limit::relays, 100);
  std::vector<std::uint64_t> ids;
  for (std::uint8_t i = 0; i < 4; ++i)
    ids.push_back(add(keyed_spec(static_cast<std::uint8_t>(1 + 10 * i))).id);
  EXPECT_EQ(refused_field(keyed_spec(91)), "a.side");
  EXPECT_EQ(limits.refusals(Limit::media_ports), 1U);
  drop(ids.front());
  ids.front() = add(keyed_spec(91)).id;
  for (const std::uint64_t id : ids) drop(id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, LimitOfRelaysIsCounted) {
  std::vector<std::uint64_t> ids;
  for (std::uint8_t i = 0; i < 3; ++i)
    ids.push_back(add(keyed_spec(static_cast<std::uint8_t>(1 + 10 * i))).id);
  EXPECT_EQ(refused_field(keyed_spec(91)), "");
  EXPECT_EQ(limits.refusals(Limit::relays), 1U);
  for (const std::uint64_t id : ids) drop(id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, WorkerThatRefusesTheLinkFreesAll) {
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(keyed_spec(), into(answer));
  Command order = plane.take();
  order.result = CommandResult::port_in_use;
  manager.on_receipt(order);
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().error.error_class, ErrorClass::internal);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, DropWhileLinkingWaitsForBothReceipts) {
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(keyed_spec(), into(answer));
  std::uint64_t dropped = 99;
  manager.drop_all([&](std::uint64_t count) { dropped = count; });
  Command link = plane.take(), unlink = plane.take();
  ASSERT_EQ(unlink.kind, CommandKind::unlink);
  link.result = CommandResult::port_in_use;
  manager.on_receipt(link);
  EXPECT_EQ(test::Live::flows, 2) << "the worker has the second order still";
  unlink.result = CommandResult::not_linked;
  manager.on_receipt(unlink);
  EXPECT_EQ(dropped, 1U);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, NothingIsFreedBeforeTheReceiptOfADrop) {
  const RelayAdded added = add();
  std::optional<tl::expected<std::uint64_t, SpecError>> answer;
  manager.drop(added.id, into(answer));
  EXPECT_EQ(test::Live::flows, 2);
  EXPECT_EQ(ports.pool(0).ports_in_use(), 2U);
  EXPECT_FALSE(manager.show(added.id)) << "a relay that is being dropped is gone for clients";
  std::optional<tl::expected<std::uint64_t, SpecError>> second;
  manager.drop(added.id, into(second));
  EXPECT_TRUE(second && !*second);
  manager.on_receipt(plane.take());
  EXPECT_TRUE(answer && *answer);
  expect_nothing_left();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().kind, RelayEvent::Kind::ended);
}

TEST_F(RelayManagerTest, UnknownRelays) {
  std::optional<tl::expected<std::uint64_t, SpecError>> dropped, captured;
  std::optional<tl::expected<RelayAdded, SpecError>> changed;
  manager.drop(7, into(dropped));
  manager.capture(7, Leg::a, true, false, into(captured));
  manager.set(7, keyed_spec(), into(changed));
  EXPECT_EQ(dropped->error().error.error_class, ErrorClass::not_found);
  EXPECT_EQ(captured->error().error.error_class, ErrorClass::not_found);
  EXPECT_EQ(changed->error().error.error_class, ErrorClass::not_found);
  EXPECT_TRUE(plane.idle());
}

TEST_F(RelayManagerTest, SetReplacesFlowsAndKeepsPorts) {
  const RelayAdded added = add();
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  RelaySpec next = keyed_spec(51);
  next.legs[0].remote = Endpoint::parse("10.0.0.77:7000").value();
  manager.set(added.id, std::move(next), into(answer));
  EXPECT_EQ(test::Live::flows, 4) << "the worker uses the old ones until the receipt";
  const Command order = plane.take();
  ASSERT_EQ(order.kind, CommandKind::replace);
  EXPECT_NE(dataplane::id(*order.flows[0]), dataplane::id(*order.replacements[0]));
  EXPECT_EQ(test::config_of(*order.replacements[0]).arrival.source[0].to_string(), "10.0.0.77:7000");
  manager.on_receipt(order);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->rtp, added.rtp);
  EXPECT_EQ(test::Live::flows, 2);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, SetRefusesWhatWouldHarm) {
  const RelayAdded added = add(keyed_spec(1));
  const auto refused = [&](RelaySpec spec) {
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.set(added.id, std::move(spec), into(answer));
    EXPECT_TRUE(answer && !*answer);
    return answer && !*answer ? answer->error().field : "accepted";
  };
  RelaySpec moved = keyed_spec(51);
  moved.legs[0].side = "core";
  EXPECT_EQ(refused(std::move(moved)), "a.side");
  RelaySpec family = keyed_spec(51);
  family.legs[0].remote = Endpoint::parse("[2001:db8::9]:5000").value();
  EXPECT_EQ(refused(std::move(family)), "a.remote");
  plane.made.fail_after = 2;
  EXPECT_EQ(refused(keyed_spec(51)), "b.receive_key");
  plane.made.fail_after = -1;
  EXPECT_EQ(ports_of_living(), 4U) << "the relay has its ports still";
  EXPECT_TRUE(plane.idle());
  drop(added.id);
  expect_nothing_left();
}

// Keys of keyed_spec(1): 1 and 2 on leg a, 3 and 4 on leg b.
TEST_F(RelayManagerTest, SetRefusesKeysWhoseStreamsWouldStartOver) {
  const RelayAdded added = add(keyed_spec(1));
  struct Case {
    const char* what;
    std::function<void(RelaySpec&)> change;
    const char* field;
  };
  const Case cases[] = {
      {"directions swapped", [](auto& s) { std::swap(s.legs[0].keying->send, s.legs[0].keying->receive); },
       "a.send_key"},
      {"legs swapped", [](auto& s) { std::swap(s.legs[0].keying->send, s.legs[1].keying->send); },
       "a.send_key"},
      {"one key moves",
       [](auto& s) {
         s.legs[0].keying->send = key(77);
         s.legs[1].keying->receive = key(1);
       },
       "b.receive_key"},
      {"another salt", [](auto& s) { s.legs[0].keying->receive.salt = key(9).salt.duplicate(); },
       "a.receive_key"},
      {"an MKI", [](auto& s) { s.legs[1].keying->send.mki_length = 1; }, "b.send_key"},
      {"another suite", [](auto& s) { s.legs[1].keying->suite = crypto::SuiteId::aes_cm_128_hmac_sha1_32; },
       "b.send_key"},
      {"RTCP in clear", [](auto& s) { s.legs[0].keying->unencrypted_srtcp = true; }, "a.send_key"},
  };
  for (const Case& entry : cases) {
    RelaySpec spec = keyed_spec(1);
    entry.change(spec);
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.set(added.id, std::move(spec), into(answer));
    ASSERT_TRUE(answer && !*answer) << entry.what;
    EXPECT_EQ(answer->error().field, entry.field) << entry.what;
    EXPECT_EQ(answer->error().error.error_class, ErrorClass::refused) << entry.what;
  }
  EXPECT_TRUE(plane.idle());
  EXPECT_EQ(test::Live::streams, 4);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, SetKeepsTheStreamsWhoseKeysStay) {
  const RelayAdded added = add(keyed_spec(1));
  const auto change = [&](RelaySpec spec) {
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.set(added.id, std::move(spec), into(answer));
    const Command order = plane.take();
    EXPECT_EQ(order.kind, CommandKind::replace);
    manager.on_receipt(order);
    EXPECT_TRUE(answer && *answer);
    return std::array{order.replacements[0], order.replacements[1]};
  };
  RelaySpec moved = keyed_spec(1);
  moved.legs[0].remote = Endpoint::parse("10.0.0.77:7000").value();
  const auto same = change(std::move(moved));
  for (const dataplane::Flow* flow : same) {
    EXPECT_TRUE(test::config_of(*flow).succeeds.inbound && test::config_of(*flow).succeeds.outbound);
    EXPECT_NE(dataplane::inbound_stream(*flow), nullptr) << "the new flow owns the old stream";
    EXPECT_NE(dataplane::outbound_stream(*flow), nullptr);
  }
  EXPECT_EQ(test::Live::streams, 4) << "none was made";
  // A new key of the peer of leg b, beside three that stay.
  RelaySpec rekeyed = keyed_spec(1);
  rekeyed.legs[1].keying->receive = key(44);
  const auto one_new = change(std::move(rekeyed));
  EXPECT_TRUE(test::config_of(*one_new[0]).succeeds.inbound);
  EXPECT_TRUE(test::config_of(*one_new[0]).succeeds.outbound);
  EXPECT_FALSE(test::config_of(*one_new[1]).succeeds.inbound);
  EXPECT_TRUE(test::config_of(*one_new[1]).succeeds.outbound);
  EXPECT_EQ(test::Live::streams, 4);
  // The one that it had is spent, also after the leg was in clear meanwhile.
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.set(added.id, keyed_spec(1), into(answer));
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().field, "b.receive_key");
  RelaySpec clear = keyed_spec(1);
  clear.legs[0].keying.reset();
  clear.legs[1].keying->receive = key(44);
  (void)change(std::move(clear));
  EXPECT_EQ(test::Live::streams, 2);
  manager.set(added.id, keyed_spec(1), into(answer));
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().field, "a.send_key");
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, StreamsThatWereToGoOnEndWithADropOrARefusal) {
  for (const bool dropped : {true, false}) {
    const RelayAdded added = add(keyed_spec(1));
    std::optional<tl::expected<RelayAdded, SpecError>> answer;
    manager.set(added.id, keyed_spec(1), into(answer));
    Command replace = plane.take();
    if (dropped) manager.drop(added.id, [](const auto&) {});
    replace.result = dropped ? CommandResult::done : CommandResult::not_linked;
    manager.on_receipt(replace);
    EXPECT_EQ(answer && *answer, dropped);
    if (dropped) manager.on_receipt(plane.take());
    expect_nothing_left();
  }
}

TEST_F(RelayManagerTest, ARelayHasHadSoManyKeys) {
  limits.set(Limit::relay_keys, 8);
  const RelayAdded added = add(keyed_spec(1));
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  for (const int first : {11, 21}) {
    manager.set(added.id, keyed_spec(static_cast<std::uint8_t>(first)), into(answer));
    manager.on_receipt(plane.take());
    EXPECT_TRUE(*answer);
  }
  manager.set(added.id, keyed_spec(31), into(answer));
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().error.error_class, ErrorClass::exhausted);
  EXPECT_EQ(limits.refusals(Limit::relay_keys), 1U);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, AddTakesPortsThatWereLeasedBefore) {
  const auto leases = [&] {
    LegPorts taken;
    taken[0] = ports.take(0, LegSpec{}).value();
    taken[1] = ports.take(1, LegSpec{}).value();
    return taken;
  };
  LegPorts good = leases();
  const Endpoint told = ports.endpoint(good[0]);
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  const std::uint64_t id = manager.add(keyed_spec(), into(answer), std::move(good));
  manager.on_receipt(plane.take());
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->id, id);
  EXPECT_EQ((*answer)->rtp[0], told);
  drop(id);

  LegPorts crossed = leases();
  std::swap(crossed[0], crossed[1]);
  EXPECT_EQ(manager.add(keyed_spec(), into(answer), std::move(crossed)), 0U);
  EXPECT_EQ(answer->error().field, "a.side");
  RelaySpec family = keyed_spec();
  family.legs[0].remote = Endpoint::parse("[2001:db8::9]:5000").value();
  EXPECT_EQ(manager.add(std::move(family), into(answer), leases()), 0U);
  EXPECT_EQ(answer->error().field, "a.remote");
  LegSpec muxed;
  muxed.mux = true;
  LegPorts single = leases();
  single[1] = ports.take(1, muxed).value();
  EXPECT_EQ(manager.add(keyed_spec(), into(answer), std::move(single)), 0U);
  EXPECT_EQ(answer->error().field, "b.mux");
  expect_nothing_left();
}

TEST_F(RelayManagerTest, HeldLegsMayBeSilent) {
  RelaySpec spec = keyed_spec(1);
  spec.legs[0].expects_media = spec.legs[1].expects_media = false;
  const RelayAdded added = add(std::move(spec));
  plane.now += 50000;
  manager.scan(10);
  EXPECT_TRUE(events.empty()) << "nobody may send";
  manager.expect_media(added.id, {false, true});
  EXPECT_TRUE(plane.idle()) << "no matter of the worker's";
  manager.scan(10);
  EXPECT_TRUE(events.empty()) << "the time on hold does not count";
  plane.now += 5000;
  manager.scan(10);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, RelayEvent::Kind::media_timeout);
  manager.expect_media(4711, {true, true});
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, LatchedAddressesStayWhileTheSignalledOnesDo) {
  RelaySpec spec = keyed_spec(1);
  spec.legs[0].policy = dataplane::SourcePolicy::latch;
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(std::move(spec), into(answer));
  const Command link = plane.take();
  manager.on_receipt(link);
  const std::uint64_t id = (*answer)->id;
  test::latch(*link.flows[0], Endpoint::parse("10.9.9.9:1234").value());
  const auto changed = [&](std::string_view remote, bool mux) {
    RelaySpec next = keyed_spec(1);
    next.legs[0].policy = dataplane::SourcePolicy::latch;
    next.legs[0].remote = Endpoint::parse(remote).value();
    next.legs[0].mux = mux;
    manager.set(id, std::move(next), into(answer));
    const Command order = plane.take();
    manager.on_receipt(order);
    const auto& from = test::config_of(*order.replacements[0]);
    EXPECT_EQ(from.arrival.source[0], test::config_of(*order.replacements[1]).departure.target[0]);
    return std::pair(from.arrival.source[0].to_string(), from.succeeds.source);
  };
  EXPECT_EQ(changed("10.0.0.1:5000", false), std::pair(std::string("10.9.9.9:1234"), true));
  EXPECT_EQ(changed("10.0.0.1:5000", true), std::pair(std::string("10.0.0.1:5000"), false));
  EXPECT_EQ(changed("10.0.0.2:5000", true), std::pair(std::string("10.0.0.2:5000"), false));
  drop(id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, SecondChangeWaitsForTheFirst) {
  const RelayAdded added = add();
  std::optional<tl::expected<RelayAdded, SpecError>> first, second;
  manager.set(added.id, keyed_spec(51), into(first));
  manager.set(added.id, keyed_spec(61), into(second));
  ASSERT_TRUE(second && !*second);
  EXPECT_EQ(second->error().error.error_class, ErrorClass::refused);
  manager.on_receipt(plane.take());
  EXPECT_TRUE(first && *first);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, ChangeThatTheWorkerRefusesEndsTheRelay) {
  const RelayAdded added = add();
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.set(added.id, keyed_spec(51), into(answer));
  Command order = plane.take();
  order.result = CommandResult::not_linked;
  manager.on_receipt(order);
  EXPECT_TRUE(answer && !*answer);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, LatchingGivesTheReverseFlowItsNextHop) {
  RelaySpec spec = keyed_spec();
  spec.legs[0].policy = dataplane::SourcePolicy::latch;
  spec.legs[0].remote.reset();
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(std::move(spec), into(answer));
  const Command link = plane.take();
  EXPECT_EQ(test::config_of(*link.flows[1]).departure.next_hop[0], dataplane::kNoNextHop);
  manager.on_receipt(link);
  dataplane::Event event;
  event.flow_id = dataplane::id(*link.flows[0]);
  event.endpoint = Endpoint::parse("10.9.9.9:1234").value();
  manager.on_event(event);
  const Command order = plane.take();
  ASSERT_EQ(order.kind, CommandKind::retarget);
  EXPECT_EQ(order.flows[0], link.flows[1]);
  EXPECT_NE(order.next_hop_id, dataplane::kNoNextHop);
  manager.on_receipt(order);
  drop((*answer)->id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, NewsOfReplacedOrUnknownFlowsIsIgnored) {
  const RelayAdded added = add();
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.set(added.id, keyed_spec(51), into(answer));
  manager.on_receipt(plane.take());
  dataplane::Event event;
  event.endpoint = Endpoint::parse("10.9.9.9:1234").value();
  event.flow_id = flow_id(added.id, 0, Leg::a);
  manager.on_event(event);
  event.flow_id = flow_id(4711, 0, Leg::a);
  manager.on_event(event);
  EXPECT_TRUE(plane.idle());
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, UnreachablePeerIsToldAndTheRelayStands) {
  RelaySpec spec = keyed_spec();
  spec.legs[0].remote = Endpoint::parse("203.0.113.5:5000").value();
  const RelayAdded added = add(std::move(spec));
  ASSERT_EQ(events.size(), 1U) << "once for RTP and RTCP together";
  EXPECT_EQ(events[0].kind, RelayEvent::Kind::unreachable);
  EXPECT_FALSE(manager.show(added.id)->legs[0].reachable);
  EXPECT_TRUE(manager.show(added.id)->legs[1].reachable);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, NewRoutesMoveTargets) {
  const RelayAdded added = add();
  resolver.gateway = "192.0.2.253";
  manager.routes_changed();
  manager.scan(10);
  // RTP and RTCP towards leg a; leg b's peer is on the link.
  for (int i = 0; i < 2; ++i) {
    const Command order = plane.take();
    EXPECT_EQ(order.kind, CommandKind::retarget);
    manager.on_receipt(order);
  }
  EXPECT_TRUE(plane.idle());
  manager.scan(10);
  EXPECT_TRUE(plane.idle()) << "looked up once a change";
  EXPECT_EQ(resolver.known["192.0.2.254"], 0);
  drop(added.id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, SilenceIsToldOnceAndEndsWithMedia) {
  std::optional<tl::expected<RelayAdded, SpecError>> answer;
  manager.add(keyed_spec(), into(answer));
  const Command link = plane.take();
  manager.on_receipt(link);
  plane.now += 4999;
  manager.scan(10);
  EXPECT_TRUE(events.empty());
  plane.now += 1;
  manager.scan(10);
  manager.scan(10);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, RelayEvent::Kind::media_timeout);
  EXPECT_EQ(manager.totals().media_timeouts, 1U);
  test::counters_of(*link.flows[1]).last_seen.set(plane.now);
  manager.scan(10);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].kind, RelayEvent::Kind::media_resumed);
  drop((*answer)->id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, PagesGoThroughAllRelays) {
  std::vector<std::uint64_t> ids;
  for (std::uint8_t i = 0; i < 3; ++i)
    ids.push_back(add(keyed_spec(static_cast<std::uint8_t>(1 + 10 * i))).id);
  const auto first = manager.list(0, 2), rest = manager.list(first.back().id, 2);
  ASSERT_EQ(first.size(), 2U);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].id, ids[2]);
  for (const std::uint64_t id : ids) drop(id);
  expect_nothing_left();
}

TEST_F(RelayManagerTest, NextHopsRunOut) {
  // All numbers are taken by others; the relay stands without next hops, and nothing is lost.
  std::vector<NextHopLease> taken;
  limits.set(Limit::relays, 3);
  for (int i = 0; i < 4095; ++i) {
    resolver.gateway = "10." + std::to_string(1 + i / 250) + ".0." + std::to_string(1 + i % 250);
    taken.push_back(hops.acquire(0, IpAddress::parse("10.255.0.1").value()).value());
  }
  resolver.gateway = "192.0.2.254";
  const RelayAdded added = add();
  EXPECT_FALSE(manager.show(added.id)->legs[0].reachable);
  EXPECT_GE(limits.refusals(Limit::next_hops), 1U);
  drop(added.id);
  taken.clear();
  expect_nothing_left();
}

}  // namespace
}  // namespace sallyport::control
