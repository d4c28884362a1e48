// SPDX-License-Identifier: GPL-3.0-or-later
// Client: the daemon's socket from outside: requests out, answers in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace sallyport::sallyctl {

/// What the process ends with; --help lists them.
enum class ExitCode : int {
  good = 0,
  failed = 1,         ///< the daemon or this program had an internal error
  usage = 2,          ///< wrong arguments, or a request the daemon cannot read
  no_daemon = 3,      ///< nobody answers on the socket
  no_permission = 4,  ///< the socket or the daemon says no to this user
  refused = 5,        ///< the daemon understood and refused
  not_found = 6,      ///< no such relay, capture, side, ban, user, registration, call or trunk
  exhausted = 7,      ///< a limit is reached
  in_part = 8,        ///< done as far as it can be without a restart
};

/// Ends the program: one line for standard error, and the code.
struct Failure {
  ExitCode code = ExitCode::failed;
  std::string text;
};

/// Blocking; one connection. Throws Failure.
class Client {
 public:
  explicit Client(const std::string& socket_path);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Sends a request and waits for its result. The text sent may hold keys and is wiped.
  [[nodiscard]] boost::json::object call(std::string_view method, boost::json::object params = {});

  /// For batches: sends without waiting; `receive` gives answers in the daemon's order.
  std::uint64_t send(std::string_view method, const boost::json::object& params);
  [[nodiscard]] boost::json::object receive();
  /// The next event, however long it takes; the connection has subscribed.
  [[nodiscard]] boost::json::object receive_event();
  /// The answer's result, or its error thrown.
  [[nodiscard]] static boost::json::object result_of(boost::json::object answer);
  /// True when an answer can be read without waiting.
  [[nodiscard]] bool answer_waits() const;

 private:
  void write_all(std::string_view text);
  [[nodiscard]] std::string read_line(int patience_ms);

  int descriptor_ = -1;
  std::uint64_t last_id_ = 0;
  std::string received_;
  std::size_t consumed_ = 0;
};

}  // namespace sallyport::sallyctl
