// SPDX-License-Identifier: GPL-3.0-or-later
// TimerWheel: every timer fires at its millisecond, whatever is started and stopped meanwhile.
#include "sip/timer_wheel.h"

#include <deque>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

struct Named : Timer {
  int number = 0;
};

TEST(TimerWheel, FiresAtItsTimeAndNotBefore) {
  for (const InstantMs start :
       {InstantMs{0}, InstantMs{1}, InstantMs{63}, InstantMs{64}, InstantMs{1'700'000'000'123}})
    for (const InstantMs delay : std::initializer_list<InstantMs>{1, 2, 62, 63, 64, 65, 127, 128, 499, 500,
                                                                  4095, 4096, 32000, 262144, 10'000'000}) {
      TimerWheel wheel(start);
      Timer timer;
      wheel.start(timer, start + delay);
      int fired = 0;
      const auto fire = [&](Timer& one) {
        EXPECT_EQ(&one, &timer);
        ++fired;
      };
      wheel.advance(start + delay - 1, fire);
      EXPECT_EQ(fired, 0) << start << " + " << delay;
      EXPECT_LE(*wheel.next_deadline(), start + delay);
      wheel.advance(start + delay, fire);
      EXPECT_EQ(fired, 1) << start << " + " << delay;
      EXPECT_FALSE(timer.is_running());
      EXPECT_EQ(wheel.next_deadline(), std::nullopt);
    }
}

TEST(TimerWheel, WhatIsOverdueWaitsForTheNextMillisecond) {
  TimerWheel wheel(100);
  Timer timer;
  wheel.start(timer, 50);
  EXPECT_EQ(timer.due_ms(), 101U);
  int fired = 0;
  wheel.advance(100, [&](Timer&) { ++fired; });
  EXPECT_EQ(fired, 0);
  wheel.advance(101, [&](Timer&) { ++fired; });
  EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, StoppedTimersDoNotFire) {
  TimerWheel wheel(0);
  Timer first;
  Timer second;
  wheel.start(first, 10);
  wheel.start(second, 10);
  wheel.stop(first);
  wheel.stop(first);  // twice does nothing
  std::vector<Timer*> fired;
  wheel.advance(1000, [&](Timer& timer) { fired.push_back(&timer); });
  EXPECT_EQ(fired, std::vector<Timer*>{&second});
  EXPECT_EQ(wheel.running(), 0U);
}

TEST(TimerWheel, FiringMayStopWhatIsDueAndStartItself) {
  TimerWheel wheel(0);
  Timer first;
  Timer second;
  wheel.start(first, 10);
  wheel.start(second, 10);
  int fired = 0;
  wheel.advance(10, [&](Timer& timer) {
    ++fired;
    wheel.stop(&timer == &first ? second : first);
    wheel.start(timer, 10);  // now: not within this advance
  });
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(wheel.running(), 1U);
  EXPECT_EQ(wheel.next_deadline(), 11U);
}

TEST(TimerWheel, AClockThatStandsStillOrJumps) {
  TimerWheel wheel(5);
  Timer timer;
  wheel.start(timer, 20);
  int fired = 0;
  wheel.advance(5, [&](Timer&) { ++fired; });
  wheel.advance(3, [&](Timer&) { ++fired; });  // a caller's mistake does no harm
  EXPECT_EQ(fired, 0);
  wheel.advance(InstantMs{1} << 40, [&](Timer&) { ++fired; });
  EXPECT_EQ(fired, 1);
}

// Against a sorted map, with thousands of starts and stops.
TEST(TimerWheel, AgreesWithASortedMap) {
  std::mt19937_64 random(7);
  TimerWheel wheel(1000);
  std::deque<Named> timers(500);
  for (int i = 0; i < 500; ++i) timers[static_cast<std::size_t>(i)].number = i;
  std::map<int, InstantMs> expected;
  InstantMs now = 1000;
  for (int step = 0; step < 20000; ++step) {
    Named& timer = timers[random() % timers.size()];
    if (random() % 4 == 0) {
      wheel.stop(timer);
      expected.erase(timer.number);
    } else {
      const InstantMs due = now + 1 + (random() % (InstantMs{1} << (random() % 24)));
      wheel.start(timer, due);
      expected[timer.number] = due;
    }
    if (random() % 3 != 0) continue;
    now += random() % (InstantMs{1} << (random() % 16));
    InstantMs last = 0;
    wheel.advance(now, [&](Timer& one) {
      const auto& named = static_cast<Named&>(one);
      EXPECT_EQ(expected.at(named.number), named.due_ms());
      EXPECT_LE(named.due_ms(), now);
      EXPECT_GE(named.due_ms(), last);
      last = named.due_ms();
      expected.erase(named.number);
    });
    for (const auto& [number, due] : expected) ASSERT_GT(due, now) << number;
    ASSERT_EQ(wheel.running(), expected.size());
    if (!expected.empty()) {
      ASSERT_GT(*wheel.next_deadline(), now);
    }
  }
}

TEST(Timers, ValuesOfRfc3261Table4) {
  struct Row {
    TimerName timer;
    std::uint32_t unreliable_ms;
    std::uint32_t reliable_ms;
  };
  // A, E and G do not run over reliable transports at all; their values are not used there.
  for (const Row& row :
       {Row{TimerName::a, 500, 500}, Row{TimerName::b, 32000, 32000}, Row{TimerName::d, 32000, 0},
        Row{TimerName::e, 500, 500}, Row{TimerName::f, 32000, 32000}, Row{TimerName::g, 500, 500},
        Row{TimerName::h, 32000, 32000}, Row{TimerName::i, 5000, 0}, Row{TimerName::j, 32000, 0},
        Row{TimerName::k, 5000, 0}, Row{TimerName::l, 32000, 32000}, Row{TimerName::m, 32000, 32000}}) {
    EXPECT_EQ(timer_ms(row.timer, Timing{}, false), row.unreliable_ms) << info(row.timer).name;
    EXPECT_EQ(timer_ms(row.timer, Timing{}, true), row.reliable_ms) << info(row.timer).name;
  }
  // D does not shrink with our T1: the other side's is unknown.
  EXPECT_EQ(timer_ms(TimerName::d, Timing{.t1_ms = 10}, false), 32000U);
  EXPECT_EQ(timer_ms(TimerName::d, Timing{.t1_ms = 1000}, false), 64000U);
  EXPECT_EQ(doubled_ms(500, Timing{}), 1000U);
  EXPECT_EQ(doubled_ms(3000, Timing{}), 4000U);
}

}  // namespace
}  // namespace sallyport::sip
