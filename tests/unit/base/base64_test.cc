// SPDX-License-Identifier: GPL-3.0-or-later
// Base64: RFC 4648 §10, and what is no base64.
#include "base/base64.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

std::span<const std::uint8_t> octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Pair {
  std::string_view plain, padded, bare;
};
constexpr Pair kPairs[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xff\xef\xbe", "/+++", "/+++"},
};

TEST(Base64, RfcVectorsBothWays) {
  for (const Pair& pair : kPairs) {
    std::string padded = "x", bare;
    append_base64(padded, octets(pair.plain), true);
    append_base64(bare, octets(pair.plain), false);
    EXPECT_EQ(padded, "x" + std::string(pair.padded));
    EXPECT_EQ(bare, pair.bare);
    for (const std::string_view text : {pair.padded, pair.bare}) {
      std::array<std::uint8_t, 8> decoded{};
      const auto count = decode_base64(text, decoded);
      ASSERT_EQ(count, pair.plain.size()) << text;
      EXPECT_TRUE(std::ranges::equal(std::span(decoded).first(*count), octets(pair.plain)));
    }
  }
}

TEST(Base64, RefusesWhatIsNone) {
  std::array<std::uint8_t, 8> decoded{};
  for (const std::string_view text :
       {"Z",      "Zg=",  "Zg===", "=",    "==",   "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "Zg==Zg==",   "Zm 9",
        "Zm9v\n", "Zm9-", "Zm9_",  "Zm9@", "Zm9[", "Zm9`", "Zm9{", "Zm9:",  "Zm9.",     "\xc3\xbcZm", "Z=g="})
    EXPECT_FALSE(decode_base64(text, decoded)) << text;
  EXPECT_FALSE(decode_base64(std::string_view("Zm\0v", 4), decoded));
}

TEST(Base64, RefusesMoreThanTheRoom) {
  std::array<std::uint8_t, 2> decoded{};
  EXPECT_EQ(decode_base64("Zm8=", decoded), 2U);
  EXPECT_FALSE(decode_base64("Zm9v", decoded));
  EXPECT_EQ(decode_base64("", {}), 0U);
}

TEST(Base64, EveryOctetComesBack) {
  std::vector<std::uint8_t> all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  for (std::size_t length = 0; length <= all.size(); ++length) {
    std::string text;
    append_base64(text, std::span(all).first(length), length % 2 == 0);
    std::vector<std::uint8_t> decoded(length);
    ASSERT_EQ(decode_base64(text, decoded), length);
    EXPECT_TRUE(std::ranges::equal(decoded, std::span(all).first(length)));
  }
}

}  // namespace
}  // namespace sallyport
