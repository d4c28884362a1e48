// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The RTP header (RFC 3550 §5.1) as far as a relay needs it.
//
//    0                   1                   2                   3
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//   |                           timestamp                           |
//   |                             SSRC                              |
//   |               CSRCs (CC), then an extension if X              |
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kRtpFixedLength = 12;

struct RtpHeader {
  bool valid = false;
  bool padded = false;
  std::uint16_t length = 0;  ///< octets before the payload: fixed header, CSRCs, extension
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
};

/// Not valid when a length runs past the packet. Padding is judged by has_valid_padding once the payload is
/// open.
[[nodiscard]] inline RtpHeader parse_rtp(std::span<const std::uint8_t> packet) {
  RtpHeader header;
  if (packet.size() < kRtpFixedLength || packet[0] >> 6 != 2) return header;
  std::size_t length = kRtpFixedLength + std::size_t{packet[0] & 0x0fu} * 4;
  const bool extended = (packet[0] & 0x10) != 0;
  if (extended) {
    if (packet.size() < length + 4) return header;
    length += 4 + std::size_t{load_be16(packet.data() + length + 2)} * 4;
  }
  if (length > packet.size()) return header;
  header.padded = (packet[0] & 0x20) != 0;
  header.length = static_cast<std::uint16_t>(length);
  header.sequence = load_be16(packet.data() + 2);
  header.timestamp = load_be32(packet.data() + 4);
  header.ssrc = load_be32(packet.data() + 8);
  header.valid = true;
  return header;
}

/// RFC 3550 §5.1: the last octet of a padded packet counts the padding, itself included. `packet` is in
/// clear.
[[nodiscard]] inline bool has_valid_padding(std::span<const std::uint8_t> packet, std::size_t header_length) {
  if (packet.size() <= header_length) return false;
  const std::size_t padding = packet.back();
  return padding != 0 && padding <= packet.size() - header_length;
}

}  // namespace sallyport::dataplane
