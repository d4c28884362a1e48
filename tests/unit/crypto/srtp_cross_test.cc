// SPDX-License-Identifier: GPL-3.0-or-later
// Our engine and libsrtp2 against each other, in both directions: what one protects, the other opens.
#include <algorithm>
#include <tuple>

#include <gtest/gtest.h>

#include "crypto/crypto_context.h"
#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

/// Suite and sending engine; the other engine receives.
using Crossing = std::tuple<SuiteId, EngineKind>;

std::string crossing_name(const testing::TestParamInfo<Crossing>& tested) {
  const auto [id, sender] = tested.param;
  return std::string(suite(id).name) + "_from_" + std::string(name(sender));
}

class SrtpCross : public testing::TestWithParam<Crossing> {
 protected:
  [[nodiscard]] static Pair make_pair(const SrtpConfig& config) {
    const auto sender = std::get<EngineKind>(GetParam());
    const auto receiver = sender == EngineKind::ipsec_mb ? EngineKind::libsrtp2 : EngineKind::ipsec_mb;
    return Pair(config, config, sender, receiver);
  }
  [[nodiscard]] static SrtpConfig config() {
    SrtpConfig made = make_config(std::get<SuiteId>(GetParam()), 5);
    made.ssrc_capacity = 4;
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Engines, SrtpCross,
    testing::Combine(testing::Values(SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aes_cm_128_hmac_sha1_32,
                                     SuiteId::aes_256_cm_hmac_sha1_80, SuiteId::aes_256_cm_hmac_sha1_32,
                                     SuiteId::aead_aes_128_gcm, SuiteId::aead_aes_256_gcm),
                     testing::Values(EngineKind::ipsec_mb, EngineKind::libsrtp2)),
    crossing_name);

/// A random RTP packet with CSRCs, an extension, any payload.
Octets random_rtp(std::mt19937_64& random, std::uint16_t sequence, std::uint32_t ssrc) {
  Octets packet = rtp_packet(sequence, random_octets(random, random() % 1200), ssrc);
  const std::size_t csrcs = random() % 4 == 0 ? random() % 16 : 0;
  packet[0] = static_cast<std::uint8_t>(0x80 | csrcs);
  Octets more = random_octets(random, csrcs * 4);
  if (random() % 3 == 0) {
    packet[0] = static_cast<std::uint8_t>(packet[0] | 0x10);
    const std::size_t words = random() % 6;
    Octets extension = random_octets(random, 4 + words * 4);
    store_be16(&extension[2], static_cast<std::uint16_t>(words));
    more.insert(more.end(), extension.begin(), extension.end());
  }
  packet.insert(packet.begin() + 12, more.begin(), more.end());
  return packet;
}

TEST_P(SrtpCross, LossReorderingAndRollovers) {
  Pair pair = make_pair(config());
  std::mt19937_64 random(11);
  std::uint64_t index = 65000;
  std::size_t opened = 0;
  for (int batch = 0; batch < 150; ++batch) {
    std::vector<std::pair<Octets, Octets>> sent;
    for (int i = 0; i < 12; ++i) {
      index += random() % 20 == 0 ? random() % 20000 : 1 + random() % 3;
      const Octets plain = random_rtp(random, static_cast<std::uint16_t>(index), kSsrc);
      const Octets packet = pair.protected_rtp(plain);
      ASSERT_FALSE(packet.empty());
      if (random() % 6 != 0) sent.emplace_back(plain, packet);
    }
    if (batch % 3 != 0 && batch > 0) std::shuffle(sent.begin(), sent.end(), random);
    std::uint64_t highest = 0;
    for (auto& [plain, packet] : sent) {
      const SrtpOutcome outcome = unprotect_rtp(*pair.receiver, *pair.inbound, packet);
      if (outcome == SrtpOutcome::too_old) continue;  // a jump beyond the window, then reordered
      if (outcome != SrtpOutcome::ok) break;
      ASSERT_EQ(packet, plain);
      highest = std::max<std::uint64_t>(highest, load_be16(&plain[2]));
      ++opened;
    }
  }
  EXPECT_GT(opened, 1000u);
  EXPECT_EQ(pair.outbound->status().rollover_counter, index >> 16);
  EXPECT_GT(index >> 16, 5u);
}

TEST_P(SrtpCross, SourcesThatChange) {
  Pair pair = make_pair(config());
  std::mt19937_64 random(12);
  for (std::uint32_t ssrc = 1; ssrc < 10; ++ssrc)
    for (int i = 0; i < 40; ++i) {
      const auto sequence = static_cast<std::uint16_t>(65520 + i);
      const Octets plain = random_rtp(random, sequence, ssrc);
      Octets packet = pair.protected_rtp(plain);
      const Octets replayed = packet;
      ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << ssrc << " " << i;
      ASSERT_EQ(packet, plain);
      ASSERT_EQ(pair.open_rtp(replayed), SrtpOutcome::replayed);
    }
}

TEST_P(SrtpCross, Rtcp) {
  Pair pair = make_pair(config());
  std::mt19937_64 random(13);
  for (int i = 0; i < 300; ++i) {
    const Octets plain = rtcp_packet(random() % 300 * 4, static_cast<std::uint8_t>(random()));
    Octets packet = pair.protected_rtcp(plain);
    const Octets replayed = packet;
    ASSERT_EQ(unprotect_rtcp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << i;
    ASSERT_EQ(packet, plain);
    ASSERT_EQ(pair.open_rtcp(replayed), SrtpOutcome::replayed);
  }
}

TEST_P(SrtpCross, MkiAndUnencryptedRtcp) {
  SrtpConfig with = config();
  // libsrtp2 cannot receive SRTCP with an MKI in these suites, and our engine refuses to let it try.
  with.mki_length = suite(with.suite).srtp_tag_length == 4 ? 0 : 4;
  with.mki = {1, 2, 3, 4};
  with.encrypt_srtcp = false;
  Pair pair = make_pair(with);
  for (std::uint16_t i = 0; i < 50; ++i) {
    Octets rtp = pair.protected_rtp(rtp_packet(i));
    ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, rtp), SrtpOutcome::ok);
    ASSERT_EQ(rtp, rtp_packet(i));
    Octets rtcp = pair.protected_rtcp(rtcp_packet(40));
    ASSERT_TRUE(std::equal(rtcp.begin(), rtcp.begin() + 48, rtcp_packet(40).begin()));
    ASSERT_EQ(unprotect_rtcp(*pair.receiver, *pair.inbound, rtcp), SrtpOutcome::ok);
    ASSERT_EQ(rtcp, rtcp_packet(40));
  }
}

TEST_P(SrtpCross, DamagedPacketsAreForged) {
  Pair pair = make_pair(config());
  std::mt19937_64 random(14);
  for (std::uint16_t i = 0; i < 300; ++i) {
    Octets packet = pair.protected_rtp(rtp_packet(i));
    packet[12 + random() % (packet.size() - 12)] ^= static_cast<std::uint8_t>(1 + random() % 255);
    ASSERT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::forged);
  }
  EXPECT_EQ(pair.inbound->status().srtp_packets, 0u);
}

TEST_P(SrtpCross, BothEnginesProtectToTheSameOctets) {
  Pair pair = make_pair(config());
  const SrtpConfig same = config();
  const auto other = std::move(pair.receiver->make_outbound(same).value());
  std::mt19937_64 random(15);
  for (std::uint16_t i = 0; i < 200; ++i) {
    const Octets plain = random_rtp(random, i, kSsrc);
    Octets theirs = plain;
    ASSERT_EQ(protect_rtp(*pair.receiver, *other, theirs), SrtpOutcome::ok);
    ASSERT_EQ(pair.protected_rtp(plain), theirs);
  }
}

TEST(LibsrtpEngine, RefusesWhatItCannotHonour) {
  const auto engine = make_engine(EngineKind::libsrtp2);
  const auto refused = [&engine](const SrtpConfig& config) {
    const auto inbound = engine->make_inbound(config);
    const auto outbound = engine->make_outbound(config);
    return !inbound && !outbound && inbound.error().error_class == ErrorClass::unsupported;
  };
  EXPECT_TRUE(refused(make_config(SuiteId::aes_192_cm_hmac_sha1_80)));
  EXPECT_TRUE(refused(make_config(SuiteId::aes_192_cm_hmac_sha1_32)));
  SrtpConfig config = make_config(SuiteId::aes_cm_128_hmac_sha1_80);
  config.initial_rollover_counter = 1;
  EXPECT_TRUE(refused(config));
  config = make_config(SuiteId::aes_cm_128_hmac_sha1_80);
  config.rtcp_replay_window = 256;
  EXPECT_TRUE(refused(config));
  config = make_config(SuiteId::aes_cm_128_hmac_sha1_80);
  config.rtp_replay_window = 32768;
  EXPECT_TRUE(refused(config));
  config = make_config(SuiteId::aes_cm_128_hmac_sha1_32);
  config.mki_length = 1;
  EXPECT_TRUE(refused(config));
  config = make_config(SuiteId::aes_cm_128_hmac_sha1_80);
  config.key_derivation_rate = 1;
  EXPECT_TRUE(refused(config));
}

TEST(LibsrtpEngine, CountsAndLimits) {
  SrtpConfig config = make_config(SuiteId::aes_cm_128_hmac_sha1_80);
  config.srtp_lifetime = 20;
  config.srtcp_lifetime = 2;
  config.ssrc_capacity = 1;
  Pair pair(config, EngineKind::libsrtp2);
  for (std::uint16_t i = 0; i < 20; ++i) {
    const std::uint32_t ssrc = std::min<std::uint32_t>(i, kRetiredSsrcs);
    ASSERT_EQ(pair.open_rtp(pair.protected_rtp(rtp_packet(i, 10, ssrc))), SrtpOutcome::ok) << i;
    Octets one_too_many = rtp_packet(i, 10, 99);
    if (i >= kRetiredSsrcs && i < 19) {
      EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, one_too_many), SrtpOutcome::too_many_ssrcs);
    }
  }
  EXPECT_TRUE(pair.inbound->status().exhausted);
  Octets beyond = rtp_packet(20, 10, kRetiredSsrcs);
  EXPECT_EQ(protect_rtp(*pair.sender, *pair.outbound, beyond), SrtpOutcome::key_exhausted);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(pair.open_rtcp(pair.protected_rtcp(rtcp_packet(40, 0, kRetiredSsrcs))), SrtpOutcome::ok);
  Octets rtcp = rtcp_packet(40, 0, kRetiredSsrcs);
  EXPECT_EQ(protect_rtcp(*pair.sender, *pair.outbound, rtcp), SrtpOutcome::key_exhausted);
}

}  // namespace
}  // namespace sallyport::crypto::test
