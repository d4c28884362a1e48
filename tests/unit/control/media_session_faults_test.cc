// SPDX-License-Identifier: GPL-3.0-or-later
// Every way in which a media session fails, and that all is then as it was before.
#include "tests/unit/control/media_session_rig.h"

namespace sallyport::control {
namespace {

using namespace test;

using MediaSessionFaults = MediaSessionRig;

TEST_F(MediaSessionFaults, OffersThatAreRefusedLeaveNothing) {
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

TEST_F(MediaSessionFaults, AnswersThatAreRefusedLeaveTheOfferOpen) {
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

TEST_F(MediaSessionFaults, PortsRunOut) {
  std::vector<PortLease> taken;
  while (ports.pool(2).ports_free() > 2) taken.push_back(ports.take(1, LegSpec{}).value());
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1))), 503);
  EXPECT_EQ(limits.refusals(Limit::media_ports), 1U);
  audio_call();
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1))), 503);
  EXPECT_EQ(session->relays().size(), 1U);
  EXPECT_EQ(ports_in_use(), 4 + 2 * taken.size());
}

TEST_F(MediaSessionFaults, RelaysRunOut) {
  limits.set(Limit::relays, 1);
  (void)offer(Leg::a, sdp(secure("audio", 5000, 0) + secure("video", 5010, 1)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000) + plain("video", 6010), "198.51.100.9")), 503);
  session->reject();
  run();
  expect_nothing_left();
}

TEST_F(MediaSessionFaults, RejectedFirstOfferGivesEverythingBack) {
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

TEST_F(MediaSessionFaults, RejectedLaterOfferChangesNothing) {
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

TEST_F(MediaSessionFaults, PreviewWithinASessionTakesEffectWhenSettled) {
  audio_call();
  (void)offer(Leg::a, sdp(secure("audio", 5002, 0), "10.0.0.4"));
  (void)answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9"), true);
  EXPECT_TRUE(orders.empty());
  session->settle();
  EXPECT_EQ(run(), std::vector{CommandKind::replace});
  EXPECT_EQ(relay().legs[0].target_rtp.to_string(), "10.0.0.4:5002");
  EXPECT_FALSE(session->offer_is_open());
}

TEST_F(MediaSessionFaults, RejectWhileOrdersAreUnderWay) {
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

TEST_F(MediaSessionFaults, WorkerThatRefuses) {
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
  EXPECT_EQ(refused_answer(Leg::b, ""), 400);
  session->reject();
  run();
  expect_nothing_left();
}

TEST_F(MediaSessionFaults, RelayThatEndedMeanwhileIsAServerError) {
  audio_call();
  manager.drop(session->relays().at(0), [](const auto&) {});
  run();
  for (const int port : {5000, 5002}) {
    (void)offer(Leg::a, sdp(secure("audio", port, 0)));
    EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")), 500) << port;
    session->reject();
  }
}

TEST_F(MediaSessionFaults, DestroyedWhileAnAnswerIsUnderWay) {
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

TEST_F(MediaSessionFaults, DestroyedByItsOwnCallback) {
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

TEST_F(MediaSessionFaults, KeysOfASessionAreBounded) {
  limits.set(Limit::relay_keys, 3);
  audio_call();
  (void)offer(Leg::a, sdp(secure("audio", 5000, 1)));
  EXPECT_EQ(refused_answer(Leg::b, sdp(plain("audio", 6000), "198.51.100.9")), 503);
}

TEST_F(MediaSessionFaults, UnknownSide) {
  session.emplace(services,
                  std::array<MediaLegSettings, kLegs>{{{"access", policy(MediaSecurity::required), {}},
                                                       {"nowhere", policy(MediaSecurity::none), {}}}},
                  "call-2");
  EXPECT_EQ(refused_offer(Leg::a, sdp(secure("audio", 5000, 0))), 500);
  expect_nothing_left();
}

}  // namespace
}  // namespace sallyport::control
