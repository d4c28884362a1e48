// SPDX-License-Identifier: GPL-3.0-or-later
// Whom a resolver asks, and how patiently.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/ip_address.h"

namespace sallyport::transport {

struct ResolverSettings {
  std::vector<Endpoint> servers;    ///< empty: the system's (resolv.conf)
  std::uint32_t timeout_ms = 2000;  ///< of the first attempt; each further one waits twice as long
  std::uint32_t attempts = 3;       ///< at each server
  bool hosts_file = true;           ///< /etc/hosts comes before DNS
  /// Seconds of a clock that does not go back; tests move their own. Empty: the system's.
  std::function<std::int64_t()> clock;
};

}  // namespace sallyport::transport
