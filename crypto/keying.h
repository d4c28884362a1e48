// SPDX-License-Identifier: GPL-3.0-or-later
// Keying: the master keys of both directions of a leg, as signalling negotiates them and a relay takes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/secret.h"
#include "crypto/equal.h"
#include "crypto/srtp.h"
#include "crypto/suite.h"

namespace sallyport::crypto {

/// Master key and salt of one direction, with what SDES may say beside them.
struct KeyMaterial {
  Secret<kMaxMasterKeyLength> key;
  Secret<kMaxMasterSaltLength> salt;
  std::array<std::uint8_t, kMaxMkiLength> mki{};
  std::uint8_t mki_length = 0;
  std::optional<std::uint64_t> lifetime;  ///< packets, of SRTP and of SRTCP

  [[nodiscard]] KeyMaterial duplicate() const {
    return {key.duplicate(), salt.duplicate(), mki, mki_length, lifetime};
  }
};

/// Whether both hold the same master key, whatever their salts: what RFC 3711 §9.1 forbids two streams to do.
[[nodiscard]] inline bool same_master_key(const KeyMaterial& left, const KeyMaterial& right) {
  return left.key.size() == right.key.size() &&
         equal(left.key.view().data(), right.key.view().data(), left.key.size());
}

/// SRTP on a leg: one key for what we send, another for what the peer sends.
struct Keying {
  SuiteId suite = SuiteId::aes_cm_128_hmac_sha1_80;
  KeyMaterial send;
  KeyMaterial receive;
  bool unencrypted_srtcp = false;

  [[nodiscard]] Keying duplicate() const {
    return {suite, send.duplicate(), receive.duplicate(), unencrypted_srtcp};
  }
};

}  // namespace sallyport::crypto
