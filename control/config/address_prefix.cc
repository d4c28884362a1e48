// SPDX-License-Identifier: GPL-3.0-or-later
// Reading networks and asking whether an address belongs to one.
#include "control/config/address_prefix.h"

#include <charconv>

namespace sallyport::control {

namespace {

constexpr unsigned kMappedBits = 96;  // before the four octets of an IPv4 address

bool bit_of(const IpAddress& address, unsigned bit) {
  return (address.octets()[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

}  // namespace

Result<AddressPrefix> AddressPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return tl::unexpected(address.error());
  AddressPrefix prefix{*address, 128};
  if (slash == std::string_view::npos) return prefix;
  const unsigned longest = address->is_v4() ? 32 : 128;
  const char* const end = text.data() + text.size();
  unsigned length = 0;
  const auto [stop, failure] = std::from_chars(text.data() + slash + 1, end, length);
  if (failure != std::errc{} || stop != end || length > longest)
    return fail(ErrorClass::malformed, "a prefix length is a number up to " + std::to_string(longest));
  prefix.bits = address->is_v4() ? length + kMappedBits : length;
  for (unsigned bit = prefix.bits; bit < 128; ++bit)
    if (bit_of(*address, bit)) return fail(ErrorClass::malformed, "an address has bits behind its prefix");
  return prefix;
}

bool AddressPrefix::contains(const IpAddress& other) const {
  // `::/0` is about IPv6 only, as `0.0.0.0/0` is about IPv4.
  if (other.is_v4() != address.is_v4()) return false;
  for (unsigned bit = 0; bit < bits; ++bit)
    if (bit_of(address, bit) != bit_of(other, bit)) return false;
  return true;
}

std::string AddressPrefix::to_string() const {
  const unsigned shown = address.is_v4() ? bits - kMappedBits : bits;
  return bits == 128 ? address.to_string() : address.to_string() + "/" + std::to_string(shown);
}

}  // namespace sallyport::control
