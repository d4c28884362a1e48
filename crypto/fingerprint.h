// SPDX-License-Identifier: GPL-3.0-or-later
// Fingerprints of certificates, as session descriptions carry them (RFC 8122 §5).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "crypto/equal.h"

namespace sallyport::crypto {

/// The hash functions that we trust, the stronger behind the weaker. SHA-1 and MD5 are none of them.
enum class HashFunction : std::uint8_t { sha_256, sha_384, sha_512 };

struct HashFunctionInfo {
  HashFunction id;
  std::string_view name;  ///< as in the IANA registry of hash function textual names
  std::uint8_t length;    ///< octets
};

inline constexpr std::array<HashFunctionInfo, 3> kHashFunctions = {{
    {HashFunction::sha_256, "sha-256", 32},
    {HashFunction::sha_384, "sha-384", 48},
    {HashFunction::sha_512, "sha-512", 64},
}};
inline constexpr std::size_t kHashFunctionCount = kHashFunctions.size();

[[nodiscard]] constexpr const HashFunctionInfo& info(HashFunction hash) {
  return kHashFunctions[static_cast<std::size_t>(hash)];
}

constexpr bool hash_functions_stand_at_their_ids() {
  for (std::size_t i = 0; i < kHashFunctionCount; ++i)
    if (static_cast<std::size_t>(kHashFunctions[i].id) != i) return false;
  return true;
}
static_assert(hash_functions_stand_at_their_ids());

/// A certificate's hash. No secret.
struct Fingerprint {
  static constexpr std::size_t kMaxLength = 64;

  HashFunction hash = HashFunction::sha_256;
  std::array<std::uint8_t, kMaxLength> octets{};  ///< the rest behind the hash is zero

  [[nodiscard]] std::span<const std::uint8_t> view() const { return {octets.data(), info(hash).length}; }
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// One certificate under every hash function, in their order.
using CertificateFingerprints = std::array<Fingerprint, kHashFunctionCount>;

/// RFC 8122 §5.1: of what was announced only the strongest hash function counts, and of its fingerprints one
/// must be the certificate's. Nothing announced matches nothing.
[[nodiscard]] inline bool is_announced(const CertificateFingerprints& certificate,
                                       std::span<const Fingerprint> announced) {
  const auto strongest = std::ranges::max_element(announced, {}, &Fingerprint::hash);
  if (strongest == announced.end()) return false;
  const Fingerprint& own = certificate[static_cast<std::size_t>(strongest->hash)];
  return std::ranges::any_of(announced, [&](const Fingerprint& one) {
    return one.hash == own.hash && equal(one.octets.data(), own.octets.data(), own.octets.size());
  });
}

}  // namespace sallyport::crypto
