// SPDX-License-Identifier: GPL-3.0-or-later
// Connections that became WebSockets: one SIP message in each message (RFC 7118 §5), pings, and the end.
#include <utility>

#include "base/log.h"
#include "transport/clock.h"
#include "transport/transport_layer.h"
#include "transport/transport_tokens.h"

namespace sallyport::transport {

namespace {

bool is_empty_lines(std::string_view text) {
  return text.find_first_not_of("\r\n") == std::string_view::npos;
}

}  // namespace

void TransportLayer::take_websocket(Connection& connection, std::string_view octets) {
  WebSocket& socket = *connection.websocket;
  socket.heard_ms = now_ms_;
  std::optional<std::string> asked;
  std::size_t pings = 0;
  while (!connection.closed) {
    WebSocketEvent event = socket.reader.next(octets, limits_[Limit::websocket_message_bytes]);
    if (event.kind == WebSocketEventKind::none) break;
    // Whatever it is costs something: who sends many is read more slowly.
    --connection.credit;
    if (!socket.reader.in_message()) connection.partial = false;
    switch (event.kind) {
      case WebSocketEventKind::none:
      case WebSocketEventKind::fragment:
        break;
      case WebSocketEventKind::message:
        pings += event.text == kKeepAlivePing ? 1 : 0;
        on_websocket_message(connection, std::move(event.text));
        break;
      case WebSocketEventKind::ping:
        counters_.add(Count::keep_alives);
        connection.heard_ms = now_ms_;
        connection.heard = true;
        asked = std::move(event.text);
        break;
      case WebSocketEventKind::pong:
        on_websocket_pong(connection, event.text);
        break;
      case WebSocketEventKind::close:
      case WebSocketEventKind::broken:
        end_websocket(connection, event);
        break;
    }
  }
  if (!connection.closed) answer_pings(connection, asked, pings);
}

void TransportLayer::on_websocket_message(Connection& connection, std::string text) {
  connection.heard_ms = now_ms_;
  connection.heard = true;
  if (is_empty_lines(text)) return counters_.add(Count::keep_alives);
  sip::Frame frame;
  frame.kind = sip::FrameKind::message;
  frame.text = std::move(text);
  on_frame(connection, std::move(frame));
}

/// Pongs that nobody asked for are allowed, and mean nothing (RFC 6455 §5.5.3).
void TransportLayer::on_websocket_pong(Connection& connection, std::string_view payload) {
  WebSocket& socket = *connection.websocket;
  if (socket.pinged_ms == 0 || payload != std::to_string(socket.pings)) return;
  socket.pinged_ms = 0;
  counters_.add(Count::keep_alives);
  connection.heard_ms = now_ms_;
  connection.heard = true;
}

void TransportLayer::end_websocket(Connection& connection, const WebSocketEvent& event) {
  connection.websocket->goodbye = event.code;
  if (event.kind == WebSocketEventKind::close)
    return end(connection, Count::closed_by_peer, {ErrorClass::refused, "the peer closed the WebSocket"});
  if (event.code == CloseCode::too_long)
    limits_.count_refusal(Limit::websocket_message_bytes);
  else
    counters_.add(Count::websocket_violations);
  log::debug("transport.websocket_broken",
             {{"remote", connection.hop.remote.to_string()}, {"why", event.why}});
  end(connection, Count::closed_broken_stream, {ErrorClass::malformed, event.why});
}

/// The latest of several pings is answered for all (RFC 6455 §5.5.3); each SIP keep-alive has its own.
void TransportLayer::answer_pings(Connection& connection, const std::optional<std::string>& asked,
                                  std::size_t pings) {
  std::string pongs;
  if (asked) pongs = websocket_frame(Opcode::pong, *asked);
  for (std::size_t i = pongs_for(pings); i > 0; --i) pongs += websocket_message(kKeepAlivePong);
  if (!pongs.empty()) static_cast<void>(write(connection, pongs));
}

void TransportLayer::ping_websocket(Connection& connection) {
  WebSocket& socket = *connection.websocket;
  if (socket.pinged_ms != 0) return;
  socket.pinged_ms = now_ms_;
  counters_.add(Count::websocket_pings);
  look_again(connection,
             now_ms_ + static_cast<std::int64_t>(limits_[Limit::websocket_pong_s]) * kMsPerSecond);
  static_cast<void>(write(connection, websocket_frame(Opcode::ping, std::to_string(++socket.pings))));
}

/// While a pong is owed, when it is overdue.
std::int64_t TransportLayer::ping_due_ms(const Connection& connection) const {
  const WebSocket& socket = *connection.websocket;
  const std::uint64_t seconds = socket.pinged_ms != 0
                                    ? limits_[Limit::websocket_pong_s]
                                    : listeners_[connection.hop.listener].settings.websocket.ping_s;
  return (socket.pinged_ms != 0 ? socket.pinged_ms : socket.heard_ms) +
         static_cast<std::int64_t>(seconds) * kMsPerSecond;
}

/// A close frame where it can follow what was written, then close_notify.
void TransportLayer::say_goodbye(Connection& connection) {
  if (!connection.tls) return;
  if (connection.websocket && connection.waiting() == 0)
    static_cast<void>(connection.tls->write(websocket_close(connection.websocket->goodbye)));
  connection.tls->say_goodbye();
}

}  // namespace sallyport::transport
