// SPDX-License-Identifier: GPL-3.0-or-later
// What stands on either side of the transaction layer: its user above, who decides, and the sink below, which
// sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "sip/hop.h"
#include "sip/message.h"
#include "sip/timers.h"
#include "sip/transaction_table.h"

namespace sallyport::sip {

struct ClientTransaction;
struct ServerTransaction;
using ClientTransactionId = Handle<ClientTransaction>;
using ServerTransactionId = Handle<ServerTransaction>;

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// Sends one message to a hop; gives the connection it went to (perhaps one that is only being opened), 0
  /// for datagrams. Later failures are reported by TransactionLayer::hop_failed. Must not call back.
  [[nodiscard]] virtual Result<std::uint64_t> send(const Hop& hop, std::string_view octets) = 0;
};

/// Called by the transaction layer; every call may call the layer again. `context` is what the user gave it.
/// A handle may have died by the time it is handed over: it then serves to recognise, and nothing else.
class TransactionUser {
 public:
  virtual ~TransactionUser() = default;

  /// A request that is no repetition, no ACK and no CANCEL. The user answers it by respond(), now or later;
  /// `request` is the layer's and lasts until this call returns or, from TransactionLayer::request_of(),
  /// until the final response.
  virtual void on_request(ServerTransactionId id, const Message& request, const Hop& hop, InstantMs now) = 0;
  /// The INVITE's client gave up before it was answered. The CANCEL has had its 200; the INVITE wants a 487.
  virtual void on_cancel(ServerTransactionId id, std::uint64_t context, const Message& cancel,
                         InstantMs now) = 0;
  /// An ACK that belongs to a 2xx, or to nothing. `id` is set if it came within its INVITE's transaction.
  virtual void on_ack(ServerTransactionId id, const Message& ack, const Hop& hop, InstantMs now) = 0;
  /// A response that its user has not seen; of a 2xx to INVITE every repetition, which wants the ACK again.
  /// The user may move from `response`.
  virtual void on_response(ClientTransactionId id, std::uint64_t context, Message& response,
                           InstantMs now) = 0;
  /// No final response in time: treat it as a 408 (RFC 3261 §8.1.3.1). The transaction is gone.
  virtual void on_timeout(ClientTransactionId id, std::uint64_t context, InstantMs now) = 0;
  /// The request could not be sent or its connection is lost: treat it as a 503. The transaction is gone.
  virtual void on_transport_error(ClientTransactionId id, std::uint64_t context, InstantMs now) = 0;

  /// A failure to an INVITE was never acknowledged.
  virtual void on_no_ack(ServerTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {}
  /// The connection that a request came by is lost; its transaction stays, and a response will look for
  /// another way.
  virtual void on_transport_error(ServerTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {}
  /// The last call for a transaction: of an INVITE, no further 2xx can come.
  virtual void on_ended(ClientTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {}
  virtual void on_ended(ServerTransactionId /*id*/, std::uint64_t /*context*/, InstantMs /*now*/) {}
};

}  // namespace sallyport::sip
