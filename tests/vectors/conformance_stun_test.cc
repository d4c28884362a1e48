// SPDX-License-Identifier: GPL-3.0-or-later
// STUN messages published by others: attributes, integrity, fingerprint, and what is to be refused.
#include <optional>
#include <string>

#include "keying/stun.h"
#include "tests/vectors/conformance_rig.h"

namespace sallyport::keying::test {
namespace {

using crypto::test::hex_of;
using crypto::test::Octets;
using crypto::test::read_file;
using crypto::test::read_json;
using crypto::test::text_of;

class ConformanceStun : public crypto::test::Conformance {};

StunKey key_for(const boost::json::value& entry) {
  if (entry.as_object().contains("key_md5")) return StunKey(hex_of(entry, "key_md5"));
  const std::string password = text_of(entry, "password");
  return StunKey({reinterpret_cast<const std::uint8_t*>(password.data()), password.size()});
}

void check_attributes(const boost::json::value& entry, const Octets& datagram) {
  StunAttributes attributes{std::span(datagram).subspan(kStunHeaderLength)};
  for (const auto& wanted : entry.at("attributes").as_array()) {
    const auto attribute = attributes.next();
    ASSERT_TRUE(attribute);
    const Octets type = hex_of(wanted, "type");
    EXPECT_EQ(attribute->type, load_be16(type.data()));
    EXPECT_EQ(Octets(attribute->value.begin(), attribute->value.end()), hex_of(wanted, "value"));
  }
  EXPECT_FALSE(attributes.next());
  EXPECT_TRUE(attributes.ok());
}

TEST_F(ConformanceStun, MessagesAreReadAsPublished) {
  const auto document = read_json("stun/stun.json");
  std::size_t whole = 0;
  for (const auto& entry : document.at("vectors").as_array()) {
    const std::string id = text_of(entry, "id");
    const Octets datagram = hex_of(entry, "message");
    const std::string file = read_file("stun/" + id + ".bin");
    EXPECT_EQ(Octets(file.begin(), file.end()), datagram) << id;
    const auto message = parse_stun(datagram);
    if (id == "rfc8489-b1-as-printed") {  // its length is wrong: an erratum
      ASSERT_FALSE(message);
      EXPECT_EQ(message.error(), StunDefect::length);
      continue;
    }
    ASSERT_TRUE(message) << id;
    ++whole;
    check_attributes(entry, datagram);
    EXPECT_EQ(message->unknown_count, 0U) << id;
    // The last is protected by MESSAGE-INTEGRITY-SHA256 alone, which ICE does not use.
    if (message->integrity_offset == 0) continue;
    EXPECT_TRUE(integrity_holds(*message, key_for(entry))) << id;
  }
  EXPECT_EQ(whole, 5U);
}

TEST_F(ConformanceStun, DamagedMessagesAreRefused) {
  const auto document = read_json("stun/stun.json");
  std::size_t checked = 0;
  for (const auto& entry : document.at("negative").as_array()) {
    const Octets datagram = hex_of(entry, "message");
    const std::string expected = text_of(entry, "expect");
    const auto message = parse_stun(datagram);
    ++checked;
    if (expected.starts_with("MESSAGE-INTEGRITY")) {
      ASSERT_TRUE(message) << expected;
      EXPECT_FALSE(integrity_holds(*message, key_for(document.at("vectors").at(0))));
      continue;
    }
    ASSERT_FALSE(message) << expected;
    const StunDefect defect = expected.starts_with("FINGERPRINT") ? StunDefect::fingerprint
                              : expected.starts_with("bad magic") ? StunDefect::not_stun
                                                                  : StunDefect::length;
    EXPECT_EQ(message.error(), defect) << expected;
  }
  EXPECT_GE(checked, 12U);
}

}  // namespace
}  // namespace sallyport::keying::test
