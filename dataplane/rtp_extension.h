// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. RTP header extensions (RFC 8285), one element of them. They stay in clear when the payload is sealed.
//
//    0                   1                   2                   3
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |    0xBEDE, or 0x100 and appbits |     length in words         |
//   |  one-byte form:  ID (4)  octets - 1 (4)   data …              |
//   |  two-byte form:  ID (8)  octets (8)       data …              |
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "dataplane/rtp.h"

namespace sallyport::dataplane {

using ExtensionData = std::span<const std::uint8_t>;

namespace detail {

inline std::optional<ExtensionData> find_one_byte(ExtensionData elements, std::uint8_t id) {
  constexpr std::uint8_t kStop = 15;
  while (!elements.empty()) {
    const std::uint8_t first = elements[0];
    elements = elements.subspan(1);
    if (first == 0) continue;  // padding
    const std::uint8_t its_id = first >> 4;
    const std::size_t length = (first & 0x0fu) + 1u;
    // RFC 8285 §4.1.2, §4.2: an ID of 0 with a length, and the ID 15, end the list.
    if (its_id == 0 || its_id == kStop || length > elements.size()) return std::nullopt;
    if (its_id == id) return elements.first(length);
    elements = elements.subspan(length);
  }
  return std::nullopt;
}

inline std::optional<ExtensionData> find_two_byte(ExtensionData elements, std::uint8_t id) {
  while (!elements.empty()) {
    const std::uint8_t its_id = elements[0];
    elements = elements.subspan(1);
    if (its_id == 0) continue;  // padding
    if (elements.empty()) return std::nullopt;
    const std::size_t length = elements[0];
    elements = elements.subspan(1);
    if (length > elements.size()) return std::nullopt;
    if (its_id == id) return elements.first(length);
    elements = elements.subspan(length);
  }
  return std::nullopt;
}

}  // namespace detail

/// The data of element `id`, the first of that ID. `packet` has a header that parse_rtp found valid.
[[nodiscard]] inline std::optional<ExtensionData> find_extension(std::span<const std::uint8_t> packet,
                                                                 const RtpHeader& header, std::uint8_t id) {
  constexpr std::uint16_t kOneByteForm = 0xbede;
  constexpr std::uint16_t kTwoByteForm = 0x1000;
  constexpr std::uint16_t kAppBits = 0x000f;
  const bool extended = (packet[0] & 0x10) != 0;
  if (!extended) return std::nullopt;
  const std::size_t at = kRtpFixedLength + std::size_t{packet[0] & 0x0fu} * 4;
  const std::uint16_t profile = load_be16(packet.data() + at);
  const ExtensionData elements = packet.subspan(at + 4, header.length - at - 4);
  if (profile == kOneByteForm) return detail::find_one_byte(elements, id);
  if ((profile & ~kAppBits) == kTwoByteForm) return detail::find_two_byte(elements, id);
  return std::nullopt;
}

}  // namespace sallyport::dataplane
