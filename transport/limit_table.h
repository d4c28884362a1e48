// SPDX-License-Identifier: GPL-3.0-or-later
// Limits of the transports: everything a peer can make grow or stretch, with a name, a bound and a count of
// refusals.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace sallyport::transport {

enum class Limit : std::uint8_t {
  connections,
  connections_per_source,
  handshakes,
  handshakes_per_source,
  handshake_ms,
  upgrade_bytes,
  connect_ms,
  first_message_s,
  idle_s,
  incomplete_s,
  stalled_write_s,
  write_queue_bytes,
  messages_per_second,
  websocket_message_bytes,
  websocket_pong_s,
  dns_queries,
  dns_cache_entries,
};

struct LimitInfo {
  Limit limit;
  std::string_view name;
  std::uint64_t standard;  ///< the default
  std::uint64_t lowest;
  std::uint64_t highest;
  std::string_view meaning;
};

/// A source is an IPv4 address or the /64 that an IPv6 address belongs to: what one subscriber line is given.
inline constexpr std::array kLimits = std::to_array<LimitInfo>({
    {Limit::connections, "connections", 120000, 1, 4000000, "connections at one time"},
    {Limit::connections_per_source, "connections_per_source", 4096, 1, 4000000,
     "accepted connections of one source at one time"},
    {Limit::handshakes, "handshakes", 8192, 1, 1000000, "accepted TLS handshakes in progress"},
    {Limit::handshakes_per_source, "handshakes_per_source", 512, 1, 1000000,
     "accepted TLS handshakes of one source in progress"},
    {Limit::handshake_ms, "handshake_ms", 10000, 100, 600000,
     "milliseconds for a TLS handshake, and for the request that makes a WebSocket of it"},
    {Limit::upgrade_bytes, "upgrade_bytes", 8192, 512, 65536, "octets of the request for a WebSocket"},
    {Limit::connect_ms, "connect_ms", 4000, 100, 600000,
     "milliseconds for connecting to a peer, TLS handshake included"},
    {Limit::first_message_s, "first_message_s", 60, 1, 86400,
     "seconds until a connection has brought a whole message or keep-alive"},
    // Longer than the longest registration by default: a phone without keep-alives stays reachable on its
    // connection.
    {Limit::idle_s, "idle_s", 7320, 10, 604800, "seconds without a whole message or keep-alive"},
    {Limit::incomplete_s, "incomplete_s", 16, 1, 3600, "seconds from a message's first octet to its last"},
    {Limit::stalled_write_s, "stalled_write_s", 20, 1, 3600,
     "seconds in which a peer takes none of what waits"},
    {Limit::write_queue_bytes, "write_queue_bytes", 1048576, 4096, 1073741824,
     "octets that wait for one connection's peer"},
    {Limit::messages_per_second, "messages_per_second", 5000, 1, 10000000,
     "messages a second of one connection, beyond which it is read more slowly"},
    // As much as a message's header and body may be together, by default.
    {Limit::websocket_message_bytes, "websocket_message_bytes", 98304, 1024, 2097152,
     "octets of one message over a WebSocket, fragments joined"},
    {Limit::websocket_pong_s, "websocket_pong_s", 10, 1, 3600,
     "seconds until a WebSocket's peer has answered a ping"},
    {Limit::dns_queries, "dns_queries", 1024, 1, 65536, "DNS questions that wait for an answer"},
    {Limit::dns_cache_entries, "dns_cache_entries", 16384, 16, 1000000, "answers in the DNS cache"},
});
inline constexpr std::size_t kLimitCount = kLimits.size();

[[nodiscard]] constexpr const LimitInfo& info(Limit limit) {
  return kLimits[static_cast<std::size_t>(limit)];
}

constexpr bool limits_stand_at_their_values() {
  for (std::size_t i = 0; i < kLimits.size(); ++i)
    if (static_cast<std::size_t>(kLimits[i].limit) != i) return false;
  return kLimits.back().limit == Limit::dns_cache_entries;
}
static_assert(limits_stand_at_their_values());

/// The bounds in force. A plain value: control fills one from the configuration.
class LimitValues {
 public:
  constexpr LimitValues() {
    for (std::size_t i = 0; i < kLimitCount; ++i) bounds_[i] = kLimits[i].standard;
  }
  [[nodiscard]] constexpr std::uint64_t operator[](Limit limit) const {
    return bounds_[static_cast<std::size_t>(limit)];
  }
  constexpr void set(Limit limit, std::uint64_t bound) { bounds_[static_cast<std::size_t>(limit)] = bound; }

  friend constexpr bool operator==(const LimitValues&, const LimitValues&) = default;

 private:
  std::array<std::uint64_t, kLimitCount> bounds_{};
};

/// Bounds and how often each refused something, shared by the signalling and the handshake threads.
class Limits {
 public:
  explicit Limits(const LimitValues& values = {}) { set(values); }

  void set(const LimitValues& values) {
    for (std::size_t i = 0; i < kLimitCount; ++i)
      bounds_[i].store(values[static_cast<Limit>(i)], std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t operator[](Limit limit) const {
    return bounds_[static_cast<std::size_t>(limit)].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t refusals(Limit limit) const {
    return refusals_[static_cast<std::size_t>(limit)].load(std::memory_order_relaxed);
  }
  void count_refusal(Limit limit) {
    refusals_[static_cast<std::size_t>(limit)].fetch_add(1, std::memory_order_relaxed);
  }
  /// Counts a refusal and words it.
  [[nodiscard]] Error refuse(Limit limit, ErrorClass error_class = ErrorClass::exhausted) {
    count_refusal(limit);
    return {error_class,
            "limit " + std::string(info(limit).name) + " (" + std::to_string((*this)[limit]) + ")"};
  }

 private:
  std::array<std::atomic<std::uint64_t>, kLimitCount> bounds_{};
  std::array<std::atomic<std::uint64_t>, kLimitCount> refusals_{};
};

}  // namespace sallyport::transport
