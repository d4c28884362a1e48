// SPDX-License-Identifier: GPL-3.0-or-later
// Connection: one TCP, TLS or secure WebSocket connection that carries SIP; the signalling thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sip/hop.h"
#include "sip/stream_framer.h"
#include "transport/descriptor.h"
#include "transport/source_table.h"
#include "transport/tls_stream.h"
#include "transport/websocket_frames.h"

namespace sallyport::transport {

/// What a connection is beside, that became a WebSocket.
struct WebSocket {
  WebSocketReader reader;
  std::uint64_t pings = 0;                    ///< sent; the last one's number is what it carries
  std::int64_t heard_ms = 0;                  ///< when octets last came
  std::int64_t pinged_ms = 0;                 ///< since when a pong is owed; 0: none is
  CloseCode goodbye = CloseCode::going_away;  ///< what the peer is told at the end
};

/// Small, for there are many: an idle one has neither buffers nor timers.
struct Connection {
  explicit Connection(const sip::Limits& limits) : framer(limits) {}

  sip::Hop hop;
  Descriptor descriptor;  ///< none while it is being opened
  std::unique_ptr<TlsStream> tls;
  std::unique_ptr<WebSocket> websocket;
  SourceTable::Place place;
  sip::StreamFramer framer;
  std::string unsent;  ///< from `sent` on, what the peer has not taken yet
  std::size_t sent = 0;
  std::string server_name;  ///< ours: whom it was opened to
  std::unique_ptr<PeerIdentity> peer;
  std::vector<Endpoint> aliases;  ///< where requests to these may take this way (RFC 5923)
  std::int64_t opened_s = 0;      ///< since 1970, for people
  // Milliseconds of the signalling thread's clock.
  std::int64_t since_ms = 0;
  std::int64_t heard_ms = 0;    ///< last whole message or keep-alive
  std::int64_t partial_ms = 0;  ///< when what is incomplete began
  std::int64_t taken_ms = 0;    ///< when the peer last took of what waits
  std::int64_t credit_ms = 0;   ///< when `credit` was last counted up
  std::int64_t credit = 0;      ///< messages it may still send now
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  bool accepted = false;
  bool heard = false;
  bool partial = false;
  bool paused = false;
  bool closed = false;
  bool wants_output = false;

  [[nodiscard]] bool is_open() const { return static_cast<bool>(descriptor); }
  [[nodiscard]] std::size_t waiting() const { return unsent.size() - sent; }
};

/// A connection as `sallyctl` and call records show it.
struct ConnectionFacts {
  sip::Hop hop;
  std::string listener;
  bool accepted = false;
  bool open = false;
  std::optional<TlsFacts> tls;
  std::optional<PeerIdentity> peer;  ///< of its verified certificate
  std::string server_name;
  std::int64_t opened_s = 0;  ///< since 1970
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::size_t waiting = 0;  ///< octets not taken by the peer
};

}  // namespace sallyport::transport
