// SPDX-License-Identifier: GPL-3.0-or-later
// Orders and receipts: linking, replacing, capturing, and what is refused.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/call.h"

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

TEST(Command, APortServesOneFlow) {
  RelayRig rig;
  Call first(rig, {});
  ASSERT_EQ(first.result, CommandResult::done);
  EXPECT_EQ(Call(rig, {}).result, CommandResult::port_in_use);
  // Half free is not free: nothing of the pair may stay behind.
  EXPECT_EQ(Call(rig, {.access_port = 30100}).result, CommandResult::port_in_use);
  EXPECT_EQ(Call(rig, {.access_port = 30100, .core_port = 30100}).result, CommandResult::done);
}

TEST(Command, PortsOutsideTheRangeAreRefused) {
  RelayRig rig;
  EXPECT_EQ(Call(rig, {.access_port = 2000}).result, CommandResult::port_in_use);
  EXPECT_EQ(Call(rig, {.access_port = 30999}).result, CommandResult::port_in_use);  // its RTCP port is 31000
}

TEST(Command, UnlinkedFlowsGetNothing) {
  RelayRig rig;
  Octets frame;
  {
    Call call(rig, {});
    frame = call.from_access(test::rtp_packet({}, kVoice));
  }
  rig.access.deliver(frame);
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_flow), 1u);
}

TEST(Command, OrdersForFlowsThatAreNotLinkedAreRefused) {
  RelayRig rig;
  Call linked(rig, {});
  Call refused(rig, {});
  ASSERT_EQ(refused.result, CommandResult::port_in_use);
  EXPECT_EQ(rig.unlink(*refused.forth, *refused.back), CommandResult::not_linked);
  EXPECT_EQ(rig.execute({.kind = CommandKind::retarget, .flows = {refused.forth.get(), nullptr}}),
            CommandResult::not_linked);
  EXPECT_EQ(rig.execute({.kind = CommandKind::capture, .flows = {refused.forth.get(), nullptr}}),
            CommandResult::not_linked);
  EXPECT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {refused.forth.get(), refused.back.get()},
                         .replacements = {refused.forth.get(), refused.back.get()}}),
            CommandResult::not_linked);
  rig.access.deliver(linked.from_access(test::rtp_packet({}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
}

TEST(Command, ReplaceSwapsKeysOnTheSamePorts) {
  RelayRig rig;
  Call old_keys(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80});
  Call new_keys(rig, {.access_suite = SuiteId::aead_aes_256_gcm, .id = 300});
  ASSERT_EQ(new_keys.result, CommandResult::port_in_use);  // built, not linked
  ASSERT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {old_keys.forth.get(), old_keys.back.get()},
                         .replacements = {new_keys.forth.get(), new_keys.back.get()}}),
            CommandResult::done);
  rig.access.deliver(old_keys.from_access(old_keys.access_peer.close_rtp({.sequence = 1}, kVoice)));
  rig.access.deliver(new_keys.from_access(new_keys.access_peer.close_rtp({.sequence = 2}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_srtp_forged), 1u);
  EXPECT_EQ(counters(*new_keys.forth).rtp_forwarded.get(), 1u);
  // Back again, so that each call ends as it began.
  EXPECT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {new_keys.forth.get(), new_keys.back.get()},
                         .replacements = {old_keys.forth.get(), old_keys.back.get()}}),
            CommandResult::done);
}

TEST(Command, ReplaceThatCannotLinkKeepsTheOldPair) {
  RelayRig rig;
  Call kept(rig, {});
  Call other(rig, {.access_port = 30100, .core_port = 30100});
  Call wants_others_port(rig, {.access_port = 30100, .core_port = 30102});
  ASSERT_EQ(wants_others_port.result, CommandResult::port_in_use);
  EXPECT_EQ(rig.execute({.kind = CommandKind::replace,
                         .flows = {kept.forth.get(), kept.back.get()},
                         .replacements = {wants_others_port.forth.get(), wants_others_port.back.get()}}),
            CommandResult::port_in_use);
  rig.access.deliver(kept.from_access(test::rtp_packet({}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 1u);
}

TEST(Command, NextHopsChangeForAllFlowsAtOnce) {
  RelayRig rig;
  Call call(rig, {});
  NextHop moved{.resolved = true, .port = 1, .destination = {2, 9, 9, 9, 9, 9}};
  rig.execute({.kind = CommandKind::set_next_hop, .next_hop_id = test::kCoreHop, .next_hop = moved});
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 1}, kVoice)));
  rig.settle();
  EXPECT_EQ(test::read_frame(rig.core.sent().at(0))->destination_mac, moved.destination);
  moved.resolved = false;
  rig.execute({.kind = CommandKind::set_next_hop, .next_hop_id = test::kCoreHop, .next_hop = moved});
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 2}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_next_hop), 1u);
  // The entry that means "none" cannot be made to resolve.
  rig.execute({.kind = CommandKind::set_next_hop, .next_hop_id = kNoNextHop, .next_hop = {.resolved = true}});
  rig.execute(
      {.kind = CommandKind::retarget, .next_hop_id = kNoNextHop, .flows = {call.forth.get(), nullptr}});
  rig.access.deliver(call.from_access(test::rtp_packet({.sequence = 3}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::drop_no_next_hop), 2u);
}

TEST(Command, CaptureCopiesAsReceivedAndAsOpened) {
  RelayRig rig;
  Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80});
  rig.execute({.kind = CommandKind::capture,
               .capture_received = true,
               .capture_opened = true,
               .flows = {call.forth.get(), nullptr}});
  const Octets wire = call.access_peer.close_rtp({.sequence = 1}, kVoice);
  rig.access.deliver(call.from_access(wire));
  rig.access.deliver(call.from_access(wire));  // a replay is received but never opened
  rig.settle();
  std::vector<CaptureRecord> records;
  rig.workers[0]->rings().captures.consume_all(
      [&](const CaptureRecord& record) { records.push_back(record); });
  ASSERT_EQ(records.size(), 3u);
  const auto octets = [](const CaptureRecord& r) {
    return Octets(r.payload.begin(), r.payload.begin() + r.length);
  };
  const auto opened = std::find_if(records.begin(), records.end(), [](const auto& r) { return r.opened; });
  ASSERT_NE(opened, records.end());
  EXPECT_EQ(octets(*opened), test::rtp_packet({.sequence = 1}, kVoice));
  EXPECT_EQ(octets(records[0]), wire);
  EXPECT_EQ(records[0].source, call.access_remote);
  EXPECT_EQ(records[0].destination, call.access_local);
  rig.execute({.kind = CommandKind::capture, .flows = {call.forth.get(), nullptr}});
  rig.access.deliver(call.from_access(call.access_peer.close_rtp({.sequence = 2}, kVoice)));
  rig.settle();
  EXPECT_EQ(rig.workers[0]->rings().captures.read_available(), 0u);
  EXPECT_EQ(rig.workers[0]->counters().captured.get(), 3u);
}

TEST(Handoff, StraysReachTheirOwner) {
  RelayRig rig({.workers = 2});
  Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .worker = 1});
  for (std::uint16_t sequence = 1; sequence <= 40; ++sequence)
    rig.access.deliver(call.from_access(call.access_peer.close_rtp({.sequence = sequence}, kVoice)), 0);
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 40u);
  EXPECT_EQ(rig.verdicts(Verdict::handoff), 40u);
  EXPECT_EQ(rig.workers[1]->counters().verdicts[static_cast<std::size_t>(Verdict::forward)].get(), 40u);
  EXPECT_EQ(rig.received(), rig.verdict_sum());
}

TEST(Handoff, AFullRingDropsWithACount) {
  RelayRig rig({.workers = 2});
  Call call(rig, {.worker = 1});
  const std::size_t out = test::packets_out();
  for (std::uint16_t sequence = 1; sequence <= 100; ++sequence)
    rig.access.deliver(call.from_access(test::rtp_packet({.sequence = sequence}, kVoice)), 0);
  for (int turn = 0; turn < 10; ++turn)
    rig.workers[0]->poll_once(1);  // the owner does not run; its ring holds 64
  EXPECT_EQ(rig.verdicts(Verdict::handoff), 64u);
  EXPECT_EQ(rig.verdicts(Verdict::drop_handoff_full), 36u);
  rig.settle();
  EXPECT_EQ(rig.core.sent().size(), 64u);
  EXPECT_EQ(test::packets_out(), out);
}

TEST(Punt, NonMediaGoesToTheTwinsRing) {
  RelayRig rig({.twins = true});
  rig.access.deliver(Octets(60, 0xff));
  const auto not_ours = test::udp_frame(
      {.source = *Endpoint::parse("192.0.2.9:1"), .destination = *Endpoint::parse("192.0.2.1:5060")}, kVoice);
  rig.access.deliver(not_ours);
  rig.settle();
  EXPECT_EQ(rig.verdicts(Verdict::punt) + rig.verdicts(Verdict::drop_no_flow), 2u);
  EXPECT_EQ(rig.verdicts(Verdict::punt), 2u);
  EXPECT_EQ(rig.workers[0]->rings().punts.read_available(), 2u);
}

}  // namespace
}  // namespace sallyport::dataplane
