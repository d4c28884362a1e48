// SPDX-License-Identifier: GPL-3.0-or-later
// AdminConnection: one client of the admin socket. Included by admin_socket.cc and admin_connection.cc alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>

#include "control/admin/line_buffer.h"
#include "control/admin/service.h"
#include "control/config/limit_table.h"

namespace sallyport::control {

/// Requests may follow each other without waiting; answers carry their ids and may overtake one another. A
/// client that does not read its answers, or has too many requests unanswered, is not read from until it
/// does.
class AdminConnection : public std::enable_shared_from_this<AdminConnection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = boost::asio::local::stream_protocol::socket;

  AdminConnection(Socket socket, Limits& limits, AdminService& service, std::function<void()> input);

  void start() { read(); }
  void send(std::string line);
  /// Unless the client has too much to read already.
  void send_event(const std::string& line);
  /// One last line, then the end.
  void refuse(std::string line);
  void close();

  [[nodiscard]] bool open() const { return socket_.is_open(); }
  [[nodiscard]] bool subscribed() const { return subscribed_; }
  /// It is told every message of this call as it passes.
  [[nodiscard]] bool follows(std::uint64_t call) const {
    return followed_ && (*followed_ == 0 || *followed_ == call);
  }
  [[nodiscard]] bool follows_any() const { return followed_.has_value(); }
  [[nodiscard]] bool drained() const { return pending_.empty() && writing_.empty(); }
  /// Has neither asked nor read anything for too long.
  [[nodiscard]] bool stale(Clock::time_point now) const;

 private:
  void read();
  void on_read(std::size_t octets);
  void take_lines();
  void take_line(std::string_view line);
  void write();
  void on_written();
  [[nodiscard]] bool must_wait() const;

  Socket socket_;
  Limits& limits_;
  AdminService& service_;
  std::function<void()> input_;
  LineBuffer lines_;
  std::string pending_;  ///< answers not handed to the kernel yet
  std::string writing_;
  std::size_t unanswered_ = 0;
  bool reading_ = false;
  bool taking_ = false;  ///< within take_lines
  bool subscribed_ = false;
  std::optional<std::uint64_t> followed_;  ///< 0: all calls
  bool ending_ = false;                    ///< no more requests; closes once everything is written
  Clock::time_point last_progress_ = Clock::now();
};

}  // namespace sallyport::control
