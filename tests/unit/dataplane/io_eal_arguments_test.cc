// SPDX-License-Identifier: GPL-3.0-or-later
// What EAL and the AF_XDP driver are told.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/eal_arguments.h"
#include "dataplane/packet_pool.h"
#include "dataplane/xdp_port.h"

namespace sallyport::dataplane {

namespace {

constexpr std::uint64_t kMebibyte = 1024 * 1024;

RuntimeConfig two_workers() {
  RuntimeConfig config;
  config.worker_cores = {1, 3};
  config.file_prefix = "door";
  config.memory_mb = 64;
  return config;
}

MachineFacts four_cpus(std::uint64_t free_huge_mb = 0) {
  return {{0, 1, 2, 3}, free_huge_mb * kMebibyte};
}

std::string joined(const Result<EalArguments>& result) {
  std::string line;
  for (const std::string& argument : result.value().arguments) line += argument + ' ';
  return line;
}

bool has(const Result<EalArguments>& result, std::string_view argument) {
  return std::ranges::find(result.value().arguments, argument) != result.value().arguments.end();
}

TEST(EalArguments, WithoutHugePages) {
  EXPECT_EQ(joined(eal_arguments(two_workers(), four_cpus())),
            "sallyport --file-prefix door --lcores 0@(0,1,2,3),1@1,2@3 --iova-mode=va --no-telemetry "
            "--log-level=*:warning -m 64 --no-huge --no-shconf --no-pci ");
}

TEST(EalArguments, TakesHugePagesWhenEnoughAreFree) {
  const auto enough = eal_arguments(two_workers(), four_cpus(64));
  EXPECT_TRUE(enough->huge_pages);
  EXPECT_TRUE(has(enough, "--in-memory"));
  EXPECT_FALSE(has(enough, "--no-huge"));
  EXPECT_FALSE(has(enough, "--no-shconf"));
  const auto too_few = eal_arguments(two_workers(), four_cpus(63));
  EXPECT_FALSE(too_few->huge_pages);
  EXPECT_TRUE(has(too_few, "--no-huge"));
  EXPECT_FALSE(has(too_few, "--in-memory"));
}

TEST(EalArguments, LeavesHugePagesAloneWhenTold) {
  RuntimeConfig config = two_workers();
  config.huge_pages = HugePages::off;
  EXPECT_FALSE(eal_arguments(config, four_cpus(4096))->huge_pages);
}

TEST(EalArguments, RefusesHugePagesThatAreNotThere) {
  RuntimeConfig config = two_workers();
  config.huge_pages = HugePages::on;
  const auto result = eal_arguments(config, four_cpus(10));
  ASSERT_FALSE(result);
  EXPECT_EQ(
      result.error().text,
      "huge pages are demanded, but only 10 of 64 MB are free; raise vm.nr_hugepages or lower memory_mb");
}

TEST(EalArguments, AllowsOnlyTheConfiguredPciDevices) {
  RuntimeConfig config = two_workers();
  config.ports.resize(3);
  config.ports[0].device = "eth0";
  config.ports[1].attach = Attach::vdev;
  config.ports[1].device = "0000:03:00.0,queues=4";
  config.ports[2].attach = Attach::vdev;
  config.ports[2].device = "net_ring0";
  const auto result = eal_arguments(config, four_cpus());
  EXPECT_FALSE(has(result, "--no-pci"));
  EXPECT_NE(joined(result).find(" -a 0000:03:00.0,queues=4 "), std::string::npos);
  EXPECT_EQ(std::ranges::count(result->arguments, "-a"), 1);
}

TEST(EalArguments, AppendsTheUsersArgumentsLast) {
  RuntimeConfig config = two_workers();
  config.eal_arguments = {"--log-level=lib.eal:debug", "-n", "4"};
  const std::string line = joined(eal_arguments(config, four_cpus()));
  EXPECT_TRUE(line.ends_with(" --log-level=lib.eal:debug -n 4 ")) << line;
}

TEST(EalArguments, RefusesImpossibleWorkers) {
  RuntimeConfig config = two_workers();
  config.worker_cores = {};
  EXPECT_EQ(eal_arguments(config, four_cpus()).error().error_class, ErrorClass::refused);
  config.worker_cores = {1, 4};
  EXPECT_EQ(eal_arguments(config, four_cpus()).error().text,
            "worker core 4 is not among the CPUs this process may use (0,1,2,3)");
  config.worker_cores.assign(kMaxWorkers + 1, 1);
  EXPECT_EQ(eal_arguments(config, four_cpus()).error().text, "at most 64 workers are possible, not 65");
  EXPECT_FALSE(eal_arguments(two_workers(), MachineFacts{}));
}

TEST(FreeHugePages, ReadsMeminfo) {
  EXPECT_EQ(free_huge_page_bytes("HugePages_Total:   8\nHugePages_Free:     6\nHugepagesize:    2048 kB\n"),
            12 * kMebibyte);
  EXPECT_EQ(free_huge_page_bytes(""), 0u);
  EXPECT_EQ(free_huge_page_bytes("HugePages_Free:"), 0u);
  EXPECT_EQ(free_huge_page_bytes("HugePages_Free:   \nHugepagesize: 2048 kB"), 0u);
  EXPECT_EQ(free_huge_page_bytes("HugePages_Free: 3\n"), 0u);
  EXPECT_EQ(free_huge_page_bytes("HugePages_Free: -3\nHugepagesize: 2048 kB"), 0u);
  EXPECT_EQ(free_huge_page_bytes("HugePages_Free: many\nHugepagesize: 2048 kB"), 0u);
}

TEST(PciDevice, IsToldFromVirtualOnes) {
  for (const char* device : {"0000:03:00.0", "03:00.0", "0000:af:1f.7,arg=1", "10000:01:00.0"})
    EXPECT_TRUE(is_pci_device(device)) << device;
  for (const char* device :
       {"", "net_ring0", "net_pcap0,rx_pcap=/tmp/03:00.0", "03:00", "3:00.0", "0000:03:00.", "0000:03:00.10",
        ":03:00.0", "000:03:00.0", "zz:00.0", "0000:03:0g.0", "0000::03:00.0", "a:b:03:00.0"})
    EXPECT_FALSE(is_pci_device(device)) << device;
}

TEST(PacketBuffers, SufficeForAllQueues) {
  RuntimeConfig config = two_workers();
  const unsigned bare = packet_buffer_count(config);
  config.ports.resize(1);
  config.ports[0].queues = 2;
  const unsigned shared = packet_buffer_count(config);
  EXPECT_GE(shared - bare, 2u * 2 * kXdpRingSize);  // both directions full
  config.ports[0].attach = Attach::vdev;
  EXPECT_GE(packet_buffer_count(config) - bare, (2u + 2u) * kDeviceRingSize);
}

TEST(PacketBuffers, OfZeroCopyFillAPage) {
  EXPECT_EQ(packet_buffer_bytes(BufferLayout::page_each), 4096u);
  EXPECT_LT(packet_buffer_bytes(BufferLayout::packed), 2560u);
}

TEST(XdpDevice, IsToldItsInterfaceQueuesAndProgram) {
  PortConfig config;
  config.device = "eth1";
  config.queues = 4;
  EXPECT_EQ(xdp_device_name("eth1"), "net_af_xdp_eth1");
  EXPECT_EQ(xdp_device_arguments(config, "/proc/self/fd/9"),
            "iface=eth1,start_queue=0,queue_count=4,xdp_prog=/proc/self/fd/9,force_copy=1,busy_budget=0");
  config.zero_copy = true;
  EXPECT_EQ(xdp_device_arguments(config, "/proc/self/fd/9"),
            "iface=eth1,start_queue=0,queue_count=4,xdp_prog=/proc/self/fd/9");
}

TEST(XdpDevice, LeavesRoomForAFullFrame) {
  EXPECT_GE(largest_xdp_mtu(2048 + 128), 1500 + 200);
}

}  // namespace

}  // namespace sallyport::dataplane
