// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. SRTP key derivation with a rate of zero: RFC 3711 §4.3, RFC 6188 §3 for longer keys, RFC 7714 §11
// for GCM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <intel-ipsec-mb.h>

#include "base/secret.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

/// RFC 3711 §4.3.1 and §4.3.2.
enum class KeyLabel : std::uint8_t {
  srtp_encryption = 0,
  srtp_authentication = 1,
  srtp_salt = 2,
  srtcp_encryption = 3,
  srtcp_authentication = 4,
  srtcp_salt = 5,
};

inline constexpr std::size_t kAuthenticationKeyLength = 20;  ///< RFC 3711 §8.2: n_a is 160 bits
inline constexpr std::size_t kMaxExpandedKeyLength = 15 * 16;

/// Octets of an expanded AES encryption key: one round key more than rounds.
[[nodiscard]] constexpr std::size_t expanded_key_length(std::size_t key_length) {
  return (key_length / 4 + 7) * 16;
}

/// Expands an AES key of 16, 24 or 32 octets for encryption into expanded_key_length() octets.
void expand_aes_key(IMB_MGR& manager, std::span<const std::uint8_t> key, std::uint8_t* expanded);

/// The SHA-1 states after one block of key XOR pad (RFC 2104), with which every packet's HMAC begins: 20
/// octets each. The key has at most 64 octets.
void prepare_hmac_key(IMB_MGR& manager, std::span<const std::uint8_t> key, std::uint8_t* inner,
                      std::uint8_t* outer);

/// AES in counter mode over zeros: the pseudo-random function of RFC 3711 §4.3.3 and RFC 6188 §3.
class KeyDerivation {
 public:
  /// The key has 16, 24 or 32 octets; the salt 14, or 12 which zeros follow (RFC 7714 §11).
  KeyDerivation(IMB_MGR& manager, std::span<const std::uint8_t> master_key,
                std::span<const std::uint8_t> master_salt);
  KeyDerivation(const KeyDerivation&) = delete;
  KeyDerivation& operator=(const KeyDerivation&) = delete;
  ~KeyDerivation();

  /// The first `out.size()` octets of the session key that `label` names.
  void derive(KeyLabel label, std::span<std::uint8_t> out) const;

 private:
  IMB_MGR& manager_;
  IMB_KEY_SIZE_BYTES key_size_;
  alignas(16) std::uint8_t expanded_[kMaxExpandedKeyLength];
  std::uint8_t salt_[kMaxMasterSaltLength] = {};
};

}  // namespace sallyport::crypto
