// SPDX-License-Identifier: GPL-3.0-or-later
// Network-order integers, and the cursor that stays failed after a short read.
#include "base/bytes.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Bytes, LoadsInNetworkOrder) {
  const std::array<std::uint8_t, 8> octets = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
  EXPECT_EQ(load_be16(octets.data()), 0x0123);
  EXPECT_EQ(load_be32(octets.data()), 0x01234567u);
  EXPECT_EQ(load_be64(octets.data()), 0x0123456789abcdefu);
}

TEST(Bytes, LoadsFromAnyAlignment) {
  const std::array<std::uint8_t, 11> octets = {0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x01};
  EXPECT_EQ(load_be64(octets.data() + 3), 0x8000000000000001u);
  EXPECT_EQ(load_be16(octets.data() + 3), 0x8000);
}

TEST(Bytes, StoresWhatItLoads) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0xfedcba9876543210}, ~std::uint64_t{0}}) {
    std::array<std::uint8_t, 8> octets{};
    store_be64(octets.data(), value);
    EXPECT_EQ(load_be64(octets.data()), value);
    store_be32(octets.data(), static_cast<std::uint32_t>(value));
    EXPECT_EQ(load_be32(octets.data()), static_cast<std::uint32_t>(value));
    store_be16(octets.data(), static_cast<std::uint16_t>(value));
    EXPECT_EQ(load_be16(octets.data()), static_cast<std::uint16_t>(value));
  }
}

TEST(Bytes, StoreWritesNoNeighbour) {
  std::array<std::uint8_t, 4> octets = {0xaa, 0xaa, 0xaa, 0xaa};
  store_be16(octets.data() + 1, 0x1234);
  EXPECT_EQ(octets, (std::array<std::uint8_t, 4>{0xaa, 0x12, 0x34, 0xaa}));
}

TEST(ByteCursor, ReadsFromFrontToBack) {
  const std::array<std::uint8_t, 9> octets = {1, 0, 2, 0, 0, 0, 3, 0xfe, 0xff};
  ByteCursor cursor(octets);
  EXPECT_EQ(cursor.u8(), 1);
  EXPECT_EQ(cursor.u16(), 2);
  EXPECT_EQ(cursor.u32(), 3u);
  const auto tail = cursor.take(2);
  ASSERT_EQ(tail.size(), 2u);
  EXPECT_EQ(tail.data(), octets.data() + 7) << "take gives a view, not a copy";
  EXPECT_TRUE(cursor.ok());
  EXPECT_EQ(cursor.remaining(), 0u);
}

struct ShortRead {
  const char* name;
  std::size_t octets;
  void (*read)(ByteCursor&);
};

class ByteCursorShortRead : public testing::TestWithParam<ShortRead> {};

TEST_P(ByteCursorShortRead, FailsForGood) {
  const std::vector<std::uint8_t> octets(GetParam().octets, 0xff);
  ByteCursor cursor(octets);
  GetParam().read(cursor);
  EXPECT_FALSE(cursor.ok());
  EXPECT_EQ(cursor.remaining(), 0u);
  EXPECT_EQ(cursor.u8(), 0) << "octets that are still there may not be read after a failure";
  EXPECT_EQ(cursor.u16(), 0);
  EXPECT_EQ(cursor.u32(), 0u);
  EXPECT_TRUE(cursor.take(0).empty());
  EXPECT_FALSE(cursor.ok());
}

INSTANTIATE_TEST_SUITE_P(
    Reads, ByteCursorShortRead,
    testing::Values(ShortRead{"u8_of_nothing", 0, [](ByteCursor& c) { (void)c.u8(); }},
                    ShortRead{"u16_of_one", 1, [](ByteCursor& c) { (void)c.u16(); }},
                    ShortRead{"u32_of_three", 3, [](ByteCursor& c) { (void)c.u32(); }},
                    ShortRead{"take_one_too_many", 5, [](ByteCursor& c) { (void)c.take(6); }},
                    ShortRead{"take_the_largest", 5, [](ByteCursor& c) { (void)c.take(~std::size_t{0}); }},
                    ShortRead{"skip_one_too_many", 5, [](ByteCursor& c) { c.skip(6); }},
                    ShortRead{"skip_then_read", 5,
                              [](ByteCursor& c) {
                                c.skip(3);
                                (void)c.u32();
                              }}),
    [](const auto& read) { return read.param.name; });

TEST(ByteCursor, ReadingNothingFromNothingSucceeds) {
  ByteCursor cursor({});
  EXPECT_TRUE(cursor.take(0).empty());
  cursor.skip(0);
  EXPECT_TRUE(cursor.ok());
}

}  // namespace
}  // namespace sallyport
