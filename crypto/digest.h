// SPDX-License-Identifier: GPL-3.0-or-later
// Digest access authentication (RFC 7616, RFC 8760): HA1, the response to a challenge, hashed user names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/secret.h"

namespace sallyport::crypto {

enum class DigestAlgorithm : std::uint8_t { md5, sha_256, sha_512_256 };

inline constexpr std::size_t kMaxHashLength = 32;

struct DigestAlgorithmInfo {
  DigestAlgorithm id;
  std::string_view name;  ///< as registered: RFC 7616 §6.1
  std::uint8_t length;    ///< octets of a hash
  std::uint8_t strength;  ///< clients prefer the higher
};

inline constexpr std::array<DigestAlgorithmInfo, 3> kDigestAlgorithms = {{
    {DigestAlgorithm::md5, "MD5", 16, 0},
    {DigestAlgorithm::sha_256, "SHA-256", 32, 1},
    {DigestAlgorithm::sha_512_256, "SHA-512-256", 32, 2},
}};
inline constexpr std::size_t kDigestAlgorithmCount = kDigestAlgorithms.size();

[[nodiscard]] constexpr const DigestAlgorithmInfo& info(DigestAlgorithm algorithm) {
  return kDigestAlgorithms[static_cast<std::size_t>(algorithm)];
}

/// The algorithm of this name in any case. The -sess forms are not supported.
[[nodiscard]] std::optional<DigestAlgorithm> digest_algorithm_by_name(std::string_view name);

constexpr bool digest_algorithms_stand_at_their_ids() {
  for (std::size_t i = 0; i < kDigestAlgorithmCount; ++i)
    if (static_cast<std::size_t>(kDigestAlgorithms[i].id) != i) return false;
  return true;
}
static_assert(digest_algorithms_stand_at_their_ids());

/// RFC 7616 §3.3: what is protected. `none` is the form without qop (RFC 2069), for old servers only.
enum class Qop : std::uint8_t { none, auth, auth_int };
[[nodiscard]] constexpr std::string_view name(Qop qop) {
  return qop == Qop::auth ? "auth" : qop == Qop::auth_int ? "auth-int" : "";
}

/// H(user ":" realm ":" password): all that is stored of a password. Octets, not hexadecimal.
using Ha1 = Secret<kMaxHashLength>;

/// A hash as the lower-case hexadecimal digits that digest hashes and sends. Not a secret: it goes over the
/// wire.
class HexHash {
 public:
  explicit HexHash(std::span<const std::uint8_t> octets);
  [[nodiscard]] std::string_view text() const { return {digits_.data(), size_}; }

 private:
  std::array<char, 2 * kMaxHashLength> digits_{};
  std::size_t size_ = 0;
};

/// Octets of hexadecimal digits in either case; nothing if they are not exactly `out.size()` octets.
[[nodiscard]] bool parse_hex(std::string_view digits, std::span<std::uint8_t> out);

[[nodiscard]] Ha1 make_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                           std::string_view password);

/// RFC 7616 §3.4.4: what stands in place of a user name that is not to be shown.
[[nodiscard]] HexHash hash_user(DigestAlgorithm algorithm, std::string_view user, std::string_view realm);

/// What a response is computed of, beside HA1. `body` is the message's body, octets as sent; for auth-int.
struct DigestInput {
  std::string_view nonce;
  std::string_view method;
  std::string_view uri;
  Qop qop = Qop::auth;
  std::string_view nonce_count;  ///< eight hexadecimal digits as sent
  std::string_view cnonce;
  std::string_view body;
};

/// RFC 7616 §3.4.1. With an empty method it is the `rspauth` of Authentication-Info (§3.5).
[[nodiscard]] HexHash digest_response(DigestAlgorithm algorithm, const Ha1& ha1, const DigestInput& input);

/// Whether `response` (as received) is what it should be, in time that does not tell where it differs.
[[nodiscard]] bool digest_matches(const HexHash& expected, std::string_view response);

}  // namespace sallyport::crypto
