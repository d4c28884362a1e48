// SPDX-License-Identifier: GPL-3.0-or-later
// Plain and slow on purpose: sums are taken word by word as RFC 1071 §4.1 puts it.
#include "tests/support/frames.h"

#include <cstdio>

namespace sallyport::test {

namespace {

void put16(Octets& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void put32(Octets& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}

unsigned get16(std::span<const std::uint8_t> from, std::size_t at) {
  return static_cast<unsigned>(from[at]) << 8 | from[at + 1];
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum += get16(octets, i);
  if (octets.size() % 2 == 1) sum += static_cast<std::uint32_t>(octets.back()) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Octets pseudo_header(const IpAddress& source, const IpAddress& destination, std::size_t udp_length) {
  Octets pseudo;
  for (const IpAddress& address : {source, destination}) {
    if (address.is_v4())
      pseudo.insert(pseudo.end(), address.v4_octets().begin(), address.v4_octets().end());
    else
      pseudo.insert(pseudo.end(), address.octets().begin(), address.octets().end());
  }
  put32(pseudo, static_cast<std::uint32_t>(udp_length));
  put32(pseudo, 17);
  return pseudo;
}

Octets udp_datagram(const FrameSpec& spec, std::span<const std::uint8_t> payload) {
  Octets udp;
  put16(udp, spec.source.port);
  put16(udp, spec.destination.port);
  put16(udp, static_cast<unsigned>(payload.size() + 8));
  put16(udp, 0);
  udp.insert(udp.end(), payload.begin(), payload.end());
  Octets summed = pseudo_header(spec.source.address, spec.destination.address, udp.size());
  summed.insert(summed.end(), udp.begin(), udp.end());
  unsigned checksum = internet_checksum(summed);
  if (checksum == 0) checksum = 0xffff;
  udp[6] = static_cast<std::uint8_t>(checksum >> 8);
  udp[7] = static_cast<std::uint8_t>(checksum);
  return udp;
}

void put_ipv4(Octets& frame, const FrameSpec& spec, std::size_t udp_length) {
  Octets ip{0x45, 0};
  put16(ip, static_cast<unsigned>(20 + udp_length));
  put32(ip, 0);
  ip.push_back(spec.ttl);
  ip.push_back(17);
  put16(ip, 0);
  for (const IpAddress& address : {spec.source.address, spec.destination.address})
    ip.insert(ip.end(), address.v4_octets().begin(), address.v4_octets().end());
  const unsigned checksum = internet_checksum(ip);
  ip[10] = static_cast<std::uint8_t>(checksum >> 8);
  ip[11] = static_cast<std::uint8_t>(checksum);
  frame.insert(frame.end(), ip.begin(), ip.end());
}

void put_ipv6(Octets& frame, const FrameSpec& spec, std::size_t udp_length) {
  put32(frame, 0x60000000);
  put16(frame, static_cast<unsigned>(udp_length));
  frame.push_back(17);
  frame.push_back(spec.ttl);
  for (const IpAddress& address : {spec.source.address, spec.destination.address})
    frame.insert(frame.end(), address.octets().begin(), address.octets().end());
}

std::optional<ReadFrame> wrong(const char* what) {
  std::fprintf(stderr, "frame: %s\n", what);
  return std::nullopt;
}

IpAddress address_at(std::span<const std::uint8_t> octets, std::size_t at, bool v4) {
  if (v4) return IpAddress::v4({octets[at], octets[at + 1], octets[at + 2], octets[at + 3]});
  std::array<std::uint8_t, 16> copy{};
  std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), 16, copy.begin());
  return IpAddress::v6(copy);
}

/// Fills in addresses and IP fields; gives the UDP datagram.
std::optional<std::span<const std::uint8_t>> read_ip(std::span<const std::uint8_t> ip, unsigned type,
                                                     ReadFrame& read) {
  const bool v4 = type == 0x0800;
  if (ip.size() < (v4 ? 20u : 40u)) return std::nullopt;
  if (v4) {
    if (ip[0] != 0x45 || get16(ip, 2) != ip.size() || ip[9] != 17) return std::nullopt;
    if (internet_checksum(ip.first(20)) != 0) return std::nullopt;
    read.dscp = ip[1] >> 2;
    read.ttl = ip[8];
    read.dont_fragment = (ip[6] & 0x40) != 0;
  } else {
    if (ip[0] >> 4 != 6 || get16(ip, 4) + 40 != ip.size() || ip[6] != 17) return std::nullopt;
    read.dscp = static_cast<std::uint8_t>((get16(ip, 0) >> 6) & 0x3f);
    read.ttl = ip[7];
  }
  read.source.address = address_at(ip, v4 ? 12 : 8, v4);
  read.destination.address = address_at(ip, v4 ? 16 : 24, v4);
  return ip.subspan(v4 ? 20 : 40);
}

}  // namespace

Octets from_hex(const std::string& digits) {
  Octets octets;
  std::string pair;
  for (const char digit : digits) {
    if (digit == ' ' || digit == '\n') continue;
    pair += digit;
    if (pair.size() < 2) continue;
    octets.push_back(static_cast<std::uint8_t>(std::stoul(pair, nullptr, 16)));
    pair.clear();
  }
  return octets;
}

Octets udp_frame(const FrameSpec& spec, std::span<const std::uint8_t> payload) {
  const Octets udp = udp_datagram(spec, payload);
  Octets frame(spec.destination_mac.begin(), spec.destination_mac.end());
  frame.insert(frame.end(), spec.source_mac.begin(), spec.source_mac.end());
  if (spec.vlan != 0) {
    put16(frame, 0x8100);
    put16(frame, spec.vlan);
  }
  const bool v4 = spec.source.address.is_v4();
  put16(frame, v4 ? 0x0800 : 0x86dd);
  if (v4)
    put_ipv4(frame, spec, udp.size());
  else
    put_ipv6(frame, spec, udp.size());
  frame.insert(frame.end(), udp.begin(), udp.end());
  return frame;
}

std::optional<ReadFrame> read_frame(std::span<const std::uint8_t> frame) {
  ReadFrame read;
  if (frame.size() < 18) return wrong("too short for Ethernet");
  std::copy_n(frame.begin(), 6, read.destination_mac.begin());
  std::copy_n(frame.begin() + 6, 6, read.source_mac.begin());
  std::size_t at = 14;
  unsigned type = get16(frame, 12);
  if (type == 0x8100) {
    read.vlan = get16(frame, 14) & 0xfff;
    type = get16(frame, 16);
    at = 18;
  }
  if (type != 0x0800 && type != 0x86dd) return wrong("neither IPv4 nor IPv6");
  const auto udp = read_ip(frame.subspan(at), type, read);
  if (!udp) return wrong("IP header");
  if (udp->size() < 8 || get16(*udp, 4) != udp->size()) return wrong("UDP length");
  Octets summed = pseudo_header(read.source.address, read.destination.address, udp->size());
  summed.insert(summed.end(), udp->begin(), udp->end());
  if (get16(*udp, 6) == 0 || internet_checksum(summed) != 0) return wrong("UDP checksum");
  read.source.port = static_cast<std::uint16_t>(get16(*udp, 0));
  read.destination.port = static_cast<std::uint16_t>(get16(*udp, 2));
  read.payload.assign(udp->begin() + 8, udp->end());
  return read;
}

Octets rtp_packet(const RtpSpec& spec, std::span<const std::uint8_t> payload) {
  Octets packet;
  packet.push_back(static_cast<std::uint8_t>(0x80 | (spec.padding != 0 ? 0x20 : 0) |
                                             (spec.extension ? 0x10 : 0) | spec.csrcs));
  packet.push_back(static_cast<std::uint8_t>((spec.marker ? 0x80 : 0) | spec.payload_type));
  put16(packet, spec.sequence);
  put32(packet, spec.timestamp);
  put32(packet, spec.ssrc);
  for (unsigned i = 0; i < spec.csrcs; ++i) put32(packet, 0xc0000000 + i);
  if (spec.extension) {
    put16(packet, 0xbede);
    put16(packet, static_cast<unsigned>(spec.extension->size() / 4));
    packet.insert(packet.end(), spec.extension->begin(), spec.extension->end());
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  if (spec.padding == 0) return packet;
  packet.resize(packet.size() + spec.padding - 1, 0);
  packet.push_back(spec.padding);
  return packet;
}

Octets rtcp_compound(std::uint32_t ssrc) {
  Octets packet{0x80, 200};
  put16(packet, 6);
  put32(packet, ssrc);
  for (std::uint32_t word = 0; word < 5; ++word) put32(packet, 0x01020304 * word);
  packet.push_back(0x81);
  packet.push_back(202);
  put16(packet, 3);
  put32(packet, ssrc);
  for (const char octet : {'\x01', '\x04', 't', 'e', 's', 't', '\0', '\0'})
    packet.push_back(static_cast<std::uint8_t>(octet));
  return packet;
}

}  // namespace sallyport::test
