// SPDX-License-Identifier: GPL-3.0-or-later
// How the transport layer tells by an epoll event what it is about; a connection's token is its identifier.
#pragma once

#include <cstdint>

namespace sallyport::transport {

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
