// SPDX-License-Identifier: GPL-3.0-or-later
// Peers of bare OpenSSL that do what ours would not: old, weak, huge, or without what we demand.
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/keying/dtls_rig.h"

namespace sallyport::keying::test {
namespace {

using State = DtlsAssociation::State;

/// Our end of the other role, which trusts whatever certificate the peer has.
std::unique_ptr<End> meet(BarePeer& peer, DtlsRole ours) {
  DtlsSettings settings = settings_for(ours, ecdsa_identity(), nullptr);
  settings.peer_fingerprints = {peer.fingerprints()[0]};
  auto end = std::make_unique<End>(std::move(settings));
  end->association.start(1000);
  if (ours == DtlsRole::passive) peer.shake();
  exchange(peer, *end);
  return end;
}

constexpr DtlsRole other(DtlsRole role) {
  return role == DtlsRole::active ? DtlsRole::passive : DtlsRole::active;
}

class DtlsPeers : public testing::TestWithParam<DtlsRole> {
 protected:
  /// How a handshake of ours, in the role of the parameter, ends with such a peer.
  static DtlsOutcome outcome_with(const BarePeer::Prepare& prepare) {
    BarePeer peer(other(GetParam()), prepare);
    return meet(peer, GetParam())->association.outcome();
  }
};

TEST_P(DtlsPeers, AnOrdinaryOneGetsKeys) {
  EXPECT_EQ(outcome_with([](SSL_CTX& context) { use_new_certificate(context); }), DtlsOutcome::established);
  EXPECT_EQ(outcome_with([](SSL_CTX& context) { use_new_certificate(context, 2048); }),
            DtlsOutcome::established);
}

TEST_P(DtlsPeers, ExtendedMasterSecretIsDemanded) {
  EXPECT_EQ(outcome_with([](SSL_CTX& context) {
              use_new_certificate(context);
              SSL_CTX_set_options(&context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
            }),
            DtlsOutcome::no_extended_master_secret);
}

TEST_P(DtlsPeers, WithoutUseSrtpThereAreNoKeys) {
  BarePeer peer(
      other(GetParam()), [](SSL_CTX& context) { use_new_certificate(context); }, nullptr);
  EXPECT_EQ(meet(peer, GetParam())->association.outcome(), DtlsOutcome::no_common_profile);
}

TEST_P(DtlsPeers, WeakKeysAreRefused) {
  EXPECT_EQ(outcome_with([](SSL_CTX& context) {
              SSL_CTX_set_security_level(&context, 0);
              use_new_certificate(context, 1024);
            }),
            DtlsOutcome::weak_certificate);
}

TEST_P(DtlsPeers, HugeCertificatesAreNotTaken) {
  BarePeer peer(other(GetParam()), [](SSL_CTX& context) { use_new_certificate(context, 0, 9000); });
  const auto end = meet(peer, GetParam());
  EXPECT_EQ(end->state(), State::handshaking);  // none of it was let in
  EXPECT_LT(end->association.wire().received(), 3000U);
}

TEST_P(DtlsPeers, LargeOnesComeInFragments) {
  EXPECT_EQ(outcome_with([](SSL_CTX& context) { use_new_certificate(context, 0, 6000); }),
            DtlsOutcome::established);
}

TEST_P(DtlsPeers, Dtls10IsTooOld) {
  const DtlsOutcome outcome = outcome_with([](SSL_CTX& context) {
    SSL_CTX_set_security_level(&context, 0);
    SSL_CTX_set_max_proto_version(&context, DTLS1_VERSION);
    SSL_CTX_set_cipher_list(&context, "ALL");
    use_new_certificate(context);
  });
  EXPECT_TRUE(outcome == DtlsOutcome::no_common_version || outcome == DtlsOutcome::alert_received)
      << info(outcome).name;
}

TEST_P(DtlsPeers, CiphersWithoutForwardSecrecyAreRefused) {
  const DtlsOutcome outcome = outcome_with([](SSL_CTX& context) {
    use_new_certificate(context, 2048);
    SSL_CTX_set_cipher_list(&context, "AES128-GCM-SHA256");
  });
  EXPECT_TRUE(outcome == DtlsOutcome::no_common_cipher || outcome == DtlsOutcome::alert_received)
      << info(outcome).name;
}

INSTANTIATE_TEST_SUITE_P(Ours, DtlsPeers, testing::Values(DtlsRole::active, DtlsRole::passive),
                         [](const auto& role) {
                           return role.param == DtlsRole::active ? "Active" : "Passive";
                         });

TEST(DtlsClients, WithoutACertificateGetNothing) {
  BarePeer peer(DtlsRole::active, [](SSL_CTX&) {});
  End server(settings_for(DtlsRole::passive, ecdsa_identity(), other_identity()));
  peer.shake();
  exchange(peer, server);
  EXPECT_EQ(server.association.outcome(), DtlsOutcome::no_certificate);
}

TEST(DtlsClients, LargeHellosComeInTwoDatagrams) {
  BarePeer peer(DtlsRole::active, [](SSL_CTX& context) {
    use_new_certificate(context);
    std::string protocols;
    for (int i = 0; i < 8; ++i) protocols += std::string(1, '\xfa') + std::string(250, 'x');
    SSL_CTX_set_alpn_protos(&context, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  });
  peer.shake();
  EXPECT_GE(peer.outbox.datagrams.size(), 2U);
  EXPECT_GT(peer.outbox.octets, 2000U);
  DtlsSettings settings = settings_for(DtlsRole::passive, ecdsa_identity(), nullptr);
  settings.peer_fingerprints = {peer.fingerprints()[0]};
  End server(std::move(settings));
  // The second fragment overtakes the first.
  std::swap(peer.outbox.datagrams[0], peer.outbox.datagrams[1]);
  exchange(peer, server);
  EXPECT_EQ(server.state(), State::established);
}

}  // namespace
}  // namespace sallyport::keying::test
