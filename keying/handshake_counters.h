// SPDX-License-Identifier: GPL-3.0-or-later
// Limits of handshakes, and what is counted of them beside the outcomes, each in one table.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keying/dtls_outcome.h"
#include "keying/ice_lite.h"
#include "keying/zrtp_outcome.h"

namespace sallyport::keying {

enum class HandshakeLimit : std::uint8_t { handshakes, handshakes_per_source, legs };

struct HandshakeLimitInfo {
  HandshakeLimit limit;
  std::string_view name;
  std::uint32_t standard;
  std::string_view meaning;
};

/// A source is an IPv4 address or the /64 of an IPv6 address.
inline constexpr std::array kHandshakeLimits = std::to_array<HandshakeLimitInfo>({
    {HandshakeLimit::handshakes, "dtls_handshakes", 4096, "DTLS and ZRTP handshakes in progress"},
    {HandshakeLimit::handshakes_per_source, "dtls_handshakes_per_source", 1024,
     "DTLS and ZRTP handshakes of one source in progress"},
    {HandshakeLimit::legs, "keying_legs", 200000, "legs that get their keys on the media path"},
});
inline constexpr std::size_t kHandshakeLimitCount = kHandshakeLimits.size();
inline constexpr std::uint32_t kHighestHandshakeLimit = 10'000'000;

/// The bounds in force.
struct HandshakeLimits {
  std::array<std::uint32_t, kHandshakeLimitCount> bounds{};

  constexpr HandshakeLimits() {
    for (std::size_t i = 0; i < kHandshakeLimitCount; ++i) bounds[i] = kHandshakeLimits[i].standard;
  }
  [[nodiscard]] constexpr std::uint32_t operator[](HandshakeLimit limit) const {
    return bounds[static_cast<std::size_t>(limit)];
  }
  constexpr void set(HandshakeLimit limit, std::uint32_t bound) {
    bounds[static_cast<std::size_t>(limit)] = bound;
  }
};

/// What is counted before a datagram reaches a machine, and of the events.
enum class HandshakeCount : std::uint8_t {
  datagrams,
  unknown_leg,
  unexpected,
  wrong_source,
};

struct HandshakeCountInfo {
  HandshakeCount count;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array kHandshakeCounts = std::to_array<HandshakeCountInfo>({
    {HandshakeCount::datagrams, "keying_datagrams", "datagrams that workers passed on"},
    {HandshakeCount::unknown_leg, "keying_unknown_leg", "datagrams for legs that are gone"},
    {HandshakeCount::unexpected, "keying_unexpected", "datagrams of a protocol that the leg does not speak"},
    {HandshakeCount::wrong_source, "keying_wrong_source",
     "DTLS and ZRTP from addresses that neither ICE validated nor SDP named"},
});
inline constexpr std::size_t kHandshakeCountCount = kHandshakeCounts.size();

constexpr bool handshake_tables_stand_at_their_values() {
  for (std::size_t i = 0; i < kHandshakeLimits.size(); ++i)
    if (static_cast<std::size_t>(kHandshakeLimits[i].limit) != i) return false;
  for (std::size_t i = 0; i < kHandshakeCounts.size(); ++i)
    if (static_cast<std::size_t>(kHandshakeCounts[i].count) != i) return false;
  return kHandshakeLimits.back().limit == HandshakeLimit::legs &&
         kHandshakeCounts.back().count == HandshakeCount::wrong_source;
}
static_assert(handshake_tables_stand_at_their_values());

/// The handshake thread adds, any thread reads, nobody resets.
class HandshakeCounters {
 public:
  void add(DtlsOutcome outcome) { bump(dtls_, outcome); }
  void add(IceOutcome outcome) { bump(ice_, outcome); }
  void add(ZrtpOutcome outcome) { bump(zrtp_, outcome); }
  void add(HandshakeLimit refused) { bump(refusals_, refused); }
  void add(HandshakeCount count) { bump(counts_, count); }

  [[nodiscard]] std::uint64_t operator[](DtlsOutcome outcome) const { return read(dtls_, outcome); }
  [[nodiscard]] std::uint64_t operator[](IceOutcome outcome) const { return read(ice_, outcome); }
  [[nodiscard]] std::uint64_t operator[](ZrtpOutcome outcome) const { return read(zrtp_, outcome); }
  /// Refusals by this limit.
  [[nodiscard]] std::uint64_t operator[](HandshakeLimit limit) const { return read(refusals_, limit); }
  [[nodiscard]] std::uint64_t operator[](HandshakeCount count) const { return read(counts_, count); }

 private:
  template <std::size_t N>
  using Block = std::array<std::atomic<std::uint64_t>, N>;

  template <std::size_t N, typename Index>
  static void bump(Block<N>& block, Index index) {
    block[static_cast<std::size_t>(index)].fetch_add(1, std::memory_order_relaxed);
  }
  template <std::size_t N, typename Index>
  static std::uint64_t read(const Block<N>& block, Index index) {
    return block[static_cast<std::size_t>(index)].load(std::memory_order_relaxed);
  }

  Block<kDtlsOutcomeCount> dtls_{};
  Block<kIceOutcomeCount> ice_{};
  Block<kZrtpOutcomeCount> zrtp_{};
  Block<kHandshakeLimitCount> refusals_{};
  Block<kHandshakeCountCount> counts_{};
};

}  // namespace sallyport::keying
