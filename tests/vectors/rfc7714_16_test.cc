// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 7714 section 16: SRTP packets under AEAD_AES_128_GCM and AEAD_AES_256_GCM.
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

// Sections 16.1.3 and 16.2.3 tag without encryption, which no suite does to SRTP.
constexpr Case kCases[] = {
    {"16.1.1", SuiteId::aead_aes_128_gcm, true, "000102030405060708090a0b0c0d0e0f",
     "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573",
     "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899"
     "d7f27beb16a9152cf765ee4390cce"},
    {"16.2.1", SuiteId::aead_aes_256_gcm, true,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573",
     "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa"
     "3db36dfffd6b0f9bb7878d7a76c13"},
};

TEST(Rfc7714S16, Seals) {
  for (const Case& c : kCases) {
    Pair pair(make_config(c.suite));
    set_gcm_session_keys(context_of(*pair.outbound), hex(c.key), hex(kSalt));
    EXPECT_EQ(pair.protected_rtp(hex(c.plain)), hex(c.sealed)) << c.section;
  }
}

TEST(Rfc7714S16, Opens) {
  for (const Case& c : kCases) {
    Pair pair(make_config(c.suite));
    set_gcm_session_keys(context_of(*pair.inbound), hex(c.key), hex(kSalt));
    Octets packet = hex(c.sealed);
    EXPECT_EQ(unprotect_rtp(*pair.receiver, *pair.inbound, packet), SrtpOutcome::ok) << c.section;
    EXPECT_EQ(packet, hex(c.plain)) << c.section;
  }
}

TEST(Rfc7714S16, NoBitMayChange) {
  for (const Case& c : kCases) {
    Pair pair(make_config(c.suite));
    set_gcm_session_keys(context_of(*pair.inbound), hex(c.key), hex(kSalt));
    const Octets sealed = hex(c.sealed);
    for (std::size_t bit = 8; bit < sealed.size() * 8; ++bit) {
      Octets bad = sealed;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
      EXPECT_EQ(pair.open_rtp(bad), SrtpOutcome::forged) << c.section << " bit " << bit;
    }
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
