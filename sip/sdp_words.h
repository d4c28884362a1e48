// SPDX-License-Identifier: GPL-3.0-or-later
// The words and numbers that attributes of session descriptions are made of.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sip/text.h"

namespace sallyport::sip {

/// Takes the next word, up to a blank, from the front of `rest`; empty: there is none.
[[nodiscard]] inline std::string_view next_word(std::string_view& rest) {
  rest = text::trim(rest);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

/// Of a hexadecimal digit in either case; -1: it is none.
[[nodiscard]] constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// A decimal number and nothing else.
[[nodiscard]] inline std::optional<std::uint64_t> whole_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace sallyport::sip
