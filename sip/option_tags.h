// SPDX-License-Identifier: GPL-3.0-or-later
// Option tags: the words of Supported, Require and their siblings (RFC 3261 §19.2), and of Allow.
#pragma once

#include <algorithm>
#include <string_view>

#include "sip/message.h"

namespace sallyport::sip {

namespace detail {
[[nodiscard]] constexpr char folded(char octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet | 0x20) : octet;
}
}  // namespace detail

/// Whether the list header holds the tag; tags are tokens, and case does not matter in them.
[[nodiscard]] inline bool has_option(const Message& message, HeaderId id, std::string_view tag) {
  for (const std::string_view value : message.values(id))
    if (std::ranges::equal(value, tag, {}, detail::folded, detail::folded)) return true;
  return false;
}

/// Whether Allow names the method; here case does matter.
[[nodiscard]] inline bool allows(const Message& message, Method method) {
  for (const std::string_view value : message.values(HeaderId::allow))
    if (value == name_of(method)) return true;
  return false;
}

}  // namespace sallyport::sip
