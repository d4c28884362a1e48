// SPDX-License-Identifier: GPL-3.0-or-later
// Media in two m-lines: what of a description is a pair, which one is taken, and that every m-line has its
// place in whatever follows.
#include "sip/sdp_alternatives.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

using crypto::SuiteId;
using Lines = std::vector<std::string>;

const std::string kHead = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n";
const std::string kCrypto =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
const std::string kUnknown = "a=crypto:1 X_SUITE inline:AAAA\r\n";
const std::string kFingerprint =
    "a=fingerprint:sha-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:"
    "E5:7C:AB:4A:AD\r\na=setup:actpass\r\n";

std::string line(std::string_view kind, int port, std::string_view protocol, std::string_view rest = "0 8") {
  return "m=" + std::string(kind) + " " + std::to_string(port) + " " + std::string(protocol) + " " +
         std::string(rest) + "\r\n";
}
std::string savp(int port) {
  return line("audio", port, "RTP/SAVP") + (port == 0 ? "" : kCrypto);
}
std::string avp(int port) {
  return line("audio", port, "RTP/AVP");
}

MediaPolicy policy(MediaSecurity security, DualLines use = DualLines::accept, bool transport_secure = true) {
  MediaPolicy chosen;
  chosen.security = security;
  chosen.agreements = {KeyAgreement::sdes, KeyAgreement::dtls};
  chosen.dual_lines = use;
  chosen.transport_secure = transport_secure;
  chosen.crypto.suites = {SuiteId::aes_cm_128_hmac_sha1_80};
  return chosen;
}
const MediaPolicy kRequired = policy(MediaSecurity::required), kPreferred = policy(MediaSecurity::preferred),
                  kNone = policy(MediaSecurity::none),
                  kOff = policy(MediaSecurity::preferred, DualLines::off),
                  kOffer = policy(MediaSecurity::preferred, DualLines::offer);

Sdp parsed(const std::string& text) {
  auto sdp = parse_sdp(text);
  EXPECT_TRUE(sdp) << text << (sdp ? "" : sdp.error().text);
  return sdp ? std::move(*sdp) : Sdp();
}
/// `audio 5000 RTP/SAVP` of each m-line.
Lines lines_of(const Sdp& sdp) {
  Lines all;
  for (std::size_t i = 0; i < sdp.media_count(); ++i) {
    const SdpMedia medium = sdp.media(i);
    all.push_back(std::string(medium.type) + " " + std::to_string(medium.port) + " " +
                  std::string(medium.protocol));
  }
  return all;
}
Lines lines_of(const std::string& text) {
  return lines_of(parsed(text));
}

/// What an offer with these m-lines is folded to.
Lines folded(const std::string& media, const MediaPolicy& with, MediaLayout& layout) {
  Sdp sdp = parsed(kHead + media);
  const auto outcome = fold_offer(sdp, with, kStandardLimits, layout);
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().text);
  EXPECT_EQ(layout.places.size(), parsed(kHead + media).media_count());
  EXPECT_EQ(layout.media_count(), sdp.media_count());
  return lines_of(sdp);
}
Lines folded(const std::string& media, const MediaPolicy& with) {
  MediaLayout layout;
  return folded(media, with, layout);
}

/// What a leg of this policy is offered of what another leg offers in clear.
SentOffer offer_to(const MediaPolicy& to, MediaLayout& layout, const std::string& media = avp(7000),
                   bool dtls = false) {
  const Sdp source = parsed(kHead + media);
  const auto read = read_offer(source, kNone);
  EXPECT_TRUE(read);
  std::vector<LocalMedia> local(source.media_count());
  std::uint16_t port = 30000;
  for (LocalMedia& each : local) {
    each.rtp = {IpAddress::parse("192.0.2.1").value(), port};
    port = static_cast<std::uint16_t>(port + 2);
    if (dtls) each.dtls = LocalDtls{{crypto::HashFunction::sha_256, {}}, ""};
  }
  auto sent = write_offer(source, *read, to, local, {100, 1, local[0].rtp.address},
                          [](std::span<std::uint8_t> out) { std::ranges::fill(out, std::uint8_t{7}); });
  EXPECT_TRUE(sent);
  unfold_offer(*sent, to, layout);
  EXPECT_EQ(layout.media_count(), source.media_count());
  return std::move(*sent);
}

struct Answered {
  Lines lines;
  MediaLayout layout;
};
Answered answered(const SentOffer& sent, const MediaLayout& offered, const std::string& media) {
  Sdp sdp = parsed(kHead + media);
  auto layout = fold_answer(sdp, sent, offered);
  EXPECT_TRUE(layout) << (layout ? "" : layout.error().text);
  return {lines_of(sdp), layout.value_or(offered)};
}
std::string refused_answer(const SentOffer& sent, const MediaLayout& offered, const std::string& media) {
  Sdp sdp = parsed(kHead + media);
  const auto layout = fold_answer(sdp, sent, offered);
  return layout ? "" : layout.error().text;
}

TEST(SdpRemoveMedium, OthersMoveUpWithTheirLines) {
  Sdp sdp = parsed(kHead + savp(5000) + avp(5002) + line("video", 5004, "RTP/AVP", "31"));
  sdp.remove_medium(1);
  EXPECT_EQ(lines_of(sdp), (Lines{"audio 5000 RTP/SAVP", "video 5004 RTP/AVP"}));
  EXPECT_TRUE(sdp.media_attribute(0, SdpAttribute::crypto));
  EXPECT_EQ(sdp.media_lines(1).size(), 1U);
  sdp.remove_medium(0);
  EXPECT_FALSE(sdp.media_attribute(0, SdpAttribute::crypto));
  EXPECT_EQ(sdp.formats(0)[0].encoding, "H261");
  EXPECT_EQ(sdp.session_lines().size(), 5U);
}

TEST(FoldOffer, WhatIsTakenByPolicy) {
  const std::string both = savp(5000) + avp(5002), turned = avp(5002) + savp(5000);
  const std::string unusable = line("audio", 5000, "RTP/SAVP") + kUnknown + avp(5002);
  const std::string dtls = line("audio", 5000, "UDP/TLS/RTP/SAVP") + kFingerprint + avp(5002);
  const MediaPolicy clear = policy(MediaSecurity::preferred, DualLines::accept, false);
  MediaPolicy sdes_only = kPreferred;
  sdes_only.agreements = {KeyAgreement::sdes};
  struct Case {
    std::string media;
    const MediaPolicy* with;
    std::string expected;
  };
  const Case cases[] = {
      {both, &kRequired, "audio 5000 RTP/SAVP"},
      {both, &kPreferred, "audio 5000 RTP/SAVP"},
      {both, &kNone, "audio 5002 RTP/AVP"},
      {both, &clear, "audio 5002 RTP/AVP"},
      {turned, &kPreferred, "audio 5000 RTP/SAVP"},
      {turned, &kNone, "audio 5002 RTP/AVP"},
      {unusable, &kPreferred, "audio 5002 RTP/AVP"},
      {unusable, &kRequired, "audio 5000 RTP/SAVP"},
      {dtls, &kPreferred, "audio 5000 UDP/TLS/RTP/SAVP"},
      {dtls, &sdes_only, "audio 5002 RTP/AVP"},
  };
  for (const Case& each : cases)
    EXPECT_EQ(folded(each.media, *each.with), Lines{each.expected}) << each.media;
}

TEST(FoldOffer, WhatIsNoPair) {
  const std::string grouped = "a=group:BUNDLE 0 1\r\n";
  const auto marked = [](const std::string& media, std::string_view attribute) {
    return media + "a=" + std::string(attribute) + "\r\n";
  };
  const std::string no_pairs[] = {
      avp(5000) + avp(5002),
      savp(5000) + savp(5002),
      savp(0) + avp(5002),
      savp(5000) + avp(0),
      savp(5000) + line("video", 5002, "RTP/AVP", "0 8"),
      savp(5000) + line("audio", 5002, "RTP/AVP", "3 18"),
      line("audio", 5000, "RTP/SAVP", "96") + "a=rtpmap:96 opus/48000/2\r\n" + kCrypto +
          line("audio", 5002, "RTP/AVP", "96") + "a=rtpmap:96 AMR/8000\r\n",
      line("application", 5000, "RTP/SAVP") + line("application", 5002, "RTP/AVP"),
      line("audio", 5000, "RTP/SAVP") + line("audio", 5002, "TCP/RTP/AVP"),
      savp(5000) + line("video", 5004, "RTP/AVP", "31") + avp(5002),
      marked(savp(5000), "label:1") + marked(avp(5002), "label:2"),
      marked(savp(5000), "content:main") + marked(avp(5002), "content:slides"),
      grouped + marked(savp(5000), "mid:0") + marked(avp(5002), "mid:1"),
  };
  for (const std::string& media : no_pairs) {
    MediaLayout layout;
    EXPECT_EQ(folded(media, kPreferred, layout), lines_of(kHead + media));
    EXPECT_FALSE(layout.has_pairs()) << media;
  }
  EXPECT_EQ(folded(savp(5000) + avp(5002), kOff).size(), 2U);
  EXPECT_EQ(folded(marked(savp(5000), "label:1") + marked(avp(5002), "label:1"), kPreferred).size(), 1U);
}

TEST(FoldOffer, PairsAmongOtherMedia) {
  const std::string media = avp(5000) + savp(5002) + avp(5004) + avp(5006) +
                            line("video", 5008, "RTP/SAVPF", "31") + kCrypto +
                            line("video", 5010, "RTP/AVPF", "31");
  // The first plain one takes the secure one that follows; the two left over are media of their own.
  MediaLayout layout;
  EXPECT_EQ(folded(media, kPreferred, layout), (Lines{"audio 5002 RTP/SAVP", "audio 5004 RTP/AVP",
                                                      "audio 5006 RTP/AVP", "video 5008 RTP/SAVPF"}));
  const std::string answer =
      kHead + savp(30000) + avp(30002) + avp(30004) + line("video", 30006, "RTP/SAVPF", "31");
  EXPECT_EQ(lines_of(unfold_answer(answer, layout)),
            (Lines{"audio 0 RTP/AVP", "audio 30000 RTP/SAVP", "audio 30002 RTP/AVP", "audio 30004 RTP/AVP",
                   "video 30006 RTP/SAVPF", "video 0 RTP/AVPF"}));
}

TEST(FoldOffer, KnownPairs) {
  struct Case {
    const char* what;
    std::string media;
    std::string expected;
    std::array<bool, 2> taken;
  };
  const Case cases[] = {
      {"both once more", savp(5000) + avp(5002), "audio 5000 RTP/SAVP", {true, false}},
      {"as answered", savp(5000) + avp(0), "audio 5000 RTP/SAVP", {true, false}},
      {"its key is gone", line("audio", 5000, "RTP/SAVP") + avp(5002), "audio 5000 RTP/SAVP", {true, false}},
      {"the other one", savp(0) + avp(5002), "audio 5002 RTP/AVP", {false, true}},
      {"neither", savp(0) + avp(0), "audio 0 RTP/SAVP", {false, false}},
  };
  MediaLayout first;
  static_cast<void>(folded(savp(5000) + avp(5002), kPreferred, first));
  for (const Case& each : cases) {
    MediaLayout layout = first;
    EXPECT_EQ(folded(each.media, kPreferred, layout), Lines{each.expected}) << each.what;
    for (const std::size_t i : {0U, 1U}) EXPECT_EQ(layout.places[i].taken, each.taken[i]) << each.what;
  }
  MediaLayout layout = first;
  static_cast<void>(folded(savp(0) + avp(5002), kPreferred, layout));
  EXPECT_EQ(folded(savp(5000) + avp(5002), kPreferred, layout), Lines{"audio 5002 RTP/AVP"}) << "it stays";
  static_cast<void>(folded(savp(0) + avp(0), kPreferred, layout));
  EXPECT_EQ(folded(savp(5000) + avp(5002), kPreferred, layout), Lines{"audio 5000 RTP/SAVP"}) << "anew";
}

TEST(FoldOffer, MediaThatAreKnownStayTwoAndNewOnesJoin) {
  MediaLayout layout;
  static_cast<void>(folded(savp(5000) + avp(0), kPreferred, layout));
  EXPECT_EQ(folded(savp(5000) + avp(5002), kPreferred, layout).size(), 2U) << "two media before";
  // A phone that was offered one m-line offers the pair that it is set up for.
  MediaLayout alone;
  static_cast<void>(folded(avp(5000), kPreferred, alone));
  EXPECT_EQ(folded(avp(5000) + savp(5002), kPreferred, alone), Lines{"audio 5002 RTP/SAVP"});
  EXPECT_EQ(folded(avp(0) + savp(5002) + line("video", 5004, "RTP/AVP", "31"), kPreferred, alone),
            (Lines{"audio 5002 RTP/SAVP", "video 5004 RTP/AVP"}));
}

TEST(FoldOffer, ThePlaceOfTheOtherLineIsForNoOtherMedium) {
  MediaLayout layout;
  static_cast<void>(folded(savp(5000) + avp(5002), kPreferred, layout));
  EXPECT_EQ(folded(savp(5000) + line("video", 5002, "RTP/AVP", "31"), kPreferred, layout),
            Lines{"audio 5000 RTP/SAVP"});
  const Lines refused = {"audio 30000 RTP/SAVP", "video 0 RTP/AVP"};
  EXPECT_EQ(lines_of(unfold_answer(kHead + savp(30000), layout)), refused);
  const SentOffer next = offer_to(kPreferred, layout);
  EXPECT_EQ(lines_of(next.text), refused);
  EXPECT_EQ(answered(next, layout, savp(6000) + line("video", 0, "RTP/AVP", "31")).lines,
            Lines{"audio 6000 RTP/SAVP"});
}

TEST(FoldOffer, FewerMediaAreRefused) {
  MediaLayout layout;
  static_cast<void>(folded(savp(5000) + avp(5002), kPreferred, layout));
  Sdp sdp = parsed(kHead + savp(5000));
  const auto outcome = fold_offer(sdp, kPreferred, kStandardLimits, layout);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().error_class, ErrorClass::malformed);
}

TEST(UnfoldAnswer, RefusesTheOtherInItsPlaceWithItsProtocolAndFormats) {
  MediaLayout layout;
  static_cast<void>(folded(savp(5000) + line("audio", 5002, "RTP/AVP", "8 101"), kPreferred, layout));
  const std::string answer = kHead + savp(30000);
  EXPECT_EQ(unfold_answer(answer, layout), answer + "m=audio 0 RTP/AVP 8 101\r\n");
  // Both refused, each with its own protocol.
  static_cast<void>(folded(savp(0) + avp(0), kPreferred, layout));
  EXPECT_EQ(lines_of(unfold_answer(kHead + savp(0), layout)), (Lines{"audio 0 RTP/SAVP", "audio 0 RTP/AVP"}));
}

TEST(UnfoldOffer, TwoLinesInPlaceOfBestEffort) {
  MediaLayout layout;
  const SentOffer sent = offer_to(kOffer, layout);
  const Sdp sdp = parsed(sent.text);
  EXPECT_EQ(lines_of(sdp), (Lines{"audio 30000 RTP/SAVP", "audio 30000 RTP/AVP"}));
  EXPECT_TRUE(sdp.media_attribute(0, SdpAttribute::crypto));
  EXPECT_FALSE(sdp.media_attribute(1, SdpAttribute::crypto));
  EXPECT_EQ(sdp.stated_direction(1), Direction::sendrecv);
  EXPECT_EQ(sdp.media(0).formats, "0 8");
  EXPECT_EQ(sdp.media(1).formats, "0 8");
}

TEST(UnfoldOffer, EachLineTellsOfItsOwnKeys) {
  MediaLayout layout;
  const Sdp sdp = parsed(offer_to(kOffer, layout, avp(7000), true).text);
  ASSERT_EQ(sdp.media_count(), 2U);
  EXPECT_FALSE(sdp.media_attribute(0, SdpAttribute::fingerprint) ||
               sdp.media_attribute(0, SdpAttribute::setup));
  EXPECT_TRUE(sdp.media_attribute(1, SdpAttribute::fingerprint)) << "opportunistic still";
}

TEST(UnfoldOffer, OneLineWhereNothingIsLeftOpen) {
  for (const MediaPolicy& with : {kPreferred, kOff, policy(MediaSecurity::required, DualLines::offer),
                                  policy(MediaSecurity::none, DualLines::offer),
                                  policy(MediaSecurity::preferred, DualLines::offer, false)}) {
    MediaLayout layout;
    EXPECT_EQ(lines_of(offer_to(with, layout).text).size(), 1U);
  }
  MediaLayout layout;
  EXPECT_EQ(lines_of(offer_to(kOffer, layout, avp(7000) + line("video", 0, "RTP/AVP", "31")).text),
            (Lines{"audio 30000 RTP/SAVP", "audio 30000 RTP/AVP", "video 0 RTP/AVP"}));
}

TEST(FoldAnswer, ToBothLines) {
  MediaLayout offered;
  const SentOffer sent = offer_to(kOffer, offered);
  struct Case {
    const char* what;
    std::string media;
    std::string expected;
    Lines then;  ///< in the next offer
  };
  const Case cases[] = {
      {"secure", savp(6000) + avp(0), "audio 6000 RTP/SAVP", {"audio 30000 RTP/SAVP", "audio 0 RTP/AVP"}},
      {"plain", savp(0) + avp(6002), "audio 6002 RTP/AVP", {"audio 0 RTP/SAVP", "audio 30000 RTP/AVP"}},
      {"both", savp(6000) + avp(6002), "audio 6000 RTP/SAVP", {"audio 30000 RTP/SAVP", "audio 0 RTP/AVP"}},
      {"none", savp(0) + avp(0), "audio 0 RTP/SAVP", {"audio 30000 RTP/SAVP", "audio 30000 RTP/AVP"}},
  };
  for (const Case& each : cases) {
    auto [lines, layout] = answered(sent, offered, each.media);
    EXPECT_EQ(lines, Lines{each.expected}) << each.what;
    const SentOffer next = offer_to(kOffer, layout);
    EXPECT_EQ(lines_of(next.text), each.then) << each.what;
    const Sdp sdp = parsed(next.text);
    EXPECT_EQ(sdp.media_attribute(0, SdpAttribute::crypto).has_value(), sdp.media(0).port != 0) << each.what;
    EXPECT_FALSE(sdp.media_attribute(1, SdpAttribute::crypto)) << each.what;
  }
}

TEST(FoldAnswer, TheTakenLineIsNotAnsweredOtherwise) {
  MediaLayout offered;
  const SentOffer sent = offer_to(kOffer, offered);
  auto secure = answered(sent, offered, savp(6000) + avp(0)).layout;
  const SentOffer next = offer_to(kOffer, secure);
  EXPECT_EQ(next.media[0].profile, RtpProfile::savp) << "no way back to RTP";
  EXPECT_EQ(refused_answer(next, secure, savp(0) + avp(6002)),
            "SDP: the answer takes a medium that was not offered");
  const Sdp answer = parsed(kHead + avp(6000));
  EXPECT_FALSE(read_answer(next, answer, kOffer));

  auto plain = answered(sent, offered, savp(0) + avp(6002)).layout;
  const SentOffer clear = offer_to(kOffer, plain);
  EXPECT_TRUE(clear.media[0].crypto.empty()) << "no key that is not told";
  EXPECT_EQ(answered(clear, plain, savp(0) + avp(6002)).lines, Lines{"audio 6002 RTP/AVP"});
}

TEST(FoldAnswer, WhatDoesNotFit) {
  MediaLayout offered;
  const SentOffer sent = offer_to(kOffer, offered);
  EXPECT_EQ(refused_answer(sent, offered, savp(6000)), "SDP: the answer has not as many media as the offer");
  EXPECT_EQ(refused_answer(sent, offered, savp(6000) + avp(0) + avp(0)),
            "SDP: the answer has not as many media as the offer");
  EXPECT_EQ(refused_answer(sent, offered, avp(6000) + avp(0)),
            "SDP: the answer's transport protocol is not the offer's");
  EXPECT_EQ(refused_answer(sent, offered, savp(0) + line("video", 6002, "RTP/AVP", "31")),
            "SDP: the answer's media are not the offer's");
  MediaLayout held;
  const SentOffer none = offer_to(kOffer, held, line("audio", 0, "RTP/AVP") + avp(7000));
  EXPECT_EQ(lines_of(none.text), (Lines{"audio 0 RTP/AVP", "audio 30002 RTP/SAVP", "audio 30002 RTP/AVP"}));
}

TEST(UnfoldOffer, ToAPeerThatOfferedAPairItself) {
  struct Case {
    const char* what;
    std::string media;
    const MediaPolicy* with;
    Lines told;
    bool crypto;
  };
  const std::string dtls = line("audio", 5000, "UDP/TLS/RTP/SAVP") + kFingerprint + avp(5002);
  const Case cases[] = {
      {"secure", savp(5000) + avp(5002), &kPreferred, {"audio 30000 RTP/SAVP", "audio 0 RTP/AVP"}, true},
      {"required", savp(5000) + avp(5002), &kRequired, {"audio 30000 RTP/SAVP", "audio 0 RTP/AVP"}, true},
      {"dtls", dtls, &kPreferred, {"audio 30000 UDP/TLS/RTP/SAVP", "audio 0 RTP/AVP"}, false},
      {"plain", savp(5000) + avp(5002), &kNone, {"audio 0 RTP/SAVP", "audio 30000 RTP/AVP"}, false},
      {"plain by need",
       line("audio", 5000, "RTP/SAVP") + avp(5002),
       &kPreferred,
       {"audio 0 RTP/SAVP", "audio 30000 RTP/AVP"},
       false},
      {"plain with keys, which the peer has there",
       line("audio", 5000, "RTP/SAVP") + avp(5002) + kCrypto,
       &kPreferred,
       {"audio 0 RTP/SAVP", "audio 30000 RTP/AVP"},
       true},
      {"neither was left",
       savp(0) + avp(0),
       &kPreferred,
       {"audio 30000 RTP/SAVP", "audio 30000 RTP/AVP"},
       true},
      {"neither was left", savp(0) + avp(0), &kRequired, {"audio 30000 RTP/SAVP", "audio 0 RTP/AVP"}, true},
      {"neither was left", savp(0) + avp(0), &kNone, {"audio 0 RTP/SAVP", "audio 30000 RTP/AVP"}, false},
  };
  for (const Case& each : cases) {
    MediaLayout layout;
    if (each.media == savp(0) + avp(0)) static_cast<void>(folded(savp(5000) + avp(5002), *each.with, layout));
    static_cast<void>(folded(each.media, *each.with, layout));
    const SentOffer sent = offer_to(*each.with, layout, avp(7000), true);
    EXPECT_EQ(lines_of(sent.text), each.told) << each.what;
    EXPECT_EQ(sent.text.find("a=crypto") != sent.text.npos, each.crypto) << each.what;
  }
}

TEST(UnfoldOffer, MediaThatAreOffKeepTheirPlaces) {
  MediaLayout layout;
  static_cast<void>(folded(savp(5000) + avp(5002), kPreferred, layout));
  const SentOffer sent =
      offer_to(kPreferred, layout, line("audio", 0, "RTP/AVP") + line("video", 7000, "RTP/AVP", "31"));
  EXPECT_EQ(lines_of(sent.text), (Lines{"audio 0 RTP/SAVP", "audio 0 RTP/AVP", "video 30002 RTP/AVP"}));
  EXPECT_EQ(refused_answer(sent, layout, savp(6000) + avp(0) + line("video", 6002, "RTP/AVP", "31")),
            "SDP: the answer takes a medium that was not offered");
}

TEST(RefuseUntaken, LeavesWhatWasAgreedUpon) {
  MediaLayout offered;
  const SentOffer sent = offer_to(kOffer, offered);
  const auto secure = answered(sent, offered, savp(6000) + avp(0)).layout;
  const std::string left = refuse_untaken(sent.text, secure);
  EXPECT_EQ(lines_of(left), (Lines{"audio 30000 RTP/SAVP", "audio 0 RTP/AVP"}));
  EXPECT_TRUE(sent.text.starts_with(left.substr(0, left.find("m=audio 0")))) << "all else as it was";
  EXPECT_EQ(refuse_untaken(left, secure), left);
}

}  // namespace
}  // namespace sallyport::sip
