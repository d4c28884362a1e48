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

// RFC 3550 §12.1, RFC 4585 §6.1.
inline constexpr std::uint8_t kRtcpSenderReport = 200;
inline constexpr std::uint8_t kRtcpReceiverReport = 201;
inline constexpr std::uint8_t kRtcpTransportFeedback = 205;
inline constexpr std::uint8_t kRtcpPayloadFeedback = 206;

/// One packet of a compound.
struct RtcpPacket {
  std::uint8_t count = 0;  ///< of reports or chunks; the message type of feedback
  std::uint8_t type = 0;
  std::span<const std::uint8_t> octets;  ///< the whole packet, common header included
};

/// Takes the first packet off a compound in clear. False: there is none, or its length is a lie.
[[nodiscard]] inline bool take_rtcp(std::span<const std::uint8_t>& compound, RtcpPacket& packet) {
  if (compound.size() < 4) return false;
  const std::size_t length = (std::size_t{load_be16(compound.data() + 2)} + 1) * 4;
  if (length > compound.size()) return false;
  packet = {static_cast<std::uint8_t>(compound[0] & 0x1f), compound[1], compound.first(length)};
  compound = compound.subspan(length);
  return true;
}

}  // namespace sallyport::dataplane
