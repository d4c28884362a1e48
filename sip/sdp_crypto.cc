// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing a=crypto. No fault quotes what was read: the text is the secret.
#include "sip/sdp_crypto.h"

#include <algorithm>
#include <bit>
#include <span>

#include "base/base64.h"
#include "sip/sdp_words.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kMaxKeyAndSalt = crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength;
constexpr unsigned kMaxLifetimeExponent = 48;
constexpr std::uint32_t kMaxMkiOctets = 128;  // RFC 4568 §6.1
constexpr std::uint32_t kMinWindow = 64;      // RFC 3711 §3.3.2

using Fault = std::optional<CryptoFault>;

/// A decimal number without leading zeros: RFC 4568 forbids them for every number it has.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return whole_number(digits);
}

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return text::is(c, text::kAlpha | text::kDigit) || c == '_';
  });
}

bool is_printing(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

Fault read_key(std::string_view base64, const crypto::Suite& suite, crypto::KeyMaterial& key) {
  const std::size_t length = std::size_t{suite.key_length} + suite.salt_length;
  std::array<std::uint8_t, kMaxKeyAndSalt> octets{};
  const auto count = decode_base64(base64, octets);
  if (count == length) {
    key.key = Secret<crypto::kMaxMasterKeyLength>(std::span(octets).first(suite.key_length));
    key.salt =
        Secret<crypto::kMaxMasterSaltLength>(std::span(octets).subspan(suite.key_length, suite.salt_length));
  }
  wipe(octets.data(), octets.size());
  return count == length ? Fault() : CryptoFault::invalid_key;
}

// ["2^"] 1*DIGIT
Fault read_lifetime(std::string_view text, crypto::KeyMaterial& key) {
  const bool is_power = text.starts_with("2^");
  const auto value = number(is_power ? text.substr(2) : text);
  if (!value || (is_power && *value > kMaxLifetimeExponent)) return CryptoFault::invalid_lifetime;
  const std::uint64_t packets = is_power ? std::uint64_t{1} << *value : *value;
  if (packets == 0 || packets > crypto::kMaxSrtpPackets) return CryptoFault::invalid_lifetime;
  key.lifetime = packets;
  return {};
}

// 1*DIGIT ":" 1*3DIGIT: a number, sent as so many octets in network order.
Fault read_mki(std::string_view text, crypto::KeyMaterial& key) {
  const auto colon = text.find(':');
  const auto length = number(text.substr(colon + 1));
  const std::string_view digits = text.substr(0, colon);
  if (!length || *length == 0 || *length > kMaxMkiOctets || !text::all(digits, text::kDigit) ||
      digits.empty() || (digits.size() > 1 && digits.front() == '0'))
    return CryptoFault::invalid_mki;
  if (*length > crypto::kMaxMkiLength) return CryptoFault::long_mki;
  // Digit by digit, as an MKI of 16 octets is more than an integer holds.
  std::array<std::uint8_t, crypto::kMaxMkiLength> octets{};
  for (const char digit : digits) {
    unsigned carry = static_cast<unsigned>(digit - '0');
    for (std::size_t i = 0; i < *length; ++i) {
      std::uint8_t& octet = octets[*length - 1 - i];
      carry += octet * 10U;
      octet = static_cast<std::uint8_t>(carry);
      carry >>= 8U;
    }
    if (carry != 0) return CryptoFault::invalid_mki;
  }
  key.mki = octets;
  key.mki_length = static_cast<std::uint8_t>(*length);
  return {};
}

// key-salt ["|" lifetime] ["|" mki]
Fault read_key_info(std::string_view info, const crypto::Suite& suite, crypto::KeyMaterial& key) {
  const auto bar = info.find('|');
  if (const Fault fault = read_key(info.substr(0, bar), suite, key)) return fault;
  if (bar == std::string_view::npos) return {};
  std::string_view rest = info.substr(bar + 1);
  const auto second = rest.find('|');
  const std::string_view first_field = rest.substr(0, second);
  const bool first_is_mki = first_field.find(':') != std::string_view::npos;
  if (second == std::string_view::npos)
    return first_is_mki ? read_mki(first_field, key) : read_lifetime(first_field, key);
  if (first_is_mki) return CryptoFault::invalid_grammar;
  if (const Fault fault = read_lifetime(first_field, key)) return fault;
  const std::string_view second_field = rest.substr(second + 1);
  return second_field.find(':') == std::string_view::npos ? CryptoFault::invalid_mki
                                                          : read_mki(second_field, key);
}

/// Of several keys every one must be right for the attribute to be more than invalid (RFC 4568 §6.1).
Fault read_keys(std::string_view parameters, const crypto::Suite& suite, crypto::KeyMaterial& key) {
  std::vector<crypto::KeyMaterial> keys;
  while (true) {
    const auto semicolon = parameters.find(';');
    const std::string_view parameter = parameters.substr(0, semicolon);
    const auto colon = parameter.find(':');
    if (colon == std::string_view::npos || !is_name(parameter.substr(0, colon)))
      return CryptoFault::invalid_grammar;
    if (parameter.substr(0, colon) != "inline") return CryptoFault::unknown_key_method;
    if (const Fault fault = read_key_info(parameter.substr(colon + 1), suite, keys.emplace_back()))
      return fault;
    if (semicolon == std::string_view::npos) break;
    parameters.remove_prefix(semicolon + 1);
  }
  for (std::size_t i = 0; keys.size() > 1 && i < keys.size(); ++i) {
    if (keys[i].mki_length == 0 || keys[i].mki_length != keys[0].mki_length) return CryptoFault::invalid_mki;
    if (i > 0 && keys[i].mki == keys[i - 1].mki) return CryptoFault::invalid_mki;
  }
  if (keys.size() > 1) return CryptoFault::several_keys;
  key = std::move(keys.front());
  return {};
}

// RFC 4568 §6.3. A fault of grammar outweighs what is merely not served.
Fault read_parameter(std::string_view parameter, CryptoAttribute& attribute) {
  if (parameter == "UNENCRYPTED_SRTCP") {
    attribute.unencrypted_srtcp = true;
    return {};
  }
  if (parameter == "UNENCRYPTED_SRTP") return CryptoFault::unencrypted_srtp;
  if (parameter == "UNAUTHENTICATED_SRTP") return CryptoFault::unauthenticated_srtp;
  if (parameter == "FEC_ORDER=FEC_SRTP" || parameter == "FEC_ORDER=SRTP_FEC" ||
      parameter.starts_with("FEC_KEY="))
    return CryptoFault::forward_error_correction;
  if (parameter.starts_with("KDR=")) {
    const auto rate = number(parameter.substr(4));
    if (!rate || *rate > 24) return CryptoFault::invalid_parameter;
    return *rate == 0 ? Fault() : CryptoFault::key_derivation_rate;
  }
  if (parameter.starts_with("WSH=")) {
    // Only a hint: our windows are the configuration's.
    const auto window = number(parameter.substr(4));
    return window && *window >= kMinWindow ? Fault() : CryptoFault::invalid_parameter;
  }
  return parameter.front() == '-' && is_printing(parameter) ? Fault() : CryptoFault::invalid_parameter;
}

Fault read_parameters(std::string_view rest, CryptoAttribute& attribute) {
  Fault worst;
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
    const Fault fault = read_parameter(word, attribute);
    if (fault && (!worst || is_invalid(*fault))) worst = fault;
  }
  return worst;
}

void append_mki(std::string& text, const crypto::KeyMaterial& key) {
  // To decimal by dividing the octets by ten, again and again.
  std::array<std::uint8_t, crypto::kMaxMkiLength> octets = key.mki;
  std::string digits;
  bool more = true;
  while (more) {
    unsigned remainder = 0;
    more = false;
    for (std::size_t i = 0; i < key.mki_length; ++i) {
      remainder = (remainder << 8U) | octets[i];
      octets[i] = static_cast<std::uint8_t>(remainder / 10);
      remainder %= 10;
      more = more || octets[i] != 0;
    }
    digits += static_cast<char>('0' + remainder);
  }
  text.append(1, '|').append(digits.rbegin(), digits.rend());
  text.append(1, ':').append(std::to_string(key.mki_length));
}

}  // namespace

tl::expected<CryptoAttribute, CryptoFault> parse_crypto(std::string_view argument) {
  CryptoAttribute attribute;
  const std::string_view whole = argument;
  const std::string_view tag = next_word(argument), suite_name = next_word(argument),
                         keys = next_word(argument);
  if (whole.empty() || text::is_space(whole.front()) || keys.empty() || !is_name(suite_name) ||
      !is_printing(keys))
    return tl::unexpected(CryptoFault::invalid_grammar);
  const auto tag_number = number(tag);
  if (!tag_number || tag.size() > 9) return tl::unexpected(CryptoFault::invalid_tag);
  attribute.tag = static_cast<std::uint32_t>(*tag_number);
  const auto suite = crypto::suite_by_name(suite_name);
  if (!suite) return tl::unexpected(CryptoFault::unknown_suite);
  attribute.suite = *suite;
  Fault fault = read_keys(keys, crypto::suite(*suite), attribute.key);
  if (fault && is_invalid(*fault)) return tl::unexpected(*fault);
  const Fault parameters = read_parameters(argument, attribute);
  if (parameters && (!fault || is_invalid(*parameters))) fault = parameters;
  if (fault) return tl::unexpected(*fault);
  return attribute;
}

void append_crypto(std::string& text, const CryptoAttribute& attribute) {
  std::array<std::uint8_t, kMaxKeyAndSalt> octets{};
  const auto key = attribute.key.key.view(), salt = attribute.key.salt.view();
  std::ranges::copy(key, octets.begin());
  std::ranges::copy(salt, octets.begin() + static_cast<std::ptrdiff_t>(key.size()));
  text.append("a=crypto:").append(std::to_string(attribute.tag)).append(1, ' ');
  text.append(crypto::suite(attribute.suite).name).append(" inline:");
  append_base64(text, std::span(octets).first(key.size() + salt.size()), true);
  wipe(octets.data(), octets.size());
  if (const auto packets = attribute.key.lifetime) {
    text.append(1, '|');
    if (std::has_single_bit(*packets))
      text.append("2^").append(std::to_string(std::countr_zero(*packets)));
    else
      text.append(std::to_string(*packets));
  }
  if (attribute.key.mki_length != 0) append_mki(text, attribute.key);
  if (attribute.unencrypted_srtcp) text.append(" UNENCRYPTED_SRTCP");
  text.append("\r\n");
}

std::optional<CryptoFault> check(const CryptoAttribute& attribute, const CryptoPolicy& policy) {
  if (std::ranges::find(policy.suites, attribute.suite) == policy.suites.end())
    return CryptoFault::suite_not_allowed;
  if (attribute.unencrypted_srtcp && !policy.unencrypted_srtcp) return CryptoFault::unencrypted_srtcp;
  return std::nullopt;
}

}  // namespace sallyport::sip
