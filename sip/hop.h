// SPDX-License-Identifier: GPL-3.0-or-later
// Hop: the place a message came from or goes to; opaque to everything in this folder but its reliability.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ip_address.h"

namespace sallyport::sip {

enum class Transport : std::uint8_t { udp, tcp, tls, ws, wss };

/// UDP loses, doubles and reorders; transactions repeat themselves over it and over nothing else.
[[nodiscard]] constexpr bool is_reliable(Transport transport) {
  return transport != Transport::udp;
}

/// TLS keeps it from others: keys may go over it, and a SIPS URI allows it.
[[nodiscard]] constexpr bool is_secure(Transport transport) {
  return transport == Transport::tls || transport == Transport::wss;
}

[[nodiscard]] constexpr std::string_view name(Transport transport) {
  switch (transport) {
    case Transport::udp:
      return "UDP";
    case Transport::tcp:
      return "TCP";
    case Transport::tls:
      return "TLS";
    case Transport::ws:
      return "WS";
    case Transport::wss:
      return "WSS";
  }
  return "";
}

/// `connection` is 0 for datagrams and where none exists yet.
struct Hop {
  Transport transport = Transport::udp;
  Endpoint remote;
  std::uint64_t connection = 0;
  std::uint32_t listener = 0;

  friend constexpr bool operator==(const Hop&, const Hop&) = default;
};

}  // namespace sallyport::sip
