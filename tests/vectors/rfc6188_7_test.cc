// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6188 section 7: keystreams and key derivation with AES-192 and AES-256.
#include <gtest/gtest.h>

#include "tests/vectors/vector_rig.h"

namespace sallyport::crypto::test {
namespace {

TEST(Rfc6188S7, KeystreamAes192) {
  const Octets stream = keystream(hex("eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7"),
                                  hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"), 1044512);
  EXPECT_EQ(block(stream, 0x0000), hex("35096cba4610028dc1b57503804ce37c"));
  EXPECT_EQ(block(stream, 0x0001), hex("5de986291dcce161d5165ec4568f5c9a"));
  EXPECT_EQ(block(stream, 0x0002), hex("474a40c77894bc17180202272a4c264d"));
  EXPECT_EQ(block(stream, 0xfeff), hex("d108d1a31a00bad6367ec23eb044b415"));
  EXPECT_EQ(block(stream, 0xff00), hex("c8f57129fdeb970b59f917b257662d4c"));
  EXPECT_EQ(block(stream, 0xff01), hex("a5dab625811034e8cebdfeb6dc158dd3"));
}

TEST(Rfc6188S7, KeyDerivationAes192) {
  const Octets key = hex("73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1");
  const Octets salt = hex("c8522f3acd4ce86d5add78edbb11");
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_encryption, 24),
            hex("31874736a8f1143870c26e4857d8a5b2c4a354407faadabb"));
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_salt, 14), hex("2372b82d639b6d8503a47adc0a6c"));
  const Octets authentication = hex("355b10973cd95b9eacf4061c7e1a7151e7cfbfcb");
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_authentication, authentication.size()), authentication);
}

TEST(Rfc6188S7, KeystreamAes256) {
  const Octets stream = keystream(hex("57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98"),
                                  hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"), 1044512);
  EXPECT_EQ(block(stream, 0x0000), hex("92bdd28a93c3f52511c677d08b5515a4"));
  EXPECT_EQ(block(stream, 0x0001), hex("9da71b2378a854f67050756ded165bac"));
  EXPECT_EQ(block(stream, 0x0002), hex("63c4868b7096d88421b563b8c94c9a31"));
  EXPECT_EQ(block(stream, 0xfeff), hex("cea518c90fd91ced9cbb18c078a54711"));
  EXPECT_EQ(block(stream, 0xff00), hex("3dbc4814f4da5f00a08772b63c6a046d"));
  EXPECT_EQ(block(stream, 0xff01), hex("6eb246913062a16891433e97dd01a57f"));
}

TEST(Rfc6188S7, KeyDerivationAes256) {
  const Octets key = hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6");
  const Octets salt = hex("3b04803de51ee7c96423ab5b78d2");
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_encryption, 32),
            hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"));
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_salt, 14), hex("fa31791685ca444a9e07c6c64e93"));
  const Octets authentication = hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_authentication, authentication.size()), authentication);
}

}  // namespace
}  // namespace sallyport::crypto::test
