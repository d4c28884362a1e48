// SPDX-License-Identifier: GPL-3.0-or-later
// The TAP twin against the kernel behind it; the test plays the network.
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include <gtest/gtest.h>
#include <poll.h>

#include "base/bytes.h"
#include "dataplane/tap_twin.h"
#include "tests/system/io_frames.h"
#include "tests/system/io_sandbox.h"

namespace sallyport::test {

namespace {

using dataplane::TapTwin;

constexpr int kMostFrames = 100;
constexpr MacAddress kTwinMac{2, 0, 0, 0, 0, 1};
constexpr MacAddress kPeerMac{2, 0, 0, 0, 0, 2};

Octets joined(std::initializer_list<Octets> parts) {
  Octets whole;
  for (const Octets& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

template <typename Range>
Octets as_octets(const Range& range) {
  return Octets(std::begin(range), std::end(range));
}

const Octets kBroadcast(6, 0xff);

/// "Who has 10.0.0.1? Tell 10.0.0.2" (RFC 826).
Octets arp_request() {
  return joined({kBroadcast,
                 as_octets(kPeerMac),
                 {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1},
                 as_octets(kPeerMac),
                 {10, 0, 0, 2},
                 Octets(6, 0),
                 {10, 0, 0, 1}});
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum += load_be16(octets.data() + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// An ICMP echo request from 10.0.0.2 to 10.0.0.1.
Octets ping() {
  FrameSpec spec;
  spec.protocol = 1;
  spec.payload = "";
  Octets frame = build_frame(spec);  // its eight octets of UDP become an ICMP header
  const Octets echo = {8, 0, 0, 0, 0x12, 0x34, 0, 1};
  std::ranges::copy(echo, frame.end() - 8);
  store_be16(frame.data() + frame.size() - 6, internet_checksum(std::span(frame).last(8)));
  return frame;
}

class Twin : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_sandbox();
    if (!reason.empty()) GTEST_SKIP() << reason;
    ours_.emplace();
    inside_.emplace(*ours_);
    twin_.emplace("twin0", kTwinMac, 1500);
  }

  /// The next frame from the kernel that `wanted` likes; nothing within five seconds.
  template <typename Wanted>
  [[nodiscard]] std::optional<Octets> read_until(Wanted wanted) {
    for (int i = 0; i < kMostFrames; ++i) {
      pollfd waiting{twin_->descriptor(), POLLIN, 0};
      if (poll(&waiting, 1, kPatienceMs) != 1) return std::nullopt;
      Octets buffer(2048);
      const auto length = twin_->read_frame(buffer);
      if (!length) continue;
      buffer.resize(*length);
      if (wanted(buffer)) return buffer;
    }
    return std::nullopt;
  }

  std::optional<Namespace> ours_;
  std::optional<Inside> inside_;
  std::optional<TapTwin> twin_;
};

bool has_type(const Octets& frame, std::uint16_t type) {
  return frame.size() >= 14 && load_be16(frame.data() + 12) == type;
}

TEST_F(Twin, AnswersArpAndPing) {
  ASSERT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
  ASSERT_TRUE(twin_->write_frame(arp_request()));
  const auto reply =
      read_until([](const Octets& frame) { return has_type(frame, 0x0806) && frame[21] == 2; });
  ASSERT_TRUE(reply);
  EXPECT_TRUE(std::ranges::equal(std::span(*reply).subspan(22, 6), kTwinMac));
  ASSERT_TRUE(twin_->write_frame(ping()));
  const auto pong = read_until([](const Octets& frame) { return has_type(frame, 0x0800) && frame[23] == 1; });
  ASSERT_TRUE(pong);
  EXPECT_EQ((*pong)[34], 0);  // echo reply
  EXPECT_TRUE(std::ranges::equal(std::span(*pong).first(6), kPeerMac));
  EXPECT_EQ(twin_->counters().to_kernel, 2u);
  EXPECT_GE(twin_->counters().from_kernel, 2u);
}

TEST_F(Twin, CarriesSeveralAddressesOfBothFamilies) {
  ASSERT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
  ASSERT_TRUE(twin_->add_address(address("10.0.0.9"), 24));
  ASSERT_TRUE(twin_->add_address(address("2001:db8::1"), 64));
  for (const char* local : {"10.0.0.1:5060", "10.0.0.9:5060", "[2001:db8::1]:5060"})
    EXPECT_NO_THROW((void)udp_socket(endpoint(local))) << local;
}

TEST_F(Twin, TakesAnAddressTwice) {
  EXPECT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
  EXPECT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
}

TEST_F(Twin, GivesOutWhatSocketsSend) {
  ASSERT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
  must_run("ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 nud permanent dev twin0");
  send_datagram(udp_socket(endpoint("10.0.0.1:5060")), endpoint("10.0.0.2:5060"), "signalling");
  const auto frame = read_until([](const Octets& octets) { return contains(octets, "signalling"); });
  ASSERT_TRUE(frame);
  EXPECT_TRUE(std::ranges::equal(std::span(*frame).first(6), kPeerMac));
  EXPECT_NE(load_be16(frame->data() + 40), 0);  // the UDP checksum is there
}

TEST_F(Twin, GivesSocketsWhatItIsGiven) {
  ASSERT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
  const auto socket = udp_socket(endpoint("10.0.0.1:5060"));
  FrameSpec spec;
  spec.destination_port = 5060;
  spec.destination_mac = kTwinMac;
  spec.payload = "from the network";
  ASSERT_TRUE(twin_->write_frame(build_frame(spec)));
  EXPECT_EQ(receive_datagram(socket), "from the network");
}

TEST_F(Twin, DropsFramesThatDoNotFitTheBuffer) {
  ASSERT_TRUE(twin_->add_address(address("10.0.0.1"), 24));
  must_run("ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 nud permanent dev twin0");
  const auto socket = udp_socket(endpoint("10.0.0.1:5060"));
  send_datagram(socket, endpoint("10.0.0.2:5060"), std::string(1000, 'x'));
  send_datagram(socket, endpoint("10.0.0.2:5060"), "small");
  std::array<std::uint8_t, 512> buffer{};
  std::optional<std::size_t> length;
  for (int i = 0; i < kMostFrames && !(length && contains(std::span(buffer).first(*length), "small")); ++i) {
    pollfd waiting{twin_->descriptor(), POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, kPatienceMs), 1);
    length = twin_->read_frame(buffer);
  }
  EXPECT_TRUE(length);
  EXPECT_EQ(twin_->counters().dropped_from_kernel, 1u);
}

TEST_F(Twin, CountsWhatTheKernelDoesNotTake) {
  must_run("ip link set twin0 down");
  EXPECT_FALSE(twin_->write_frame(arp_request()));
  EXPECT_EQ(twin_->counters().dropped_to_kernel, 1u);
  must_run("ip link set twin0 up");
  EXPECT_FALSE(twin_->write_frame({}));
  EXPECT_FALSE(twin_->write_frame(Octets(5, 0)));
  EXPECT_EQ(twin_->counters().dropped_to_kernel, 3u);
  EXPECT_EQ(twin_->counters().to_kernel, 0u);
}

TEST_F(Twin, NeverBlocks) {
  must_run("sysctl -qw net.ipv6.conf.twin0.disable_ipv6=1");
  std::array<std::uint8_t, 2048> buffer{};
  for (int i = 0; i < kMostFrames && twin_->read_frame(buffer); ++i) {
  }
  EXPECT_FALSE(twin_->read_frame(buffer));
}

TEST_F(Twin, RefusesAddressesThatAreNone) {
  const auto refusal = [this](std::string_view text, unsigned prefix_length) {
    const auto result = twin_->add_address(address(text), prefix_length);
    return result ? ErrorClass::timeout : result.error().error_class;
  };
  EXPECT_EQ(refusal("10.0.0.1", 33), ErrorClass::malformed);
  EXPECT_EQ(refusal("2001:db8::1", 129), ErrorClass::malformed);
  EXPECT_EQ(refusal("0.0.0.0", 24), ErrorClass::malformed);
  EXPECT_EQ(refusal("::", 64), ErrorClass::malformed);
  EXPECT_EQ(refusal("239.1.1.1", 24), ErrorClass::malformed);
  EXPECT_EQ(refusal("ff02::1", 64), ErrorClass::malformed);
  must_run("ip link delete twin0");
  EXPECT_EQ(refusal("10.0.0.1", 24), ErrorClass::internal);
}

TEST_F(Twin, RefusesNamesThatCannotBe) {
  EXPECT_THROW(TapTwin("", kTwinMac, 1500), std::runtime_error);
  EXPECT_THROW(TapTwin("sixteen-letters!", kTwinMac, 1500), std::runtime_error);
  EXPECT_THROW(TapTwin("lo", kTwinMac, 1500), std::runtime_error);
  EXPECT_THROW(TapTwin("twin0", kTwinMac, 1500), std::runtime_error);
  EXPECT_THROW(TapTwin("a/b", kTwinMac, 1500), std::runtime_error);
  EXPECT_THROW(TapTwin("twin1", MacAddress{1, 0, 0, 0, 0, 1}, 1500), std::runtime_error);  // a group address
  EXPECT_THROW(TapTwin("twin1", kTwinMac, 10), std::runtime_error);
}

TEST_F(Twin, VanishesWithItsOwner) {
  EXPECT_EQ(run("ip link show dev twin0"), 0);
  twin_.reset();
  EXPECT_NE(run("ip link show dev twin0"), 0);
}

}  // namespace

}  // namespace sallyport::test
