// SPDX-License-Identifier: GPL-3.0-or-later
// Text forms of master keys. No error names what it read: the text is the secret.
#include <charconv>

#include "base/base64.h"
#include "control/media/relay_spec.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxKeyAndSalt = crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength;
using KeyAndSalt = Secret<kMaxKeyAndSalt>;

bool decode(std::string_view text, KeyAndSalt& decoded) {
  std::array<std::uint8_t, kMaxKeyAndSalt> octets{};
  const auto count = decode_base64(text, octets);
  if (count) decoded = KeyAndSalt(std::span(octets).first(*count));
  wipe(octets.data(), octets.size());
  return count.has_value();
}

bool parse_number(std::string_view text, std::uint64_t& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size();
}

// `2^31` or a decimal number of packets.
bool parse_lifetime(std::string_view text, std::uint64_t& packets) {
  if (text.starts_with("2^")) {
    std::uint64_t exponent = 0;
    if (!parse_number(text.substr(2), exponent) || exponent > 48) return false;
    packets = std::uint64_t{1} << exponent;
    return true;
  }
  return parse_number(text, packets) && packets != 0 && packets <= crypto::kMaxSrtpPackets;
}

// `VALUE:LENGTH`: a decimal number, sent as LENGTH octets in network order.
bool parse_mki(std::string_view text, KeyMaterial& material) {
  const auto colon = text.find(':');
  std::uint64_t value = 0, length = 0;
  if (!parse_number(text.substr(0, colon), value) || !parse_number(text.substr(colon + 1), length))
    return false;
  if (length == 0 || length > crypto::kMaxMkiLength) return false;
  if (length < 8 && value >> (8 * length) != 0) return false;
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t from_right = length - 1 - i;
    material.mki[i] = from_right < 8 ? static_cast<std::uint8_t>(value >> (8 * from_right)) : std::uint8_t{0};
  }
  material.mki_length = static_cast<std::uint8_t>(length);
  return true;
}

// What follows the key in SDES: a lifetime, an MKI, or both in this order.
bool parse_parameters(std::string_view text, KeyMaterial& material) {
  for (int field = 0; !text.empty(); ++field) {
    const auto bar = text.find('|');
    const std::string_view parameter = text.substr(0, bar);
    text = bar == std::string_view::npos ? std::string_view{} : text.substr(bar + 1);
    if (bar != std::string_view::npos && text.empty()) return false;
    const bool is_mki = parameter.find(':') != std::string_view::npos;
    if (is_mki && material.mki_length == 0) {
      if (!parse_mki(parameter, material)) return false;
      continue;
    }
    std::uint64_t packets = 0;
    if (is_mki || field != 0 || !parse_lifetime(parameter, packets)) return false;
    material.lifetime = packets;
  }
  return true;
}

}  // namespace

Result<KeyMaterial> parse_key(std::string_view text, crypto::SuiteId id) {
  constexpr std::string_view kInline = "inline:";
  const crypto::Suite& suite = crypto::suite(id);
  KeyMaterial material;
  if (text.starts_with(kInline)) {
    text.remove_prefix(kInline.size());
    const auto bar = text.find('|');
    if (bar != std::string_view::npos &&
        (bar + 1 == text.size() || !parse_parameters(text.substr(bar + 1), material)))
      return fail(ErrorClass::malformed, "after the key: [|LIFETIME][|MKI:LENGTH] is expected");
    text = text.substr(0, bar);
  }
  KeyAndSalt octets;
  if (!decode(text, octets)) return fail(ErrorClass::malformed, "is not base64 of a key and its salt");
  if (octets.size() != static_cast<std::size_t>(suite.key_length) + suite.salt_length)
    return fail(ErrorClass::malformed, std::string(suite.name) + " needs a key of " +
                                           std::to_string(suite.key_length) + " and a salt of " +
                                           std::to_string(suite.salt_length) + " octets");
  material.key = Secret<crypto::kMaxMasterKeyLength>(octets.view().first(suite.key_length));
  material.salt = Secret<crypto::kMaxMasterSaltLength>(octets.view().subspan(suite.key_length));
  return material;
}

}  // namespace sallyport::control
