// SPDX-License-Identifier: GPL-3.0-or-later
// Owners of OpenSSL's objects, usable without OpenSSL's headers.
#pragma once

#include <memory>

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace sallyport::keying {

struct OpenSslRelease {
  void operator()(evp_pkey_st* object) const;
  void operator()(ssl_ctx_st* object) const;
  void operator()(ssl_st* object) const;
  void operator()(x509_st* object) const;
};

template <typename T>
using OpenSslHandle = std::unique_ptr<T, OpenSslRelease>;

}  // namespace sallyport::keying
