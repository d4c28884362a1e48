// SPDX-License-Identifier: GPL-3.0-or-later
// bzrtp decrypts a Confirm and copies as many octets of a signature as the plaintext says there are, up to
// 2 KB from behind its end. No caller sees that plaintext before. But the cipher is a function of another
// library, and a program's own function of that name comes before it: this file's, which leaves no signature.
//
//    H0, 32 octets | unused, 15 bits | length of the signature in words, 9 bits | flags | expiry, 4 octets
#include "keying/zrtp_confirm.h"

#include <cstdint>
#include <cstdlib>
#include <memory>

#include <bctoolbox/crypto.h>
#include <dlfcn.h>
#include <openssl/evp.h>

namespace sallyport::keying {

namespace {

constexpr std::size_t kSignatureLengthAt = 33;  // its highest bit; the others are in the next octet

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

void open_confirm(const EVP_CIPHER* cipher, const std::uint8_t* key, const std::uint8_t* iv,
                  const std::uint8_t* input, std::size_t length, std::uint8_t* output) {
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
  int written = 0;
  // Only a lack of memory makes these fail, which ends the process elsewhere too.
  if (!context || EVP_DecryptInit_ex(context.get(), cipher, nullptr, key, iv) != 1 ||
      EVP_DecryptUpdate(context.get(), output, &written, input, static_cast<int>(length)) != 1)
    std::abort();
  if (length < kSignatureLengthAt + 2) return;
  output[kSignatureLengthAt] &= 0xfe;
  output[kSignatureLengthAt + 1] = 0;
}

}  // namespace

bool confirms_are_guarded() {
  const auto is_ours = [](const char* name, auto* function) {
    return dlsym(RTLD_DEFAULT, name) == reinterpret_cast<void*>(function);
  };
  static const bool guarded = is_ours("bctbx_aes128CfbDecrypt", &bctbx_aes128CfbDecrypt) &&
                              is_ours("bctbx_aes256CfbDecrypt", &bctbx_aes256CfbDecrypt);
  return guarded;
}

}  // namespace sallyport::keying

extern "C" {

__attribute__((visibility("default"))) void bctbx_aes128CfbDecrypt(const std::uint8_t* key,
                                                                   const std::uint8_t* IV,
                                                                   const std::uint8_t* input,
                                                                   std::size_t inputLength,
                                                                   std::uint8_t* output) {
  sallyport::keying::open_confirm(EVP_aes_128_cfb128(), key, IV, input, inputLength, output);
}

__attribute__((visibility("default"))) void bctbx_aes256CfbDecrypt(const std::uint8_t* key,
                                                                   const std::uint8_t* IV,
                                                                   const std::uint8_t* input,
                                                                   std::size_t inputLength,
                                                                   std::uint8_t* output) {
  sallyport::keying::open_confirm(EVP_aes_256_cfb128(), key, IV, input, inputLength, output);
}
}
