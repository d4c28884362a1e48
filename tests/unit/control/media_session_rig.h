// SPDX-License-Identifier: GPL-3.0-or-later
// A media session between two sides, over the real RelayManager and workers that do as a test says.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/media/media_session.h"
#include "sip/sdp.h"
#include "tests/unit/control/media_double.h"

namespace sallyport::control::test {

using dataplane::Command;
using dataplane::CommandKind;
using dataplane::CommandResult;
using sip::MediaSecurity;
using Text = MediaSession::Text;

inline constexpr std::string_view kConfig = R"(
[media]
timeout_s = 5
[media.side.access]
device = "eth0"
addresses = ["192.0.2.1", "2001:db8::1"]
ports = "30000-30015"
[media.side.core]
device = "eth0"
addresses = ["198.51.100.1"]
ports = "40000-40015"
)";

inline constexpr std::string_view kKeys[] = {
    "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj",
    "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk", "MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5YWJjZGVm"};

/// A description of one end: `rest` are its m-lines.
inline std::string sdp(std::string_view rest, std::string_view host = "10.0.0.1", int version = 1) {
  const std::string address = (host.find(':') == host.npos ? "IN IP4 " : "IN IP6 ") + std::string(host);
  return "v=0\r\no=- 7 " + std::to_string(version) + " " + address + "\r\ns=-\r\nc=" + address +
         "\r\nt=0 0\r\n" + std::string(rest);
}
/// An m-line under the n-th key.
inline std::string secure(std::string_view kind, int port, int key, std::string_view attributes = "") {
  return "m=" + std::string(kind) + " " + std::to_string(port) +
         " RTP/SAVP 0 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" +
         std::string(kKeys[static_cast<std::size_t>(key)]) + "\r\n" + std::string(attributes);
}
inline std::string plain(std::string_view kind, int port, std::string_view attributes = "") {
  return "m=" + std::string(kind) + " " + std::to_string(port) + " RTP/AVP 0 8\r\n" + std::string(attributes);
}

inline sip::MediaPolicy policy(MediaSecurity security) {
  sip::MediaPolicy chosen;
  chosen.security = security;
  chosen.transport_secure = true;
  chosen.crypto.suites = {crypto::SuiteId::aes_cm_128_hmac_sha1_80};
  return chosen;
}

class MediaSessionRig : public testing::Test {
 protected:
  ~MediaSessionRig() override {
    session.reset();
    run();
    expect_nothing_left();
  }
  void expect_nothing_left() {
    EXPECT_EQ(manager.size(), 0U);
    EXPECT_EQ(test::Live::flows, 0);
    EXPECT_EQ(test::Live::streams, 0);
    EXPECT_EQ(ports_in_use(), 0U);
    EXPECT_EQ(manager.operations_under_way(), 0U);
  }
  std::size_t ports_in_use() const {
    std::size_t count = 0;
    for (std::uint8_t address = 0; address < 3; ++address) count += ports.pool(address).ports_in_use();
    return count;
  }
  /// The workers carry out what waits; gives the kinds of orders.
  std::vector<CommandKind> run() {
    std::vector<CommandKind> kinds;
    while (!plane.idle()) {
      const Command order = plane.take();
      kinds.push_back(order.kind);
      last = order;
      manager.on_receipt(order);
    }
    return kinds;
  }
  std::string offer(Leg from, const std::string& text) {
    const Text given = session->offer(from, text);
    EXPECT_TRUE(given) << (given ? "" : given.error().reason);
    return given.value_or("");
  }
  MediaSession::Done into(std::optional<Text>& slot) {
    return [&slot](Text text) { slot.emplace(std::move(text)); };
  }
  std::string answer(Leg from, const std::string& text, bool preview = false) {
    std::optional<Text> given;
    session->answer(from, text, into(given), preview);
    orders = run();
    EXPECT_TRUE(given);
    if (!given) return "";
    EXPECT_TRUE(*given) << (*given ? "" : (*given).error().reason);
    return (*given).value_or("");
  }
  std::uint16_t refused_offer(Leg from, const std::string& text) {
    const Text given = session->offer(from, text);
    EXPECT_FALSE(given);
    EXPECT_TRUE(given || !given.error().reason.empty());
    return given ? std::uint16_t{0} : given.error().status;
  }
  std::uint16_t refused_answer(Leg from, const std::string& text) {
    std::optional<Text> given;
    session->answer(from, text, into(given));
    orders = run();
    EXPECT_TRUE(given && !*given);
    return given && !*given ? (*given).error().status : std::uint16_t{0};
  }
  /// One whole exchange; gives what each leg was told.
  std::array<std::string, kLegs> exchange(Leg from, const std::string& offered, const std::string& answered) {
    std::array<std::string, kLegs> told;
    told[index(other(from))] = offer(from, offered);
    told[index(from)] = answer(other(from), answered);
    session->settle();
    return told;
  }
  /// Leg a with keys, leg b in clear; one audio relay.
  std::array<std::string, kLegs> audio_call() {
    return exchange(Leg::a, sdp(secure("audio", 5000, 0)), sdp(plain("audio", 6000), "198.51.100.9"));
  }
  RelayInfo relay(std::size_t number = 0) { return manager.show(session->relays().at(number)).value(); }
  void begin(MediaSecurity a, MediaSecurity b) {
    session.emplace(
        services,
        std::array<MediaLegSettings, kLegs>{{{"access", policy(a), peer_a}, {"core", policy(b), {}}}},
        "call-1");
  }

  const Config config = parse_config(kConfig, "t.toml").value();
  Limits limits = config.limits;
  sip::Limits sip_limits;
  test::Plane plane;
  test::Resolver resolver;
  NextHopTable hops{plane, resolver, limits};
  MediaPorts ports{config, limits, 1};
  RelayManager manager{config, limits, plane, hops, ports};
  std::uint8_t drawn = 0;
  test::HandshakeDouble handshake_thread;
  Handshakes handshakes{handshake_thread, keying::DtlsKeyType::ecdsa_p256};
  MediaServices services{manager, ports,
                         [this](std::span<std::uint8_t> out) {
                           ++drawn;
                           for (std::size_t i = 0; i < out.size(); ++i)
                             out[i] = static_cast<std::uint8_t>(drawn * 7 + i);
                         },
                         sip_limits, handshakes};
  IpAddress peer_a = IpAddress::parse("10.0.0.200").value();
  Command last;
  std::vector<CommandKind> orders;
  std::optional<MediaSession> session{
      std::in_place, services,
      std::array<MediaLegSettings, kLegs>{
          {{"access", policy(MediaSecurity::required), peer_a}, {"core", policy(MediaSecurity::none), {}}}},
      "call-1"};
};

inline std::uint16_t port_of(const std::string& text, std::size_t medium = 0) {
  return sip::parse_sdp(text).value().media(medium).port;
}
inline std::string origin_version(const std::string& text) {
  return std::string(sip::parse_sdp(text).value().origin().version);
}
inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace sallyport::control::test
