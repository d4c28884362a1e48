// SPDX-License-Identifier: GPL-3.0-or-later
// STUN's parser within its bounds, and its writer.
#include "keying/stun.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::keying {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr StunTransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const StunKey kKey(Octets{'s', 'e', 'c', 'r', 'e', 't'});

/// A Binding request with these octets behind the header.
Octets message_of(const Octets& body) {
  Octets octets{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
  octets.insert(octets.end(), kId.begin(), kId.end());
  octets.insert(octets.end(), body.begin(), body.end());
  store_be16(octets.data() + 2, static_cast<std::uint16_t>(body.size()));
  return octets;
}

StunDefect defect_of(const Octets& datagram) {
  const auto message = parse_stun(datagram);
  EXPECT_FALSE(message);
  return message ? StunDefect::not_stun : message.error();
}

TEST(Stun, WritesWhatItReads) {
  StunWriter writer(StunClass::request, kStunBinding, kId);
  writer.username("ours:theirs");
  writer.priority(0x6e7f1eff);
  writer.ice_controlling(0x0102030405060708);
  writer.use_candidate();
  writer.message_integrity(kKey);
  writer.fingerprint();
  ASSERT_TRUE(writer.ok());
  const auto message = parse_stun(writer.octets());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, kId);
  EXPECT_EQ(message->username, "ours:theirs");
  EXPECT_EQ(message->priority, 0x6e7f1effU);
  EXPECT_EQ(message->ice_controlling, 0x0102030405060708U);
  EXPECT_TRUE(message->use_candidate);
  EXPECT_TRUE(message->has_fingerprint);
  EXPECT_TRUE(integrity_holds(*message, kKey));
  EXPECT_FALSE(integrity_holds(*message, StunKey(Octets{'s', 'e', 'c', 'r', 'e', 'T'})));
}

TEST(Stun, ErrorsKeepTheirCodes) {
  for (const std::uint16_t code : std::to_array<std::uint16_t>({300, 400, 401, 420, 487, 699})) {
    StunWriter writer(StunClass::error, kStunBinding, kId);
    writer.error_code(code, "Reason");
    writer.unknown_attributes(std::vector<std::uint16_t>{0x7777, 0x0003, 0x0042});
    const auto message = parse_stun(writer.octets());
    ASSERT_TRUE(message);
    EXPECT_EQ(message->message_class, StunClass::error);
    EXPECT_EQ(message->error_code, code);
  }
  EXPECT_EQ(defect_of(message_of({0, 9, 0, 4, 0, 0, 2, 0})), StunDefect::attribute);    // 200
  EXPECT_EQ(defect_of(message_of({0, 9, 0, 4, 0, 0, 7, 0})), StunDefect::attribute);    // 700
  EXPECT_EQ(defect_of(message_of({0, 9, 0, 4, 0, 0, 4, 100})), StunDefect::attribute);  // 4 and 100
}

TEST(Stun, EveryClassAndMethodSurvives) {
  for (const StunClass message_class :
       {StunClass::request, StunClass::indication, StunClass::success, StunClass::error})
    for (const std::uint16_t method :
         std::to_array<std::uint16_t>({0x001, 0x00f, 0x010, 0x07f, 0x080, 0xfff})) {
      const StunWriter writer(message_class, method, kId);
      const auto message = parse_stun(writer.octets());
      ASSERT_TRUE(message);
      EXPECT_EQ(message->message_class, message_class);
      EXPECT_EQ(message->method, method);
    }
}

TEST(Stun, RefusesWhatIsNotStun) {
  EXPECT_EQ(defect_of({}), StunDefect::not_stun);
  EXPECT_EQ(defect_of(Octets(19, 0)), StunDefect::not_stun);
  Octets first_bits = message_of({});
  first_bits[0] = 0x40;
  EXPECT_EQ(defect_of(first_bits), StunDefect::not_stun);
  Octets cookie = message_of({});
  cookie[7] ^= 1;
  EXPECT_EQ(defect_of(cookie), StunDefect::not_stun);
}

TEST(Stun, LengthMustBeTheDatagrams) {
  for (const int wrong : {-4, 4, 1, 2, 3, 8}) {
    Octets datagram = message_of({0, 0x24, 0, 4, 1, 2, 3, 4});
    store_be16(datagram.data() + 2, static_cast<std::uint16_t>(8 + wrong));
    EXPECT_EQ(defect_of(datagram), StunDefect::length) << wrong;
  }
  Octets odd = message_of({0, 0x24, 0, 4, 1, 2, 3, 4, 0});
  EXPECT_EQ(defect_of(odd), StunDefect::length);
}

TEST(Stun, AttributesStayWithinTheMessage) {
  EXPECT_EQ(defect_of(message_of({0, 6, 0, 5, 'a', 'b', 'c', 'd'})), StunDefect::attribute);
  EXPECT_EQ(defect_of(message_of({0, 6, 0xff, 0xff, 'a', 'b', 'c', 'd'})), StunDefect::attribute);
  EXPECT_EQ(defect_of(message_of({0, 6, 0, 1, 'a', 0, 0, 0, 0, 6, 0, 1})), StunDefect::attribute);
}

TEST(Stun, ValuesMustFitTheirTypes) {
  const Octets bodies[] = {
      {0, 0x24, 0, 3, 1, 2, 3, 0},                           // PRIORITY of three octets
      {0, 0x25, 0, 4, 1, 2, 3, 4},                           // USE-CANDIDATE with a value
      {0x80, 0x2a, 0, 4, 1, 2, 3, 4},                        // half a tie-breaker
      {0, 8, 0, 4, 1, 2, 3, 4},                              // a short code
      {0, 0x20, 0, 4, 0, 1, 2, 3},                           // an address without one
      {0, 0x20, 0, 8, 0, 2, 0, 0, 1, 2, 3, 4},               // IPv6 of four octets
      {0, 0x20, 0, 8, 0, 3, 0, 0, 1, 2, 3, 4},               // of no family
      {0, 0x20, 0, 12, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},  // IPv4 of eight octets
  };
  for (const Octets& body : bodies)
    EXPECT_EQ(defect_of(message_of(body)), StunDefect::attribute) << int(body[1]);
  Octets name{0, 6, 0x01, 0xfd};  // 509
  name.resize(4 + 512, 'x');
  EXPECT_EQ(defect_of(message_of(name)), StunDefect::attribute);
}

TEST(Stun, UnknownAttributesAreNamed) {
  const Octets datagram = message_of({0x7f, 0x01, 0, 0, 0xff, 0x02, 0, 0, 0, 3, 0, 4, 1, 2, 3, 4});
  const auto message = parse_stun(datagram);
  ASSERT_TRUE(message);
  ASSERT_EQ(message->unknown_count, 2U);  // 0xff02 may be passed over
  EXPECT_EQ(message->unknown[0], 0x7f01);
  EXPECT_EQ(message->unknown[1], 0x0003);
  Octets many;
  for (int i = 0; i < 50; ++i) many.insert(many.end(), {0x7f, static_cast<std::uint8_t>(i), 0, 0});
  const Octets flood = message_of(many);
  EXPECT_EQ(parse_stun(flood)->unknown_count, StunMessage::kMaxUnknown);
}

TEST(Stun, OfTwoTheFirstCounts) {
  const Octets datagram = message_of({0, 6, 0, 1, 'a', 0, 0, 0, 0, 6, 0, 1, 'b', 0, 0, 0});
  EXPECT_EQ(parse_stun(datagram)->username, "a");
}

TEST(Stun, BehindIntegrityNothingIsBelieved) {
  StunWriter writer(StunClass::request, kStunBinding, kId);
  writer.username("a:b");
  writer.message_integrity(kKey);
  writer.use_candidate();
  writer.priority(1);
  writer.fingerprint();
  const auto message = parse_stun(writer.octets());
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->use_candidate);
  EXPECT_FALSE(message->priority);
  EXPECT_TRUE(message->has_fingerprint);
  EXPECT_TRUE(integrity_holds(*message, kKey));
}

TEST(Stun, FingerprintIsRightAndLast) {
  StunWriter writer(StunClass::request, kStunBinding, kId);
  writer.fingerprint();
  Octets datagram(writer.octets().begin(), writer.octets().end());
  ASSERT_TRUE(parse_stun(datagram));
  Octets damaged = datagram;
  damaged.back() ^= 1;
  EXPECT_EQ(defect_of(damaged), StunDefect::fingerprint);
  StunWriter more(StunClass::request, kStunBinding, kId);
  more.fingerprint();
  more.priority(1);
  EXPECT_EQ(defect_of({more.octets().begin(), more.octets().end()}), StunDefect::fingerprint);
  EXPECT_EQ(defect_of(message_of({0x80, 0x28, 0, 0})), StunDefect::fingerprint);
}

TEST(Stun, AWriterWithoutRoomWritesNothing) {
  StunWriter writer(StunClass::request, kStunBinding, kId);
  writer.username(std::string(kMaxStunUsername, 'u'));
  EXPECT_TRUE(writer.ok());
  writer.username(std::string(kMaxStunUsername, 'u'));
  writer.message_integrity(kKey);
  EXPECT_FALSE(writer.ok());
  EXPECT_TRUE(writer.octets().empty());
}

}  // namespace
}  // namespace sallyport::keying
