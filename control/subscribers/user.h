// SPDX-License-Identifier: GPL-3.0-or-later
// User: a subscriber: who may register and call, and what proves it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "crypto/digest.h"

namespace sallyport::control {

/// No password: only what digest authentication needs of it, for each algorithm that the user may prove it
/// with.
struct User {
  std::string name;          ///< of the address and the credentials: `alice`, UTF-8 without escapes
  std::string domain;        ///< lower case
  std::string aor;           ///< of name and domain, see make_aor
  std::string realm;         ///< that the digests were made for
  std::string display_name;  ///< for people; may be empty
  bool enabled = true;
  std::uint32_t bindings_limit = 0;  ///< 0: that of [registrar]
  std::uint32_t calls_limit = 0;     ///< 0: that of [calls]
  /// Which are offered to this one, and in which order; empty: as the policy says.
  std::vector<crypto::DigestAlgorithm> algorithms;
  std::array<crypto::Ha1, crypto::kDigestAlgorithmCount> ha1;  ///< by algorithm; empty: not kept

  [[nodiscard]] bool has_digest(crypto::DigestAlgorithm algorithm) const {
    return !ha1[static_cast<std::size_t>(algorithm)].empty();
  }
};

/// The address-of-record as a key (sip::address_of_record): `sip:alice@example.com`.
[[nodiscard]] std::string make_aor(std::string_view name, std::string_view domain);

/// What may be the name of a user: 1 to 64 octets without white space, control characters, `@`, `:`, `"` and
/// `\`, which credentials cannot carry or clients get wrong.
[[nodiscard]] bool is_user_name(std::string_view name);

}  // namespace sallyport::control
