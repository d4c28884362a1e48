// SPDX-License-Identifier: GPL-3.0-or-later
// Contact values with the parameters that registration and outbound give them (RFC 3261 §20.10, RFC 5626).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sip/name_addr.h"

namespace sallyport::sip {

class Message;

struct Contact {
  bool star = false;  ///< `*`: all bindings; nothing else is set then
  NameAddr address;
  std::optional<std::uint16_t> q;        ///< in thousandths
  std::optional<std::uint32_t> expires;  ///< seconds; a value beyond 2^32-1 counts as that, RFC 3261 §20.10
  std::string_view instance;             ///< `+sip.instance` without its quotes: `<urn:uuid:…>`
  std::optional<std::uint32_t> reg_id;   ///< from 1 to 2^31-1
  bool outbound = false;                 ///< `ob` is a parameter of the URI
};

[[nodiscard]] Result<Contact> parse_contact(std::string_view text);

/// All Contact values of a message in order. `*` must stand alone.
[[nodiscard]] Result<std::vector<Contact>> contacts(const Message& message);

/// A q-value in thousandths: `0.7` is 700.
[[nodiscard]] Result<std::uint16_t> parse_q(std::string_view text);

}  // namespace sallyport::sip
