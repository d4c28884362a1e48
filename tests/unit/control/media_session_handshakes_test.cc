// SPDX-License-Identifier: GPL-3.0-or-later
// Legs keyed by DTLS-SRTP and found by ICE: what their peers are told, what the handshake thread and the
// workers are ordered, and what becomes of keys, nominations and failures.
#include "tests/unit/control/media_session_handshakes_rig.h"

namespace sallyport::control::test {
namespace {

using keying::DtlsRole;
using keying::LegAnswer;
using keying::handshake_order::Remove;

using Awaits = std::array<bool, dataplane::kComponents>;

TEST_F(MediaSessionHandshakes, AnOfferOfDtlsIsAnsweredAndItsLegAwaitsKeys) {
  const LegKeying order = call_of_a();
  EXPECT_EQ(value_of(told[0], "setup"), "passive");
  EXPECT_EQ(order.role, DtlsRole::passive);
  EXPECT_TRUE(order.muxed);
  EXPECT_FALSE(order.keeps_association);
  EXPECT_EQ(order.remote[0], *Endpoint::parse("10.0.0.1:5000"));
  EXPECT_EQ(order.named_hosts.size(), 2u);
  EXPECT_EQ(order.peer_fingerprints.size(), 1u);
  EXPECT_EQ(order.local[0].port, port_of(told[0]));
  std::string announced;
  sip::append_fingerprint(announced, order.identity->fingerprints()[0]);
  EXPECT_TRUE(has(told[0], announced));
  EXPECT_EQ(from_a().arrival.awaits_keys, (Awaits{true, true}));
  EXPECT_TRUE(from_a().arrival.handshakes.dtls && !from_a().arrival.handshakes.stun);
  EXPECT_EQ(from_a().arrival.leg, order.leg);
  EXPECT_EQ(to_a().departure.awaits_keys, (Awaits{true, true}));
  EXPECT_FALSE(session->facts()[0].legs[0].suite);

  give_keys(order.leg, 0, 10);
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
  EXPECT_EQ(from_a().arrival.awaits_keys, Awaits{});
  EXPECT_TRUE(from_a().arrival.stream && to_a().departure.stream);
  EXPECT_FALSE(from_a().arrival.rtcp_stream);
  EXPECT_EQ(session->facts()[0].legs[0].suite, crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_EQ(session->facts()[0].legs[0].agreement, KeyAgreement::dtls);
}

TEST_F(MediaSessionHandshakes, WithoutMuxRtcpAwaitsKeysOfItsOwn) {
  const LegKeying order = call_of_a("");
  EXPECT_FALSE(order.muxed);
  EXPECT_EQ(order.remote[1], *Endpoint::parse("10.0.0.1:5001"));
  give_keys(order.leg, 0, 10);
  EXPECT_EQ(from_a().arrival.awaits_keys, (Awaits{false, true}));
  EXPECT_FALSE(from_a().arrival.rtcp_stream);
  give_keys(order.leg, 1, 20);
  EXPECT_EQ(from_a().arrival.awaits_keys, Awaits{});
  EXPECT_TRUE(from_a().arrival.rtcp_stream && to_a().departure.rtcp_stream);
  EXPECT_TRUE(from_a().succeeds.inbound && to_a().succeeds.outbound);
}

TEST_F(MediaSessionHandshakes, AnActiveEndBeginsWhenItsPortsAreLinked) {
  const std::string to_b = offer(Leg::a, sdp(dtls(5000, "passive", kMux)));
  std::optional<Text> given;
  session->answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), into(given));
  EXPECT_TRUE(handshake_thread.orders.empty());
  run();
  ASSERT_TRUE(given && *given);
  EXPECT_EQ(value_of(**given, "setup"), "active");
  EXPECT_EQ(handshake_thread.take<LegKeying>().role, DtlsRole::active);
}

TEST_F(MediaSessionHandshakes, TheLegThatIsOfferedListensBeforeItAnswers) {
  const std::string to_a_text = offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_EQ(value_of(to_a_text, "setup"), "actpass");
  const LegKeying early = handshake_thread.take<LegKeying>();
  EXPECT_EQ(early.role, DtlsRole::passive);
  EXPECT_FALSE(early.muxed);
  EXPECT_EQ(early.named_hosts, std::vector{peer_a});
  EXPECT_TRUE(early.peer_fingerprints.empty());
  EXPECT_EQ(run(), std::vector{CommandKind::link});
  EXPECT_EQ(from_a().arrival.awaits_keys, (Awaits{true, true}));
  EXPECT_EQ(to_a().arrival.awaits_keys, (Awaits{true, true}));  // nothing of the offerer either

  answer(Leg::a, sdp(dtls(5000, "active", "")));
  session->settle();
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
  const LegKeying order = handshake_thread.take<LegKeying>();
  EXPECT_TRUE(order.keeps_association);
  EXPECT_EQ(order.leg, early.leg);
  EXPECT_EQ(handshake_thread.take<LegAnswer>().peer_fingerprints.size(), 1u);
  give_keys(early.leg, 0, 10);
  EXPECT_TRUE(from_a().arrival.stream);
}

TEST_F(MediaSessionHandshakes, AnAnswererThatStaysPassiveIsCalledUponByUs) {
  static_cast<void>(offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")));
  static_cast<void>(handshake_thread.take<LegKeying>());
  run();
  answer(Leg::a, sdp(dtls(5000, "passive", kMux)));
  const LegKeying order = handshake_thread.take<LegKeying>();
  EXPECT_EQ(order.role, DtlsRole::active);
  EXPECT_FALSE(order.keeps_association);
  EXPECT_EQ(order.peer_fingerprints.size(), 1u);
  EXPECT_TRUE(handshake_thread.orders.empty());
}

TEST_F(MediaSessionHandshakes, AnAnswerThatComesBeforeTheEarlyLinkWaitsForIt) {
  static_cast<void>(offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")));
  std::optional<Text> given;
  session->answer(Leg::a, sdp(dtls(5000, "active", kMux)), into(given));
  EXPECT_FALSE(given);
  EXPECT_EQ(run(), (std::vector{CommandKind::link, CommandKind::replace}));
  EXPECT_TRUE(given && *given);
}

TEST_F(MediaSessionHandshakes, AnOfferThatIsRejectedLeavesNothing) {
  static_cast<void>(offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")));
  const LegId leg = handshake_thread.take<LegKeying>().leg;
  session->reject();  // while the link is under way
  run();
  EXPECT_EQ(handshake_thread.take<Remove>().leg, leg);
  EXPECT_TRUE(session->relays().empty());
  EXPECT_EQ(handshakes.legs(), 0u);
}

TEST_F(MediaSessionHandshakes, AHoldKeepsAssociationKeysAndName) {
  const LegKeying order = call_of_a();
  give_keys(order.leg, 0, 10);
  const auto held =
      exchange(Leg::a, sdp(dtls(5000, "actpass", "a=rtcp-mux\r\na=sendonly\r\n"), "10.0.0.1", 2),
               sdp(plain("audio", 6000, "a=recvonly\r\n"), "198.51.100.9", 2));
  EXPECT_EQ(value_of(held[0], "tls-id"), value_of(told[0], "tls-id"));
  EXPECT_EQ(value_of(held[0], "setup"), "passive");
  EXPECT_TRUE(handshake_thread.take<LegKeying>().keeps_association);
  EXPECT_TRUE(orders.empty());
  // And as an offer of ours.
  const std::string to_a_text = offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9", 3));
  EXPECT_EQ(value_of(to_a_text, "tls-id"), value_of(told[0], "tls-id"));
  EXPECT_EQ(value_of(to_a_text, "setup"), "actpass");
  answer(Leg::a, sdp(dtls(5000, "active", kMux), "10.0.0.1", 3));
  EXPECT_TRUE(handshake_thread.take<LegKeying>().keeps_association);
  EXPECT_TRUE(relay().legs[0].suite);
}

TEST_F(MediaSessionHandshakes, AnotherCertificateIsAnotherAssociation) {
  const LegKeying order = call_of_a();
  give_keys(order.leg, 0, 10);
  const auto again = exchange(Leg::a, sdp(dtls(5000, "actpass", kMux, kOtherFingerprint), "10.0.0.1", 2),
                              sdp(plain("audio", 6000), "198.51.100.9", 2));
  EXPECT_NE(value_of(again[0], "tls-id"), value_of(told[0], "tls-id"));
  EXPECT_FALSE(handshake_thread.take<LegKeying>().keeps_association);
  EXPECT_EQ(from_a().arrival.awaits_keys, (Awaits{true, true}));
  give_keys(order.leg, 0, 30);
  EXPECT_TRUE(from_a().arrival.stream);
}

TEST_F(MediaSessionHandshakes, ALegMayChangeFromDtlsToSdes) {
  const LegKeying order = call_of_a();
  give_keys(order.leg, 0, 10);
  const auto again = exchange(Leg::a, sdp(secure("audio", 5000, 0), "10.0.0.1", 2),
                              sdp(plain("audio", 6000), "198.51.100.9", 2));
  EXPECT_EQ(handshake_thread.take<Remove>().leg, order.leg);
  EXPECT_FALSE(from_a().arrival.handshakes.dtls);
  EXPECT_TRUE(has(again[0], "a=crypto:1"));
}

TEST_F(MediaSessionHandshakes, IceSaysWhereMediaGoes) {
  const LegKeying order = call_of_a(std::string(kIce) + std::string(kMux));
  ASSERT_TRUE(order.ice);
  EXPECT_EQ(value_of(told[0], "ice-ufrag"), order.ice->fragment);
  EXPECT_TRUE(has(told[0], "a=ice-lite"));
  EXPECT_EQ(order.remote[0].port, 0);
  EXPECT_TRUE(from_a().arrival.handshakes.stun);
  nominate(order.leg, 0, kNominated);
  give_keys(order.leg, 0, 10);
  EXPECT_EQ(from_a().arrival.policy, dataplane::SourcePolicy::verified);
  EXPECT_EQ(to_a().departure.target[0], kNominated);
  const Endpoint elsewhere = *Endpoint::parse("203.0.113.8:40000");
  nominate(order.leg, 0, elsewhere);
  EXPECT_EQ(to_a().departure.target[0], elsewhere);
  EXPECT_TRUE(from_a().succeeds.inbound);
}

TEST_F(MediaSessionHandshakes, ARestartOfIceGetsOtherCredentialsAndKeepsTheKeys) {
  const LegKeying order = call_of_a(std::string(kIce) + std::string(kMux));
  nominate(order.leg, 0, kNominated);
  give_keys(order.leg, 0, 10);
  const auto again =
      exchange(Leg::a, sdp(dtls(5000, "actpass", std::string(kRestarted) + std::string(kMux)), "10.0.0.1", 2),
               sdp(plain("audio", 6000), "198.51.100.9", 2));
  EXPECT_NE(value_of(again[0], "ice-ufrag"), value_of(told[0], "ice-ufrag"));
  EXPECT_EQ(value_of(again[0], "tls-id"), value_of(told[0], "tls-id"));
  const LegKeying restart = handshake_thread.take<LegKeying>();
  EXPECT_TRUE(restart.keeps_association);
  EXPECT_EQ(restart.ice->fragment, value_of(again[0], "ice-ufrag"));
  EXPECT_TRUE(relay().legs[0].suite);
  EXPECT_EQ(relay().legs[0].target_rtp, kNominated);  // until another is nominated
}

std::string zrtp(int port, char digit, std::string_view more = "") {
  return "m=audio " + std::to_string(port) + " RTP/AVP 0 8\r\na=zrtp-hash:1.10 " + std::string(64, digit) +
         "\r\n" + std::string(more);
}

class MediaSessionZrtp : public MediaSessionHandshakes {
 protected:
  MediaSessionZrtp() { begin_zrtp({KeyAgreement::zrtp}, false); }
  void begin_zrtp(std::vector<KeyAgreement> agreements, bool carries) {
    sip::MediaPolicy a = policy(MediaSecurity::required), b = policy(MediaSecurity::none);
    a.agreements = std::move(agreements);
    a.carry_zrtp = b.carry_zrtp = carries;
    session.emplace(services, std::array<MediaLegSettings, kLegs>{{{"access", a, peer_a}, {"core", b, {}}}},
                    "call-1");
    session->set_on_failure(
        [this](Leg leg, std::string_view outcome) { failures.emplace_back(leg, outcome); });
  }
  void happen(keying::HandshakeEvent event) {
    handshakes.on_event(event);
    orders = run();
  }
};

TEST_F(MediaSessionZrtp, AnOfferIsAnsweredWithTheHashOfOurHelloAndGetsKeysForBothPorts) {
  told = exchange(Leg::a, sdp(zrtp(5000, 'a')), sdp(plain("audio", 6000), "198.51.100.9"));
  const LegKeying order = handshake_thread.take<LegKeying>();
  ASSERT_TRUE(order.zrtp);
  std::string announced;
  sip::append_zrtp_hash(announced, order.zrtp->hello_hash());
  EXPECT_TRUE(has(told[0], announced));
  EXPECT_FALSE(has(told[0], std::string(64, 'a')));
  EXPECT_TRUE(from_a().arrival.handshakes.zrtp);
  EXPECT_EQ(from_a().arrival.awaits_keys, (Awaits{true, true}));
  happen(keying::handshake_event::Keys{order.leg, 0, keys_of(10), true});
  EXPECT_EQ(from_a().arrival.awaits_keys, Awaits{});
  EXPECT_FALSE(from_a().arrival.rtcp_stream);

  std::string read;
  handshakes.set_observer([&](const Handshakes::Secured& secured) { read = secured.security.sas; });
  keying::ZrtpSecurity security;
  security.sas = "jxpf";
  security.mismatch = true;
  happen(keying::handshake_event::ZrtpSecured{order.leg, security});
  EXPECT_EQ(read, "jxpf");
  ASSERT_TRUE(session->facts()[0].legs[0].zrtp);
  EXPECT_TRUE(session->facts()[0].legs[0].zrtp->mismatch);
  EXPECT_EQ(session->facts()[0].legs[0].agreement, KeyAgreement::zrtp);

  // A hold keeps the exchange and its Hello.
  const auto held = exchange(Leg::a, sdp(zrtp(5000, 'a', "a=sendonly\r\n"), "10.0.0.1", 2),
                             sdp(plain("audio", 6000, "a=recvonly\r\n"), "198.51.100.9", 2));
  EXPECT_TRUE(has(held[0], announced));
  const LegKeying again = handshake_thread.take<LegKeying>();
  EXPECT_TRUE(again.keeps_association && again.zrtp == nullptr);
}

TEST_F(MediaSessionZrtp, WhatPeopleSayOfTheSasIsShownToldAndOrdered) {
  told = exchange(Leg::a, sdp(zrtp(5000, 'a')), sdp(plain("audio", 6000), "198.51.100.9"));
  const LegKeying order = handshake_thread.take<LegKeying>();
  const auto early = session->verify_sas(Leg::a, true);
  ASSERT_FALSE(early);  // there is nothing to compare yet
  EXPECT_EQ(early.error().error_class, ErrorClass::refused);
  keying::ZrtpSecurity security;
  security.sas = "jxpf";
  security.entry = 3;
  happen(keying::handshake_event::ZrtpSecured{order.leg, security});

  std::vector<std::pair<bool, bool>> heard;
  handshakes.set_observer([&](const Handshakes::Secured& secured) {
    heard.emplace_back(secured.compared, secured.security.verified);
  });
  for (const bool equal : {true, false}) {
    const auto compared = session->verify_sas(Leg::a, equal);
    ASSERT_TRUE(compared);
    EXPECT_EQ(compared->sas, "jxpf");
    EXPECT_EQ(compared->entry, 3);
    EXPECT_EQ(compared->verified, equal);
    EXPECT_EQ(session->facts()[0].legs[0].zrtp->verified, equal);
    const auto verify = handshake_thread.take<keying::handshake_order::Verify>();
    EXPECT_EQ(verify.leg, order.leg);
    EXPECT_EQ(verify.equal, equal);
  }
  EXPECT_EQ(heard, (std::vector<std::pair<bool, bool>>{{true, true}, {true, false}}));

  EXPECT_FALSE(session->verify_sas(Leg::b, true));  // in clear
  EXPECT_TRUE(handshake_thread.orders.empty());
}

TEST_F(MediaSessionZrtp, APeerThatSaysNothingMayStillBeginAndOneThatFailsEndsTheCall) {
  told = exchange(Leg::a, sdp(zrtp(5000, 'a')), sdp(plain("audio", 6000), "198.51.100.9"));
  const LegKeying order = handshake_thread.take<LegKeying>();
  happen(keying::handshake_event::ZrtpEnded{order.leg, keying::ZrtpOutcome::unanswered});
  EXPECT_TRUE(failures.empty());
  happen(keying::handshake_event::ZrtpEnded{order.leg, keying::ZrtpOutcome::impostor});
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].second, "zrtp_impostor");
}

TEST_F(MediaSessionZrtp, TheLegThatIsOfferedZrtpListensAtOnceAndTheAnswerNamesItsHello) {
  const std::string to_a_text = offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"));
  EXPECT_TRUE(has(to_a_text, "a=zrtp-hash:1.10 "));
  EXPECT_TRUE(has(to_a_text, " RTP/AVP "));
  run();
  EXPECT_TRUE(handshake_thread.take<LegKeying>().zrtp);
  answer(Leg::a, sdp(zrtp(5000, 'b')));
  EXPECT_TRUE(handshake_thread.take<LegKeying>().keeps_association);
  const auto announced = handshake_thread.take<LegAnswer>().peer_hello_hash;
  ASSERT_TRUE(announced);
  EXPECT_EQ((*announced)[0], 0xbb);
}

TEST_F(MediaSessionZrtp, AnAnswerWithoutItIsNoAnswerWhereSrtpIsRequired) {
  static_cast<void>(offer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")));
  run();
  EXPECT_EQ(refused_answer(Leg::a, sdp(plain("audio", 5000))), 488);
}

TEST_F(MediaSessionZrtp, CarriedItGoesThroughAsItIs) {
  begin_zrtp({KeyAgreement::sdes}, true);
  told = exchange(Leg::a, sdp(zrtp(5000, 'a')), sdp(zrtp(6000, 'b'), "198.51.100.9"));
  EXPECT_TRUE(has(told[1], std::string(64, 'a')));
  EXPECT_TRUE(has(told[0], std::string(64, 'b')));
  EXPECT_TRUE(from_a().arrival.end_to_end && to_a().arrival.end_to_end);
  EXPECT_TRUE(handshake_thread.orders.empty());
  EXPECT_TRUE(session->facts()[0].legs[0].end_to_end);
}

TEST_F(MediaSessionZrtp, CarriedItIsNotDowngraded) {
  begin_zrtp({KeyAgreement::sdes}, true);
  static_cast<void>(offer(Leg::a, sdp(zrtp(5000, 'a'))));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")), 488);
}

TEST_F(MediaSessionHandshakes, KeysThatComeDuringAnotherOrderAreNotLost) {
  const LegKeying order = call_of_a();
  static_cast<void>(offer(Leg::a, sdp(dtls(5002, "actpass", kMux), "10.0.0.1", 2)));
  std::optional<Text> given;
  session->answer(Leg::b, sdp(plain("audio", 6002), "198.51.100.9", 2), into(given));
  keying::HandshakeEvent event = keying::handshake_event::Keys{order.leg, 0, keys_of(10)};
  handshakes.on_event(event);
  EXPECT_EQ(run(), (std::vector{CommandKind::replace, CommandKind::replace}));
  session->settle();
  EXPECT_TRUE(relay().legs[0].suite);
}

TEST_F(MediaSessionHandshakes, AFailureIsToldOnceAndOnlyForRtp) {
  const LegKeying order = call_of_a("");
  for (const std::uint8_t component : {std::uint8_t{1}, std::uint8_t{0}}) {
    keying::HandshakeEvent event =
        keying::handshake_event::Ended{order.leg, component, keying::DtlsOutcome::wrong_fingerprint};
    handshakes.on_event(event);
  }
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0], std::pair(Leg::a, std::string("dtls_wrong_fingerprint")));
  EXPECT_EQ(session->facts()[0].legs[0].handshake_failure, "dtls_wrong_fingerprint");
}

TEST_F(MediaSessionHandshakes, WhoeverIsToldOfAFailureMayEndTheSession) {
  const LegKeying order = call_of_a();
  session->set_on_failure([this](Leg, std::string_view) { session.reset(); });
  keying::HandshakeEvent event = keying::handshake_event::Ended{order.leg, 0, keying::DtlsOutcome::timed_out};
  handshakes.on_event(event);
  EXPECT_FALSE(session);
  begin_dtls();
}

TEST_F(MediaSessionHandshakes, EventsOfALegThatIsGoneConcernNobody) {
  const LegKeying order = call_of_a();
  begin_dtls();
  EXPECT_EQ(handshake_thread.take<Remove>().leg, order.leg);
  give_keys(order.leg, 0, 10);
}

TEST_F(MediaSessionHandshakes, OrdersWaitForRoomInTheirSequence) {
  handshake_thread.room = false;
  told = exchange(Leg::a, sdp(dtls(5000, "actpass", kMux)), sdp(plain("audio", 6000), "198.51.100.9"));
  begin_dtls();
  EXPECT_TRUE(handshake_thread.orders.empty());
  handshake_thread.room = true;
  handshakes.send_waiting();
  const LegId leg = handshake_thread.take<LegKeying>().leg;
  EXPECT_EQ(handshake_thread.take<Remove>().leg, leg);
}

TEST_F(MediaSessionHandshakes, TheFirstMediaUnderNewKeysLetsTheHandshakeGo) {
  const LegKeying order = call_of_a();
  std::vector<std::uint64_t> verified;
  manager.set_observer([&](const RelayEvent& event) {
    if (event.kind == RelayEvent::Kind::verified) verified.push_back(event.handshake_leg);
  });
  give_keys(order.leg, 0, 10);
  manager.scan(1);
  EXPECT_TRUE(verified.empty());
  counters_of(*last.replacements[0]).packets[0].add();
  manager.scan(1);
  manager.scan(1);
  EXPECT_EQ(verified, std::vector{order.leg});
}

}  // namespace
}  // namespace sallyport::control::test
