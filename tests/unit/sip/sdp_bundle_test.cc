// SPDX-License-Identifier: GPL-3.0-or-later
// Bundles in descriptions (RFC 9143): who is in one, what an offer, its answer and the next offer make of it.
#include <gtest/gtest.h>

#include "sip/offer_answer.h"
#include "sip/sdp_ice.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kHead = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n";
constexpr std::string_view kTransport =
    "a=rtcp-mux\r\na=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=setup:actpass\r\n"
    "a=fingerprint:SHA-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:"
    "E5:7C:AB:4A:AD\r\n";
constexpr std::string_view kMidExtension = "urn:ietf:params:rtp-hdrext:sdes:mid";

Sdp sdp_of(std::string_view rest) {
  auto sdp = parse_sdp(std::string(kHead) + std::string(rest));
  EXPECT_TRUE(sdp) << rest;
  return sdp ? std::move(*sdp) : Sdp();
}

std::string audio(std::string_view lines = "a=mid:0\r\n", int port = 7000) {
  return "m=audio " + std::to_string(port) + " UDP/TLS/RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\n" +
         std::string(lines);
}
std::string video(std::string_view lines = "a=mid:1\r\n", int port = 9) {
  return "m=video " + std::to_string(port) + " UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n" +
         std::string(lines);
}
const std::string kGroup = "a=group:BUNDLE 0 1\r\n", kOwn(kTransport);
const std::string kOffer = kGroup + audio("a=mid:0\r\n" + kOwn) + video("a=mid:1\r\na=rtcp-mux\r\n");

MediaPolicy browsers() {
  MediaPolicy policy;
  policy.agreements = {KeyAgreement::dtls};
  policy.transport_secure = true;
  policy.crypto.suites = {crypto::SuiteId::aead_aes_128_gcm};
  return policy;
}
MediaPolicy plain() {
  MediaPolicy policy;
  policy.security = MediaSecurity::none;
  return policy;
}

/// Our ends: media with the same carrier share one.
std::vector<LocalMedia> local(std::vector<std::optional<LocalBundle>> bundles) {
  std::vector<LocalMedia> all;
  for (std::size_t i = 0; i < bundles.size(); ++i) {
    LocalMedia& media = all.emplace_back();
    const bool shares = bundles[i] && !bundles[i]->apart;
    const std::size_t port = 30000 + 2 * (shares ? bundles[i]->carrier : i);
    media.rtp = {*IpAddress::parse("192.0.2.1"), static_cast<std::uint16_t>(port)};
    media.dtls = LocalDtls{{}, "0123456789abcdefghijklmn"};
    media.ice = LocalIce{"ufrg", "aPasswordOfManyLetters0"};
    media.bundle = bundles[i];
  }
  return all;
}
const std::optional<LocalBundle> kAudioIn = LocalBundle{"0", 0}, kVideoIn = LocalBundle{"1", 0};
const LocalOrigin kOrigin{100, 1, IpAddress::parse("192.0.2.1").value()};
void draw(std::span<std::uint8_t> octets) {
  std::ranges::fill(octets, std::uint8_t{7});
}

std::vector<std::optional<std::size_t>> tagged_in(std::string_view description) {
  std::vector<std::optional<std::size_t>> tagged;
  for (const BundlePlace& place : bundle_places(sdp_of(description))) tagged.push_back(place.tagged);
  return tagged;
}

TEST(BundlePlaces, TheFirstWithAPortDescribesTheTransport) {
  using Tagged = std::vector<std::optional<std::size_t>>;
  EXPECT_EQ(tagged_in(kGroup + audio() + video()), (Tagged{0, 0}));
  EXPECT_EQ(tagged_in("a=group:BUNDLE 1 0\r\n" + audio() + video()), (Tagged{1, 1}));
  EXPECT_EQ(tagged_in(kGroup + audio("a=mid:0\r\n", 0) + video()), (Tagged{1, 1}));
  EXPECT_EQ(tagged_in("a=group:BUNDLE 1\r\n" + audio() + video()), (Tagged{{}, 1}));
  EXPECT_EQ(tagged_in("a=group:BUNDLE 0\r\na=group:BUNDLE 1\r\n" + audio() + video()), (Tagged{0, 1}));
  EXPECT_EQ(tagged_in("a=group:LS 0 1\r\n" + audio() + video()), (Tagged{{}, {}}));
}

TEST(BundlePlaces, GroupsThatMakeNoSenseAreNone) {
  using Tagged = std::vector<std::optional<std::size_t>>;
  const Tagged none{{}, {}};
  EXPECT_EQ(tagged_in("a=group:BUNDLE 0 2\r\n" + audio() + video()), none) << "nobody has that mid";
  EXPECT_EQ(tagged_in("a=group:BUNDLE 0 0\r\n" + audio() + video()), none);
  EXPECT_EQ(tagged_in("a=group:BUNDLE 0 1\r\n" + audio() + video("a=mid:0\r\n")), none);
  EXPECT_EQ(tagged_in("a=group:BUNDLE\r\n" + audio() + video()), none);
  EXPECT_EQ(tagged_in(kGroup + audio("a=mid:0\r\n", 0) + video("a=mid:1\r\n", 0)), none);
  EXPECT_EQ(
      tagged_in("a=group:BUNDLE 0 12345678901234567\r\n" + audio() + video("a=mid:12345678901234567\r\n")),
      none);
  const std::string twice = "a=group:BUNDLE 0 1\r\na=group:BUNDLE 1\r\n";
  EXPECT_EQ(tagged_in(twice + audio() + video()), (Tagged{0, 0})) << "the first group has them";
  std::string many = "a=group:BUNDLE", media;
  for (std::size_t i = 0; i <= kMaxBundleMedia; ++i) {
    many += " m" + std::to_string(i);
    media += audio("a=mid:m" + std::to_string(i) + "\r\n");
  }
  EXPECT_EQ(tagged_in(many + "\r\n" + media), Tagged(kMaxBundleMedia + 1));
}

TEST(BundleMarks, AreWhatPacketsCanBeKnownBy) {
  const std::string lines =
      "a=mid:a\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:14/sendrecv " +
      std::string(kMidExtension) +
      "\r\na=ssrc:4294967295 cname:x\r\na=ssrc:4294967295 msid:y z\r\n"
      "a=ssrc:4294967296 cname:x\r\na=ssrc:7\r\na=ssrc:many\r\n";
  const BundleMarks marks = bundle_marks(sdp_of(audio(lines)), 0, "a");
  EXPECT_EQ(marks.mid, "a");
  EXPECT_EQ(marks.mid_extension, 14);
  EXPECT_EQ(marks.ssrcs, (std::vector<std::uint32_t>{4294967295U, 7}));
  EXPECT_TRUE(marks.payloads.test(111) && marks.payloads.test(0));
  EXPECT_EQ(marks.payloads.count(), 2u);
  EXPECT_EQ(
      bundle_marks(sdp_of(video("a=extmap:300 " + std::string(kMidExtension) + "\r\n")), 0, "").mid_extension,
      0);
}

TEST(BundleOffers, MediaHaveTheTransportOfTheFirst) {
  const auto read = read_offer(sdp_of(kOffer), browsers());
  ASSERT_TRUE(read);
  const RemoteMedia &first = read->media[0], &second = read->media[1];
  ASSERT_TRUE(second.active) << second.refusal;
  ASSERT_TRUE(first.bundle && second.bundle);
  EXPECT_EQ(first.bundle->tagged, 0u);
  EXPECT_EQ(second.bundle->tagged, 0u);
  EXPECT_EQ(second.dtls, first.dtls);
  EXPECT_EQ(second.ice_fragment, "8hhY");
  EXPECT_EQ(second.rtp, first.rtp);
  EXPECT_TRUE(second.mux);
  EXPECT_EQ(second.clock_rate, 90000u);
}

/// What is told apart by an extension that the ends are not told of, is told apart by SSRC and payload type.
TEST(BundleOffers, StrippedExtensionsTellNoMedia) {
  const std::string lines = "a=extmap:4 " + std::string(kMidExtension) + "\r\na=ssrc:7 cname:x\r\n";
  const Sdp offer =
      sdp_of(kGroup + audio("a=mid:0\r\n" + kOwn + lines) + video("a=mid:1\r\na=rtcp-mux\r\n" + lines));
  MediaPolicy policy = browsers();
  for (const bool kept : {true, false}) {
    policy.filter.keep_extensions = kept;
    const auto read = read_offer(offer, policy);
    ASSERT_TRUE(read);
    for (const std::size_t i : {0u, 1u}) {
      const BundleMarks& marks = read->media[i].bundle.value().marks;
      EXPECT_EQ(marks.mid_extension, kept ? 4 : 0);
      EXPECT_EQ(marks.ssrcs, std::vector<std::uint32_t>{7});
      EXPECT_TRUE(marks.payloads.test(i == 0 ? 111 : 96));
    }
  }
}

TEST(BundleOffers, WhatHasATransportKeepsIt) {
  const Sdp offer = sdp_of(kGroup + audio("a=mid:0\r\n" + kOwn) + video("a=mid:1\r\n" + kOwn, 7002));
  for (const std::vector<bool>& apart :
       {std::vector{true, true}, std::vector{true}, std::vector{false, true}}) {
    const auto read = read_offer(offer, browsers(), kStandardLimits, apart);
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->media[1].bundle);
    ASSERT_TRUE(read->media[1].active);
    EXPECT_EQ(read->media[1].rtp->port, 7002);
  }
}

TEST(BundleOffers, BundleOnlyIsNoRefusal) {
  const std::string only = "a=mid:1\r\na=bundle-only\r\n";
  const std::string offer = kGroup + audio("a=mid:0\r\n" + kOwn) + video(only, 0);
  const auto read = read_offer(sdp_of(offer), browsers());
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->media[1].active);
  MediaPolicy without = browsers();
  without.bundle = BundleUse::off;
  const auto apart = read_offer(sdp_of(offer), without);
  ASSERT_TRUE(apart);
  EXPECT_FALSE(apart->media[0].bundle);
  EXPECT_FALSE(apart->media[1].active) << "there is nowhere to send it";
}

TEST(BundleOffers, OnlyMuxedTransportsWithIceAndDtlsAreShared) {
  const std::string no_mux = kOwn.substr(kOwn.find("a=ice-ufrag"));
  const std::string no_ice = "a=rtcp-mux\r\n" + kOwn.substr(kOwn.find("a=setup"));
  for (const std::string& transport : {no_mux, no_ice}) {
    const auto read = read_offer(
        sdp_of(kGroup + audio("a=mid:0\r\n" + transport) + video("a=mid:1\r\n" + transport)), browsers());
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->media[0].bundle);
    EXPECT_FALSE(read->media[1].bundle);
    EXPECT_TRUE(read->media[1].active) << "by its own transport";
  }
}

TEST(BundleOffers, AnOpenProfileSharesNoSecureTransport) {
  std::string offer = kOffer;
  offer.replace(offer.find("UDP/TLS/RTP/SAVPF 96"), 17, "RTP/AVP");
  const auto read = read_offer(sdp_of(offer), browsers());
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->media[0].active);
  EXPECT_FALSE(read->media[1].active);
}

/// What is answered where the other leg takes these media.
Result<SentAnswer> answered(const RemoteOffer& offer, std::string_view others_answer,
                            const std::vector<LocalMedia>& ours) {
  const Sdp source = sdp_of(others_answer);
  Agreement agreed;
  for (std::size_t i = 0; i < source.media_count(); ++i) {
    AgreedMedia& medium = agreed.media.emplace_back();
    medium.active = source.media(i).port != 0;
    medium.direction = Direction::sendrecv;
  }
  return write_answer(offer, source, agreed, browsers(), ours, kOrigin, draw);
}
const std::string kBoth = "m=audio 5000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 96\r\n";

TEST(BundleAnswers, NameTheGroupAndDescribeOneTransportInAllItsMedia) {
  const auto read = read_offer(sdp_of(kOffer), browsers());
  ASSERT_TRUE(read);
  const auto answer = answered(*read, kBoth, local({kAudioIn, kVideoIn}));
  ASSERT_TRUE(answer) << answer.error().text;
  const Sdp sdp = *parse_sdp(answer->text);
  EXPECT_EQ(sdp.session_attribute(SdpAttribute::group), "BUNDLE 0 1");
  EXPECT_EQ(sdp.media(0).port, 30000);
  EXPECT_EQ(sdp.media(1).port, 30000);
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_EQ(sdp.media_attribute(i, SdpAttribute::mid), i == 0 ? "0" : "1");
    EXPECT_TRUE(sdp.media_attribute(i, SdpAttribute::rtcp_mux));
    for (const SdpAttribute attribute :
         {SdpAttribute::ice_ufrag, SdpAttribute::ice_pwd, SdpAttribute::candidate, SdpAttribute::fingerprint,
          SdpAttribute::setup, SdpAttribute::tls_id})
      EXPECT_EQ(sdp.media_attribute(i, attribute), sdp.media_attribute(0, attribute)) << info(attribute).name;
    EXPECT_TRUE(sdp.media_attribute(i, SdpAttribute::fingerprint));
  }
  ASSERT_TRUE(answer->agreement.media[1].bundle);
  EXPECT_EQ(answer->agreement.media[1].bundle->marks.mid, "1");
}

TEST(BundleAnswers, ARefusedMediumLeavesItsTransportToTheOthers) {
  const auto read = read_offer(sdp_of(kOffer), browsers());
  ASSERT_TRUE(read);
  const auto answer =
      answered(*read, "m=audio 0 RTP/AVP 0\r\nm=video 5002 RTP/AVP 96\r\n", local({kAudioIn, kVideoIn}));
  ASSERT_TRUE(answer);
  const Sdp sdp = *parse_sdp(answer->text);
  EXPECT_EQ(sdp.session_attribute(SdpAttribute::group), "BUNDLE 1");
  EXPECT_EQ(sdp.media(0).port, 0);
  EXPECT_EQ(sdp.media(1).port, 30000);
  EXPECT_TRUE(sdp.media_attribute(1, SdpAttribute::fingerprint));
}

TEST(BundleAnswers, MediaThatWeKeepApartAreInNoGroup) {
  const auto read =
      read_offer(sdp_of(kGroup + audio("a=mid:0\r\n" + kOwn) + video("a=mid:1\r\n" + kOwn)), browsers());
  ASSERT_TRUE(read);
  const auto answer = answered(*read, kBoth, local({std::nullopt, std::nullopt}));
  ASSERT_TRUE(answer);
  const Sdp sdp = *parse_sdp(answer->text);
  EXPECT_FALSE(sdp.session_attribute(SdpAttribute::group));
  EXPECT_TRUE(sdp.media_attribute(1, SdpAttribute::fingerprint));
  EXPECT_FALSE(answer->agreement.media[1].bundle);
}

/// A later offer to the leg whose media share a transport.
SentOffer offered() {
  const Sdp source = sdp_of(kBoth);
  const auto read = read_offer(source, plain());
  EXPECT_TRUE(read);
  auto sent = write_offer(source, *read, browsers(), local({kAudioIn, kVideoIn}), kOrigin, draw);
  EXPECT_TRUE(sent);
  return std::move(*sent);
}

TEST(BundleReoffers, KeepTheBundle) {
  const SentOffer sent = offered();
  const Sdp sdp = *parse_sdp(sent.text);
  EXPECT_EQ(sdp.session_attribute(SdpAttribute::group), "BUNDLE 0 1");
  EXPECT_EQ(sdp.media(1).port, 30000);
  EXPECT_EQ(sdp.media_attribute(1, SdpAttribute::setup), "actpass");

  const std::string active = std::string(kTransport).replace(kTransport.find("actpass"), 7, "active");
  const auto answer = read_answer(sent, sdp_of(kGroup + audio("a=mid:0\r\n" + active) + video()), browsers());
  ASSERT_TRUE(answer) << answer.error().text;
  ASSERT_TRUE(answer->media[1].active && answer->media[1].bundle);
  EXPECT_EQ(answer->media[1].bundle->tagged, 0u);
  EXPECT_EQ(answer->media[1].dtls, answer->media[0].dtls);
  EXPECT_EQ(answer->media[1].agreement, KeyAgreement::dtls);
  EXPECT_TRUE(answer->media[1].mux);
  EXPECT_TRUE(answer->media[1].bundle->marks.payloads.test(96));
}

TEST(BundleReoffers, AnswersWithStrippedExtensionsTellNoMediaByThem) {
  const std::string lines = "a=extmap:4 " + std::string(kMidExtension) + "\r\n";
  const std::string active = std::string(kTransport).replace(kTransport.find("actpass"), 7, "active");
  const Sdp answer = sdp_of(kGroup + audio("a=mid:0\r\n" + active + lines) + video("a=mid:1\r\n" + lines));
  MediaPolicy policy = browsers();
  for (const bool kept : {true, false}) {
    policy.filter.keep_extensions = kept;
    const auto read = read_answer(offered(), answer, policy);
    ASSERT_TRUE(read) << read.error().text;
    for (const std::size_t i : {0u, 1u})
      EXPECT_EQ(read->media[i].bundle.value().marks.mid_extension, kept ? 4 : 0);
  }
}

TEST(BundleReoffers, AreNotAnsweredByTakingMediaApart) {
  const std::string active = std::string(kTransport).replace(kTransport.find("actpass"), 7, "active");
  const auto apart = read_answer(
      offered(), sdp_of(audio("a=mid:0\r\n" + active) + video("a=mid:1\r\n" + active)), browsers());
  ASSERT_FALSE(apart);
  EXPECT_EQ(apart.error().text, "SDP: the answer takes a medium out of its bundle");
  const auto without_video = read_answer(
      offered(), sdp_of("a=group:BUNDLE 0\r\n" + audio("a=mid:0\r\n" + active) + video("", 0)), browsers());
  ASSERT_TRUE(without_video) << without_video.error().text;
  EXPECT_FALSE(without_video->media[1].active);
}

/// A first offer to a leg that may put its media into one bundle, or that beside one which it has.
SentOffer offered_together(const std::vector<LocalMedia>& ours, const std::string& media = kBoth) {
  const Sdp source = sdp_of(media);
  const auto read = read_offer(source, plain());
  EXPECT_TRUE(read);
  MediaPolicy policy = browsers();
  policy.offer_mux = true;
  auto sent = write_offer(source, *read, policy, ours, kOrigin, draw);
  EXPECT_TRUE(sent);
  return std::move(*sent);
}
const std::optional<LocalBundle> kAudioApart = LocalBundle{"0", 0, true};
const std::optional<LocalBundle> kVideoApart = LocalBundle{"1", 0, true};
std::string taken(std::string_view transport = kTransport) {
  return std::string(transport).replace(transport.find("actpass"), 7, "active");
}

TEST(OfferedBundles, NameMediaThatHaveTransportsOfTheirOwn) {
  const SentOffer sent = offered_together(local({kAudioApart, kVideoApart}));
  const Sdp sdp = *parse_sdp(sent.text);
  EXPECT_EQ(sdp.session_attribute(SdpAttribute::group), "BUNDLE 0 1");
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_EQ(sdp.media(i).port, 30000 + 2 * i);
    EXPECT_EQ(sdp.media_attribute(i, SdpAttribute::mid), i == 0 ? "0" : "1");
    EXPECT_TRUE(sdp.media_attribute(i, SdpAttribute::rtcp_mux));
    EXPECT_FALSE(sdp.media_attribute(i, SdpAttribute::bundle_only));
  }
  EXPECT_EQ(sent.duplicate().media[1].mid, "1");
  EXPECT_TRUE(sent.duplicate().media[1].apart);
}

TEST(OfferedBundles, NeedTwoMediaWithIceAndDtlsAndMux) {
  auto ours = local({kAudioApart, kVideoApart});
  ours[1].ice.reset();
  for (const SentOffer& sent :
       {offered_together(ours), offered_together(local({kAudioApart, kVideoApart}),
                                                 "m=audio 5000 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n")}) {
    EXPECT_EQ(sent.text.find("a=group"), std::string::npos);
    EXPECT_EQ(sent.text.find("a=mid"), std::string::npos);
    EXPECT_FALSE(sent.media[0].carrier);
  }
  const Sdp source = sdp_of(kBoth);
  const auto unmuxed = write_offer(source, *read_offer(source, plain()), browsers(),
                                   local({kAudioApart, kVideoApart}), kOrigin, draw);
  ASSERT_TRUE(unmuxed);
  EXPECT_EQ(unmuxed->text.find("a=group"), std::string::npos);
}

TEST(OfferedBundles, HaveNoPayloadTypeTwice) {
  const SentOffer sent = offered_together(local({kAudioApart, kVideoApart}),
                                          "m=audio 5000 RTP/AVP 0 96\r\nm=video 5002 RTP/AVP 96\r\n");
  EXPECT_EQ(sent.text.find("a=group"), std::string::npos);
  EXPECT_TRUE(sent.media[0].active && sent.media[1].active);
}

TEST(OfferedBundles, PassTheMidExtensionWhereItNamesTheSame) {
  const std::string lines = "a=extmap:4 " + std::string(kMidExtension) + "\r\na=extmap:5 urn:x\r\n";
  const auto media = [&](std::string_view mid) {
    return "m=audio 5000 RTP/AVP 0\r\n" + std::string(mid) + lines + "m=video 5002 RTP/AVP 96\r\n";
  };
  const auto ours = local({kAudioApart, kVideoApart});
  for (const auto& [mid, passes] : {std::pair("a=mid:0\r\n", true), std::pair("a=mid:1\r\n", false)}) {
    const std::string text = offered_together(ours, media(mid)).text;
    EXPECT_EQ(text.find(kMidExtension) != std::string::npos, passes) << text;
    EXPECT_NE(text.find("a=extmap:5 urn:x"), std::string::npos);
  }
}

TEST(OfferedBundles, BeginWithTheTransportThatIsThere) {
  const SentOffer sent = offered_together(local({LocalBundle{"0", 1, true}, LocalBundle{"1", 1}}));
  EXPECT_EQ(parse_sdp(sent.text)->session_attribute(SdpAttribute::group), "BUNDLE 1 0");
  const auto moved = read_answer(
      sent, sdp_of(kGroup + audio("a=mid:0\r\n" + taken()) + video("a=mid:1\r\n" + taken())), browsers());
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().text, "SDP: the answer takes a bundle to another transport");
  const auto joined = read_answer(
      sent, sdp_of("a=group:BUNDLE 1 0\r\n" + audio() + video("a=mid:1\r\n" + taken())), browsers());
  ASSERT_TRUE(joined) << joined.error().text;
  EXPECT_EQ(joined->media[0].bundle.value().tagged, 1u);
  EXPECT_EQ(joined->media[0].ice_fragment, "8hhY") << "described further down";
}

TEST(OfferedBundles, TheAnswerSaysWhoSharesATransport) {
  const SentOffer sent = offered_together(local({kAudioApart, kVideoApart}));
  const auto both = read_answer(sent, sdp_of(kGroup + audio("a=mid:0\r\n" + taken()) + video()), browsers());
  ASSERT_TRUE(both) << both.error().text;
  EXPECT_EQ(both->media[0].bundle.value().tagged, 0u);
  EXPECT_EQ(both->media[1].bundle.value().tagged, 0u);
  EXPECT_EQ(both->media[1].dtls, both->media[0].dtls);
  EXPECT_TRUE(both->media[1].bundle->marks.payloads.test(96));

  const std::string apart = audio(taken()) + video(taken(), 7002);
  const auto none = read_answer(sent, sdp_of(apart), browsers());
  ASSERT_TRUE(none) << none.error().text;
  EXPECT_FALSE(none->media[0].bundle || none->media[1].bundle);
  EXPECT_EQ(none->media[1].rtp.value().port, 7002);

  const std::string alone =
      "a=group:BUNDLE 0\r\n" + audio("a=mid:0\r\n" + taken()) + video("a=mid:1\r\n" + taken(), 7002);
  const auto one = read_answer(sent, sdp_of(alone), browsers());
  ASSERT_TRUE(one) << one.error().text;
  EXPECT_TRUE(one->media[0].bundle);
  EXPECT_FALSE(one->media[1].bundle);

  const std::string second =
      "a=group:BUNDLE 1\r\n" + audio("a=mid:0\r\n", 0) + video("a=mid:1\r\n" + taken(), 7002);
  const auto refusing = read_answer(sent, sdp_of(second), browsers());
  ASSERT_TRUE(refusing) << refusing.error().text;
  EXPECT_FALSE(refusing->media[0].active);
  EXPECT_EQ(refusing->media[1].bundle.value().tagged, 1u);
}

TEST(OfferedBundles, AnswersThatBreakTheRulesAreRefused) {
  const SentOffer sent = offered_together(local({kAudioApart, kVideoApart}));
  const std::string sound = audio("a=mid:0\r\n" + taken()), picture = video();
  std::string open = video(), no_ice = taken(), no_mux = taken();
  open.replace(open.find("UDP/TLS/RTP/SAVPF"), 17, "RTP/AVPF");
  no_ice.erase(no_ice.find("a=ice-ufrag"), no_ice.find("a=setup") - no_ice.find("a=ice-ufrag"));
  no_mux.erase(0, no_mux.find("a=ice"));
  const std::pair<std::string, std::string_view> broken[] = {
      {"a=group:BUNDLE 0 2\r\n" + sound + picture, "SDP: the answer bundles a medium that was not offered"},
      {kGroup + sound + video("a=mid:2\r\n"), "SDP: the answer bundles a medium that was not offered"},
      {kGroup + sound + video(""), "SDP: the answer bundles a medium that was not offered"},
      {"a=group:BUNDLE 1 0\r\n" + audio("a=mid:1\r\n" + taken()) + video("a=mid:0\r\n"),
       "SDP: the answer bundles a medium that was not offered"},
      {"a=group:BUNDLE 0 1 0\r\n" + sound + picture, "SDP: the answer bundles a medium twice"},
      {"a=group:BUNDLE 0\r\na=group:BUNDLE 1 0\r\n" + sound + picture,
       "SDP: the answer bundles a medium twice"},
      {kGroup + audio("a=mid:0\r\n", 0) + video("a=mid:1\r\n" + taken()),
       "SDP: the answer's bundle begins with a medium that is refused"},
      {"a=group:BUNDLE 0\r\n" + sound + video("a=mid:0\r\n" + taken()),
       "SDP: the answer's groups contradict themselves"},
      {kGroup + audio("a=mid:0\r\n" + no_ice) + picture,
       "SDP: the answer bundles without ICE, DTLS or rtcp-mux"},
      {kGroup + audio("a=mid:0\r\n" + no_mux) + picture,
       "SDP: the answer bundles without ICE, DTLS or rtcp-mux"},
      {kGroup + sound + open, "SDP: the answer's transport protocol is not the offer's"},
  };
  for (const auto& [text, why] : broken) {
    const auto read = read_answer(sent, sdp_of(text), browsers());
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().text, why) << text;
  }
}

TEST(OfferedBundles, GroupsThatNobodyOfferedMeanNothing) {
  const SentOffer sent = offered_together(local({std::nullopt, std::nullopt}));
  const auto read = read_answer(
      sent, sdp_of(kGroup + audio("a=mid:0\r\n" + taken()) + video("a=mid:1\r\n" + taken(), 7002)),
      browsers());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_FALSE(read->media[0].bundle || read->media[1].bundle);
}

}  // namespace
}  // namespace sallyport::sip
