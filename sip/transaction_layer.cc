// SPDX-License-Identifier: GPL-3.0-or-later
// What the layer does for clients and servers alike: time, lost hops, and where messages go.
#include "sip/transaction_layer.h"

#include <utility>

#include "base/bytes.h"
#include "sip/client_invite_transaction.h"
#include "sip/client_transaction.h"
#include "sip/server_invite_transaction.h"
#include "sip/server_transaction.h"

namespace sallyport::sip {

ClientTransaction::ClientTransaction() : machine(kClientRules) {
  repeat.client = this;
  repeat.repeats = true;
  end.client = this;
}

void ClientTransaction::reset() {
  std::string().swap(octets);
  std::string().swap(cancel);
  context = 0;
  interval_ms = 0;
  is_invite = false;
  is_own_cancel = false;
}

ServerTransaction::ServerTransaction() : machine(kServerRules) {
  repeat.server = this;
  repeat.repeats = true;
  end.server = this;
}

void ServerTransaction::reset() {
  std::string().swap(octets);
  request = nullptr;
  kept_request.reset();
  request_to_tag = {};
  response_to_tag = {};
  context = 0;
  interval_ms = 0;
  is_invite = false;
  is_cancelled = false;
  is_rfc2543 = false;
}

TransactionLayer::TransactionLayer(TransactionUser& user, MessageSink& sink, Limits& limits,
                                   const TransactionSeed& seed, InstantMs now, const Timing& timing)
    : user_(user), sink_(sink), limits_(limits), seed_(seed), timing_(timing), wheel_(now) {}

TransactionLayer::~TransactionLayer() = default;

void TransactionLayer::receive(Message message, const Hop& hop, InstantMs now) {
  if (message.is_request())
    receive_request(message, hop, now);
  else
    receive_response(message, now);
}

void TransactionLayer::advance(InstantMs now) {
  wheel_.advance(now, [this, now](Timer& timer) {
    const auto& own = static_cast<TransactionTimer&>(timer);
    if (own.client != nullptr)
      fire(*own.client, own.repeats, now);
    else
      fire(*own.server, own.repeats, now);
  });
}

Hash128 TransactionLayer::hop_key(const Hop& hop) const {
  KeyedHash<> hash(seed_.table);
  hash.number(static_cast<std::uint64_t>(hop.transport)).number(hop.connection);
  if (hop.connection != 0) return hash.finish();
  const std::uint8_t* const address = hop.remote.address.octets().data();
  return hash.number(load_be64(address)).number(load_be64(address + 8)).number(hop.remote.port).finish();
}

void TransactionLayer::hop_failed(const Hop& hop, InstantMs now) {
  const Hash128 key = hop_key(hop);
  // The lists change under the calls that follow.
  std::vector<ClientTransactionId> clients;
  std::vector<ServerTransactionId> servers;
  clients_by_hop_.for_each(key, [&](const ClientTransaction& client) { clients.push_back(client.handle); });
  servers_by_hop_.for_each(key, [&](const ServerTransaction& server) { servers.push_back(server.handle); });
  for (const ClientTransactionId id : clients)
    if (ClientTransaction* const client = clients_.find(id))
      handle(*client, ClientEvent::transport_error, nullptr, now);
  for (const ServerTransactionId id : servers)
    if (ServerTransaction* const server = servers_.find(id)) lose_hop(*server, now);
}

/// Starts what the new state has and the old had not, stops what it has no longer. True if the end timer's
/// value is zero: the state is over as soon as it is entered.
bool TransactionLayer::restart_timers(TransactionTimer& repeat, TransactionTimer& end,
                                      std::uint32_t& interval_ms, const TimerChange& change, InstantMs now) {
  if (change.after.repeat != change.before.repeat) {
    wheel_.stop(repeat);
    if (change.after.repeat && !change.reliable) {
      interval_ms = timer_ms(*change.after.repeat, timing_, change.reliable);
      wheel_.start(repeat, now + interval_ms);
    }
  }
  if (change.after.end == change.before.end) return false;
  wheel_.stop(end);
  if (!change.after.end) return false;
  const std::uint32_t end_ms = timer_ms(*change.after.end, timing_, change.reliable);
  if (end_ms == 0) return true;
  wheel_.start(end, now + end_ms);
  return false;
}

std::string TransactionLayer::dump(ClientTransactionId id) {
  const ClientTransaction* const client = clients_.find(id);
  if (client == nullptr) return "gone";
  return client->machine.dump() + " over " + std::string(name(client->hop.transport));
}

std::string TransactionLayer::dump(ServerTransactionId id) {
  const ServerTransaction* const server = servers_.find(id);
  if (server == nullptr) return "gone";
  return server->machine.dump() + " over " + std::string(name(server->hop.transport));
}

}  // namespace sallyport::sip
