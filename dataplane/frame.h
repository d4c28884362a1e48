// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Ethernet, 802.1Q, IPv4, IPv6 and UDP: from a frame's octets to a bounded UDP payload, and nothing
// else.
//
//    0               6               12      14
//   +---------------+---------------+-------+ - - - - - - - +--------------+-----+---------+
//   | destination   | source        | 8100  | tag | type    | IPv4 or IPv6 | UDP | payload |
//   +---------------+---------------+-------+ - - - - - - - +--------------+-----+---------+
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ip_address.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kEthernetLength = 14;
inline constexpr std::size_t kVlanTagLength = 4;
inline constexpr std::size_t kIpv4Length = 20;
inline constexpr std::size_t kIpv6Length = 40;
inline constexpr std::size_t kUdpLength = 8;
inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kIpv6FragmentHeader = 44;

enum class FrameKind : std::uint8_t {
  udp,        ///< the view's fields hold
  other,      ///< well formed as far as looked at, but not plain UDP
  fragment,   ///< part of an IP datagram
  malformed,  ///< a length or checksum contradicts the frame
};

struct FrameView {
  FrameKind kind = FrameKind::other;
  std::uint16_t vlan = 0;  ///< 802.1Q identifier, 0 = untagged
  Endpoint source;
  Endpoint destination;
  std::uint16_t payload_offset = 0;
  std::uint16_t payload_length = 0;
};

namespace detail {

/// Put together from two words: octet by octet it would be stored in pieces and loaded whole, which stalls.
[[nodiscard]] inline IpAddress load_v4(const std::uint8_t* octets) {
  std::uint32_t quad;
  std::memcpy(&quad, octets, sizeof quad);
  const std::array<std::uint64_t, 2> words{0, 0xffff0000u | std::uint64_t{quad} << 32};
  return IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(words));
}

[[nodiscard]] inline IpAddress load_v6(const std::uint8_t* octets) {
  std::array<std::uint8_t, 16> copy;
  std::memcpy(copy.data(), octets, copy.size());
  return IpAddress::v6(copy);
}

/// `length` octets of UDP datagram (header and payload) are inside the frame at `offset`.
inline void parse_udp(const std::uint8_t* frame, std::size_t offset, std::size_t length, FrameView& view) {
  view.kind = FrameKind::malformed;
  if (length < kUdpLength) return;
  const std::uint8_t* udp = frame + offset;
  const std::size_t claimed = load_be16(udp + 4);
  if (claimed < kUdpLength || claimed > length) return;
  view.source.port = load_be16(udp);
  view.destination.port = load_be16(udp + 2);
  view.payload_offset = static_cast<std::uint16_t>(offset + kUdpLength);
  view.payload_length = static_cast<std::uint16_t>(claimed - kUdpLength);
  view.kind = FrameKind::udp;
}

inline void parse_ipv4(const std::uint8_t* frame, std::size_t offset, std::size_t rest, FrameView& view) {
  view.kind = FrameKind::malformed;
  if (rest < kIpv4Length) return;
  const std::uint8_t* ip = frame + offset;
  const std::size_t header = std::size_t{ip[0] & 0x0fu} * 4;
  const std::size_t total = load_be16(ip + 2);
  if (ip[0] >> 4 != 4 || header < kIpv4Length || total < header || total > rest) return;
  // Nearly all headers are without options; a length that the compiler knows needs no loop.
  const std::uint64_t sum =
      header == kIpv4Length ? checksum_partial(ip, kIpv4Length) : checksum_partial(ip, header);
  if (checksum_finish(sum) != 0) return;
  const bool fragmented = (load_be16(ip + 6) & 0x3fff) != 0;  // more fragments, or an offset
  if (fragmented) {
    view.kind = FrameKind::fragment;
    return;
  }
  if (ip[9] != kProtocolUdp) {
    view.kind = FrameKind::other;
    return;
  }
  view.source.address = load_v4(ip + 12);
  view.destination.address = load_v4(ip + 16);
  parse_udp(frame, offset + header, total - header, view);
}

inline void parse_ipv6(const std::uint8_t* frame, std::size_t offset, std::size_t rest, FrameView& view) {
  view.kind = FrameKind::malformed;
  if (rest < kIpv6Length) return;
  const std::uint8_t* ip = frame + offset;
  const std::size_t payload = load_be16(ip + 4);
  if (ip[0] >> 4 != 6 || payload > rest - kIpv6Length) return;
  if (ip[6] != kProtocolUdp) {
    view.kind = ip[6] == kIpv6FragmentHeader ? FrameKind::fragment : FrameKind::other;
    return;
  }
  view.source.address = load_v6(ip + 8);
  view.destination.address = load_v6(ip + 24);
  // An IPv4-mapped address has no business on the wire (RFC 4291 §2.5.5.2) and would pass for IPv4 later on.
  if (view.source.address.is_v4() || view.destination.address.is_v4()) return;
  parse_udp(frame, offset + kIpv6Length, payload, view);
}

}  // namespace detail

/// Reads at most `length` octets. UDP checksums are not verified: on virtual links they are legitimately
/// unfinished, and SRTP's own tag covers what matters.
[[nodiscard]] inline FrameView parse_frame(const std::uint8_t* frame, std::size_t length) {
  FrameView view;
  view.kind = FrameKind::malformed;
  if (length < kEthernetLength) return view;
  std::size_t offset = kEthernetLength;
  std::uint16_t type = load_be16(frame + 12);
  if (type == kEtherTypeVlan) {
    offset += kVlanTagLength;
    if (length < offset) return view;
    view.vlan = load_be16(frame + 14) & 0x0fff;
    type = load_be16(frame + 16);
  }
  if (type == kEtherTypeIpv4)
    detail::parse_ipv4(frame, offset, length - offset, view);
  else if (type == kEtherTypeIpv6)
    detail::parse_ipv6(frame, offset, length - offset, view);
  else
    view.kind = FrameKind::other;
  return view;
}

}  // namespace sallyport::dataplane
