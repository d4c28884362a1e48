// SPDX-License-Identifier: GPL-3.0-or-later
// TransactionLayer: RFC 3261 §17 with RFC 6026 over all transports; messages and time in, messages and events
// out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.h"
#include "base/result.h"
#include "sip/client_machine.h"
#include "sip/hop.h"
#include "sip/limits.h"
#include "sip/message.h"
#include "sip/server_machine.h"
#include "sip/timer_wheel.h"
#include "sip/transaction_table.h"
#include "sip/transaction_user.h"
#include "sip/writer.h"

namespace sallyport::sip {

/// A timer that knows whose it is.
struct TransactionTimer : Timer {
  ClientTransaction* client = nullptr;
  ServerTransaction* server = nullptr;
  bool repeats = false;
};

struct ClientTransaction {
  ClientTransaction();
  void reset();

  ClientTransactionId handle;
  ClientMachine machine;
  KeyedIndex<ClientTransaction>::Node by_key;
  KeyedIndex<ClientTransaction>::Node by_hop;
  TransactionTimer repeat;
  TransactionTimer end;
  Hop hop;
  std::string octets;  ///< what is repeated: the request, then the ACK of a failure; empty when nothing is
  std::string cancel;  ///< a CANCEL that waits for the first provisional response
  std::uint64_t context = 0;
  std::uint32_t interval_ms = 0;
  bool is_invite = false;
  bool is_own_cancel = false;  ///< the layer's; its user hears nothing of it
};

struct ServerTransaction {
  ServerTransaction();
  void reset();

  ServerTransactionId handle;
  ServerMachine machine;
  KeyedIndex<ServerTransaction>::Node by_key;
  KeyedIndex<ServerTransaction>::Node by_hop;
  KeyedIndex<ServerTransaction>::Node by_origin;
  TransactionTimer repeat;
  TransactionTimer end;
  Hop hop;                                ///< where responses go
  std::uint16_t sent_by_port = 0;         ///< where they go when that connection is lost
  std::string octets;                     ///< the last response, while repetitions of the request want it
  const Message* request = nullptr;       ///< until the final response
  std::unique_ptr<Message> kept_request;  ///< the same, once on_request() has returned
  Hash128 request_to_tag;                 ///< the tags tell transactions of RFC 2543 apart
  Hash128 response_to_tag;
  std::uint64_t context = 0;
  std::uint32_t interval_ms = 0;
  bool is_invite = false;
  bool is_cancelled = false;  ///< its user knows
  bool is_rfc2543 = false;    ///< its branch has no cookie
};

struct TransactionCounters {
  std::uint64_t requests = 0;            ///< new ones that came in
  std::uint64_t repeated_requests = 0;   ///< absorbed
  std::uint64_t repeated_responses = 0;  ///< absorbed
  std::uint64_t stray_responses = 0;     ///< belong to no transaction
  std::uint64_t stray_cancels = 0;       ///< answered 481
  std::uint64_t merged_requests = 0;     ///< answered 482
  std::uint64_t unusable = 0;            ///< without a readable Via or CSeq
  std::uint64_t retransmissions = 0;     ///< sent by timers
  std::uint64_t timeouts = 0;
  std::uint64_t transport_errors = 0;
};

/// What a client transaction is made of.
struct ClientRequest {
  std::string octets;  ///< the whole request, its topmost Via with a branch from new_branch()
  std::string_view branch;
  Hop hop;
  std::uint64_t context = 0;
};

/// Random bits, drawn once from a good source; whoever knows them can guess branches.
struct TransactionSeed {
  HashKey table;
  HashKey branches;
};

class TransactionLayer {
 public:
  TransactionLayer(TransactionUser& user, MessageSink& sink, Limits& limits, const TransactionSeed& seed,
                   InstantMs now, const Timing& timing = {});
  ~TransactionLayer();
  TransactionLayer(const TransactionLayer&) = delete;
  TransactionLayer& operator=(const TransactionLayer&) = delete;

  /// A message without defects from the network.
  void receive(Message message, const Hop& hop, InstantMs now);

  // Client side.

  /// `z9hG4bK` and 24 digits that no one else can foresee.
  [[nodiscard]] std::string new_branch();
  /// Sends any request but ACK and CANCEL. An ACK for a 2xx is no transaction: its user gives it to the sink.
  [[nodiscard]] Result<ClientTransactionId> request(ClientRequest request, InstantMs now);
  /// Sends a CANCEL as soon as RFC 3261 §9.1 allows; does nothing once a final response came. `reason` is a
  /// Reason header field's value.
  void cancel(ClientTransactionId id, InstantMs now, std::string_view reason = {});

  // Server side.

  /// The request, until its final response was given.
  [[nodiscard]] const Message* request_of(ServerTransactionId id);
  /// The tag for the To of responses: hard to guess, and the same for every repetition of the request, so
  /// that a user without state gives it too (RFC 3261 §8.2.7).
  [[nodiscard]] std::string to_tag(ServerTransactionId id);
  /// The beginning of a response to a request that has had no final one.
  [[nodiscard]] MessageWriter response(ServerTransactionId id, unsigned status, std::string_view reason = {});
  /// Fails if the transaction is gone or has had its final response (a 2xx to INVITE may be given again until
  /// Timer L), and if it could not be sent: that one counts as given.
  Result<void> respond(ServerTransactionId id, unsigned status, std::string octets, InstantMs now);
  Result<void> respond(ServerTransactionId id, MessageWriter&& response, InstantMs now);
  /// Sends a final response and forgets the transaction at once, without on_ended(): refusing strangers costs
  /// no state.
  void respond_and_forget(ServerTransactionId id, MessageWriter&& response);
  /// What on_cancel() and its siblings will hand back.
  void set_context(ServerTransactionId id, std::uint64_t context);

  /// A connection was lost or could not be opened, or a datagram's port is closed; `hop` as it was given to
  /// the sink, or with the connection that the sink gave.
  void hop_failed(const Hop& hop, InstantMs now);

  [[nodiscard]] std::optional<InstantMs> next_deadline() const { return wheel_.next_deadline(); }
  void advance(InstantMs now);

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }
  [[nodiscard]] std::size_t servers() const { return servers_.size(); }
  [[nodiscard]] const TransactionCounters& counters() const { return counters_; }
  /// `server_invite proceeding over TLS`, or `gone`.
  [[nodiscard]] std::string dump(ClientTransactionId id);
  [[nodiscard]] std::string dump(ServerTransactionId id);

 private:
  // transaction_layer.cc
  [[nodiscard]] Hash128 hop_key(const Hop& hop) const;
  struct TimerChange {
    StateTimers before;
    StateTimers after;
    bool reliable;
  };
  [[nodiscard]] bool restart_timers(TransactionTimer& repeat, TransactionTimer& end,
                                    std::uint32_t& interval_ms, const TimerChange& change, InstantMs now);

  // transaction_layer_client.cc
  [[nodiscard]] Hash128 client_key(std::string_view branch, std::string_view method) const;
  void receive_response(Message& response, InstantMs now);
  void handle(ClientTransaction& client, ClientEvent event, Message* response, InstantMs now);
  [[nodiscard]] bool send_kept(ClientTransaction& client);
  [[nodiscard]] bool settle(ClientTransaction& client, const StateTimers& before, InstantMs now);
  void send_cancel(ClientTransaction& client, InstantMs now);
  void fire(ClientTransaction& client, bool repeats, InstantMs now);
  void release(ClientTransaction& client);

  // transaction_layer_server.cc
  /// A request and what was read from it.
  struct Arrival {
    const Message& request;
    const Hop& hop;
    Via via;
    CSeq cseq;
    std::string_view from_tag;
    std::string_view to_tag;
  };
  [[nodiscard]] static Result<Arrival> read(const Message& request, const Hop& hop);
  [[nodiscard]] Hash128 server_key(const Arrival& arrival, std::string_view method) const;
  [[nodiscard]] Hash128 origin_key(const Arrival& arrival) const;
  [[nodiscard]] Hash128 tag_key(std::string_view tag) const;
  [[nodiscard]] std::string to_tag(Hash128 key) const;
  [[nodiscard]] ServerTransaction* find_server(const Arrival& arrival, Hash128 key) const;
  void receive_request(Message& request, const Hop& hop, InstantMs now);
  void receive_ack(const Arrival& ack, InstantMs now);
  void receive_cancel(const Arrival& cancel, InstantMs now);
  void receive_new(const Arrival& arrival, Hash128 key, Message& request, InstantMs now);
  [[nodiscard]] ServerTransaction& open_server(const Arrival& arrival, Hash128 key);
  void refuse(const Arrival& arrival, unsigned status, std::string_view reason = {});
  void respond_without_state(MessageWriter&& response, const Hop& hop);
  void handle(ServerTransaction& server, ServerEvent event, const Message* ack, const Hop* hop,
              InstantMs now);
  [[nodiscard]] Result<void> transmit(ServerTransaction& server, std::string_view octets);
  [[nodiscard]] bool settle(ServerTransaction& server, const StateTimers& before, InstantMs now);
  void fire(ServerTransaction& server, bool repeats, InstantMs now);
  void release(ServerTransaction& server);
  void lose_hop(ServerTransaction& server, InstantMs now);

  TransactionUser& user_;
  MessageSink& sink_;
  Limits& limits_;
  TransactionSeed seed_;
  Timing timing_;
  TimerWheel wheel_;
  SlotTable<ClientTransaction> clients_;
  SlotTable<ServerTransaction> servers_;
  KeyedIndex<ClientTransaction> clients_by_key_;
  KeyedIndex<ClientTransaction> clients_by_hop_;
  KeyedIndex<ServerTransaction> servers_by_key_;
  KeyedIndex<ServerTransaction> servers_by_hop_;
  KeyedIndex<ServerTransaction> servers_by_origin_;
  TransactionCounters counters_;
  std::uint64_t branches_made_ = 0;
};

}  // namespace sallyport::sip
