// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. RTCP compound packets (RFC 3550 §6.1, RFC 5506), as far as a relay needs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kRtcpHeaderLength = 8;  ///< common header and the sender's SSRC

/// Version 2 and long enough to name its sender; all that can be said before it is opened.
[[nodiscard]] inline bool has_rtcp_header(std::span<const std::uint8_t> packet) {
  return packet.size() >= kRtcpHeaderLength && packet[0] >> 6 == 2;
}

/// The sender of the first packet of the compound.
[[nodiscard]] inline std::uint32_t rtcp_sender(std::span<const std::uint8_t> packet) {
  return load_be32(packet.data() + 4);
}

/// In clear: the lengths of the packets in the compound add up to the datagram.
[[nodiscard]] inline bool is_rtcp_compound(std::span<const std::uint8_t> packet) {
  while (!packet.empty()) {
    if (packet.size() < 4 || packet[0] >> 6 != 2) return false;
    const std::size_t length = (std::size_t{load_be16(packet.data() + 2)} + 1) * 4;
    if (length > packet.size()) return false;
    packet = packet.subspan(length);
  }
  return true;
}

}  // namespace sallyport::dataplane
