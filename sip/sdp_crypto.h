// SPDX-License-Identifier: GPL-3.0-or-later
// Security descriptions (RFC 4568; suites of RFC 6188 and 7714 too): the a=crypto attribute, read whole, and
// what of it we cannot serve.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keying.h"
#include "crypto/suite.h"

namespace sallyport::sip {

/// Why a crypto attribute is not used. `invalid_…` break RFC 4568 and count as absent; the others are well
/// formed but not for us. Either way the next attribute is looked at.
enum class CryptoFault : std::uint8_t {
  invalid_grammar,
  invalid_tag,
  invalid_repeated_tag,
  invalid_key,
  invalid_lifetime,
  invalid_mki,
  invalid_parameter,
  unknown_suite,
  unknown_key_method,
  several_keys,
  long_mki,
  key_derivation_rate,
  unencrypted_srtp,
  unencrypted_srtcp,
  unauthenticated_srtp,
  forward_error_correction,
  suite_not_allowed,
};

struct CryptoFaultInfo {
  CryptoFault fault;
  std::string_view text;  ///< for a person: never quotes the attribute
};

inline constexpr std::array kCryptoFaults = std::to_array<CryptoFaultInfo>({
    {CryptoFault::invalid_grammar, "malformed"},
    {CryptoFault::invalid_tag, "malformed tag"},
    {CryptoFault::invalid_repeated_tag, "a tag that another line has"},
    {CryptoFault::invalid_key, "a key that is not the suite's length in base64"},
    {CryptoFault::invalid_lifetime, "malformed or too long key lifetime"},
    {CryptoFault::invalid_mki, "malformed MKI"},
    {CryptoFault::invalid_parameter, "malformed or unknown session parameter"},
    {CryptoFault::unknown_suite, "unknown suite"},
    {CryptoFault::unknown_key_method, "unknown key method"},
    {CryptoFault::several_keys, "several master keys are not supported"},
    {CryptoFault::long_mki, "an MKI of more than 16 octets is not supported"},
    {CryptoFault::key_derivation_rate, "KDR: a key derivation rate is not supported"},
    {CryptoFault::unencrypted_srtp, "UNENCRYPTED_SRTP is not allowed"},
    {CryptoFault::unencrypted_srtcp, "UNENCRYPTED_SRTCP is not allowed"},
    {CryptoFault::unauthenticated_srtp, "UNAUTHENTICATED_SRTP is not allowed"},
    {CryptoFault::forward_error_correction, "FEC parameters are not supported"},
    {CryptoFault::suite_not_allowed, "the policy does not allow the suite"},
});

[[nodiscard]] constexpr std::string_view meaning(CryptoFault fault) {
  return kCryptoFaults[static_cast<std::size_t>(fault)].text;
}
[[nodiscard]] constexpr bool is_invalid(CryptoFault fault) {
  return fault <= CryptoFault::invalid_parameter;
}

constexpr bool crypto_faults_stand_at_their_values() {
  for (std::size_t i = 0; i < kCryptoFaults.size(); ++i)
    if (static_cast<std::size_t>(kCryptoFaults[i].fault) != i) return false;
  return kCryptoFaults.back().fault == CryptoFault::suite_not_allowed;
}
static_assert(crypto_faults_stand_at_their_values());

/// One a=crypto attribute that can be served: one master key, no parameters but UNENCRYPTED_SRTCP. Not
/// copyable: it holds a key.
struct CryptoAttribute {
  std::uint32_t tag = 1;
  crypto::SuiteId suite = crypto::SuiteId::aes_cm_128_hmac_sha1_80;
  crypto::KeyMaterial key;  ///< of what the writer of the description sends
  bool unencrypted_srtcp = false;

  [[nodiscard]] CryptoAttribute duplicate() const { return {tag, suite, key.duplicate(), unencrypted_srtcp}; }
};

/// Reads what follows `a=crypto:`.
[[nodiscard]] tl::expected<CryptoAttribute, CryptoFault> parse_crypto(std::string_view argument);

/// Appends `a=crypto:…` and the line's end. The text holds the key: it is for the wire only.
void append_crypto(std::string& text, const CryptoAttribute& attribute);

/// What a side accepts and offers.
struct CryptoPolicy {
  std::vector<crypto::SuiteId> suites;  ///< what is offered, and in which order; nothing else is accepted
  bool unencrypted_srtcp = false;       ///< accept it where the peer offers it; never offered
};

/// What policy says of an attribute; nothing if it may be used.
[[nodiscard]] std::optional<CryptoFault> check(const CryptoAttribute& attribute, const CryptoPolicy& policy);

}  // namespace sallyport::sip
