// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptions that a load writes can be read again; those that it cannot use are refused.
#include "sallyload/call_text.h"

#include <gtest/gtest.h>

#include "sallyload/media.h"

namespace sallyport::sallyload {
namespace {

const Endpoint kLocal{IpAddress::v4({192, 0, 2, 1}), 40000};

std::string described(crypto::SuiteId suite) {
  sip::CryptoAttribute key;
  key.tag = 3;
  key.suite = suite;
  key.key = draw_key(suite);
  return write_description(1, kLocal, &key, 50);
}

TEST(CallText, WhatIsWrittenIsRead) {
  for (const crypto::Suite& suite : crypto::kSuites) {
    Settings settings;
    settings.suite = suite.id;
    const auto read = read_description(described(suite.id), settings);
    ASSERT_TRUE(read) << suite.name;
    EXPECT_EQ(read->remote, kLocal);
    ASSERT_TRUE(read->key);
    EXPECT_EQ(read->key->tag, 3U);
    EXPECT_EQ(read->key->key.key.size(), suite.key_length);
  }
  Settings plain;
  plain.suite.reset();
  const auto read = read_description(write_description(1, kLocal, nullptr, 50), plain);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->key);
}

TEST(CallText, WhatCannotBeUsedIsRefused) {
  const Settings settings;
  const std::string good = described(crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  ASSERT_TRUE(read_description(good, settings));
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text :
       {std::string(), std::string("hello"), good.substr(0, good.find("m=")), changed("40000", "0"),
        changed("m=audio", "m=video"), changed("c=IN IP4 192.0.2.1", "c=IN IP4 somewhere"),
        changed("a=crypto:", "a=cripto:"), changed("inline:", "inline:!"),
        described(crypto::SuiteId::aead_aes_128_gcm), write_description(1, kLocal, nullptr, 50)})
    EXPECT_FALSE(read_description(text, settings)) << text;
}

crypto::Fingerprint fingerprint() {
  crypto::Fingerprint made;
  for (std::size_t i = 0; i < 32; ++i) made.octets[i] = static_cast<std::uint8_t>(i);
  return made;
}

TEST(CallText, WhatIsSaidOfDtlsIsRead) {
  Settings settings;
  settings.media = MediaMode::dtls;
  for (const bool mux : {false, true}) {
    for (const auto setup : {sip::DtlsSetup::actpass, sip::DtlsSetup::active, sip::DtlsSetup::passive}) {
      const auto text =
          write_description(1, kLocal, DtlsWords{setup, {fingerprint()}, mux, std::nullopt}, 50);
      EXPECT_NE(text.find("UDP/TLS/RTP/SAVP 0"), std::string::npos);
      const auto read = read_description(text, settings);
      ASSERT_TRUE(read) << text;
      EXPECT_EQ(read->remote, kLocal);
      EXPECT_FALSE(read->key);
      ASSERT_TRUE(read->dtls);
      EXPECT_EQ(read->dtls->setup, setup);
      EXPECT_EQ(read->dtls->fingerprints, std::vector{fingerprint()});
      EXPECT_EQ(read->dtls->rtcp_mux, mux);
    }
  }
}

TEST(CallText, WhatIsSaidOfIceIsRead) {
  Settings settings;
  settings.media = MediaMode::dtls;
  settings.ice = true;
  DtlsWords words{sip::DtlsSetup::actpass, {fingerprint()}, true, IceWords{"abcd", "0123456789012345678901"}};
  const auto read = read_description(write_description(1, kLocal, words, 50), settings);
  ASSERT_TRUE(read);
  ASSERT_TRUE(read->dtls->ice);
  EXPECT_EQ(read->dtls->ice->fragment, "abcd");
  EXPECT_EQ(read->dtls->ice->password, "0123456789012345678901");
  words.ice.reset();
  EXPECT_FALSE(read_description(write_description(1, kLocal, words, 50), settings));
}

TEST(CallText, WhatIsMissingOfDtlsIsRefused) {
  Settings settings;
  settings.media = MediaMode::dtls;
  const std::string good = write_description(
      1, kLocal, DtlsWords{sip::DtlsSetup::active, {fingerprint()}, true, std::nullopt}, 50);
  ASSERT_TRUE(read_description(good, settings));
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text :
       {changed("a=fingerprint:", "a=fingerprnt:"), changed("sha-256 00:01", "sha-256 00:"),
        changed("a=setup:active", "a=setup:either"), changed("a=setup:", "a=stup:"),
        described(crypto::SuiteId::aes_cm_128_hmac_sha1_80)})
    EXPECT_FALSE(read_description(text, settings)) << text;
}

}  // namespace
}  // namespace sallyport::sallyload
