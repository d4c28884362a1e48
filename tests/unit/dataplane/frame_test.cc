// SPDX-License-Identifier: GPL-3.0-or-later
// Frames: what is taken, what is refused, and that nothing is read past the end.
#include "dataplane/frame.h"

#include <array>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/support/frames.h"

namespace sallyport::dataplane {
namespace {

using test::FrameSpec;
using test::Octets;

FrameSpec spec(const char* source, const char* destination, std::uint16_t vlan = 0) {
  FrameSpec made;
  made.source = *Endpoint::parse(source);
  made.destination = *Endpoint::parse(destination);
  made.vlan = vlan;
  return made;
}

const FrameSpec kV4 = spec("192.0.2.9:4000", "198.51.100.7:30000");
const FrameSpec kV6 = spec("[2001:db8::9]:4000", "[2001:db8::7]:30000");
const Octets kPayload = {1, 2, 3, 4, 5};

TEST(Frame, UdpOverIpv4AndIpv6WithAndWithoutVlan) {
  for (const FrameSpec& base : {kV4, kV6})
    for (const std::uint16_t vlan : std::to_array<std::uint16_t>({0, 1, 4094})) {
      FrameSpec wanted = base;
      wanted.vlan = vlan;
      const Octets frame = test::udp_frame(wanted, kPayload);
      const FrameView view = parse_frame(frame.data(), frame.size());
      ASSERT_EQ(view.kind, FrameKind::udp);
      EXPECT_EQ(view.vlan, vlan);
      EXPECT_EQ(view.source, wanted.source);
      EXPECT_EQ(view.destination, wanted.destination);
      EXPECT_EQ(Octets(frame.begin() + view.payload_offset,
                       frame.begin() + view.payload_offset + view.payload_length),
                kPayload);
    }
}

TEST(Frame, EthernetPaddingIsNotPayload) {
  Octets frame = test::udp_frame(kV4, kPayload);
  frame.resize(60, 0xee);
  EXPECT_EQ(parse_frame(frame.data(), frame.size()).payload_length, kPayload.size());
}

TEST(Frame, EmptyPayloadIsUdp) {
  const Octets frame = test::udp_frame(kV4, {});
  EXPECT_EQ(parse_frame(frame.data(), frame.size()).kind, FrameKind::udp);
  EXPECT_EQ(parse_frame(frame.data(), frame.size()).payload_length, 0);
}

struct Damage {
  const char* name;
  const FrameSpec* base;
  std::function<void(Octets&)> apply;
  FrameKind expected;
};

/// Changes IPv4 octets and makes the header checksum right again, so that only the change is judged.
std::function<void(Octets&)> ipv4(std::size_t offset, std::uint8_t value) {
  return [=](Octets& frame) {
    frame[14 + offset] = value;
    frame[24] = frame[25] = 0;
    const std::uint16_t sum = checksum_finish(checksum_partial(frame.data() + 14, 20));
    std::memcpy(frame.data() + 24, &sum, 2);
  };
}
std::function<void(Octets&)> octet(std::size_t offset, std::uint8_t value) {
  return [=](Octets& frame) { frame[offset] = value; };
}

TEST(Frame, DamageHasAClearKind) {
  const Damage cases[] = {
      {"ARP", &kV4, octet(13, 0x06), FrameKind::other},
      {"an LLC length", &kV4,
       [](Octets& f) {
         f[12] = 0;
         f[13] = 40;
       },
       FrameKind::other},
      {"double tag", &kV4,
       [](Octets& f) {
         f.insert(f.begin() + 12, {0x81, 0, 0, 1, 0x81, 0, 0, 2});
       },
       FrameKind::other},
      {"IPv4 version 5", &kV4, ipv4(0, 0x55), FrameKind::malformed},
      {"IPv4 header of 16", &kV4, ipv4(0, 0x44), FrameKind::malformed},
      {"IPv4 header past total", &kV4, ipv4(0, 0x4f), FrameKind::malformed},
      {"IPv4 total past frame", &kV4, ipv4(3, 0xff), FrameKind::malformed},
      {"IPv4 total below header", &kV4, ipv4(3, 19), FrameKind::malformed},
      {"IPv4 checksum", &kV4, octet(24, 0x5a), FrameKind::malformed},
      {"IPv4 more fragments", &kV4, ipv4(6, 0x20), FrameKind::fragment},
      {"IPv4 offset", &kV4, ipv4(7, 0x01), FrameKind::fragment},
      {"IPv4 TCP", &kV4, ipv4(9, 6), FrameKind::other},
      {"UDP length of 7", &kV4, octet(39, 7), FrameKind::malformed},
      {"UDP length past datagram", &kV4, octet(39, 200), FrameKind::malformed},
      {"UDP length zero", &kV4, octet(39, 0), FrameKind::malformed},
      {"IPv6 version", &kV6, octet(14, 0x50), FrameKind::malformed},
      {"IPv6 payload past frame", &kV6, octet(19, 0xff), FrameKind::malformed},
      {"IPv6 payload shorter than UDP", &kV6, octet(19, 7), FrameKind::malformed},
      {"IPv6 fragment header", &kV6, octet(20, 44), FrameKind::fragment},
      {"IPv6 hop-by-hop", &kV6, octet(20, 0), FrameKind::other},
      {"IPv4-mapped source on the wire", &kV6,
       [](Octets& f) {
         std::fill_n(f.begin() + 22, 10, 0);
         f[32] = f[33] = 0xff;
       },
       FrameKind::malformed},
  };
  for (const Damage& damage : cases) {
    Octets frame = test::udp_frame(*damage.base, kPayload);
    damage.apply(frame);
    EXPECT_EQ(parse_frame(frame.data(), frame.size()).kind, damage.expected) << damage.name;
  }
}

/// Octets that end where the next page may not be touched.
class Guarded {
 public:
  Guarded()
      : base_(static_cast<std::uint8_t*>(
            mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    mprotect(base_ + kPage, kPage, PROT_NONE);
  }
  ~Guarded() { munmap(base_, 2 * kPage); }
  std::uint8_t* ending_with(std::span<const std::uint8_t> octets) {
    std::uint8_t* start = base_ + kPage - octets.size();
    std::copy(octets.begin(), octets.end(), start);
    return start;
  }

 private:
  static constexpr std::size_t kPage = 4096;
  std::uint8_t* base_;
};

TEST(Frame, EveryTruncationIsRefusedWithoutReadingOn) {
  Guarded guarded;
  for (const FrameSpec& base : {kV4, kV6, spec("192.0.2.9:4000", "198.51.100.7:30000", 5)}) {
    const Octets whole = test::udp_frame(base, kPayload);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const std::uint8_t* cut = guarded.ending_with(std::span(whole).first(length));
      EXPECT_EQ(parse_frame(cut, length).kind, FrameKind::malformed) << length;
    }
  }
}

}  // namespace
}  // namespace sallyport::dataplane
