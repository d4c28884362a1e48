// SPDX-License-Identifier: GPL-3.0-or-later
// RTP header extensions: both forms of RFC 8285, padding, what ends the list, and lengths that lie.
#include "dataplane/rtp_extension.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace sallyport::dataplane {
namespace {

using test::Octets;

struct Case {
  const char* what;
  std::uint16_t profile;
  Octets elements;
  std::uint8_t id;
  std::optional<std::string> found;
};

std::string text(ExtensionData data) {
  return {data.begin(), data.end()};
}

const Case kCases[] = {
    {"the first", 0xbede, {0x30, 'v', 0, 0}, 3, "v"},
    {"of three octets", 0xbede, {0x32, 'v', 'i', 'd'}, 3, "vid"},
    {"after another", 0xbede, {0x11, 9, 9, 0x30, 'v', 0, 0, 0}, 3, "v"},
    {"after padding", 0xbede, {0, 0, 0x30, 'v'}, 3, "v"},
    {"first of two", 0xbede, {0x30, 'a', 0x30, 'b'}, 3, "a"},
    {"absent", 0xbede, {0x30, 'v', 0, 0}, 4, std::nullopt},
    {"behind the ID 15", 0xbede, {0xf0, 0, 0x30, 'v'}, 3, std::nullopt},
    {"the ID 15 itself", 0xbede, {0xf0, 'v', 0, 0}, 15, std::nullopt},
    {"behind an ID of 0 with a length", 0xbede, {0x01, 0, 0x30, 'v'}, 3, std::nullopt},
    {"longer than what is left", 0xbede, {0x33, 'v', 'i', 'd'}, 3, std::nullopt},
    {"behind one that is too long", 0xbede, {0x1f, 0x30, 'v', 0}, 3, std::nullopt},
    {"an ID above 14 in the one-byte form", 0xbede, {0x30, 'v', 0, 0}, 0x13, std::nullopt},
    {"nothing there", 0xbede, {}, 3, std::nullopt},
    {"two-byte form", 0x1000, {3, 1, 'v', 0}, 3, "v"},
    {"two-byte form with appbits", 0x100a, {3, 1, 'v', 0}, 3, "v"},
    {"two-byte form, high ID", 0x1000, {200, 2, 'v', '1'}, 200, "v1"},
    {"two-byte form, empty", 0x1000, {3, 0, 0, 0}, 3, ""},
    {"two-byte form, after another and padding", 0x1000, {7, 1, 9, 0, 3, 1, 'v', 0}, 3, "v"},
    {"two-byte form, too long", 0x1000, {3, 3, 'v', 0}, 3, std::nullopt},
    {"two-byte form, cut behind the ID", 0x1000, {0, 0, 0, 3}, 3, std::nullopt},
    {"another profile", 0x1234, {0x30, 'v', 0, 0}, 3, std::nullopt},
};

TEST(RtpExtension, FindsOneElement) {
  for (const Case& entry : kCases)
    for (const std::uint8_t csrcs : {std::uint8_t{0}, std::uint8_t{15}}) {
      Octets packet = test::rtp_packet({.csrcs = csrcs, .extension = entry.elements}, Octets(20, 0x30));
      const std::size_t at = kRtpFixedLength + csrcs * 4u;
      packet[at] = static_cast<std::uint8_t>(entry.profile >> 8);
      packet[at + 1] = static_cast<std::uint8_t>(entry.profile);
      const RtpHeader header = parse_rtp(packet);
      ASSERT_TRUE(header.valid) << entry.what;
      const auto found = find_extension(packet, header, entry.id);
      ASSERT_EQ(found.has_value(), entry.found.has_value()) << entry.what;
      EXPECT_EQ(found ? text(*found) : "", entry.found.value_or("")) << entry.what;
    }
}

TEST(RtpExtension, APacketWithoutHasNone) {
  const Octets packet = test::rtp_packet({}, Octets(20, 0x30));
  EXPECT_FALSE(find_extension(packet, parse_rtp(packet), 3));
}

}  // namespace
}  // namespace sallyport::dataplane
