// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 3711 appendix B.3: key derivation.
#include <gtest/gtest.h>

#include "tests/vectors/vector_rig.h"

namespace sallyport::crypto::test {
namespace {

TEST(Rfc3711B3, KeyDerivation) {
  const Octets key = hex("e1f97a0d3e018be0d64fa32c06de4139");
  const Octets salt = hex("0ec675ad498afeebb6960b3aabe6");
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_encryption, 16), hex("c61e7a93744f39ee10734afe3ff7a087"));
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_salt, 14), hex("30cbbc08863d8c85d49db34a9ae1"));
  const Octets authentication =
      hex("cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef722709863"
          "71c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2");
  EXPECT_EQ(derived(key, salt, KeyLabel::srtp_authentication, authentication.size()), authentication);
}

}  // namespace
}  // namespace sallyport::crypto::test
