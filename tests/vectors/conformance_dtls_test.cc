// SPDX-License-Identifier: GPL-3.0-or-later
// Handshakes recorded between other programs: all their datagrams have the shape of DTLS, and their openings
// are answered.
#include <openssl/x509.h>

#include "keying/dtls_association.h"
#include "keying/dtls_record.h"
#include "tests/vectors/conformance_rig.h"

namespace sallyport::keying::test {
namespace {

using crypto::test::hex_of;
using crypto::test::Octets;
using crypto::test::read_json;
using crypto::test::text_of;

class ConformanceDtls : public crypto::test::Conformance {};

class LastDatagram final : public DatagramSink {
 public:
  void send(std::span<const std::uint8_t> payload) override {
    datagrams.emplace_back(payload.begin(), payload.end());
  }
  std::vector<Octets> datagrams;
};

TEST_F(ConformanceDtls, RecordedDatagramsAreWhole) {
  const auto document = read_json("dtls-srtp/handshakes.json");
  std::size_t datagrams = 0;
  for (const auto& handshake : document.at("handshakes").as_array())
    for (const auto& datagram : handshake.at("datagrams").as_array()) {
      const Octets octets = hex_of(datagram, "data");
      ++datagrams;
      EXPECT_EQ(inspect_dtls(octets, kMaxDtlsMessage), DtlsShape::whole);
      for (std::size_t length = 0; length < octets.size(); ++length) {
        // A part is whole only where a record ends.
        if (inspect_dtls(std::span(octets).first(length), kMaxDtlsMessage) != DtlsShape::whole) continue;
        EXPECT_EQ(inspect_dtls(std::span(octets).subspan(length), kMaxDtlsMessage), DtlsShape::whole)
            << length;
      }
    }
  EXPECT_GE(datagrams, 80U);
}

TEST_F(ConformanceDtls, RecordedHellosAreAnsweredByAFlight) {
  const auto document = read_json("dtls-srtp/handshakes.json");
  for (const auto& handshake : document.at("handshakes").as_array()) {
    const Octets hello = hex_of(handshake.at("datagrams").at(0), "data");
    DtlsSettings settings;
    settings.identity = DtlsIdentity::make(DtlsKeyType::ecdsa_p256).value();
    settings.profiles = {crypto::SuiteId::aead_aes_256_gcm, crypto::SuiteId::aead_aes_128_gcm,
                         crypto::SuiteId::aes_cm_128_hmac_sha1_80, crypto::SuiteId::aes_cm_128_hmac_sha1_32};
    LastDatagram sink;
    DtlsAssociation association(std::move(settings), sink);
    // A client that came with RSA ciphers alone is refused with an alert, for our key is of the other kind.
    const bool refused = text_of(handshake, "cipher").find("RSA") != std::string::npos &&
                         text_of(handshake, "cipher").find("ECDSA") == std::string::npos;
    EXPECT_EQ(association.receive(hello, 0), refused ? DtlsOutcome::no_common_cipher : DtlsOutcome::progress);
    ASSERT_FALSE(sink.datagrams.empty());
    EXPECT_EQ(sink.datagrams[0][0], refused ? 21 : 22);
    if (refused) continue;
    EXPECT_EQ(sink.datagrams[0][13], 2);  // ServerHello, without a cookie
  }
}

TEST_F(ConformanceDtls, AForeignCertificateHasThePublishedFingerprint) {
  const auto document = read_json("dtls-srtp/handshakes.json");
  for (const auto& handshake : document.at("handshakes").as_array())
    for (const std::string side : {"server", "client"}) {
      const Octets der = hex_of(handshake, (side + "_certificate_der").c_str());
      std::string published = text_of(handshake, (side + "_fingerprint_sha256").c_str());
      std::erase(published, ':');
      const std::uint8_t* at = der.data();
      const OpenSslHandle<x509_st> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
      ASSERT_TRUE(certificate);
      const auto fingerprints = fingerprints_of(*certificate);
      const auto view = fingerprints[0].view();
      EXPECT_EQ(Octets(view.begin(), view.end()), crypto::test::hex(published));
    }
}

}  // namespace
}  // namespace sallyport::keying::test
