// SPDX-License-Identifier: GPL-3.0-or-later
// Places for calls: taken, refused and counted, given back.
#include "control/calls/admission.h"

#include <gtest/gtest.h>

#include "tests/unit/control/store_rig.h"

namespace sallyport::control {
namespace admission_test {

TrunkPtr make_trunk(std::uint32_t max_calls = 0, std::uint32_t calls_per_second = 0) {
  TrunkConfig config;
  config.name = "carrier";
  config.max_calls = max_calls;
  config.calls_per_second = calls_per_second;
  return std::make_shared<Trunk>(
      config, [](std::span<std::uint8_t>) {}, 0);
}

struct Rig {
  Limits limits;
  CallsConfig config;
  Admission admission{limits, config};
  User alice = make_user("alice"), bob = make_user("bob");
  std::vector<AdmissionTicket> held;

  /// 0, or the status of the refusal.
  unsigned admit(const User* user, const TrunkPtr& trunk = nullptr, std::int64_t now_ms = 0) {
    return keep(admission.admit(user, trunk, now_ms));
  }
  unsigned keep(Admission::Answer answer) {
    if (!answer) return last = answer.error(), answer.error().status;
    held.push_back(std::move(*answer));
    return 0;
  }
  AdmissionRefusal last;
};

TEST(Admission, AllCallsTogetherAreBounded) {
  Rig rig;
  rig.limits.set(Limit::calls, 2);
  EXPECT_EQ(rig.admit(&rig.alice), 0U);
  EXPECT_EQ(rig.admit(nullptr), 0U);
  EXPECT_EQ(rig.admit(&rig.bob), 503U);
  EXPECT_EQ(rig.last.limit, Limit::calls);
  EXPECT_EQ(rig.last.retry_after_s, 10U);
  EXPECT_EQ(rig.limits.refusals(Limit::calls), 1U);
  rig.held.pop_back();
  EXPECT_EQ(rig.admission.calls(), 1U);
  EXPECT_EQ(rig.admit(&rig.bob), 0U);
}

TEST(Admission, AUsersCallsAreBounded) {
  Rig rig;
  rig.limits.set(Limit::calls_per_user, 1);
  rig.bob.calls_limit = 2;
  EXPECT_EQ(rig.admit(&rig.alice), 0U);
  EXPECT_EQ(rig.admit(&rig.alice), 403U);
  EXPECT_EQ(rig.last.retry_after_s, 0U);
  EXPECT_EQ(rig.admit(&rig.bob), 0U);
  EXPECT_EQ(rig.admit(&rig.bob), 0U);
  EXPECT_EQ(rig.admit(&rig.bob), 403U);
  EXPECT_EQ(rig.limits.refusals(Limit::calls_per_user), 2U);
  EXPECT_EQ(rig.admission.calls_of(rig.bob.aor), 2U);
  rig.held.clear();
  EXPECT_EQ(rig.admission.calls_of(rig.bob.aor), 0U);
  EXPECT_EQ(rig.admission.calls(), 0U);
  rig.limits.set(Limit::calls_per_user, 0);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(rig.admit(&rig.alice), 0U);
}

TEST(Admission, CallsASecondAreBounded) {
  Rig rig;
  rig.limits.set(Limit::calls_per_second, 2);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 5000), 0U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 5000), 0U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 5000), 503U);
  EXPECT_EQ(rig.last.retry_after_s, 1U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 5499), 503U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 5500), 0U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 5500), 503U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 100), 503U) << "a clock that went back gives nothing";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(rig.admit(nullptr, nullptr, 99000), 0U);
  EXPECT_EQ(rig.admit(nullptr, nullptr, 99000), 503U) << "no more is saved than a second brings";
  EXPECT_EQ(rig.limits.refusals(Limit::calls_per_second), 5U);
  EXPECT_EQ(rig.admission.calls(), 5U);
}

TEST(Admission, ATrunksCallsAreBoundedBothWays) {
  Rig rig;
  const TrunkPtr trunk = make_trunk(2);
  EXPECT_EQ(rig.admit(nullptr, trunk), 0U);
  EXPECT_EQ(rig.keep(rig.admission.enter(trunk, 0)), 0U);
  EXPECT_EQ(trunk->calls(), 2U);
  EXPECT_EQ(rig.admission.calls(), 1U) << "entering a trunk is part of a call";
  EXPECT_EQ(rig.keep(rig.admission.enter(trunk, 0)), 503U);
  EXPECT_EQ(rig.admit(nullptr, trunk), 503U);
  EXPECT_EQ(rig.admission.calls(), 1U);
  EXPECT_EQ(rig.limits.refusals(Limit::calls_per_trunk), 2U);
  EXPECT_EQ(trunk->counters().refused, 2U);
  EXPECT_EQ(trunk->counters().calls_in, 1U);
  EXPECT_EQ(trunk->counters().calls_out, 1U);
  rig.held.clear();
  EXPECT_EQ(trunk->calls(), 0U);
}

TEST(Admission, ATrunkWithoutABoundTakesTheUsualOne) {
  Rig rig;
  rig.limits.set(Limit::calls_per_trunk, 1);
  const TrunkPtr usual = make_trunk(), own = make_trunk(3);
  EXPECT_EQ(rig.keep(rig.admission.enter(usual, 0)), 0U);
  EXPECT_EQ(rig.keep(rig.admission.enter(usual, 0)), 503U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rig.keep(rig.admission.enter(own, 0)), 0U);
  EXPECT_EQ(rig.keep(rig.admission.enter(own, 0)), 503U);
}

TEST(Admission, ATrunksRateIsItsOwn) {
  Rig rig;
  rig.limits.set(Limit::calls_per_second, 3);
  const TrunkPtr trunk = make_trunk(0, 1);
  EXPECT_EQ(rig.admit(nullptr, trunk, 0), 0U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.admit(nullptr, trunk, 0), 503U);
  EXPECT_EQ(rig.limits.refusals(Limit::trunk_calls_per_second), 5U);
  EXPECT_EQ(rig.admit(&rig.alice), 0U) << "what the trunk was refused is not taken from the others";
  EXPECT_EQ(rig.admit(&rig.alice), 0U);
  EXPECT_EQ(rig.admit(&rig.alice), 503U);
}

TEST(Admission, TicketsMoveAndGiveBackOnce) {
  Rig rig;
  auto first = rig.admission.admit(&rig.alice, nullptr, 0);
  ASSERT_TRUE(first);
  AdmissionTicket ticket = std::move(*first);
  EXPECT_FALSE(*first);
  EXPECT_TRUE(ticket);
  AdmissionTicket other = std::move(rig.admission.admit(&rig.bob, nullptr, 0).value());
  EXPECT_EQ(rig.admission.calls(), 2U);
  other = std::move(ticket);
  EXPECT_EQ(rig.admission.calls(), 1U) << "bob's went when alice's took its variable";
  EXPECT_EQ(rig.admission.calls_of(rig.alice.aor), 1U);
  other.give_back();
  other.give_back();
  EXPECT_EQ(rig.admission.calls(), 0U);
}

TEST(Admission, ATicketKeepsItsTrunk) {
  Rig rig;
  TrunkPtr trunk = make_trunk();
  EXPECT_EQ(rig.keep(rig.admission.enter(trunk, 0)), 0U);
  const std::weak_ptr<Trunk> watch = trunk;
  trunk.reset();
  EXPECT_FALSE(watch.expired());
  rig.held.clear();
  EXPECT_TRUE(watch.expired());
}

}  // namespace admission_test
}  // namespace sallyport::control
