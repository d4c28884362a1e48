// SPDX-License-Identifier: GPL-3.0-or-later
// The table of well-formed sequences is that of the Unicode standard, 3.9: no overlong forms, no surrogates.
#include "base/utf8.h"

namespace sallyport {

namespace {

/// Octets of the character at `at`; 0: there is none.
std::size_t length_of(std::string_view text, std::size_t at) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = octet(at);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (octet(at + i) >> 6 != 2) return 0;
  const unsigned second = length > 1 ? octet(at + 1) : 0;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return overlong || outside ? 0 : length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_of(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string valid_utf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_of(text, at);
    clean += length == 0 ? std::string_view("?") : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return clean;
}

}  // namespace sallyport
