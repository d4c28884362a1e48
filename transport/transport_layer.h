// SPDX-License-Identifier: GPL-3.0-or-later
// TransportLayer: all SIP that comes in and goes out, by UDP, TCP, TLS and secure WebSocket.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "transport/asio_fwd.h"
#include "transport/connection.h"
#include "transport/datagram_socket.h"
#include "transport/handshake_thread.h"
#include "transport/transport_settings.h"
#include "transport/transport_user.h"

namespace sallyport::transport {

/// Where a request is to go: a result of RFC 3263, or a trunk as configured.
struct Target {
  sip::Transport transport = sip::Transport::udp;
  Endpoint remote;
  /// TLS: what the server's certificate must carry, the name with which RFC 3263 began; an address where
  /// there is none.
  std::string server_name;
  std::string certificate;  ///< TLS: ours, by name; empty: the first
  /// Whose address it leaves from; UDP needs one, else the kernel chooses.
  std::optional<std::uint32_t> listener;
  /// A new connection that no other target's requests will take: one subscriber's.
  bool exclusive = false;
};

class TransportLayer {
 public:
  /// Binds all listeners, reads all certificates and starts the handshake threads, which wait: to be made
  /// before privileges are dropped, and before the threads' processors are narrowed. Throws
  /// std::runtime_error.
  TransportLayer(boost::asio::io_context& context, const TransportSettings& settings, TransportUser& user);
  /// Ends all connections with close_notify.
  ~TransportLayer();
  TransportLayer(const TransportLayer&) = delete;
  TransportLayer& operator=(const TransportLayer&) = delete;

  /// Begins to accept and to receive.
  void start();

  /// Reads certificates anew and follows changed listeners and limits. No connection is dropped: open ones
  /// keep the certificates with which they began. After an error nothing has changed.
  [[nodiscard]] Result<void> reload(const TransportSettings& settings);

  /// The way to a target: a connection that is there or is now being opened, or a socket for datagrams.
  /// send() may follow at once; what cannot be opened is told by on_connection_closed.
  [[nodiscard]] Result<sip::Hop> reach(const Target& target);
  /// Sends or queues. Errors: not_found, the connection is gone (reach() another); exhausted, its queue is
  /// full; others, the datagram cannot be sent.
  [[nodiscard]] Result<void> send(const sip::Hop& hop, std::string_view message);
  /// Lets requests to `port` at the peer's address take this accepted connection (RFC 5923 §8.2, the Via's
  /// `alias`). Refused unless a certificate says who the peer is; and used only towards names which that
  /// certificate carries.
  [[nodiscard]] Result<void> alias(std::uint64_t connection, std::uint16_t port);
  /// A keep-alive (RFC 5626 §3.5.1).
  void ping(std::uint64_t connection);
  /// After what waits was handed to the kernel, if it takes it at once.
  void close(std::uint64_t connection, const Error& why);

  [[nodiscard]] bool is_open(std::uint64_t connection) const;
  /// Of the peer's verified certificate; null if there is none.
  [[nodiscard]] const PeerIdentity* peer(std::uint64_t connection) const;
  [[nodiscard]] std::optional<ConnectionFacts> facts(std::uint64_t connection) const;
  void for_each(const std::function<void(const ConnectionFacts&)>& visit) const;

  /// By index; a listener that a reload took away keeps its index and is not open.
  struct Listener {
    ListenerSettings settings;  ///< its port is the real one where the configuration said 0
    bool open = false;
  };
  [[nodiscard]] std::vector<Listener> listeners() const;
  [[nodiscard]] std::vector<CertificateFacts> certificates() const { return contexts_->certificates(); }
  /// What is wrong with certificates, or soon will be; also logged, when it changes and once a day.
  [[nodiscard]] std::vector<CertificateWarning> warnings() const;

  [[nodiscard]] Limits& limits() { return limits_; }
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] const SourceTable& sources() const { return sources_; }

 private:
  struct OpenListener {
    ListenerSettings settings;
    std::shared_ptr<const Descriptor> socket;   ///< streams
    std::unique_ptr<DatagramSocket> datagrams;  ///< UDP
    [[nodiscard]] bool is_open() const { return socket != nullptr || datagrams != nullptr; }
  };
  /// check_ms lies here, so that looking for deadlines reads one array and touches no idle connection.
  struct Slot {
    std::unique_ptr<Connection> connection;
    std::uint32_t generation = 0;
    std::int64_t check_ms = 0;
  };
  using RemoteKey = std::pair<sip::Transport, std::pair<IpAddress, std::uint16_t>>;

  // transport_layer.cc
  [[nodiscard]] static Result<OpenListener> open(const ListenerSettings& settings, Counters& counters);
  void begin_listening(std::uint32_t index);
  void end_listening(std::uint32_t index);
  void await_ready();
  void on_ready();
  void on_event(const epoll_event& event);
  void await_tick();
  void on_tick();
  void log_warnings();
  void tell_closed();
  void tell_closed_soon();

  // transport_connections.cc
  [[nodiscard]] Connection* find(std::uint64_t id) const;
  [[nodiscard]] Connection& add(std::unique_ptr<Connection> connection);
  void adopt(Established established);
  [[nodiscard]] Connection* reusable(const Target& target) const;
  [[nodiscard]] static bool serves(const Connection& connection, const Target& target);
  [[nodiscard]] Result<sip::Hop> dial(const Target& target);
  void remember(const Connection& connection, const Endpoint& remote);
  void forget(const Connection& connection);
  void end(Connection& connection, Count count, const Error& why);
  void check_deadlines();
  void check_deadline(Connection& connection, Slot& slot);
  void look_again(const Connection& connection, std::int64_t at_ms);

  // transport_streams.cc
  void on_readable(Connection& connection);
  void take_plain(Connection& connection, std::string_view octets);
  void take_tls(Connection& connection, std::string_view octets);
  void take_octets(Connection& connection, std::string_view octets);
  void take_frames(Connection& connection);
  [[nodiscard]] std::size_t pongs_for(std::size_t pings);
  void after_reading(Connection& connection);
  void on_frame(Connection& connection, sip::Frame frame);
  [[nodiscard]] bool write(Connection& connection, std::string_view octets);
  void write_waiting(Connection& connection);
  [[nodiscard]] std::size_t write_some(Connection& connection, std::string_view octets, bool& blocked);
  void set_events(Connection& connection);
  void refill(Connection& connection) const;
  void resume_paused();
  void receive_datagrams(std::uint32_t index, std::uint32_t events);

  // transport_websockets.cc
  void take_websocket(Connection& connection, std::string_view octets);
  void on_websocket_message(Connection& connection, std::string text);
  void on_websocket_pong(Connection& connection, std::string_view payload);
  void end_websocket(Connection& connection, const WebSocketEvent& event);
  void answer_pings(Connection& connection, const std::optional<std::string>& asked, std::size_t pings);
  void ping_websocket(Connection& connection);
  [[nodiscard]] std::int64_t ping_due_ms(const Connection& connection) const;
  static void say_goodbye(Connection& connection);

  boost::asio::io_context& context_;
  TransportUser& user_;
  sip::Limits sip_limits_;
  Limits limits_;
  Counters counters_;
  SourceTable sources_{limits_};
  TicketKeys ticket_keys_;
  std::shared_ptr<const TlsContexts> contexts_;
  Poller poller_;
  Mailbox<Established> ready_;
  std::vector<OpenListener> listeners_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::multimap<RemoteKey, std::uint64_t> by_remote_;
  std::vector<std::uint64_t> paused_;
  /// Ended within this turn: callers further up may still hold a reference.
  std::vector<std::unique_ptr<Connection>> ended_;
  std::vector<std::pair<sip::Hop, Error>> closed_;
  std::unique_ptr<std::array<char, 65536>> received_ = std::make_unique<std::array<char, 65536>>();
  std::unique_ptr<std::array<char, 16384>> plain_ = std::make_unique<std::array<char, 16384>>();
  std::vector<std::string> warned_;
  std::int64_t warned_day_ = 0;
  std::size_t swept_ = 0;
  std::int64_t now_ms_ = 0;
  std::size_t dials_ = 0;
  bool telling_ = false;
  bool in_turn_ = false;
  std::vector<std::unique_ptr<HandshakeThread>> threads_;
  struct Waits;  ///< what the event loop waits for on our behalf
  std::unique_ptr<Waits> waits_;
  /// Posted calls ask whether this object still exists.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sallyport::transport
