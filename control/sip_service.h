// SPDX-License-Identifier: GPL-3.0-or-later
// SipService: everything that answers SIP, put together.
#pragma once

#include <memory>

#include "control/calls/calls.h"
#include "control/calls/pager.h"
#include "control/calls/subscriptions.h"
#include "control/signalling/gatekeeper.h"
#include "control/signalling/options_sender.h"
#include "control/signalling/reception.h"
#include "control/signalling/signalling.h"
#include "transport/resolver.h"
#include "transport/server_selection.h"

namespace sallyport::control {

/// The control thread's. An INVITE's way: Signalling ─▶ Reception ─▶ Calls ─▶ Call ─▶ Signalling.
class SipService {
 public:
  struct Domain {
    boost::asio::io_context& context;
    Config& config;
    Limits& limits;
    Signalling& signalling;
    Subscribers& subscribers;
    RelayManager& relays;
    MediaPorts& ports;
    Handshakes& handshakes;
  };
  /// All outlive the object.
  explicit SipService(const Domain& domain);

  void start();
  /// Once a second: trunks are looked after, subscriptions run out.
  void advance();

  [[nodiscard]] Calls& calls() { return calls_; }
  [[nodiscard]] const Pager& pager() const { return pager_; }
  [[nodiscard]] const Subscriptions& subscriptions() const { return subscriptions_; }
  [[nodiscard]] Trunks& trunks() { return trunks_; }
  [[nodiscard]] Signalling& signalling() { return domain_.signalling; }
  [[nodiscard]] Subscribers& subscribers() { return domain_.subscribers; }
  [[nodiscard]] const Gatekeeper& gatekeeper() const { return gatekeeper_; }
  [[nodiscard]] RecordFile& records() { return records_; }

 private:
  Domain domain_;
  transport::Resolver resolver_;
  transport::ServerLocator locator_;
  OptionsSender options_;
  Trunks trunks_;
  Router router_;
  Admission admission_;
  MediaServices media_;
  RecordFile records_;
  Gatekeeper gatekeeper_;
  Calls calls_;
  Pager pager_;
  Subscriptions subscriptions_;
  Reception reception_;
};

}  // namespace sallyport::control
