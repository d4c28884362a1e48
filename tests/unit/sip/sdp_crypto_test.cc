// SPDX-License-Identifier: GPL-3.0-or-later
// The a=crypto attribute: every rule of RFC 4568 that makes one invalid, and what is valid but not served.
#include "sip/sdp_crypto.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

constexpr std::string_view kKey = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
constexpr std::string_view kSuite = "AES_CM_128_HMAC_SHA1_80";

/// An attribute of this key with what follows it.
std::string line(std::string_view after_key) {
  return "1 " + std::string(kSuite) + " inline:" + std::string(kKey) + std::string(after_key);
}

std::string written(const CryptoAttribute& attribute) {
  std::string text;
  append_crypto(text, attribute);
  return text;
}

TEST(SdpCrypto, ReadsAllOfIt) {
  const auto attribute = parse_crypto(line("|2^20|1066:4 UNENCRYPTED_SRTCP WSH=128 KDR=0 -vendor=x"));
  ASSERT_TRUE(attribute);
  EXPECT_EQ(attribute->tag, 1U);
  EXPECT_EQ(attribute->suite, crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_EQ(attribute->key.key.size(), 16U);
  EXPECT_EQ(attribute->key.key.view()[0], 0x77);
  EXPECT_EQ(attribute->key.salt.size(), 14U);
  EXPECT_EQ(attribute->key.salt.view()[13], 0x23);
  EXPECT_EQ(attribute->key.lifetime, 1U << 20);
  EXPECT_EQ(attribute->key.mki_length, 4);
  EXPECT_EQ(attribute->key.mki[2], 0x04);
  EXPECT_EQ(attribute->key.mki[3], 0x2a);
  EXPECT_TRUE(attribute->unencrypted_srtcp);
  EXPECT_EQ(written(*attribute), "a=crypto:" + line("|2^20|1066:4 UNENCRYPTED_SRTCP") + "\r\n");
}

TEST(SdpCrypto, WhatIsWrittenReadsTheSame) {
  for (const crypto::Suite& suite : crypto::kSuites) {
    std::array<std::uint8_t, 46> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(i * 31 + 7);
    CryptoAttribute attribute;
    attribute.tag = 999999999;
    attribute.suite = suite.id;
    attribute.key.key = Secret<crypto::kMaxMasterKeyLength>(std::span(octets).first(suite.key_length));
    attribute.key.salt = Secret<crypto::kMaxMasterSaltLength>(std::span(octets).first(suite.salt_length));
    attribute.key.mki_length = 16;
    attribute.key.mki.fill(0xff);
    attribute.key.lifetime = 1000;
    const std::string text = written(attribute);
    EXPECT_NE(text.find("|1000|340282366920938463463374607431768211455:16"), std::string::npos) << text;
    const auto again = parse_crypto(std::string_view(text).substr(9, text.size() - 11));
    ASSERT_TRUE(again) << suite.name;
    EXPECT_EQ(again->tag, attribute.tag);
    EXPECT_TRUE(crypto::same_master_key(again->key, attribute.key));
    EXPECT_TRUE(std::ranges::equal(again->key.salt.view(), attribute.key.salt.view()));
    EXPECT_EQ(again->key.mki, attribute.key.mki);
    EXPECT_EQ(written(*again), text);
  }
}

TEST(SdpCrypto, ZeroMkiIsWrittenAsSuch) {
  const auto attribute = parse_crypto(line("|0:1"));
  ASSERT_TRUE(attribute);
  EXPECT_EQ(written(*attribute), "a=crypto:" + line("|0:1") + "\r\n");
}

TEST(SdpCrypto, Faults) {
  using enum CryptoFault;
  const std::string key(kKey), suite(kSuite);
  const std::string second = ";inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";
  const std::pair<std::string, CryptoFault> cases[] = {
      {"", invalid_grammar},
      {" " + line(""), invalid_grammar},
      {"1", invalid_grammar},
      {"1 " + suite, invalid_grammar},
      {"1 " + suite + " inline", invalid_grammar},
      {"1 " + suite + " " + key, invalid_grammar},
      {"1 AES-CM inline:" + key, invalid_grammar},
      {line(";"), invalid_grammar},
      {line("|1:4|2^20"), invalid_grammar},
      {"01 " + suite + " inline:" + key, invalid_tag},
      {"1a " + suite + " inline:" + key, invalid_tag},
      {"-1 " + suite + " inline:" + key, invalid_tag},
      {"1000000000 " + suite + " inline:" + key, invalid_tag},
      {"1 " + suite + " inline:", invalid_key},
      {"1 " + suite + " inline:" + key.substr(4), invalid_key},
      {"1 " + suite + " inline:AAAA" + key, invalid_key},
      {"1 " + suite + " inline:!" + key.substr(1), invalid_key},
      {"1 AES_256_CM_HMAC_SHA1_80 inline:" + key, invalid_key},
      {line("|"), invalid_lifetime},
      {line("|0"), invalid_lifetime},
      {line("|2^"), invalid_lifetime},
      {line("|2^49"), invalid_lifetime},
      {line("|2^020"), invalid_lifetime},
      {line("|020"), invalid_lifetime},
      {line("|-1"), invalid_lifetime},
      {line("|3^20"), invalid_lifetime},
      {line("|281474976710657"), invalid_lifetime},
      {line("|99999999999999999999999"), invalid_lifetime},
      {line("|1:"), invalid_mki},
      {line("|:4"), invalid_mki},
      {line("|1:0"), invalid_mki},
      {line("|1:129"), invalid_mki},
      {line("|01:4"), invalid_mki},
      {line("|1:04"), invalid_mki},
      {line("|256:1"), invalid_mki},
      {line("|x:4"), invalid_mki},
      {line("|1:4:4"), invalid_mki},
      {line("|2^20|2^20"), invalid_mki},
      {line("|2^20|1:4|5"), invalid_mki},
      {line(second), invalid_mki},
      {line("|1:1" + second + "|2:2"), invalid_mki},
      {line("|1:1" + second + "|1:1"), invalid_mki},
      {line(" FOO"), invalid_parameter},
      {line(" KDR=25"), invalid_parameter},
      {line(" KDR="), invalid_parameter},
      {line(" KDR=01"), invalid_parameter},
      {line(" WSH=63"), invalid_parameter},
      {line(" WSH=x"), invalid_parameter},
      {line(" FEC_ORDER=NONE"), invalid_parameter},
      {line(" unencrypted_srtcp"), invalid_parameter},
      {line(" KDR=1 FOO"), invalid_parameter},
      {"1 F8_128_HMAC_SHA1_80 inline:" + key, unknown_suite},
      {"1 aes_cm_128_hmac_sha1_80 inline:" + key, unknown_suite},
      {"1 " + suite + " url:https://k.example/1", unknown_key_method},
      {line("|1:1" + second + "|2:1"), several_keys},
      {line("|1:17"), long_mki},
      {line("|1:128"), long_mki},
      {line(" KDR=1"), key_derivation_rate},
      {line(" KDR=24"), key_derivation_rate},
      {line(" UNENCRYPTED_SRTP"), unencrypted_srtp},
      {line(" UNAUTHENTICATED_SRTP"), unauthenticated_srtp},
      {line(" FEC_ORDER=FEC_SRTP"), forward_error_correction},
      {line(" FEC_ORDER=SRTP_FEC"), forward_error_correction},
      {line(" FEC_KEY=inline:" + key), forward_error_correction},
  };
  for (const auto& [text, fault] : cases) {
    const auto attribute = parse_crypto(text);
    ASSERT_FALSE(attribute) << text;
    EXPECT_EQ(attribute.error(), fault) << text << ": " << meaning(attribute.error());
  }
}

TEST(SdpCrypto, WhiteSpaceMayBeMoreThanOne) {
  EXPECT_TRUE(parse_crypto("1\t" + std::string(kSuite) + "  inline:" + std::string(kKey) + "  WSH=64 "));
}

TEST(SdpCrypto, Policy) {
  auto attribute = parse_crypto(line(" UNENCRYPTED_SRTCP"));
  ASSERT_TRUE(attribute);
  CryptoPolicy policy;
  EXPECT_EQ(check(*attribute, policy), CryptoFault::suite_not_allowed);
  policy.suites = {crypto::SuiteId::aead_aes_256_gcm, attribute->suite};
  EXPECT_EQ(check(*attribute, policy), CryptoFault::unencrypted_srtcp);
  policy.unencrypted_srtcp = true;
  EXPECT_EQ(check(*attribute, policy), std::nullopt);
}

}  // namespace
}  // namespace sallyport::sip
