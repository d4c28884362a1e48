// SPDX-License-Identifier: GPL-3.0-or-later
// Two transaction layers, a network between them that follows a list of faults, and a clock that the test
// moves.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/dialog.h"
#include "sip/repeater.h"
#include "sip/transaction_layer.h"

namespace sallyport::sip {

/// What the network does with one message: the delays of its copies; none loses it.
using Fault = std::vector<std::uint32_t>;
inline const Fault kDelivered = {10};
inline const Fault kLost = {};

/// Carries messages between two ends in 10 ms and hurts those that the test names by their number.
class Network {
 public:
  struct Packet {
    int to = 0;
    Hop hop;
    std::string octets;
  };

  std::function<Fault(std::size_t)> faults = [](std::size_t) { return kDelivered; };
  std::vector<std::string> log;  ///< first lines, in the order of sending
  bool is_down = false;          ///< every send fails

  void send(int from, const Hop& hop, std::string_view octets, InstantMs now);
  [[nodiscard]] std::optional<InstantMs> next() const {
    return packets_.empty() ? std::nullopt : std::optional(packets_.begin()->first);
  }
  [[nodiscard]] Packet take();

 private:
  std::multimap<InstantMs, Packet> packets_;
};

/// How the answering side behaves.
struct Behaviour {
  unsigned provisional = 0;          ///< 0: none
  std::uint32_t provisional_ms = 0;  ///< after the request
  unsigned final_status = 200;
  std::uint32_t final_ms = 0;  ///< 0: within on_request()
};

/// One end: transaction user and sink in one.
class End : public TransactionUser, public MessageSink {
 public:
  End(Network& network, int number, Transport transport);

  TransactionLayer& layer() { return *layer_; }
  [[nodiscard]] Hop hop_to_other() const;
  ClientTransactionId invite(InstantMs now, std::string_view to_tag = {});
  ClientTransactionId request(Method method, InstantMs now);
  [[nodiscard]] std::string write_request(Method method, std::string_view branch,
                                          std::string_view to_tag = {}) const;
  [[nodiscard]] std::optional<InstantMs> next() const;
  void advance(InstantMs now);
  void receive(const Hop& hop, std::string octets, InstantMs now);

  Result<std::uint64_t> send(const Hop& hop, std::string_view octets) override;
  void on_request(ServerTransactionId id, const Message& request, const Hop& hop, InstantMs now) override;
  void on_cancel(ServerTransactionId id, std::uint64_t context, const Message& cancel,
                 InstantMs now) override;
  void on_ack(ServerTransactionId id, const Message& ack, const Hop& hop, InstantMs now) override;
  void on_response(ClientTransactionId id, std::uint64_t context, Message& response, InstantMs now) override;
  void on_timeout(ClientTransactionId id, std::uint64_t context, InstantMs now) override;
  void on_transport_error(ClientTransactionId id, std::uint64_t context, InstantMs now) override;
  void on_no_ack(ServerTransactionId id, std::uint64_t context, InstantMs now) override;
  void on_transport_error(ServerTransactionId id, std::uint64_t context, InstantMs now) override;
  void on_ended(ClientTransactionId id, std::uint64_t context, InstantMs now) override;
  void on_ended(ServerTransactionId id, std::uint64_t context, InstantMs now) override;

  Behaviour behaviour;
  std::optional<std::uint32_t> give_up_ms;  ///< cancel an unanswered INVITE so long after it was sent
  std::uint64_t connection = 0;             ///< of the link to the other end
  Limits limits;
  InstantMs now = 0;

  // What its user saw.
  int requests = 0;
  int cancels = 0;
  int acks = 0;
  int no_acks = 0;
  int errors = 0;
  int server_errors = 0;
  int timeouts = 0;
  int ended = 0;
  int never_acknowledged = 0;  ///< 2xx that were repeated in vain
  std::vector<unsigned> provisionals;
  std::vector<unsigned> finals;
  std::vector<std::uint64_t> contexts;
  ServerTransactionId last_server;
  std::string last_request;

 private:
  void answer(ServerTransactionId id, unsigned status);

  struct Due {
    ServerTransactionId id;
    unsigned status;
  };
  struct Success {
    ServerTransactionId id;
    std::string octets;
    Repeater repeater;
  };
  Network& network_;
  int number_;
  Transport transport_;
  std::unique_ptr<TransactionLayer> layer_;
  std::multimap<InstantMs, Due> due_;
  std::optional<Success> success_;
  std::optional<InstantMs> give_up_at_;
  ClientTransactionId invite_;
};

/// Both ends and what is between them.
struct Rig {
  explicit Rig(Transport transport) : caller(network, 0, transport), callee(network, 1, transport) {}

  /// Until nothing is under way, or `until`.
  void run(InstantMs until = 1'000'000);

  Network network;
  End caller;
  End callee;
  InstantMs now = 1000;
};

}  // namespace sallyport::sip
