// SPDX-License-Identifier: GPL-3.0-or-later
// Certificates by name, resumption, and what a reload changes and leaves alone.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/transport_rig.h"

namespace sallyport::transport {
namespace {

using test::plain_listener;
using test::sip_request;
using test::TestPki;
using test::TestStream;
using test::tls_listener;
using test::TransportRig;
using Kind = test::Told::Kind;

struct TlsGround {
  TestPki pki;
  TransportSettings settings;
  explicit TlsGround(ClientCertificates mode = ClientCertificates::none) {
    settings.tls.certificates = {
        pki.issue({.name = "one", .names = {"DNS:one.test"}}),
        pki.issue({.name = "two", .names = {"DNS:two.test", "URI:sip:sip.two.test"}})};
    settings.tls.ca = pki.ca();
    settings.listeners = {tls_listener({"one", "two"}, mode)};
  }
};

std::string fingerprint(const CertificateFiles& files) {
  return load_certificate(files)->facts.fingerprint;
}

TEST(TlsReload, ServerNamesChooseCertificates) {
  TlsGround setup;
  const std::string one = fingerprint(setup.settings.tls.certificates[0]);
  const std::string two = fingerprint(setup.settings.tls.certificates[1]);
  TransportRig rig(setup.settings);
  const std::pair<const char*, std::string> cases[] = {
      {"one.test", one}, {"sip.two.test", two}, {"SIP.Two.TEST", two}, {"unknown.test", one}, {"", one},
  };
  for (const auto& [name, expected] : cases) {
    TestStream peer = TestStream::connect(rig.at(0));
    ASSERT_EQ(peer.handshake({.ca = setup.pki.ca(), .server_name = name}), "");
    EXPECT_EQ(peer.peer_fingerprint(), expected) << name;
  }
  EXPECT_EQ(rig.count(Count::sni_unknown), 1U);
}

TEST(TlsReload, BothKindsOfKeyServeOneName) {
  TlsGround setup;
  setup.settings.tls.certificates = {
      setup.pki.issue({.name = "ec", .names = {"DNS:one.test"}}),
      setup.pki.issue({.name = "rsa", .names = {"DNS:one.test"}, .rsa = true})};
  setup.settings.listeners = {tls_listener({"ec", "rsa"})};
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({.ca = setup.pki.ca(), .server_name = "one.test"}), "");
  EXPECT_EQ(peer.peer_fingerprint(), fingerprint(setup.settings.tls.certificates[0]));
}

TEST(TlsReload, NewConnectionsGetNewCertificatesAndOldOnesLive) {
  TlsGround setup;
  const std::string before = fingerprint(setup.settings.tls.certificates[0]);
  TransportRig rig(setup.settings);
  TestStream old = TestStream::connect(rig.at(0));
  ASSERT_EQ(old.handshake({.ca = setup.pki.ca(), .server_name = "one.test"}), "");
  EXPECT_EQ(old.peer_fingerprint(), before);
  static_cast<void>(setup.pki.issue({.name = "one", .names = {"DNS:one.test"}}));
  ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(setup.settings); }));
  TestStream fresh = TestStream::connect(rig.at(0));
  ASSERT_EQ(fresh.handshake({.ca = setup.pki.ca(), .server_name = "one.test"}), "");
  EXPECT_NE(fresh.peer_fingerprint(), before);
  ASSERT_TRUE(old.send(sip_request("OPTIONS", "a")));
  EXPECT_TRUE(rig.next(Kind::message)) << "the old connection still serves";
  EXPECT_EQ(rig.count(Count::closed_by_us), 0U);
}

struct BadReload {
  const char* what;
  void (*spoil)(TlsGround&);
};

const BadReload kBadReloads[] = {
    {"no certificate file",
     [](TlsGround& s) { std::filesystem::remove(s.settings.tls.certificates[1].certificate); }},
    {"empty file", [](TlsGround& s) { std::ofstream(s.settings.tls.certificates[0].certificate).flush(); }},
    {"the key of another",
     [](TlsGround& s) { s.settings.tls.certificates[0].key = s.settings.tls.certificates[1].key; }},
    {"no CA", [](TlsGround& s) { s.settings.tls.ca = "/nonexistent"; }},
    {"a CRL that is none", [](TlsGround& s) { s.settings.tls.crl = s.pki.ca(); }},
    {"unknown certificate", [](TlsGround& s) { s.settings.listeners[0].certificates = {"three"}; }},
    {"no certificate", [](TlsGround& s) { s.settings.listeners[0].certificates.clear(); }},
    {"nonsense ciphers", [](TlsGround& s) { s.settings.tls.ciphers = "NONSENSE"; }},
    {"nonsense suites", [](TlsGround& s) { s.settings.tls.suites = "NONSENSE"; }},
    {"an address that is not ours",
     [](TlsGround& s) {
       s.settings.listeners.push_back(
           {"far", sip::Transport::tcp, {IpAddress::v4({192, 0, 2, 1}), 0}, {}, {}});
     }},
};

TEST(TlsReload, AnErrorChangesNothing) {
  for (const BadReload& bad : kBadReloads) {
    TlsGround setup;
    TransportRig rig(setup.settings);
    bad.spoil(setup);
    EXPECT_FALSE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(setup.settings); }))
        << bad.what;
    TestStream peer = TestStream::connect(rig.at(0));
    EXPECT_EQ(peer.handshake({.ca = setup.pki.ca(), .server_name = "two.test"}), "") << bad.what;
  }
}

TEST(TlsReload, ListenersComeAndGoAndTheirConnectionsStay) {
  TlsGround setup;
  setup.settings.listeners.push_back(plain_listener(sip::Transport::tcp));
  TransportRig rig(setup.settings);
  TestStream old = TestStream::connect(rig.at(1));
  ASSERT_TRUE(rig.next(Kind::opened));
  setup.settings.listeners.pop_back();
  setup.settings.listeners.push_back(plain_listener(sip::Transport::udp));
  ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(setup.settings); }));
  const auto listeners = rig.on_layer([](TransportLayer& layer) { return layer.listeners(); });
  ASSERT_EQ(listeners.size(), 3U);
  EXPECT_TRUE(listeners[0].open);
  EXPECT_FALSE(listeners[1].open);
  EXPECT_TRUE(listeners[2].open);
  ASSERT_TRUE(old.send(sip_request("OPTIONS", "a")));
  EXPECT_TRUE(rig.next(Kind::message));
  EXPECT_TRUE(rig.eventually([&](TransportLayer&) {
    try {
      static_cast<void>(TestStream::connect(rig.at(1)));
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  })) << "nobody listens there any more";
}

/// A session of a first connection, with its ticket.
std::string first_session(TransportRig& rig, const test::TlsOptions& options) {
  TestStream peer = TestStream::connect(rig.at(0));
  EXPECT_EQ(peer.handshake(options), "");
  EXPECT_TRUE(peer.send("\r\n\r\n"));
  EXPECT_EQ(peer.receive(), "\r\n");  // with TLS 1.3 the ticket came before it
  EXPECT_FALSE(peer.session().empty());
  return peer.session();
}

bool resumes(TransportRig& rig, test::TlsOptions options, const std::string& session) {
  options.session = session;
  TestStream peer = TestStream::connect(rig.at(0));
  EXPECT_EQ(peer.handshake(options), "");
  return peer.resumed();
}

TEST(TlsReload, SessionsResumeAlsoAfterAReload) {
  for (const bool only_1_2 : {false, true}) {
    TlsGround setup;
    TransportRig rig(setup.settings);
    const test::TlsOptions options{.server_name = "one.test", .only_1_2 = only_1_2};
    const std::string session = first_session(rig, options);
    EXPECT_TRUE(resumes(rig, options, session));
    ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(setup.settings); }));
    EXPECT_TRUE(resumes(rig, options, session));
    EXPECT_TRUE(
        rig.eventually([](TransportLayer& l) { return l.counters()[Count::handshakes_resumed] == 2; }));
  }
}

TEST(TlsReload, ARevokedClientCannotResume) {
  TlsGround setup(ClientCertificates::require);
  const auto client = setup.pki.issue({.name = "c", .names = {"DNS:peer.test"}});
  setup.settings.tls.crl = setup.pki.revoke({});
  TransportRig rig(setup.settings);
  for (const bool only_1_2 : {false, true}) {
    test::TlsOptions options{.server_name = "one.test", .certificate = client, .only_1_2 = only_1_2};
    static_cast<void>(setup.pki.revoke({}));
    ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(setup.settings); }));
    const std::string session = first_session(rig, options);
    EXPECT_TRUE(resumes(rig, options, session));
    const auto opened = rig.on_layer([](TransportLayer& layer) {
      std::vector<std::string> domains;
      layer.for_each([&](const ConnectionFacts& facts) {
        if (facts.peer) domains = facts.peer->domains;
      });
      return domains;
    });
    static_cast<void>(setup.pki.revoke({"c"}));
    ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.reload(setup.settings); }));
    options.session = session;
    TestStream peer = TestStream::connect(rig.at(0));
    EXPECT_TRUE(!peer.handshake(options).empty() || peer.ended());
  }
}

TEST(TlsReload, TicketsOfAnotherKeyMeanAWholeHandshake) {
  TlsGround setup;
  std::string session;
  const test::TlsOptions options{.server_name = "one.test"};
  {
    TransportRig rig(setup.settings);
    session = first_session(rig, options);
  }
  TransportRig rig(setup.settings);
  EXPECT_FALSE(resumes(rig, options, session));
}

TEST(TicketKeys, TurnByTheHour) {
  TicketKeys keys;
  keys.maintain(1000);
  const auto first = keys.newest();
  const auto name = [](const TicketKeys::Key& key) { return std::span<const std::uint8_t, 16>(key.name); };
  keys.maintain(1000 + TicketKeys::kKeyLifeSeconds - 1);
  EXPECT_EQ(keys.newest().name, first.name);
  keys.maintain(1000 + TicketKeys::kKeyLifeSeconds);
  EXPECT_NE(keys.newest().name, first.name);
  ASSERT_TRUE(keys.find(name(first)));
  EXPECT_FALSE(keys.find(name(first))->newest);
  keys.maintain(1000 + 2 * TicketKeys::kKeyLifeSeconds);
  EXPECT_TRUE(keys.find(name(first)));
  keys.maintain(1000 + 3 * TicketKeys::kKeyLifeSeconds);
  EXPECT_FALSE(keys.find(name(first)));
  EXPECT_FALSE(keys.find(std::span<const std::uint8_t, 16>(TicketKeys::Name{})));
}

}  // namespace
}  // namespace sallyport::transport
