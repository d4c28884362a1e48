// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing among ZRTP's algorithms, and OpenSSL's opinion on public values.
#include "keying/zrtp_algorithms.h"

#include <algorithm>
#include <memory>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "keying/openssl_handles.h"

namespace sallyport::keying {

namespace {

constexpr std::size_t kMostCodes = 7;
constexpr std::size_t kDh3kLength = 384;
constexpr std::size_t kLongestCurveKey = 56;  // X448's

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

ZrtpCode code_of(ZrtpAlgorithm algorithm) {
  ZrtpCode code{' ', ' ', ' ', ' '};
  std::ranges::copy(info(algorithm).name, code.begin());
  return code;
}

bool is_sound_dh3k(std::span<const std::uint8_t> value) {
  if (value.size() != kDh3kLength) return false;
  static const Number prime(BN_get_rfc3526_prime_3072(nullptr));
  const Number number(BN_bin2bn(value.data(), static_cast<int>(value.size()), nullptr));
  const Number highest(BN_dup(prime.get()));
  if (!prime || !number || !highest || BN_sub_word(highest.get(), 1) != 1) return false;
  return !BN_is_zero(number.get()) && !BN_is_one(number.get()) && BN_cmp(number.get(), highest.get()) < 0;
}

struct FreeDerivation {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

/// OpenSSL refuses to derive zero, which is what a point of small order gives with every private key.
bool is_sound_on_curve(int curve, std::size_t length, std::span<const std::uint8_t> value) {
  if (value.size() != length) return false;
  std::array<std::uint8_t, kLongestCurveKey> any{};
  any.fill(0x55);
  const OpenSslHandle<evp_pkey_st> ours(EVP_PKEY_new_raw_private_key(curve, nullptr, any.data(), length));
  const OpenSslHandle<evp_pkey_st> theirs(
      EVP_PKEY_new_raw_public_key(curve, nullptr, value.data(), value.size()));
  if (!ours || !theirs) return false;
  const std::unique_ptr<EVP_PKEY_CTX, FreeDerivation> context(EVP_PKEY_CTX_new(ours.get(), nullptr));
  std::array<std::uint8_t, kLongestCurveKey> secret{};
  std::size_t secret_length = secret.size();
  return context && EVP_PKEY_derive_init(context.get()) == 1 &&
         EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
         EVP_PKEY_derive(context.get(), secret.data(), &secret_length) == 1;
}

}  // namespace

std::optional<ZrtpAlgorithm> zrtp_algorithm(std::string_view name) {
  const auto* found = std::ranges::find(kZrtpAlgorithms, name, &ZrtpAlgorithmInfo::name);
  return found == kZrtpAlgorithms.end() ? std::nullopt : std::optional(found->algorithm);
}

std::optional<ZrtpAlgorithm> zrtp_algorithm(ZrtpKind kind, const ZrtpCode& code) {
  for (const ZrtpAlgorithmInfo& known : kZrtpAlgorithms)
    if (known.kind == kind && code_of(known.algorithm) == code) return known.algorithm;
  return std::nullopt;
}

std::vector<ZrtpAlgorithm> ZrtpPolicy::of(ZrtpKind kind) const {
  std::vector<ZrtpAlgorithm> chosen;
  for (const ZrtpAlgorithm algorithm : algorithms)
    if (info(algorithm).kind == kind) chosen.push_back(algorithm);
  return chosen;
}

bool ZrtpPolicy::allows(ZrtpAlgorithm algorithm) const {
  return std::ranges::find(algorithms, algorithm) != algorithms.end();
}

std::optional<ZrtpAlgorithms> algorithms_of(const ZrtpCommit& commit) {
  const auto hash = zrtp_algorithm(ZrtpKind::hash, commit.hash);
  const auto cipher = zrtp_algorithm(ZrtpKind::cipher, commit.cipher);
  const auto tag = zrtp_algorithm(ZrtpKind::tag, commit.tag);
  const auto agreement = zrtp_algorithm(ZrtpKind::agreement, commit.agreement);
  const auto rendering = zrtp_algorithm(ZrtpKind::rendering, commit.rendering);
  if (!hash || !cipher || !tag || !agreement || !rendering) return std::nullopt;
  return ZrtpAlgorithms{*hash, *cipher, *tag, *agreement, *rendering};
}

crypto::SuiteId suite_of(const ZrtpAlgorithms& algorithms) {
  const bool is_short = algorithms.tag == ZrtpAlgorithm::hs32;
  if (algorithms.cipher == ZrtpAlgorithm::aes3)
    return is_short ? crypto::SuiteId::aes_256_cm_hmac_sha1_32 : crypto::SuiteId::aes_256_cm_hmac_sha1_80;
  return is_short ? crypto::SuiteId::aes_cm_128_hmac_sha1_32 : crypto::SuiteId::aes_cm_128_hmac_sha1_80;
}

std::optional<ZrtpAlgorithm> agree(std::span<const ZrtpAlgorithm> ours, std::span<const ZrtpCode> theirs) {
  std::vector<ZrtpAlgorithm> known;
  for (const ZrtpCode& code : theirs)
    if (const auto algorithm = zrtp_algorithm(ZrtpKind::agreement, code)) known.push_back(*algorithm);
  if (std::ranges::find(known, ZrtpAlgorithm::dh3k) == known.end()) {
    if (theirs.size() >= kMostCodes) return std::nullopt;
    known.push_back(ZrtpAlgorithm::dh3k);
  }
  const auto our_first = std::ranges::find_first_of(ours, known);
  const auto their_first = std::ranges::find_first_of(known, ours);
  if (our_first == ours.end() || their_first == known.end()) return std::nullopt;
  return std::min(*our_first, *their_first);
}

bool is_sound_public_value(ZrtpAlgorithm agreement, std::span<const std::uint8_t> value) {
  if (agreement == ZrtpAlgorithm::dh3k) return is_sound_dh3k(value);
  if (agreement == ZrtpAlgorithm::x255) return is_sound_on_curve(EVP_PKEY_X25519, 32, value);
  if (agreement == ZrtpAlgorithm::x448) return is_sound_on_curve(EVP_PKEY_X448, 56, value);
  return false;
}

}  // namespace sallyport::keying
