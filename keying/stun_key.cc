// SPDX-License-Identifier: GPL-3.0-or-later
// HMAC-SHA1 by OpenSSL.
#include "keying/stun_key.h"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/evp.h>

namespace sallyport::keying {

void StunKey::Free::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

StunKey::StunKey(std::span<const std::uint8_t> key) {
  // Fetched once: a fetch costs more than the code itself.
  static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  context_.reset(EVP_MAC_CTX_new(hmac));
  char hash[] = "SHA1";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                                   OSSL_PARAM_construct_end()};
  // Only a lack of memory makes these fail, which ends the process elsewhere too.
  if (!context_ || EVP_MAC_init(context_.get(), key.data(), key.size(), parameters) != 1) std::abort();
}

StunKey::Code StunKey::operator()(std::initializer_list<std::span<const std::uint8_t>> parts) const {
  Code code{};
  // Without a key: from the state that the one given first left.
  bool good = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1;
  for (const auto part : parts) good = good && EVP_MAC_update(context_.get(), part.data(), part.size()) == 1;
  std::size_t length = 0;
  good = good && EVP_MAC_final(context_.get(), code.data(), &length, code.size()) == 1;
  if (!good) std::abort();
  return code;
}

}  // namespace sallyport::keying
