// SPDX-License-Identifier: GPL-3.0-or-later
// What a media session tells each leg, and which relays come of it.
#include "tests/unit/control/media_session_rig.h"

namespace sallyport::control {
namespace {

using namespace test;

using MediaSessionTest = MediaSessionRig;

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

TEST_F(MediaSessionTest, MuxThatWeOfferIsTheAnswerersToGrant) {
  sip::MediaPolicy muxing = policy(MediaSecurity::none);
  muxing.offer_mux = true;
  session.emplace(services,
                  std::array<MediaLegSettings, kLegs>{
                      {{"access", policy(MediaSecurity::required), {}}, {"core", muxing, {}}}},
                  "call-1");
  for (const bool granted : {true, false, true}) {
    const std::string_view mux = granted ? "a=rtcp-mux\r\n" : "";
    const auto told =
        exchange(Leg::a, sdp(secure("audio", 5000, 0)), sdp(plain("audio", 6000, mux), "198.51.100.9"));
    EXPECT_TRUE(has(told[1], "a=rtcp-mux"));
    EXPECT_FALSE(has(told[0], "a=rtcp-mux"));
    EXPECT_EQ(relay().legs[1].mux, granted);
    EXPECT_EQ(relay().legs[1].target_rtcp.port, granted ? 6000 : 6001);
  }
}

TEST_F(MediaSessionTest, OneLegsPolicyTakesHeaderExtensionsFromBoth) {
  const std::string line = "a=extmap:1 urn:x\r\n";
  for (const auto& [a_keeps, b_keeps] :
       {std::pair(true, true), std::pair(true, false), std::pair(false, true)}) {
    sip::MediaPolicy a = policy(MediaSecurity::required), b = policy(MediaSecurity::none);
    a.filter.keep_extensions = a_keeps;
    b.filter.keep_extensions = b_keeps;
    session.emplace(services, std::array<MediaLegSettings, kLegs>{{{"access", a, {}}, {"core", b, {}}}},
                    "call-1");
    const auto told = exchange(Leg::a, sdp("a=extmap-allow-mixed\r\n" + secure("audio", 5000, 0, line)),
                               sdp(line + plain("audio", 6000, line), "198.51.100.9"));
    EXPECT_EQ(has(told[0], "a=extmap"), a_keeps && b_keeps);
    EXPECT_EQ(has(told[1], "a=extmap"), a_keeps && b_keeps);
  }
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

}  // namespace
}  // namespace sallyport::control
