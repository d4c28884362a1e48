// SPDX-License-Identifier: GPL-3.0-or-later
// DtlsIdentity: a key with the self-signed certificate that our descriptions announce by its fingerprints
// (RFC 5763 §5), and what every association under it shares. DtlsIdentities replaces it in time.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "crypto/fingerprint.h"
#include "keying/clock.h"
#include "keying/openssl_handles.h"

namespace sallyport::keying {

enum class DtlsKeyType : std::uint8_t {
  ecdsa_p256,
  rsa_2048,  ///< for peers that know nothing else; its handshakes cost ten times as much
};

/// Immutable, and may be used by several threads. Whoever has announced it keeps it until its associations
/// are over.
class DtlsIdentity {
 public:
  /// Makes a key and a certificate whose names tell nothing. internal: OpenSSL could not.
  [[nodiscard]] static Result<std::shared_ptr<const DtlsIdentity>> make(DtlsKeyType type);

  [[nodiscard]] const crypto::CertificateFingerprints& fingerprints() const { return fingerprints_; }
  /// An SSL_CTX for both roles.
  [[nodiscard]] ssl_ctx_st* context() const { return context_.get(); }

 private:
  DtlsIdentity() = default;

  crypto::CertificateFingerprints fingerprints_{};
  OpenSslHandle<ssl_ctx_st> context_;
};

/// The identity for new descriptions. Used by one thread.
class DtlsIdentities {
 public:
  /// Certificates are valid for longer than this, for calls go on under the one they began with.
  static constexpr InstantMs kRotationMs = InstantMs{24} * 3600 * 1000;

  explicit DtlsIdentities(DtlsKeyType type, InstantMs rotation_ms = kRotationMs)
      : type_(type), rotation_ms_(rotation_ms) {}

  /// A new one when the last is too old. When none can be made the last goes on serving.
  [[nodiscard]] Result<std::shared_ptr<const DtlsIdentity>> current(InstantMs now);

 private:
  const DtlsKeyType type_;
  const InstantMs rotation_ms_;
  std::shared_ptr<const DtlsIdentity> identity_;
  InstantMs made_at_ = 0;
};

/// Of a certificate (an X509) as it came over the wire.
[[nodiscard]] crypto::CertificateFingerprints fingerprints_of(const x509_st& certificate);

}  // namespace sallyport::keying
