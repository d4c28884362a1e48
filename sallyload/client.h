// SPDX-License-Identifier: GPL-3.0-or-later
// Client: transports and transactions of many subscribers in one process.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "sallyload/report.h"
#include "sallyload/settings.h"
#include "sip/transaction_layer.h"
#include "transport/transport_layer.h"

namespace sallyport::sallyload {

/// Microseconds of a clock that never goes back.
[[nodiscard]] std::uint64_t now_us();

/// What a load does with what comes. Contexts are those that it gave to its requests.
class ClientUser {
 public:
  virtual ~ClientUser() = default;
  virtual void on_response(std::uint64_t context, sip::Message& response) = 0;
  virtual void on_failure(std::uint64_t context, Failure failure) = 0;
  virtual void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) = 0;
  virtual void on_ack(const sip::Message& ack) { static_cast<void>(ack); }
  /// After each turn: more may be begun.
  virtual void on_turn() = 0;
};

/// One thread's.
class Client : public transport::TransportUser, public sip::MessageSink, public sip::TransactionUser {
 public:
  /// Throws std::runtime_error.
  Client(boost::asio::io_context& context, const Settings& settings, Report& report);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start(ClientUser& user);
  /// Timers; to be called every few milliseconds.
  void tick();

  /// A kept way to the server by its number; opened again if it was lost.
  [[nodiscard]] Result<sip::Hop> kept(std::uint64_t number);
  /// A new connection. Over UDP the one socket.
  [[nodiscard]] Result<sip::Hop> open();
  void close(const sip::Hop& hop);

  [[nodiscard]] std::string new_branch() { return transactions_.new_branch(); }
  /// Sends; what becomes of it comes to the user. False: it could not be sent.
  [[nodiscard]] bool request(std::string octets, std::string_view branch, const sip::Hop& hop,
                             std::uint64_t context);
  /// Beside all transactions: the ACK of a 2xx.
  void send_ack(const sip::Hop& hop, std::string_view octets);
  [[nodiscard]] sip::MessageWriter response(sip::ServerTransactionId id, unsigned status) {
    return transactions_.response(id, status);
  }
  void respond(sip::ServerTransactionId id, sip::MessageWriter&& response);

  /// Where we are, for Contact and Via.
  [[nodiscard]] const std::string& host_port() const { return host_port_; }
  [[nodiscard]] const IpAddress& address() const { return address_; }
  /// Fills the report with what transports counted.
  void finish();

 private:
  // TransportUser
  void on_message(sip::Frame frame, const sip::Hop& from) override;
  void on_connection_closed(const sip::Hop& hop, const Error& why) override;
  void on_unreachable(const sip::Hop& hop, const Error& why) override;
  // MessageSink
  [[nodiscard]] Result<std::uint64_t> send(const sip::Hop& hop, std::string_view octets) override;
  // TransactionUser
  void on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop,
                  sip::InstantMs now) override;
  void on_cancel(sip::ServerTransactionId id, std::uint64_t context, const sip::Message& cancel,
                 sip::InstantMs now) override;
  void on_ack(sip::ServerTransactionId id, const sip::Message& ack, const sip::Hop& hop,
              sip::InstantMs now) override;
  void on_response(sip::ClientTransactionId id, std::uint64_t context, sip::Message& response,
                   sip::InstantMs now) override;
  void on_timeout(sip::ClientTransactionId id, std::uint64_t context, sip::InstantMs now) override;
  void on_transport_error(sip::ClientTransactionId id, std::uint64_t context, sip::InstantMs now) override;

  Report& report_;
  ClientUser* user_ = nullptr;
  IpAddress address_;
  std::string host_port_;
  sip::Limits limits_;
  transport::Target target_;
  transport::TransportLayer transport_;
  sip::TransactionLayer transactions_;
  std::vector<sip::Hop> kept_;
  /// By connection, its place in kept_.
  std::unordered_map<std::uint64_t, std::uint64_t> kept_places_;
};

}  // namespace sallyport::sallyload
