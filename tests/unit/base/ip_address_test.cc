// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses, endpoints and MAC addresses: what is accepted, how it is written back, what is refused.
#include "base/ip_address.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

struct Text {
  const char* given;
  const char* written;  ///< null: the same
};

void PrintTo(const Text& text, std::ostream* out) {
  *out << '"' << text.given << '"';
}

class AcceptedAddress : public testing::TestWithParam<Text> {};

TEST_P(AcceptedAddress, IsWrittenBack) {
  const auto address = IpAddress::parse(GetParam().given);
  ASSERT_TRUE(address) << address.error().text;
  EXPECT_EQ(address->to_string(), GetParam().written ? GetParam().written : GetParam().given);
}

INSTANTIATE_TEST_SUITE_P(Texts, AcceptedAddress,
                         testing::Values(Text{"192.0.2.1", nullptr}, Text{"0.0.0.0", nullptr},
                                         Text{"255.255.255.255", nullptr}, Text{"::", nullptr},
                                         Text{"::1", nullptr}, Text{"2001:db8::1", nullptr},
                                         Text{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
                                         Text{"fe80::1", nullptr}, Text{"::ffff:192.0.2.1", "192.0.2.1"},
                                         Text{"1:2:3:4:5:6:7:8", nullptr}));

class RefusedAddress : public testing::TestWithParam<std::string> {};

TEST_P(RefusedAddress, IsMalformed) {
  const auto address = IpAddress::parse(GetParam());
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().error_class, ErrorClass::malformed);
  EXPECT_FALSE(address.error().text.empty());
}

INSTANTIATE_TEST_SUITE_P(Texts, RefusedAddress,
                         testing::Values("", " ", "192.0.2", "192.0.2.256", "192.0.2.1.1", "192.0.2.-1",
                                         " 192.0.2.1", "192.0.2.1 ", "192.0.2.1/24", "0x7f.0.0.1", "[::1]",
                                         "fe80::1%lo", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                                         "::fffff", "2001:db8::/32", "localhost", std::string("192.0.2.1\n"),
                                         std::string(4096, '1')));

TEST(IpAddress, MappedFormIsTheIpv4Address) {
  const auto mapped = IpAddress::parse("::ffff:192.0.2.1");
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(mapped->is_v4());
  EXPECT_EQ(*mapped, IpAddress::v4({192, 0, 2, 1}));
}

TEST(IpAddress, AlmostMappedIsIpv6) {
  EXPECT_FALSE(IpAddress::parse("::fffe:192.0.2.1")->is_v4());
  EXPECT_FALSE(IpAddress::parse("1::ffff:192.0.2.1")->is_v4());
  EXPECT_FALSE(IpAddress().is_v4());
}

TEST(IpAddress, KnowsTheUnspecified) {
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_TRUE(IpAddress::v4({0, 0, 0, 0}).is_unspecified());
  EXPECT_FALSE(IpAddress::v4({0, 0, 0, 1}).is_unspecified());
  EXPECT_FALSE(IpAddress::parse("::1")->is_unspecified());
  EXPECT_NE(IpAddress(), IpAddress::v4({0, 0, 0, 0})) << "the two families have different ones";
}

TEST(IpAddress, KnowsMulticast) {
  for (const char* text : {"224.0.0.1", "239.255.255.255", "ff02::1", "ff00::"})
    EXPECT_TRUE(IpAddress::parse(text)->is_multicast()) << text;
  for (const char* text : {"223.255.255.255", "240.0.0.1", "0.0.0.0", "fe80::1", "::", "::ff02"})
    EXPECT_FALSE(IpAddress::parse(text)->is_multicast()) << text;
}

TEST(IpAddress, OctetsAreInNetworkOrder) {
  const auto four = IpAddress::v4({192, 0, 2, 7});
  EXPECT_EQ(four.v4_octets()[0], 192);
  EXPECT_EQ(four.v4_octets()[3], 7);
  EXPECT_EQ(IpAddress::parse("2001:db8::9")->octets()[1], 0x01);
  EXPECT_EQ(IpAddress::parse("2001:db8::9")->octets()[15], 9);
}

class AcceptedEndpoint : public testing::TestWithParam<Text> {};

TEST_P(AcceptedEndpoint, IsWrittenBack) {
  const auto endpoint = Endpoint::parse(GetParam().given);
  ASSERT_TRUE(endpoint) << endpoint.error().text;
  EXPECT_EQ(endpoint->to_string(), GetParam().written ? GetParam().written : GetParam().given);
}

INSTANTIATE_TEST_SUITE_P(Texts, AcceptedEndpoint,
                         testing::Values(Text{"192.0.2.1:5004", nullptr}, Text{"192.0.2.1:1", nullptr},
                                         Text{"192.0.2.1:65535", nullptr},
                                         Text{"[2001:db8::1]:5004", nullptr},
                                         Text{"[::ffff:192.0.2.1]:5004", "192.0.2.1:5004"}));

class RefusedEndpoint : public testing::TestWithParam<std::string> {};

TEST_P(RefusedEndpoint, IsMalformed) {
  const auto endpoint = Endpoint::parse(GetParam());
  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().error_class, ErrorClass::malformed);
}

INSTANTIATE_TEST_SUITE_P(Texts, RefusedEndpoint,
                         testing::Values("", ":", "192.0.2.1", "192.0.2.1:", ":5004", "192.0.2.1:0",
                                         "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+5", "192.0.2.1: 5004",
                                         "192.0.2.1:5004 ", "192.0.2.1:50x", "2001:db8::1:5004",
                                         "[2001:db8::1]", "[2001:db8::1]5004", "[]:5004", "[:5004", "]:5004",
                                         "host:5004", "192.0.2.1:99999999999999999999"));

TEST(Mac, IsWrittenBack) {
  const auto mac = parse_mac("02:00:5E:10:00:ff");
  ASSERT_TRUE(mac);
  EXPECT_EQ((*mac)[2], 0x5e);
  EXPECT_EQ(to_string(*mac), "02:00:5e:10:00:ff");
}

class RefusedMac : public testing::TestWithParam<std::string> {};

TEST_P(RefusedMac, IsMalformed) {
  const auto mac = parse_mac(GetParam());
  ASSERT_FALSE(mac);
  EXPECT_EQ(mac.error().error_class, ErrorClass::malformed);
}

INSTANTIATE_TEST_SUITE_P(Texts, RefusedMac,
                         testing::Values("", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00-00-00-00-01",
                                         "02:00:00:00:00:0g", "02:00:00:00:00: 1", "0x:00:00:00:00:01",
                                         "020000000001", "-2:00:00:00:00:01", "02:00:00:00:0001:"));

}  // namespace
}  // namespace sallyport
