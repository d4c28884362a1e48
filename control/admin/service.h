// SPDX-License-Identifier: GPL-3.0-or-later
// AdminService: does what requests ask and words the result. Knows nothing of sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "base/ip_address.h"
#include "control/admin/handshake_domain.h"
#include "control/admin/protocol.h"
#include "control/config/config.h"
#include "control/media/captures.h"
#include "control/media/relay_manager.h"
#include "control/media/worker_meter.h"
#include "control/subscribers/subscribers.h"

namespace sallyport::control {

class Reloader;
class SipService;

/// What the service acts on; all outlive it.
struct AdminDomain {
  const Config& config;
  Limits& limits;
  MediaPlane& plane;
  NextHopTable& next_hops;
  RelayManager& relays;
  Captures& captures;
  WorkerMeter& meter;
  std::function<void()> shutdown;      ///< begins an orderly end
  Subscribers* subscribers = nullptr;  ///< null: no store is configured
  Reloader* reloader = nullptr;
  SipService* sip = nullptr;  ///< null: no listener is configured
  HandshakeDomain handshakes;
};

class AdminService {
 public:
  explicit AdminService(AdminDomain domain);

  /// Exactly one call, now or later, with a whole line.
  using Reply = std::function<void(std::string line)>;
  void handle(Request request, Reply reply);

  void set_subscribers(Subscribers* subscribers) { domain_.subscribers = subscribers; }
  void set_sip(SipService* sip) { domain_.sip = sip; }
  void set_handshakes(HandshakeDomain handshakes) { domain_.handshakes = std::move(handshakes); }
  /// `follow` makes the messages of calls be published.
  void set_follow(std::function<void()> follow) { follow_ = std::move(follow); }
  void set_connection_count(std::function<std::size_t()> count) { connections_ = std::move(count); }

 private:
  struct Visitor;

  [[nodiscard]] std::string status() const;

  AdminDomain domain_;
  std::set<IpAddress> bans_;
  std::function<std::size_t()> connections_;
  std::function<void()> follow_;
  std::uint64_t started_tsc_;
};

}  // namespace sallyport::control
