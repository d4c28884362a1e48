// SPDX-License-Identifier: GPL-3.0-or-later
// Running a transport layer beside a test.
#include "tests/support/transport_rig.h"

#include <algorithm>
#include <chrono>
#include <csignal>

namespace sallyport::test {

using transport::TransportLayer;

namespace {
constexpr std::chrono::seconds kPatience{20};
}

TransportRig::TransportRig(transport::TransportSettings settings)
    : layer_(std::make_unique<TransportLayer>(context_, settings, *this)),
      limits_(layer_->limits()),
      counters_(layer_->counters()) {
  // As the daemon does: peers may write to what has ended.
  std::signal(SIGPIPE, SIG_IGN);
  for (const auto& listener : layer_->listeners()) addresses_.push_back(listener.settings.address);
  layer_->start();
  thread_ = std::jthread([this] { context_.run(); });
}

TransportRig::~TransportRig() {
  on_layer([this](TransportLayer&) { context_.stop(); });
  thread_.join();
  layer_.reset();
}

void TransportRig::tell(Told told) {
  const std::lock_guard lock(mutex_);
  told_.push_back(std::move(told));
  changed_.notify_all();
}

std::optional<Told> TransportRig::next(Told::Kind kind) {
  std::unique_lock lock(mutex_);
  const auto first = [&] { return std::ranges::find(told_, kind, &Told::kind); };
  if (!changed_.wait_for(lock, kPatience, [&] { return first() != told_.end(); })) return std::nullopt;
  Told told = std::move(*first());
  told_.erase(first());
  return told;
}

bool TransportRig::eventually(const std::function<bool(TransportLayer&)>& holds) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < limit)
    if (on_layer([&](TransportLayer& layer) { return holds(layer); })) return true;
  return false;
}

void TransportRig::on_message(sip::Frame frame, const sip::Hop& from) {
  if (on_message_do) on_message_do(*layer_, frame, from);
  const bool broken = frame.kind == sip::FrameKind::broken;
  tell({broken ? Told::Kind::broken : Told::Kind::message, from,
        broken ? std::to_string(frame.defect->status) : std::move(frame.text)});
}
void TransportRig::on_connection_opened(const sip::Hop& hop) {
  tell({Told::Kind::opened, hop, {}});
}
void TransportRig::on_connection_closed(const sip::Hop& hop, const Error& why) {
  tell({Told::Kind::closed, hop, why.text});
}
void TransportRig::on_unreachable(const sip::Hop& hop, const Error& why) {
  tell({Told::Kind::unreachable, hop, why.text});
}

transport::ListenerSettings tls_listener(std::vector<std::string> certificates,
                                         transport::ClientCertificates mode) {
  return {"tls", sip::Transport::tls, {IpAddress::v4({127, 0, 0, 1}), 0}, std::move(certificates), mode};
}

transport::ListenerSettings plain_listener(sip::Transport transport) {
  return {std::string(sip::name(transport)), transport, {IpAddress::v4({127, 0, 0, 1}), 0}, {}, {}};
}

}  // namespace sallyport::test
