// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-1 of a text in one call.
#include "crypto/sha1.h"

#include <openssl/evp.h>

namespace sallyport::crypto {

Sha1 sha1(std::string_view text) {
  Sha1 hash{};
  EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha1(), nullptr);
  return hash;
}

}  // namespace sallyport::crypto
