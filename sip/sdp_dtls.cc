// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing what descriptions say of DTLS.
#include "sip/sdp_dtls.h"

#include <algorithm>

#include "sip/sdp_words.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kMinTlsId = 20;
constexpr std::size_t kMaxTlsId = 255;

/// 2UHEX *(":" 2UHEX), of `octets` octets at most; their count, or nothing.
std::optional<std::size_t> read_octets(std::string_view text, std::span<std::uint8_t> octets) {
  if (text.size() % 3 != 2) return std::nullopt;
  const std::size_t count = (text.size() + 1) / 3;
  for (std::size_t i = 0; i < count; ++i) {
    const int high = hex_value(text[3 * i]);
    const int low = hex_value(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i > 0 && text[3 * i - 1] != ':')) return std::nullopt;
    if (i < octets.size()) octets[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return count;
}

bool same_name(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

bool is_token(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return text::is(c, text::kToken); });
}

/// The fingerprints of one level.
Result<bool> take_fingerprints(Sdp::Lines lines, DtlsDescription& description) {
  std::size_t seen = 0;
  for (const SdpLine line : lines) {
    if (line.type != 'a' || line.attribute != SdpAttribute::fingerprint) continue;
    if (++seen > DtlsDescription::kMaxFingerprints)
      return fail(ErrorClass::exhausted, "too many a=fingerprint lines");
    const auto fingerprint = parse_fingerprint(line.argument);
    if (fingerprint)
      description.fingerprints.push_back(*fingerprint);
    else if (fingerprint.error() == FingerprintFault::malformed)
      return fail(ErrorClass::malformed, "malformed a=fingerprint");
  }
  if (seen > 0 && description.fingerprints.empty())
    return fail(ErrorClass::unsupported, "no a=fingerprint has a hash function that is trusted");
  return seen > 0;
}

}  // namespace

std::optional<DtlsSetup> parse_setup(std::string_view argument) {
  argument = text::trim(argument);
  for (const DtlsSetup setup :
       {DtlsSetup::active, DtlsSetup::passive, DtlsSetup::actpass, DtlsSetup::holdconn})
    if (argument == name(setup)) return setup;
  return std::nullopt;
}

tl::expected<crypto::Fingerprint, FingerprintFault> parse_fingerprint(std::string_view argument) {
  const std::string_view hash = next_word(argument);
  const std::string_view digits = text::trim(argument);
  crypto::Fingerprint fingerprint;
  const auto count = read_octets(digits, fingerprint.octets);
  if (!is_token(hash) || !count) return tl::unexpected(FingerprintFault::malformed);
  for (const crypto::HashFunctionInfo& known : crypto::kHashFunctions) {
    if (!same_name(known.name, hash)) continue;
    if (*count != known.length) return tl::unexpected(FingerprintFault::malformed);
    fingerprint.hash = known.id;
    return fingerprint;
  }
  return tl::unexpected(FingerprintFault::unknown_hash);
}

void append_fingerprint(std::string& text, const crypto::Fingerprint& fingerprint) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  text += "a=fingerprint:";
  text += crypto::info(fingerprint.hash).name;
  char before = ' ';
  for (const std::uint8_t octet : fingerprint.view()) {
    text += {before, kDigits[octet >> 4U], kDigits[octet & 15U]};
    before = ':';
  }
  text += "\r\n";
}

std::optional<std::string_view> parse_tls_id(std::string_view argument) {
  const std::string_view id = text::trim(argument);
  const bool good =
      id.size() >= kMinTlsId && id.size() <= kMaxTlsId && std::ranges::all_of(id, [](char c) {
        return text::is(c, text::kAlpha | text::kDigit) || c == '+' || c == '/' || c == '-' || c == '_';
      });
  return good ? std::optional(id) : std::nullopt;
}

Result<DtlsDescription> dtls_description(const Sdp& sdp, std::size_t medium) {
  DtlsDescription description;
  auto any = take_fingerprints(sdp.media_lines(medium), description);
  if (any && !*any) any = take_fingerprints(sdp.session_lines(), description);
  if (!any) return tl::unexpected(any.error());
  if (const auto setup = sdp.attribute(medium, SdpAttribute::setup)) {
    description.setup = parse_setup(*setup);
    if (!description.setup) return fail(ErrorClass::malformed, "malformed a=setup");
  }
  if (const auto id = sdp.attribute(medium, SdpAttribute::tls_id)) {
    const auto parsed = parse_tls_id(*id);
    if (!parsed) return fail(ErrorClass::malformed, "malformed a=tls-id");
    description.tls_id = *parsed;
  }
  return description;
}

}  // namespace sallyport::sip
