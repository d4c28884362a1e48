// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 3711 appendix B.2: keystream of AES in counter mode.
#include <gtest/gtest.h>

#include "tests/vectors/vector_rig.h"

namespace sallyport::crypto::test {
namespace {

TEST(Rfc3711B2, Keystream) {
  const Octets stream =
      keystream(hex("2b7e151628aed2a6abf7158809cf4f3c"), hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"), 1044512);
  EXPECT_EQ(block(stream, 0x0000), hex("e03ead0935c95e80e166b16dd92b4eb4"));
  EXPECT_EQ(block(stream, 0x0001), hex("d23513162b02d0f72a43a2fe4a5f97ab"));
  EXPECT_EQ(block(stream, 0x0002), hex("41e95b3bb0a2e8dd477901e4fca894c0"));
  EXPECT_EQ(block(stream, 0xfeff), hex("ec8cdf7398607cb0f2d21675ea9ea1e4"));
  EXPECT_EQ(block(stream, 0xff00), hex("362b7c3c6773516318a077d7fc5073ae"));
  EXPECT_EQ(block(stream, 0xff01), hex("6a2cc3787889374fbeb4c81b17ba6c44"));
}

}  // namespace
}  // namespace sallyport::crypto::test
