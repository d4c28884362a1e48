// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 5769: sample messages whose integrity and fingerprint were computed by others.
#include <string_view>

#include <gtest/gtest.h>

#include "keying/stun.h"
#include "tests/vectors/vector_rig.h"

namespace sallyport::keying::test {
namespace {

using crypto::test::hex;
using crypto::test::Octets;

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";

StunKey key_of(std::string_view password) {
  return StunKey({reinterpret_cast<const std::uint8_t*>(password.data()), password.size()});
}

const Octets kRequest = hex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008"
    "932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004"
    "e57a3bcf");

TEST(Rfc5769, Section21Request) {
  const auto message = parse_stun(kRequest);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class, StunClass::request);
  EXPECT_EQ(message->method, kStunBinding);
  EXPECT_EQ(message->username, "evtj:h6vY");
  EXPECT_EQ(message->priority, 0x6e0001ffU);
  EXPECT_EQ(message->ice_controlled, 0x932ff9b151263b36U);
  EXPECT_FALSE(message->ice_controlling);
  EXPECT_FALSE(message->use_candidate);
  EXPECT_TRUE(message->has_fingerprint);
  EXPECT_TRUE(integrity_holds(*message, key_of(kPassword)));
  EXPECT_FALSE(integrity_holds(*message, key_of("VOkJxbRl1RmTxUk/WvJxBT")));
}

TEST(Rfc5769, Section22And23Responses) {
  struct Sample {
    std::string_view octets;
    std::string_view address;
  };
  const Sample samples[] = {
      {"0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a64300080"
       "014"
       "2b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96",
       "192.0.2.1:32853"},
      {"010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f"
       "179"
       "bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c",
       "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}};
  for (const auto& [octets, address] : samples) {
    const Octets datagram = hex(octets);
    const auto message = parse_stun(datagram);
    ASSERT_TRUE(message) << address;
    EXPECT_EQ(message->message_class, StunClass::success);
    ASSERT_TRUE(message->mapped_address);
    EXPECT_EQ(message->mapped_address->to_string(), address);
    EXPECT_TRUE(integrity_holds(*message, key_of(kPassword))) << address;

    StunWriter writer(StunClass::success, kStunBinding, message->id);
    writer.xor_mapped_address(*message->mapped_address);
    writer.message_integrity(key_of(kPassword));
    writer.fingerprint();
    const auto again = parse_stun(writer.octets());
    ASSERT_TRUE(again) << address;
    EXPECT_EQ(again->mapped_address, message->mapped_address);
    EXPECT_TRUE(again->has_fingerprint);
    EXPECT_TRUE(integrity_holds(*again, key_of(kPassword)));
  }
}

TEST(Rfc5769, Section24LongTermRequest) {
  const Octets datagram =
      hex("000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c66"
          "2f2f3439"
          "396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014f67024656dd6"
          "4a3e02b8"
          "e0712e85c9a28ca89666");
  const auto message = parse_stun(datagram);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->username, "\u30de\u30c8\u30ea\u30c3\u30af\u30b9");
  EXPECT_FALSE(message->has_fingerprint);
  // The key is MD5("マトリックス:example.org:TheMatrIX").
  EXPECT_TRUE(integrity_holds(*message, StunKey(hex("e8ca7ad59d5eb0518e312911d2dab2a9"))));
}

Octets flipped(const Octets& octets, std::size_t bit) {
  Octets damaged = octets;
  damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
  return damaged;
}

TEST(Rfc5769, FingerprintNoticesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < kRequest.size() * 8; ++bit) {
    const Octets damaged = flipped(kRequest, bit);
    const auto message = parse_stun(damaged);
    // A damaged attribute type may be FINGERPRINT's own: then there is none.
    EXPECT_FALSE(message && message->has_fingerprint) << bit;
  }
}

TEST(Rfc5769, IntegrityNoticesEveryFlippedBit) {
  Octets bare(kRequest.begin(), kRequest.end() - 8);  // FINGERPRINT would notice first
  store_be16(bare.data() + 2, static_cast<std::uint16_t>(bare.size() - kStunHeaderLength));
  const StunKey key = key_of(kPassword);
  ASSERT_TRUE(integrity_holds(parse_stun(bare).value(), key));
  for (std::size_t bit = 0; bit < bare.size() * 8; ++bit) {
    const Octets damaged = flipped(bare, bit);
    const auto message = parse_stun(damaged);
    EXPECT_FALSE(message && integrity_holds(*message, key)) << bit;
  }
}

}  // namespace
}  // namespace sallyport::keying::test
