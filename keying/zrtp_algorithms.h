// SPDX-License-Identifier: GPL-3.0-or-later
// The algorithms of ZRTP that we speak (RFC 6189 §5.1.2 to §5.1.6), in one table; which are liked best; which
// two lists of them agree on; and what a public value must not be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/suite.h"
#include "keying/zrtp_packet.h"

namespace sallyport::keying {

enum class ZrtpKind : std::uint8_t { hash, cipher, tag, agreement, rendering };
inline constexpr std::size_t kZrtpKindCount = 5;

/// Key agreements stand in the order of §5.1.5, the fastest first.
enum class ZrtpAlgorithm : std::uint8_t { s256, s384, aes1, aes3, hs32, hs80, x255, x448, dh3k, b32, b256 };

struct ZrtpAlgorithmInfo {
  ZrtpAlgorithm algorithm;
  ZrtpKind kind;
  bool is_mandatory;      ///< for everybody: always offered, whatever the policy
  std::string_view name;  ///< as RFC 6189 writes it; on the wire with spaces to four characters
  std::string_view meaning;
};

inline constexpr std::array kZrtpAlgorithms = std::to_array<ZrtpAlgorithmInfo>({
    {ZrtpAlgorithm::s256, ZrtpKind::hash, true, "S256", "SHA-256"},
    {ZrtpAlgorithm::s384, ZrtpKind::hash, false, "S384", "SHA-384"},
    {ZrtpAlgorithm::aes1, ZrtpKind::cipher, true, "AES1", "AES-128"},
    {ZrtpAlgorithm::aes3, ZrtpKind::cipher, false, "AES3", "AES-256"},
    {ZrtpAlgorithm::hs32, ZrtpKind::tag, true, "HS32", "HMAC-SHA1 with 32 bits"},
    {ZrtpAlgorithm::hs80, ZrtpKind::tag, true, "HS80", "HMAC-SHA1 with 80 bits"},
    {ZrtpAlgorithm::x255, ZrtpKind::agreement, false, "X255", "X25519, a type that bzrtp has added"},
    {ZrtpAlgorithm::x448, ZrtpKind::agreement, false, "X448", "X448, likewise"},
    {ZrtpAlgorithm::dh3k, ZrtpKind::agreement, true, "DH3k", "Diffie-Hellman, group 15 of RFC 3526"},
    {ZrtpAlgorithm::b32, ZrtpKind::rendering, true, "B32", "four characters"},
    {ZrtpAlgorithm::b256, ZrtpKind::rendering, false, "B256", "two words of the PGP word list"},
});

[[nodiscard]] constexpr const ZrtpAlgorithmInfo& info(ZrtpAlgorithm algorithm) {
  return kZrtpAlgorithms[static_cast<std::size_t>(algorithm)];
}

constexpr bool zrtp_algorithms_stand_at_their_values() {
  for (std::size_t i = 0; i < kZrtpAlgorithms.size(); ++i)
    if (static_cast<std::size_t>(kZrtpAlgorithms[i].algorithm) != i) return false;
  return kZrtpAlgorithms.back().algorithm == ZrtpAlgorithm::b256;
}
static_assert(zrtp_algorithms_stand_at_their_values());

[[nodiscard]] std::optional<ZrtpAlgorithm> zrtp_algorithm(std::string_view name);
[[nodiscard]] std::optional<ZrtpAlgorithm> zrtp_algorithm(ZrtpKind kind, const ZrtpCode& code);

/// Within each kind the dearest first. What is mandatory is offered even when it is not here, but an exchange
/// that comes to it is refused.
struct ZrtpPolicy {
  std::vector<ZrtpAlgorithm> algorithms = {ZrtpAlgorithm::x255, ZrtpAlgorithm::x448, ZrtpAlgorithm::dh3k,
                                           ZrtpAlgorithm::aes3, ZrtpAlgorithm::aes1, ZrtpAlgorithm::s256,
                                           ZrtpAlgorithm::s384, ZrtpAlgorithm::hs80, ZrtpAlgorithm::hs32,
                                           ZrtpAlgorithm::b32,  ZrtpAlgorithm::b256};

  [[nodiscard]] std::vector<ZrtpAlgorithm> of(ZrtpKind kind) const;
  [[nodiscard]] bool allows(ZrtpAlgorithm algorithm) const;
};

/// What two ends have come to.
struct ZrtpAlgorithms {
  ZrtpAlgorithm hash = ZrtpAlgorithm::s256;
  ZrtpAlgorithm cipher = ZrtpAlgorithm::aes1;
  ZrtpAlgorithm tag = ZrtpAlgorithm::hs80;
  ZrtpAlgorithm agreement = ZrtpAlgorithm::dh3k;
  ZrtpAlgorithm rendering = ZrtpAlgorithm::b32;

  [[nodiscard]] std::array<ZrtpAlgorithm, kZrtpKindCount> all() const {
    return {hash, cipher, tag, agreement, rendering};
  }
};

/// Of a Commit; nothing: it names something that we do not speak.
[[nodiscard]] std::optional<ZrtpAlgorithms> algorithms_of(const ZrtpCommit& commit);
/// The counter-mode suite of RFC 3711 and RFC 6188.
[[nodiscard]] crypto::SuiteId suite_of(const ZrtpAlgorithms& algorithms);

/// RFC 6189 §4.1.2: each end's first that the other has; of two, the faster. `ours` is not empty; everybody
/// has DH3k, said or not. Nothing: the peer's list leaves DH3k no place.
[[nodiscard]] std::optional<ZrtpAlgorithm> agree(std::span<const ZrtpAlgorithm> ours,
                                                 std::span<const ZrtpCode> theirs);

/// Whether it is as long as those of the key agreement and gives a secret that the peer cannot choose: RFC
/// 6189 §4.4.1.2 refuses 0, 1 and p - 1, RFC 7748 §6 what has a small order.
[[nodiscard]] bool is_sound_public_value(ZrtpAlgorithm agreement, std::span<const std::uint8_t> value);

}  // namespace sallyport::keying
