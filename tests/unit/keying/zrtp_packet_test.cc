// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of ZRTP, whole and damaged; the messages that are read; how algorithms and public values are judged.
#include "keying/zrtp_packet.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "keying/zrtp_algorithms.h"

namespace sallyport::keying {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t kSource = 0xcafe0001;

/// A Hello's body: version, client, H3, ZID, counts, codes, MAC.
Octets hello_body(const std::array<std::size_t, 5>& counts, std::size_t codes) {
  Octets body(88 - kZrtpMessageHeaderLength + 4 * codes);
  const std::string_view version = "1.10";
  std::ranges::copy(version, body.begin());
  body[20] = 0x33;  // H3
  body[52] = 0x44;  // ZID
  std::uint32_t word = 0;
  for (const std::size_t count : counts) word = word << 4U | static_cast<std::uint32_t>(count);
  store_be32(body.data() + 64, word);
  for (std::size_t i = 0; i < codes; ++i) std::ranges::copy(std::string_view("S256"), &body[68 + 4 * i]);
  return body;
}

TEST(ZrtpFrame, EveryTypeIsReadAsItWasWritten) {
  for (const ZrtpMessageTypeInfo& type : kZrtpMessageTypes) {
    Octets packet = write_zrtp(type.type, kSource, Octets(type.shortest - kZrtpMessageHeaderLength, 7));
    number_zrtp(packet, 4711);
    const auto read = parse_zrtp(packet);
    ASSERT_TRUE(read) << type.name;
    EXPECT_EQ(read->type, type.type);
    EXPECT_EQ(read->sequence, 4711);
    EXPECT_EQ(read->source, kSource);
    EXPECT_EQ(read->message.size(), type.shortest);
    EXPECT_EQ(read->message.data(), packet.data() + kZrtpHeaderLength);
  }
}

TEST(ZrtpFrame, EveryFlippedBitIsNoticed) {
  const Octets packet = write_zrtp(ZrtpMessageType::ping, kSource, Octets(12, 7));
  for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
    Octets damaged = packet;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(parse_zrtp(damaged)) << bit;
  }
  for (std::size_t length = 0; length < packet.size(); ++length)
    EXPECT_FALSE(parse_zrtp(std::span(packet).first(length))) << length;
}

TEST(ZrtpFrame, WhatIsWrongIsTold) {
  EXPECT_EQ(parse_zrtp({}).error(), ZrtpDefect::not_zrtp);
  EXPECT_EQ(parse_zrtp(Octets(28, 0x10)).error(), ZrtpDefect::not_zrtp);
  const Octets ack = write_zrtp(ZrtpMessageType::hello_ack, kSource);
  Octets other = ack;
  other[16] = 'X';
  number_zrtp(other, 1);
  EXPECT_EQ(parse_zrtp(other).error(), ZrtpDefect::type);
  other = ack;
  other[12] = 'X';
  number_zrtp(other, 1);
  EXPECT_EQ(parse_zrtp(other).error(), ZrtpDefect::type);
  other[12] = ack[12];
  EXPECT_EQ(parse_zrtp(other).error(), ZrtpDefect::crc);
  // Lengths: of another datagram, and of another message.
  other = ack;
  other[15] = 4;
  number_zrtp(other, 1);
  EXPECT_EQ(parse_zrtp(other).error(), ZrtpDefect::length);
  // One that its type could have, too.
  for (const std::uint8_t words : {std::uint8_t{22}, std::uint8_t{24}}) {
    other = write_zrtp(ZrtpMessageType::dh_part2, kSource, Octets(80));
    EXPECT_TRUE(parse_zrtp(other));
    other[15] = words;
    number_zrtp(other, 1);
    EXPECT_EQ(parse_zrtp(other).error(), ZrtpDefect::length) << int{words};
  }
  EXPECT_EQ(parse_zrtp(write_zrtp(ZrtpMessageType::hello_ack, kSource, Octets(4))).error(),
            ZrtpDefect::length);
  EXPECT_EQ(parse_zrtp(write_zrtp(ZrtpMessageType::commit, kSource, Octets(84))).error(), ZrtpDefect::length);
  EXPECT_EQ(parse_zrtp(write_zrtp(ZrtpMessageType::dh_part1, kSource, Octets(2000))).error(),
            ZrtpDefect::not_zrtp);
}

TEST(ZrtpHellos, ListsMustBeAsLongAsTheMessage) {
  const auto read = [](const std::array<std::size_t, 5>& counts, std::size_t codes) {
    const Octets packet = write_zrtp(ZrtpMessageType::hello, kSource, hello_body(counts, codes));
    const auto frame = parse_zrtp(packet);
    return frame ? parse_zrtp_hello(*frame) : std::nullopt;
  };
  const auto hello = read({1, 2, 3, 4, 5}, 15);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->h3[0], 0x33);
  EXPECT_EQ(hello->zid[0], 0x44);
  EXPECT_EQ(hello->hashes.size(), 1U);
  EXPECT_EQ(hello->ciphers.size(), 2U);
  EXPECT_EQ(hello->tags.size(), 3U);
  EXPECT_EQ(hello->agreements.size(), 4U);
  EXPECT_EQ(hello->renderings.size(), 5U);
  EXPECT_EQ(hello->renderings.back(), (ZrtpCode{'S', '2', '5', '6'}));
  EXPECT_TRUE(read({0, 0, 0, 0, 0}, 0));
  EXPECT_TRUE(read({7, 7, 7, 7, 7}, 35));
  EXPECT_FALSE(read({1, 2, 3, 4, 5}, 14));
  EXPECT_FALSE(read({1, 2, 3, 4, 5}, 16));
  EXPECT_FALSE(read({8, 0, 0, 0, 0}, 8));
  EXPECT_FALSE(read({15, 15, 15, 15, 15}, 35));
}

TEST(ZrtpErrors, AreWrittenWithTheirCode) {
  const Octets packet = write_zrtp_error(kSource, ZrtpErrorCode::go_clear_not_allowed);
  ASSERT_TRUE(parse_zrtp(packet));
  EXPECT_EQ(parse_zrtp(packet)->type, ZrtpMessageType::error);
  EXPECT_EQ(load_be32(packet.data() + 24), 0x100U);
}

using enum ZrtpAlgorithm;

std::vector<ZrtpCode> codes(std::initializer_list<std::string_view> names) {
  std::vector<ZrtpCode> made;
  for (const std::string_view name : names) {
    ZrtpCode code{' ', ' ', ' ', ' '};
    std::ranges::copy(name, code.begin());
    made.push_back(code);
  }
  return made;
}

// RFC 6189 §4.1.2
TEST(ZrtpAgreement, IsTheFasterOfTheFirsts) {
  const std::vector<ZrtpAlgorithm> all = {dh3k, x448, x255};
  EXPECT_EQ(agree(all, codes({"DH3k", "X448"})), dh3k);
  EXPECT_EQ(agree(all, codes({"X448", "DH3k"})), x448);
  EXPECT_EQ(agree(all, codes({"X255", "X448", "DH3k"})), x255);
  EXPECT_EQ(agree(all, codes({"EC25", "EC38", "Mult"})), dh3k);
  EXPECT_EQ(agree(all, {}), dh3k);
  const std::vector<ZrtpAlgorithm> fast = {x255, dh3k};
  EXPECT_EQ(agree(fast, codes({"DH3k", "X255"})), x255);
  EXPECT_EQ(agree(fast, codes({"X448"})), dh3k);
  // Seven others leave DH3k, which everybody has, no place.
  EXPECT_FALSE(agree(all, codes({"X255", "EC25", "X448", "EC38", "EC52", "DH2k", "Mult"})));
}

TEST(ZrtpAlgorithmNames, AreThoseOfTheRfc) {
  for (const ZrtpAlgorithmInfo& known : kZrtpAlgorithms)
    EXPECT_EQ(zrtp_algorithm(known.name), known.algorithm);
  EXPECT_FALSE(zrtp_algorithm("B32 "));
  EXPECT_EQ(zrtp_algorithm(ZrtpKind::rendering, codes({"B32"})[0]), b32);
  EXPECT_FALSE(zrtp_algorithm(ZrtpKind::cipher, codes({"S256"})[0]));
  EXPECT_EQ(suite_of({s256, aes1, hs32, dh3k, b32}), crypto::SuiteId::aes_cm_128_hmac_sha1_32);
  EXPECT_EQ(suite_of({s256, aes1, hs80, dh3k, b32}), crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_EQ(suite_of({s256, aes3, hs32, dh3k, b32}), crypto::SuiteId::aes_256_cm_hmac_sha1_32);
  EXPECT_EQ(suite_of({s256, aes3, hs80, dh3k, b32}), crypto::SuiteId::aes_256_cm_hmac_sha1_80);
}

/// p of RFC 3526 §4 plus `addend`, as far as the last octets go: its last 64 bits are ones.
Octets near_prime(int addend) {
  Octets prime;
  const std::string_view digits =
      "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519"
      "B3"
      "CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899F"
      "A5"
      "AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F3"
      "56"
      "208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A2"
      "8F"
      "B5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521"
      "AB"
      "DF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE"
      "6B"
      "F12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5B"
      "FC"
      "E0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
  for (std::size_t i = 0; i < digits.size(); i += 2)
    prime.push_back(static_cast<std::uint8_t>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
  prime.back() = static_cast<std::uint8_t>(prime.back() + addend);
  return prime;
}

TEST(ZrtpPublicValues, ThatGiveAKnownSecretAreUnsound) {
  Octets small(384);
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{1}}) {
    small.back() = value;
    EXPECT_FALSE(is_sound_public_value(dh3k, small)) << int{value};
  }
  small.back() = 2;
  EXPECT_TRUE(is_sound_public_value(dh3k, small));
  EXPECT_FALSE(is_sound_public_value(dh3k, near_prime(0)));
  EXPECT_FALSE(is_sound_public_value(dh3k, near_prime(-1)));
  EXPECT_TRUE(is_sound_public_value(dh3k, near_prime(-2)));
  EXPECT_FALSE(is_sound_public_value(dh3k, Octets(384, 0xff)));
  EXPECT_FALSE(is_sound_public_value(dh3k, Octets(383, 2)));
}

TEST(ZrtpPublicValues, OfSmallOrderAreUnsound) {
  Octets base(32);
  base[0] = 9;
  EXPECT_TRUE(is_sound_public_value(x255, base));
  base[0] = 5;
  base.resize(56);
  EXPECT_TRUE(is_sound_public_value(x448, base));
  EXPECT_FALSE(is_sound_public_value(x255, base));
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{1}}) {
    for (const std::size_t length : {std::size_t{32}, std::size_t{56}}) {
      Octets point(length);
      point[0] = value;
      EXPECT_FALSE(is_sound_public_value(length == 32 ? x255 : x448, point)) << int{value};
    }
  }
  // Of order 8 on Curve25519 (RFC 7748's references list it).
  const Octets eighth{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
                      0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
                      0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
  EXPECT_FALSE(is_sound_public_value(x255, eighth));
}

}  // namespace
}  // namespace sallyport::keying
