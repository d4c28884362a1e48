// SPDX-License-Identifier: GPL-3.0-or-later
// MediaSession over the real RelayManager: who is told what, which relays come of it, and that every way to
// fail leaves what was there before.
#include "control/media/media_session.h"

#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "sip/sdp.h"
#include "tests/unit/control/media_double.h"

namespace sallyport::control {
namespace {

using dataplane::Command;
using dataplane::CommandKind;
using dataplane::CommandResult;
using sip::MediaSecurity;
using Text = MediaSession::Text;

constexpr std::string_view kConfig = R"(
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

constexpr std::string_view kKeys[] = {
    "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj",
    "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk", "MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5YWJjZGVm"};

/// A description of one end: `rest` are its m-lines.
std::string sdp(std::string_view rest, std::string_view host = "10.0.0.1", int version = 1) {
  const std::string address = (host.find(':') == host.npos ? "IN IP4 " : "IN IP6 ") + std::string(host);
  return "v=0\r\no=- 7 " + std::to_string(version) + " " + address + "\r\ns=-\r\nc=" + address +
         "\r\nt=0 0\r\n" + std::string(rest);
}
/// An m-line under the n-th key.
std::string secure(std::string_view kind, int port, int key, std::string_view attributes = "") {
  return "m=" + std::string(kind) + " " + std::to_string(port) +
         " RTP/SAVP 0 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" +
         std::string(kKeys[static_cast<std::size_t>(key)]) + "\r\n" + std::string(attributes);
}
std::string plain(std::string_view kind, int port, std::string_view attributes = "") {
  return "m=" + std::string(kind) + " " + std::to_string(port) + " RTP/AVP 0 8\r\n" + std::string(attributes);
}

sip::MediaPolicy policy(MediaSecurity security) {
  sip::MediaPolicy chosen;
  chosen.security = security;
  chosen.transport_secure = true;
  chosen.crypto.suites = {crypto::SuiteId::aes_cm_128_hmac_sha1_80};
  return chosen;
}

class MediaSessionTest : public testing::Test {
 protected:
  ~MediaSessionTest() override {
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
  MediaServices services{manager, ports,
                         [this](std::span<std::uint8_t> out) {
                           ++drawn;
                           for (std::size_t i = 0; i < out.size(); ++i)
                             out[i] = static_cast<std::uint8_t>(drawn * 7 + i);
                         },
                         sip_limits};
  IpAddress peer_a = IpAddress::parse("10.0.0.200").value();
  Command last;
  std::vector<CommandKind> orders;
  std::optional<MediaSession> session{
      std::in_place, services,
      std::array<MediaLegSettings, kLegs>{
          {{"access", policy(MediaSecurity::required), peer_a}, {"core", policy(MediaSecurity::none), {}}}},
      "call-1"};
};

std::uint16_t port_of(const std::string& text, std::size_t medium = 0) {
  return sip::parse_sdp(text).value().media(medium).port;
}
std::string origin_version(const std::string& text) {
  return std::string(sip::parse_sdp(text).value().origin().version);
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

TEST_F(MediaSessionTest, CallFromKeyedLegToPlainOne) {
  EXPECT_TRUE(session->description(Leg::a).empty());
  const std::string to_b = offer(Leg::a, sdp(secure("audio", 5000, 0)));
  EXPECT_TRUE(session->offer_is_open());
  EXPECT_TRUE(plane.idle()) << "an offer orders nothing";
  EXPECT_TRUE(has(to_b, "RTP/AVP") && !has(to_b, "crypto"));
  EXPECT_TRUE(has(to_b, "198.51.100.1") && !has(to_b, "10.0.0.1"));
  std::optional<Text> given;
  session->answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), into(given));
  EXPECT_FALSE(given) << "not before the worker serves it";
  EXPECT_EQ(run(), std::vector{CommandKind::link});
  ASSERT_TRUE(given && *given);
  EXPECT_TRUE(has(**given, "RTP/SAVP") && has(**given, "a=crypto:1 ") && !has(**given, kKeys[0]));
  EXPECT_FALSE(session->has_session());
  session->settle();
  EXPECT_TRUE(session->has_session());
  EXPECT_FALSE(session->offer_is_open());
  EXPECT_EQ(session->description(Leg::a), **given);
  EXPECT_EQ(session->description(Leg::b), to_b);

  const RelayInfo info = relay();
  EXPECT_EQ(info.label, "call-1");
  EXPECT_EQ(info.legs[0].local_rtp.port, port_of(**given));
  EXPECT_EQ(info.legs[1].local_rtp.port, port_of(to_b));
  EXPECT_EQ(info.legs[0].target_rtp.to_string(), "10.0.0.1:5000");
  EXPECT_EQ(info.legs[1].target_rtp.to_string(), "198.51.100.9:6000");
  EXPECT_EQ(info.legs[0].suite, crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_FALSE(info.legs[1].suite);
  EXPECT_EQ(info.legs[0].policy, dataplane::SourcePolicy::latch);
  const auto facts = session->facts();
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].kind, sip::MediaKind::audio);
  EXPECT_EQ(facts[0].relay, info.id);
  EXPECT_EQ(facts[0].codecs, (std::vector<std::string>{"PCMU/8000", "PCMA/8000"}));
  EXPECT_EQ(facts[0].legs[0].profile, "RTP/SAVP");
  EXPECT_EQ(facts[0].legs[1].profile, "RTP/AVP");
  EXPECT_EQ(facts[0].legs[0].suite, crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_FALSE(facts[0].legs[1].suite);
  EXPECT_EQ(facts[0].legs[1].remote->to_string(), "198.51.100.9:6000");
}

TEST_F(MediaSessionTest, LateOfferComesFromLegB) {
  begin(MediaSecurity::required, MediaSecurity::preferred);
  const std::string to_a = offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_TRUE(has(to_a, "RTP/SAVP") && has(to_a, "a=crypto:1 "));
  const std::string to_b = answer(Leg::a, sdp(secure("audio", 5000, 0)));
  EXPECT_FALSE(has(to_b, "crypto"));
  session->settle();
  EXPECT_TRUE(relay().legs[0].suite && !relay().legs[1].suite);
  EXPECT_EQ(relay().legs[0].local_rtp.port, port_of(to_a));
}

TEST_F(MediaSessionTest, PlainLegsLearnFromTheSignallingPeerToo) {
  begin(MediaSecurity::none, MediaSecurity::none);
  exchange(Leg::a, sdp(plain("audio", 5000)), sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_EQ(test::config_of(*last.flows[0]).arrival.signalling_peer, peer_a);
  EXPECT_TRUE(test::config_of(*last.flows[1]).arrival.signalling_peer.is_unspecified());
}

TEST_F(MediaSessionTest, PreviewThenTheSameAnswerCostsNothing) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  const std::string b = sdp(plain("audio", 6000), "198.51.100.9");
  const std::string first = answer(Leg::b, b, true);
  EXPECT_EQ(orders, std::vector{CommandKind::link}) << "early media";
  const auto draws = drawn;
  EXPECT_EQ(answer(Leg::b, b), first);
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(drawn, draws);
  // Only its o= line differs.
  EXPECT_EQ(answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9", 2)), first);
  EXPECT_TRUE(orders.empty());
  // Another place for the media: the key that leg a was told stays.
  EXPECT_EQ(answer(Leg::b, sdp(plain("audio", 6100), "198.51.100.9")), first);
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
  EXPECT_TRUE(test::config_of(*last.replacements[0]).succeeds.inbound);
  EXPECT_EQ(drawn, draws);
  session->settle();
  EXPECT_EQ(relay().legs[1].target_rtp.port, 6100);
  EXPECT_EQ(test::Live::streams, 2);
}

TEST_F(MediaSessionTest, AnswersWhileOrdersAreUnderWayWaitTheirTurn) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  std::vector<std::string> given;
  const auto note = [&](const Text& text) { given.push_back(text.value_or("fault")); };
  const std::string b = sdp(plain("audio", 6000), "198.51.100.9");
  session->answer(Leg::b, b, note, true);
  session->answer(Leg::b, b, note);
  session->answer(Leg::b, sdp(plain("audio", 6100), "198.51.100.9"), note);
  session->settle();
  EXPECT_TRUE(given.empty());
  EXPECT_EQ(session->offer(Leg::b, b).error().status, 491);
  manager.on_receipt(plane.take());
  EXPECT_EQ(given.size(), 2U) << "the second said nothing new";
  EXPECT_TRUE(session->offer_is_open());
  EXPECT_EQ(run(), std::vector{CommandKind::replace});
  ASSERT_EQ(given.size(), 3U);
  EXPECT_EQ(given[0], given[1]);
  EXPECT_EQ(given[0], given[2]);
  EXPECT_TRUE(session->has_session());
  EXPECT_FALSE(session->offer_is_open());
  EXPECT_EQ(relay().legs[1].target_rtp.port, 6100);
}

TEST_F(MediaSessionTest, QueuedAnswersAreCarriedOutInTheirOrder) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  std::vector<std::string> given;
  const auto note = [&](const Text& text) { given.push_back(text.value_or("fault")); };
  session->answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), note, true);
  session->answer(Leg::b, sdp(plain("audio", 6100), "198.51.100.9"), note);
  EXPECT_EQ(run(), (std::vector{CommandKind::link, CommandKind::replace}));
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0], given[1]);
  session->settle();
  EXPECT_EQ(relay().legs[1].target_rtp.port, 6100);
}

TEST_F(MediaSessionTest, RefreshChangesNothing) {
  const auto before = audio_call();
  const auto draws = drawn;
  for (int version = 2; version < 5; ++version) {
    const auto after = exchange(Leg::a, sdp(secure("audio", 5000, 0), "10.0.0.1", version),
                                sdp(plain("audio", 6000), "198.51.100.9", version));
    EXPECT_EQ(after, before) << "same text, same version";
    EXPECT_TRUE(orders.empty());
  }
  // The other leg refreshes: what each was told differs in who offers only.
  exchange(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), sdp(secure("audio", 5000, 0)));
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(drawn, draws) << "no new keys";
}

TEST_F(MediaSessionTest, HoldAndResumeKeepTheStreamsAndNeedNoOrder) {
  audio_call();
  struct Step {
    const char* what;
    Leg from;
    const char* offered;
    const char* answered;
    const char* told;
    std::array<bool, kLegs> expects;
  };
  const Step steps[] = {
      {"a holds", Leg::a, "a=sendonly\r\n", "a=recvonly\r\n", "a=sendonly", {true, false}},
      {"b holds too", Leg::b, "a=inactive\r\n", "a=inactive\r\n", "a=inactive", {false, false}},
      {"a resumes while b holds", Leg::a, "a=sendrecv\r\n", "a=sendonly\r\n", "a=sendrecv", {false, true}},
      {"both", Leg::b, "", "", "a=sendrecv", {true, true}},
      {"a leaves", Leg::a, "a=inactive\r\n", "a=inactive\r\n", "a=inactive", {false, false}},
  };
  int version = 1;
  std::string text;
  for (const Step& step : steps) {
    const std::string &a = step.from == Leg::a ? step.offered : step.answered,
                      &b = step.from == Leg::a ? step.answered : step.offered;
    ++version;
    const std::string of_a = sdp(secure("audio", 5000, 0, a), "10.0.0.1", version),
                      of_b = sdp(plain("audio", 6000, b), "198.51.100.9", version);
    text = offer(step.from, step.from == Leg::a ? of_a : of_b);
    EXPECT_TRUE(has(text, step.told)) << step.what;
    EXPECT_EQ(port_of(text), relay().legs[index(other(step.from))].local_rtp.port) << step.what;
    (void)answer(other(step.from), step.from == Leg::a ? of_b : of_a);
    EXPECT_TRUE(orders.empty()) << step.what;
    session->settle();
    const auto facts = session->facts().at(0);
    for (std::size_t i = 0; i < kLegs; ++i)
      EXPECT_EQ(sip::sends(facts.legs[i].direction), step.expects[i]) << step.what << " leg " << i;
  }
  plane.now += 60000;
  manager.scan(10);
  EXPECT_EQ(manager.totals().media_timeouts, 0U) << "nobody may send";
  exchange(Leg::a, sdp(secure("audio", 5000, 0)), sdp(plain("audio", 6000), "198.51.100.9"));
  plane.now += 5000;
  manager.scan(10);
  EXPECT_EQ(manager.totals().media_timeouts, 1U);
}

TEST_F(MediaSessionTest, HoldByAnAddressOfZerosStopsSendingThere) {
  audio_call();
  exchange(Leg::a, sdp(secure("audio", 5000, 0), "0.0.0.0"),
           sdp(plain("audio", 6000, "a=recvonly\r\n"), "198.51.100.9"));
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
  EXPECT_EQ(relay().legs[0].target_rtp.port, 0);
  EXPECT_TRUE(test::config_of(*last.replacements[0]).succeeds.inbound);
  EXPECT_FALSE(test::config_of(*last.replacements[0]).succeeds.source);
  audio_call();
  EXPECT_EQ(relay().legs[0].target_rtp.port, 5000);
  EXPECT_EQ(test::Live::streams, 2);
}

TEST_F(MediaSessionTest, VersionRisesWithEveryChangeAndOnlyThen) {
  auto told = audio_call();
  EXPECT_EQ(origin_version(told[0]), "1");
  EXPECT_EQ(origin_version(told[1]), "1");
  const std::string id = std::string(sip::parse_sdp(told[1]).value().origin().session_id);
  EXPECT_NE(id, sip::parse_sdp(told[0]).value().origin().session_id);
  told = exchange(Leg::a, sdp(secure("audio", 5000, 0, "a=sendonly\r\n")),
                  sdp(plain("audio", 6000, "a=recvonly\r\n"), "198.51.100.9"));
  EXPECT_EQ(origin_version(told[0]), "2");
  EXPECT_EQ(origin_version(told[1]), "2");
  // A new address of leg a concerns leg b not at all.
  told = exchange(Leg::a, sdp(secure("audio", 5002, 0, "a=sendonly\r\n"), "10.0.0.3"),
                  sdp(plain("audio", 6000, "a=recvonly\r\n"), "198.51.100.9"));
  EXPECT_EQ(origin_version(told[0]), "2");
  EXPECT_EQ(origin_version(told[1]), "2");
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
  EXPECT_EQ(sip::parse_sdp(told[1]).value().origin().session_id, id);
  // A rejected offer had its version.
  (void)offer(Leg::a, sdp(secure("audio", 5002, 0)));
  session->reject();
  told = exchange(Leg::a, sdp(secure("audio", 5002, 0, "a=inactive\r\n")),
                  sdp(plain("audio", 6000, "a=inactive\r\n"), "198.51.100.9"));
  EXPECT_EQ(origin_version(told[1]), "4");
}

TEST_F(MediaSessionTest, OnlyWhatWasRekeyedStartsAnew) {
  begin(MediaSecurity::required, MediaSecurity::required);
  exchange(Leg::a, sdp(secure("audio", 5000, 0)), sdp(secure("audio", 6000, 1), "198.51.100.9"));
  EXPECT_EQ(test::Live::streams, 4);
  // Leg b answers with another key; ours stays as it is offered again.
  exchange(Leg::a, sdp(secure("audio", 5000, 0)), sdp(secure("audio", 6000, 2), "198.51.100.9"));
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
  const auto& a = test::config_of(*last.replacements[0]).succeeds;
  const auto& b = test::config_of(*last.replacements[1]).succeeds;
  EXPECT_TRUE(a.inbound && a.outbound && b.outbound);
  EXPECT_FALSE(b.inbound);
  EXPECT_EQ(test::Live::streams, 4);
  // Back to the first one: spent.
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(secure("audio", 6000, 1), "198.51.100.9")), 488);
  session->reject();
  EXPECT_TRUE(orders.empty());
  exchange(Leg::a, sdp(secure("audio", 5000, 0)), sdp(secure("audio", 6000, 2), "198.51.100.9"));
  EXPECT_TRUE(orders.empty()) << "all as before the rejected offer";
}

TEST_F(MediaSessionTest, MediaComeAndGo) {
  const std::string b_audio = plain("audio", 6000), b_video = plain("video", 6010);
  audio_call();
  const std::uint64_t audio = session->relays().at(0);
  auto told = exchange(Leg::b, sdp(b_audio + b_video, "198.51.100.9"),
                       sdp(secure("audio", 5000, 0) + secure("video", 5010, 1)));
  EXPECT_EQ(orders, std::vector{CommandKind::link});
  ASSERT_EQ(session->relays().size(), 2U);
  EXPECT_EQ(session->relays()[0], audio);
  EXPECT_EQ(relay(1).legs[0].local_rtp.port, port_of(told[0], 1));
  EXPECT_EQ(ports_in_use(), 8U);
  // Gone.
  told = exchange(Leg::a, sdp(secure("audio", 5000, 0) + "m=video 0 RTP/SAVP 31\r\n"),
                  sdp(b_audio + "m=video 0 RTP/AVP 31\r\n", "198.51.100.9"));
  EXPECT_EQ(orders, std::vector{CommandKind::unlink});
  EXPECT_EQ(session->relays(), std::vector{audio});
  EXPECT_EQ(port_of(told[0], 1), 0);
  EXPECT_EQ(ports_in_use(), 4U);
  EXPECT_EQ(session->facts().at(1).relay, 0U);
  // Back under the key that it had: refused alone, for its packets could be played again.
  told = exchange(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1)),
                  sdp(b_audio + "m=video 0 RTP/AVP 31\r\n", "198.51.100.9"));
  EXPECT_EQ(port_of(told[1], 1), 0);
  EXPECT_EQ(port_of(told[0], 1), 0);
  // Under another one.
  told = exchange(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 2)),
                  sdp(b_audio + b_video, "198.51.100.9"));
  EXPECT_EQ(orders, std::vector{CommandKind::link});
  EXPECT_NE(port_of(told[0], 1), 0);
  // Media that are left out are an error, and change nothing.
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0))), 400);
  EXPECT_EQ(session->relays().size(), 2U);
}

TEST_F(MediaSessionTest, RefusedMediaKeepTheirPlaceWithoutPorts) {
  const std::string to_b = offer(Leg::a, sdp("m=application 9 UDP/DTLS/SCTP webrtc\r\n" +
                                             secure("audio", 5000, 0) + plain("video", 5010)));
  EXPECT_EQ(port_of(to_b, 0), 0);
  EXPECT_NE(port_of(to_b, 1), 0);
  EXPECT_EQ(port_of(to_b, 2), 0) << "SRTP is required on leg a";
  EXPECT_EQ(ports_in_use(), 4U);
  const std::string to_a = answer(
      Leg::b, sdp("m=application 0 UDP/DTLS/SCTP webrtc\r\n" + plain("audio", 6000) + plain("video", 0),
                  "198.51.100.9"));
  session->settle();
  EXPECT_NE(port_of(to_a, 1), 0);
  EXPECT_EQ(session->relays().size(), 1U);
}

TEST_F(MediaSessionTest, AnswererRefusesAMedium) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1)));
  EXPECT_EQ(ports_in_use(), 8U);
  const std::string to_a =
      answer(Leg::b, sdp(plain("audio", 6000) + "m=video 0 RTP/AVP 31\r\n", "198.51.100.9"));
  EXPECT_EQ(port_of(to_a, 1), 0);
  session->settle();
  EXPECT_EQ(ports_in_use(), 4U);
}

TEST_F(MediaSessionTest, MuxOnOneLegOnly) {
  exchange(Leg::a, sdp(secure("audio", 5000, 0, "a=rtcp-mux\r\n")),
           sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_TRUE(relay().legs[0].mux);
  EXPECT_FALSE(relay().legs[1].mux);
  EXPECT_EQ(relay().legs[0].local_rtp, relay().legs[0].local_rtcp);
  // A phone that muxed may cease to: it has a port for RTCP.
  exchange(Leg::a, sdp(secure("audio", 5000, 0, "a=rtcp:5055\r\n")),
           sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_EQ(relay().legs[0].local_rtcp.port, relay().legs[0].local_rtp.port + 1);
  EXPECT_EQ(relay().legs[0].target_rtcp.port, 5055);
}

TEST_F(MediaSessionTest, AddressFamilies) {
  // The offerer's own; of the other leg the side's.
  auto told = exchange(Leg::a, sdp(secure("audio", 5000, 0), "2001:db8::9"),
                       sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_TRUE(has(told[0], "IN IP6 2001:db8::1"));
  EXPECT_TRUE(has(told[1], "IN IP4 198.51.100.1"));
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0), "10.0.0.1")), 488);
  EXPECT_FALSE(session->offer_is_open());
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0), "2001:db8::9"));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "2001:db8::9")), 488);
  session->reject();
  // A side that has it not.
  session.emplace(services,
                  std::array<MediaLegSettings, kLegs>{{{"core", policy(MediaSecurity::required), {}},
                                                       {"access", policy(MediaSecurity::none), {}}}},
                  "call-2");
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0), "2001:db8::9")), 488);
  // Towards a peer whose signalling is IPv6.
  session.emplace(services,
                  std::array<MediaLegSettings, kLegs>{
                      {{"core", policy(MediaSecurity::required), {}},
                       {"access", policy(MediaSecurity::none), IpAddress::parse("2001:db8::7").value()}}},
                  "call-3");
  EXPECT_TRUE(has(offer(Leg::a, sdp(secure("audio", 5000, 0))), "IN IP6 2001:db8::1"));
}

TEST_F(MediaSessionTest, OffersThatAreRefusedLeaveNothing) {
  struct Case {
    const char* what;
    std::string text;
    std::uint16_t status;
  };
  std::string many = sdp(""), lines = sdp(secure("audio", 5000, 0));
  for (int i = 0; i < 17; ++i) many += plain("audio", 5000);
  for (int i = 0; i < 1100; ++i) lines += "a=x\r\n";
  const Case cases[] = {
      {"nothing", "", 400},
      {"no SDP", "hello\r\n", 400},
      {"a broken m-line", sdp("m=audio x RTP/AVP 0\r\n"), 400},
      {"in clear where SRTP is required", sdp(plain("audio", 5000)), 488},
      {"a secure profile without keys", sdp("m=audio 5000 RTP/SAVP 0\r\n"), 488},
      {"an unknown suite", sdp("m=audio 5000 RTP/SAVP 0\r\na=crypto:1 X inline:AAAA\r\n"), 488},
      {"no media that we relay", sdp("m=image 5000 udptl t38\r\n"), 488},
      {"multicast", sdp(secure("audio", 5000, 0), "224.2.1.1"), 488},
      {"a host name",
       "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 host.example\r\nt=0 0\r\n" + secure("audio", 5000, 0),
       488},
      {"too many media", many, 488},
      {"too many lines", lines, 488},
  };
  for (const Case& entry : cases) {
    EXPECT_EQ(refused_offer(Leg::a, entry.text), entry.status) << entry.what;
    EXPECT_FALSE(session->offer_is_open()) << entry.what;
    EXPECT_EQ(ports_in_use(), 0U) << entry.what;
  }
  EXPECT_EQ(sip_limits.refusals(sip::Limit::sdp_media), 1U);
  EXPECT_EQ(sip_limits.refusals(sip::Limit::sdp_lines), 1U);
  EXPECT_TRUE(plane.idle());
  audio_call();
}

TEST_F(MediaSessionTest, AnswersThatAreRefusedLeaveTheOfferOpen) {
  begin(MediaSecurity::required, MediaSecurity::required);
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  struct Case {
    const char* what;
    std::string text;
    std::uint16_t status;
  };
  const std::string good = sdp(secure("audio", 6000, 1), "198.51.100.9");
  const Case cases[] = {
      {"no SDP", "hello", 400},
      {"more media than were offered", sdp(secure("audio", 6000, 1) + secure("video", 6010, 2)), 400},
      {"no media", sdp(""), 400},
      {"another kind", sdp(secure("video", 6000, 1)), 400},
      {"in clear", sdp(plain("audio", 6000)), 488},
      {"a tag that was not offered",
       sdp("m=audio 6000 RTP/SAVP 0\r\na=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKeys[1]) +
           "\r\n"),
       488},
      {"the other leg's key", sdp(secure("audio", 6000, 0), "198.51.100.9"), 488},
      {"an address of the other family", sdp(secure("audio", 6000, 1), "2001:db8::5"), 488},
  };
  for (const Case& entry : cases) {
    EXPECT_EQ(refused_answer(Leg::b, entry.text), entry.status) << entry.what;
    EXPECT_TRUE(orders.empty()) << entry.what;
    EXPECT_TRUE(session->offer_is_open()) << entry.what;
  }
  EXPECT_EQ(refused_answer(Leg::a, good), 500) << "the offerer answers itself";
  EXPECT_EQ(refused_offer(Leg::b, good), 491);
  (void)answer(Leg::b, good);
  session->settle();
  EXPECT_EQ(refused_answer(Leg::b, good), 500) << "no offer is open";
  session->settle();
  session->reject();
  EXPECT_EQ(session->relays().size(), 1U);
}

TEST_F(MediaSessionTest, PortsRunOut) {
  std::vector<PortLease> taken;
  while (ports.pool(2).ports_free() > 2) taken.push_back(ports.take(1, LegSpec{}).value());
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1))), 503);
  EXPECT_EQ(limits.refusals(Limit::media_ports), 1U);
  audio_call();
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1))), 503);
  EXPECT_EQ(session->relays().size(), 1U);
  EXPECT_EQ(ports_in_use(), 4 + 2 * taken.size());
}

TEST_F(MediaSessionTest, RelaysRunOut) {
  limits.set(Limit::relays, 1);
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000) + plain("video", 6010), "198.51.100.9")), 503);
  session->reject();
  run();
  expect_nothing_left();
}

TEST_F(MediaSessionTest, RejectedFirstOfferGivesEverythingBack) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  EXPECT_EQ(ports_in_use(), 4U);
  session->reject();
  EXPECT_EQ(ports_in_use(), 0U);
  // After early media.
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  (void)answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), true);
  session->reject();
  EXPECT_EQ(run(), std::vector{CommandKind::unlink});
  expect_nothing_left();
  EXPECT_TRUE(session->description(Leg::a).empty());
  EXPECT_TRUE(session->facts().empty());
  EXPECT_FALSE(session->has_session());
}

TEST_F(MediaSessionTest, RejectedLaterOfferChangesNothing) {
  const auto before = audio_call();
  const std::string video = secure("audio", 5002, 0) + secure("video", 5010, 1);
  for (const bool previewed : {false, true}) {
    (void)offer(Leg::a, sdp(video, "10.0.0.4"));
    EXPECT_EQ(ports_in_use(), 8U);
    if (previewed) {
      EXPECT_FALSE(
          answer(Leg::b, sdp(plain("audio", 6000) + plain("video", 6010), "198.51.100.9"), true).empty());
      EXPECT_TRUE(orders.empty()) << "what was agreed before holds until the new is";
    }
    session->reject();
    EXPECT_TRUE(plane.idle());
    EXPECT_EQ(ports_in_use(), 4U);
    EXPECT_EQ(relay().legs[0].target_rtp.to_string(), "10.0.0.1:5000");
    EXPECT_EQ(session->description(Leg::a), before[0]);
    EXPECT_EQ(session->description(Leg::b), before[1]);
    EXPECT_EQ(session->facts().size(), 1U);
  }
}

TEST_F(MediaSessionTest, PreviewWithinASessionTakesEffectWhenSettled) {
  audio_call();
  (void)offer(Leg::a, sdp(secure("audio", 5002, 0), "10.0.0.4"));
  (void)answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), true);
  EXPECT_TRUE(orders.empty());
  session->settle();
  EXPECT_EQ(run(), std::vector{CommandKind::replace});
  EXPECT_EQ(relay().legs[0].target_rtp.to_string(), "10.0.0.4:5002");
  EXPECT_FALSE(session->offer_is_open());
}

TEST_F(MediaSessionTest, RejectWhileOrdersAreUnderWay) {
  for (const bool in_session : {false, true}) {
    if (in_session) audio_call();
    const std::uint64_t before = manager.size();
    (void)offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, in_session ? 1 : 2)));
    std::optional<Text> given;
    session->answer(Leg::b, sdp(plain("audio", 6000) + plain("video", 6010), "198.51.100.9"), into(given));
    session->reject();
    run();
    EXPECT_FALSE(given);
    EXPECT_FALSE(session->offer_is_open());
    // An answer that was no preview ends the exchange within a session.
    EXPECT_EQ(manager.size(), in_session ? before + 1 : 0U);
    if (!in_session) begin(MediaSecurity::required, MediaSecurity::none);
  }
}

TEST_F(MediaSessionTest, WorkerThatRefuses) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1)));
  const std::string b = sdp(plain("audio", 6000) + plain("video", 6010), "198.51.100.9");
  std::optional<Text> given;
  session->answer(Leg::b, b, into(given));
  Command order = plane.take();
  order.result = CommandResult::port_in_use;
  manager.on_receipt(order);
  EXPECT_FALSE(given) << "the other relay's receipt is not there";
  run();
  ASSERT_TRUE(given && !*given);
  EXPECT_EQ(given->error().status, 500);
  EXPECT_EQ(refused_answer(Leg::b, b), 488) << "its ports are gone";
  session->reject();
  run();
  expect_nothing_left();
}

TEST_F(MediaSessionTest, RelayThatEndedMeanwhileIsAServerError) {
  audio_call();
  manager.drop(session->relays().at(0), [](const auto&) {});
  run();
  (void)offer(Leg::a, sdp(secure("audio", 5002, 0)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")), 500);
}

TEST_F(MediaSessionTest, DestroyedWhileAnAnswerIsUnderWay) {
  for (const bool in_session : {false, true}) {
    begin(MediaSecurity::required, MediaSecurity::none);
    if (in_session) audio_call();
    (void)offer(Leg::a, sdp(secure("audio", 5002, 0)));
    bool called = false;
    session->answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), [&](const Text&) { called = true; });
    session->answer(Leg::b, sdp(plain("audio", 6100), "198.51.100.9"), [&](const Text&) { called = true; });
    session.reset();
    run();
    EXPECT_FALSE(called);
    expect_nothing_left();
  }
}

TEST_F(MediaSessionTest, DestroyedByItsOwnCallback) {
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  int called = 0;
  const auto end = [&](const Text&) {
    ++called;
    session.reset();
  };
  session->answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), end);
  session->answer(Leg::b, sdp(plain("audio", 6100), "198.51.100.9"), end);
  run();
  EXPECT_EQ(called, 1);
  expect_nothing_left();
  // And by one that comes within the call.
  begin(MediaSecurity::required, MediaSecurity::none);
  session->answer(Leg::b, "", end);
  EXPECT_EQ(called, 2);
}

TEST_F(MediaSessionTest, KeysOfASessionAreBounded) {
  limits.set(Limit::relay_keys, 3);
  audio_call();
  (void)offer(Leg::a, sdp(secure("audio", 5000, 1)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")), 503);
}

TEST_F(MediaSessionTest, UnknownSide) {
  session.emplace(services,
                  std::array<MediaLegSettings, kLegs>{{{"access", policy(MediaSecurity::required), {}},
                                                       {"nowhere", policy(MediaSecurity::none), {}}}},
                  "call-2");
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0))), 500);
  expect_nothing_left();
}

}  // namespace
}  // namespace sallyport::control
