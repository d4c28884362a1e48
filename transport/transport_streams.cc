// SPDX-License-Identifier: GPL-3.0-or-later
// The octets of connections: received into one buffer for all, cut into messages, written or queued.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "transport/transport_layer.h"
#include "transport/transport_tokens.h"

namespace sallyport::transport {

namespace {

const Error kClosedByPeer{ErrorClass::refused, "the peer closed the connection"};

}  // namespace

void TransportLayer::on_readable(Connection& connection) {
  // One call takes what has come; what does not fit is seen in the next turn, after all others had theirs.
  const ssize_t octets =
      recv(connection.descriptor.get(), received_->data(), received_->size(), MSG_DONTWAIT);
  if (octets < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return end(connection, Count::closed_abruptly, {ErrorClass::refused, std::strerror(errno)});
  }
  if (octets == 0)
    return end(connection, connection.tls ? Count::closed_abruptly : Count::closed_by_peer, kClosedByPeer);
  const std::string_view received(received_->data(), static_cast<std::size_t>(octets));
  if (connection.tls)
    take_tls(connection, received);
  else
    take_plain(connection, received);
}

void TransportLayer::take_plain(Connection& connection, std::string_view octets) {
  counters_.add(Count::bytes_received, octets.size());
  refill(connection);
  take_octets(connection, octets);
  if (!connection.closed) after_reading(connection);
}

void TransportLayer::take_tls(Connection& connection, std::string_view octets) {
  refill(connection);
  connection.tls->feed(octets);
  while (!connection.closed) {
    const TlsMoved moved = connection.tls->read(*plain_);
    switch (moved.step) {
      case TlsStep::done:
        counters_.add(Count::bytes_received, moved.octets);
        take_octets(connection, {plain_->data(), moved.octets});
        break;
      case TlsStep::wants_output:  // a record of the library's own waits for room: it goes before our next
      case TlsStep::wants_input:
        return after_reading(connection);
      case TlsStep::ended:
        return end(connection, Count::closed_by_peer, kClosedByPeer);
      case TlsStep::failed:
        return end(connection, Count::closed_abruptly, {ErrorClass::refused, connection.tls->error()});
    }
  }
}

void TransportLayer::take_octets(Connection& connection, std::string_view octets) {
  if (connection.websocket) return take_websocket(connection, octets);
  connection.framer.append(octets);
  take_frames(connection);
}

void TransportLayer::take_frames(Connection& connection) {
  std::size_t pings = 0;
  while (!connection.closed) {
    sip::Frame frame = connection.framer.next();
    if (frame.kind == sip::FrameKind::none) break;
    --connection.credit;
    connection.heard_ms = now_ms_;
    connection.heard = true;
    connection.partial = false;
    if (frame.kind == sip::FrameKind::ping) ++pings;
    if (frame.kind == sip::FrameKind::ping || frame.kind == sip::FrameKind::pong)
      counters_.add(Count::keep_alives);
    else
      on_frame(connection, std::move(frame));
  }
  if (pings == 0 || connection.closed) return;
  // RFC 5626 §4.4.1: each ping a pong; those of many pings go together.
  std::string pongs;
  for (std::size_t i = pongs_for(pings); i > 0; --i) pongs += kKeepAlivePong;
  static_cast<void>(write(connection, pongs));
}

/// No more at once than may wait.
std::size_t TransportLayer::pongs_for(std::size_t pings) {
  const std::size_t most = limits_[Limit::write_queue_bytes] / (kKeepAlivePong.size() * 2);
  if (pings > most) limits_.count_refusal(Limit::write_queue_bytes);
  return std::min(pings, most);
}

void TransportLayer::on_frame(Connection& connection, sip::Frame frame) {
  const bool broken = frame.kind == sip::FrameKind::broken;
  const std::string why = frame.defect ? frame.defect->reason : "";
  ++connection.messages_received;
  counters_.add(Count::messages_received);
  user_.on_message(std::move(frame), connection.hop);
  if (broken) end(connection, Count::closed_broken_stream, {ErrorClass::malformed, why});
}

void TransportLayer::after_reading(Connection& connection) {
  const bool partial = connection.framer.buffered() != 0 ||
                       (connection.websocket && connection.websocket->reader.in_part()) ||
                       (connection.tls && connection.tls->in_record());
  if (partial && !connection.partial) {
    connection.partial_ms = now_ms_;
    look_again(connection, now_ms_ + static_cast<std::int64_t>(limits_[Limit::incomplete_s]) * 1000);
  }
  connection.partial = partial;
  if (connection.credit > 0 || connection.paused) return;
  limits_.count_refusal(Limit::messages_per_second);
  connection.paused = true;
  paused_.push_back(connection.hop.connection);
  set_events(connection);
}

void TransportLayer::refill(Connection& connection) const {
  const auto rate = static_cast<std::int64_t>(limits_[Limit::messages_per_second]);
  const std::int64_t earned = (now_ms_ - connection.credit_ms) * rate / 1000;
  if (earned <= 0) return;
  connection.credit = std::min(rate, connection.credit + earned);
  connection.credit_ms = now_ms_;
}

void TransportLayer::resume_paused() {
  std::erase_if(paused_, [this](std::uint64_t id) {
    Connection* connection = find(id);
    if (connection == nullptr) return true;
    refill(*connection);
    if (connection->credit <= 0) return false;
    connection->paused = false;
    set_events(*connection);
    return true;
  });
}

void TransportLayer::set_events(Connection& connection) {
  const std::uint32_t events = (connection.paused ? 0U : static_cast<std::uint32_t>(EPOLLIN)) |
                               (connection.wants_output ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  poller_.change(connection.descriptor.get(), connection.hop.connection, events);
}

Result<void> TransportLayer::send(const sip::Hop& hop, std::string_view message) {
  if (hop.transport == sip::Transport::udp) {
    if (hop.listener >= listeners_.size() || !listeners_[hop.listener].datagrams)
      return fail(ErrorClass::not_found, "the listener is gone");
    auto sent = listeners_[hop.listener].datagrams->send(hop.remote, message);
    counters_.add(sent ? Count::messages_sent : Count::sends_failed);
    if (sent) counters_.add(Count::bytes_sent, message.size());
    return sent;
  }
  Connection* connection = find(hop.connection);
  if (connection == nullptr) {
    counters_.add(Count::sends_failed);
    return fail(ErrorClass::not_found, "the connection is gone");
  }
  if (connection->waiting() + message.size() > limits_[Limit::write_queue_bytes]) {
    counters_.add(Count::sends_failed);
    return tl::unexpected(limits_.refuse(Limit::write_queue_bytes));
  }
  const bool written =
      connection->websocket ? write(*connection, websocket_message(message)) : write(*connection, message);
  if (!written) {
    counters_.add(Count::sends_failed);
    return fail(ErrorClass::not_found, "the connection broke");
  }
  ++connection->messages_sent;
  counters_.add(Count::messages_sent);
  counters_.add(Count::bytes_sent, message.size());
  return {};
}

void TransportLayer::ping(std::uint64_t id) {
  Connection* connection = find(id);
  if (connection == nullptr || !connection->is_open() || connection->waiting() != 0) return;
  if (connection->websocket) return ping_websocket(*connection);
  connection->framer.expect_pong();
  static_cast<void>(write(*connection, kKeepAlivePing));
}

/// False: the connection broke and is closed.
bool TransportLayer::write(Connection& connection, std::string_view octets) {
  if (connection.is_open() && connection.waiting() == 0) {
    bool blocked = false;
    octets.remove_prefix(write_some(connection, octets, blocked));
    if (connection.closed) return false;
    if (octets.empty()) return true;
    connection.wants_output = true;
    set_events(connection);
  }
  if (connection.waiting() == 0) {
    connection.taken_ms = now_ms_;
    look_again(connection, now_ms_ + static_cast<std::int64_t>(limits_[Limit::stalled_write_s]) * 1000);
  } else if (connection.waiting() + octets.size() > limits_[Limit::write_queue_bytes]) {
    // Only pongs come here unchecked: who asks for more of them than it takes gets no more.
    limits_.count_refusal(Limit::write_queue_bytes);
    return true;
  }
  connection.unsent += octets;
  return true;
}

void TransportLayer::write_waiting(Connection& connection) {
  if (connection.waiting() != 0) {
    bool blocked = false;
    const std::size_t taken =
        write_some(connection, std::string_view(connection.unsent).substr(connection.sent), blocked);
    if (connection.closed) return;
    connection.sent += taken;
    if (taken != 0) connection.taken_ms = now_ms_;
  }
  if (connection.waiting() == 0) {
    connection.unsent = std::string();
    connection.sent = 0;
  }
  const bool wants_output = connection.waiting() != 0;
  if (std::exchange(connection.wants_output, wants_output) != wants_output) set_events(connection);
}

std::size_t TransportLayer::write_some(Connection& connection, std::string_view octets, bool& blocked) {
  std::size_t taken = 0;
  while (taken < octets.size() && !blocked) {
    if (!connection.tls) {
      const ssize_t sent = ::send(connection.descriptor.get(), octets.data() + taken, octets.size() - taken,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        taken += static_cast<std::size_t>(sent);
        continue;
      }
      blocked = true;
      if (errno != EAGAIN && errno != EINTR)
        end(connection, Count::closed_abruptly, {ErrorClass::refused, std::strerror(errno)});
      continue;
    }
    const TlsMoved moved = connection.tls->write(octets.substr(taken));
    taken += moved.octets;
    blocked = moved.step != TlsStep::done;
    if (moved.step == TlsStep::failed || moved.step == TlsStep::ended)
      end(connection, Count::closed_abruptly, {ErrorClass::refused, connection.tls->error()});
  }
  return taken;
}

void TransportLayer::receive_datagrams(std::uint32_t index, std::uint32_t events) {
  if (index >= listeners_.size() || !listeners_[index].datagrams) return;
  // The user may end the listener from within: this turn's calls keep it.
  if ((events & EPOLLERR) != 0)
    listeners_[index].datagrams->receive_errors([&](const Endpoint& to, const Error& why) {
      user_.on_unreachable({sip::Transport::udp, to, 0, index}, why);
    });
  if (!listeners_[index].datagrams) return;
  listeners_[index].datagrams->receive(*received_, [&](std::string_view text, const Endpoint& from) {
    sip::Frame frame;
    frame.kind = sip::FrameKind::message;
    frame.text = text;
    user_.on_message(std::move(frame), {sip::Transport::udp, from, 0, index});
  });
}

}  // namespace sallyport::transport
