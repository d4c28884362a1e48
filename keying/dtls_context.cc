// SPDX-License-Identifier: GPL-3.0-or-later
// OpenSSL's settings, and the release of its objects.
#include "keying/dtls_context.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace sallyport::keying {

void OpenSslRelease::operator()(evp_pkey_st* object) const {
  EVP_PKEY_free(object);
}
void OpenSslRelease::operator()(ssl_ctx_st* object) const {
  SSL_CTX_free(object);
}
void OpenSslRelease::operator()(ssl_st* object) const {
  SSL_free(object);
}
void OpenSslRelease::operator()(x509_st* object) const {
  X509_free(object);
}

namespace {

constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits and more

int verify(X509_STORE_CTX* store, void*) {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* judge = static_cast<DtlsCertificateJudge*>(SSL_get_app_data(ssl));
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (judge != nullptr && certificate != nullptr && judge->accept_certificate(*certificate)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

}  // namespace

OpenSslHandle<ssl_ctx_st> make_dtls_context(x509_st& certificate, evp_pkey_st& key) {
  OpenSslHandle<ssl_ctx_st> context(SSL_CTX_new(DTLS_method()));
  SSL_CTX* const c = context.get();
  if (c == nullptr) return nullptr;
  SSL_CTX_set_security_level(c, kSecurityLevel);
  const bool good = SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) == 1 &&
                    SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) == 1 &&
                    SSL_CTX_set_cipher_list(c, kCiphers) == 1 && SSL_CTX_set1_groups_list(c, kGroups) == 1 &&
                    SSL_CTX_use_certificate(c, &certificate) == 1 && SSL_CTX_use_PrivateKey(c, &key) == 1;
  if (!good) return nullptr;
  // The MTU is ours to say; a renegotiation would be a second handshake without a second look at anything.
  SSL_CTX_set_options(
      c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(c, verify, nullptr);
  SSL_CTX_set_max_cert_list(c, kMaxDtlsMessage);
  // Nothing but handshakes is sent: a record never needs the 16 KB that OpenSSL would have room for.
  SSL_CTX_set_max_send_fragment(c, 2048);
  SSL_CTX_set_read_ahead(c, 1);
  return context;
}

}  // namespace sallyport::keying
