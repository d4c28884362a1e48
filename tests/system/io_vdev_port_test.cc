// SPDX-License-Identifier: GPL-3.0-or-later
// Ports on virtual DPDK devices: rings, capture files, and a TAP twin beside them.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include <gtest/gtest.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "dataplane/tap_twin.h"
#include "tests/system/io_frames.h"
#include "tests/system/io_sandbox.h"

namespace sallyport::test {

namespace {

using dataplane::Port;
using dataplane::PortConfig;

constexpr unsigned kRingSize = 64;

PortConfig vdev(const std::string& device) {
  PortConfig config;
  config.name = "core";
  config.attach = dataplane::Attach::vdev;
  config.device = device;
  return config;
}

dataplane::Eal& eal() {
  static dataplane::Eal instance([] {
    dataplane::RuntimeConfig config;
    config.ports = {vdev("net_ring0"), vdev("net_ring1")};
    config.worker_cores = {0};
    config.memory_mb = 128;
    config.file_prefix = "sallyport-io-vdev";
    return config;
  }());
  return instance;
}

Port open(const PortConfig& config, std::size_t workers = 1) {
  return dataplane::open_port(config, eal().packet_pool(), workers);
}

std::string refusal(const PortConfig& config, std::size_t workers = 1) {
  try {
    const Port port = open(config, workers);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "opened";
}

rte_mbuf* packet_of(const Octets& frame) {
  rte_mbuf* packet = rte_pktmbuf_alloc(&eal().packet_pool());
  if (packet == nullptr) throw std::runtime_error("no buffer");
  char* room = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size()));
  std::ranges::copy(frame, room);
  return packet;
}

Octets octets_of(rte_mbuf* packet) {
  const auto* data = rte_pktmbuf_mtod(packet, const std::uint8_t*);
  Octets frame(data, data + rte_pktmbuf_data_len(packet));
  rte_pktmbuf_free(packet);
  return frame;
}

TEST(VdevPort, LoopsFramesThroughARing) {
  const Port port = open(vdev("net_ring0"));
  EXPECT_EQ(port.info.driver, "net_ring");
  EXPECT_EQ(port.info.mtu, 1500);
  EXPECT_EQ(port.info.interface_index, 0u);
  EXPECT_TRUE(port.receive_descriptors.empty());
  const Octets frame = build_frame({});
  rte_mbuf* packet = packet_of(frame);
  ASSERT_EQ(rte_eth_tx_burst(port.dpdk_id, 0, &packet, 1), 1);
  ASSERT_EQ(rte_eth_rx_burst(port.dpdk_id, 0, &packet, 1), 1);
  EXPECT_EQ(octets_of(packet), frame);
  const auto counted = dataplane::statistics(port);
  EXPECT_EQ(counted.received, 1u);
  EXPECT_EQ(counted.sent, 1u);
  EXPECT_TRUE(counted.link_up);
}

TEST(VdevPort, GivesADeviceWithoutAnAddressOne) {
  const Port port = open(vdev("net_ring0"));
  EXPECT_NE(port.info.mac, MacAddress{});
  EXPECT_EQ(port.info.mac[0] & 0x03, 0x02);  // locally administered, one host
}

TEST(VdevPort, TakesTheConfiguredAddress) {
  PortConfig config = vdev("net_ring0");
  config.mac = MacAddress{2, 3, 4, 5, 6, 7};
  EXPECT_EQ(open(config).info.mac, *config.mac);
}

TEST(VdevPort, TakesADeviceThatWasThereBefore) {
  (void)eal();
  rte_ring* there = rte_ring_create("there", kRingSize, SOCKET_ID_ANY, 0);
  rte_ring* back = rte_ring_create("back", kRingSize, SOCKET_ID_ANY, 0);
  ASSERT_GE(rte_eth_from_rings("made_before", &there, 1, &back, 1, 0), 0);
  {
    const Port port = open(vdev("net_ring_made_before"));
    EXPECT_TRUE(port.plugged_device.empty());
    rte_mbuf* packet = packet_of(build_frame({}));
    ASSERT_EQ(rte_eth_tx_burst(port.dpdk_id, 0, &packet, 1), 1);
    void* taken = nullptr;
    ASSERT_EQ(rte_ring_dequeue(back, &taken), 0);
    EXPECT_EQ(octets_of(static_cast<rte_mbuf*>(taken)), build_frame({}));
  }
  rte_ring_free(there);
  rte_ring_free(back);
}

TEST(VdevPort, ReadsAndWritesCaptureFiles) {
  const std::string in = ::testing::TempDir() + "sallyport-in.pcap";
  const std::string out = ::testing::TempDir() + "sallyport-out.pcap";
  const Octets frame = build_frame({});
  pcap_t* capture = pcap_open_dead(DLT_EN10MB, 65535);
  pcap_dumper_t* dumper = pcap_dump_open(capture, in.c_str());
  ASSERT_NE(dumper, nullptr);
  pcap_pkthdr header{};
  header.caplen = header.len = static_cast<bpf_u_int32>(frame.size());
  pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frame.data());
  pcap_dump_close(dumper);
  pcap_close(capture);
  {
    const Port port = open(vdev("net_pcap0,rx_pcap=" + in + ",tx_pcap=" + out));
    EXPECT_EQ(port.info.driver, "net_pcap");
    rte_mbuf* packet = nullptr;
    ASSERT_EQ(rte_eth_rx_burst(port.dpdk_id, 0, &packet, 1), 1);
    EXPECT_EQ(octets_of(packet), frame);
    packet = packet_of(frame);
    ASSERT_EQ(rte_eth_tx_burst(port.dpdk_id, 0, &packet, 1), 1);
  }
  std::ifstream written(out, std::ios::binary);
  const Octets octets(std::istreambuf_iterator<char>(written), {});
  EXPECT_NE(std::search(octets.begin(), octets.end(), frame.begin(), frame.end()), octets.end());
  (void)std::remove(in.c_str());
  (void)std::remove(out.c_str());
}

TEST(VdevPort, ClosingMakesTheNameFreeAgain) {
  {
    const Port port = open(vdev("net_ring0"));
    EXPECT_EQ(rte_eth_dev_count_total(), 1);
  }
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
  EXPECT_EQ(open(vdev("net_ring0")).info.driver, "net_ring");
}

TEST(VdevPort, RefusesTheSameDeviceTwice) {
  const Port port = open(vdev("net_ring0"));
  EXPECT_EQ(refusal(vdev("net_ring0")), "port 'core': device 'net_ring0' serves another port already");
  rte_mbuf* packet = packet_of(build_frame({}));
  EXPECT_EQ(rte_eth_tx_burst(port.dpdk_id, 0, &packet, 1), 1);  // the first still works
  EXPECT_EQ(rte_eth_rx_burst(port.dpdk_id, 0, &packet, 1), 1);
  rte_pktmbuf_free(packet);
}

TEST(VdevPort, RefusesDevicesThatDoNotExist) {
  EXPECT_EQ(refusal(vdev("")).rfind("port 'core': ", 0), 0u);
  const std::string unknown = refusal(vdev("net_bogus0"));
  EXPECT_NE(unknown.find("DPDK cannot open device 'net_bogus0'"), std::string::npos) << unknown;
  const std::string no_file = refusal(vdev("net_pcap0,rx_pcap=/nonexistent/file.pcap"));
  EXPECT_NE(no_file.find("DPDK cannot open device 'net_pcap0'"), std::string::npos) << no_file;
  EXPECT_NE(no_file.find("No such file"), std::string::npos) << no_file;
  EXPECT_EQ(
      refusal(vdev("0000:7f:1f.7")),
      "port 'core': PCI device '0000:7f:1f.7' is not there, or not bound to a driver that DPDK can use");
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
}

TEST(VdevPort, RefusesMoreQueuesOrWorkersThanTheDeviceHas) {
  PortConfig config = vdev("net_ring0");
  config.queues = 17;
  EXPECT_EQ(refusal(config), "port 'core': the device has 16 receive queue(s), fewer than queues = 17");
  config.queues = 0;
  EXPECT_EQ(refusal(config), "port 'core': queues = 0: a port needs at least one");
  config.queues = 1;
  EXPECT_EQ(refusal(config, 17),
            "port 'core': the device has 16 transmit queue(s), fewer than the 17 workers");
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
}

TEST(VdevPort, HasATwinWithItsAddress) {
  const std::string reason = why_no_sandbox();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const Namespace ours;
  const Inside inside(ours);
  PortConfig config = vdev("net_ring0");
  config.twin = "twin0";
  config.mac = MacAddress{2, 3, 4, 5, 6, 7};
  {
    const Port port = open(config);
    ASSERT_NE(port.twin, nullptr);
    EXPECT_EQ(port.info.interface_index, if_nametoindex("twin0"));
    EXPECT_EQ(run("ip link show dev twin0 up"), 0);
  }
  EXPECT_EQ(if_nametoindex("twin0"), 0u);
}

TEST(VdevPort, RefusesATwinWhoseNameIsTaken) {
  const std::string reason = why_no_sandbox();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const Namespace ours;
  const Inside inside(ours);
  PortConfig config = vdev("net_ring0");
  config.twin = "lo";
  EXPECT_EQ(refusal(config), "port 'core': TAP twin 'lo': an interface of this name exists already");
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
}

TEST(Eal, StartsOnlyOnceAProcess) {
  (void)eal();
  dataplane::RuntimeConfig config;
  config.worker_cores = {0};
  EXPECT_THROW(dataplane::Eal second(config), std::runtime_error);
}

}  // namespace

}  // namespace sallyport::test
