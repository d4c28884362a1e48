// SPDX-License-Identifier: GPL-3.0-or-later
// TestPki: a certificate authority for one test, in a folder of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "transport/tls_certificate.h"

namespace sallyport::test {

struct CertificateSpec {
  std::string name;
  std::vector<std::string> names;  ///< `DNS:…`, `URI:…`, `IP:…`: the subjectAltName; empty: none
  std::string common_name = "test";
  int valid_from_s = -3600;  ///< from now
  int valid_to_s = 86400 * 365;
  std::string usage;  ///< extendedKeyUsage as OpenSSL's configuration writes it; empty: none
  bool rsa = false;
  int rsa_bits = 2048;
};

class TestPki {
 public:
  TestPki();
  ~TestPki();
  TestPki(const TestPki&) = delete;
  TestPki& operator=(const TestPki&) = delete;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// The authority's certificate.
  [[nodiscard]] std::string ca() const { return folder_ + "/ca.pem"; }
  /// Makes a key and a certificate; the same name again replaces the files.
  transport::CertificateFiles issue(const CertificateSpec& spec);
  /// A revocation list with the certificates of these names, current for `valid_s`.
  std::string revoke(const std::vector<std::string>& names, int valid_s = 86400);

 private:
  struct State;
  std::string folder_;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::test
