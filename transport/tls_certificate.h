// SPDX-License-Identifier: GPL-3.0-or-later
// Certificates: read from files, described for people, and the SIP identities in them (RFC 5922).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "transport/tls_handles.h"

namespace sallyport::transport {

/// Who a peer is by its certificate.
struct PeerIdentity {
  std::vector<std::string> domains;  ///< SIP domain identities, lower case
  std::vector<IpAddress> addresses;  ///< iPAddress names: for peers that are configured by address
  std::string subject;
  std::string fingerprint;  ///< SHA-256, hexadecimal
  std::int64_t not_after = 0;
};

/// RFC 5922 §7.1. Of a certificate whose chain was verified.
[[nodiscard]] PeerIdentity read_identity(const x509_st& certificate);
/// RFC 5922 §7.2, or an address against the addresses.
[[nodiscard]] bool matches(const PeerIdentity& identity, std::string_view name);
/// Whether the extended key usage, if there is one, lets its holder be a SIP server or client (RFC 5924
/// §4.1).
[[nodiscard]] bool usable_for_sip(const x509_st& certificate, bool as_server);

/// What `sallyctl cert list` shows. Times are seconds since 1970.
struct CertificateFacts {
  std::string name;  ///< in the configuration
  std::string file;
  std::string subject;
  std::string issuer;
  std::string serial;
  std::string fingerprint;  ///< SHA-256, hexadecimal
  std::string key;          ///< `EC prime256v1`, `RSA 2048`
  std::vector<std::string> domains;
  std::vector<std::string> names;  ///< every name: `DNS:…`, `URI:…`, `IP:…`
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
};

struct CertificateFiles {
  std::string name;
  std::string certificate;  ///< PEM: the certificate, then those between it and the root
  std::string key;          ///< PEM, not encrypted

  friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

struct Certificate {
  TlsHandle<x509_st> leaf;
  std::vector<TlsHandle<x509_st>> chain;
  TlsHandle<evp_pkey_st> key;
  CertificateFacts facts;
};

/// Since 1970; 0: there is no such time.
[[nodiscard]] std::int64_t unix_time(const asn1_string_st* time);

[[nodiscard]] Result<Certificate> load_certificate(const CertificateFiles& files);
/// Every certificate of a PEM file.
[[nodiscard]] Result<std::vector<TlsHandle<x509_st>>> load_certificates(const std::string& file);

struct CertificateWarning {
  std::string event;  ///< `certificate.expiring`
  std::string name;   ///< of the certificate, list or listener
  std::string text;
  bool urgent = false;  ///< it does harm already

  friend bool operator==(const CertificateWarning&, const CertificateWarning&) = default;
};

/// What is wrong with a certificate, or will be within the warning time: expiry, names that SIP cannot use,
/// weak keys.
[[nodiscard]] std::vector<CertificateWarning> check_certificate(const CertificateFacts& facts,
                                                                std::int64_t now);
/// The domains that none of a listener's certificates stands for (RFC 5922 §7.3: clients must refuse these).
[[nodiscard]] std::vector<CertificateWarning> check_domains(
    std::string_view listener, std::span<const CertificateFacts* const> certificates,
    std::span<const std::string> domains);

inline constexpr std::int64_t kWarnBeforeSeconds = 30 * 86400;

}  // namespace sallyport::transport
