// SPDX-License-Identifier: GPL-3.0-or-later
// A shared port with two queues, on a multi-queue TAP whose queues the test feeds one by one. (A veth with
// several queues does not do: DPDK's AF_XDP driver counts combined channels only, and veth reports none.)
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "dataplane/steering.h"
#include "tests/system/io_frames.h"
#include "tests/system/io_sandbox.h"

namespace sallyport::test {

namespace {

using dataplane::FileDescriptor;
using dataplane::Port;

constexpr int kMostFrames = 100;
constexpr std::uint16_t kQueues = 2;

dataplane::PortConfig two_queues() {
  dataplane::PortConfig config;
  config.name = "access";
  config.device = "media0";
  config.queues = kQueues;
  return config;
}

FileDescriptor open_queue() {
  FileDescriptor queue(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ifreq request{};
  std::strcpy(request.ifr_name, "media0");
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE;
  if (!queue.is_open() || ioctl(queue.get(), TUNSETIFF, &request) != 0)
    throw std::runtime_error(std::string("no TAP queue: ") + std::strerror(errno));
  return queue;
}

/// The payload of the next packet of a receive queue, and the queue that had it; nothing within five seconds.
std::optional<std::pair<std::uint16_t, Octets>> receive(const Port& port) {
  pollfd waiting[kQueues];
  for (std::size_t queue = 0; queue < kQueues; ++queue)
    waiting[queue] = {port.receive_descriptors.at(queue), POLLIN, 0};
  if (poll(waiting, kQueues, kPatienceMs) < 1) return std::nullopt;
  for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
    rte_mbuf* packet = nullptr;
    if (rte_eth_rx_burst(port.dpdk_id, queue, &packet, 1) != 1) continue;
    const auto* data = rte_pktmbuf_mtod(packet, const std::uint8_t*);
    Octets frame(data, data + rte_pktmbuf_data_len(packet));
    rte_pktmbuf_free(packet);
    return std::pair(queue, frame);
  }
  return std::nullopt;
}

/// Whether a frame with `text` comes out of one of the TAP's queues within five seconds.
bool comes_out(std::span<const FileDescriptor> queues, std::string_view text) {
  for (int i = 0; i < kMostFrames; ++i) {
    pollfd waiting[kQueues];
    for (std::size_t queue = 0; queue < kQueues; ++queue) waiting[queue] = {queues[queue].get(), POLLIN, 0};
    if (poll(waiting, kQueues, kPatienceMs) < 1) return false;
    for (const FileDescriptor& queue : queues) {
      Octets frame(2048);
      const ssize_t length = read(queue.get(), frame.data(), frame.size());
      if (length <= 0) continue;
      frame.resize(static_cast<std::size_t>(length));
      if (contains(frame, text)) return true;
    }
  }
  return false;
}

TEST(MultiQueue, ServesEveryQueue) {
  const std::string reason = why_no_sandbox();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const Namespace ours;
  const Inside inside(ours);
  const FileDescriptor queues[] = {open_queue(), open_queue()};
  must_run("ip address add 10.0.0.1/24 dev media0");
  must_run("ip link set media0 up");
  dataplane::RuntimeConfig runtime;
  runtime.ports = {two_queues()};
  runtime.worker_cores = {0, 0};
  runtime.memory_mb = 128;
  runtime.file_prefix = "sallyport-io-queues";
  const dataplane::Eal eal(runtime);
  const Port port = dataplane::open_port(two_queues(), eal.packet_pool(), runtime.worker_cores.size());
  ASSERT_EQ(port.receive_descriptors.size(), std::size_t{kQueues});
  dataplane::MediaAddress media;
  media.address = address("10.0.0.1");
  ASSERT_TRUE(port.steering->allow(media));

  for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
    const Octets frame = build_frame({});
    ASSERT_EQ(write(queues[queue].get(), frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
    const auto received = receive(port);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->first, queue);
    EXPECT_EQ(received->second, frame);
  }
  EXPECT_EQ(port.steering->counters().steered, 2u);
  EXPECT_EQ(port.steering->counters().unserved, 0u);

  for (std::uint16_t queue = 0; queue < kQueues; ++queue) {
    FrameSpec spec;
    const std::string text = "out of queue " + std::to_string(queue);
    spec.payload = text;
    const Octets frame = build_frame(spec);
    rte_mbuf* packet = rte_pktmbuf_alloc(&eal.packet_pool());
    ASSERT_NE(packet, nullptr);
    std::copy(frame.begin(), frame.end(),
              rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())));
    ASSERT_EQ(rte_eth_tx_burst(port.dpdk_id, queue, &packet, 1), 1);
    EXPECT_TRUE(comes_out(queues, text)) << text;
  }
}

}  // namespace

}  // namespace sallyport::test
