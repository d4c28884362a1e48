// SPDX-License-Identifier: GPL-3.0-or-later
// The Internet checksum against RFC 1071's example and a plain reading of its definition.
#include "base/checksum.h"

#include <array>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace sallyport {
namespace {

/// RFC 1071 §1 word by word, in network order.
std::uint16_t by_definition(const std::uint8_t* octets, std::size_t length) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < length; i += 2) {
    const std::uint32_t low = i + 1 < length ? octets[i + 1] : 0;
    sum += static_cast<std::uint32_t>(octets[i]) << 8 | low;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

/// What the field reads as in network order.
std::uint16_t in_network_order(std::uint16_t field) {
  std::array<std::uint8_t, 2> octets;
  std::memcpy(octets.data(), &field, 2);
  return load_be16(octets.data());
}

std::vector<std::uint8_t> counting(std::size_t length, unsigned step) {
  std::vector<std::uint8_t> octets(length);
  for (std::size_t i = 0; i < length; ++i) octets[i] = static_cast<std::uint8_t>(i * step + 1);
  return octets;
}

TEST(Checksum, Rfc1071Example) {
  const std::array<std::uint8_t, 8> octets = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(in_network_order(checksum_finish(checksum_partial(octets.data(), octets.size()))),
            0xffff - 0xddf2);
}

TEST(Checksum, AgreesWithItsDefinitionAtEveryLength) {
  for (std::size_t length = 0; length <= 200; ++length) {
    const auto octets = counting(length, 37);
    EXPECT_EQ(in_network_order(checksum_finish(checksum_partial(octets.data(), length))),
              by_definition(octets.data(), length))
        << length;
  }
}

TEST(Checksum, AgreesAtEveryAlignment) {
  const auto octets = counting(64, 91);
  for (std::size_t start = 0; start < 16; ++start)
    EXPECT_EQ(in_network_order(checksum_finish(checksum_partial(octets.data() + start, 40))),
              by_definition(octets.data() + start, 40))
        << start;
}

TEST(Checksum, CarriesSurviveTheLargestPacket) {
  const std::vector<std::uint8_t> octets(65535, 0xff);
  EXPECT_EQ(in_network_order(checksum_finish(checksum_partial(octets.data(), octets.size()))),
            by_definition(octets.data(), octets.size()));
}

TEST(Checksum, FoldTakesTheLargestSum) {
  EXPECT_EQ(checksum_fold(~std::uint64_t{0}), 0xffff);
  EXPECT_EQ(checksum_fold(0), 0);
  EXPECT_EQ(checksum_fold(0x10000), 1);
  EXPECT_EQ(checksum_fold(0x1fffe), 0xffff);
}

TEST(Checksum, PartsOfEvenLengthAddUp) {
  const auto octets = counting(101, 53);
  for (std::size_t cut = 0; cut <= 100; cut += 2) {
    const std::uint64_t sum = checksum_fold(checksum_partial(octets.data(), cut)) +
                              checksum_partial(octets.data() + cut, 101 - cut);
    EXPECT_EQ(in_network_order(checksum_finish(sum)), by_definition(octets.data(), 101)) << cut;
  }
}

TEST(Checksum, ReceiverFindsOneChangedOctet) {
  auto octets = counting(40, 29);
  const std::uint16_t field = checksum_finish(checksum_partial(octets.data(), octets.size()));
  const auto verifies = [&] {
    return checksum_fold(checksum_partial(octets.data(), octets.size()) + field) == 0xffff;
  };
  ASSERT_TRUE(verifies());
  for (auto& octet : octets) {
    octet ^= 0x10;
    EXPECT_FALSE(verifies());
    octet ^= 0x10;
  }
}

}  // namespace
}  // namespace sallyport
