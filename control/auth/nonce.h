// SPDX-License-Identifier: GPL-3.0-or-later
// Nonces of digest challenges: issued without state, known again by their code, and remembered only once a
// right answer has come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "control/config/limit_table.h"
#include "crypto/digest.h"
#include "crypto/hmac_sha256.h"

namespace sallyport::control {

inline constexpr std::size_t kNonceKeyLength = 32;
/// Random. Kept over restarts, it lets clients with nonces of the last run be told that those are merely old.
using NonceKey = Secret<kNonceKeyLength>;

/// Qualities of protection as a set of bits.
using QopSet = std::uint8_t;
[[nodiscard]] constexpr QopSet bit(crypto::Qop qop) {
  return qop == crypto::Qop::auth ? 1 : qop == crypto::Qop::auth_int ? 2 : 0;
}

/// What a challenge was for; all of it is under the nonce's code, and so is the realm.
struct NonceTerms {
  crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::sha_256;
  QopSet qops = bit(crypto::Qop::auth);
  std::uint32_t expires_s = 0;
};

/// A nonce that we issued.
struct Nonce {
  NonceTerms terms;
  std::uint32_t run = 0;
  std::uint64_t serial = 0;  ///< higher for later ones of the same run
  /// The half of the code that is not sent: where the nonce is remembered, which nobody else can tell.
  std::uint64_t place = 0;
};

/// Makes nonces and knows them again.
///
///      0        1            5             9           17              33
///     +--------+------------+-------------+-----------+---------------+
///     | terms  | run        | expires     | serial    | code          |   in base64
///     +--------+------------+-------------+-----------+---------------+
class NonceMint {
 public:
  /// `run` tells one run of the process from the others under the same key.
  NonceMint(const NonceKey& key, std::uint32_t run) : code_(key.view()), run_(run) {}

  [[nodiscard]] std::string issue(const NonceTerms& terms, std::string_view realm);
  /// Nothing if it is not ours or was for another realm.
  [[nodiscard]] std::optional<Nonce> read(std::string_view text, std::string_view realm) const;
  [[nodiscard]] bool is_old(const Nonce& nonce, std::uint64_t now_s) const {
    return nonce.run != run_ || now_s >= nonce.terms.expires_s;
  }

 private:
  crypto::HmacSha256 code_;
  std::uint32_t run_;
  std::uint64_t issued_ = 0;
};

/// Which nonce counts were used with which nonces: a table of fixed size. Where it is full, the oldest nonce
/// gives way and is then old: nothing can be replayed, its owner is only asked again.
class NonceTable {
 public:
  /// Room for about `limits[Limit::nonces]`. `limits` outlives the object and counts what gave way too early.
  explicit NonceTable(Limits& limits);

  enum class Use : std::uint8_t {
    first,     ///< this count was not used before
    replayed,  ///< it was, or is too far behind
    old,       ///< the nonce had to give way
  };
  /// Takes a count of a nonce whose answer was right. Counts may arrive out of order, up to kWindow behind
  /// the highest.
  [[nodiscard]] Use use(const Nonce& nonce, std::uint32_t count, std::uint64_t now_s);

  static constexpr std::uint32_t kWindow = 64;
  [[nodiscard]] std::size_t memory_bytes() const { return sets_.size() * sizeof(Set); }

 private:
  struct Entry {
    std::uint64_t serial = 0;  ///< 0: free
    std::uint64_t used = 0;    ///< bit n: the count `highest - n`
    std::uint32_t highest = 0;
    std::uint32_t expires_s = 0;
  };
  static constexpr std::size_t kWays = 5;
  struct alignas(128) Set {
    std::uint64_t floor = 0;  ///< the highest serial that gave way: what is not above it and not here is old
    Entry entries[kWays];
  };
  static_assert(sizeof(Set) == 128);

  [[nodiscard]] static Use advance(Entry& entry, std::uint32_t count);

  Limits& limits_;
  std::vector<Set> sets_;
};

}  // namespace sallyport::control
