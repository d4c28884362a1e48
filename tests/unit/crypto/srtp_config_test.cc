// SPDX-License-Identifier: GPL-3.0-or-later
// What makes no stream, what a stream costs, and what it leaves behind.
#include <bit>
#include <optional>

#include <gtest/gtest.h>

#include "crypto/equal.h"
#include "crypto/ipsec_mb_stream.h"
#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

class SrtpConfigTest : public testing::TestWithParam<EngineKind> {
 protected:
  /// The class of error that both directions give, or nothing if a stream was made.
  [[nodiscard]] std::optional<ErrorClass> refusal(const SrtpConfig& config) const {
    const auto inbound = engine_->make_inbound(config);
    const auto outbound = engine_->make_outbound(config);
    EXPECT_EQ(inbound.has_value(), outbound.has_value());
    if (inbound) return std::nullopt;
    EXPECT_EQ(inbound.error().error_class, outbound.error().error_class);
    EXPECT_FALSE(inbound.error().text.empty());
    return inbound.error().error_class;
  }

  std::unique_ptr<SrtpEngine> engine_ = make_engine(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Engines, SrtpConfigTest,
                         testing::Values(EngineKind::ipsec_mb, EngineKind::libsrtp2));

TEST_P(SrtpConfigTest, KeyAndSaltSizesAreTheSuites) {
  for (const Suite& entry : kSuites)
    for (std::size_t size = 0; size <= kMaxMasterKeyLength; ++size) {
      SrtpConfig key = make_config(entry.id);
      key.master_key = Secret<kMaxMasterKeyLength>(Octets(size, 1));
      if (size != entry.key_length) {
        EXPECT_EQ(refusal(key), ErrorClass::malformed) << entry.name << " " << size;
      }
      if (size > kMaxMasterSaltLength || size == entry.salt_length) continue;
      SrtpConfig salt = make_config(entry.id);
      salt.master_salt = Secret<kMaxMasterSaltLength>(Octets(size, 1));
      EXPECT_EQ(refusal(salt), ErrorClass::malformed) << entry.name << " " << size;
    }
}

TEST_P(SrtpConfigTest, AKeyDerivationRateIsUnsupported) {
  for (const std::uint64_t rate : {std::uint64_t{1}, std::uint64_t{1} << 24}) {
    SrtpConfig config = make_config(SuiteId::aes_cm_128_hmac_sha1_80);
    config.key_derivation_rate = rate;
    EXPECT_EQ(refusal(config), ErrorClass::unsupported);
  }
}

TEST_P(SrtpConfigTest, NumbersOutOfRangeAreMalformed) {
  const auto with = [](auto change) {
    SrtpConfig config = make_config(SuiteId::aead_aes_128_gcm);
    change(config);
    return config;
  };
  for (const std::uint32_t window : {0u, 1u, 63u, 100u, 65536u}) {
    EXPECT_EQ(refusal(with([=](SrtpConfig& c) { c.rtp_replay_window = window; })), ErrorClass::malformed);
    EXPECT_EQ(refusal(with([=](SrtpConfig& c) { c.rtcp_replay_window = window; })), ErrorClass::malformed);
  }
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.mki_length = 17; })), ErrorClass::malformed);
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.ssrc_capacity = 0; })), ErrorClass::malformed);
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.srtp_lifetime = 0; })), ErrorClass::malformed);
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.srtcp_lifetime = 0; })), ErrorClass::malformed);
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.srtp_lifetime = kMaxSrtpPackets + 1; })),
            ErrorClass::malformed);
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.srtcp_lifetime = kMaxSrtcpPackets + 1; })),
            ErrorClass::malformed);
  EXPECT_EQ(refusal(with([](SrtpConfig& c) { c.suite = static_cast<SuiteId>(8); })), ErrorClass::unsupported);
  EXPECT_EQ(refusal(with([](SrtpConfig&) {})), std::nullopt);
}

TEST(SrtpEngineKind, NamesAreReadBack) {
  for (const EngineKind kind : {EngineKind::ipsec_mb, EngineKind::libsrtp2})
    EXPECT_EQ(parse_engine_kind(name(kind)).value(), kind);
  for (const char* wrong : {"", "ipsec", "IPSEC_MB", "libsrtp", "libsrtp2 "})
    EXPECT_EQ(parse_engine_kind(wrong).error().error_class, ErrorClass::malformed) << wrong;
}

TEST(SrtpEngineKind, DescribesItself) {
  EXPECT_FALSE(make_engine(EngineKind::ipsec_mb)->description().empty());
  EXPECT_NE(make_engine(EngineKind::libsrtp2)->description().find("libsrtp2"), std::string_view::npos);
}

/// A relay has four streams, and 6 KiB (GCM-128: 12 KiB) in all, of which about 1.3 KiB are not streams.
TEST(SrtpMemory, StreamsAreSmall) {
  const auto engine = make_engine();
  const auto bytes = [&engine](SuiteId id) {
    const auto stream = std::move(engine->make_inbound(make_config(id)).value());
    EXPECT_NE(stream->hot_lines() & 1, 0u);
    EXPECT_LE(std::bit_width(stream->hot_lines()) * 64u, stream->memory_bytes());
    return stream->memory_bytes();
  };
  EXPECT_LE(bytes(SuiteId::aes_cm_128_hmac_sha1_80), 1200u);
  EXPECT_LE(bytes(SuiteId::aes_256_cm_hmac_sha1_80), 1320u);
  EXPECT_LE(bytes(SuiteId::aead_aes_128_gcm), 43 * 64u);
}

TEST(SrtpMemory, LargestWindowsAndManySourcesFit) {
  SrtpConfig config = make_config(SuiteId::aead_aes_256_gcm);
  config.rtp_replay_window = config.rtcp_replay_window = 32768;
  config.ssrc_capacity = 255;
  Pair pair(config);
  for (std::uint32_t ssrc = 0; ssrc < 300; ++ssrc) {
    const SrtpOutcome expected = ssrc < 255 + kRetiredSsrcs ? SrtpOutcome::ok : SrtpOutcome::too_many_ssrcs;
    Octets packet = rtp_packet(1, 20, ssrc);
    ASSERT_EQ(protect_rtp(*pair.sender, *pair.outbound, packet), expected);
    if (expected != SrtpOutcome::ok) continue;
    ASSERT_EQ(pair.open_rtp(packet), SrtpOutcome::ok);
  }
}

TEST(SrtpMemory, ConstantTimeComparisonComparesEverything) {
  for (std::size_t length = 0; length <= 20; ++length) {
    const Octets left(20, 7);
    EXPECT_TRUE(equal(left.data(), Octets(20, 7).data(), length));
    for (std::size_t i = 0; i < 20; ++i) {
      Octets right = left;
      right[i] = static_cast<std::uint8_t>(right[i] ^ 0x80);
      EXPECT_EQ(equal(left.data(), right.data(), length), i >= length) << length << " " << i;
    }
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
