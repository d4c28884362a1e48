// SPDX-License-Identifier: GPL-3.0-or-later
// SIP identities in certificates (RFC 5922 §7.1, §7.2), and warnings before certificates do harm.
#include "transport/tls_certificate.h"

#include <ctime>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/test_pki.h"

namespace sallyport::transport {
namespace {

using test::CertificateSpec;
using test::TestPki;
using Names = std::vector<std::string>;

struct IdentityCase {
  CertificateSpec spec;
  Names domains;
};

TEST(TlsCertificate, IdentitiesAreThoseOfRfc5922) {
  const IdentityCase cases[] = {
      {{.names = {"DNS:Example.COM"}}, {"example.com"}},
      {{.names = {"DNS:example.com."}}, {"example.com"}},
      {{.names = {"URI:sip:example.com"}}, {"example.com"}},
      {{.names = {"URI:SIP:example.com;transport=tls"}}, {"example.com"}},
      {{.names = {"URI:sip:example.com:5061"}}, {"example.com"}},
      //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
      //= type=test
      //# If the scheme of the URI is not "sip", then the
      //# implementation MUST NOT accept the value as a SIP domain
      //# identity.
      {{.names = {"URI:sips:example.com"}}, {}},
      {{.names = {"URI:https://example.com"}}, {}},
      //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
      //= type=test
      //# If the scheme of the URI value is "sip", and the URI value
      //# that contains a userpart (there is an '@'), the
      //# implementation MUST NOT accept the value as a SIP domain
      //# identity
      {{.names = {"URI:sip:alice@example.com"}}, {}},
      {{.names = {"URI:sip:"}}, {}},
      //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
      //= type=test
      //# An implementation MUST accept a domain name system
      //# identifier as a SIP domain identity if and only if no other
      //# identity is found that matches the "sip" URI type described
      //# above.
      {{.names = {"DNS:a.example", "URI:sip:b.example", "DNS:c.example"}}, {"b.example"}},
      {{.names = {"DNS:a.example", "URI:sips:b.example"}}, {"a.example"}},
      {{.common_name = "example.com"}, {"example.com"}},
      {{.names = {"IP:192.0.2.1"}, .common_name = "example.com"}, {}},
      {{.names = {"email:a@example.com"}, .common_name = "example.com"}, {}},
      {{.common_name = "Alice Example"}, {}},
      {{.names = {"DNS:*.example.com"}}, {"*.example.com"}},
  };
  TestPki pki;
  for (const IdentityCase& one : cases) {
    CertificateSpec spec = one.spec;
    spec.name = "x";
    const auto certificate = load_certificate(pki.issue(spec));
    ASSERT_TRUE(certificate);
    EXPECT_EQ(read_identity(*certificate->leaf).domains, one.domains)
        << (spec.names.empty() ? spec.common_name : spec.names.front());
  }
}

TEST(TlsCertificate, NamesMatchWholeAndWithoutWildcards) {
  PeerIdentity identity;
  identity.domains = {"example.com", "*.example.net", ".example.org"};
  identity.addresses = {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")};
  for (const char* name : {"example.com", "EXAMPLE.com", "example.com.", "192.0.2.1", "2001:db8:0::1"})
    EXPECT_TRUE(matches(identity, name)) << name;
  for (const char* name : {"", ".", "foo.example.com", "com", "ample.com", "foo.example.net", "example.net",
                           "foo.example.org", "192.0.2.2", "2001:db8::2", "example.com/", "sip:example.com"})
    EXPECT_FALSE(matches(identity, name)) << name;
  EXPECT_FALSE(matches(identity, std::string_view("example.com\0.evil", 17)));
}

TEST(TlsCertificate, FactsAreForPeople) {
  TestPki pki;
  const auto files = pki.issue({.name = "x", .names = {"DNS:a.test", "URI:sip:b.test", "IP:192.0.2.1"}});
  const auto loaded = load_certificate(files);
  ASSERT_TRUE(loaded);
  const CertificateFacts& facts = loaded->facts;
  EXPECT_EQ(facts.subject, "CN=test");
  EXPECT_EQ(facts.names, (Names{"DNS:a.test", "URI:sip:b.test", "IP:192.0.2.1"}));
  EXPECT_EQ(facts.key, "EC prime256v1");
  EXPECT_EQ(facts.fingerprint.size(), 64U);
  EXPECT_LT(facts.not_before, facts.not_after);
}

TEST(TlsCertificate, WhatCannotBeUsedIsRefused) {
  TestPki pki;
  const auto good = pki.issue({.name = "good", .names = {"DNS:a.test"}});
  const auto other = pki.issue({.name = "other", .names = {"DNS:a.test"}});
  const std::string garbage = pki.folder() + "/garbage";
  std::ofstream(garbage) << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const std::string locked = pki.folder() + "/locked";
  std::ofstream(locked)
      << "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const std::pair<CertificateFiles, ErrorClass> cases[] = {
      {{"x", good.certificate, other.key}, ErrorClass::refused},
      {{"x", good.certificate, "/nonexistent"}, ErrorClass::not_found},
      {{"x", "/nonexistent", good.key}, ErrorClass::not_found},
      {{"x", good.key, good.key}, ErrorClass::malformed},
      {{"x", good.certificate, good.certificate}, ErrorClass::malformed},
      {{"x", garbage, good.key}, ErrorClass::malformed},
      {{"x", good.certificate, locked}, ErrorClass::malformed},
  };
  for (const auto& [files, error_class] : cases) {
    const auto loaded = load_certificate(files);
    ASSERT_FALSE(loaded) << files.certificate << " " << files.key;
    EXPECT_EQ(loaded.error().error_class, error_class) << loaded.error().text;
  }
}

Names events(const std::vector<CertificateWarning>& warnings) {
  Names names;
  for (const CertificateWarning& warning : warnings) names.push_back(warning.event);
  return names;
}

TEST(TlsCertificate, WarningsComeAhead) {
  TestPki pki;
  const auto now = std::time(nullptr);
  const std::pair<CertificateSpec, Names> cases[] = {
      {{.names = {"DNS:a.test"}}, {}},
      {{.names = {"DNS:a.test"}, .valid_to_s = 86400 * 20}, {"certificate.expiring"}},
      {{.names = {"DNS:a.test"}, .valid_from_s = -86400, .valid_to_s = -60}, {"certificate.expired"}},
      {{.names = {"DNS:a.test"}, .valid_from_s = 3600}, {"certificate.not_yet_valid"}},
      {{.names = {"URI:sips:a.test"}}, {"certificate.nameless"}},
      {{.names = {"DNS:*.test"}}, {"certificate.wildcard"}},
      {{.names = {"DNS:a.test"}, .rsa = true, .rsa_bits = 1024}, {"certificate.weak_key"}},
      {{.names = {"DNS:a.test"}, .rsa = true}, {}},
  };
  for (const auto& [spec, expected] : cases) {
    CertificateSpec named = spec;
    named.name = "x";
    const auto loaded = load_certificate(pki.issue(named));
    ASSERT_TRUE(loaded);
    if (spec.rsa_bits < 2048) {
      EXPECT_EQ(loaded->facts.key, "RSA 1024");
    }
    EXPECT_EQ(events(check_certificate(loaded->facts, now)), expected);
  }
}

TEST(TlsCertificate, DomainsWithoutACertificateAreNamed) {
  CertificateFacts one;
  one.domains = {"a.test"};
  CertificateFacts two;
  two.domains = {"b.test", "*.c.test"};
  const CertificateFacts* both[] = {&one, &two};
  EXPECT_TRUE(check_domains("l", both, Names{"a.test", "B.test"}).empty());
  EXPECT_EQ(events(check_domains("l", both, Names{"x.c.test", "a.test", "test"})),
            (Names{"certificate.mismatch", "certificate.mismatch"}));
}

}  // namespace
}  // namespace sallyport::transport
