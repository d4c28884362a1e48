// SPDX-License-Identifier: GPL-3.0-or-later
// The timers of RFC 3261 Table 4 and RFC 6026: what each is worth, for both kinds of transport.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::sip {

/// Milliseconds of a clock that never goes back. It stands still inside this folder: callers pass it in.
using InstantMs = std::uint64_t;

struct Timing {
  std::uint32_t t1_ms = 500;   ///< estimate of a round trip
  std::uint32_t t2_ms = 4000;  ///< longest interval between repetitions
  std::uint32_t t4_ms = 5000;  ///< how long the network holds a message

  /// How long a client waits and a server repeats.
  [[nodiscard]] constexpr std::uint32_t transaction_ms() const { return 64 * t1_ms; }
};

enum class TimerName : std::uint8_t { a, b, d, e, f, g, h, i, j, k, l, m };

/// What a timer is worth: a multiple of T1, or T4, or a fixed time; some are zero where nothing gets lost.
struct TimerInfo {
  TimerName timer;
  std::string_view name;
  std::uint32_t t1_multiple;
  std::uint32_t t4_multiple;
  std::uint32_t at_least_ms;
  bool zero_if_reliable;
  std::string_view meaning;
};

inline constexpr std::array kTimers = std::to_array<TimerInfo>({
    {TimerName::a, "A", 1, 0, 0, false, "INVITE is repeated (UDP only)"},
    {TimerName::b, "B", 64, 0, 0, false, "INVITE was not answered"},
    {TimerName::d, "D", 64, 0, 32000, true, "repeated failures of an INVITE are over"},
    {TimerName::e, "E", 1, 0, 0, false, "another request is repeated (UDP only)"},
    {TimerName::f, "F", 64, 0, 0, false, "another request was not answered"},
    {TimerName::g, "G", 1, 0, 0, false, "a failure is repeated (UDP only)"},
    {TimerName::h, "H", 64, 0, 0, false, "no ACK came"},
    {TimerName::i, "I", 0, 1, 0, true, "repeated ACKs are over"},
    {TimerName::j, "J", 64, 0, 0, true, "repeated requests are over"},
    {TimerName::k, "K", 0, 1, 0, true, "repeated responses are over"},
    {TimerName::l, "L", 64, 0, 0, false, "repeated INVITEs after a 2xx are over"},
    {TimerName::m, "M", 64, 0, 0, false, "further 2xx are over"},
});

constexpr bool timers_stand_at_their_values() {
  for (std::size_t i = 0; i < kTimers.size(); ++i)
    if (static_cast<std::size_t>(kTimers[i].timer) != i) return false;
  return kTimers.back().timer == TimerName::m;
}
static_assert(timers_stand_at_their_values());

[[nodiscard]] constexpr const TimerInfo& info(TimerName timer) {
  return kTimers[static_cast<std::size_t>(timer)];
}

/// Which timers run in a state; a timer that two states in a row name keeps running.
struct StateTimers {
  std::optional<TimerName> repeat;  ///< only over UDP
  std::optional<TimerName> end;
};

/// The first value of a timer; 0 means that it fires at once.
[[nodiscard]] constexpr std::uint32_t timer_ms(TimerName timer, const Timing& timing, bool reliable) {
  const TimerInfo& about = info(timer);
  if (reliable && about.zero_if_reliable) return 0;
  const std::uint32_t scaled = about.t1_multiple * timing.t1_ms + about.t4_multiple * timing.t4_ms;
  return std::max(scaled, about.at_least_ms);
}

/// The interval after `interval_ms` in a series that doubles up to T2.
[[nodiscard]] constexpr std::uint32_t doubled_ms(std::uint32_t interval_ms, const Timing& timing) {
  return std::min(2 * interval_ms, timing.t2_ms);
}

}  // namespace sallyport::sip
