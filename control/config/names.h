// SPDX-License-Identifier: GPL-3.0-or-later
// What names in the configuration may look like.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace sallyport::control {

inline constexpr std::size_t kMaxName = 32;

[[nodiscard]] inline bool valid_name(std::string_view name) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, ok);
}

/// A host name in lower case: what SIP URIs and certificates can carry.
[[nodiscard]] inline bool valid_domain(std::string_view name) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, ok) && name.front() != '.' &&
         name.back() != '.' && name.find("..") == std::string_view::npos;
}

}  // namespace sallyport::control
