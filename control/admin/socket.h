// SPDX-License-Identifier: GPL-3.0-or-later
// AdminSocket: the Unix socket of the admin protocol: who may connect, and lines in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <sys/types.h>

#include "control/admin/service.h"
#include "control/config/config.h"

namespace boost::asio {
class io_context;
}

namespace sallyport::control {

class AdminSocket {
 public:
  /// Binds and listens, replacing a socket that nobody answers on. Throws std::runtime_error with one line.
  /// `input` is called after requests were taken, so that their receipts are looked for at once. References
  /// outlive the object.
  AdminSocket(boost::asio::io_context& context, const DaemonConfig& config, Limits& limits,
              AdminService& service, std::function<void()> input);
  ~AdminSocket();  ///< closes every connection and removes the socket's file

  /// Gives the socket's file to the user that the daemon becomes, and to the admin group.
  void hand_over(uid_t owner);
  void accept();
  /// To everyone who subscribed. Those who read too slowly miss it, counted.
  void publish(std::string_view event, std::string_view json);
  /// To everyone who follows the call.
  void publish_of_call(std::uint64_t call, std::string_view event, std::string_view json);
  [[nodiscard]] bool anyone_follows() const;
  [[nodiscard]] std::size_t connections() const;
  /// True when no answer waits to be read.
  [[nodiscard]] bool drained() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Root, the daemon's own user and members of the group may.
[[nodiscard]] bool may_administer(uid_t user, gid_t group, uid_t daemon_user,
                                  std::optional<gid_t> admin_group);

}  // namespace sallyport::control
