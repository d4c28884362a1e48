// SPDX-License-Identifier: GPL-3.0-or-later
// Who may talk to whom: server names, client certificates, revocation, connection reuse (RFC 5922, RFC 5923).
#include <future>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/support/transport_rig.h"
#include "transport/socket.h"

namespace sallyport::transport {
namespace {

using test::CertificateSpec;
using test::sip_request;
using test::TestPki;
using test::TestStream;
using test::tls_listener;
using test::TransportRig;
using Kind = test::Told::Kind;

struct ClientCase {
  const char* what;
  CertificateSpec spec;
  bool of_other_ca = false;
  bool revoked = false;
  bool good = false;
};

const ClientCase kClients[] = {
    {.what = "DNS name", .spec = {.name = "c", .names = {"DNS:peer.test"}}, .good = true},
    {.what = "SIP URI", .spec = {.name = "c", .names = {"URI:sip:peer.test"}}, .good = true},
    {.what = "client purpose",
     .spec = {.name = "c", .names = {"DNS:peer.test"}, .usage = "clientAuth"},
     .good = true},
    {.what = "SIP purpose",
     .spec = {.name = "c", .names = {"DNS:peer.test"}, .usage = "1.3.6.1.5.5.7.3.20"},
     .good = true},
    {.what = "server purpose", .spec = {.name = "c", .names = {"DNS:peer.test"}, .usage = "serverAuth"}},
    {.what = "mail purpose", .spec = {.name = "c", .names = {"DNS:peer.test"}, .usage = "emailProtection"}},
    {.what = "other authority", .spec = {.name = "c", .names = {"DNS:peer.test"}}, .of_other_ca = true},
    {.what = "expired",
     .spec = {.name = "c", .names = {"DNS:peer.test"}, .valid_from_s = -7200, .valid_to_s = -60}},
    {.what = "not yet valid", .spec = {.name = "c", .names = {"DNS:peer.test"}, .valid_from_s = 3600}},
    {.what = "revoked", .spec = {.name = "c", .names = {"DNS:peer.test"}}, .revoked = true},
};

TEST(TlsPeers, ClientCertificatesAreJudged) {
  TestPki pki;
  TestPki other;
  const auto server = pki.issue({.name = "server", .names = {"DNS:sip.test"}});
  for (const ClientCase& one : kClients) {
    const auto client = (one.of_other_ca ? other : pki).issue(one.spec);
    TransportSettings settings;
    settings.tls.certificates = {server};
    settings.tls.ca = pki.ca();
    settings.tls.crl = pki.revoke(one.revoked ? std::vector<std::string>{"c"} : std::vector<std::string>{});
    settings.listeners = {tls_listener({"server"}, ClientCertificates::require)};
    TransportRig rig(settings);
    for (const bool only_1_2 : {false, true}) {
      TestStream peer = TestStream::connect(rig.at(0));
      const std::string why = peer.handshake(
          {.ca = pki.ca(), .server_name = "sip.test", .certificate = client, .only_1_2 = only_1_2});
      if (!one.good) {
        EXPECT_TRUE(!why.empty() || peer.ended()) << one.what;
        continue;
      }
      ASSERT_EQ(why, "") << one.what;
      ASSERT_TRUE(peer.send(sip_request("OPTIONS", "a")));
      const auto told = rig.next(Kind::message);
      ASSERT_TRUE(told);
      const auto facts =
          rig.on_layer([&](TransportLayer& layer) { return layer.facts(told->hop.connection); });
      ASSERT_TRUE(facts->peer);
      EXPECT_EQ(facts->peer->domains, std::vector<std::string>{"peer.test"});
    }
    if (!one.good) {
      EXPECT_TRUE(rig.eventually([](TransportLayer& l) { return l.counters()[Count::client_refused] == 2; }))
          << one.what;
      // The refusal is counted a moment before the place is given back.
      EXPECT_TRUE(rig.eventually([](TransportLayer& l) { return l.sources().connections() == 0; }))
          << one.what;
    }
  }
}

TEST(TlsPeers, WithoutACertificateDependsOnTheListener) {
  TestPki pki;
  TransportSettings settings;
  settings.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:sip.test"}})};
  settings.tls.ca = pki.ca();
  settings.listeners = {tls_listener({"server"}, ClientCertificates::request),
                        tls_listener({"server"}, ClientCertificates::require)};
  settings.listeners[1].name = "strict";
  TransportRig rig(settings);
  TestStream asked = TestStream::connect(rig.at(0));
  EXPECT_EQ(asked.handshake({}), "");
  EXPECT_TRUE(rig.next(Kind::opened));
  TestStream required = TestStream::connect(rig.at(1));
  EXPECT_TRUE(!required.handshake({}).empty() || required.ended());
}

TEST(TlsPeers, RevocationNeedsACurrentList) {
  TestPki pki;
  TransportSettings settings;
  settings.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:sip.test"}})};
  settings.tls.ca = pki.ca();
  settings.tls.crl = pki.revoke({}, -60);
  settings.listeners = {tls_listener({"server"}, ClientCertificates::require)};
  TransportRig rig(settings);
  TestStream peer = TestStream::connect(rig.at(0));
  const auto client = pki.issue({.name = "c", .names = {"DNS:peer.test"}});
  EXPECT_TRUE(!peer.handshake({.certificate = client}).empty() || peer.ended());
  const auto warnings = rig.on_layer([](TransportLayer& layer) { return layer.warnings(); });
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].event, "crl.expired");
}

/// A TLS server of the test's own that shows one certificate.
struct Server {
  Descriptor listener = *listen_on({IpAddress::v4({127, 0, 0, 1}), 0});
  Endpoint endpoint = local_endpoint(listener.get());

  TestStream accept() {
    for (;;) {
      const int number = accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (number >= 0) return TestStream::accepted(number);
    }
  }
};

struct ServerCase {
  const char* what;
  CertificateSpec spec;
  const char* asked;
  const char* why;  ///< empty: good
  bool of_other_ca = false;
};

const ServerCase kServers[] = {
    {"DNS name", {.name = "s", .names = {"DNS:Peer.Test"}}, "peer.test", ""},
    {"SIP URI", {.name = "s", .names = {"URI:sip:peer.test"}}, "PEER.test", ""},
    {"address", {.name = "s", .names = {"IP:127.0.0.1"}}, "127.0.0.1", ""},
    {"common name alone", {.name = "s", .common_name = "peer.test"}, "peer.test", ""},
    {"several", {.name = "s", .names = {"DNS:a.test", "DNS:peer.test"}}, "peer.test", ""},
    {"another name", {.name = "s", .names = {"DNS:other.test"}}, "peer.test", "hostname mismatch"},
    {"common name beside names",
     {.name = "s", .names = {"DNS:o.test"}, .common_name = "peer.test"},
     "peer.test",
     "hostname mismatch"},
    {"common name beside an address",
     {.name = "s", .names = {"IP:127.0.0.1"}, .common_name = "peer.test"},
     "peer.test",
     "hostname mismatch"},
    {"wildcard", {.name = "s", .names = {"DNS:*.test"}}, "peer.test", "hostname mismatch"},
    {"DNS beside SIP URI",
     {.name = "s", .names = {"URI:sip:other.test", "DNS:peer.test"}},
     "peer.test",
     "hostname mismatch"},
    {"sips URI", {.name = "s", .names = {"URI:sips:peer.test"}}, "peer.test", "hostname mismatch"},
    {"URI of a user", {.name = "s", .names = {"URI:sip:alice@peer.test"}}, "peer.test", "hostname mismatch"},
    {"parent domain", {.name = "s", .names = {"DNS:test"}}, "peer.test", "hostname mismatch"},
    {"address by name", {.name = "s", .names = {"DNS:127.0.0.1"}}, "127.0.0.1", "hostname mismatch"},
    {"client purpose",
     {.name = "s", .names = {"DNS:peer.test"}, .usage = "clientAuth"},
     "peer.test",
     "unsuitable certificate purpose"},
    {"expired",
     {.name = "s", .names = {"DNS:peer.test"}, .valid_to_s = -60},
     "peer.test",
     "certificate has expired"},
    {"other authority",
     {.name = "s", .names = {"DNS:peer.test"}},
     "peer.test",
     "unable to get local issuer certificate",
     true},
};

TEST(TlsPeers, ServersAreJudgedByTheNameThatWasAskedFor) {
  TestPki pki;
  TestPki other;
  TransportSettings settings;
  settings.tls.ca = pki.ca();
  settings.tls.certificates = {pki.issue({.name = "us", .names = {"DNS:us.test"}})};
  TransportRig rig(settings);
  for (const ServerCase& one : kServers) {
    Server server;
    const auto files = (one.of_other_ca ? other : pki).issue(one.spec);
    const auto hop = rig.on_layer([&](TransportLayer& layer) {
      const auto reached = layer.reach(
          {.transport = sip::Transport::tls, .remote = server.endpoint, .server_name = one.asked});
      EXPECT_TRUE(layer.send(*reached, "secret"));
      return *reached;
    });
    TestStream peer = server.accept();
    const std::string handshake = peer.handshake({.ca = pki.ca(), .certificate = files}, true);
    if (std::string_view(one.why).empty()) {
      ASSERT_EQ(handshake, "") << one.what;
      EXPECT_EQ(peer.receive(6), "secret") << one.what;
      const auto facts = rig.on_layer([&](TransportLayer& layer) { return layer.facts(hop.connection); });
      ASSERT_TRUE(facts && facts->peer) << one.what;
      rig.on_layer([&](TransportLayer& layer) { layer.close(hop.connection, {}); });
      ASSERT_TRUE(rig.next(Kind::closed));
      continue;
    }
    EXPECT_EQ(handshake.empty() ? peer.receive() : "", "") << one.what << ": nothing may be said to it";
    const auto told = rig.next(Kind::closed);
    ASSERT_TRUE(told) << one.what;
    EXPECT_EQ(told->text, one.why) << one.what;
    EXPECT_EQ(told->hop, hop);
  }
}

struct Mutual {
  TestPki pki;
  CertificateFiles client = pki.issue({.name = "c", .names = {"DNS:peer.test", "DNS:second.test"}});
  TransportRig rig;

  static TransportSettings settings(TestPki& pki) {
    TransportSettings made;
    made.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:sip.test"}})};
    made.tls.ca = pki.ca();
    made.listeners = {tls_listener({"server"}, ClientCertificates::request)};
    return made;
  }
  Mutual() : rig(settings(pki)) {}
};

TEST(TlsPeers, AnAliasServesOnlyTheNamesOfItsCertificate) {
  Mutual mutual;
  TestStream peer = TestStream::connect(mutual.rig.at(0));
  ASSERT_EQ(peer.handshake({.certificate = mutual.client}), "");
  const auto opened = mutual.rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  const auto id = opened->hop.connection;
  const Endpoint advertised{peer.local().address, 5061};
  mutual.rig.on_layer([&](TransportLayer& layer) {
    const auto reach = [&](const std::string& name, Endpoint remote) {
      return layer.reach({.transport = sip::Transport::tls, .remote = remote, .server_name = name})
          ->connection;
    };
    EXPECT_NE(reach("peer.test", advertised), id) << "there is no alias yet";
    EXPECT_TRUE(layer.alias(id, 5061));
    EXPECT_TRUE(layer.alias(id, 5061)) << "again changes nothing";
    EXPECT_EQ(reach("second.test", advertised), id);
    EXPECT_NE(reach("stranger.test", advertised), id);
    EXPECT_NE(reach("second.test", {advertised.address, 5062}), id);
    EXPECT_FALSE(layer.alias(id + 1, 5061));
    for (std::uint16_t port = 1; port < 4; ++port) EXPECT_TRUE(layer.alias(id, port));
    EXPECT_FALSE(layer.alias(id, 100)) << "a peer cannot make the table grow";
  });
}

TEST(TlsPeers, WhoShowsNoCertificateGetsNoAlias) {
  Mutual mutual;
  TestStream peer = TestStream::connect(mutual.rig.at(0));
  ASSERT_EQ(peer.handshake({}), "");
  const auto opened = mutual.rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  const auto result =
      mutual.rig.on_layer([&](TransportLayer& l) { return l.alias(opened->hop.connection, 5061); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error_class, ErrorClass::refused);
}

TEST(TlsPeers, OneConnectionServesAllNamesOfAServer) {
  Mutual mutual;
  Server server;
  const auto files = mutual.pki.issue({.name = "far", .names = {"DNS:far.test", "DNS:also.test"}});
  const auto reach = [&](const std::string& name) {
    return mutual.rig.on_layer([&](TransportLayer& layer) {
      return layer.reach({.transport = sip::Transport::tls, .remote = server.endpoint, .server_name = name})
          ->connection;
    });
  };
  const auto first = reach("far.test");
  EXPECT_EQ(reach("far.test"), first) << "also while it is being opened";
  TestStream peer = server.accept();
  ASSERT_EQ(peer.handshake({.ca = mutual.pki.ca(), .certificate = files}, true), "")
      << "our certificate is shown";
  ASSERT_TRUE(mutual.rig.next(Kind::opened));
  EXPECT_EQ(reach("also.test"), first);
  EXPECT_NE(reach("third.test"), first);
}

}  // namespace
}  // namespace sallyport::transport
