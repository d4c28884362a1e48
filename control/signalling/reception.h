// SPDX-License-Identifier: GPL-3.0-or-later
// Reception: looks at every request first, and hands it to whoever serves it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "control/signalling/gatekeeper.h"
#include "control/signalling/signalling.h"
#include "control/subscribers/subscribers.h"

namespace sallyport::control {

/// Who carries what is one request and one answer, outside of calls.
class MessageService {
 public:
  virtual ~MessageService() = default;
  virtual void on_message(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) = 0;
};

/// Who carries SUBSCRIBE and what follows from it, outside of calls.
class SubscriptionService {
 public:
  virtual ~SubscriptionService() = default;
  virtual void on_subscribe(sip::ServerTransactionId id, const sip::Message& request,
                            const sip::Hop& hop) = 0;
  /// False if it belongs to no subscription.
  [[nodiscard]] virtual bool on_dialog_request(sip::ServerTransactionId id, const sip::Message& request,
                                               const sip::Hop& hop) = 0;
};

/// Who serves INVITEs and everything within their dialogs.
class CallService {
 public:
  virtual ~CallService() = default;
  virtual void on_invite(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) = 0;
  /// False if it belongs to no dialog.
  [[nodiscard]] virtual bool on_dialog_request(sip::ServerTransactionId id, const sip::Message& request,
                                               const sip::Hop& hop) = 0;
  virtual void on_cancel(sip::ServerTransactionId id, const sip::Message& cancel) = 0;
  virtual void on_ack(const sip::Message& ack, const sip::Hop& hop) = 0;
  virtual void on_connection_closed(const sip::Hop& hop) = 0;
};

/// What we implement where a request says Require (RFC 3261 §8.2.2.3).
inline constexpr std::array<std::string_view, 5> kExtensions = {"100rel", "timer", "replaces", "outbound",
                                                                "path"};
/// The value of Allow.
inline constexpr std::string_view kAllow =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE, SUBSCRIBE, "
    "PUBLISH";

/// The control thread's.
class Reception final : public RequestHandler {
 public:
  /// All outlive the object.
  Reception(Signalling& signalling, Gatekeeper& gatekeeper, Subscribers& subscribers, CallService& calls,
            MessageService& messages, SubscriptionService& subscriptions);

  void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) override;
  void on_cancel(sip::ServerTransactionId id, const sip::Message& cancel) override {
    calls_.on_cancel(id, cancel);
  }
  void on_ack(const sip::Message& ack, const sip::Hop& hop) override { calls_.on_ack(ack, hop); }
  void on_connection_closed(const sip::Hop& hop) override { calls_.on_connection_closed(hop); }

 private:
  [[nodiscard]] bool passes_checks(sip::ServerTransactionId id, const sip::Message& request);
  void register_user(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop);
  void answer_options(sip::ServerTransactionId id);
  void refuse(sip::ServerTransactionId id, unsigned status, std::string_view reason = {});

  Signalling& signalling_;
  Gatekeeper& gatekeeper_;
  Subscribers& subscribers_;
  CallService& calls_;
  MessageService& messages_;
  SubscriptionService& subscriptions_;
};

}  // namespace sallyport::control
