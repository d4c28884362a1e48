// SPDX-License-Identifier: GPL-3.0-or-later
// DeadlineTimer: one timer of the event loop for a wheel full of timers.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "sip/timers.h"
#include "transport/asio_fwd.h"

namespace sallyport::control {

/// The clock of all signalling: milliseconds that never go back.
[[nodiscard]] sip::InstantMs steady_ms();

class DeadlineTimer {
 public:
  DeadlineTimer(boost::asio::io_context& context, std::function<void()> on_due);
  ~DeadlineTimer();
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  /// Set anew only when the deadline has come nearer: firing too early costs less than setting it always.
  void arm(std::optional<sip::InstantMs> deadline) {
    if (!deadline || (armed_for_ && *armed_for_ <= *deadline)) return;
    set(*deadline);
  }

 private:
  void set(sip::InstantMs deadline);

  struct Timer;
  std::unique_ptr<Timer> timer_;
  std::function<void()> on_due_;
  std::optional<sip::InstantMs> armed_for_;
};

}  // namespace sallyport::control
