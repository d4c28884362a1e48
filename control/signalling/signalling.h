// SPDX-License-Identifier: GPL-3.0-or-later
// Signalling: puts transports and transactions together. Octets become requests for a handler, and replies to
// our own requests find whoever sent them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "control/config/sip.h"
#include "control/signalling/deadline_timer.h"
#include "sip/transaction_layer.h"
#include "transport/asio_fwd.h"
#include "transport/transport_layer.h"

namespace sallyport::control {

/// Who decides about what comes in.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// A new request; `request` lasts as long as this call, or until the final response by
  /// Signalling::request_of().
  virtual void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) = 0;
  virtual void on_cancel(sip::ServerTransactionId id, const sip::Message& cancel) = 0;
  /// An ACK of a 2xx, or of nothing.
  virtual void on_ack(const sip::Message& ack, const sip::Hop& hop) = 0;
  virtual void on_connection_closed(const sip::Hop& hop) = 0;
};

/// Sees every message that passes, as it passes.
class MessageTap {
 public:
  virtual ~MessageTap() = default;
  virtual void on_received(const sip::Message& message, const sip::Hop& from) = 0;
  virtual void on_sent(std::string_view message, const sip::Hop& to) = 0;
};

/// What came of a request of ours.
struct Reply {
  unsigned status = 0;  ///< 408 where nothing came in time, 503 where it could not be sent: RFC 3261 §8.1.3.1
  sip::Message* message = nullptr;  ///< none where the status is our own
  [[nodiscard]] bool is_final() const { return status >= 200; }
};
/// Called for every response that is new; of a 2xx to INVITE for each repetition too.
using OnReply = std::function<void(const Reply&)>;

struct SignallingCounters {
  std::uint64_t received = 0;    ///< messages
  std::uint64_t sent = 0;        ///< messages
  std::uint64_t unparsable = 0;  ///< not even answerable
  std::uint64_t refused = 0;     ///< defects that were answered
  std::uint64_t unsent = 0;      ///< the transport did not take them
};

/// The control thread's.
class Signalling final : transport::TransportUser, sip::TransactionUser, sip::MessageSink {
 public:
  /// Binds the listeners: to be made before privileges are dropped. Throws std::runtime_error.
  Signalling(boost::asio::io_context& context, const SipConfig& config);
  ~Signalling() override;

  void set_handler(RequestHandler& handler) { handler_ = &handler; }
  void set_tap(MessageTap* tap) { tap_ = tap; }
  /// Begins to accept and to receive; after set_handler().
  void start();
  /// After a reload of the transports: some are gone, others new.
  void listeners_changed();

  // Answers.

  [[nodiscard]] const sip::Message* request_of(sip::ServerTransactionId id) {
    return transactions_.request_of(id);
  }
  [[nodiscard]] std::string to_tag(sip::ServerTransactionId id) { return transactions_.to_tag(id); }
  /// Begins a response, with Server where one is configured.
  [[nodiscard]] sip::MessageWriter response(sip::ServerTransactionId id, unsigned status,
                                            std::string_view reason = {});
  /// As TransactionLayer::respond.
  Result<void> respond(sip::ServerTransactionId id, sip::MessageWriter&& response);
  Result<void> respond(sip::ServerTransactionId id, unsigned status, std::string octets);
  void respond_and_forget(sip::ServerTransactionId id, sip::MessageWriter&& response);

  // Requests.

  /// A topmost Via for requests to `hop`, and its branch.
  struct NewVia {
    std::string value;
    std::string branch;
  };
  [[nodiscard]] NewVia new_via(const sip::Hop& hop);
  /// Where peers behind `hop` reach us: `sip:192.0.2.1:5061;transport=tls`.
  [[nodiscard]] const std::string& contact_uri(const sip::Hop& hop) const;
  /// Sends a request; `on_reply` is not called before this returns. Fails if it cannot be sent.
  [[nodiscard]] Result<sip::ClientTransactionId> request(std::string octets, std::string_view branch,
                                                         const sip::Hop& hop, OnReply on_reply);
  void cancel(sip::ClientTransactionId id, std::string_view reason = {});
  /// What is no transaction: the ACK of a 2xx, and its repetitions.
  Result<void> send_plain(const sip::Hop& hop, std::string_view octets);

  [[nodiscard]] sip::InstantMs now() const { return steady_ms(); }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] transport::TransportLayer& transport() { return transport_; }
  [[nodiscard]] const transport::TransportLayer& transport() const { return transport_; }
  [[nodiscard]] const sip::TransactionLayer& transactions() const { return transactions_; }
  [[nodiscard]] const SipConfig& config() const { return config_; }
  [[nodiscard]] sip::Limits& sip_limits() { return limits_; }
  [[nodiscard]] const SignallingCounters& counters() const { return counters_; }

 private:
  // transport::TransportUser
  void on_message(sip::Frame frame, const sip::Hop& from) override;
  void on_connection_closed(const sip::Hop& hop, const Error& why) override;
  void on_unreachable(const sip::Hop& hop, const Error& why) override;
  // sip::MessageSink
  [[nodiscard]] Result<std::uint64_t> send(const sip::Hop& hop, std::string_view octets) override;
  // sip::TransactionUser
  void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop,
                  sip::InstantMs now) override;
  void on_cancel(sip::ServerTransactionId id, std::uint64_t context, const sip::Message& cancel,
                 sip::InstantMs now) override;
  void on_ack(sip::ServerTransactionId id, const sip::Message& ack, const sip::Hop& hop,
              sip::InstantMs now) override;
  void on_response(sip::ClientTransactionId id, std::uint64_t context, sip::Message& response,
                   sip::InstantMs now) override;
  void on_timeout(sip::ClientTransactionId id, std::uint64_t context, sip::InstantMs now) override;
  using sip::TransactionUser::on_ended;
  using sip::TransactionUser::on_transport_error;
  void on_transport_error(sip::ClientTransactionId id, std::uint64_t context, sip::InstantMs now) override;
  void on_ended(sip::ClientTransactionId id, std::uint64_t context, sip::InstantMs now) override;

  void refuse(const sip::Message& message, const sip::Defect& defect, const sip::Hop& from);
  void reply(std::uint64_t context, const Reply& reply);
  void arm() { timer_.arm(transactions_.next_deadline()); }

  boost::asio::io_context& context_;
  const SipConfig& config_;
  sip::Limits limits_;
  RequestHandler* handler_ = nullptr;
  MessageTap* tap_ = nullptr;
  transport::TransportLayer transport_;
  sip::TransactionLayer transactions_;
  DeadlineTimer timer_;
  std::vector<std::string> sent_by_;   ///< by listener: `192.0.2.1:5061`
  std::vector<std::string> contacts_;  ///< by listener
  std::unordered_map<std::uint64_t, OnReply> waiting_;
  std::uint64_t last_context_ = 0;
  SignallingCounters counters_;
};

}  // namespace sallyport::control
