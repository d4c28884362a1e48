// SPDX-License-Identifier: GPL-3.0-or-later
// Base64 without tables: a table's cache lines would tell which characters a key has.
#include "base/base64.h"

namespace sallyport {

namespace {

// All ones when low <= c <= high, else zero.
constexpr unsigned within(unsigned c, unsigned low, unsigned high) {
  return static_cast<unsigned>(0) - static_cast<unsigned>(((c - low) | (high - c)) >> 31 ^ 1U);
}

// The six bits of a character; anything above 63 is none.
constexpr unsigned sextet(char character) {
  const unsigned c = static_cast<unsigned char>(character);
  const unsigned upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
  const unsigned plus = within(c, '+', '+'), slash = within(c, '/', '/');
  const unsigned known = upper | lower | digit | plus | slash;
  return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) |
         (slash & 63) | (~known & 64);
}

constexpr char character(unsigned bits) {
  const unsigned c = (within(bits, 0, 25) & (bits + 'A')) | (within(bits, 26, 51) & (bits - 26 + 'a')) |
                     (within(bits, 52, 61) & (bits - 52 + '0')) | (within(bits, 62, 62) & '+') |
                     (within(bits, 63, 63) & '/');
  return static_cast<char>(c);
}

constexpr bool alphabet_is_whole() {
  for (unsigned i = 0; i < 64; ++i)
    if (sextet(character(i)) != i) return false;
  return sextet('=') > 63 && sextet('\0') > 63 && sextet('-') > 63 && sextet('@') > 63 && sextet('[') > 63 &&
         sextet('{') > 63 && sextet('\xff') > 63;
}
static_assert(alphabet_is_whole());

}  // namespace

std::optional<std::size_t> decode_base64(std::string_view text, std::span<std::uint8_t> decoded) {
  const std::size_t padded_length = text.size();
  while (!text.empty() && text.back() == '=' && padded_length - text.size() < 2) text.remove_suffix(1);
  if (text.size() != padded_length && padded_length % 4 != 0) return std::nullopt;
  if (text.size() % 4 == 1 || text.size() * 3 / 4 > decoded.size()) return std::nullopt;
  std::size_t count = 0;
  std::uint32_t bits = 0;
  unsigned held = 0;
  unsigned wrong = 0;
  for (const char c : text) {
    const unsigned value = sextet(c);
    wrong |= value & 64;
    bits = (bits << 6) | (value & 63);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    decoded[count++] = static_cast<std::uint8_t>(bits >> held);
    bits &= (1U << held) - 1;
  }
  if (wrong != 0 || bits != 0) return std::nullopt;
  return count;
}

void append_base64(std::string& text, std::span<const std::uint8_t> octets, bool padded) {
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::uint8_t octet : octets) {
    bits = (bits << 8) | octet;
    for (held += 8; held >= 6;) {
      held -= 6;
      text += character((bits >> held) & 63);
    }
    bits &= (1U << held) - 1;
  }
  if (held != 0) text += character((bits << (6 - held)) & 63);
  if (padded) text.append((3 - octets.size() % 3) % 3, '=');
}

}  // namespace sallyport
