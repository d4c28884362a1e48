// SPDX-License-Identifier: GPL-3.0-or-later
// Reliable provisional responses and what is repeated until it is acknowledged.
#include "sip/reliable_provisional.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

Message make(const std::string& start, const std::vector<std::string>& more) {
  std::string text =
      start +
      "\r\nVia: SIP/2.0/TLS a.example.com;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n"
      "To: <sip:b@example.com>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n";
  if (!start.starts_with("SIP/")) text += "Max-Forwards: 70\r\n";
  for (const std::string& field : more) text += field + "\r\n";
  return parse_message(text + "Content-Length: 0\r\n\r\n").message;
}

RAck rack(std::uint32_t response_number, std::uint32_t number, Method method) {
  return {response_number, {number, method, name_of(method)}};
}

TEST(Repeater, ASuccessIsRepeatedUpToT2For32Seconds) {
  Repeater repeater = Repeater::of_success(0);
  std::vector<InstantMs> repeated;
  InstantMs now = 0;
  for (;;) {
    now = *repeater.next_deadline();
    EXPECT_EQ(repeater.advance(now - 1), Repeater::Step::nothing);
    const Repeater::Step step = repeater.advance(now);
    if (step == Repeater::Step::give_up) break;
    repeated.push_back(now);
  }
  EXPECT_EQ(now, 32000U);
  EXPECT_EQ(repeated,
            (std::vector<InstantMs>{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}));
  EXPECT_EQ(repeater.next_deadline(), std::nullopt);
  EXPECT_EQ(repeater.advance(99999), Repeater::Step::nothing);
}

TEST(Repeater, AProvisionalDoublesToTheEndAndStops) {
  Repeater repeater = Repeater::of_provisional(0);
  std::vector<InstantMs> repeated;
  while (repeater.next_deadline()) {
    const InstantMs now = *repeater.next_deadline();
    if (repeater.advance(now) == Repeater::Step::repeat) repeated.push_back(now);
  }
  EXPECT_EQ(repeated, (std::vector<InstantMs>{500, 1500, 3500, 7500, 15500, 31500}));
  Repeater stopped = Repeater::of_provisional(0);
  stopped.stop();
  EXPECT_EQ(stopped.advance(500), Repeater::Step::nothing);
}

TEST(ReliableProvisional, WhatMessagesSay) {
  const std::string invite = "INVITE sip:b@example.com SIP/2.0";
  EXPECT_EQ(reliable_support(make(invite, {})), ReliableSupport::none);
  EXPECT_EQ(reliable_support(make(invite, {"Supported: timer"})), ReliableSupport::none);
  EXPECT_EQ(reliable_support(make(invite, {"Supported: timer, 100REL"})), ReliableSupport::supported);
  EXPECT_EQ(reliable_support(make(invite, {"k: 100rel", "Require: 100rel"})), ReliableSupport::required);
  EXPECT_TRUE(is_reliable_provisional(make("SIP/2.0 180 Ringing", {"Require: 100rel", "RSeq: 1"})));
  EXPECT_FALSE(is_reliable_provisional(make("SIP/2.0 180 Ringing", {"RSeq: 1"})));
  EXPECT_FALSE(is_reliable_provisional(make("SIP/2.0 180 Ringing", {"Require: 100rel"})));
  EXPECT_FALSE(is_reliable_provisional(make("SIP/2.0 100 Trying", {"Require: 100rel", "RSeq: 1"})));
  EXPECT_FALSE(is_reliable_provisional(make("SIP/2.0 200 OK", {"Require: 100rel", "RSeq: 1"})));
}

//= https://www.rfc-editor.org/rfc/rfc3262#section-5
//= type=test
//# If the UAS had placed a session description in any reliable
//# provisional response that is unacknowledged when the INVITE is
//# accepted, the UAS MUST delay sending the 2xx until the provisional
//# response is acknowledged.
TEST(ReliableSender, OneWaitsAtATime) {
  ReliableSender sender(776655, 7);
  EXPECT_EQ(sender.next_rseq(), 776656U);
  EXPECT_TRUE(sender.may_send());
  EXPECT_TRUE(sender.may_accept());
  EXPECT_EQ(sender.received_prack(rack(776656, 7, Method::invite)), ReliableSender::PrackAnswer::no_match);
  sender.sent("183", true, 0);
  EXPECT_FALSE(sender.may_send());
  EXPECT_FALSE(sender.may_accept());  // its description may be unknown to the other side
  EXPECT_EQ(sender.advance(499), Repeater::Step::nothing);
  EXPECT_EQ(sender.advance(500), Repeater::Step::repeat);
  EXPECT_EQ(sender.octets(), "183");
  for (const RAck& wrong : {rack(776655, 7, Method::invite), rack(776657, 7, Method::invite),
                            rack(776656, 8, Method::invite), rack(776656, 7, Method::update)})
    EXPECT_EQ(sender.received_prack(wrong), ReliableSender::PrackAnswer::no_match);
  EXPECT_EQ(sender.received_prack(rack(776656, 7, Method::invite)), ReliableSender::PrackAnswer::matches);
  EXPECT_EQ(sender.received_prack(rack(776656, 7, Method::invite)), ReliableSender::PrackAnswer::no_match);
  EXPECT_TRUE(sender.may_send());
  EXPECT_TRUE(sender.may_accept());
  EXPECT_EQ(sender.next_deadline(), std::nullopt);
  EXPECT_EQ(sender.next_rseq(), 776657U);
}

TEST(ReliableSender, WithoutPrackItGivesUp) {
  ReliableSender sender(0xffffffff, 7);  // a random number of any size becomes one from 1 to 2^30
  EXPECT_LT(sender.next_rseq(), 0x80000000U);
  EXPECT_GE(ReliableSender(0, 7).next_rseq(), 1U);
  sender.sent("180", false, 0);
  EXPECT_TRUE(sender.may_accept());
  InstantMs now = 0;
  while (sender.advance(now = *sender.next_deadline()) != Repeater::Step::give_up) {
  }
  EXPECT_EQ(now, 32000U);
  EXPECT_EQ(sender.next_deadline(), std::nullopt);
}

TEST(ReliableSender, AfterTheFinalResponse) {
  const std::uint32_t rseq = ReliableSender(5, 7).next_rseq();
  ReliableSender sender(5, 7);
  sender.sent("180", false, 0);
  sender.sent_final();
  EXPECT_EQ(sender.advance(500), Repeater::Step::nothing);  // nothing is repeated
  EXPECT_FALSE(sender.may_send());
  EXPECT_EQ(sender.received_prack(rack(rseq, 7, Method::invite)), ReliableSender::PrackAnswer::matches);
  EXPECT_FALSE(sender.may_send());
}

TEST(ReliableReceiver, InOrderOnly) {
  using enum ReliableReceiver::Verdict;
  ReliableReceiver receiver;
  for (const auto& [rseq, verdict] :
       std::vector<std::pair<std::uint32_t, ReliableReceiver::Verdict>>{{100, acknowledge},
                                                                        {100, repetition},
                                                                        {102, out_of_order},
                                                                        {99, repetition},
                                                                        {101, acknowledge},
                                                                        {102, acknowledge},
                                                                        {101, repetition},
                                                                        {0xffffffff, out_of_order}})
    EXPECT_EQ(receiver.received(rseq), verdict) << rseq;
}

}  // namespace
}  // namespace sallyport::sip
