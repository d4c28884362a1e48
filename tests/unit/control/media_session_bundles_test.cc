// SPDX-License-Identifier: GPL-3.0-or-later
// Media sessions whose leg a has audio and video on one transport (RFC 9143): what it is told, which relays
// join which, and what happens when media come and go.
#include "tests/unit/control/media_session_handshakes_rig.h"

namespace sallyport::control::test {
namespace {

const std::string kOwn =
    std::string(kMux) + std::string(kIce) + std::string(kFingerprint) + "a=setup:actpass\r\n";

std::string bundle(std::string_view mids) {
  return "a=group:BUNDLE " + std::string(mids) + "\r\n";
}
std::string audio(std::string_view lines, int port = 5000) {
  return "m=audio " + std::to_string(port) + " UDP/TLS/RTP/SAVPF 0 8\r\na=mid:0\r\n" + std::string(lines);
}
std::string video(std::string_view lines = "a=rtcp-mux\r\n", int port = 9) {
  return "m=video " + std::to_string(port) + " UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=mid:1\r\n" +
         std::string(lines);
}
std::string core_video(int port) {
  return "m=video " + std::to_string(port) + " RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
}

class MediaSessionBundles : public MediaSessionHandshakes {
 protected:
  /// Audio and video of leg a on one transport, of leg b on two.
  LegKeying both() {
    told = exchange(Leg::a, sdp(bundle("0 1") + audio(kOwn) + video()), kBoth);
    return handshake_thread.take<LegKeying>();
  }
  std::string group() const { return value_of(told[0], "group"); }
  std::uint16_t port(std::size_t medium) const { return port_of(told[0], medium); }

  const std::string kBoth = sdp(plain("audio", 6000) + core_video(6002), "198.51.100.9");
};

TEST_F(MediaSessionBundles, AudioAndVideoShareATransport) {
  const LegKeying order = both();
  EXPECT_EQ(group(), "BUNDLE 0 1");
  EXPECT_EQ(port(0), port(1));
  EXPECT_NE(port_of(told[1], 0), port_of(told[1], 1));
  ASSERT_EQ(session->relays().size(), 2U);
  EXPECT_FALSE(relay(0).legs[0].bundled_with);
  EXPECT_EQ(relay(1).legs[0].bundled_with, relay(0).id);
  EXPECT_FALSE(relay(1).legs[1].bundled_with);
  EXPECT_TRUE(handshake_thread.orders.empty()) << "one handshake for both";
  EXPECT_TRUE(order.muxed);
  EXPECT_EQ(order.local[0].port, port(0));

  nominate(order.leg, 0, kNominated);
  give_keys(order.leg, 0, 10);
  EXPECT_EQ(orders, std::vector{CommandKind::replace}) << "of the carrier, which the other follows";
  EXPECT_TRUE(session->facts()[1].legs[0].suite) << "the transport's";
}

TEST_F(MediaSessionBundles, RulesTellTheMediaApart) {
  static_cast<void>(both());
  const dataplane::FlowConfig& joined = from_a();
  ASSERT_TRUE(joined.arrival.bundle);
  EXPECT_TRUE(joined.arrival.joins);
  EXPECT_EQ(joined.arrival.bundle->mid, "1");
  EXPECT_TRUE(joined.arrival.bundle->payloads.test(96));
  EXPECT_EQ(joined.arrival.bundle->payloads.count(), 1U);
  EXPECT_FALSE(joined.arrival.stream);
}

TEST_F(MediaSessionBundles, VideoIsAddedToTheTransportOfACall) {
  told = exchange(Leg::a, sdp(bundle("0") + audio(kOwn)), sdp(plain("audio", 6000), "198.51.100.9"));
  const LegKeying order = handshake_thread.take<LegKeying>();
  EXPECT_EQ(group(), "BUNDLE 0");
  const std::uint16_t before = port(0);
  told = exchange(Leg::a, sdp(bundle("0 1") + audio(kOwn) + video("a=bundle-only\r\n", 0), "10.0.0.1", 2),
                  kBoth);
  EXPECT_EQ(group(), "BUNDLE 0 1");
  EXPECT_EQ(port(0), before);
  EXPECT_EQ(port(1), before);
  ASSERT_EQ(session->relays().size(), 2U);
  EXPECT_EQ(relay(1).legs[0].bundled_with, relay(0).id);
}

TEST_F(MediaSessionBundles, VideoEndsAndAudioGoesOn) {
  const LegKeying order = both();
  const std::uint64_t carrier = session->relays()[0];
  told = exchange(Leg::a, sdp(bundle("0") + audio(kOwn) + video("", 0), "10.0.0.1", 2),
                  sdp(plain("audio", 6000) + "m=video 0 RTP/AVP 96\r\n", "198.51.100.9", 2));
  EXPECT_EQ(group(), "BUNDLE 0");
  EXPECT_EQ(port(1), 0);
  EXPECT_EQ(session->relays(), std::vector{carrier});
}

TEST_F(MediaSessionBundles, AudioEndsAndItsTransportStaysWithVideo) {
  const LegKeying order = both();
  const std::uint16_t before = port(0);
  handshake_thread.orders.clear();
  told = exchange(Leg::a, sdp(bundle("1") + audio("", 0) + video(kOwn, 5000), "10.0.0.1", 2),
                  sdp("m=audio 0 RTP/AVP 0\r\n" + core_video(6002), "198.51.100.9", 2));
  EXPECT_EQ(group(), "BUNDLE 1");
  EXPECT_EQ(port(0), 0);
  EXPECT_EQ(port(1), before);
  EXPECT_FALSE(value_of(told[0], "fingerprint").empty()) << "video's to describe now";
  EXPECT_EQ(session->relays().size(), 2U) << "the first has the port and the keys";
  for (const keying::HandshakeOrder& its : handshake_thread.orders)
    EXPECT_FALSE(std::holds_alternative<keying::handshake_order::Remove>(its));
}

TEST_F(MediaSessionBundles, TheOtherLegRefusesWhatDescribesTheTransport) {
  told = exchange(Leg::a, sdp(bundle("0 1") + audio(kOwn) + video()),
                  sdp("m=audio 0 RTP/AVP 0\r\n" + core_video(6002), "198.51.100.9"));
  EXPECT_EQ(group(), "BUNDLE 1");
  EXPECT_EQ(port(0), 0);
  const LegKeying order = handshake_thread.take<LegKeying>();
  EXPECT_EQ(order.local[0].port, port(1));
  nominate(order.leg, 0, kNominated);
  give_keys(order.leg, 0, 10);
  EXPECT_EQ(orders, std::vector{CommandKind::replace});
}

TEST_F(MediaSessionBundles, AMediumKeepsTheTransportThatItHas) {
  static_cast<void>(both());
  told = exchange(Leg::a, sdp(audio(kOwn) + video(kOwn, 5002), "10.0.0.1", 2),
                  sdp(plain("audio", 6000) + "m=video 0 RTP/AVP 96\r\n", "198.51.100.9", 2));
  EXPECT_EQ(group(), "");
  EXPECT_NE(port(0), 0);
  EXPECT_EQ(port(1), 0);
}

TEST_F(MediaSessionBundles, ALegWhoseMediaHaveTwoTransportsKeepsThem) {
  const std::string own = kOwn;
  told = exchange(Leg::a, sdp(audio(own) + video(own, 5002)), kBoth);
  const std::uint16_t before = port(1);
  told = exchange(Leg::a, sdp(bundle("0 1") + audio(own) + video(own, 5002), "10.0.0.1", 2), kBoth);
  EXPECT_EQ(group(), "");
  EXPECT_EQ(port(1), before);
  EXPECT_FALSE(relay(1).legs[0].bundled_with);
}

TEST_F(MediaSessionBundles, OffersToTheLegKeepItsBundle) {
  static_cast<void>(both());
  const std::uint16_t before = port(0);
  const std::string offered = offer(Leg::b, sdp(plain("audio", 6000) + core_video(6002), "198.51.100.9", 2));
  EXPECT_EQ(value_of(offered, "group"), "BUNDLE 0 1");
  EXPECT_EQ(port_of(offered, 0), before);
  EXPECT_EQ(port_of(offered, 1), before);
  std::string active = kOwn;
  active.replace(active.find("actpass"), 7, "active");
  answer(Leg::a, sdp(bundle("0 1") + audio(active) + video(), "10.0.0.1", 2));
  session->settle();
  EXPECT_EQ(relay(1).legs[0].bundled_with, relay(0).id);
}

TEST_F(MediaSessionBundles, AnOfferThatIsRejectedLeavesNothingBehind) {
  offer(Leg::a, sdp(bundle("0 1") + audio(kOwn) + video()));
  session->reject();
  EXPECT_EQ(ports_in_use(), 0U);
  EXPECT_EQ(handshakes.legs(), 0U);
}

TEST_F(MediaSessionBundles, BothLegsMayListenBeforeTheAnswer) {
  sip::MediaPolicy browsers = policy(MediaSecurity::required);
  browsers.agreements = {KeyAgreement::dtls};
  browsers.ice = sip::IceUse::offer;
  browsers.offer_mux = true;
  session.emplace(services,
                  std::array<MediaLegSettings, kLegs>{{{"access", browsers, peer_a}, {"core", browsers, {}}}},
                  "call-1");
  const std::string offered = offer(Leg::a, sdp(bundle("0 1") + audio(kOwn) + video()));
  EXPECT_EQ(value_of(offered, "group"), "") << "nobody is offered a bundle that he has not asked for";
  run();
  ASSERT_EQ(session->relays().size(), 2U);
  EXPECT_EQ(relay(1).legs[0].bundled_with, relay(0).id);
  std::string active = kOwn;
  active.replace(active.find("actpass"), 7, "active");
  told[0] = answer(Leg::b, sdp(audio(active) + video(active, 5002), "198.51.100.9"));
  EXPECT_EQ(group(), "BUNDLE 0 1");
  EXPECT_EQ(relay(1).legs[0].bundled_with, relay(0).id);
}

}  // namespace
}  // namespace sallyport::control::test
