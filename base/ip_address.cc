// SPDX-License-Identifier: GPL-3.0-or-later
// Text forms of addresses.
#include "base/ip_address.h"

#include <charconv>
#include <cstdio>

#include <arpa/inet.h>

namespace sallyport {

namespace {

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return fail(ErrorClass::malformed, "a port is a number from 1 to 65535");
  return port;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return fail(ErrorClass::malformed, "'" + terminated + "' is not an IP address");
}

IpAddress source_of(const IpAddress& remote) {
  if (remote.is_v4()) return remote;
  std::array<std::uint8_t, 16> octets = remote.octets();
  std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
  return IpAddress::v6(octets);
}

bool IpAddress::is_unspecified() const {
  const auto zero = [](std::uint8_t octet) { return octet == 0; };
  return is_v4() ? std::ranges::all_of(v4_octets(), zero) : std::ranges::all_of(octets_, zero);
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (octets_[12] & 0xf0) == 0xe0 : octets_[0] == 0xff;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4())
    inet_ntop(AF_INET, v4_octets().data(), text, sizeof text);
  else
    inet_ntop(AF_INET6, octets_.data(), text, sizeof text);
  return text;
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return fail(ErrorClass::malformed, "'" + std::string(text) + "' is not ADDRESS:PORT");
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return tl::unexpected(address.error());
  if (!address->is_v4() && !bracketed)
    return fail(ErrorClass::malformed, "an IPv6 address with a port is written [ADDRESS]:PORT");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return tl::unexpected(port.error());
  return Endpoint{*address, *port};
}

std::string Endpoint::to_string() const {
  const std::string number = std::to_string(port);
  if (address.is_v4()) return address.to_string() + ":" + number;
  return "[" + address.to_string() + "]:" + number;
}

Result<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  if (text.size() != 17) return fail(ErrorClass::malformed, "a MAC address is written 02:00:00:00:00:01");
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* digits = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, mac[i], 16);
    if (error != std::errc{} || end != digits + 2 || (i < 5 && digits[2] != ':'))
      return fail(ErrorClass::malformed, "a MAC address is written 02:00:00:00:00:01");
  }
  return mac;
}

std::string to_string(const MacAddress& mac) {
  char text[18] = {};
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
  return text;
}

}  // namespace sallyport
