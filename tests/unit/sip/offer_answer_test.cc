// SPDX-License-Identifier: GPL-3.0-or-later
// Offer and answer across two legs: what each is told, which keys come of it, and every way to refuse.
#include "sip/offer_answer.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

using crypto::SuiteId;

constexpr std::string_view kHead = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n";
constexpr std::string_view kKey80 = "AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
constexpr std::string_view kKey32 = "AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";
constexpr std::string_view kOther80 =
    "AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

Sdp parsed(const std::string& text) {
  auto sdp = parse_sdp(text);
  EXPECT_TRUE(sdp) << text << (sdp ? "" : sdp.error().text);
  return sdp ? std::move(*sdp) : Sdp();
}
Sdp session(std::string_view media) {
  return parsed(std::string(kHead) + std::string(media));
}
std::string crypto_line(int tag, std::string_view rest) {
  return "a=crypto:" + std::to_string(tag) + " " + std::string(rest) + "\r\n";
}

MediaPolicy policy(MediaSecurity security, bool transport_secure = true) {
  MediaPolicy chosen;
  chosen.security = security;
  chosen.transport_secure = transport_secure;
  chosen.crypto.suites = {SuiteId::aead_aes_256_gcm, SuiteId::aes_cm_128_hmac_sha1_80,
                          SuiteId::aes_cm_128_hmac_sha1_32};
  return chosen;
}
const MediaPolicy kRequired = policy(MediaSecurity::required), kPreferred = policy(MediaSecurity::preferred),
                  kNone = policy(MediaSecurity::none);

/// Octets that never repeat.
RandomSource counting(std::uint8_t start = 0) {
  return [octet = start](std::span<std::uint8_t> out) mutable {
    for (std::uint8_t& each : out) each = ++octet;
  };
}

std::vector<LocalMedia> local(std::size_t count, std::string_view host = "192.0.2.1") {
  std::vector<LocalMedia> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(
        {Endpoint{IpAddress::parse(host).value(), static_cast<std::uint16_t>(30000 + 2 * i)}, std::nullopt});
  return all;
}
LocalOrigin origin(std::string_view host = "192.0.2.1") {
  return {100, 1, IpAddress::parse(host).value()};
}

SentOffer offer_to(const Sdp& source, const RemoteOffer& read, const MediaPolicy& to,
                   EstablishedKeys keys = {}) {
  auto sent = write_offer(source, read, to, local(source.media_count()), origin(), counting(), keys);
  EXPECT_TRUE(sent) << (sent ? "" : sent.error().text);
  return sent ? std::move(*sent) : SentOffer();
}

/// The offer of a plain audio call, to a leg of this policy.
SentOffer audio_offer_to(const MediaPolicy& to) {
  const Sdp source = session("m=audio 7000 RTP/AVP 0 8\r\n");
  return offer_to(source, std::move(*read_offer(source, kNone)), to);
}

std::string refusal(std::string_view media, const MediaPolicy& with) {
  const auto read = read_offer(session(media), with);
  return read ? "" : read.error().text;
}

TEST(ReadOffer, PolicyTable) {
  const std::string plain = "m=audio 7000 RTP/AVP 0\r\n", secure = "m=audio 7000 RTP/SAVP 0\r\n";
  const std::string key = crypto_line(1, kKey80), unknown = crypto_line(1, "X_SUITE inline:AAAA");
  const MediaPolicy required_clear = policy(MediaSecurity::required, false),
                    preferred_clear = policy(MediaSecurity::preferred, false),
                    none_clear = policy(MediaSecurity::none, false);
  enum Outcome { srtp, rtp, refused };
  struct Case {
    std::string media;
    const MediaPolicy* with;
    Outcome expected;
  };
  const Case cases[] = {
      {plain, &kRequired, refused},
      {plain + key, &kRequired, srtp},
      {secure, &kRequired, refused},
      {secure + key, &kRequired, srtp},
      {secure + unknown, &kRequired, refused},
      {plain + unknown, &kRequired, refused},
      {plain, &kPreferred, rtp},
      {plain + key, &kPreferred, srtp},
      {plain + unknown, &kPreferred, rtp},
      {secure, &kPreferred, refused},
      {secure + key, &kPreferred, srtp},
      {secure + unknown, &kPreferred, refused},
      {plain, &kNone, rtp},
      {plain + key, &kNone, rtp},
      {secure, &kNone, refused},
      {secure + key, &kNone, refused},
      {plain, &required_clear, refused},
      {plain + key, &required_clear, refused},
      {secure + key, &required_clear, refused},
      {plain, &preferred_clear, rtp},
      {plain + key, &preferred_clear, rtp},
      {secure + key, &preferred_clear, refused},
      {plain + key, &none_clear, rtp},
      {secure + key, &none_clear, refused},
  };
  for (const Case& entry : cases) {
    const auto read = read_offer(session(entry.media), *entry.with);
    const Outcome outcome = !read ? refused : read->media[0].crypto ? srtp : rtp;
    EXPECT_EQ(outcome, entry.expected) << entry.media << static_cast<int>(entry.with->security);
    if (!read) {
      EXPECT_EQ(read.error().error_class, ErrorClass::refused);
    }
  }
}

TEST(ReadOffer, SaysWhyNoLineIsAccepted) {
  const std::string secure = "m=audio 7000 RTP/SAVP 0\r\n";
  EXPECT_NE(refusal(secure + crypto_line(1, std::string(kKey80) + " KDR=4"), kRequired).find("KDR"),
            std::string::npos);
  EXPECT_NE(
      refusal(secure + crypto_line(1, std::string(kKey80) + " FEC_ORDER=FEC_SRTP"), kRequired).find("FEC"),
      std::string::npos);
  EXPECT_NE(refusal("m=audio 7000 RTP/AVP 0\r\n", kRequired).find("required"), std::string::npos);
  for (const char* text : {"d0Rm", "inline"})
    EXPECT_EQ(refusal(secure + crypto_line(1, std::string(kKey80) + " KDR=4"), kRequired).find(text),
              std::string::npos);
}

TEST(ReadOffer, OurOrderOfSuitesDecides) {
  const Sdp both_suites = session("m=audio 7000 RTP/SAVP 0\r\n" + crypto_line(3, kKey32) +
                                  crypto_line(9, kKey80) + crypto_line(10, kOther80));
  auto read = read_offer(both_suites, kRequired);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->media[0].crypto->tag, 9U);
  MediaPolicy only_32 = kRequired;
  only_32.crypto.suites = {SuiteId::aes_cm_128_hmac_sha1_32};
  EXPECT_EQ(read_offer(both_suites, only_32)->media[0].crypto->tag, 3U);
  only_32.crypto.suites = {SuiteId::aead_aes_128_gcm};
  EXPECT_FALSE(read_offer(both_suites, only_32));
}

TEST(ReadOffer, BadLinesArePassedOver) {
  const std::string secure = "m=audio 7000 RTP/SAVP 0\r\n";
  const auto read = read_offer(session(secure + crypto_line(1, "F8_128_HMAC_SHA1_80 inline:AA") +
                                       crypto_line(2, std::string(kKey80) + " KDR=1") +
                                       crypto_line(3, std::string(kKey80) + " UNENCRYPTED_SRTP") +
                                       crypto_line(4, std::string(kKey80) + " UNENCRYPTED_SRTCP") +
                                       crypto_line(5, kKey32) + crypto_line(5, kOther80)),
                               kRequired);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->media[0].crypto->tag, 5U);
  EXPECT_EQ(read->media[0].crypto->suite, SuiteId::aes_cm_128_hmac_sha1_32);
}

TEST(ReadOffer, CryptoLinesAreBounded) {
  std::string media = "m=audio 7000 RTP/SAVP 0\r\n";
  for (int tag = 1; tag <= 16; ++tag) media += crypto_line(tag, "X inline:AA");
  const auto read =
      read_offer(session("m=audio 8000 RTP/AVP 0\r\n" + media + crypto_line(17, kKey80)), kPreferred);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->media[0].active);
  EXPECT_FALSE(read->media[1].active);
  EXPECT_EQ(read->exceeded, Limit::sdp_crypto);
}

TEST(ReadOffer, MediaThatCannotBeRelayed) {
  for (const std::string_view media :
       {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", "m=image 9 udptl t38\r\n",
        "m=audio 7000/2 RTP/AVP 0\r\n", "m=audio 7000 UDP/TLS/RTP/SAVPF 0\r\n", "m=audio 7000 rtp/avp 0\r\n",
        "m=audio 7000 RTP/AVP 0\r\nc=IN IP4 host.example.com\r\n",
        "m=audio 7000 RTP/AVP 0\r\nc=IN IP4 224.0.0.1/9\r\n", "m=audio 65535 RTP/AVP 0\r\n"}) {
    EXPECT_NE(refusal(media, kNone), "") << media;
    // Beside one that can, it is refused alone.
    const auto read = read_offer(session(std::string(media) + "m=audio 7000 RTP/AVP 0\r\n"), kNone);
    ASSERT_TRUE(read) << media;
    EXPECT_FALSE(read->media[0].active);
    EXPECT_NE(read->media[0].refusal, "");
    EXPECT_TRUE(read->media[1].active);
  }
}

TEST(ReadOffer, NothingToRefuse) {
  EXPECT_TRUE(read_offer(session(""), kRequired));
  const auto closed = read_offer(session("m=audio 0 RTP/AVP 0\r\n"), kRequired);
  ASSERT_TRUE(closed);
  EXPECT_FALSE(closed->media[0].active);
  EXPECT_EQ(closed->media[0].refusal, "");
}

TEST(ReadOffer, AddressesAndHold) {
  const auto read = read_offer(
      session(
          "m=audio 7000 RTP/AVP 0\r\na=rtcp:7777 IN IP4 10.0.0.9\r\nm=audio 7002 RTP/AVP 0\r\na=rtcp-mux\r\n"
          "m=audio 7004 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\nm=audio 7006 RTP/AVP 0\r\na=rtcp:99999\r\n"
          "m=audio 7008 RTP/AVP 0\r\na=rtcp:1 IN IP6 2001:db8::1\r\n"),
      kNone);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->media[0].rtp->to_string(), "10.0.0.1:7000");
  EXPECT_EQ(read->media[0].rtcp->to_string(), "10.0.0.9:7777");
  EXPECT_TRUE(read->media[1].mux);
  EXPECT_FALSE(read->media[2].rtp);
  EXPECT_EQ(read->media[2].direction, Direction::sendonly);
  EXPECT_TRUE(read->media[3].active);
  EXPECT_FALSE(read->media[3].rtcp);
  EXPECT_FALSE(read->media[4].rtcp);
}

TEST(WriteOffer, EveryLineHasAKeyOfItsOwn) {
  const Sdp source = session("m=audio 7000 RTP/AVP 0\r\nm=video 7002 RTP/AVPF 96\r\n");
  const SentOffer sent = offer_to(source, *read_offer(source, kNone), kRequired);
  std::set<std::vector<std::uint8_t>> keys;
  for (const auto& medium : sent.media) {
    EXPECT_EQ(medium.crypto.size(), 3U);
    for (const auto& line : medium.crypto) {
      const auto key = line.key.key.view();
      keys.emplace(key.begin(), key.end());
    }
  }
  EXPECT_EQ(keys.size(), 6U);
  const Sdp written = parsed(sent.text);
  EXPECT_EQ(written.media(0).profile, RtpProfile::savp);
  EXPECT_EQ(written.media(1).profile, RtpProfile::savpf);
  EXPECT_EQ(written.media(0).port, 30000);
  EXPECT_EQ(written.media(1).port, 30002);
  EXPECT_EQ(sent.text.find("10.0.0.1"), std::string::npos);
  const auto crypto = written.media_attribute(0, SdpAttribute::crypto);
  ASSERT_TRUE(crypto);
  EXPECT_TRUE(crypto->starts_with("1 AEAD_AES_256_GCM inline:"));
}

TEST(WriteOffer, ProfileAndKeysByPolicy) {
  struct Case {
    MediaPolicy to;
    std::string_view profile;
    bool keyed;
  };
  for (const Case& entry :
       {Case{kRequired, "RTP/SAVP", true}, Case{kPreferred, "RTP/AVP", true}, Case{kNone, "RTP/AVP", false},
        Case{policy(MediaSecurity::preferred, false), "RTP/AVP", false},
        Case{policy(MediaSecurity::none, false), "RTP/AVP", false}}) {
    const Sdp source = session("m=audio 7000 RTP/SAVP 0\r\n" + crypto_line(1, kKey80));
    const SentOffer sent = offer_to(source, *read_offer(source, kRequired), entry.to);
    EXPECT_EQ(parsed(sent.text).media(0).protocol, entry.profile);
    EXPECT_EQ(sent.text.find("a=crypto") != std::string::npos, entry.keyed);
    EXPECT_EQ(sent.text.find("d0Rmdmcm"), std::string::npos);
  }
}

TEST(WriteOffer, NeverAKeyInTheClear) {
  const Sdp source = session("m=audio 7000 RTP/AVP 0\r\n");
  const auto sent = write_offer(source, *read_offer(source, kNone), policy(MediaSecurity::required, false),
                                local(1), origin(), counting());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().error_class, ErrorClass::refused);
  MediaPolicy no_suites = kRequired;
  no_suites.crypto.suites.clear();
  EXPECT_FALSE(write_offer(source, *read_offer(source, kNone), no_suites, local(1), origin(), counting()));
}

TEST(WriteOffer, RefusedMediaKeepTheirPlace) {
  const Sdp source =
      session("m=image 9 udptl t38\r\na=T38FaxVersion:0\r\nm=audio 7000 RTP/AVP 0\r\na=sendonly\r\n");
  const SentOffer sent = offer_to(source, *read_offer(source, kNone), kNone);
  const Sdp written = parsed(sent.text);
  EXPECT_EQ(written.media(0).port, 0);
  EXPECT_EQ(written.media(0).protocol, "udptl");
  EXPECT_EQ(written.media_lines(0).size(), 1U);
  EXPECT_EQ(written.direction(1), Direction::sendonly);
}

TEST(ReadAnswer, KeysOfBothDirections) {
  const SentOffer sent = audio_offer_to(kRequired);
  const auto agreed = read_answer(
      sent, session("m=audio 9000 RTP/SAVP 0\r\n" + crypto_line(2, kOther80) + "a=recvonly\r\n"), kRequired);
  ASSERT_TRUE(agreed) << agreed.error().text;
  const AgreedMedia& audio = agreed->media[0];
  ASSERT_TRUE(audio.keying);
  EXPECT_EQ(audio.keying->suite, SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_TRUE(crypto::same_master_key(audio.keying->send, sent.media[0].crypto[1].key));
  EXPECT_EQ(audio.keying->receive.key.view()[0], 0x3d);
  EXPECT_EQ(audio.direction, Direction::recvonly);
  EXPECT_EQ(audio.rtp->to_string(), "10.0.0.1:9000");
  EXPECT_FALSE(same_keys(audio.keying, std::nullopt));
  EXPECT_TRUE(same_keys(audio.keying, audio.keying->duplicate()));
}

TEST(ReadAnswer, WhatDoesNotFit) {
  const SentOffer sent = audio_offer_to(kRequired);
  std::string own_key;
  append_crypto(own_key, sent.media[0].crypto[1]);
  const std::string secure = "m=audio 9000 RTP/SAVP 0\r\n";
  for (const std::string& media : {
           std::string(),
           secure,
           secure + crypto_line(4, kOther80),                           // no such tag
           secure + crypto_line(1, kOther80),                           // the tag of another suite
           secure + crypto_line(2, kOther80) + crypto_line(3, kKey32),  // two lines
           secure + own_key,                                            // our own key
           secure + crypto_line(2, std::string(kOther80) + " KDR=3"),
           secure + crypto_line(2, std::string(kOther80) + " UNENCRYPTED_SRTCP"),
           secure + crypto_line(2, std::string(kOther80) + " UNENCRYPTED_SRTP"),
           secure + crypto_line(2, "AES_CM_128_HMAC_SHA1_80 inline:AAAA"),
           secure + secure + crypto_line(2, kOther80),  // one medium more
           "m=video 9000 RTP/SAVP 0\r\n" + crypto_line(2, kOther80),
           "m=audio 9000 RTP/AVP 0\r\n" + std::string(),
           "m=audio 9000 RTP/AVP 0\r\n" + crypto_line(2, kOther80),
           "m=audio 9000 UDP/TLS/RTP/SAVP 0\r\n" + crypto_line(2, kOther80),
           "m=audio 9000/2 RTP/SAVP 0\r\n" + crypto_line(2, kOther80),
           secure + "c=IN IP4 host.example.com\r\n" + crypto_line(2, kOther80),
       })
    EXPECT_FALSE(read_answer(sent, session(media), kRequired)) << media;
}

TEST(ReadAnswer, UnencryptedSrtcpOnlyIfOffered) {
  MediaPolicy allowing = kRequired;
  allowing.crypto.unencrypted_srtcp = true;
  const SentOffer sent = audio_offer_to(allowing);
  EXPECT_FALSE(read_answer(
      sent,
      session("m=audio 9000 RTP/SAVP 0\r\n" + crypto_line(2, std::string(kOther80) + " UNENCRYPTED_SRTCP")),
      allowing));
}

TEST(ReadAnswer, BestEffort) {
  const SentOffer sent = audio_offer_to(kPreferred);
  auto agreed = read_answer(sent, session("m=audio 9000 RTP/AVP 0\r\n"), kPreferred);
  ASSERT_TRUE(agreed);
  EXPECT_FALSE(agreed->media[0].keying);
  agreed = read_answer(sent, session("m=audio 9000 RTP/AVP 0\r\n" + crypto_line(2, kOther80)), kPreferred);
  ASSERT_TRUE(agreed);
  EXPECT_TRUE(agreed->media[0].keying);
  agreed = read_answer(sent, session("m=audio 9000 RTP/SAVP 0\r\n" + crypto_line(2, kOther80)), kPreferred);
  ASSERT_TRUE(agreed);
  EXPECT_TRUE(agreed->media[0].keying);
  EXPECT_FALSE(read_answer(sent, session("m=audio 9000 RTP/SAVP 0\r\n"), kPreferred));
}

TEST(ReadAnswer, RefusedMedia) {
  const Sdp source = session("m=audio 7000 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n");
  const SentOffer sent = offer_to(source, *read_offer(source, kNone), kNone);
  auto agreed = read_answer(sent, session("m=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n"), kNone);
  ASSERT_TRUE(agreed);
  EXPECT_FALSE(agreed->media[0].active);
  EXPECT_FALSE(read_answer(sent, session("m=audio 9000 RTP/AVP 0\r\nm=video 9002 RTP/AVP 31\r\n"), kNone));
}

TEST(ReadAnswer, MuxOnlyWhereOffered) {
  const Sdp source = session("m=audio 7000 RTP/AVP 0\r\n");
  const std::string muxed = "m=audio 9000 RTP/AVP 0\r\na=rtcp-mux\r\na=rtcp:9000\r\n";
  MediaPolicy offering = kNone;
  offering.offer_mux = true;
  EXPECT_FALSE(
      read_answer(offer_to(source, *read_offer(source, kNone), kNone), session(muxed), kNone)->media[0].mux);
  const SentOffer sent = offer_to(source, *read_offer(source, kNone), offering);
  EXPECT_NE(sent.text.find("a=rtcp-mux"), std::string::npos);
  const auto agreed = read_answer(sent, session(muxed), offering);
  EXPECT_TRUE(agreed->media[0].mux);
  EXPECT_FALSE(agreed->media[0].rtcp);
}

/// A whole exchange: A's offer to B, B's answer to A.
struct Exchange {
  SentOffer to_b;
  Agreement b;
  SentAnswer to_a;
};
Exchange exchange(std::string_view a_media, const MediaPolicy& a, const MediaPolicy& b,
                  std::string_view b_media, EstablishedKeys a_keys = {}, EstablishedKeys b_keys = {},
                  std::uint8_t seed = 200) {
  const Sdp from_a = session(a_media), from_b = session(b_media);
  auto offer = read_offer(from_a, a);
  EXPECT_TRUE(offer) << (offer ? "" : offer.error().text);
  Exchange result;
  auto sent = write_offer(from_a, *offer, b, local(from_a.media_count()), origin(), counting(), b_keys);
  EXPECT_TRUE(sent);
  result.to_b = std::move(*sent);
  auto agreed = read_answer(result.to_b, from_b, b);
  EXPECT_TRUE(agreed) << (agreed ? "" : agreed.error().text);
  result.b = std::move(*agreed);
  auto answer = write_answer(*offer, from_b, result.b, a, local(from_a.media_count(), "203.0.113.1"),
                             origin("203.0.113.1"), counting(seed), a_keys);
  EXPECT_TRUE(answer);
  result.to_a = std::move(*answer);
  return result;
}

TEST(Exchange, SrtpToSrtpWithOwnKeys) {
  const Exchange call =
      exchange("m=audio 7000 RTP/SAVP 0 8 101\r\n" + crypto_line(1, kKey32) + crypto_line(7, kKey80),
               kRequired, kRequired, "m=audio 9000 RTP/SAVP 8 101\r\n" + crypto_line(2, kOther80));
  const Sdp to_a = parsed(call.to_a.text);
  EXPECT_EQ(to_a.media(0).profile, RtpProfile::savp);
  EXPECT_EQ(to_a.media(0).formats, "8 101");
  const auto line = parse_crypto(to_a.media_attribute(0, SdpAttribute::crypto).value());
  ASSERT_TRUE(line);
  EXPECT_EQ(line->tag, 7U);
  const auto& a = call.to_a.agreement.media[0].keying;
  const auto& b = call.b.media[0].keying;
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(crypto::same_master_key(line->key, a->send));
  EXPECT_EQ(a->receive.key.view()[0], 0x77);
  EXPECT_EQ(call.to_a.agreement.media[0].rtp->to_string(), "10.0.0.1:7000");
  const crypto::KeyMaterial* all[] = {&a->send, &a->receive, &b->send, &b->receive};
  for (const auto* one : all)
    for (const auto* two : all)
      if (one != two) {
        EXPECT_FALSE(crypto::same_master_key(*one, *two));
      }
  for (const std::string_view secret : {"d0Rmdmcm", "PS1uQCVe"}) {
    EXPECT_EQ(call.to_a.text.find(secret), std::string::npos);
    EXPECT_EQ(call.to_b.text.find(secret), std::string::npos);
  }
}

TEST(Exchange, SrtpToPlain) {
  const Exchange call = exchange("m=audio 7000 RTP/SAVP 0\r\n" + crypto_line(1, kKey80), kRequired, kNone,
                                 "m=audio 9000 RTP/AVP 0\r\n");
  EXPECT_TRUE(call.to_a.agreement.media[0].keying);
  EXPECT_FALSE(call.b.media[0].keying);
}

TEST(Exchange, HoldBothWays) {
  struct Case {
    std::string_view offer, answer;
    Direction to_b, to_a, a_sees;
  };
  using enum Direction;
  for (const Case& entry : {
           Case{"a=sendonly\r\n", "a=recvonly\r\n", sendonly, recvonly, sendonly},
           Case{"a=inactive\r\n", "a=inactive\r\n", inactive, inactive, inactive},
           Case{"a=recvonly\r\n", "a=sendonly\r\n", recvonly, sendonly, recvonly},
           Case{"c=IN IP4 0.0.0.0\r\n", "a=recvonly\r\n", sendonly, recvonly, sendonly},
           Case{"", "a=sendonly\r\n", sendrecv, sendonly, recvonly},
           Case{"", "c=IN IP4 0.0.0.0\r\n", sendrecv, sendonly, recvonly},
           Case{"a=sendonly\r\n", "a=sendrecv\r\n", sendonly, recvonly, sendonly},  // more than offered
       }) {
    const Exchange call = exchange("m=audio 7000 RTP/AVP 0\r\n" + std::string(entry.offer), kNone, kNone,
                                   "m=audio 9000 RTP/AVP 0\r\n" + std::string(entry.answer));
    EXPECT_EQ(parsed(call.to_b.text).direction(0), entry.to_b) << entry.offer;
    EXPECT_EQ(parsed(call.to_a.text).direction(0), entry.to_a) << entry.offer << entry.answer;
    EXPECT_EQ(call.to_a.agreement.media[0].direction, entry.a_sees);
  }
}

TEST(Exchange, ALegThatRefusesAMediumClosesItOnBoth) {
  const Exchange call =
      exchange("m=audio 7000 RTP/AVP 0\r\nm=video 7002 RTP/AVP 31\r\nm=image 9 udptl t38\r\n", kNone, kNone,
               "m=audio 9000 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\nm=image 0 udptl t38\r\n");
  const Sdp to_a = parsed(call.to_a.text);
  EXPECT_EQ(to_a.media(0).port, 30000);
  EXPECT_EQ(to_a.media(1).port, 0);
  EXPECT_EQ(to_a.media(2).port, 0);
  EXPECT_EQ(to_a.media(2).protocol, "udptl");
  EXPECT_FALSE(call.to_a.agreement.media[1].active);
}

TEST(Exchange, KeysGoOnWhileTheyStay) {
  const std::string a_media = "m=audio 7000 RTP/SAVP 0\r\n" + crypto_line(1, kKey80),
                    b_media = "m=audio 9000 RTP/SAVP 0\r\n";
  const Exchange first = exchange(a_media, kRequired, kRequired, b_media + crypto_line(2, kOther80));
  const std::optional<crypto::Keying> a_keys[] = {first.to_a.agreement.media[0].keying->duplicate()};
  const std::optional<crypto::Keying> b_keys[] = {first.b.media[0].keying->duplicate()};
  const Exchange hold = exchange(a_media + "a=sendonly\r\n", kRequired, kRequired,
                                 b_media + crypto_line(1, kOther80), a_keys, b_keys);
  EXPECT_TRUE(same_keys(hold.to_a.agreement.media[0].keying, a_keys[0]));
  EXPECT_TRUE(same_keys(hold.b.media[0].keying, b_keys[0]));
  EXPECT_EQ(hold.to_b.media[0].crypto.size(), 1U);
  // A new key of A's brings a new one of ours.
  const Exchange rekeyed =
      exchange("m=audio 7000 RTP/SAVP 0\r\n" + crypto_line(1,
                                                           "AES_CM_128_HMAC_SHA1_80 inline:"
                                                           "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"),
               kRequired, kRequired, b_media + crypto_line(2, kOther80), a_keys, {}, 90);
  EXPECT_FALSE(crypto::same_master_key(rekeyed.to_a.agreement.media[0].keying->send, a_keys[0]->send));
}

TEST(Exchange, MuxIsGrantedByPolicy) {
  const std::string offered = "m=audio 7000 RTP/AVP 0\r\na=rtcp-mux\r\n";
  EXPECT_TRUE(exchange(offered, kNone, kNone, "m=audio 9000 RTP/AVP 0\r\n").to_a.agreement.media[0].mux);
  MediaPolicy refusing = kNone;
  refusing.accept_mux = false;
  const Exchange call = exchange(offered, refusing, kNone, "m=audio 9000 RTP/AVP 0\r\n");
  EXPECT_FALSE(call.to_a.agreement.media[0].mux);
  EXPECT_EQ(call.to_a.text.find("rtcp-mux"), std::string::npos);
}

TEST(Exchange, LegsWithOtherMediaAreAnError) {
  const Sdp one = session("m=audio 7000 RTP/AVP 0\r\n"),
            two = session("m=audio 7000 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\n");
  Agreement agreed;
  agreed.media.resize(2);
  EXPECT_FALSE(write_answer(*read_offer(one, kNone), two, agreed, kNone, local(1), origin(), counting()));
}

TEST(SentOffer, DuplicatesWhole) {
  const SentOffer sent = audio_offer_to(kRequired), copy = sent.duplicate();
  EXPECT_EQ(copy.text, sent.text);
  ASSERT_EQ(copy.media[0].crypto.size(), 3U);
  EXPECT_TRUE(crypto::same_master_key(copy.media[0].crypto[2].key, sent.media[0].crypto[2].key));
}

}  // namespace
}  // namespace sallyport::sip
