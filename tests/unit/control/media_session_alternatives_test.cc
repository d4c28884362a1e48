// SPDX-License-Identifier: GPL-3.0-or-later
// Media sessions with a leg that describes a medium in two m-lines, with SRTP and without: the other leg sees
// one, and every m-line keeps its place from offer to offer.
#include "tests/unit/control/media_session_handshakes_rig.h"

namespace sallyport::control::test {
namespace alternatives_test {

using sip::DualLines;
using Lines = std::vector<std::string>;

/// `5000 RTP/SAVP` of each m-line, with `-` for a port that is ours.
Lines lines_of(const std::string& text) {
  const sip::Sdp sdp = sip::parse_sdp(text).value();
  Lines all;
  for (std::size_t i = 0; i < sdp.media_count(); ++i)
    all.push_back((sdp.media(i).port == 0 ? "0 " : "- ") + std::string(sdp.media(i).protocol));
  return all;
}
std::string pair(std::string_view kind = "audio", int key = 0, std::string_view attributes = "") {
  return secure(kind, 5000, key, attributes) + plain(kind, 5002, attributes);
}
const std::string kRefusedPlain = "m=audio 0 RTP/AVP 0 8\r\n", kRefusedSecure = "m=audio 0 RTP/SAVP 0 8\r\n";
const Lines kSecure = {"- RTP/SAVP", "0 RTP/AVP"}, kPlain = {"0 RTP/SAVP", "- RTP/AVP"};

class MediaSessionAlternatives : public MediaSessionRig {
 protected:
  void begin_with(const sip::MediaPolicy& a, const sip::MediaPolicy& b) {
    session.emplace(services, std::array<MediaLegSettings, kLegs>{{{"access", a, peer_a}, {"core", b, {}}}},
                    "call-1");
  }
  /// Leg b is offered two m-lines where there is a choice.
  void begin_offering() {
    sip::MediaPolicy b = policy(MediaSecurity::preferred);
    b.dual_lines = DualLines::offer;
    begin_with(policy(MediaSecurity::required), b);
  }
  /// Leg a's secure medium, which leg b answers so.
  std::array<std::string, kLegs> offered(const std::string& answered, int version = 1) {
    return exchange(Leg::a, sdp(secure("audio", 5000, 0), "10.0.0.1", version),
                    sdp(answered, "198.51.100.9", version));
  }
  const std::string of_b = sdp(plain("audio", 6000), "198.51.100.9");
};

TEST_F(MediaSessionAlternatives, OneOfAPairIsTakenByPolicy) {
  struct Case {
    MediaSecurity security;
    const Lines& told;
    const char* target;
  };
  for (const Case& each : {Case{MediaSecurity::required, kSecure, "10.0.0.1:5000"},
                           Case{MediaSecurity::preferred, kSecure, "10.0.0.1:5000"},
                           Case{MediaSecurity::none, kPlain, "10.0.0.1:5002"}}) {
    begin(each.security, MediaSecurity::none);
    const auto told = exchange(Leg::a, sdp(pair()), of_b);
    EXPECT_EQ(lines_of(told[0]), each.told);
    EXPECT_EQ(lines_of(told[1]), Lines{"- RTP/AVP"}) << "the other leg knows nothing of it";
    ASSERT_EQ(session->relays().size(), 1U);
    EXPECT_EQ(relay().legs[0].target_rtp.to_string(), each.target);
    EXPECT_EQ(relay().legs[0].suite.has_value(), each.security != MediaSecurity::none);
    EXPECT_EQ(session->facts().size(), 1U);
  }
}

TEST_F(MediaSessionAlternatives, WithoutAUsableKeyThePlainOneIsLeft) {
  const std::string unusable =
      "m=audio 5000 RTP/SAVP 0 8\r\na=crypto:1 X_SUITE inline:AAAA\r\n" + plain("audio", 5002);
  EXPECT_EQ(refused_offer(Leg::a, sdp(unusable)), 488) << "SRTP is required";
  begin(MediaSecurity::preferred, MediaSecurity::none);
  EXPECT_EQ(lines_of(exchange(Leg::a, sdp(unusable), of_b)[0]), kPlain);
}

TEST_F(MediaSessionAlternatives, ByPolicyTwoLinesAreTwoMedia) {
  sip::MediaPolicy a = policy(MediaSecurity::preferred);
  a.dual_lines = DualLines::off;
  begin_with(a, policy(MediaSecurity::none));
  const auto told =
      exchange(Leg::a, sdp(pair()), sdp(plain("audio", 6000) + plain("audio", 6002), "198.51.100.9"));
  EXPECT_EQ(lines_of(told[1]).size(), 2U);
  EXPECT_EQ(session->relays().size(), 2U);
}

TEST_F(MediaSessionAlternatives, LaterOffersOfTheLegChangeNothing) {
  const auto before = exchange(Leg::a, sdp(pair()), of_b);
  const auto draws = drawn;
  int version = 1;
  for (const std::string& media : {pair(), secure("audio", 5000, 0) + kRefusedPlain}) {
    ++version;
    EXPECT_EQ(exchange(Leg::a, sdp(media, "10.0.0.1", version), of_b), before);
    EXPECT_TRUE(orders.empty());
  }
  EXPECT_EQ(drawn, draws);
  // The other leg's offer has them in their places, too, and the version of what has not changed.
  EXPECT_EQ(offer(Leg::b, of_b), before[0]);
  EXPECT_EQ(answer(Leg::a, sdp(secure("audio", 5000, 0) + kRefusedPlain, "10.0.0.1", ++version)), before[1]);
  session->settle();
  EXPECT_EQ(session->description(Leg::a), before[0]);
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0))), 400) << "an m-line is missing";
}

TEST_F(MediaSessionAlternatives, HoldAndResume) {
  exchange(Leg::a, sdp(pair()), of_b);
  auto told = exchange(Leg::a, sdp(pair("audio", 0, "a=sendonly\r\n")),
                       sdp(plain("audio", 6000, "a=recvonly\r\n"), "198.51.100.9"));
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(lines_of(told[0]), kSecure);
  EXPECT_TRUE(has(told[0], "a=recvonly") && has(told[1], "a=sendonly"));
  EXPECT_EQ(origin_version(told[0]), "2");
  told = exchange(Leg::b, of_b, sdp(secure("audio", 5000, 0) + kRefusedPlain));
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(lines_of(told[0]), kSecure);
  EXPECT_EQ(origin_version(told[0]), "3");
}

TEST_F(MediaSessionAlternatives, TheOtherOneTakesThePlaceOfOneThatIsGone) {
  begin(MediaSecurity::preferred, MediaSecurity::none);
  exchange(Leg::a, sdp(pair()), of_b);
  EXPECT_EQ(lines_of(exchange(Leg::a, sdp(kRefusedSecure + plain("audio", 5002)), of_b)[0]), kPlain);
  EXPECT_EQ(relay().legs[0].target_rtp.port, 5002);
  EXPECT_FALSE(relay().legs[0].suite);
  EXPECT_EQ(lines_of(exchange(Leg::a, sdp(pair()), of_b)[0]), kPlain) << "what was taken stays";
  exchange(Leg::a, sdp(kRefusedSecure + kRefusedPlain), sdp(plain("audio", 0), "198.51.100.9"));
  EXPECT_TRUE(session->relays().empty());
  EXPECT_EQ(lines_of(exchange(Leg::a, sdp(pair("audio", 1)), of_b)[0]), kSecure) << "a new choice";
}

TEST_F(MediaSessionAlternatives, ARejectedOfferLeavesThePlacesAsTheyWere) {
  begin(MediaSecurity::preferred, MediaSecurity::none);
  exchange(Leg::a, sdp(pair()), of_b);
  EXPECT_EQ(lines_of(offer(Leg::a, sdp(kRefusedSecure + plain("audio", 5002)))), Lines{"- RTP/AVP"});
  session->reject();
  EXPECT_EQ(lines_of(offer(Leg::b, of_b)), kSecure);
  session->reject();
  // One that adds a pair leaves none behind.
  const std::string added = pair() + pair("video", 2);
  EXPECT_EQ(lines_of(offer(Leg::a, sdp(added))).size(), 2U);
  session->reject();
  EXPECT_EQ(lines_of(offer(Leg::b, of_b)).size(), 2U);
  session->reject();
}

TEST_F(MediaSessionAlternatives, AudioAndVideoPairs) {
  const std::string both = sdp(plain("audio", 6000) + plain("video", 6002), "198.51.100.9");
  const auto told = exchange(Leg::a, sdp(pair() + pair("video", 1)), both);
  EXPECT_EQ(lines_of(told[0]), (Lines{"- RTP/SAVP", "0 RTP/AVP", "- RTP/SAVP", "0 RTP/AVP"}));
  EXPECT_EQ(lines_of(told[1]), (Lines{"- RTP/AVP", "- RTP/AVP"}));
  EXPECT_EQ(session->relays().size(), 2U);
  EXPECT_TRUE(has(told[0], "m=video 0 RTP/AVP"));
}

TEST_F(MediaSessionAlternatives, WhatTheOtherLegAddsComesLast) {
  exchange(Leg::a, sdp(pair()), of_b);
  const std::string to_a = offer(Leg::b, sdp(plain("audio", 6000) + plain("video", 6002), "198.51.100.9"));
  EXPECT_EQ(lines_of(to_a), (Lines{"- RTP/SAVP", "0 RTP/AVP", "- RTP/SAVP"}));
  EXPECT_EQ(
      lines_of(answer(Leg::a, sdp(secure("audio", 5000, 0) + kRefusedPlain + secure("video", 5004, 1)))),
      (Lines{"- RTP/AVP", "- RTP/AVP"}));
  session->settle();
  EXPECT_EQ(relay(1).legs[0].target_rtp.port, 5004);
}

TEST_F(MediaSessionAlternatives, TwoPlainLinesStayTwo) {
  begin(MediaSecurity::preferred, MediaSecurity::none);
  const std::string offered = sdp(plain("audio", 5000) + plain("audio", 5002) + plain("audio", 5004));
  EXPECT_EQ(lines_of(offer(Leg::a, offered)).size(), 3U);
}

TEST_F(MediaSessionAlternatives, TheCountOfMediaIsThatOfTheWire) {
  sip_limits.set(sip::Limit::sdp_media, 3);
  EXPECT_NE(refused_offer(Leg::a, sdp(pair() + pair("video", 1))), 0);
  EXPECT_EQ(sip_limits.refusals(sip::Limit::sdp_media), 1U);
}

TEST_F(MediaSessionAlternatives, OfferedPairAnsweredInEveryWay) {
  struct Case {
    const char* what;
    std::string answered;
    const Lines then;
    bool keyed;
    std::uint16_t target;
  };
  const Case cases[] = {
      {"secure", secure("audio", 6000, 1) + kRefusedPlain, kSecure, true, 6000},
      {"plain", kRefusedSecure + plain("audio", 6002), kPlain, false, 6002},
      {"both", secure("audio", 6000, 1) + plain("audio", 6002), kSecure, true, 6000},
  };
  for (const Case& each : cases) {
    begin_offering();
    const auto told = offered(each.answered);
    EXPECT_EQ(lines_of(told[1]), (Lines{"- RTP/SAVP", "- RTP/AVP"})) << each.what;
    EXPECT_EQ(port_of(told[1], 0), port_of(told[1], 1)) << each.what;
    EXPECT_EQ(lines_of(told[0]), Lines{"- RTP/SAVP"}) << each.what;
    EXPECT_EQ(relay().legs[1].suite.has_value(), each.keyed) << each.what;
    EXPECT_EQ(relay().legs[1].target_rtp.port, each.target) << each.what;
    // From now on what was agreed upon, under one further version.
    const std::string left(session->description(Leg::b));
    EXPECT_EQ(lines_of(left), each.then) << each.what;
    EXPECT_EQ(origin_version(left), "2") << each.what;
    EXPECT_EQ(session->description(Leg::b), left) << each.what;
    const auto again = offered(each.answered == cases[2].answered ? cases[0].answered : each.answered, 2);
    EXPECT_EQ(lines_of(again[1]), each.then) << each.what;
    EXPECT_TRUE(orders.empty()) << each.what;
    EXPECT_EQ(has(again[1], "a=crypto"), each.keyed) << each.what;
    EXPECT_EQ(again[0], told[0]) << each.what;
  }
}

TEST_F(MediaSessionAlternatives, OfferedPairWithoutRefreshRisesByOneVersion) {
  begin_offering();
  const std::string answered = kRefusedSecure + plain("audio", 6002);
  EXPECT_EQ(origin_version(offered(answered)[1]), "1");
  const std::string next = offered(answered, 2)[1];
  EXPECT_EQ(origin_version(next), "2");
  EXPECT_EQ(session->description(Leg::b), next);
  EXPECT_EQ(offered(answered, 3)[1], next);
}

TEST_F(MediaSessionAlternatives, OfferedPairThatIsRefused) {
  begin_offering();
  const auto told = offered(kRefusedSecure + kRefusedPlain);
  EXPECT_EQ(lines_of(told[0]), Lines{"0 RTP/SAVP"});
  EXPECT_TRUE(session->relays().empty());
  EXPECT_EQ(lines_of(std::string(session->description(Leg::b))), (Lines{"0 RTP/SAVP", "0 RTP/AVP"}));
  EXPECT_EQ(lines_of(offer(Leg::a, sdp(secure("audio", 5000, 2)))), (Lines{"- RTP/SAVP", "- RTP/AVP"}));
}

TEST_F(MediaSessionAlternatives, TheFinalAnswerMayTakeTheOtherOne) {
  begin_offering();
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  (void)answer(Leg::b, sdp(kRefusedSecure + plain("audio", 6002), "198.51.100.9"), true);
  EXPECT_FALSE(relay().legs[1].suite);
  (void)answer(Leg::b, sdp(secure("audio", 6000, 1) + kRefusedPlain, "198.51.100.9"));
  session->settle();
  EXPECT_TRUE(relay().legs[1].suite);
  EXPECT_EQ(lines_of(std::string(session->description(Leg::b))), kSecure);
}

TEST_F(MediaSessionAlternatives, AnswersThatDoNotFitAreRefused) {
  begin_offering();
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")), 400) << "one m-line";
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000) + plain("audio", 6002), "198.51.100.9")), 488);
  (void)answer(Leg::b, sdp(kRefusedSecure + plain("audio", 6002), "198.51.100.9"));
  session->settle();
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(secure("audio", 6000, 1) + plain("audio", 6002), "198.51.100.9")), 400)
      << "one was given up";
}

TEST_F(MediaSessionAlternatives, PairsOnBothLegs) {
  sip::MediaPolicy a = policy(MediaSecurity::preferred), b = a;
  b.dual_lines = DualLines::offer;
  begin_with(a, b);
  const auto told = exchange(Leg::a, sdp(pair()), sdp(kRefusedSecure + plain("audio", 6002), "198.51.100.9"));
  EXPECT_EQ(lines_of(told[0]), kSecure);
  EXPECT_EQ(lines_of(told[1]), (Lines{"- RTP/SAVP", "- RTP/AVP"}));
  const std::string to_a = offer(Leg::b, sdp(kRefusedSecure + plain("audio", 6002, "a=sendonly\r\n")));
  EXPECT_EQ(lines_of(to_a), kSecure);
  EXPECT_EQ(lines_of(answer(Leg::a, sdp(secure("audio", 5000, 0, "a=recvonly\r\n") + kRefusedPlain))),
            kPlain);
}

class MediaSessionAlternativesByDtls : public MediaSessionHandshakes {
 protected:
  /// Both ways to keys on a leg that may do without.
  static sip::MediaPolicy opportunistic(DualLines use) {
    sip::MediaPolicy chosen = policy(MediaSecurity::preferred);
    chosen.agreements = {KeyAgreement::sdes, KeyAgreement::dtls};
    chosen.dual_lines = use;
    return chosen;
  }
  void begin_with(const sip::MediaPolicy& a, const sip::MediaPolicy& b) {
    session.emplace(services, std::array<MediaLegSettings, kLegs>{{{"access", a, peer_a}, {"core", b, {}}}},
                    "call-1");
  }
};

TEST_F(MediaSessionAlternativesByDtls, AnAssociationOfAPairGoesOnWhenWeOffer) {
  begin_with(opportunistic(DualLines::accept), policy(MediaSecurity::none));
  const std::string pair_of_a = dtls(5000, "actpass") + plain("audio", 5002), of_b = plain("audio", 6000);
  const auto told_first = exchange(Leg::a, sdp(pair_of_a), sdp(of_b, "198.51.100.9"));
  EXPECT_EQ(lines_of(told_first[0]), (Lines{"- UDP/TLS/RTP/SAVP", "0 RTP/AVP"}));
  const LegId leg = handshake_thread.take<LegKeying>().leg;
  give_keys(leg, 0, 10);
  const std::string to_a = offer(Leg::b, sdp(of_b, "198.51.100.9"));
  EXPECT_EQ(lines_of(to_a), (Lines{"- UDP/TLS/RTP/SAVP", "0 RTP/AVP"}));
  EXPECT_EQ(value_of(to_a, "fingerprint"), value_of(told_first[0], "fingerprint"));
  EXPECT_FALSE(has(to_a, "a=crypto"));
  (void)answer(Leg::a, sdp(dtls(5000, "active") + kRefusedPlain));
  EXPECT_TRUE(orders.empty()) << "nobody shakes hands again";
  session->settle();
}

TEST_F(MediaSessionAlternativesByDtls, ThePlainLineIsOpportunisticStill) {
  begin_with(policy(MediaSecurity::none), opportunistic(DualLines::offer));
  const std::string to_b = offer(Leg::a, sdp(plain("audio", 5000)));
  EXPECT_EQ(lines_of(to_b), (Lines{"- RTP/SAVP", "- RTP/AVP"}));
  orders = run();
  EXPECT_EQ(orders, std::vector{CommandKind::link}) << "it listens for a ClientHello";
  const std::string by_dtls = plain("audio", 6002, std::string(kFingerprint) + "a=setup:active\r\n");
  (void)answer(Leg::b, sdp(kRefusedSecure + by_dtls, "198.51.100.9"));
  session->settle();
  EXPECT_EQ(session->facts()[0].legs[1].agreement, KeyAgreement::dtls);
  const std::string again = offer(Leg::a, sdp(plain("audio", 5000)));
  EXPECT_EQ(lines_of(again), kPlain);
  EXPECT_TRUE(has(again, "a=fingerprint") && !has(again, "a=crypto"));
  session->reject();
}

TEST_F(MediaSessionAlternativesByDtls, TheSecureLineEndsTheHandshakesThatWaited) {
  begin_with(policy(MediaSecurity::none), opportunistic(DualLines::offer));
  (void)offer(Leg::a, sdp(plain("audio", 5000)));
  orders = run();
  EXPECT_EQ(handshakes.legs(), 1U);
  (void)answer(Leg::b, sdp(secure("audio", 6000, 1) + kRefusedPlain, "198.51.100.9"));
  session->settle();
  EXPECT_EQ(handshakes.legs(), 0U);
  EXPECT_EQ(session->facts()[0].legs[1].agreement, KeyAgreement::sdes);
  EXPECT_TRUE(relay().legs[1].suite);
}

}  // namespace alternatives_test
}  // namespace sallyport::control::test
