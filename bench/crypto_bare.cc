// SPDX-License-Identifier: GPL-3.0-or-later
// The bare loop: IPsec-MB alone on the packets that the SRTP benches use.
#include "bench/crypto_bare.h"

#include <random>

#include "crypto/key_derivation.h"

namespace sallyport::bench {

BareLoop::BareLoop(crypto::SuiteId suite, std::size_t payload, const std::vector<std::uint8_t*>& packets)
    : suite_(crypto::suite(suite)),
      payload_(payload),
      packets_(packets),
      manager_(std::move(crypto::make_imb_manager().value())),
      keys_(kStreams) {
  std::mt19937_64 random(1);
  for (Keys& keys : keys_) {
    std::array<std::uint8_t, 32> key;
    for (auto& octet : key) octet = static_cast<std::uint8_t>(random());
    if (suite_.mode == crypto::CipherMode::gcm) {
      if (suite_.key_length == 16)
        IMB_AES128_GCM_PRE(manager_.get(), key.data(), &keys.gcm);
      else
        IMB_AES256_GCM_PRE(manager_.get(), key.data(), &keys.gcm);
    } else {
      crypto::expand_aes_key(*manager_, {key.data(), suite_.key_length}, keys.expanded.data());
    }
    for (auto& octet : keys.inner) octet = static_cast<std::uint8_t>(random());
    for (auto& octet : keys.outer) octet = static_cast<std::uint8_t>(random());
  }
  prepare_jobs(payload);
}

void BareLoop::prepare_jobs(std::size_t payload) {
  for (std::size_t i = 0; i < kBurst; ++i) {
    IMB_JOB& hash = hash_jobs_[i];
    hash.hash_alg = IMB_AUTH_HMAC_SHA_1;
    hash.cipher_mode = IMB_CIPHER_NULL;
    hash.src = packets_[i];
    hash.msg_len_to_hash_in_bytes = kHeaderLength + payload + 4;
    hash.u.HMAC._hashed_auth_key_xor_ipad = keys_[i % kStreams].inner.data();
    hash.u.HMAC._hashed_auth_key_xor_opad = keys_[i % kStreams].outer.data();
    hash.auth_tag_output = tags_[i].data();
    hash.auth_tag_output_len_in_bytes = 12;

    IMB_JOB& cipher = cipher_jobs_[i];
    cipher.cipher_mode = IMB_CIPHER_CNTR;
    cipher.cipher_direction = IMB_DIR_ENCRYPT;
    cipher.hash_alg = IMB_AUTH_NULL;
    cipher.enc_keys = keys_[i % kStreams].expanded.data();
    cipher.key_len_in_bytes = suite_.key_length;
    cipher.src = packets_[i] + kHeaderLength;
    cipher.dst = packets_[i] + kHeaderLength;
    cipher.msg_len_to_cipher_in_bytes = payload;
    cipher.iv = ivs_[i].data();
    cipher.iv_len_in_bytes = 16;
  }
}

void BareLoop::cipher_burst() {
  IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager_.get(), cipher_jobs_.data(), kBurst, IMB_CIPHER_CNTR,
                                  IMB_DIR_ENCRYPT, static_cast<IMB_KEY_SIZE_BYTES>(suite_.key_length));
}

void BareLoop::hash_burst() {
  IMB_SUBMIT_HASH_BURST_NOCHECK(manager_.get(), hash_jobs_.data(), kBurst, IMB_AUTH_HMAC_SHA_1);
}

void BareLoop::protect() {
  if (suite_.mode == crypto::CipherMode::counter) {
    cipher_burst();
    hash_burst();
    return;
  }
  const auto run = suite_.key_length == 16 ? manager_->gcm128_enc : manager_->gcm256_enc;
  for (std::size_t i = 0; i < kBurst; ++i) {
    std::uint8_t* payload = packets_[i] + kHeaderLength;
    run(&keys_[i % kStreams].gcm, &scratch_, payload, payload, payload_, ivs_[i].data(), packets_[i],
        kHeaderLength, payload + payload_, 16);
  }
}

void BareLoop::unprotect() {
  if (suite_.mode == crypto::CipherMode::counter) {
    hash_burst();
    cipher_burst();
    return;
  }
  const auto run = suite_.key_length == 16 ? manager_->gcm128_dec : manager_->gcm256_dec;
  for (std::size_t i = 0; i < kBurst; ++i) {
    std::uint8_t* payload = packets_[i] + kHeaderLength;
    run(&keys_[i % kStreams].gcm, &scratch_, payload, payload, payload_, ivs_[i].data(), packets_[i],
        kHeaderLength, tags_[i].data(), 16);
  }
}

}  // namespace sallyport::bench
