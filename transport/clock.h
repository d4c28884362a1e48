// SPDX-License-Identifier: GPL-3.0-or-later
// Times as the transport layer counts them.
#pragma once

#include <chrono>
#include <cstdint>

namespace sallyport::transport {

inline constexpr std::int64_t kMsPerSecond = 1000;

[[nodiscard]] inline std::int64_t steady_ms() {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch())
      .count();
}

/// Seconds since 1970.
[[nodiscard]] inline std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace sallyport::transport
