// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 7714 section 17: SRTCP packets under AEAD_AES_128_GCM and AEAD_AES_256_GCM, encrypted and only tagged.
#include <gtest/gtest.h>

#include "tests/vectors/vector_rig.h"

namespace sallyport::crypto::test {
namespace {

struct Case {
  const char* section;
  SuiteId suite;
  bool encrypted;
  const char* key;
  const char* plain;
  const char* sealed;
};

constexpr const char* kSalt = "517569642070726f2071756f";
constexpr std::uint64_t kIndex = 0x5d4;

constexpr Case kCases[] = {
    {"17.1", SuiteId::aead_aes_128_gcm, true, "000102030405060708090a0b0c0d0e0f",
     "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbee"
     "f",
     "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275"
     "bc84aa45896cf4d2fc5abf87245d9eade800005d4"},
    {"17.2", SuiteId::aead_aes_256_gcm, true,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbee"
     "f",
     "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fa"
     "d1d1eb30c4446839f57ff6f6cb26ac3be800005d4"},
    {"17.3", SuiteId::aead_aes_128_gcm, false, "000102030405060708090a0b0c0d0e0f",
     "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbee"
     "f",
     "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbee"
     "f841dd9683dd78ec92ae58790125f62b3000005d4"},
    {"17.4", SuiteId::aead_aes_256_gcm, false,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbee"
     "f",
     "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbee"
     "f91db4afbfeee5a978fab4393ed2615fe000005d4"},
};

SrtpConfig config_of(const Case& c) {
  SrtpConfig config = make_config(c.suite);
  config.encrypt_srtcp = c.encrypted;
  return config;
}

TEST(Rfc7714S17, Seals) {
  for (const Case& c : kCases) {
    Pair pair(config_of(c));
    CryptoContext& context = context_of(*pair.outbound);
    set_gcm_session_keys(context, hex(c.key), hex(kSalt));
    context.srtcp_packets.set(kIndex);
    EXPECT_EQ(pair.protected_rtcp(hex(c.plain)), hex(c.sealed)) << c.section;
  }
}

TEST(Rfc7714S17, Opens) {
  for (const Case& c : kCases) {
    Pair pair(config_of(c));
    set_gcm_session_keys(context_of(*pair.inbound), hex(c.key), hex(kSalt));
    Octets packet = hex(c.sealed);
    EXPECT_EQ(unprotect_rtcp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << c.section;
    EXPECT_EQ(packet, hex(c.plain)) << c.section;
  }
}

TEST(Rfc7714S17, NoBitMayChange) {
  for (const Case& c : kCases) {
    Pair pair(config_of(c));
    set_gcm_session_keys(context_of(*pair.inbound), hex(c.key), hex(kSalt));
    const Octets sealed = hex(c.sealed);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Octets bad = sealed;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
      EXPECT_NE(pair.open_rtcp(bad), SrtpOutcome::ok) << c.section << " bit " << bit;
    }
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
