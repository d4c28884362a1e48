// SPDX-License-Identifier: GPL-3.0-or-later
// Asio is seen here only, not by everybody who has a timer.
#include "control/signalling/deadline_timer.h"

#include <chrono>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sallyport::control {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

sip::InstantMs steady_ms() {
  const auto since_start = steady_clock::now().time_since_epoch();
  return static_cast<sip::InstantMs>(std::chrono::duration_cast<milliseconds>(since_start).count());
}

struct DeadlineTimer::Timer {
  explicit Timer(boost::asio::io_context& context) : wait(context) {}
  boost::asio::steady_timer wait;
};

DeadlineTimer::DeadlineTimer(boost::asio::io_context& context, std::function<void()> on_due)
    : timer_(std::make_unique<Timer>(context)), on_due_(std::move(on_due)) {}

DeadlineTimer::~DeadlineTimer() = default;

void DeadlineTimer::set(sip::InstantMs deadline) {
  armed_for_ = deadline;
  timer_->wait.expires_at(steady_clock::time_point(milliseconds(deadline)));
  timer_->wait.async_wait([this](const boost::system::error_code& failure) {
    if (failure) return;
    armed_for_.reset();
    on_due_();
  });
}

}  // namespace sallyport::control
