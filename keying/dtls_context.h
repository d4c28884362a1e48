// SPDX-License-Identifier: GPL-3.0-or-later
// The rules that OpenSSL keeps for every association: DTLS 1.2, mutual certificates, forward secrecy, no
// sessions, no renegotiation; whether a certificate is the right one is the association's to say.
#pragma once

#include "keying/openssl_handles.h"

namespace sallyport::keying {

/// The SSL's application data points to one of these.
class DtlsCertificateJudge {
 public:
  /// Whether the handshake may go on with this certificate of the peer.
  virtual bool accept_certificate(const x509_st& certificate) = 0;

 protected:
  ~DtlsCertificateJudge() = default;
};

/// Certificates, and whatever else a handshake carries, are no larger than this, in octets. A chain is of no
/// use.
inline constexpr long kMaxDtlsMessage = 8192;

/// Null when OpenSSL refuses something.
[[nodiscard]] OpenSslHandle<ssl_ctx_st> make_dtls_context(x509_st& certificate, evp_pkey_st& key);

}  // namespace sallyport::keying
