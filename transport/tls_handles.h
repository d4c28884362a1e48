// SPDX-License-Identifier: GPL-3.0-or-later
// Owners of OpenSSL's objects, usable without OpenSSL's headers.
#pragma once

#include <memory>
#include <string>

struct asn1_string_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;
struct x509_store_st;
struct X509_crl_st;

namespace sallyport::transport {

struct TlsRelease {
  void operator()(evp_pkey_st* object) const;
  void operator()(ssl_ctx_st* object) const;
  void operator()(ssl_st* object) const;
  void operator()(x509_st* object) const;
  void operator()(x509_store_st* object) const;
  void operator()(X509_crl_st* object) const;
};

template <typename T>
using TlsHandle = std::unique_ptr<T, TlsRelease>;

/// What OpenSSL says about its last failure, one line; empties this thread's queue.
[[nodiscard]] std::string tls_error_text();

}  // namespace sallyport::transport
