// SPDX-License-Identifier: GPL-3.0-or-later
// Making keys and certificates.
#include "keying/dtls_identity.h"

#include <cstdlib>
#include <string>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/random.h"
#include "keying/dtls_context.h"

namespace sallyport::keying {

namespace {

constexpr long kDay = 24L * 3600;
constexpr long kValidDays = 30;

OpenSslHandle<evp_pkey_st> make_key(DtlsKeyType type) {
  return OpenSslHandle<evp_pkey_st>(type == DtlsKeyType::ecdsa_p256 ? EVP_EC_gen("P-256")
                                                                    : EVP_RSA_gen(2048));
}

/// RFC 5280 §4.1.2.2: positive, and unpredictable.
bool set_serial(X509& certificate) {
  const std::uint64_t serial = random_value<std::uint64_t>() >> 1 | 1;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial) == 1;
}

bool set_name(X509& certificate) {
  const std::string name = std::to_string(random_value<std::uint64_t>());
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, subject) == 1;
}

OpenSslHandle<x509_st> make_certificate(EVP_PKEY& key) {
  OpenSslHandle<x509_st> certificate(X509_new());
  // From yesterday: clocks differ.
  const bool good =
      certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(*certificate) &&
      set_name(*certificate) && X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidDays * kDay) != nullptr &&
      X509_set_pubkey(certificate.get(), &key) == 1 && X509_sign(certificate.get(), &key, EVP_sha256()) > 0;
  return good ? std::move(certificate) : nullptr;
}

const EVP_MD* algorithm(crypto::HashFunction hash) {
  switch (hash) {
    case crypto::HashFunction::sha_256:
      return EVP_sha256();
    case crypto::HashFunction::sha_384:
      return EVP_sha384();
    case crypto::HashFunction::sha_512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

}  // namespace

crypto::CertificateFingerprints fingerprints_of(const x509_st& certificate) {
  crypto::CertificateFingerprints fingerprints{};
  for (const crypto::HashFunctionInfo& hash : crypto::kHashFunctions) {
    crypto::Fingerprint& fingerprint = fingerprints[static_cast<std::size_t>(hash.id)];
    fingerprint.hash = hash.id;
    unsigned int length = 0;
    // Only a lack of memory makes it fail, which ends the process elsewhere too.
    if (X509_digest(&certificate, algorithm(hash.id), fingerprint.octets.data(), &length) != 1) std::abort();
  }
  return fingerprints;
}

Result<std::shared_ptr<const DtlsIdentity>> DtlsIdentity::make(DtlsKeyType type) {
  const auto key = make_key(type);
  const auto certificate = key ? make_certificate(*key) : nullptr;
  auto context = certificate ? make_dtls_context(*certificate, *key) : nullptr;
  if (!context) return fail(ErrorClass::internal, "no certificate could be made for DTLS");
  std::shared_ptr<DtlsIdentity> identity(new DtlsIdentity);
  identity->fingerprints_ = fingerprints_of(*certificate);
  identity->context_ = std::move(context);
  return std::shared_ptr<const DtlsIdentity>(std::move(identity));
}

Result<std::shared_ptr<const DtlsIdentity>> DtlsIdentities::current(InstantMs now) {
  if (identity_ && now - made_at_ < rotation_ms_) return identity_;
  auto made = DtlsIdentity::make(type_);
  if (!made && !identity_) return made;
  if (made) {
    identity_ = std::move(*made);
    made_at_ = now;
  }
  return identity_;
}

}  // namespace sallyport::keying
