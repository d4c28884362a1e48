// SPDX-License-Identifier: GPL-3.0-or-later
// A lite agent: whom it answers, whom it believes, where media goes.
#include "keying/ice_lite.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sallyport::keying {
namespace {

const Endpoint kHere{IpAddress::v4({192, 0, 2, 1}), 40000};
const Endpoint kThere{IpAddress::v4({198, 51, 100, 7}), 50000};
constexpr std::uint32_t kPriority = 0x6e7f1eff;
constexpr StunTransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

/// The check of a full agent that is in control.
struct Check {
  std::string username;
  std::string password;
  std::uint32_t priority = kPriority;
  bool nominates = false;
  bool controlled = false;
  bool fingerprint = true;
  bool integrity = true;
  std::uint16_t strange = 0;  ///< an attribute type; 0: none

  [[nodiscard]] StunWriter write() const {
    StunWriter writer(StunClass::request, kStunBinding, kId);
    writer.username(username);
    if (priority != 0) writer.priority(priority);
    if (controlled)
      writer.ice_controlled(7);
    else
      writer.ice_controlling(7);
    if (nominates) writer.use_candidate();
    if (strange != 0) writer.attribute({strange, {}});
    if (integrity)
      writer.message_integrity(
          StunKey({reinterpret_cast<const std::uint8_t*>(password.data()), password.size()}));
    if (fingerprint) writer.fingerprint();
    return writer;
  }
};

class IceLite : public testing::Test {
 protected:
  IceLite() { agent_.emplace(credentials_.duplicate()); }

  static std::string password_of(const IceCredentials& credentials) {
    return {credentials.password.view().begin(), credentials.password.view().end()};
  }
  [[nodiscard]] Check check(bool nominates = false) const {
    return {credentials_.fragment + ":peer", password_of(credentials_), kPriority, nominates};
  }
  IceLiteAgent::Reply ask(const Check& check, const Endpoint& from = kHere, InstantMs now = 0) {
    return agent_->receive(check.write().octets(), from, now);
  }
  /// The answer, authentic by the password that the check used.
  StunMessage answered(const IceLiteAgent::Reply& reply, const Check& check) {
    EXPECT_TRUE(reply.answer);
    answer_ = reply.answer;
    const auto message = parse_stun(answer_->octets());
    EXPECT_TRUE(message && message->has_fingerprint);
    EXPECT_EQ(message->id, kId);
    EXPECT_TRUE(integrity_holds(
        *message,
        StunKey({reinterpret_cast<const std::uint8_t*>(check.password.data()), check.password.size()})));
    return *message;
  }

  IceCredentials credentials_ = make_ice_credentials();
  std::optional<IceLiteAgent> agent_;
  std::optional<StunWriter> answer_;
};

TEST_F(IceLite, CredentialsAreLongAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const IceCredentials made = make_ice_credentials();
    EXPECT_EQ(made.fragment.size(), 8U);
    EXPECT_EQ(made.password.size(), 24U);
    for (const std::string& text : {made.fragment, password_of(made)}) {
      EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
                std::string::npos);
      EXPECT_TRUE(seen.insert(text).second);
    }
  }
}

TEST_F(IceLite, AnswersACheckWithItsSource) {
  const auto reply = ask(check());
  EXPECT_EQ(reply.outcome, IceOutcome::checked);
  const StunMessage answer = answered(reply, check());
  EXPECT_EQ(answer.message_class, StunClass::success);
  EXPECT_EQ(answer.mapped_address, kHere);
  EXPECT_FALSE(agent_->nominated());
  EXPECT_TRUE(agent_->is_validated(kHere));
  EXPECT_FALSE(agent_->is_validated(kThere));
}

TEST_F(IceLite, AnswersAreNotLargerThanQuestions) {
  for (const bool controlled : {false, true}) {
    Check question = check();
    question.controlled = controlled;
    EXPECT_LE(ask(question).answer->octets().size(), question.write().octets().size());
  }
}

TEST_F(IceLite, StrangersGetNoAnswerAndTeachNothing) {
  Check wrong_password = check(true);
  wrong_password.password.back() ^= 1;
  Check wrong_name = check(true);
  wrong_name.username = "x" + wrong_name.username;
  Check no_colon = check(true);
  no_colon.username = credentials_.fragment;
  Check no_integrity = check(true);
  no_integrity.integrity = false;
  Check no_fingerprint = check(true);
  no_fingerprint.fingerprint = false;
  const std::pair<Check, IceOutcome> cases[] = {{wrong_password, IceOutcome::forged},
                                                {wrong_name, IceOutcome::wrong_username},
                                                {no_colon, IceOutcome::wrong_username},
                                                {no_integrity, IceOutcome::no_integrity},
                                                {no_fingerprint, IceOutcome::no_fingerprint}};
  for (const auto& [question, outcome] : cases) {
    const auto reply = ask(question);
    EXPECT_EQ(reply.outcome, outcome);
    EXPECT_FALSE(reply.answer);
    EXPECT_FALSE(info(reply.outcome).is_answered);
  }
  EXPECT_EQ(agent_->receive(std::array<std::uint8_t, 3>{0, 1, 0}, kHere, 0).outcome, IceOutcome::malformed);
  EXPECT_FALSE(agent_->is_validated(kHere));
  EXPECT_FALSE(agent_->nominated());
  EXPECT_FALSE(agent_->last_check());
}

TEST_F(IceLite, IndicationsAndResponsesAreNotAnswered) {
  for (const auto& [message_class, outcome] : {std::pair{StunClass::indication, IceOutcome::indication},
                                               std::pair{StunClass::success, IceOutcome::not_a_check},
                                               std::pair{StunClass::error, IceOutcome::not_a_check}}) {
    StunWriter writer(message_class, kStunBinding, kId);
    writer.fingerprint();
    const auto reply = agent_->receive(writer.octets(), kHere, 0);
    EXPECT_EQ(reply.outcome, outcome);
    EXPECT_FALSE(reply.answer);
  }
  StunWriter allocate(StunClass::request, 0x003, kId);
  allocate.fingerprint();
  EXPECT_EQ(agent_->receive(allocate.octets(), kHere, 0).outcome, IceOutcome::not_a_check);
}

TEST_F(IceLite, APeerThatIsControlledToo) {
  Check question = check(true);
  question.controlled = true;
  const auto reply = ask(question);
  EXPECT_EQ(reply.outcome, IceOutcome::role_conflict);
  EXPECT_EQ(answered(reply, question).error_code, 487);
  EXPECT_FALSE(agent_->nominated());
  EXPECT_FALSE(agent_->is_validated(kHere));
}

TEST_F(IceLite, AuthenticButWrongChecksAreToldSo) {
  Check no_priority = check(true);
  no_priority.priority = 0;
  const auto reply = ask(no_priority);
  EXPECT_EQ(reply.outcome, IceOutcome::bad_request);
  EXPECT_EQ(answered(reply, no_priority).error_code, 400);

  Check strange = check(true);
  strange.strange = 0x7abc;
  const auto refusal = ask(strange);
  EXPECT_EQ(refusal.outcome, IceOutcome::unknown_attribute);
  EXPECT_EQ(answered(refusal, strange).error_code, 420);
  EXPECT_FALSE(agent_->nominated());

  Check harmless = check(true);
  harmless.strange = 0xc057;
  EXPECT_EQ(ask(harmless).outcome, IceOutcome::nominated);
}

TEST_F(IceLite, NominationSaysWhereMediaGoes) {
  EXPECT_EQ(ask(check(true)).outcome, IceOutcome::nominated);
  EXPECT_EQ(agent_->nominated(), kHere);
  EXPECT_EQ(ask(check(true)).outcome, IceOutcome::checked);  // no news
  EXPECT_EQ(ask(check(true), kThere).outcome, IceOutcome::nominated);
  EXPECT_EQ(agent_->nominated(), kThere);
}

TEST_F(IceLite, OfManyNominationsTheBestCountsUntilItIsSilent) {
  Check worse = check(true);
  worse.priority = kPriority - 1;
  ask(check(true), kHere, 0);
  EXPECT_EQ(ask(worse, kThere, 10).outcome, IceOutcome::checked);
  EXPECT_EQ(agent_->nominated(), kHere);
  ask(check(true), kHere, 900);
  EXPECT_EQ(ask(worse, kThere, 900 + IceLiteAgent::kNominationHoldMs - 1).outcome, IceOutcome::checked);
  EXPECT_EQ(ask(worse, kThere, 900 + IceLiteAgent::kNominationHoldMs).outcome, IceOutcome::nominated);
  EXPECT_EQ(agent_->nominated(), kThere);
}

TEST_F(IceLite, RestartKeepsTheOldPathUntilTheNewOneIsNominated) {
  const Check before = check(true);
  ask(before, kHere, 0);
  credentials_ = make_ice_credentials();
  agent_->restart(credentials_.duplicate());
  EXPECT_EQ(agent_->local_fragment(), credentials_.fragment);
  EXPECT_EQ(agent_->nominated(), kHere);
  EXPECT_EQ(ask(before, kHere, 10).outcome, IceOutcome::checked);
  EXPECT_EQ(ask(before, kThere, 10).outcome, IceOutcome::checked);
  EXPECT_EQ(agent_->nominated(), kHere);

  Check after = check(true);
  after.priority = 1;
  EXPECT_EQ(ask(after, kThere, 20).outcome, IceOutcome::nominated);
  EXPECT_EQ(agent_->nominated(), kThere);
  EXPECT_EQ(ask(before, kHere, 30).outcome, IceOutcome::wrong_username);
}

TEST_F(IceLite, RestartOntoTheSameAddressIsANominationToo) {
  ask(check(true));
  credentials_ = make_ice_credentials();
  agent_->restart(credentials_.duplicate());
  EXPECT_EQ(ask(check(true)).outcome, IceOutcome::nominated);
}

TEST_F(IceLite, RemembersTheLastRightCheck) {
  ask(check(), kHere, 1000);
  ask(check(), kThere, 2500);
  Check forged = check();
  forged.password += "x";
  ask(forged, kHere, 9000);
  EXPECT_EQ(agent_->last_check(), 2500);
}

TEST_F(IceLite, ValidatedAddressesAreBounded) {
  for (std::uint16_t port = 1; port <= 1000; ++port) ask(check(), {kHere.address, port});
  EXPECT_TRUE(agent_->is_validated({kHere.address, 1000}));
  EXPECT_TRUE(agent_->is_validated({kHere.address, 1000 - IceLiteAgent::kMaxValidated + 1}));
  EXPECT_FALSE(agent_->is_validated({kHere.address, 1000 - IceLiteAgent::kMaxValidated}));
  EXPECT_FALSE(agent_->is_validated({}));
}

}  // namespace
}  // namespace sallyport::keying
