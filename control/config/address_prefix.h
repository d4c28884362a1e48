// SPDX-License-Identifier: GPL-3.0-or-later
// AddressPrefix: an address or a network, as source lists name them.
#pragma once

#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace sallyport::control {

struct AddressPrefix {
  IpAddress address;
  unsigned bits = 128;  ///< of the sixteen octets: an IPv4 prefix counts 96 more

  /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; no bit may be set behind the prefix.
  [[nodiscard]] static Result<AddressPrefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const AddressPrefix&, const AddressPrefix&) = default;
};

}  // namespace sallyport::control
