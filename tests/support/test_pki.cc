// SPDX-License-Identifier: GPL-3.0-or-later
// Keys, certificates and revocation lists made with OpenSSL while a test runs.
#include "tests/support/test_pki.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace sallyport::test {

namespace {

using transport::TlsHandle;

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("test PKI: ") + what);
}

template <typename Write>
void write_pem(const std::string& path, Write write) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  must(file && write(file.get()) == 1, path.c_str());
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
  X509_EXTENSION_free(extension);
}

TlsHandle<x509_st> blank(EVP_PKEY* key, const CertificateSpec& spec, long serial) {
  TlsHandle<x509_st> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), spec.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), spec.valid_to_s);
  X509_set_pubkey(certificate.get(), key);
  if (!spec.common_name.empty())
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestPki::State {
  TlsHandle<evp_pkey_st> key;
  TlsHandle<x509_st> certificate;
  long last_serial = 1;
  std::map<std::string, long> serials;
};

TestPki::TestPki() : state_(std::make_unique<State>()) {
  char name[] = "/tmp/sallyport-pki-XXXXXX";
  must(mkdtemp(name) != nullptr, "no folder in /tmp");
  folder_ = name;
  CertificateSpec spec;
  spec.common_name = "Test authority " + folder_;
  state_->key.reset(EVP_EC_gen("P-256"));
  state_->certificate = blank(state_->key.get(), spec, 1);
  X509* root = state_->certificate.get();
  X509_set_issuer_name(root, X509_get_subject_name(root));
  extend(root, root, NID_basic_constraints, "critical,CA:TRUE");
  extend(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(root, root, NID_subject_key_identifier, "hash");
  must(X509_sign(root, state_->key.get(), EVP_sha256()) != 0, "root");
  write_pem(ca(), [&](std::FILE* file) { return PEM_write_X509(file, root); });
}

TestPki::~TestPki() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

transport::CertificateFiles TestPki::issue(const CertificateSpec& spec) {
  const TlsHandle<evp_pkey_st> key(spec.rsa ? EVP_RSA_gen(static_cast<unsigned>(spec.rsa_bits))
                                            : EVP_EC_gen("P-256"));
  const long serial = ++state_->last_serial;
  state_->serials[spec.name] = serial;
  const auto certificate = blank(key.get(), spec, serial);
  X509* issuer = state_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  std::string names;
  for (const std::string& name : spec.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(certificate.get(), issuer, NID_subject_alt_name, names);
  if (!spec.usage.empty()) extend(certificate.get(), issuer, NID_ext_key_usage, spec.usage);
  must(X509_sign(certificate.get(), state_->key.get(), EVP_sha256()) != 0, "leaf");
  const std::string base = folder_ + "/" + spec.name;
  write_pem(base + ".pem", [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  write_pem(base + ".key", [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return {spec.name, base + ".pem", base + ".key"};
}

std::string TestPki::revoke(const std::vector<std::string>& names, int valid_s) {
  const TlsHandle<X509_crl_st> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(state_->certificate.get()));
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> before(X509_gmtime_adj(nullptr, -7200),
                                                                     ASN1_TIME_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> next(X509_gmtime_adj(nullptr, valid_s),
                                                                   ASN1_TIME_free);
  X509_CRL_set1_lastUpdate(list.get(), before.get());
  X509_CRL_set1_nextUpdate(list.get(), next.get());
  for (const std::string& name : names) {
    X509_REVOKED* entry = X509_REVOKED_new();
    const std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> serial(ASN1_INTEGER_new(),
                                                                             ASN1_INTEGER_free);
    ASN1_INTEGER_set(serial.get(), state_->serials.at(name));
    X509_REVOKED_set_serialNumber(entry, serial.get());
    X509_REVOKED_set_revocationDate(entry, before.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  X509_CRL_sort(list.get());
  must(X509_CRL_sign(list.get(), state_->key.get(), EVP_sha256()) != 0, "CRL");
  write_pem(folder_ + "/crl.pem", [&](std::FILE* file) { return PEM_write_X509_CRL(file, list.get()); });
  return folder_ + "/crl.pem";
}

}  // namespace sallyport::test
