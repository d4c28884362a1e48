// SPDX-License-Identifier: GPL-3.0-or-later
// Legs, orders and events between control and the handshake thread.
#include "control/media/handshakes.h"

namespace sallyport::control {

keying::LegId Handshakes::open(Listener listener) {
  listeners_.emplace(++last_leg_, std::move(listener));
  return last_leg_;
}

Result<std::unique_ptr<keying::ZrtpAssociation>> Handshakes::make_zrtp(
    const std::optional<keying::ZrtpHash>& peer_hello, std::string_view far_uri,
    std::string_view peer_uri) const {
  keying::ZrtpSettings settings;
  settings.peer_hello_hash = peer_hello;
  // A phone keeps secrets by whom it talks to, so we must too, or the next far end would be a stranger.
  if (zrtp_cache_ && !far_uri.empty() && !peer_uri.empty()) {
    settings.cache = zrtp_cache_;
    settings.local_uri = far_uri;
    settings.peer_uri = peer_uri;
  }
  return keying::ZrtpAssociation::make(std::move(settings));
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
