// SPDX-License-Identifier: GPL-3.0-or-later
// KeyedHash: SipHash's published values, and pieces that cannot be mistaken for one another.
#include "base/keyed_hash.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

// The key 00 01 .. 0f of the reference implementation's vectors, and inputs 00 01 02 ..
constexpr HashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

Hash128 reference_hash(std::size_t length) {
  std::string input;
  for (std::size_t i = 0; i < length; ++i) input.push_back(static_cast<char>(i));
  return KeyedHash<2, 4>(kKey).octets(input).finish();
}

TEST(KeyedHash, AgreesWithPublishedValues) {
  // The first two of the 128-bit vectors, octets in order.
  EXPECT_EQ(reference_hash(0), (Hash128{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(reference_hash(1), (Hash128{0x44af996bd8c187da, 0x45fc229b11597634}));
}

TEST(KeyedHash, EveryLengthDiffers) {
  std::vector<Hash128> seen;
  for (std::size_t length = 0; length < 70; ++length) {
    const Hash128 hash = reference_hash(length);
    for (const Hash128& earlier : seen) EXPECT_NE(hash, earlier) << length;
    seen.push_back(hash);
  }
}

TEST(KeyedHash, PiecesAreNotConcatenated) {
  const auto pair = [](std::string_view first, std::string_view second) {
    return KeyedHash<>(kKey).text(first).text(second).finish();
  };
  EXPECT_EQ(pair("ab", "c"), pair("ab", "c"));
  EXPECT_NE(pair("ab", "c"), pair("a", "bc"));
  EXPECT_NE(pair("abc", ""), pair("", "abc"));
  EXPECT_NE(pair("", ""), KeyedHash<>(kKey).text("").finish());
}

TEST(KeyedHash, FoldsCaseOnlyWhenAsked) {
  const auto folded = [](std::string_view text) { return KeyedHash<>(kKey).folded_text(text).finish(); };
  const auto exact = [](std::string_view text) { return KeyedHash<>(kKey).text(text).finish(); };
  EXPECT_EQ(folded("Z9hG4bK.[@`{"), folded("z9HG4BK.[@`{"));
  EXPECT_NE(folded("["), folded("{"));  // neighbours of the letters are no letters
  EXPECT_NE(folded("@"), folded("`"));
  EXPECT_NE(exact("Z9hG4bK"), exact("z9hG4bK"));
}

TEST(KeyedHash, PiecesOfAnySizeMakeOneWhole) {
  std::string whole;
  for (int i = 0; i < 60; ++i) whole.push_back(static_cast<char>(i * 7));
  for (std::size_t first = 0; first <= 20; ++first)
    for (std::size_t second = first; second <= whole.size(); ++second) {
      const std::string_view view = whole;
      EXPECT_EQ(KeyedHash<>(kKey)
                    .octets(view.substr(0, first))
                    .octets(view.substr(first, second - first))
                    .octets(view.substr(second))
                    .finish(),
                KeyedHash<>(kKey).octets(view).finish())
          << first << " " << second;
    }
  static_assert(KeyedHash<>(kKey).text("as it compiles, too").finish() != Hash128{});
}

TEST(KeyedHash, FoldsEveryLetterAndNothingElse) {
  for (int octet = 0; octet < 256; ++octet)
    for (std::size_t place = 0; place < 9; ++place) {
      std::string text(9, '.');
      text[place] = static_cast<char>(octet);
      std::string small = text;
      if (octet >= 'A' && octet <= 'Z') small[place] = static_cast<char>(octet + 'a' - 'A');
      EXPECT_EQ(KeyedHash<>(kKey).folded_text(text).finish(), KeyedHash<>(kKey).text(small).finish())
          << octet;
    }
}

TEST(KeyedHash, AnotherKeyIsAnotherHash) {
  EXPECT_NE(KeyedHash<>(kKey).text("x").finish(), KeyedHash<>(HashKey{}).text("x").finish());
}

}  // namespace
}  // namespace sallyport
