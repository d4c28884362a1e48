// SPDX-License-Identifier: GPL-3.0-or-later
// The SRTP protection suites: one table from which names, key sizes, tags and limits derive.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::crypto {

enum class SuiteId : std::uint8_t {
  aes_cm_128_hmac_sha1_80,
  aes_cm_128_hmac_sha1_32,
  aes_192_cm_hmac_sha1_80,
  aes_192_cm_hmac_sha1_32,
  aes_256_cm_hmac_sha1_80,
  aes_256_cm_hmac_sha1_32,
  aead_aes_128_gcm,
  aead_aes_256_gcm,
};

enum class CipherMode : std::uint8_t { counter, gcm };

/// Sizes in octets. `name` is the one registered for SDES (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14).
struct Suite {
  SuiteId id;
  std::string_view name;
  CipherMode mode;
  std::uint8_t key_length;
  std::uint8_t salt_length;
  std::uint8_t srtp_tag_length;
  std::uint8_t srtcp_tag_length;  ///< 10 for the _32 suites too: RFC 4568 §6.2.2
};

inline constexpr std::array<Suite, 8> kSuites = {{
    {SuiteId::aes_cm_128_hmac_sha1_80, "AES_CM_128_HMAC_SHA1_80", CipherMode::counter, 16, 14, 10, 10},
    {SuiteId::aes_cm_128_hmac_sha1_32, "AES_CM_128_HMAC_SHA1_32", CipherMode::counter, 16, 14, 4, 10},
    {SuiteId::aes_192_cm_hmac_sha1_80, "AES_192_CM_HMAC_SHA1_80", CipherMode::counter, 24, 14, 10, 10},
    {SuiteId::aes_192_cm_hmac_sha1_32, "AES_192_CM_HMAC_SHA1_32", CipherMode::counter, 24, 14, 4, 10},
    {SuiteId::aes_256_cm_hmac_sha1_80, "AES_256_CM_HMAC_SHA1_80", CipherMode::counter, 32, 14, 10, 10},
    {SuiteId::aes_256_cm_hmac_sha1_32, "AES_256_CM_HMAC_SHA1_32", CipherMode::counter, 32, 14, 4, 10},
    {SuiteId::aead_aes_128_gcm, "AEAD_AES_128_GCM", CipherMode::gcm, 16, 12, 16, 16},
    {SuiteId::aead_aes_256_gcm, "AEAD_AES_256_GCM", CipherMode::gcm, 32, 12, 16, 16},
}};

[[nodiscard]] constexpr const Suite& suite(SuiteId id) {
  return kSuites[static_cast<std::size_t>(id)];
}

/// Exact match of the registered name, or nothing.
[[nodiscard]] constexpr std::optional<SuiteId> suite_by_name(std::string_view name) {
  for (const Suite& entry : kSuites)
    if (entry.name == name) return entry.id;
  return std::nullopt;
}

constexpr bool suites_stand_at_their_ids() {
  for (std::size_t i = 0; i < kSuites.size(); ++i)
    if (static_cast<std::size_t>(kSuites[i].id) != i) return false;
  return true;
}
static_assert(suites_stand_at_their_ids());

}  // namespace sallyport::crypto
