// SPDX-License-Identifier: GPL-3.0-or-later
// HMAC-SHA-256 by OpenSSL; the padded key is hashed once.
#include "crypto/hmac_sha256.h"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/evp.h>

namespace sallyport::crypto {

void HmacSha256::Free::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

HmacSha256::HmacSha256(std::span<const std::uint8_t> key) {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  context_.reset(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  char hash[] = "SHA2-256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                                   OSSL_PARAM_construct_end()};
  // Only a lack of memory makes these fail, which ends the process elsewhere too.
  if (!context_ || EVP_MAC_init(context_.get(), key.data(), key.size(), parameters) != 1) std::abort();
}

HmacSha256::Code HmacSha256::operator()(std::initializer_list<std::string_view> parts) const {
  Code code{};
  // Without a key: from the state that the one given first left.
  bool good = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1;
  for (const std::string_view part : parts)
    good = good && EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(part.data()),
                                  part.size()) == 1;
  std::size_t length = 0;
  good = good && EVP_MAC_final(context_.get(), code.data(), &length, code.size()) == 1;
  if (!good) std::abort();
  return code;
}

}  // namespace sallyport::crypto
