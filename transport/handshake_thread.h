// SPDX-License-Identifier: GPL-3.0-or-later
// HandshakeThread: accepts and opens connections, shakes hands and grants WebSockets, so that none of this
// delays calls in progress; what is ready to carry SIP is handed to the signalling thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "transport/counters.h"
#include "transport/descriptor.h"
#include "transport/mailbox.h"
#include "transport/source_table.h"
#include "transport/tls_context.h"
#include "transport/tls_stream.h"
#include "transport/websocket_upgrade.h"

namespace sallyport::transport {

/// A connection that is ready, or a failed attempt at one that was ordered.
struct Established {
  std::uint64_t order = 0;  ///< that of the Dial; 0: accepted
  std::uint32_t listener = 0;
  sip::Transport transport = sip::Transport::tcp;
  Endpoint remote;
  SourceTable::Place place;
  Descriptor descriptor;
  std::unique_ptr<TlsStream> tls;  ///< null: TCP
  std::string early;               ///< came together with the end of the handshake; still to be fed
  std::optional<Error> failure;
};

/// What all handshake threads share with the signalling thread. It outlives them.
struct HandshakeShared {
  Limits& limits;
  Counters& counters;
  SourceTable& sources;
  Mailbox<Established>& ready;
};

namespace handshake_order {

struct Listen {
  std::uint32_t listener;
  std::string name;
  sip::Transport transport;
  std::shared_ptr<const Descriptor> socket;  ///< of all threads that listen on it
  std::shared_ptr<const WebSocketRules> rules;
};
/// From now on, other rules for who is accepted there.
struct Follow {
  std::uint32_t listener;
  std::shared_ptr<const WebSocketRules> rules;
};
struct Unlisten {
  std::uint32_t listener;
};
struct Use {
  std::shared_ptr<const TlsContexts> contexts;
};
struct Dial {
  std::uint64_t order;
  std::uint32_t listener;
  sip::Transport transport;
  Endpoint remote;
  IpAddress local;
  std::string server_name;
  std::string certificate;
  SourceTable::Place place;
};
struct Stop {};

}  // namespace handshake_order

using HandshakeOrder =
    std::variant<handshake_order::Listen, handshake_order::Follow, handshake_order::Unlisten,
                 handshake_order::Use, handshake_order::Dial, handshake_order::Stop>;

class HandshakeThread {
 public:
  /// Starts the thread. Throws std::system_error.
  explicit HandshakeThread(const HandshakeShared& shared);
  /// Ends it, and what it has under way.
  ~HandshakeThread();

  /// The signalling thread.
  void order(HandshakeOrder order) { orders_.send(std::move(order)); }

 private:
  using Clock = std::chrono::steady_clock;

  struct Session {
    Established result;
    std::shared_ptr<const TlsContexts> contexts;  ///< the handshake refers to them
    std::string server_name;
    std::string certificate;
    std::unique_ptr<WebSocketUpgrade> upgrade;  ///< what comes after the TLS handshake, for a WebSocket
    bool connecting = false;
    bool upgrading = false;  ///< the TLS handshake is over
    bool wants_output = false;
  };
  struct Deadline {
    Clock::time_point at;
    std::uint64_t session;
  };
  using Listener = handshake_order::Listen;

  void run();
  [[nodiscard]] int timeout_ms() const;
  void obey(handshake_order::Listen& order);
  void obey(handshake_order::Follow& order);
  void obey(const handshake_order::Unlisten& order);
  void obey(handshake_order::Use& order) { contexts_ = std::move(order.contexts); }
  void obey(handshake_order::Dial& order);
  void obey(const handshake_order::Stop&) { stopping_ = true; }
  void accept_some(const Listener& listener);
  /// Frees the descriptor that is kept for it, to refuse a connection rather than be woken for it for ever.
  void shed(const Listener& listener);
  void accepted(const Listener& listener, Descriptor descriptor, const Endpoint& remote);
  void begin(Session session, std::uint32_t events, std::deque<Deadline>& deadlines, Limit limit);
  void on_ready(std::uint64_t number, std::uint32_t events);
  void on_connected(std::uint64_t number, Session& session);
  void shake(std::uint64_t number, Session& session);
  void shaken(std::uint64_t number, Session& session);
  void upgrade(std::uint64_t number, Session& session);
  void refuse_upgrade(std::uint64_t number, Session& session);
  void watch(std::uint64_t number, Session& session, bool wants_output);
  void hand_over(std::uint64_t number, Session& session);
  void give_up(std::uint64_t number, Session& session, Error why);
  void expire(std::deque<Deadline>& deadlines, Limit limit);

  HandshakeShared shared_;
  Mailbox<HandshakeOrder> orders_;
  Poller poller_;
  Descriptor spare_;
  std::shared_ptr<const TlsContexts> contexts_;
  std::unordered_map<std::uint32_t, Listener> listeners_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::uint64_t last_session_ = 0;
  std::deque<Deadline> handshake_deadlines_;
  std::deque<Deadline> connect_deadlines_;
  std::array<char, 18 * 1024> received_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace sallyport::transport
