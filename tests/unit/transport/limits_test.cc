// SPDX-License-Identifier: GPL-3.0-or-later
// What peers can make grow or stretch ends at a limit that counts it, and others are served meanwhile.
#include <chrono>

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
using test::TransportRig;
using Kind = test::Told::Kind;

struct TlsGround {
  TestPki pki;
  TransportSettings settings;
  TlsGround() {
    settings.tls.certificates = {pki.issue({.name = "server", .names = {"DNS:sip.test"}})};
    settings.listeners = {tls_listener({"server"}), plain_listener(sip::Transport::tcp)};
  }
};

struct Slow {
  const char* what;
  Limit limit;
  std::uint64_t bound;
  bool tls;
  const char* sends;  ///< after the handshake
};

const Slow kSlow[] = {
    {"says nothing", Limit::first_message_s, 1, false, ""},
    {"says nothing in TLS", Limit::first_message_s, 1, true, ""},
    {"half a ping", Limit::first_message_s, 1, false, "\r"},
    {"half a start line", Limit::incomplete_s, 1, false, "OPTIO"},
    {"half a header", Limit::incomplete_s, 1, true, "OPTIONS sip:a@b SIP/2.0\r\nVia: "},
    {"half a body", Limit::incomplete_s, 1, true,
     "MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 10\r\n\r\n12345"},
    {"half a message after a whole one", Limit::incomplete_s, 1, false,
     "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\nOPT"},
    {"idle after a message", Limit::idle_s, 1, false, "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"},
    {"idle after a keep-alive", Limit::idle_s, 1, true, "\r\n\r\n"},
};

TEST(TransportLimits, SlowPeersAreClosed) {
  for (const Slow& slow : kSlow) {
    TlsGround setup;
    setup.settings.limits.set(slow.limit, slow.bound);
    TransportRig rig(setup.settings);
    TestStream peer = TestStream::connect(rig.at(slow.tls ? 0 : 1));
    if (slow.tls) {
      ASSERT_EQ(peer.handshake({}), "");
    }
    if (*slow.sends != '\0') {
      ASSERT_TRUE(peer.send(slow.sends));
    }
    const auto told = rig.next(Kind::closed);
    ASSERT_TRUE(told) << slow.what;
    EXPECT_NE(told->text.find(info(slow.limit).name), std::string::npos) << slow.what << ": " << told->text;
    EXPECT_EQ(rig.refusals(slow.limit), 1U) << slow.what;
  }
}

// One octet whenever the other side has had time: what is incomplete does not get younger by growing.
TEST(TransportLimits, OneOctetAtATimeIsNotProgress) {
  for (const bool within_record : {false, true}) {
    TlsGround setup;
    setup.settings.limits.set(Limit::incomplete_s, 1);
    TransportRig rig(setup.settings);
    TestStream peer = TestStream::connect(rig.at(0));
    ASSERT_EQ(peer.handshake({}), "");
    ASSERT_TRUE(peer.send("\r\n\r\n"));
    ASSERT_EQ(peer.receive(), "\r\n");
    const std::string text = sip_request("OPTIONS", std::string(100'000, 'x'));
    // A record of 16 000 octets of which one comes at a time, or records of one octet.
    const std::string record_head("\x17\x03\x03\x3e\x80", 5);
    const std::string octets = within_record ? record_head + text : text;
    std::size_t at = 0;
    auto last = std::chrono::steady_clock::now();
    const bool closed = rig.eventually([&](TransportLayer& layer) {
      const auto now = std::chrono::steady_clock::now();
      if (now - last >= std::chrono::milliseconds(5)) {
        last = now;
        if (within_record)
          static_cast<void>(::send(peer.descriptor(), &octets[at++], 1, MSG_NOSIGNAL));
        else
          static_cast<void>(peer.send(octets.substr(at++, 1)));
      }
      return layer.limits().refusals(Limit::incomplete_s) == 1;
    });
    EXPECT_GT(at, 20U);
    EXPECT_TRUE(closed);
    EXPECT_TRUE(peer.ended());
  }
}

TEST(TransportLimits, HandshakesEnd) {
  TlsGround setup;
  setup.settings.limits.set(Limit::handshake_ms, 100);
  TransportRig rig(setup.settings);
  TestStream silent = TestStream::connect(rig.at(0));
  TestStream half = TestStream::connect(rig.at(0));
  ASSERT_TRUE(half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6)));
  TestStream plain = TestStream::connect(rig.at(0));
  ASSERT_TRUE(plain.send("OPTIONS sip:a@b SIP/2.0\r\n\r\n"));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(half.ended());
  EXPECT_TRUE(plain.ended());
  EXPECT_TRUE(rig.eventually([](TransportLayer& l) { return l.counters()[Count::handshakes_failed] == 3; }));
  EXPECT_EQ(rig.refusals(Limit::handshake_ms), 2U);
  EXPECT_EQ(rig.on_layer([](TransportLayer& l) { return l.sources().handshakes(); }), 0U);
}

TEST(TransportLimits, ConnectingEnds) {
  TlsGround setup;
  setup.settings.limits.set(Limit::connect_ms, 100);
  TransportRig rig(setup.settings);
  // It accepts in the kernel and never answers the ClientHello.
  const Descriptor silent = *listen_on({IpAddress::v4({127, 0, 0, 1}), 0});
  const auto hop = rig.on_layer([&](TransportLayer& layer) {
    return layer.reach({.transport = sip::Transport::tls,
                        .remote = local_endpoint(silent.get()),
                        .server_name = "far.test"});
  });
  const auto told = rig.next(Kind::closed);
  ASSERT_TRUE(hop && told);
  EXPECT_EQ(told->hop, *hop);
  EXPECT_EQ(rig.refusals(Limit::connect_ms), 1U);
}

struct Flood {
  Limit limit;
  std::size_t listener;
};

TEST(TransportLimits, FloodsOfConnectionsAreRefused) {
  constexpr std::uint64_t kBound = 20;
  constexpr std::size_t kFlood = 200;
  for (const Flood& flood : {Flood{Limit::connections, 1}, Flood{Limit::connections_per_source, 1},
                             Flood{Limit::handshakes, 0}, Flood{Limit::handshakes_per_source, 0}}) {
    TlsGround setup;
    setup.settings.limits.set(flood.limit, kBound);
    TransportRig rig(setup.settings);
    // One that came before goes on.
    TestStream good = TestStream::connect(rig.at(0));
    ASSERT_EQ(good.handshake({}), "");
    ASSERT_TRUE(rig.next(Kind::opened));
    const bool handshakes = flood.limit == Limit::handshakes || flood.limit == Limit::handshakes_per_source;
    std::vector<TestStream> peers;
    for (std::size_t i = 0; i < kFlood; ++i) peers.push_back(TestStream::connect(rig.at(flood.listener)));
    const std::size_t room = handshakes ? kBound : kBound - 1;
    EXPECT_TRUE(rig.eventually([&](TransportLayer& layer) {
      return layer.limits().refusals(flood.limit) == kFlood - room;
    })) << info(flood.limit).name
        << " " << rig.refusals(flood.limit);
    ASSERT_TRUE(good.send(sip_request("OPTIONS", "a")));
    EXPECT_TRUE(rig.next(Kind::message));
    peers.clear();
    EXPECT_TRUE(rig.eventually([](TransportLayer& l) { return l.sources().connections() == 1; }))
        << "every place is given back";
  }
}

TEST(TransportLimits, OwnConnectionsAreBoundedToo) {
  TlsGround setup;
  setup.settings.limits.set(Limit::connections, 2);
  TransportRig rig(setup.settings);
  const Descriptor silent = *listen_on({IpAddress::v4({127, 0, 0, 1}), 0});
  rig.on_layer([&](TransportLayer& layer) {
    const auto reach = [&](const char* name) {
      return layer.reach(
          {.transport = sip::Transport::tls, .remote = local_endpoint(silent.get()), .server_name = name});
    };
    EXPECT_TRUE(reach("a.test"));
    EXPECT_TRUE(reach("b.test"));
    const auto third = reach("c.test");
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().error_class, ErrorClass::exhausted);
  });
}

TEST(TransportLimits, AGreedySenderIsReadMoreSlowlyAndLosesNothing) {
  constexpr std::size_t kMessages = 3000;
  TlsGround setup;
  setup.settings.limits.set(Limit::messages_per_second, 1000);
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({}), "");
  const std::string message = sip_request("OPTIONS", "a");
  std::jthread sender([&] {
    for (std::size_t i = 0; i < kMessages; ++i)
      if (!peer.send(message)) return;
  });
  EXPECT_TRUE(
      rig.eventually([](TransportLayer& l) { return l.limits().refusals(Limit::messages_per_second) != 0; }));
  TestStream other = TestStream::connect(rig.at(1));
  ASSERT_TRUE(other.send("\r\n\r\n"));
  EXPECT_EQ(other.receive(), "\r\n") << "others are served";
  EXPECT_TRUE(
      rig.eventually([](TransportLayer& l) { return l.counters()[Count::messages_received] == kMessages; }));
}

TEST(TransportLimits, WhoTakesNothingIsClosed) {
  TlsGround setup;
  setup.settings.limits.set(Limit::stalled_write_s, 1);
  setup.settings.limits.set(Limit::write_queue_bytes, 32 << 20);
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(0));
  ASSERT_EQ(peer.handshake({}), "");
  const auto opened = rig.next(Kind::opened);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(
      rig.on_layer([&](TransportLayer& l) { return l.send(opened->hop, std::string(16 << 20, 'x')); }));
  const auto told = rig.next(Kind::closed);
  ASSERT_TRUE(told);
  EXPECT_EQ(rig.refusals(Limit::stalled_write_s), 1U);
}

TEST(TransportLimits, PongsThatNobodyTakesDoNotPileUp) {
  TlsGround setup;
  setup.settings.limits.set(Limit::write_queue_bytes, 4096);
  setup.settings.limits.set(Limit::messages_per_second, 10'000'000);
  TransportRig rig(setup.settings);
  TestStream peer = TestStream::connect(rig.at(1));
  const int little = 4096;
  setsockopt(peer.descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  std::string pings;
  for (int i = 0; i < 16384; ++i) pings += "\r\n\r\n";
  std::jthread sender([&] {
    while (peer.send(pings))
      ;
  });
  EXPECT_TRUE(
      rig.eventually([](TransportLayer& l) { return l.limits().refusals(Limit::write_queue_bytes) > 10; }));
  std::size_t waiting = 0;
  rig.on_layer(
      [&](TransportLayer& l) { l.for_each([&](const ConnectionFacts& f) { waiting = f.waiting; }); });
  EXPECT_LE(waiting, 4096U);
  shutdown(peer.descriptor(), SHUT_RDWR);
}

struct Broken {
  const char* what;
  std::string octets;
  const char* status;
};

std::vector<Broken> broken_streams() {
  const std::string head = "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKx\r\n";
  return {
      {"a megabyte of header", head + "Subject: " + std::string(1 << 20, 'x'), "513"},
      {"a megabyte without a line", std::string(1 << 20, 'x'), "513"},
      {"a megabyte of NULs", std::string(1 << 20, '\0'), "513"},
      {"no length", head + "\r\n", "400"},
      {"negative length", head + "Content-Length: -1\r\n\r\n", "400"},
      {"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
      {"a length in words", head + "l: many\r\n\r\n", "400"},
      {"a length beyond all bounds", head + "Content-Length: 99999999999999999999999\r\n\r\n", "413"},
      {"a length beyond ours", head + "Content-Length: 4000000000\r\n\r\n", "413"},
  };
}

TEST(TransportLimits, BrokenStreamsAreAnsweredAndClosed) {
  for (const bool tls : {false, true}) {
    TlsGround setup;
    TransportRig rig(setup.settings);
    rig.on_message_do = [](TransportLayer& layer, const sip::Frame& frame, const sip::Hop& from) {
      EXPECT_TRUE(layer.send(from, "SIP/2.0 " + std::to_string(frame.defect->status)));
    };
    for (const Broken& broken : broken_streams()) {
      TestStream peer = TestStream::connect(rig.at(tls ? 0 : 1));
      if (tls) {
        ASSERT_EQ(peer.handshake({}), "");
      }
      // It may be closed while the rest is being sent.
      static_cast<void>(peer.send(broken.octets));
      const auto told = rig.next(Kind::broken);
      ASSERT_TRUE(told) << broken.what;
      EXPECT_EQ(told->text, broken.status) << broken.what;
      ASSERT_TRUE(rig.next(Kind::closed)) << broken.what;
    }
    EXPECT_EQ(rig.count(Count::closed_broken_stream), broken_streams().size());
  }
}

// A length that is too large makes the rest of the stream part of the body; one that is too small leaves
// garbage.
TEST(TransportLimits, LyingLengthsHurtOnlyTheLiar) {
  TlsGround setup;
  setup.settings.limits.set(Limit::incomplete_s, 1);
  TransportRig rig(setup.settings);
  const std::string head = "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKx\r\n";
  TestStream more = TestStream::connect(rig.at(1));
  ASSERT_TRUE(more.send(head + "Content-Length: 1000\r\n\r\nshort"));
  TestStream less = TestStream::connect(rig.at(1));
  ASSERT_TRUE(less.send(head + "Content-Length: 1\r\n\r\n0123456789\r\n\r\n"));
  TestStream good = TestStream::connect(rig.at(0));
  ASSERT_EQ(good.handshake({}), "");
  ASSERT_TRUE(good.send(sip_request("OPTIONS", "good")));
  EXPECT_TRUE(rig.eventually([](TransportLayer& l) { return l.counters()[Count::messages_received] == 3; }));
  EXPECT_TRUE(more.ended());
  EXPECT_TRUE(less.ended());
  EXPECT_EQ(rig.refusals(Limit::incomplete_s), 1U);
  EXPECT_EQ(rig.count(Count::closed_broken_stream), 1U);
}

}  // namespace
}  // namespace sallyport::transport
