// SPDX-License-Identifier: GPL-3.0-or-later
// Messages over UDP, TCP and TLS, both ways, and how connections begin, serve again and end.
#include "transport/transport_layer.h"

#include <array>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/support/transport_rig.h"
#include "transport/socket.h"

namespace sallyport::transport {
namespace {

using test::plain_listener;
using test::sip_request;
using test::TestPki;
using test::TestStream;
using test::tls_listener;
using test::Told;
using test::TransportRig;
using Kind = test::Told::Kind;

TransportSettings plain() {
  TransportSettings settings;
  settings.listeners = {plain_listener(sip::Transport::tcp), plain_listener(sip::Transport::udp)};
  return settings;
}

struct TlsSetup {
  TestPki pki;
  TransportSettings settings;
  explicit TlsSetup(ClientCertificates mode = ClientCertificates::none) {
    settings.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:sip.test"}})};
    settings.tls.ca = pki.ca();
    settings.listeners = {tls_listener({"server"}, mode)};
  }
};

Result<void> send_back(TransportRig& rig, const Told& told, const std::string& text) {
  return rig.on_layer([&](TransportLayer& layer) { return layer.send(told.hop, text); });
}

TEST(TransportLayer, CarriesMessagesOverTcp) {
  TransportRig rig(plain());
  TestStream peer = TestStream::connect(rig.at(0));
  const std::string request = sip_request("OPTIONS", "one");
  ASSERT_TRUE(peer.send(request));
  const auto told = rig.next(Kind::message);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->text, request);
  EXPECT_EQ(told->hop.transport, sip::Transport::tcp);
  EXPECT_EQ(told->hop.remote, peer.local());
  EXPECT_NE(told->hop.connection, 0U);
  ASSERT_TRUE(send_back(rig, *told, "SIP/2.0 200 OK\r\n\r\n"));
  EXPECT_EQ(peer.receive(), "SIP/2.0 200 OK\r\n\r\n");
}

TEST(TransportLayer, CarriesMessagesOverEitherTls) {
  TlsSetup setup;
  TransportRig rig(setup.settings);
  for (const bool only_1_2 : {false, true}) {
    TestStream peer = TestStream::connect(rig.at(0));
    ASSERT_EQ(peer.handshake({.ca = setup.pki.ca(), .server_name = "sip.test", .only_1_2 = only_1_2}), "");
    EXPECT_EQ(peer.version(), only_1_2 ? "TLSv1.2" : "TLSv1.3");
    ASSERT_TRUE(peer.send(sip_request("OPTIONS", "one")));
    const auto told = rig.next(Kind::message);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->hop.transport, sip::Transport::tls);
    const auto facts = rig.on_layer([&](TransportLayer& layer) { return layer.facts(told->hop.connection); });
    ASSERT_TRUE(facts && facts->tls);
    EXPECT_EQ(facts->tls->version, peer.version());
    EXPECT_EQ(facts->tls->server_name, "sip.test");
    EXPECT_FALSE(facts->peer);
    EXPECT_TRUE(facts->accepted);
    EXPECT_EQ(facts->listener, "tls");
    ASSERT_TRUE(send_back(rig, *told, "answer"));
    EXPECT_EQ(peer.receive(), "answer");
  }
}

TEST(TransportLayer, CarriesDatagramsAndAnswersToTheirSource) {
  TransportRig rig(plain());
  const Descriptor peer = *bind_datagram({IpAddress::v4({127, 0, 0, 1}), 0});
  const SocketAddress target(rig.at(1));
  const std::string request = sip_request("OPTIONS", "one");
  for (const std::string& text : {std::string("\r\n\r\n"), std::string("\0", 1), "\r\n" + request})
    ASSERT_GT(sendto(peer.get(), text.data(), text.size(), 0, target.get(), target.size), 0);
  const auto told = rig.next(Kind::message);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->text, request) << "keep-alives and empty lines are left out";
  EXPECT_EQ(told->hop.remote, local_endpoint(peer.get()));
  EXPECT_EQ(told->hop.connection, 0U);
  EXPECT_EQ(rig.count(Count::keep_alives), 2U);
  ASSERT_TRUE(send_back(rig, *told, "answer"));
  const timeval patience{20, 0};
  setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char room[100];
  while (recv(peer.get(), room, sizeof room, 0) < 0 && errno == EAGAIN)
    ;
  EXPECT_EQ(std::string_view(room, 6), "answer");
}

TEST(TransportLayer, ReportsDatagramsThatNobodyTakes) {
  TransportRig rig(plain());
  Endpoint nobody;
  {
    const Descriptor gone = *bind_datagram({IpAddress::v4({127, 0, 0, 1}), 0});
    nobody = local_endpoint(gone.get());
  }
  const auto hop = rig.on_layer([&](TransportLayer& layer) {
    return layer.reach({.transport = sip::Transport::udp, .remote = nobody, .listener = 1});
  });
  ASSERT_TRUE(hop);
  ASSERT_TRUE(rig.on_layer([&](TransportLayer& layer) { return layer.send(*hop, "text"); }));
  const auto told = rig.next(Kind::unreachable);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->hop, *hop);
  EXPECT_EQ(told->text, "Connection refused");
}

TEST(TransportLayer, RefusesWhatIsNoDatagram) {
  TransportRig rig(plain());
  const auto hop = rig.on_layer([&](TransportLayer& layer) {
    return layer.reach(
        {.transport = sip::Transport::udp, .remote = {IpAddress::v4({127, 0, 0, 1}), 9}, .listener = 1});
  });
  ASSERT_TRUE(hop);
  const auto sent =
      rig.on_layer([&](TransportLayer& layer) { return layer.send(*hop, std::string(70000, 'x')); });
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().error_class, ErrorClass::unsupported);
}

TEST(TransportLayer, CutsAndJoinsMessagesAsTheyCome) {
  TlsSetup setup;
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({}), "");
  const std::string first = sip_request("MESSAGE", "a", "", std::string(3000, 'x'));
  const std::string second = sip_request("MESSAGE", "b");
  // Three messages in pieces that end anywhere: within a start line, within a body, after two messages.
  const std::string all = first + second + first;
  for (std::size_t at = 0; at < all.size(); at += 1700)
    ASSERT_TRUE(peer.send(std::string_view(all).substr(at, 1700)));
  for (const std::string& expected : {first, second, first}) {
    const auto told = rig.next(Kind::message);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->text, expected);
  }
}

TEST(TransportLayer, AnswersKeepAlives) {
  TransportRig rig(plain());
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_TRUE(peer.send("\r\n\r\n"));
  EXPECT_EQ(peer.receive(), "\r\n");
  ASSERT_TRUE(peer.send("\r\n\r\n\r\n\r\n\r\n\r\n"));
  EXPECT_EQ(peer.receive(6), "\r\n\r\n\r\n");
  EXPECT_EQ(rig.count(Count::keep_alives), 4U);
}

TEST(TransportLayer, SendsKeepAlives) {
  TransportRig rig(plain());
  TestStream peer = TestStream::connect(rig.at(0));
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  rig.on_layer([&](TransportLayer& layer) { layer.ping(opened->hop.connection); });
  EXPECT_EQ(peer.receive(), "\r\n\r\n");
  ASSERT_TRUE(peer.send("\r\n"));
  EXPECT_TRUE(
      rig.eventually([](TransportLayer& layer) { return layer.counters()[Count::keep_alives] == 1; }));
}

struct Ending {
  const char* name;
  bool tls;
  void (*end)(TestStream&);
  Count count;
};

const Ending kEndings[] = {
    {"close", false, [](TestStream& peer) { peer.goodbye(); }, Count::closed_by_peer},
    {"reset", false, [](TestStream& peer) { peer.reset(); }, Count::closed_abruptly},
    {"close_notify", true, [](TestStream& peer) { peer.goodbye(); }, Count::closed_by_peer},
    {"cut", true, [](TestStream& peer) { shutdown(peer.descriptor(), SHUT_RDWR); }, Count::closed_abruptly},
    {"reset", true, [](TestStream& peer) { peer.reset(); }, Count::closed_abruptly},
    {"garbage", true,
     [](TestStream& peer) {
       const std::string garbage = "this is no TLS record at all";
       EXPECT_GT(::send(peer.descriptor(), garbage.data(), garbage.size(), 0), 0);
     },
     Count::closed_abruptly},
};

TEST(TransportLayer, TellsHowPeersEnd) {
  TlsSetup setup;
  setup.settings.listeners.push_back(plain_listener(sip::Transport::tcp));
  TransportRig rig(setup.settings);
  for (const Ending& ending : kEndings) {
    const std::uint64_t before = rig.count(ending.count);
    TestStream peer = TestStream::connect(rig.at(ending.tls ? 0 : 1));
    if (ending.tls) {
      ASSERT_EQ(peer.handshake({}), "");
    }
    const auto opened = rig.next(Kind::opened);
    ASSERT_TRUE(opened);
    ending.end(peer);
    const auto told = rig.next(Kind::closed);
    ASSERT_TRUE(told) << ending.name;
    EXPECT_EQ(told->hop, opened->hop);
    EXPECT_EQ(rig.count(ending.count), before + 1) << ending.name;
    const auto sent = rig.on_layer([&](TransportLayer& layer) { return layer.send(told->hop, "x"); });
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().error_class, ErrorClass::not_found);
  }
  EXPECT_EQ(rig.on_layer([](TransportLayer& layer) { return layer.sources().sources(); }), 0U);
}

TEST(TransportLayer, SaysGoodbyeWhenItCloses) {
  TlsSetup setup;
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({}), "");
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  rig.on_layer([&](TransportLayer& layer) {
    layer.close(opened->hop.connection, {ErrorClass::refused, "enough"});
  });
  EXPECT_TRUE(peer.ended_in_order());
  const auto told = rig.next(Kind::closed);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->text, "enough");
}

TEST(TransportLayer, ForbidsRenegotiation) {
  TlsSetup setup;
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({.only_1_2 = true}), "");
  EXPECT_FALSE(peer.renegotiate());
}

TEST(TransportLayer, MayCloseFromWithinAMessage) {
  TransportRig rig(plain());
  rig.on_message_do = [](TransportLayer& layer, const sip::Frame&, const sip::Hop& from) {
    layer.close(from.connection, {ErrorClass::refused, "no more"});
  };
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_TRUE(peer.send(sip_request("OPTIONS", "a") + sip_request("OPTIONS", "b")));
  ASSERT_TRUE(rig.next(Kind::message));
  ASSERT_TRUE(rig.next(Kind::closed));
  EXPECT_EQ(rig.count(Count::messages_received), 1U) << "what follows is not looked at";
}

/// A server of the test's own.
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

TEST(TransportLayer, OpensConnectionsAndUsesThemAgain) {
  TransportRig rig(plain());
  Server server;
  const Target target{.transport = sip::Transport::tcp, .remote = server.endpoint};
  const auto first = rig.on_layer([&](TransportLayer& layer) {
    const auto hop = layer.reach(target);
    EXPECT_TRUE(layer.send(*hop, "one ")) << "what is sent before the connection stands waits";
    EXPECT_TRUE(layer.send(*hop, "two "));
    return hop;
  });
  ASSERT_TRUE(first);
  TestStream peer = server.accept();
  EXPECT_EQ(peer.receive(8), "one two ");
  const auto second = rig.on_layer([&](TransportLayer& layer) { return layer.reach(target); });
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, *first);
  EXPECT_EQ(rig.count(Count::reused), 1U);
  peer.goodbye();
  ASSERT_TRUE(rig.next(Kind::closed));
  const auto third = rig.on_layer([&](TransportLayer& layer) { return layer.reach(target); });
  ASSERT_TRUE(third);
  EXPECT_NE(third->connection, first->connection);
}

TEST(TransportLayer, AnExclusiveConnectionServesNobodyElse) {
  TransportRig rig(plain());
  Server server;
  const Target shared{.transport = sip::Transport::tcp, .remote = server.endpoint};
  Target own = shared;
  own.exclusive = true;
  const auto hops = rig.on_layer([&](TransportLayer& layer) {
    return std::array{layer.reach(own).value(), layer.reach(shared).value(), layer.reach(own).value(),
                      layer.reach(shared).value()};
  });
  EXPECT_NE(hops[0].connection, hops[1].connection);
  EXPECT_NE(hops[2].connection, hops[0].connection);
  EXPECT_NE(hops[2].connection, hops[1].connection);
  EXPECT_EQ(hops[3], hops[1]);
  EXPECT_EQ(rig.count(Count::reused), 1U);
}

TEST(TransportLayer, ResumesItsSessionsOnlyWhereItIsToldTo) {
  for (const bool resume : {false, true}) {
    TlsSetup setup;
    setup.settings.tls.resume = resume;
    TransportRig rig(setup.settings);
    rig.on_message_do = [](TransportLayer& layer, const sip::Frame& frame, const sip::Hop& from) {
      if (frame.text.starts_with("OPTIONS"))
        static_cast<void>(layer.send(from, "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    };
    const Target self{
        .transport = sip::Transport::tls, .remote = rig.at(0), .server_name = "sip.test", .exclusive = true};
    // One after the other: the answer brings the ticket that the next connection shows.
    for (int i = 0; i < 3; ++i) {
      rig.on_layer([&](TransportLayer& layer) {
        const auto hop = layer.reach(self);
        EXPECT_TRUE(layer.send(*hop, sip_request("OPTIONS", "one")));
      });
      for (auto told = rig.next(Kind::message); told && !told->text.starts_with("SIP/2.0");)
        told = rig.next(Kind::message);
    }
    // Both ends are this layer's: each resumed connection counts twice.
    EXPECT_EQ(rig.count(Count::handshakes_resumed), resume ? 4U : 0U);
    EXPECT_EQ(rig.count(Count::handshakes_done), 6U);
  }
}

TEST(TransportLayer, DoesNotSendRequestsDownATcpConnectionOfAnother) {
  TransportRig rig(plain());
  TestStream peer = TestStream::connect(rig.at(0));
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  const auto hop = rig.on_layer([&](TransportLayer& layer) {
    return layer.reach({.transport = sip::Transport::tcp, .remote = peer.local()});
  });
  ASSERT_TRUE(hop);
  EXPECT_NE(hop->connection, opened->hop.connection);
}

TEST(TransportLayer, TellsWhatCannotBeReached) {
  TransportRig rig(plain());
  Endpoint nobody;
  {
    Server server;
    nobody = server.endpoint;
  }
  const auto hop = rig.on_layer([&](TransportLayer& layer) {
    return layer.reach({.transport = sip::Transport::tcp, .remote = nobody});
  });
  ASSERT_TRUE(hop);
  const auto told = rig.next(Kind::closed);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->hop, *hop);
  EXPECT_EQ(told->text, "Connection refused");
  EXPECT_EQ(rig.count(Count::connects_failed), 1U);
}

TEST(TransportLayer, RefusesTargetsThatMakeNoSense) {
  TransportRig rig(plain());
  const Endpoint good{IpAddress::v4({127, 0, 0, 1}), 9};
  const Target bad[] = {
      {.transport = sip::Transport::udp, .remote = good},
      {.transport = sip::Transport::udp, .remote = good, .listener = 0},
      {.transport = sip::Transport::udp, .remote = good, .listener = 7},
      {.transport = sip::Transport::tls, .remote = good},
      {.transport = sip::Transport::ws, .remote = good},
      {.transport = sip::Transport::tcp, .remote = {good.address, 0}},
      {.transport = sip::Transport::tcp, .remote = {IpAddress(), 5060}},
  };
  for (const Target& target : bad)
    EXPECT_FALSE(rig.on_layer([&](TransportLayer& layer) { return layer.reach(target); }));
}

TEST(TransportLayer, TellsOfAnAddressInUse) {
  TransportRig rig(plain());
  boost::asio::io_context context;
  struct Nobody : TransportUser {
    void on_message(sip::Frame, const sip::Hop&) override {}
    void on_connection_closed(const sip::Hop&, const Error&) override {}
    void on_unreachable(const sip::Hop&, const Error&) override {}
  } nobody;
  TransportSettings settings = plain();
  settings.listeners[0].address = rig.at(0);
  EXPECT_THROW(TransportLayer(context, settings, nobody), std::runtime_error);
}

TEST(TransportLayer, QueuesForASlowReaderAndLosesNothing) {
  TlsSetup setup;
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({}), "");
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  const std::string part(50'000, 'x');
  std::size_t sent = 0;
  // Until the queue is full.
  const auto refused = rig.on_layer([&](TransportLayer& layer) {
    for (;; ++sent)
      if (auto result = layer.send(opened->hop, part + std::to_string(sent)); !result) return result.error();
  });
  EXPECT_EQ(refused.error_class, ErrorClass::exhausted);
  EXPECT_EQ(rig.refusals(Limit::write_queue_bytes), 1U);
  std::string expected;
  for (std::size_t i = 0; i < sent; ++i) expected += part + std::to_string(i);
  EXPECT_EQ(peer.receive(expected.size()), expected);
}

}  // namespace
}  // namespace sallyport::transport
