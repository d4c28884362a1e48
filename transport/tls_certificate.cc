// SPDX-License-Identifier: GPL-3.0-or-later
// Reading certificates; OpenSSL verifies chains, what names mean to SIP is decided here.
#include "transport/tls_certificate.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "sip/text.h"

namespace sallyport::transport {

void TlsRelease::operator()(evp_pkey_st* object) const {
  EVP_PKEY_free(object);
}
void TlsRelease::operator()(ssl_ctx_st* object) const {
  SSL_CTX_free(object);
}
void TlsRelease::operator()(ssl_st* object) const {
  SSL_free(object);
}
void TlsRelease::operator()(x509_st* object) const {
  X509_free(object);
}
void TlsRelease::operator()(x509_store_st* object) const {
  X509_STORE_free(object);
}
void TlsRelease::operator()(X509_crl_st* object) const {
  X509_CRL_free(object);
}

std::string tls_error_text() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "no reason given";
  ERR_clear_error();
  return text;
}

namespace {

constexpr std::size_t kMaxPemBytes = 4 << 20;
constexpr int kWeakRsaBits = 2048;
// id-kp-sipDomain (RFC 5924 §4).
constexpr const char* kSipDomainUsage = "1.3.6.1.5.5.7.3.20";

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioHandle = std::unique_ptr<BIO, BioFree>;

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Names = std::unique_ptr<GENERAL_NAMES, NamesFree>;

struct UsageFree {
  void operator()(EXTENDED_KEY_USAGE* usage) const { EXTENDED_KEY_USAGE_free(usage); }
};

/// Letters, digits, `-`, `_`, dots, and the `*` that matches nothing but itself. An embedded NUL or anything
/// beyond ASCII makes no name.
std::optional<std::string> domain_name(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return std::nullopt;
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '*';
  };
  if (!std::ranges::all_of(text, ok)) return std::nullopt;
  return sip::text::lower(text);
}

/// The host of `sip:host`, unless the URI names a user or another scheme.
std::optional<std::string> sip_uri_domain(std::string_view uri) {
  if (uri.size() < 4 || sip::text::lower(uri.substr(0, 4)) != "sip:") return std::nullopt;
  uri.remove_prefix(4);
  if (uri.find('@') != std::string_view::npos) return std::nullopt;
  return domain_name(uri.substr(0, uri.find_first_of(":;?")));
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::optional<IpAddress> address_of(std::string_view octets) {
  if (octets.size() == 4) {
    std::array<std::uint8_t, 4> v4;
    std::memcpy(v4.data(), octets.data(), 4);
    return IpAddress::v4(v4);
  }
  if (octets.size() != 16) return std::nullopt;
  std::array<std::uint8_t, 16> v6;
  std::memcpy(v6.data(), octets.data(), 16);
  return IpAddress::v6(v6);
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += c < ' ' || c > '~' ? '?' : c;
  return result;
}

std::string one_line(const X509_NAME* name) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return printable({data, static_cast<std::size_t>(size)});
}

std::string hex(std::span<const unsigned char> octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char octet : octets) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

std::string fingerprint(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return hex({digest.data(), size});
}

Names alternative_names(const X509& certificate) {
  return Names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
}

std::optional<std::string> common_name(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // Several common names: which would be meant?
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return std::nullopt;
  return domain_name(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

/// Every name as text, for people.
std::vector<std::string> name_texts(const X509& certificate) {
  std::vector<std::string> texts;
  const Names names = alternative_names(certificate);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) texts.push_back("DNS:" + printable(text_of(name->d.dNSName)));
    if (name->type == GEN_URI)
      texts.push_back("URI:" + printable(text_of(name->d.uniformResourceIdentifier)));
    if (name->type == GEN_IPADD)
      if (const auto address = address_of(text_of(name->d.iPAddress)))
        texts.push_back("IP:" + address->to_string());
  }
  return texts;
}

std::string key_text(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
    char group[64] = "";
    std::size_t size = 0;
    EVP_PKEY_get_group_name(key, group, sizeof group, &size);
    return std::string("EC ") + group;
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  return std::string(type == nullptr ? "unknown" : type) + " " + std::to_string(EVP_PKEY_get_bits(key));
}

/// Of what key_text wrote; other kinds of key are as strong as their name.
int rsa_bits(std::string_view key) {
  int bits = 0;
  if (!key.starts_with("RSA ")) return kWeakRsaBits;
  std::from_chars(key.data() + 4, key.data() + key.size(), bits);
  return bits;
}

Result<std::string> read_pem(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fail(ErrorClass::not_found, file + ": " + std::strerror(errno));
  std::string text(kMaxPemBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return fail(ErrorClass::internal, file + ": cannot be read");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxPemBytes) return fail(ErrorClass::malformed, file + ": too large");
  return text;
}

int no_passphrase(char*, int, int, void*) {
  return 0;
}

Result<TlsHandle<evp_pkey_st>> load_key(const std::string& file) {
  auto text = read_pem(file);
  if (!text) return tl::unexpected(text.error());
  const BioHandle bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  TlsHandle<evp_pkey_st> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(text->data(), text->size());
  if (!key)
    return fail(ErrorClass::malformed, file + ": no private key in it that can be read: " + tls_error_text());
  return key;
}

CertificateFacts facts_of(const CertificateFiles& files, X509& certificate, EVP_PKEY* key) {
  CertificateFacts facts;
  facts.name = files.name;
  facts.file = files.certificate;
  facts.subject = one_line(X509_get_subject_name(&certificate));
  facts.issuer = one_line(X509_get_issuer_name(&certificate));
  const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
  facts.serial = hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  facts.fingerprint = fingerprint(certificate);
  facts.key = key_text(key);
  facts.domains = read_identity(certificate).domains;
  facts.names = name_texts(certificate);
  facts.not_before = unix_time(X509_get0_notBefore(&certificate));
  facts.not_after = unix_time(X509_get0_notAfter(&certificate));
  return facts;
}

}  // namespace

PeerIdentity read_identity(const x509_st& certificate) {
  PeerIdentity identity;
  identity.subject = one_line(X509_get_subject_name(&certificate));
  identity.fingerprint = fingerprint(certificate);
  identity.not_after = unix_time(X509_get0_notAfter(&certificate));
  const Names names = alternative_names(certificate);
  std::vector<std::string> dns_names;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI)
      if (auto domain = sip_uri_domain(text_of(name->d.uniformResourceIdentifier)))
        identity.domains.push_back(std::move(*domain));
    if (name->type == GEN_DNS)
      if (auto domain = domain_name(text_of(name->d.dNSName))) dns_names.push_back(std::move(*domain));
    if (name->type == GEN_IPADD)
      if (const auto address = address_of(text_of(name->d.iPAddress))) identity.addresses.push_back(*address);
  }
  //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
  //# An implementation MUST accept a domain name system
  //# identifier as a SIP domain identity if and only if no other
  //# identity is found that matches the "sip" URI type described
  //# above.
  if (identity.domains.empty()) identity.domains = std::move(dns_names);
  // The extension is absent, not merely unreadable or without a name of ours.
  if (X509_get_ext_by_NID(&certificate, NID_subject_alt_name, -1) < 0)
    if (auto domain = common_name(certificate)) identity.domains.push_back(std::move(*domain));
  return identity;
}

bool matches(const PeerIdentity& identity, std::string_view name) {
  if (const auto address = IpAddress::parse(name))
    return std::ranges::find(identity.addresses, *address) != identity.addresses.end();
  //= https://www.rfc-editor.org/rfc/rfc5922#section-7.2
  //# Implementations MUST NOT match any form of wildcard, such as a
  //# leading "." or "*." with any other DNS label or sequence of
  //# labels.
  const auto wanted = domain_name(name);
  return wanted && std::ranges::find(identity.domains, *wanted) != identity.domains.end();
}

bool usable_for_sip(const x509_st& certificate, bool as_server) {
  if (X509_get_ext_by_NID(&certificate, NID_ext_key_usage, -1) < 0) return true;
  const std::unique_ptr<EXTENDED_KEY_USAGE, UsageFree> usage(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(&certificate, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; usage && i < sk_ASN1_OBJECT_num(usage.get()); ++i) {
    const ASN1_OBJECT* purpose = sk_ASN1_OBJECT_value(usage.get(), i);
    const int number = OBJ_obj2nid(purpose);
    if (number == NID_anyExtendedKeyUsage || number == (as_server ? NID_server_auth : NID_client_auth))
      return true;
    char text[64];
    if (OBJ_obj2txt(text, sizeof text, purpose, 1) > 0 && std::string_view(text) == kSipDomainUsage)
      return true;
  }
  return false;
}

Result<std::vector<TlsHandle<x509_st>>> load_certificates(const std::string& file) {
  const auto text = read_pem(file);
  if (!text) return tl::unexpected(text.error());
  const BioHandle bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  std::vector<TlsHandle<x509_st>> certificates;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))
    certificates.emplace_back(next);
  const unsigned long why = ERR_peek_last_error();
  const bool ended = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  const std::string reason = tls_error_text();
  if (!ended) return fail(ErrorClass::malformed, file + ": " + reason);
  if (certificates.empty()) return fail(ErrorClass::malformed, file + ": there is no certificate in it");
  return certificates;
}

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

Result<Certificate> load_certificate(const CertificateFiles& files) {
  auto certificates = load_certificates(files.certificate);
  if (!certificates) return tl::unexpected(certificates.error());
  auto key = load_key(files.key);
  if (!key) return tl::unexpected(key.error());
  Certificate result;
  result.leaf = std::move(certificates->front());
  certificates->erase(certificates->begin());
  result.chain = std::move(*certificates);
  result.key = std::move(*key);
  if (X509_check_private_key(result.leaf.get(), result.key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorClass::refused, files.key + ": is not the key of " + files.certificate);
  }
  result.facts = facts_of(files, *result.leaf, result.key.get());
  return result;
}

std::vector<CertificateWarning> check_certificate(const CertificateFacts& facts, std::int64_t now) {
  std::vector<CertificateWarning> warnings;
  const auto warn = [&](const char* event, std::string text, bool urgent) {
    warnings.push_back({event, facts.name, std::move(text), urgent});
  };
  const std::int64_t left = facts.not_after - now;
  if (left <= 0)
    warn("certificate.expired", facts.file + " expired " + std::to_string(-left / 86400) + " days ago", true);
  else if (left < kWarnBeforeSeconds)
    warn("certificate.expiring", facts.file + " expires in " + std::to_string(left / 86400) + " days", false);
  if (facts.not_before > now) warn("certificate.not_yet_valid", facts.file + " is not valid yet", true);
  if (facts.domains.empty())
    warn("certificate.nameless", facts.file + " names no SIP domain: peers must refuse it (RFC 5922)", true);
  for (const std::string& domain : facts.domains)
    if (domain.find('*') != std::string::npos)
      warn("certificate.wildcard",
           facts.file + " has the wildcard " + domain + ", which SIP peers must not match", false);
  if (rsa_bits(facts.key) < kWeakRsaBits)
    warn("certificate.weak_key",
         facts.file + " has a key of less than " + std::to_string(kWeakRsaBits) + " bits", true);
  return warnings;
}

std::vector<CertificateWarning> check_domains(std::string_view listener,
                                              std::span<const CertificateFacts* const> certificates,
                                              std::span<const std::string> domains) {
  std::vector<CertificateWarning> warnings;
  for (const std::string& domain : domains) {
    const std::string wanted = sip::text::lower(domain);
    const bool covered = std::ranges::any_of(certificates, [&](const CertificateFacts* facts) {
      return std::ranges::find(facts->domains, wanted) != facts->domains.end() ||
             std::ranges::find(facts->names, "IP:" + wanted) != facts->names.end();
    });
    if (!covered)
      warnings.push_back({"certificate.mismatch", std::string(listener),
                          "no certificate of this listener stands for the domain " + domain, true});
  }
  return warnings;
}

}  // namespace sallyport::transport
