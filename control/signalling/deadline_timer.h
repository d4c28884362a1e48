// SPDX-License-Identifier: GPL-3.0-or-later
// DeadlineTimer: one timer of the event loop for a wheel full of timers.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sip/timers.h"

namespace sallyport::control {

/// The clock of all signalling: milliseconds that never go back.
[[nodiscard]] inline sip::InstantMs steady_ms() {
  using std::chrono::steady_clock;
  return static_cast<sip::InstantMs>(
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count());
}

class DeadlineTimer {
 public:
  DeadlineTimer(boost::asio::io_context& context, std::function<void()> on_due)
      : timer_(context), on_due_(std::move(on_due)) {}

  /// Set anew only when the deadline has come nearer: firing too early costs less than setting it always.
  void arm(std::optional<sip::InstantMs> deadline) {
    if (!deadline || (armed_for_ && *armed_for_ <= *deadline)) return;
    armed_for_ = deadline;
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::milliseconds(*deadline)));
    timer_.async_wait([this](const boost::system::error_code& failure) {
      if (failure) return;
      armed_for_.reset();
      on_due_();
    });
  }

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> on_due_;
  std::optional<sip::InstantMs> armed_for_;
};

}  // namespace sallyport::control
