// SPDX-License-Identifier: GPL-3.0-or-later
// Repeater: what the user of a transaction itself says again until it is acknowledged, a 2xx to INVITE and a
// reliable 1xx.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sip/timers.h"

namespace sallyport::sip {

/// Intervals that begin with T1 and double, for 64*T1 in all, over every transport: the next hop is not the
/// last.
class Repeater {
 public:
  enum class Step : std::uint8_t { nothing, repeat, give_up };

  /// Of a 2xx, which waits for its ACK (RFC 3261 §13.3.1.4): the interval stops at T2. Giving up means BYE.
  [[nodiscard]] static Repeater of_success(InstantMs now, const Timing& timing = {}) {
    return {now, timing, timing.t2_ms};
  }
  /// Of a reliable provisional response, which waits for its PRACK (RFC 3262 §3): it doubles to the end.
  /// Giving up means a 5xx to the INVITE.
  [[nodiscard]] static Repeater of_provisional(InstantMs now, const Timing& timing = {}) {
    return {now, timing, timing.transaction_ms()};
  }

  /// The ACK or PRACK came, or the call is over.
  void stop() { is_running_ = false; }
  [[nodiscard]] bool is_running() const { return is_running_; }
  [[nodiscard]] std::optional<InstantMs> next_deadline() const {
    return is_running_ ? std::optional(std::min(repeat_ms_, end_ms_)) : std::nullopt;
  }
  [[nodiscard]] Step advance(InstantMs now) {
    if (!is_running_ || now < std::min(repeat_ms_, end_ms_)) return Step::nothing;
    if (now >= end_ms_) {
      is_running_ = false;
      return Step::give_up;
    }
    interval_ms_ = std::min(2 * interval_ms_, longest_ms_);
    repeat_ms_ = now + interval_ms_;
    return Step::repeat;
  }

 private:
  Repeater(InstantMs now, const Timing& timing, std::uint32_t longest_ms)
      : repeat_ms_(now + timing.t1_ms),
        end_ms_(now + timing.transaction_ms()),
        interval_ms_(timing.t1_ms),
        longest_ms_(longest_ms) {}

  InstantMs repeat_ms_;
  InstantMs end_ms_;
  std::uint32_t interval_ms_;
  std::uint32_t longest_ms_;
  bool is_running_ = true;
};

}  // namespace sallyport::sip
