// SPDX-License-Identifier: GPL-3.0-or-later
// What workers pass on to the handshake thread (STUN, DTLS, ZRTP on media ports), what comes back, and how
// much of it there may be. Free of DPDK.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip_address.h"
#include "dataplane/counters.h"

namespace sallyport::dataplane {

/// The name of a leg's ICE agent, with which the user name in every check to it begins (RFC 8445 §7.2.2).
using IceFragment = std::array<char, 8>;

/// Zeros for a name of another length, which no agent of ours has.
[[nodiscard]] inline IceFragment make_ice_fragment(std::string_view name) {
  IceFragment fragment{};
  if (name.size() == fragment.size()) std::ranges::copy(name, fragment.begin());
  return fragment;
}

/// Which protocols a leg speaks besides media; others are dropped as unexpected. And what is known of who
/// speaks them, before a tag or a signature says it for certain.
struct HandshakeFilter {
  bool stun = false;
  bool dtls = false;
  bool zrtp = false;
  IceFragment ice_fragment{};  ///< our agent's; zeros: no check names it
  IpAddress host;              ///< of the peer, as its signalling has it; unspecified: not known

  [[nodiscard]] bool any() const { return stun || dtls || zrtp; }
  friend bool operator==(const HandshakeFilter&, const HandshakeFilter&) = default;
};

/// Longest payload that is passed on, in octets: what an Ethernet frame without options can hold, and some
/// more.
inline constexpr std::size_t kMaxHandshakePayload = 1536;

/// A datagram for the handshake thread.
struct HandshakePacket {
  std::uint64_t leg = 0;  ///< Arrival::leg
  Component component = Component::rtp;
  Endpoint source;
  MacAddress neighbour{};  ///< the frame's source on the link
  std::uint16_t length = 0;
  std::array<std::uint8_t, kMaxHandshakePayload> payload;

  [[nodiscard]] std::span<const std::uint8_t> octets() const { return {payload.data(), length}; }
};

/// Where a datagram of the handshake thread goes out, and how.
struct HandshakeRoute {
  std::uint8_t worker = 0;       ///< who serves the port
  std::uint8_t address = 0;      ///< index of the media address
  std::uint16_t local_port = 0;  ///< host order
  Endpoint remote;
  std::optional<MacAddress> neighbour;  ///< none: the next hop of what the flow's leg is sent
};

/// Whom a handshake packet seems to come from. Nothing is proven by it, but it takes more to seem a friend
/// than to be a stranger: what strangers spend is not missed by the peer.
enum class Sender : std::uint8_t {
  stranger,
  host,       ///< the peer's, as signalling or media have named it
  ice_agent,  ///< its check names the leg's agent, which only signalling has told it
};
inline constexpr std::size_t kSenders = 3;

/// What a worker passes on a second, and at once after a silence. Each leg has a small part of it for every
/// kind of sender, so that a flood at one port does not silence the others.
struct HandshakeBudget {
  std::uint32_t packets_per_second;
  std::uint32_t burst;
};
inline constexpr HandshakeBudget kLegHandshakeBudget{200, 100};
inline constexpr std::array<HandshakeBudget, kSenders> kWorkerHandshakeBudgets{
    {{20'000, 2048}, {50'000, 4096}, {50'000, 4096}}};
inline constexpr std::size_t kHandshakeRingSize = 1024;
inline constexpr std::size_t kAnswerRingSize = 4096;

}  // namespace sallyport::dataplane
