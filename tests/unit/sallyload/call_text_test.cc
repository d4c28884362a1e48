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

}  // namespace
}  // namespace sallyport::sallyload
