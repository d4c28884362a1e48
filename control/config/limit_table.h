// SPDX-License-Identifier: GPL-3.0-or-later
// Limits: everything a client or peer can make grow, each with a name, a bound and a count of refusals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "dataplane/bundle.h"

namespace sallyport::control {

enum class Limit : std::uint8_t {
  relays,
  admin_connections,
  admin_line_bytes,
  admin_pipeline,
  admin_output_bytes,
  captures,
  capture_bytes,
  bans,
  nonces,
  calls,
  calls_per_user,
  calls_per_second,
  calls_per_trunk,
  trunk_calls_per_second,
  subscriptions,
  subscriptions_per_user,
  relay_keys,
  bundle_media,
  media_ports,
  next_hops,
};

struct LimitInfo {
  Limit limit;
  std::string_view name;
  std::uint64_t standard;  ///< the default
  std::uint64_t lowest;
  std::uint64_t highest;
  std::string_view meaning;
  std::string_view section = "limits";  ///< of the configuration
};

/// The last three follow from elsewhere (the port ranges, the workers' tables) and cannot be configured.
inline constexpr std::array kLimits = std::to_array<LimitInfo>({
    {Limit::relays, "relays", 50000, 1, 1000000, "relays at one time"},
    {Limit::admin_connections, "admin_connections", 16, 1, 1024, "clients of the admin socket at one time"},
    {Limit::admin_line_bytes, "admin_line_bytes", 65536, 256, 16777216, "octets of one request line"},
    {Limit::admin_pipeline, "admin_pipeline", 4096, 1, 65536,
     "requests of one client that wait for their answer"},
    {Limit::admin_output_bytes, "admin_output_bytes", 4194304, 65536, 268435456,
     "octets of answers and events that one client has not read"},
    {Limit::captures, "captures", 16, 0, 1024, "captures at one time"},
    {Limit::capture_bytes, "capture_bytes", 104857600, 4096, 1099511627776, "octets of one capture file"},
    {Limit::bans, "bans", 65536, 0, 1000000, "banned sources"},
    {Limit::nonces, "nonces", 131072, 5, 16777216, "nonces of digests that are remembered at one time"},
    {Limit::calls, "calls", 20000, 1, 1000000, "calls at one time", "calls"},
    {Limit::calls_per_user, "calls_per_user", 10, 0, 1000000,
     "calls of one user at one time, where the user has no limit of its own; 0: any number", "calls"},
    {Limit::calls_per_second, "calls_per_second", 1000, 0, 1000000, "new calls a second; 0: any number",
     "calls"},
    {Limit::calls_per_trunk, "calls_per_trunk", 0, 0, 1000000,
     "calls of one trunk at one time, where the trunk has no limit of its own; 0: any number", "calls"},
    {Limit::trunk_calls_per_second, "trunk_calls_per_second", 0, 0, 1000000,
     "new calls a second of one trunk, where the trunk has no limit of its own; 0: any number", "calls"},
    {Limit::subscriptions, "subscriptions", 100000, 0, 10000000, "subscriptions to events at one time",
     "calls"},
    {Limit::subscriptions_per_user, "subscriptions_per_user", 200, 0, 1000000,
     "subscriptions of one user at one time", "calls"},
    {Limit::relay_keys, "relay_keys", 4096, 16, 1048576,
     "keys that one relay has had and that are refused from then on"},
    {Limit::bundle_media, "bundle_media", dataplane::kMaxBundleMembers, dataplane::kMaxBundleMembers,
     dataplane::kMaxBundleMembers, "media on one transport", ""},
    {Limit::media_ports, "media_ports", 0, 0, 0, "ports of the media addresses of a side", ""},
    {Limit::next_hops, "next_hops", 4095, 4095, 4095, "neighbours that media is sent to", ""},
});

inline constexpr std::size_t kLimitCount = kLimits.size();
inline constexpr std::size_t kConfigurableLimits = kLimitCount - 3;

[[nodiscard]] constexpr const LimitInfo& info(Limit limit) {
  return kLimits[static_cast<std::size_t>(limit)];
}

constexpr bool limits_stand_at_their_values() {
  for (std::size_t i = 0; i < kLimits.size(); ++i)
    if (static_cast<std::size_t>(kLimits[i].limit) != i) return false;
  return kLimits.back().limit == Limit::next_hops;
}
static_assert(limits_stand_at_their_values());

/// The bounds in force and how often each refused something. Control thread only.
class Limits {
 public:
  constexpr Limits() {
    for (std::size_t i = 0; i < kLimitCount; ++i) bounds_[i] = kLimits[i].standard;
  }

  [[nodiscard]] constexpr std::uint64_t operator[](Limit limit) const { return bounds_[index(limit)]; }
  constexpr void set(Limit limit, std::uint64_t bound) { bounds_[index(limit)] = bound; }
  [[nodiscard]] constexpr std::uint64_t refusals(Limit limit) const { return refusals_[index(limit)]; }

  /// Counts a refusal and words it; the class is exhausted.
  [[nodiscard]] tl::unexpected<Error> refuse(Limit limit);
  constexpr void count_refusal(Limit limit) { ++refusals_[index(limit)]; }

 private:
  [[nodiscard]] static constexpr std::size_t index(Limit limit) { return static_cast<std::size_t>(limit); }

  std::array<std::uint64_t, kLimitCount> bounds_{};
  std::array<std::uint64_t, kLimitCount> refusals_{};
};

}  // namespace sallyport::control
