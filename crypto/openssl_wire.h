// SPDX-License-Identifier: GPL-3.0-or-later
// What OpenSSL reads from and writes to when it has no socket: TLS and DTLS each bring their two functions.
#pragma once

#include <cstdlib>

#include <openssl/bio.h>
#include <openssl/ssl.h>

namespace sallyport::crypto {

/// `Functions` has `static int read(BIO*, char*, int)` and `static int write(BIO*, const char*, int)`, to
/// which BIO_get_data gives `wire`; it outlives `ssl`. Ends the process where memory does, as OpenSSL's users
/// must.
template <typename Functions>
void attach_wire(SSL& ssl, void* wire) {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport");
    if (made == nullptr) std::abort();
    BIO_meth_set_read(made, Functions::read);
    BIO_meth_set_write(made, Functions::write);
    BIO_meth_set_ctrl(made,
                      [](BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1L : 0L; });
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  BIO* const bio = BIO_new(method);
  if (bio == nullptr) std::abort();
  BIO_set_data(bio, wire);
  SSL_set_bio(&ssl, bio, bio);
}

}  // namespace sallyport::crypto
