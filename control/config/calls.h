// SPDX-License-Identifier: GPL-3.0-or-later
// What the configuration says of all calls: [calls] and [records].
#pragma once

#include <cstdint>
#include <string>

namespace sallyport::control {

class ConfigSection;
class Limits;

/// Bounds on how many and how fast are in limit_table.h: `calls` and what follows it.
struct CallsConfig {
  std::uint32_t session_expires_s = 1800;  ///< what we ask for (RFC 4028)
  std::uint32_t min_se_s = 90;             ///< shorter wishes are refused with 422
  /// Until a branch has answered with anything at all, 100 included; then the next target is tried.
  std::uint32_t first_response_s = 6;
  std::uint32_t progress_s = 30;  ///< until it rings or has answered; 0: for as long as it may ring
  std::uint32_t ring_s = 180;     ///< how long an INVITE may ring, all targets together
  /// How long a phone whose connection is lost may take to come back, while no media comes from it either.
  std::uint32_t reconnect_s = 10;
  std::uint32_t max_duration_s = 0;  ///< of a call from its answer; 0: without end
  std::uint32_t max_forwards = 70;   ///< of requests that are ours, and the highest that is passed on
  std::uint32_t max_branches = 10;   ///< targets tried at the same time
  std::uint32_t max_targets = 20;    ///< targets tried in all
  /// How often 3xx responses may lead one call elsewhere; 0: never.
  std::uint32_t max_redirects = 3;
  std::uint32_t retry_after_s =
      10;               ///< told to those who are refused for load, where nothing exacter is known
  bool guests = false;  ///< callers who are neither users nor trunks may call registered users
};

/// Also sets the limits that belong to calls.
[[nodiscard]] CallsConfig read_calls(ConfigSection section, Limits& limits);

struct RecordsConfig {
  std::string path;  ///< of the file of call records; empty: none are written
};

[[nodiscard]] RecordsConfig read_records(ConfigSection section);

}  // namespace sallyport::control
