// SPDX-License-Identifier: GPL-3.0-or-later
// Frames as a test wants them: built field by field, and taken apart again by code that shares nothing with
// ours.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace sallyport::test {

using Octets = std::vector<std::uint8_t>;

/// From hexadecimal digits; spaces are passed over.
[[nodiscard]] Octets from_hex(const std::string& digits);

struct FrameSpec {
  MacAddress source_mac{2, 0, 0, 0, 0, 0x11};
  MacAddress destination_mac{2, 0, 0, 0, 0, 0x22};
  std::uint16_t vlan = 0;
  Endpoint source;
  Endpoint destination;
  std::uint8_t ttl = 64;
};

/// Ethernet, IPv4 or IPv6, UDP with right checksums, payload.
[[nodiscard]] Octets udp_frame(const FrameSpec& spec, std::span<const std::uint8_t> payload);

/// A frame taken apart; every length and checksum was verified.
struct ReadFrame {
  MacAddress source_mac{};
  MacAddress destination_mac{};
  std::uint16_t vlan = 0;
  Endpoint source;
  Endpoint destination;
  std::uint8_t ttl = 0;
  std::uint8_t dscp = 0;
  bool dont_fragment = false;
  Octets payload;
};

/// Nothing, with a reason on standard error, when a length or checksum is wrong.
[[nodiscard]] std::optional<ReadFrame> read_frame(std::span<const std::uint8_t> frame);

struct RtpSpec {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 1;
  std::uint32_t timestamp = 160;
  std::uint32_t ssrc = 0x11223344;
  std::uint8_t csrcs = 0;
  std::optional<Octets> extension;  ///< a multiple of four octets
  std::uint8_t padding = 0;         ///< octets, the count included
};

[[nodiscard]] Octets rtp_packet(const RtpSpec& spec, std::span<const std::uint8_t> payload);
/// A sender report and a source description.
[[nodiscard]] Octets rtcp_compound(std::uint32_t ssrc);

}  // namespace sallyport::test
