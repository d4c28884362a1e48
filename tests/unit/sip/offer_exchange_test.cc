// SPDX-License-Identifier: GPL-3.0-or-later
// OfferExchange: the six patterns of RFC 6337, its crossings and glares, and what belongs nowhere.
#include "sip/offer_exchange.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

using enum Carrier;
using enum DescriptionRole;

TEST(OfferExchange, EveryStateAgainstEveryEvent) {
  const std::map<std::pair<std::string_view, std::string_view>, std::pair<std::string_view, bool>> expected =
      {
          {{"idle", "offer sent"}, {"local offer", false}},
          {{"idle", "offer received"}, {"remote offer", false}},
          {{"local offer", "answer received"}, {"idle", true}},
          {{"local offer", "rejected"}, {"idle", false}},
          {{"remote offer", "answer sent"}, {"idle", true}},
          {{"remote offer", "rejected"}, {"idle", false}},
      };
  for (std::size_t s = 0; s < kOfferStateNames.size(); ++s)
    for (std::size_t e = 0; e < kOfferEventNames.size(); ++e) {
      const auto& step = kOfferTable.step(static_cast<OfferState>(s), static_cast<OfferEvent>(e));
      const auto row = expected.find({kOfferStateNames[s], kOfferEventNames[e]});
      const bool is_listed = row != expected.end();
      EXPECT_EQ(name(step.to), is_listed ? row->second.first : kOfferStateNames[s]) << s << " " << e;
      EXPECT_EQ(step.actions.has(OfferAction::agree), is_listed && row->second.second);
    }
}

/// One message: from the side that sent the INVITE (`true`) or to it, what it carries and with a description
/// or without.
struct Step {
  bool from_caller;
  Carrier carrier;
  bool has_description;
  DescriptionRole role;
};

/// Both ends must see the same.
void play(const std::vector<Step>& steps, OfferExchange& caller, OfferExchange& callee) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    OfferExchange& sender = step.from_caller ? caller : callee;
    OfferExchange& receiver = step.from_caller ? callee : caller;
    EXPECT_EQ(sender.role_if_sent(step.carrier, step.has_description), step.role) << "step " << i;
    EXPECT_EQ(receiver.glare_status(step.carrier, step.has_description), 0U) << "step " << i;
    EXPECT_EQ(sender.sent(step.carrier, step.has_description), step.role) << "step " << i;
    EXPECT_EQ(receiver.received(step.carrier, step.has_description), step.role) << "step " << i;
  }
}

TEST(OfferExchange, ThePatternsOfRfc6337) {
  const std::vector<std::vector<Step>> patterns = {
      // 1: INVITE, 2xx; with a preview and a superfluous description.
      {{true, invite, true, offer},
       {false, provisional, true, preview},
       {false, provisional, false, none},
       {false, success, true, answer},
       {true, ack, false, none}},
      // 2: 2xx, ACK.
      {{true, invite, false, none},
       {false, provisional, true, ignored},
       {false, success, true, offer},
       {true, ack, true, answer}},
      // 3: INVITE, reliable 1xx; Figure 1.
      {{true, invite, true, offer},
       {false, provisional, true, preview},
       {false, reliable_provisional, false, none},
       {true, prack, false, none},
       {false, prack_success, false, none},
       {false, reliable_provisional, true, answer},
       {true, prack, false, none},
       {false, prack_success, false, none},
       {false, reliable_provisional, false, none},
       {true, prack, false, none},
       {false, prack_success, false, none},
       {false, success, true, ignored},
       {true, ack, false, none}},
      // 4: reliable 1xx, PRACK; Figure 2.
      {{true, invite, false, none},
       {false, reliable_provisional, true, offer},
       {true, prack, true, answer},
       {false, prack_success, false, none},
       {false, reliable_provisional, true, ignored},
       {true, prack, false, none},
       {false, prack_success, false, none},
       {false, success, false, none},
       {true, ack, false, none}},
      // 5: PRACK, 2xx; after the answer came reliably.
      {{true, invite, true, offer},
       {false, reliable_provisional, true, answer},
       {true, prack, true, offer},
       {false, prack_success, true, answer},
       {false, success, false, none},
       {true, ack, false, none}},
      // 6: UPDATE, early from both sides, as RFC 3311 §8 shows it.
      {{true, invite, true, offer},
       {false, reliable_provisional, true, answer},
       {true, prack, false, none},
       {false, prack_success, false, none},
       {true, update, true, offer},
       {false, update_success, true, answer},
       {false, update, true, offer},
       {true, update_success, true, answer},
       {false, success, false, none},
       {true, ack, false, none}},
      // A session refresh offers nothing.
      {{true, invite, true, offer},
       {false, success, true, answer},
       {true, ack, false, none},
       {false, update, false, none},
       {true, update_success, false, none}},
  };
  for (const auto& pattern : patterns) {
    OfferExchange caller;
    OfferExchange callee;
    play(pattern, caller, callee);
    EXPECT_EQ(caller.dump(), "idle, session");
    EXPECT_EQ(callee.dump(), "idle, session");
    EXPECT_TRUE(caller.may_send_invite());
    EXPECT_TRUE(callee.may_send_update(true));
  }
}

TEST(OfferExchange, RejectedOffersLeaveTheSessionAsItWas) {
  for (const auto& [pattern, has_session] : std::vector<std::pair<std::vector<Step>, bool>>{
           {{{true, invite, true, offer}, {false, failure, false, none}}, false},
           {{{true, invite, true, offer}, {false, failure, true, ignored}}, false},
           {{{true, invite, false, none},
             {false, reliable_provisional, true, offer},
             {false, failure, false, none}},
            false},
           {{{true, invite, true, offer},
             {false, reliable_provisional, true, answer},
             {true, prack, true, offer},
             {false, prack_failure, false, none},
             {false, success, false, none},
             {true, ack, false, none}},
            true},
           {{{true, invite, true, offer},
             {false, success, true, answer},
             {true, ack, false, none},
             {false, update, true, offer},
             {true, update_failure, false, none}},
            true},
       }) {
    OfferExchange caller;
    OfferExchange callee;
    play(pattern, caller, callee);
    EXPECT_EQ(caller.state(), OfferState::idle);
    EXPECT_EQ(callee.dump(), caller.dump());
    EXPECT_EQ(caller.has_session(), has_session);
  }
}

TEST(OfferExchange, WhatWasDueAndDidNotCome) {
  for (const std::vector<Step>& pattern : std::vector<std::vector<Step>>{
           {{true, invite, true, offer}, {false, success, false, missing}},
           {{true, invite, false, none}, {false, success, false, missing}},
           {{true, invite, false, none}, {false, reliable_provisional, false, missing}},
           {{true, invite, false, none}, {false, success, true, offer}, {true, ack, false, missing}},
           {{true, invite, false, none},
            {false, reliable_provisional, true, offer},
            {true, prack, false, missing}},
           {{true, invite, true, offer},
            {false, reliable_provisional, true, answer},
            {true, prack, true, offer},
            {false, prack_success, false, missing}},
           {{true, invite, true, offer},
            {false, success, true, answer},
            {true, ack, false, none},
            {true, update, true, offer},
            {false, update_success, false, missing}},
       }) {
    OfferExchange caller;
    OfferExchange callee;
    play(pattern, caller, callee);
    EXPECT_EQ(caller.state(), OfferState::idle);
    EXPECT_EQ(callee.state(), OfferState::idle);
  }
}

TEST(OfferExchange, WhatBelongsNowhereIsIgnored) {
  OfferExchange caller;
  OfferExchange callee;
  play({{true, invite, true, offer},
        {false, reliable_provisional, false, none},
        {true, prack, true, ignored},  // nothing was answered yet
        {false, prack_success, true, ignored},
        {false, success, true, answer},
        {true, ack, true, ignored},
        {true, update, false, none},
        {false, update_success, true, ignored}},
       caller, callee);
  EXPECT_EQ(caller.dump(), "idle, session");
}

/// A session that stands, and then what `ours` did before the other side's message comes.
OfferExchange after(const std::vector<Step>& ours) {
  OfferExchange exchange;
  exchange.sent(invite, true);
  exchange.received(success, true);
  exchange.sent(ack, false);
  for (const Step& step : ours)  // from_caller: by us
    EXPECT_EQ(step.from_caller ? exchange.sent(step.carrier, step.has_description)
                               : exchange.received(step.carrier, step.has_description),
              step.role);
  return exchange;
}

// RFC 6337 §4.3, UAS-*, and the tables of §4.1 and §4.2 that lead there.
TEST(OfferExchange, Glare) {
  struct Row {
    const char* rule;
    std::vector<Step> before;
    Carrier carrier;
    bool has_description;
    unsigned status;
  };
  for (const Row& row : std::vector<Row>{
           {"quiet", {}, invite, true, 0},
           {"quiet", {}, update, true, 0},
           {"UAS-IcI", {{true, invite, true, offer}}, invite, true, 491},
           {"UAS-IcI without offers", {{true, invite, false, none}}, invite, false, 491},
           {"UAS-IcI until our ACK",
            {{true, invite, false, none}, {false, success, true, offer}},
            invite,
            true,
            491},
           {"UAS-IsI", {{false, invite, true, offer}}, invite, true, 500},
           {"UAS-IsI until the ACK",
            {{false, invite, false, none}, {true, success, true, offer}},
            invite,
            true,
            500},
           {"UAS-UcI", {{true, update, true, offer}}, invite, false, 491},
           {"UAS-UsI", {{false, update, true, offer}}, invite, false, 500},
           {"a refresh is no obstacle", {{true, update, false, none}}, invite, true, 0},
           {"UAS-UcU", {{true, update, true, offer}}, update, true, 491},
           {"UAS-UsU", {{false, update, true, offer}}, update, true, 500},
           {"UAS-UsU without offers", {{false, update, false, none}}, update, false, 500},
           {"two refreshes cross", {{true, update, false, none}}, update, false, 0},
           {"UAS-IcU, Figure 7", {{true, invite, true, offer}}, update, true, 491},
           {"UAS-IcU, Figure 18",
            {{true, invite, false, none}, {false, reliable_provisional, true, offer}},
            update,
            true,
            491},
           {"UAS-IcU until the PRACK's 200",
            {{true, invite, false, none},
             {false, reliable_provisional, true, offer},
             {true, prack, true, answer}},
            update,
            true,
            491},
           {"UAS-IsU, Figure 19",
            {{false, invite, false, none}, {true, reliable_provisional, true, offer}},
            update,
            true,
            500},
           {"UAS-IsU, Figure 9",
            {{false, invite, true, offer}, {true, reliable_provisional, true, answer}},
            update,
            true,
            500},
           {"an offer that we have not answered", {{false, invite, true, offer}}, update, true, 500},
           {"a refresh meanwhile", {{false, invite, true, offer}}, update, false, 0},
           {"late offer: our 2xx waits for its answer",
            {{false, invite, false, none}, {true, success, true, offer}},
            update,
            true,
            491},
           {"never refused", {{true, update, true, offer}}, prack, true, 0},
       }) {
    const OfferExchange exchange = after(row.before);
    EXPECT_EQ(exchange.glare_status(row.carrier, row.has_description), row.status) << row.rule;
  }
}

// RFC 6337 §4.3, UAC-*.
TEST(OfferExchange, WhatMayBeSent) {
  struct Row {
    const char* rule;
    std::vector<Step> before;
    bool invite;
    bool update_with_offer;
    bool update_without;
  };
  for (const Row& row : std::vector<Row>{
           {"quiet", {}, true, true, true},
           {"UAC-II", {{true, invite, false, none}}, false, true, true},
           {"UAC-II, theirs", {{false, invite, false, none}}, false, true, true},
           {"UAC-II until the ACK",
            {{false, invite, true, offer}, {true, success, true, answer}},
            false,
            true,
            true},
           {"UAC-UU, UAC-UI", {{true, update, false, none}}, false, false, false},
           {"UAC-IU",
            {{true, invite, false, none}, {false, reliable_provisional, true, offer}},
            false,
            false,
            true},
           {"UAC-IU until the PRACK",
            {{false, invite, true, offer}, {true, reliable_provisional, true, answer}},
            false,
            false,
            true},
           {"our offer waits", {{true, invite, true, offer}}, false, false, true},
           {"their offer waits", {{false, update, true, offer}}, false, false, true},
       }) {
    const OfferExchange exchange = after(row.before);
    EXPECT_EQ(exchange.may_send_invite(), row.invite) << row.rule;
    EXPECT_EQ(exchange.may_send_update(true), row.update_with_offer) << row.rule;
    EXPECT_EQ(exchange.may_send_update(false), row.update_without) << row.rule;
  }
  EXPECT_FALSE(OfferExchange().may_send_update(true));  // there is no session yet
}

TEST(OfferExchange, OffersInPrack) {
  OfferExchange caller;
  caller.sent(invite, true);
  EXPECT_FALSE(caller.may_offer_in_prack());
  caller.received(reliable_provisional, false);
  EXPECT_FALSE(caller.may_offer_in_prack());
  caller.received(reliable_provisional, true);
  EXPECT_TRUE(caller.may_offer_in_prack());
  caller.sent(prack, false);
  EXPECT_FALSE(caller.may_offer_in_prack());
}

TEST(OfferExchange, TimesAfterAGlare) {
  for (const std::uint32_t random : {0U, 1U, 190U, 191U, 200U, 201U, 12345U, 0xffffffffU}) {
    EXPECT_GE(glare_wait_ms(true, random), 2100U);
    EXPECT_LE(glare_wait_ms(true, random), 4000U);
    EXPECT_LE(glare_wait_ms(false, random), 2000U);
    EXPECT_EQ(glare_wait_ms(true, random) % 10, 0U);
    EXPECT_EQ(glare_wait_ms(false, random) % 10, 0U);
    EXPECT_LE(retry_after_s(random), 10U);
  }
  EXPECT_EQ(glare_wait_ms(true, 190), 4000U);
  EXPECT_EQ(glare_wait_ms(false, 200), 2000U);
}

}  // namespace
}  // namespace sallyport::sip
