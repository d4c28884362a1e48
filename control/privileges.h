// SPDX-License-Identifier: GPL-3.0-or-later
// Giving up what the daemon does not need once it has started.
#pragma once

#include <string>

#include <sys/types.h>

namespace sallyport::control {

struct Identity {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

/// Before anything else: no core dumps, no debugger of the same user, no way to regain privileges by running
/// a program, files for ourselves only. Keys live in this process.
void harden_process();

/// Whom the daemon becomes: `name`, or when it is empty `sallyport` if it exists, else `nobody`.
/// Throws std::runtime_error if there is no such user.
[[nodiscard]] Identity find_identity(const std::string& name);

/// Root becomes `identity` in every thread. The calling thread keeps what changing routes, bans and the XDP
/// program needs (CAP_NET_ADMIN, CAP_BPF); all others keep nothing. Does nothing if the process does not run
/// as root. Throws std::runtime_error.
void drop_privileges(const Identity& identity);

}  // namespace sallyport::control
