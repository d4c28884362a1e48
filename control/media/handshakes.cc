// SPDX-License-Identifier: GPL-3.0-or-later
// Legs, orders and events between control and the handshake thread.
#include "control/media/handshakes.h"

namespace sallyport::control {

keying::LegId Handshakes::open(Listener listener) {
  listeners_.emplace(++last_leg_, std::move(listener));
  return last_leg_;
}

void Handshakes::close(keying::LegId leg) {
  if (listeners_.erase(leg) != 0) order(keying::handshake_order::Remove{leg});
}

void Handshakes::order(keying::HandshakeOrder order) {
  send_waiting();
  if (waiting_.empty() && plane_.has_room())
    plane_.order(std::move(order));
  else
    waiting_.push_back(std::move(order));
}

void Handshakes::send_waiting() {
  while (!waiting_.empty() && plane_.has_room()) {
    plane_.order(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void Handshakes::on_event(keying::HandshakeEvent& event) {
  const auto leg = std::visit([](const auto& happened) { return happened.leg; }, event);
  const auto found = listeners_.find(leg);
  if (found == listeners_.end()) return;    // closed meanwhile
  const Listener listener = found->second;  // it may close the leg
  listener(event);
}

}  // namespace sallyport::control
