// SPDX-License-Identifier: GPL-3.0-or-later
// Media sessions whose leg b is offered a bundle (RFC 9143): what becomes of the ports, relays and handshakes
// of media that the answer puts into it, of those that it leaves alone, and of answers that break the rules.
#include "tests/unit/control/media_session_handshakes_rig.h"

namespace sallyport::control::test {
namespace offered_bundles_test {

using keying::handshake_order::Remove;

const std::string kTransport =
    std::string(kMux) + std::string(kIce) + std::string(kFingerprint) + "a=setup:active\r\n";

std::string medium(std::string_view kind, std::string_view mid, std::string_view lines = kTransport,
                   int port = 6000) {
  const std::string payload = kind == "audio" ? "0" : "96";
  const std::string name = mid.empty() ? "" : "a=mid:" + std::string(mid) + "\r\n";
  return "m=" + std::string(kind) + " " + std::to_string(port) + " UDP/TLS/RTP/SAVPF " + payload + "\r\n" +
         (kind == "audio" ? "" : "a=rtpmap:96 VP8/90000\r\n") + name + std::string(lines);
}
std::string video(int port = 5002) {
  return "m=video " + std::to_string(port) + " RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
}
std::string answered(std::string_view group, const std::string& media, int version = 1) {
  return sdp((group.empty() ? "" : "a=group:BUNDLE " + std::string(group) + "\r\n") + media, "198.51.100.9",
             version);
}
const std::string kBundled = answered("0 1", medium("audio", "0") + medium("video", "1", kMux, 9));
const std::string kApart = answered("", medium("audio", "") + medium("video", "", kTransport, 6002));

class MediaSessionOfferedBundles : public MediaSessionHandshakes {
 protected:
  MediaSessionOfferedBundles() {
    sip::MediaPolicy browsers = policy(MediaSecurity::required);
    browsers.agreements = {KeyAgreement::dtls};
    browsers.ice = sip::IceUse::offer;
    browsers.offer_mux = true;
    browsers.bundle = sip::BundleUse::offer;
    begin(browsers);
  }
  void begin(const sip::MediaPolicy& b) {
    session.emplace(services,
                    std::array<MediaLegSettings, kLegs>{
                        {{"access", policy(MediaSecurity::none), peer_a}, {"core", b, {}}}},
                    "call-1");
  }
  std::string offer_both(int version = 1) {
    const std::string given = offer(Leg::a, sdp(kPlain, "10.0.0.1", version));
    run();
    return given;
  }
  /// Audio and video of leg b on one transport; gives the order to its handshake, which is the only one left.
  LegKeying bundled_call() {
    offered = offer_both();
    handshake_thread.orders.clear();
    answer(Leg::b, kBundled);
    session->settle();
    std::optional<LegKeying> order;
    for (auto& each : handshake_thread.orders)
      if (auto* const keying = std::get_if<LegKeying>(&each)) order = std::move(*keying);
    EXPECT_TRUE(order);
    handshake_thread.orders.clear();
    return order ? std::move(*order) : LegKeying();
  }
  void expect_one_transport() {
    ASSERT_EQ(session->relays().size(), 2U);
    EXPECT_FALSE(relay(0).legs[1].bundled_with);
    EXPECT_EQ(relay(1).legs[1].bundled_with, relay(0).id);
    EXPECT_EQ(relay(1).legs[1].local_rtp, relay(0).legs[1].local_rtp);
    EXPECT_FALSE(relay(1).legs[0].bundled_with);
    EXPECT_EQ(handshakes.legs(), 1U);
  }
  void expect_two_transports() {
    ASSERT_EQ(session->relays().size(), 2U);
    EXPECT_FALSE(relay(1).legs[1].bundled_with);
    EXPECT_NE(relay(1).legs[1].local_rtp, relay(0).legs[1].local_rtp);
    EXPECT_EQ(handshakes.legs(), 2U);
  }
  static std::string attribute(const std::string& text, std::size_t medium, sip::SdpAttribute which) {
    return std::string(sip::parse_sdp(text).value().media_attribute(medium, which).value_or(""));
  }

  std::string offered;
  const std::string kPlain = plain("audio", 5000) + video();
};

TEST_F(MediaSessionOfferedBundles, MediaAreOfferedABundleAndTransportsOfTheirOwn) {
  offered = offer_both();
  EXPECT_EQ(value_of(offered, "group"), "BUNDLE 0 1");
  EXPECT_NE(port_of(offered, 0), port_of(offered, 1));
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(attribute(offered, i, sip::SdpAttribute::mid), std::to_string(i));
    EXPECT_TRUE(sip::parse_sdp(offered).value().media_attribute(i, sip::SdpAttribute::rtcp_mux));
  }
  EXPECT_NE(attribute(offered, 0, sip::SdpAttribute::ice_ufrag), "");
  EXPECT_EQ(attribute(offered, 0, sip::SdpAttribute::ice_ufrag),
            attribute(offered, 1, sip::SdpAttribute::ice_ufrag))
      << "or joining would be a restart of one";
  EXPECT_EQ(handshakes.legs(), 2U) << "both listen";
  session->reject();
}

TEST_F(MediaSessionOfferedBundles, WhoeverCallsMayHaveNamedTheMedia) {
  const std::string names = offer(Leg::a, sdp(plain("audio", 5000, "a=mid:sound\r\n") + video()));
  EXPECT_EQ(value_of(names, "group"), "BUNDLE sound 1");
  session->reject();
  run();
  const std::string taken = offer(Leg::a, sdp(plain("audio", 5000) + video() + "a=mid:0\r\n"));
  EXPECT_EQ(value_of(taken, "group"), "BUNDLE 0 1");
  session->reject();
}

TEST_F(MediaSessionOfferedBundles, MediaWithTheSamePayloadTypesAreLeftApart) {
  const std::string three = offer(Leg::a, sdp(kPlain + plain("audio", 5004)));
  EXPECT_EQ(value_of(three, "group"), "BUNDLE 0 1");
  EXPECT_NE(port_of(three, 2), 0);
  EXPECT_EQ(attribute(three, 2, sip::SdpAttribute::mid), "");
  session->reject();
}

TEST_F(MediaSessionOfferedBundles, OneMediumAloneIsOfferedNone) {
  const std::string alone = offer(Leg::a, sdp(plain("audio", 5000)));
  EXPECT_EQ(value_of(alone, "group"), "");
  EXPECT_EQ(value_of(alone, "mid"), "");
  session->reject();
}

TEST_F(MediaSessionOfferedBundles, TheAnswerPutsMediaOnOneTransport) {
  const LegKeying order = bundled_call();
  expect_one_transport();
  EXPECT_EQ(order.local[0].port, port_of(offered, 0));
  EXPECT_TRUE(order.muxed);
  EXPECT_EQ(ports_in_use(), 2U * 2U + 2U) << "of leg b's two pairs one was given back";

  nominate(order.leg, 0, kNominated);
  give_keys(order.leg, 0, 10);
  EXPECT_EQ(orders, std::vector{CommandKind::replace}) << "of the carrier, which the other follows";
  EXPECT_TRUE(session->facts()[1].legs[1].suite) << "the transport's";
}

TEST_F(MediaSessionOfferedBundles, TheHandshakeOfWhatJoinsEnds) {
  offer_both();
  handshake_thread.orders.clear();
  answer(Leg::b, kBundled);
  const auto is_end = [](const auto& order) { return std::holds_alternative<Remove>(order); };
  EXPECT_EQ(std::ranges::count_if(handshake_thread.orders, is_end), 1);
  session->settle();
}

TEST_F(MediaSessionOfferedBundles, RulesTellTheMediaApart) {
  static_cast<void>(bundled_call());
  const dataplane::FlowConfig& joined = to_a();  // what leg b's second medium is received by
  ASSERT_TRUE(joined.arrival.bundle);
  EXPECT_TRUE(joined.arrival.joins);
  EXPECT_EQ(joined.arrival.bundle->mid, "1");
  EXPECT_TRUE(joined.arrival.bundle->payloads.test(96));
  EXPECT_FALSE(joined.arrival.stream);
}

TEST_F(MediaSessionOfferedBundles, WhoKnowsNoBundleHasTwoTransports) {
  offer_both();
  answer(Leg::b, kApart);
  session->settle();
  expect_two_transports();
}

TEST_F(MediaSessionOfferedBundles, AMediumMayBeLeftOutOfTheBundle) {
  offer_both();
  answer(Leg::b, answered("0", medium("audio", "0") + medium("video", "1", kTransport, 6002)));
  session->settle();
  expect_two_transports();
  const std::string again = offer_both(2);
  EXPECT_EQ(value_of(again, "group"), "BUNDLE 0 1") << "it may join still";
  answer(Leg::b, answered("0 1", medium("audio", "0") + medium("video", "1", kMux, 9), 2));
  session->settle();
  expect_one_transport();
}

TEST_F(MediaSessionOfferedBundles, TheFirstMediumMayBeRefused) {
  const std::string offered_first = offer_both();
  answer(Leg::b, answered("1", medium("audio", "0", "", 0) + medium("video", "1")));
  session->settle();
  ASSERT_EQ(session->relays().size(), 1U);
  EXPECT_EQ(relay().legs[1].local_rtp.port, port_of(offered_first, 1));
}

TEST_F(MediaSessionOfferedBundles, AnswersThatBreakTheRulesAreRefused) {
  for (const std::string& broken : {answered("0 2", medium("audio", "0") + medium("video", "1", kMux, 9)),
                                    answered("0 1", medium("audio", "0") + medium("video", "2", kMux, 9)),
                                    answered("0 1 1", medium("audio", "0") + medium("video", "1", kMux, 9)),
                                    answered("0 1", medium("audio", "0", "", 0) + medium("video", "1")),
                                    answered("0 1", medium("audio", "0", kTransport.substr(kMux.size())) +
                                                        medium("video", "1", "", 9))}) {
    offer_both();
    EXPECT_NE(refused_answer(Leg::b, broken), 0) << broken;
    EXPECT_FALSE(relay(1).legs[1].bundled_with);
    session->reject();
    run();
    EXPECT_EQ(ports_in_use(), 0U);
  }
}

TEST_F(MediaSessionOfferedBundles, ReoffersOfEitherLegKeepTheBundle) {
  static_cast<void>(bundled_call());
  const std::uint16_t before = port_of(offered, 0);
  const std::string again = offer_both(2);
  EXPECT_EQ(value_of(again, "group"), "BUNDLE 0 1");
  EXPECT_EQ(port_of(again, 0), before);
  EXPECT_EQ(port_of(again, 1), before);
  answer(Leg::b, answered("0 1", medium("audio", "0") + medium("video", "1", kMux, 9), 2));
  session->settle();
  expect_one_transport();

  std::string actpass = kTransport;
  actpass.replace(actpass.find("active"), 6, "actpass");
  offer(Leg::b, answered("0 1", medium("audio", "0", actpass) + medium("video", "1", kMux, 9), 3));
  const std::string told_b = answer(Leg::a, sdp(kPlain, "10.0.0.1", 3));
  session->settle();
  EXPECT_EQ(value_of(told_b, "group"), "BUNDLE 0 1");
  EXPECT_EQ(port_of(told_b, 1), before);
  expect_one_transport();
}

TEST_F(MediaSessionOfferedBundles, ARefreshRepeatsWhatIsInForce) {
  static_cast<void>(bundled_call());
  const std::string refresh(session->description(Leg::b));
  EXPECT_EQ(value_of(refresh, "group"), "BUNDLE 0 1");
  EXPECT_EQ(port_of(refresh, 1), port_of(offered, 0)) << "the other port was given back";
  EXPECT_EQ(attribute(refresh, 1, sip::SdpAttribute::ice_ufrag),
            attribute(offered, 0, sip::SdpAttribute::ice_ufrag));
  EXPECT_EQ(origin_version(offered), "1");
  EXPECT_EQ(origin_version(refresh), "2");
  EXPECT_EQ(offer_both(2), refresh) << "nothing else has changed";
  session->reject();
}

TEST_F(MediaSessionOfferedBundles, VersionsThatWereNeverSentAreUsedLater) {
  static_cast<void>(bundled_call());
  const std::string held =
      offer(Leg::a, sdp(plain("audio", 5000, "a=inactive\r\n") + video(), "10.0.0.1", 2));
  EXPECT_EQ(origin_version(held), "2");
  session->reject();
}

TEST_F(MediaSessionOfferedBundles, VideoJoinsTheTransportOfACall) {
  exchange(Leg::a, sdp(plain("audio", 5000)), answered("", medium("audio", "")));
  const std::uint16_t before = relay().legs[1].local_rtp.port;
  const std::string both = offer_both(2);
  EXPECT_EQ(value_of(both, "group"), "BUNDLE 0 1");
  EXPECT_EQ(port_of(both, 0), before);
  EXPECT_EQ(attribute(both, 0, sip::SdpAttribute::ice_pwd), attribute(both, 1, sip::SdpAttribute::ice_pwd));
  answer(Leg::b, answered("0 1", medium("audio", "0") + medium("video", "1", kMux, 9), 2));
  session->settle();
  expect_one_transport();
  EXPECT_EQ(relay(0).legs[1].local_rtp.port, before);
}

TEST_F(MediaSessionOfferedBundles, WhatAPreviewPlannedEndsWithItsOffer) {
  exchange(Leg::a, sdp(plain("audio", 5000)), answered("", medium("audio", "")));
  const std::string both = answered("0 1", medium("audio", "0") + medium("video", "1", kMux, 9), 2);
  offer_both(2);
  answer(Leg::b, both, true);
  session->reject();
  run();
  ASSERT_EQ(session->relays().size(), 1U);
  told = exchange(Leg::a, sdp(plain("audio", 5000), "10.0.0.1", 3), answered("", medium("audio", ""), 3));
  EXPECT_EQ(value_of(told[1], "group"), "") << "the planned bundle is forgotten";
  EXPECT_EQ(manager.size(), 1U);
  offer_both(4);
  answer(Leg::b, both);
  session->settle();
  expect_one_transport();
}

TEST_F(MediaSessionOfferedBundles, AnAnswerAfterThePreviewMayBundleButNotUndoIt) {
  offer_both();
  answer(Leg::b, kApart, true);
  expect_two_transports();
  answer(Leg::b, kBundled, true);
  expect_one_transport();
  EXPECT_EQ(refused_answer(Leg::b, kApart), 488);
  expect_one_transport();
  answer(Leg::b, kBundled);
  session->settle();
  expect_one_transport();
}

TEST_F(MediaSessionOfferedBundles, WhoIsToAcceptOnlyIsOfferedNone) {
  sip::MediaPolicy browsers = policy(MediaSecurity::required);
  browsers.agreements = {KeyAgreement::dtls};
  browsers.ice = sip::IceUse::offer;
  browsers.offer_mux = true;
  begin(browsers);
  EXPECT_EQ(value_of(offer_both(), "group"), "");
  session->reject();
}

}  // namespace offered_bundles_test
}  // namespace sallyport::control::test
