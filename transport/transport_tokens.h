// SPDX-License-Identifier: GPL-3.0-or-later
// What the sources of the transport layer share: how it tells by an epoll event what it is about (a
// connection's token is its identifier), and keep-alives.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::transport {

// Keep-alives of streams (RFC 5626 §3.5.1).
inline constexpr std::string_view kKeepAlivePing = "\r\n\r\n";
inline constexpr std::string_view kKeepAlivePong = "\r\n";

inline constexpr std::uint64_t kReadyToken = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kDatagramToken = std::uint64_t{3} << 62;

/// Slot in the lower half, so that it is never 0; how often the slot was used in the upper, so that an
/// identifier is not soon used again.
[[nodiscard]] constexpr std::uint64_t connection_id(std::uint32_t slot, std::uint32_t generation) {
  return std::uint64_t{generation & 0x3fffffffU} << 32 | (std::uint64_t{slot} + 1);
}
[[nodiscard]] constexpr std::uint32_t slot_of(std::uint64_t id) {
  return static_cast<std::uint32_t>(id) - 1;
}

}  // namespace sallyport::transport
