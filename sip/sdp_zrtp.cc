// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing what descriptions say of ZRTP.
#include "sip/sdp_zrtp.h"

#include <algorithm>

#include "sip/sdp_words.h"
#include "sip/text.h"

namespace sallyport::sip {

std::optional<ZrtpHelloHash> parse_zrtp_hash(std::string_view argument) {
  ZrtpHelloHash hash;
  hash.version = next_word(argument);
  const std::string_view digits = text::trim(argument);
  const auto in_token = [](char c) { return text::is(c, text::kToken); };
  const auto is_digit = [](char c) { return hex_value(c) >= 0; };
  if (hash.version.empty() || digits.empty() || !std::ranges::all_of(hash.version, in_token) ||
      !std::ranges::all_of(digits, is_digit))
    return std::nullopt;
  if (!hash.is_spoken()) return hash;
  if (digits.size() != 2 * hash.octets.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.octets.size(); ++i)
    hash.octets[i] = static_cast<std::uint8_t>(hex_value(digits[2 * i]) * 16 + hex_value(digits[2 * i + 1]));
  return hash;
}

void append_zrtp_hash(std::string& text, const HelloHash& hello_hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  text += "a=zrtp-hash:1.10 ";
  for (const std::uint8_t octet : hello_hash) text += {kDigits[octet >> 4U], kDigits[octet & 15U]};
  text += "\r\n";
}

Result<std::optional<ZrtpHelloHash>> zrtp_hash(const Sdp& sdp, std::size_t medium) {
  std::optional<ZrtpHelloHash> found;
  std::size_t seen = 0;
  for (const SdpLine line : sdp.media_lines(medium)) {
    if (line.type != 'a' || line.attribute != SdpAttribute::zrtp_hash) continue;
    if (++seen > kMaxZrtpHashes) return fail(ErrorClass::exhausted, "too many a=zrtp-hash lines");
    const auto hash = parse_zrtp_hash(line.argument);
    if (!hash) return fail(ErrorClass::malformed, "malformed a=zrtp-hash");
    if (!hash->is_spoken()) continue;
    if (found && found->octets != hash->octets)
      return fail(ErrorClass::malformed, "a=zrtp-hash lines that contradict each other");
    found = hash;
  }
  return found;
}

}  // namespace sallyport::sip
