// SPDX-License-Identifier: GPL-3.0-or-later
// An IPv4 or IPv6 address, and an address with a UDP port.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sallyport {

/// Sixteen octets; IPv4 is kept in its IPv4-mapped form (RFC 4291 §2.5.5.2), so that one comparison serves
/// both.
class IpAddress {
 public:
  /// The unspecified IPv6 address, `::`.
  constexpr IpAddress() = default;

  [[nodiscard]] static constexpr IpAddress v4(std::array<std::uint8_t, 4> octets) {
    IpAddress address;
    address.octets_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, octets[0], octets[1], octets[2], octets[3]};
    return address;
  }
  /// An IPv4-mapped value becomes an IPv4 address.
  [[nodiscard]] static constexpr IpAddress v6(std::array<std::uint8_t, 16> octets) {
    IpAddress address;
    address.octets_ = octets;
    return address;
  }
  /// Dotted quad or RFC 4291 text, without brackets, zone or prefix length.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const {
    for (std::size_t i = 0; i < 10; ++i)
      if (octets_[i] != 0) return false;
    return octets_[10] == 0xff && octets_[11] == 0xff;
  }
  /// `0.0.0.0` or `::`.
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_multicast() const;
  /// RFC 5952 text, or a dotted quad.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  /// The four octets of an IPv4 address in network order.
  [[nodiscard]] constexpr std::span<const std::uint8_t, 4> v4_octets() const {
    return std::span<const std::uint8_t, 4>(octets_.data() + 12, 4);
  }

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

/// The unit that limits on sources count: an IPv4 address, or the /64 of an IPv6 address.
[[nodiscard]] IpAddress source_of(const IpAddress& remote);

/// An address and a UDP port in host order.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// `192.0.2.1:5004` or `[2001:db8::1]:5004`.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
};

using MacAddress = std::array<std::uint8_t, 6>;

/// `02:00:00:00:00:01`.
[[nodiscard]] Result<MacAddress> parse_mac(std::string_view text);
[[nodiscard]] std::string to_string(const MacAddress& mac);

}  // namespace sallyport
