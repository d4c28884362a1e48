// SPDX-License-Identifier: GPL-3.0-or-later
// MediaPath: how datagrams of handshakes come from the workers and go back through them, as the handshake
// side sees it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/ip_address.h"

namespace sallyport::keying {

/// One of our media ports: which worker serves it, on which media address. Opaque here.
struct LocalPort {
  std::uint8_t worker = 0;
  std::uint8_t address = 0;  ///< index of the media address
  std::uint16_t port = 0;    ///< host order
};

/// A datagram that a worker passed on. Valid during the call.
struct PuntedDatagram {
  std::uint64_t leg = 0;
  std::uint8_t component = 0;  ///< 0: the RTP port, or both; 1: the RTCP port
  Endpoint source;
  MacAddress neighbour{};  ///< who brought it, on the link: where an answer to `source` goes
  std::span<const std::uint8_t> payload;
};

/// Used by the handshake thread alone.
class MediaPath {
 public:
  virtual ~MediaPath() = default;
  /// Hands what has come to `take`, and returns how much it was; bounded, so that other work gets its turn.
  virtual std::size_t receive(const std::function<void(const PuntedDatagram&)>& take) = 0;
  /// Sends from `local` to `remote`, by the neighbour if there is one, else by the leg's own next hop. May
  /// lose it.
  virtual void send(const LocalPort& local, const Endpoint& remote,
                    const std::optional<MacAddress>& neighbour, std::span<const std::uint8_t> payload) = 0;
};

}  // namespace sallyport::keying
