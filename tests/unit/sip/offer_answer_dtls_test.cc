// SPDX-License-Identifier: GPL-3.0-or-later
// Offer and answer with DTLS-SRTP and ICE: which way to keys is taken, what each leg is told, what is
// refused.
#include <gtest/gtest.h>

#include "sip/offer_answer.h"
#include "sip/sdp_ice.h"

namespace sallyport::sip {
namespace {

using crypto::SuiteId;
using enum KeyAgreement;

constexpr std::string_view kHead = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n";
constexpr std::string_view kCrypto =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
// RFC 8122 §5's own example.
constexpr std::string_view kFingerprint =
    "a=fingerprint:SHA-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:"
    "E5:7C:AB:4A:AD\r\n";
constexpr std::string_view kSha1 =
    "a=fingerprint:SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n";
constexpr std::string_view kIce = "a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n";

std::string dtls_media(std::string_view setup = "actpass", std::string_view profile = "UDP/TLS/RTP/SAVPF") {
  return "m=audio 7000 " + std::string(profile) + " 0\r\n" + std::string(kFingerprint) +
         "a=setup:" + std::string(setup) + "\r\n";
}
const std::string kSavp = "m=audio 7000 RTP/SAVP 0\r\n", kAvp = "m=audio 7000 RTP/AVP 0\r\n";

Sdp session(std::string_view media, std::string_view session_lines = "") {
  auto sdp = parse_sdp(std::string(kHead) + std::string(session_lines) + std::string(media));
  EXPECT_TRUE(sdp) << media;
  return sdp ? std::move(*sdp) : Sdp();
}

MediaPolicy policy(std::vector<KeyAgreement> agreements, MediaSecurity security = MediaSecurity::required) {
  MediaPolicy chosen;
  chosen.security = security;
  chosen.agreements = std::move(agreements);
  chosen.transport_secure = true;
  chosen.crypto.suites = {SuiteId::aes_cm_128_hmac_sha1_80};
  return chosen;
}

LocalMedia local() {
  LocalMedia media;
  media.rtp = *Endpoint::parse("192.0.2.1:30000");
  media.dtls = LocalDtls{{}, "0123456789abcdefghijklmn"};
  return media;
}
LocalMedia local_with_ice() {
  LocalMedia media = local();
  media.ice = LocalIce{"ufrg", "aPasswordOfManyLetters0"};
  return media;
}
const LocalOrigin kOrigin{100, 1, IpAddress::parse("192.0.2.1").value()};
void draw(std::span<std::uint8_t> octets) {
  std::ranges::fill(octets, std::uint8_t{7});
}

Result<SentOffer> offered(std::string_view media, const MediaPolicy& to, const LocalMedia& ours = local()) {
  const Sdp source = session(media);
  auto read = read_offer(source, policy({sdes}, MediaSecurity::none));
  EXPECT_TRUE(read);
  return write_offer(source, *read, to, std::span(&ours, 1), kOrigin, draw);
}

std::string refusal(std::string_view media, const MediaPolicy& with) {
  const auto read = read_offer(session(media), with);
  return read ? "" : read.error().text;
}

TEST(DtlsOffers, TheDearestWayThatIsOfferedIsTaken) {
  struct Case {
    std::string media;
    std::vector<KeyAgreement> agreements;
    std::optional<KeyAgreement> expected;  ///< nothing: refused
  };
  const std::string both = std::string(kFingerprint) + "a=setup:actpass\r\n" + std::string(kCrypto);
  for (const Case& entry : {
           Case{dtls_media(), {dtls}, dtls},
           Case{dtls_media(), {sdes, dtls}, dtls},
           Case{dtls_media(), {sdes}, std::nullopt},
           Case{dtls_media() + std::string(kCrypto), {sdes, dtls}, dtls},  // the profile insists
           Case{kSavp + std::string(kCrypto), {dtls, sdes}, sdes},
           Case{kSavp + std::string(kCrypto), {dtls}, std::nullopt},
           Case{kSavp + both, {dtls, sdes}, dtls},
           Case{kSavp + both, {sdes, dtls}, sdes},
           Case{kAvp + both, {dtls}, dtls},  // RFC 8643
           Case{kAvp + both, {sdes}, sdes},
           Case{kAvp, {dtls, sdes}, std::nullopt},
           Case{"m=audio 7000 UDP/TLS/RTP/SAVP 0\r\n" + std::string(kCrypto), {dtls, sdes}, std::nullopt},
       }) {
    const auto read = read_offer(session(entry.media), policy(entry.agreements));
    EXPECT_EQ(read ? read->media[0].agreement : std::nullopt, entry.expected) << entry.media;
    if (read) {
      EXPECT_EQ(read->media[0].dtls.has_value(), entry.expected == dtls);
      EXPECT_EQ(read->media[0].crypto.has_value(), entry.expected == sdes);
    }
  }
}

TEST(DtlsOffers, AnInsecureTransportCarriesNoFingerprint) {
  MediaPolicy open = policy({dtls});
  open.transport_secure = false;
  EXPECT_NE(refusal(dtls_media(), open).find("secure"), std::string::npos);
}

TEST(DtlsOffers, WhatCannotBeServedIsRefusedByName) {
  const MediaPolicy only = policy({dtls});
  EXPECT_NE(refusal("m=audio 7000 UDP/TLS/RTP/SAVP 0\r\na=setup:active\r\n", only).find("fingerprint"),
            std::string::npos);
  EXPECT_FALSE(refusal("m=audio 7000 UDP/TLS/RTP/SAVP 0\r\n" + std::string(kSha1), only).empty());
  EXPECT_NE(refusal(dtls_media("holdconn"), only).find("holdconn"), std::string::npos);
  EXPECT_NE(refusal(dtls_media("sometimes"), only).find("setup"), std::string::npos);
  EXPECT_NE(refusal(dtls_media() + "a=tls-id:short\r\n", only).find("tls-id"), std::string::npos);
  EXPECT_NE(refusal(dtls_media(), policy({sdes})).find("no DTLS-SRTP"), std::string::npos);
  EXPECT_NE(refusal(dtls_media() + "a=ice-ufrag:8hhY\r\n", only).find("ice"), std::string::npos);
}

TEST(DtlsOffers, AFingerprintOfTheSessionHoldsForItsMedia) {
  const auto read = read_offer(
      session("m=audio 7000 UDP/TLS/RTP/SAVP 0\r\n", std::string(kFingerprint) + "a=setup:active\r\n"),
      policy({dtls}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->media[0].dtls->setup, DtlsSetup::active);
}

TEST(DtlsOffers, OursNamesCertificateRoleAndId) {
  const auto sent = offered("m=audio 7000 RTP/AVP 0\r\n", policy({dtls, sdes}));
  ASSERT_TRUE(sent);
  EXPECT_TRUE(sent->media[0].dtls && sent->media[0].crypto.empty());
  const Sdp written = *parse_sdp(sent->text);
  EXPECT_EQ(written.media(0).profile, RtpProfile::tls_savp);
  const auto announced = dtls_description(written, 0);
  ASSERT_TRUE(announced);
  EXPECT_EQ(announced->setup, DtlsSetup::actpass);
  EXPECT_EQ(announced->fingerprints.size(), 1u);
  EXPECT_EQ(announced->tls_id, "0123456789abcdefghijklmn");
  EXPECT_FALSE(written.session_attribute(SdpAttribute::ice_lite));
}

TEST(DtlsOffers, OpportunisticOnesNameEveryWay) {
  const auto sent = offered("m=audio 7000 RTP/AVP 0\r\n", policy({dtls, sdes}, MediaSecurity::preferred));
  ASSERT_TRUE(sent);
  EXPECT_TRUE(sent->media[0].dtls);
  EXPECT_EQ(sent->media[0].crypto.size(), 1u);
  EXPECT_EQ(sent->media[0].profile, RtpProfile::avp);
}

TEST(DtlsOffers, WhatTheMediumHasGoesOn) {
  LocalMedia ours = local();
  ours.agreed = sdes;
  const auto sent = offered("m=audio 7000 RTP/AVP 0\r\n", policy({dtls, sdes}), ours);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->media[0].profile, RtpProfile::savp);
  EXPECT_FALSE(sent->media[0].dtls);
}

TEST(DtlsOffers, WithoutACertificateTheNextWayIsOffered) {
  LocalMedia ours = local();
  ours.dtls.reset();
  const auto sent = offered("m=audio 7000 RTP/AVP 0\r\n", policy({dtls, sdes}), ours);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->media[0].profile, RtpProfile::savp);
  EXPECT_FALSE(offered("m=audio 7000 RTP/AVP 0\r\n", policy({dtls}), ours));
}

TEST(DtlsOffers, FeedbackIsAsThePolicyHasIt) {
  const std::string_view audio = "audio", video = "video";
  for (const auto& [use, kind, profile] : {std::tuple(FeedbackUse::automatic, audio, RtpProfile::tls_savp),
                                           std::tuple(FeedbackUse::automatic, video, RtpProfile::tls_savpf),
                                           std::tuple(FeedbackUse::pass, audio, RtpProfile::tls_savpf),
                                           std::tuple(FeedbackUse::on, audio, RtpProfile::tls_savpf),
                                           std::tuple(FeedbackUse::off, video, RtpProfile::tls_savp)}) {
    MediaPolicy to = policy({dtls});
    to.feedback = use;
    const auto sent = offered("m=" + std::string(kind) + " 7000 RTP/AVPF 0\r\na=rtcp-fb:* nack\r\n", to);
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->media[0].profile, profile);
    EXPECT_EQ(sent->text.find("rtcp-fb") != std::string::npos, has_feedback(profile));
  }
}

TEST(DtlsAnswers, RolesAndProfiles) {
  const auto sent = offered("m=audio 7000 RTP/AVPF 0\r\n", policy({dtls}));
  ASSERT_TRUE(sent);
  for (const auto& [media, taken] : {
           std::pair(dtls_media("active"), true),
           std::pair(dtls_media("passive"), true),
           std::pair(dtls_media("active", "UDP/TLS/RTP/SAVP"), true),  // whether it ends with F is no matter
           std::pair(dtls_media("actpass"), false),
           std::pair(dtls_media("holdconn"), false),
           std::pair(dtls_media("active", "RTP/SAVPF"), false),
           std::pair(std::string("m=audio 7000 UDP/TLS/RTP/SAVPF 0\r\na=setup:active\r\n"), false),
           std::pair("m=audio 7000 RTP/SAVPF 0\r\n" + std::string(kCrypto), false),
       }) {
    const auto agreed = read_answer(*sent, session(media), policy({dtls}));
    EXPECT_EQ(agreed.has_value(), taken) << media;
    if (!agreed) continue;
    EXPECT_EQ(agreed->media[0].agreement, dtls);
    EXPECT_EQ(agreed->media[0].dtls->setup == DtlsSetup::active, media.find("active") != std::string::npos);
  }
}

TEST(DtlsAnswers, ToAReOfferActpassMeansTheRoleThatThePeerHas) {
  for (const auto& [ours, theirs] :
       {std::pair(DtlsSetup::passive, DtlsSetup::active), std::pair(DtlsSetup::active, DtlsSetup::passive)}) {
    LocalMedia media = local();
    media.dtls_role = ours;
    const auto sent = offered("m=audio 7000 RTP/AVPF 0\r\n", policy({dtls}), media);
    ASSERT_TRUE(sent);
    const auto agreed = read_answer(*sent, session(dtls_media("actpass")), policy({dtls}));
    ASSERT_TRUE(agreed);
    EXPECT_EQ(agreed->media[0].dtls->setup, theirs);
  }
}

TEST(DtlsAnswers, ToAnOpportunisticOfferAreAnyOfItsWaysOrNone) {
  const MediaPolicy open = policy({dtls, sdes}, MediaSecurity::preferred);
  const auto sent = offered("m=audio 7000 RTP/AVP 0\r\n", open);
  ASSERT_TRUE(sent);
  const auto agreement = [&](const std::string& media) {
    const auto agreed = read_answer(*sent, session(media), open);
    EXPECT_TRUE(agreed) << media;
    return agreed ? agreed->media[0].agreement : std::nullopt;
  };
  EXPECT_EQ(agreement(kAvp), std::nullopt);
  EXPECT_EQ(agreement(kAvp + std::string(kCrypto)), sdes);
  EXPECT_EQ(agreement(kSavp + std::string(kCrypto)), sdes);
  EXPECT_EQ(agreement(kAvp + std::string(kFingerprint) + "a=setup:active\r\n"), dtls);
  EXPECT_EQ(agreement(dtls_media("passive")), dtls);
}

Result<SentAnswer> answered(const std::string& offer, const LocalMedia& ours, const MediaPolicy& with) {
  auto read = read_offer(session(offer), with);
  EXPECT_TRUE(read) << offer;
  if (!read) return tl::unexpected(read.error());
  Agreement other;
  other.media.emplace_back();
  other.media[0].active = true;
  return write_answer(*read, session(kAvp), other, with, std::span(&ours, 1), kOrigin, draw);
}

TEST(DtlsAnswers, OursIsPassiveWhereItMayChooseAndStaysWhatItIs) {
  for (const auto& [offer, role, expected] :
       {std::tuple("actpass", std::optional<DtlsSetup>(), "a=setup:passive"),
        std::tuple("actpass", std::optional(DtlsSetup::active), "a=setup:active"),
        std::tuple("active", std::optional<DtlsSetup>(), "a=setup:passive"),
        std::tuple("passive", std::optional<DtlsSetup>(), "a=setup:active")}) {
    LocalMedia ours = local();
    ours.dtls_role = role;
    const auto answer = answered(dtls_media(offer), ours, policy({dtls}));
    ASSERT_TRUE(answer);
    EXPECT_NE(answer->text.find(expected), std::string::npos) << answer->text;
    EXPECT_NE(answer->text.find("UDP/TLS/RTP/SAVPF"), std::string::npos);
    EXPECT_EQ(answer->agreement.media[0].dtls->setup == DtlsSetup::passive,
              std::string_view(expected) == "a=setup:active");
  }
  LocalMedia bare = local();
  bare.dtls.reset();
  EXPECT_FALSE(answered(dtls_media(), bare, policy({dtls})));
}

TEST(Ice, IsAnsweredWhereItIsOfferedAndAllowed) {
  const std::string offer = dtls_media() + std::string(kIce);
  const auto with = answered(offer, local_with_ice(), policy({dtls}));
  ASSERT_TRUE(with);
  const Sdp written = *parse_sdp(with->text);
  EXPECT_TRUE(written.session_attribute(SdpAttribute::ice_lite));
  const auto ice = ice_description(written, 0);
  ASSERT_TRUE(ice);
  EXPECT_EQ(ice->fragment, "ufrg");
  ASSERT_EQ(ice->candidates.size(), 2u);  // not muxed: RTCP has its own
  EXPECT_EQ(ice->candidates[1].port, 30001);
  EXPECT_EQ(with->agreement.media[0].ice_fragment, "8hhY");

  const auto without = answered(offer, local(), policy({dtls}));
  ASSERT_TRUE(without);
  EXPECT_EQ(without->text.find("ice"), std::string::npos);
  EXPECT_TRUE(without->agreement.media[0].ice_fragment.empty());
  MediaPolicy off = policy({dtls});
  off.ice = IceUse::off;
  EXPECT_EQ(answered(offer, local_with_ice(), off)->text.find("ice"), std::string::npos);
  EXPECT_EQ(answered(dtls_media(), local_with_ice(), policy({dtls}))->text.find("ice"), std::string::npos);
}

TEST(Ice, TwoLiteAgentsDoWithout) {
  const auto read = read_offer(session(dtls_media() + std::string(kIce), "a=ice-lite\r\n"), policy({dtls}));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->media[0].ice_fragment.empty());
}

TEST(Ice, AMuxedMediumHasOneCandidate) {
  const auto answer =
      answered(dtls_media() + std::string(kIce) + "a=rtcp-mux\r\n", local_with_ice(), policy({dtls}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(ice_description(*parse_sdp(answer->text), 0)->candidates.size(), 1u);
}

TEST(Ice, ZerosMeanThatNoAddressIsKnownYet) {
  const std::string zeros = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n";
  const auto read =
      read_offer(session(zeros + std::string(kFingerprint) + std::string(kIce)), policy({dtls}));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->media[0].rtp);
  EXPECT_EQ(read->media[0].direction, Direction::sendrecv);
  const auto held = read_offer(session(zeros + std::string(kFingerprint)), policy({dtls}));
  ASSERT_TRUE(held);
  EXPECT_EQ(held->media[0].direction, Direction::sendonly);
}

TEST(Ice, IsOfferedWithCredentialsAndTakenFromTheAnswer) {
  const auto sent = offered("m=audio 7000 RTP/AVP 0\r\n", policy({dtls}), local_with_ice());
  ASSERT_TRUE(sent);
  EXPECT_TRUE(ice_description(*parse_sdp(sent->text), 0)->has_ice());
  const auto with = read_answer(*sent, session(dtls_media("active") + std::string(kIce)), policy({dtls}));
  const auto without = read_answer(*sent, session(dtls_media("active")), policy({dtls}));
  ASSERT_TRUE(with && without);
  EXPECT_EQ(with->media[0].ice_fragment, "8hhY");
  EXPECT_TRUE(without->media[0].ice_fragment.empty());
}

}  // namespace
}  // namespace sallyport::sip
