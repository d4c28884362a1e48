// SPDX-License-Identifier: GPL-3.0-or-later
// Text: character classes of RFC 3261 §25.1 and the small steps that every header's parser takes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::sip::text {

/// A character's classes, as bits.
enum Class : std::uint16_t {
  kToken = 1,
  kWord = 2,      ///< Call-ID
  kUser = 4,      ///< user part of a SIP URI, without escapes
  kPassword = 8,  ///< without escapes
  kUriParameter = 16,
  kUriHeader = 32,
  kHost = 64,
  kDigit = 128,
  kHexDigit = 256,
  kAlpha = 512,
  kUric = 1024,   ///< any URI (RFC 3986), with its `%`
  kValue = 2048,  ///< a header parameter's value without quotes
  kPhone = 4096,  ///< digits and visual separators of tel URIs
};

inline constexpr std::string_view kCrLf = "\r\n";

namespace detail {

constexpr void add(std::array<std::uint16_t, 256>& table, std::string_view characters, unsigned classes) {
  for (const char c : characters) {
    auto& entry = table[static_cast<unsigned char>(c)];
    entry = static_cast<std::uint16_t>(entry | classes);
  }
}

constexpr std::array<std::uint16_t, 256> make_classes() {
  std::array<std::uint16_t, 256> table{};
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr unsigned kAlphanum =
      kToken | kWord | kUser | kPassword | kUriParameter | kUriHeader | kHost | kUric | kValue;
  add(table, kDigits, kAlphanum | kDigit | kHexDigit | kPhone);
  add(table, kLetters, kAlphanum | kAlpha);
  add(table, "abcdefABCDEF", kHexDigit | kPhone);
  add(table, "-.!%*_+`'~", kToken | kWord | kValue);
  add(table, "()<>:\\\"/[]?{}@", kWord);
  add(table, "-_.!~*'()", kUser | kPassword | kUriParameter | kUriHeader | kUric);
  // RFC 3261 wants `#` escaped in a user part; dialled service codes arrive without.
  add(table, "&=+$,;?/#", kUser);
  add(table, "&=+$,", kPassword);
  // RFC 3261 has no `=` in a value; base64 in Record-Route cookies does.
  add(table, "[]/:&+$=", kUriParameter);
  add(table, "[]/?:+$", kUriHeader);
  // Host names with `_` exist.
  add(table, "-._", kHost);
  add(table, ";/?:@&=+$,[]%#", kUric);
  // Wider than token / host: tags and branches of the field carry these.
  add(table, "[]:/@=$&?#{}()|^", kValue);
  add(table, "-.()*#", kPhone);
  return table;
}

inline constexpr std::array<std::uint16_t, 256> kClasses = make_classes();

}  // namespace detail

[[nodiscard]] constexpr unsigned classes_of(char c) {
  return detail::kClasses[static_cast<unsigned char>(c)];
}
[[nodiscard]] constexpr bool is(char c, unsigned classes) {
  return (classes_of(c) & classes) != 0;
}
[[nodiscard]] constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}
[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
/// 0 to 15, or -1.
[[nodiscard]] constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// How many characters at the front of `text`, from `from`, are of these classes.
[[nodiscard]] constexpr std::size_t span_of(std::string_view text, std::size_t from, unsigned classes) {
  std::size_t at = from;
  const char* const octets = text.data();
  // Four at a time where four are left: half the instructions.
  while (at + 4 <= text.size() && (classes_of(octets[at]) & classes_of(octets[at + 1]) &
                                   classes_of(octets[at + 2]) & classes_of(octets[at + 3]) & classes) != 0)
    at += 4;
  while (at < text.size() && is(text[at], classes)) ++at;
  return at - from;
}
[[nodiscard]] constexpr bool all(std::string_view text, unsigned classes) {
  return span_of(text, 0, classes) == text.size();
}
/// Where the characters of these classes and the escapes `%hh` that begin at `from` end.
[[nodiscard]] constexpr std::size_t skip_escaped(std::string_view text, std::size_t from, unsigned classes) {
  for (std::size_t at = from;; at += 3) {
    at += span_of(text, at, classes);
    if (at + 2 >= text.size() || text[at] != '%' || !is(text[at + 1], kHexDigit) ||
        !is(text[at + 2], kHexDigit))
      return at;
  }
}
/// In lower case, as far as letters are ASCII's.
[[nodiscard]] inline std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}
[[nodiscard]] constexpr bool is_token(std::string_view text) {
  return !text.empty() && all(text, kToken);
}

/// The first position from `from` that is no white space.
[[nodiscard]] constexpr std::size_t skip_space(std::string_view text, std::size_t from) {
  while (from < text.size() && is_space(text[from])) ++from;
  return from;
}
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}
[[nodiscard]] constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// The position behind the quoted string that opens at `from`, or npos if it does not close. Escapes may be
/// of anything but CR and LF; a bare control character other than a tab ends it badly.
[[nodiscard]] constexpr std::size_t skip_quoted(std::string_view text, std::size_t from) {
  for (std::size_t at = from + 1; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') return at + 1;
    if (c == '\\') {
      ++at;
      if (at >= text.size() || text[at] == '\r' || text[at] == '\n') return std::string_view::npos;
    } else if ((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f) {
      return std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

/// All of `text` is a decimal number up to `highest`.
[[nodiscard]] constexpr std::optional<std::uint32_t> decimal(std::string_view text,
                                                             std::uint32_t highest = 0xffffffff) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
    if (value > highest) return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

/// Seconds (RFC 3261 §25.1 delta-seconds): all digits; what is beyond 2^32-1 counts as that.
[[nodiscard]] constexpr std::optional<std::uint32_t> delta_seconds(std::string_view text) {
  if (text.empty() || !all(text, kDigit)) return std::nullopt;
  return decimal(text).value_or(0xffffffff);
}

}  // namespace sallyport::sip::text
