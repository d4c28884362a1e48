// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Derivation of session keys from a master key and salt.
#include "crypto/key_derivation.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace sallyport::crypto {

void expand_aes_key(IMB_MGR& manager, std::span<const std::uint8_t> key, std::uint8_t* expanded) {
  alignas(16) std::uint8_t decryption[kMaxExpandedKeyLength];
  switch (key.size()) {
    case 16:
      IMB_AES_KEYEXP_128(&manager, key.data(), expanded, decryption);
      break;
    case 24:
      IMB_AES_KEYEXP_192(&manager, key.data(), expanded, decryption);
      break;
    default:
      assert(key.size() == 32);
      IMB_AES_KEYEXP_256(&manager, key.data(), expanded, decryption);
  }
  wipe(decryption, sizeof decryption);
}

namespace {

void hash_pad(IMB_MGR& manager, std::span<const std::uint8_t> key, std::uint8_t pad, std::uint8_t* state) {
  std::array<std::uint8_t, IMB_SHA1_BLOCK_SIZE> block;
  assert(key.size() <= block.size());
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] = static_cast<std::uint8_t>(key[i] ^ pad);
  IMB_SHA1_ONE_BLOCK(&manager, block.data(), state);
  wipe(block.data(), block.size());
}

}  // namespace

void prepare_hmac_key(IMB_MGR& manager, std::span<const std::uint8_t> key, std::uint8_t* inner,
                      std::uint8_t* outer) {
  hash_pad(manager, key, 0x36, inner);
  hash_pad(manager, key, 0x5c, outer);
}

KeyDerivation::KeyDerivation(IMB_MGR& manager, std::span<const std::uint8_t> master_key,
                             std::span<const std::uint8_t> master_salt)
    : manager_(manager), key_size_(static_cast<IMB_KEY_SIZE_BYTES>(master_key.size())) {
  assert(master_salt.size() <= sizeof salt_);
  expand_aes_key(manager, master_key, expanded_);
  std::copy(master_salt.begin(), master_salt.end(), salt_);
}

KeyDerivation::~KeyDerivation() {
  wipe(expanded_, sizeof expanded_);
  wipe(salt_, sizeof salt_);
}

void KeyDerivation::derive(KeyLabel label, std::span<std::uint8_t> out) const {
  // x = key_id XOR master_salt, key_id = label || (index DIV 0 = 0) in 48 bits; the counter starts at x *
  // 2^16.
  constexpr std::size_t kLabelOctet = 7;
  alignas(16) std::uint8_t counter[16] = {};
  std::copy(std::begin(salt_), std::end(salt_), counter);
  counter[kLabelOctet] = static_cast<std::uint8_t>(counter[kLabelOctet] ^ static_cast<std::uint8_t>(label));

  std::fill(out.begin(), out.end(), std::uint8_t{0});
  IMB_JOB job{};
  job.cipher_mode = IMB_CIPHER_CNTR;
  job.cipher_direction = IMB_DIR_ENCRYPT;
  job.hash_alg = IMB_AUTH_NULL;
  job.enc_keys = expanded_;
  job.key_len_in_bytes = key_size_;
  job.iv = counter;
  job.iv_len_in_bytes = sizeof counter;
  job.src = out.data();
  job.dst = out.data();
  job.msg_len_to_cipher_in_bytes = out.size();
  [[maybe_unused]] const std::uint32_t done =
      IMB_SUBMIT_CIPHER_BURST_NOCHECK(&manager_, &job, 1, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, key_size_);
  assert(done == 1);
  wipe(counter, sizeof counter);
}

}  // namespace sallyport::crypto
