// SPDX-License-Identifier: GPL-3.0-or-later
// Nonces: what makes one ours, and that no count is taken twice, whatever the order and however full the
// table.
#include "control/auth/nonce.h"

#include <set>

#include <gtest/gtest.h>

namespace sallyport::control {
namespace nonce_test {

using Use = NonceTable::Use;

NonceKey key(std::uint8_t fill) {
  std::array<std::uint8_t, kNonceKeyLength> octets;
  octets.fill(fill);
  return NonceKey(octets);
}

NonceTerms terms() {
  return {crypto::DigestAlgorithm::sha_512_256, 3, 1000};
}

TEST(NonceMint, KnowsItsOwn) {
  NonceMint mint(key(1), 7);
  const std::string first = mint.issue(terms(), "example.com"), second = mint.issue(terms(), "example.com");
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), 44U);
  const auto nonce = mint.read(first, "example.com");
  ASSERT_TRUE(nonce);
  EXPECT_EQ(nonce->terms.algorithm, crypto::DigestAlgorithm::sha_512_256);
  EXPECT_EQ(nonce->terms.qops, 3);
  EXPECT_EQ(nonce->terms.expires_s, 1000U);
  EXPECT_EQ(nonce->serial + 1, mint.read(second, "example.com")->serial);
  EXPECT_FALSE(mint.is_old(*nonce, 999));
  EXPECT_TRUE(mint.is_old(*nonce, 1000));
}

TEST(NonceMint, NothingElse) {
  NonceMint mint(key(1), 7);
  const std::string text = mint.issue(terms(), "example.com");
  EXPECT_FALSE(mint.read(text, "example.org"));
  EXPECT_FALSE(mint.read(text, ""));
  EXPECT_FALSE(mint.read("", "example.com"));
  EXPECT_FALSE(mint.read(text + "=", "example.com"));
  EXPECT_FALSE(mint.read(text + "AAAA", "example.com"));
  EXPECT_FALSE(mint.read(std::string(44, 'A'), "example.com"));
  EXPECT_FALSE(NonceMint(key(2), 7).read(text, "example.com"));
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const char other : {'A', 'B', '/', '!', '\0'}) {
      std::string changed = text;
      changed[i] = other;
      if (changed != text) {
        EXPECT_FALSE(mint.read(changed, "example.com")) << i;
      }
    }
}

TEST(NonceMint, OfAnotherRunIsOld) {
  NonceMint before(key(1), 7);
  const NonceMint after(key(1), 8);
  const auto nonce = after.read(before.issue(terms(), "r"), "r");
  ASSERT_TRUE(nonce);
  EXPECT_TRUE(after.is_old(*nonce, 0));
}

Nonce nonce(std::uint64_t serial, std::uint64_t place = 0, std::uint32_t expires_s = 1000) {
  Nonce made;
  made.serial = serial;
  made.place = place;
  made.terms.expires_s = expires_s;
  return made;
}

TEST(NonceTable, CountsOutOfOrder) {
  Limits limits;
  NonceTable table(limits);
  const auto use = [&](std::uint32_t count) { return table.use(nonce(1), count, 0); };
  EXPECT_EQ(use(2), Use::first);
  EXPECT_EQ(use(1), Use::first);
  EXPECT_EQ(use(2), Use::replayed);
  EXPECT_EQ(use(1), Use::replayed);
  EXPECT_EQ(use(65), Use::first);
  EXPECT_EQ(use(2), Use::replayed);
  EXPECT_EQ(use(3), Use::first);
  EXPECT_EQ(use(66), Use::first);
  EXPECT_EQ(use(3), Use::replayed);
  EXPECT_EQ(use(4), Use::first);
  EXPECT_EQ(use(67 + 64), Use::first);
  EXPECT_EQ(use(67), Use::replayed);  // just behind the window
  EXPECT_EQ(use(68), Use::first);
  EXPECT_EQ(use(0xffffffff), Use::first);
  EXPECT_EQ(use(0xffffffff), Use::replayed);
  EXPECT_EQ(use(0xfffffffe), Use::first);
  EXPECT_EQ(use(68 + 64), Use::replayed);
}

// Every count at most once, against a set that remembers all.
TEST(NonceTable, NeverTwiceInAnyOrder) {
  Limits limits;
  NonceTable table(limits);
  std::set<std::uint32_t> taken;
  std::uint32_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 1664525 + 1013904223;
    const std::uint32_t count = static_cast<std::uint32_t>(i) / 20 + (state >> 25) + 1;
    const Use use = table.use(nonce(1), count, 0);
    if (use == Use::first) {
      EXPECT_TRUE(taken.insert(count).second) << count;
    }
  }
  EXPECT_GT(taken.size(), 1000U);
}

TEST(NonceTable, TheOldestGivesWayAndCannotComeBack) {
  Limits limits;
  limits.set(Limit::nonces, 5);
  NonceTable table(limits);
  for (std::uint64_t serial = 10; serial < 15; ++serial)
    EXPECT_EQ(table.use(nonce(serial), 1, 0), Use::first);
  EXPECT_EQ(limits.refusals(Limit::nonces), 0U);
  EXPECT_EQ(table.use(nonce(20), 1, 0), Use::first);  // 10 gives way
  EXPECT_EQ(limits.refusals(Limit::nonces), 1U);
  EXPECT_EQ(table.use(nonce(10), 1, 0), Use::old);
  EXPECT_EQ(table.use(nonce(10), 2, 0), Use::old);
  EXPECT_EQ(table.use(nonce(9), 1, 0), Use::old);  // was never there, but nobody can tell
  EXPECT_EQ(table.use(nonce(11), 1, 0), Use::replayed);
  EXPECT_EQ(table.use(nonce(11), 2, 0), Use::first);
  EXPECT_EQ(limits.refusals(Limit::nonces), 1U);
}

TEST(NonceTable, OneOlderThanAllIsTurnedAway) {
  Limits limits;
  limits.set(Limit::nonces, 5);
  NonceTable table(limits);
  for (std::uint64_t serial = 10; serial < 15; ++serial)
    EXPECT_EQ(table.use(nonce(serial), 1, 0), Use::first);
  EXPECT_EQ(table.use(nonce(5), 1, 0), Use::old);
  EXPECT_EQ(table.use(nonce(5), 1, 0), Use::old);
  EXPECT_EQ(table.use(nonce(10), 1, 0), Use::replayed);
}

TEST(NonceTable, ExpiredOnesAreNoLoss) {
  Limits limits;
  limits.set(Limit::nonces, 5);
  NonceTable table(limits);
  for (std::uint64_t serial = 1; serial <= 5; ++serial) (void)table.use(nonce(serial, 0, 100), 1, 0);
  EXPECT_EQ(table.use(nonce(6, 0, 300), 1, 200), Use::first);
  EXPECT_EQ(limits.refusals(Limit::nonces), 0U);
}

TEST(NonceTable, MemoryIsBoundedByTheLimit) {
  Limits limits;
  const NonceTable table(limits);
  EXPECT_LE(table.memory_bytes(), 26 * limits[Limit::nonces]);
}

// Over the whole table with places as the mint gives them: none is taken twice, and few give way while there
// is room.
TEST(NonceTable, AMillionUsers) {
  Limits limits;
  NonceTable table(limits);
  NonceMint mint(key(3), 1);
  std::uint64_t first = 0;
  std::vector<Nonce> nonces;
  for (std::size_t i = 0; i < limits[Limit::nonces] / 2; ++i)
    nonces.push_back(mint.read(mint.issue(terms(), "r"), "r").value());
  for (const Nonce& each : nonces) first += table.use(each, 1, 0) == Use::first ? 1U : 0U;
  EXPECT_EQ(first, nonces.size());
  EXPECT_LT(limits.refusals(Limit::nonces), nonces.size() / 20);
  for (const Nonce& each : nonces) EXPECT_NE(table.use(each, 1, 0), Use::first);
}

}  // namespace nonce_test
}  // namespace sallyport::control
