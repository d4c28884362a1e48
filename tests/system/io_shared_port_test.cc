// SPDX-License-Identifier: GPL-3.0-or-later
// A shared port on a veth: what the steering program gives to DPDK, what it leaves to the kernel, what it
// drops.
#include <memory>
#include <optional>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/eal.h"
#include "dataplane/eal_arguments.h"
#include "dataplane/kernel_interface.h"
#include "dataplane/packet_pool.h"
#include "dataplane/port.h"
#include "dataplane/steering.h"
#include "tests/system/io_frames.h"
#include "tests/system/io_sandbox.h"

namespace sallyport::test {

namespace {

using dataplane::MediaAddress;
using dataplane::Port;
using dataplane::PortConfig;
using dataplane::Steering;

constexpr std::uint16_t kBurst = 32;
constexpr unsigned kPoolSize = 8192;
constexpr auto kMediaMac = "02:00:00:00:00:01";
constexpr auto kWireMac = "02:00:00:00:00:02";

PortConfig shared_port() {
  PortConfig config;
  config.name = "access";
  config.device = "media0";
  return config;
}

dataplane::RuntimeConfig runtime_config() {
  dataplane::RuntimeConfig config;
  config.ports = {shared_port(), shared_port()};
  config.worker_cores = {0};
  config.memory_mb = 128;
  config.huge_pages = dataplane::HugePages::off;
  config.file_prefix = "sallyport-io-shared";
  return config;
}

/// EAL starts once a process.
dataplane::Eal& eal() {
  static dataplane::Eal instance(runtime_config());
  return instance;
}

/// A test has a pool of its own: DPDK's AF_XDP driver does not return what lies in its fill ring when it
/// closes.
rte_mempool* make_pool() {
  (void)eal();
  rte_mempool* pool = dataplane::make_packet_pool("test", kPoolSize, dataplane::BufferLayout::packed);
  if (pool == nullptr) throw std::runtime_error("no memory for a pool");
  return pool;
}

MediaAddress media(std::string_view text, std::uint16_t vlan = 0) {
  MediaAddress result;
  result.address = address(text);
  result.vlan = vlan;
  result.first_udp_port = 30000;
  result.last_udp_port = 30099;
  return result;
}

class SharedPort : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_sandbox();
    if (!reason.empty()) GTEST_SKIP() << reason;
    ours_.emplace();
    theirs_.emplace();
    inside_.emplace(*ours_);
    must_run("ip link add media0 address " + std::string(kMediaMac) + " type veth peer name wire0 address " +
             kWireMac);
    must_run("ip link set wire0 netns " + theirs_->path());
    must_run("ip address add 10.0.0.1/24 dev media0");
    must_run("ip address add 2001:db8::1/64 dev media0 nodad");
    must_run("ip link set media0 up");
    const Inside there(*theirs_);
    must_run("ip address add 10.0.0.2/24 dev wire0");
    must_run("ip address add 2001:db8::2/64 dev wire0 nodad");
    must_run("ip link set wire0 up");
    wire_.emplace("wire0");
    wait_until_running("wire0");
    const Inside here(*ours_);
    wait_until_running("media0");
    pool_ = make_pool();
  }
  void TearDown() override {
    port_.reset();
    rte_mempool_free(pool_);
  }

  void open() { port_.emplace(dataplane::open_port(shared_port(), *pool_, 1)); }
  [[nodiscard]] Steering& steering() { return *port_->steering; }

  /// The next packet that DPDK receives, the caller's to free; null: none within five seconds.
  [[nodiscard]] rte_mbuf* receive_packet() {
    pollfd waiting{port_->receive_descriptors.at(0), POLLIN, 0};
    if (poll(&waiting, 1, kPatienceMs) != 1) return nullptr;
    rte_mbuf* packet = nullptr;
    return rte_eth_rx_burst(port_->dpdk_id, 0, &packet, 1) == 1 ? packet : nullptr;
  }
  /// Its octets; nothing within five seconds.
  [[nodiscard]] std::optional<Octets> receive() {
    rte_mbuf* packet = receive_packet();
    if (packet == nullptr) return std::nullopt;
    const auto* data = rte_pktmbuf_mtod(packet, const std::uint8_t*);
    Octets frame(data, data + rte_pktmbuf_data_len(packet));
    rte_pktmbuf_free(packet);
    return frame;
  }

  /// Sends `frame`, then one that is media for certain. Whether the first comes before the second tells
  /// whether it was steered, without waiting for something that must not happen.
  [[nodiscard]] bool is_steered(const FrameSpec& spec) {
    FrameSpec marker;
    marker.payload = "marker";
    const Octets frame = build_frame(spec);
    wire_->send(frame);
    wire_->send(build_frame(marker));
    const auto first = receive();
    EXPECT_TRUE(first);
    if (!first || contains(*first, "marker")) return false;
    EXPECT_EQ(*first, frame);
    const auto second = receive();
    EXPECT_TRUE(second && contains(*second, "marker"));
    return true;
  }

  std::optional<Namespace> ours_;
  std::optional<Namespace> theirs_;
  std::optional<Inside> inside_;
  std::optional<Wire> wire_;
  rte_mempool* pool_ = nullptr;
  std::optional<Port> port_;
};

TEST_F(SharedPort, DescribesTheInterface) {
  open();
  EXPECT_EQ(port_->info.driver, "net_af_xdp");
  EXPECT_EQ(port_->info.interface_index, if_nametoindex("media0"));
  EXPECT_EQ(to_string(port_->info.mac), kMediaMac);
  EXPECT_EQ(port_->info.mtu, 1500);
  EXPECT_EQ(port_->receive_descriptors.size(), 1u);
  EXPECT_TRUE(dataplane::statistics(*port_).link_up);
}

TEST_F(SharedPort, GivesTheKernelEverythingUntilAnAddressIsAllowed) {
  open();
  const auto socket = udp_socket(endpoint("10.0.0.1:30000"));
  {
    const Inside there(*theirs_);
    send_datagram(udp_socket(endpoint("10.0.0.2:40000")), endpoint("10.0.0.1:30000"), "early");
  }
  EXPECT_EQ(receive_datagram(socket), "early");
  EXPECT_EQ(steering().counters().steered, 0u);
}

TEST_F(SharedPort, SteersMediaAndNothingElse) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  const auto spec = [](auto change) {
    FrameSpec frame;
    change(frame);
    return frame;
  };
  EXPECT_TRUE(is_steered(FrameSpec{}));
  EXPECT_TRUE(is_steered(spec([](FrameSpec& f) { f.destination_port = 30099; })));
  EXPECT_TRUE(is_steered(spec([](FrameSpec& f) { f.option_words = 1; })));
  EXPECT_TRUE(is_steered(spec([](FrameSpec& f) { f.option_words = 10; })));
  EXPECT_TRUE(is_steered(spec([](FrameSpec& f) { f.payload = ""; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.destination_port = 29999; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.destination_port = 30100; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.destination = "10.0.0.3"; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) {
    f.destination = "2001:db8::1";
    f.source = "2001:db8::2";
  })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.protocol = 6; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.fragment_field = 0x2000; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.fragment_field = 0x0001; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.vlan = 7; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.cut_to = 14 + 20 + 7; })));
  EXPECT_FALSE(is_steered(spec([](FrameSpec& f) { f.cut_to = 14 + 19; })));
}

TEST_F(SharedPort, SteersIpv6) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  ASSERT_TRUE(steering().allow(media("2001:db8::1")));
  FrameSpec frame;
  frame.source = "2001:db8::2";
  frame.destination = "2001:db8::1";
  EXPECT_TRUE(is_steered(frame));
  frame.destination_port = 31000;
  EXPECT_FALSE(is_steered(frame));
  frame.destination_port = 30000;
  frame.hop_by_hop = true;
  EXPECT_FALSE(is_steered(frame));
  frame.hop_by_hop = false;
  frame.cut_to = 14 + 40 + 7;
  EXPECT_FALSE(is_steered(frame));
  frame.cut_to = 14 + 39;
  EXPECT_FALSE(is_steered(frame));
}

TEST_F(SharedPort, TellsVlansApart) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  EXPECT_TRUE(dataplane::strips_vlan_tags("media0"));  // as veths do unless told
  ASSERT_TRUE(steering().allow(media("10.1.0.1", 100)));
  EXPECT_FALSE(dataplane::strips_vlan_tags("media0"));
  FrameSpec frame;
  frame.destination = "10.1.0.1";
  EXPECT_FALSE(is_steered(frame));
  frame.vlan = 101;
  EXPECT_FALSE(is_steered(frame));
  frame.vlan = 100;
  EXPECT_TRUE(is_steered(frame));
  frame.vlan = 0xa000 | 100;  // priority bits do not matter
  EXPECT_TRUE(is_steered(frame));
  frame.cut_to = 14 + 3;
  EXPECT_FALSE(is_steered(frame));
}

TEST_F(SharedPort, LeavesPingAndOtherPortsToTheKernel) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  ASSERT_TRUE(steering().allow(media("2001:db8::1")));
  const auto socket = udp_socket(endpoint("10.0.0.1:5060"));
  const Inside there(*theirs_);
  EXPECT_EQ(run("ping -c 1 -W 5 10.0.0.1"), 0);
  EXPECT_EQ(run("ping -c 1 -W 5 2001:db8::1"), 0);
  send_datagram(udp_socket(endpoint("10.0.0.2:40000")), endpoint("10.0.0.1:5060"), "signalling");
  EXPECT_EQ(receive_datagram(socket), "signalling");
}

TEST_F(SharedPort, TakesMediaThatTheKernelOfThePeerSends) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  {
    const Inside there(*theirs_);
    send_datagram(udp_socket(endpoint("10.0.0.2:40000")), endpoint("10.0.0.1:30002"), "from a socket");
  }
  const auto frame = receive();
  ASSERT_TRUE(frame);
  EXPECT_TRUE(contains(*frame, "from a socket"));
}

TEST_F(SharedPort, DropsBannedHostsUntilTheBanIsLifted) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  ASSERT_TRUE(steering().allow(media("2001:db8::1")));
  ASSERT_TRUE(steering().ban(address("10.0.0.66")));
  ASSERT_TRUE(steering().ban(address("2001:db8::66")));
  FrameSpec four;
  four.source = "10.0.0.66";
  EXPECT_FALSE(is_steered(four));
  FrameSpec six;
  six.source = "2001:db8::66";
  six.destination = "2001:db8::1";
  EXPECT_FALSE(is_steered(six));
  EXPECT_EQ(steering().counters().banned, 2u);
  ASSERT_TRUE(steering().unban(address("10.0.0.66")));
  EXPECT_TRUE(is_steered(four));
  EXPECT_FALSE(is_steered(six));
  EXPECT_EQ(steering().unban(address("10.0.0.66")).error().error_class, ErrorClass::not_found);
}

TEST_F(SharedPort, ABanReachesTheKernelsTrafficToo) {
  open();
  ASSERT_TRUE(steering().ban(address("10.0.0.2")));
  const Inside there(*theirs_);
  EXPECT_NE(run("ping -c 1 -W 1 10.0.0.1"), 0);
  EXPECT_EQ(run("ping -c 1 -W 5 2001:db8::1"), 0);
}

TEST_F(SharedPort, CountsWhatItDoes) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  const auto before = dataplane::statistics(*port_);
  EXPECT_TRUE(is_steered(FrameSpec{}));
  const auto after = dataplane::statistics(*port_);
  EXPECT_EQ(steering().counters().steered, 2u);
  EXPECT_EQ(after.received - before.received, 2u);
  EXPECT_EQ(after.no_buffer, 0u);
  EXPECT_EQ(after.missed, 0u);
}

TEST_F(SharedPort, CountsWhatFindsNoBuffer) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  std::vector<rte_mbuf*> held;
  while (rte_mbuf* packet = rte_pktmbuf_alloc(pool_)) held.push_back(packet);
  wire_->send(build_frame({}));
  EXPECT_FALSE(receive());
  EXPECT_GE(dataplane::statistics(*port_).no_buffer, 1u);
  rte_pktmbuf_free_bulk(held.data(), static_cast<unsigned>(held.size()));
  EXPECT_TRUE(receive());  // it waited
}

TEST_F(SharedPort, CountsWhatFindsTheQueueFull) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  const Octets frame = build_frame({});
  for (unsigned i = 0; i < 2 * dataplane::kXdpRingSize; ++i) wire_->send(frame);
  EXPECT_TRUE(receive());
  EXPECT_GT(dataplane::statistics(*port_).missed, 0u);
}

TEST_F(SharedPort, ReceivesIntoEveryBufferOfThePool) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  const Octets frame = build_frame({});
  std::vector<rte_mbuf*> held;  // so that no buffer serves twice
  for (unsigned i = 0; i < kPoolSize - dataplane::kXdpRingSize - kBurst; ++i) {
    wire_->send(frame);
    rte_mbuf* packet = receive_packet();
    ASSERT_NE(packet, nullptr) << "after " << i << " packets";
    held.push_back(packet);
  }
  for (unsigned i = 0; i < dataplane::kXdpRingSize; ++i) {  // those in the fill ring
    rte_pktmbuf_free(held.at(i));
    wire_->send(frame);
    held.at(i) = receive_packet();
    ASSERT_NE(held.at(i), nullptr) << "buffer " << i << " of the fill ring";
  }
  rte_pktmbuf_free_bulk(held.data(), static_cast<unsigned>(held.size()));
  EXPECT_EQ(dataplane::statistics(*port_).missed, 0u);
}

TEST_F(SharedPort, RefusesAnEmptyPortRange) {
  open();
  MediaAddress address = media("10.0.0.1");
  std::swap(address.first_udp_port, address.last_udp_port);
  EXPECT_EQ(steering().allow(address).error().error_class, ErrorClass::malformed);
  address.first_udp_port = 0;
  EXPECT_EQ(steering().allow(address).error().error_class, ErrorClass::malformed);
}

TEST_F(SharedPort, RefusesMoreAddressesThanItCanKeep) {
  open();
  const auto nth = [](unsigned n) {
    MediaAddress address = media("10.0.0.1");
    address.vlan = static_cast<std::uint16_t>(n);
    return address;
  };
  for (unsigned n = 0; n < dataplane::kMaxMediaAddresses; ++n) ASSERT_TRUE(steering().allow(nth(n)));
  EXPECT_TRUE(steering().allow(nth(0)));  // known already: replaced
  EXPECT_EQ(steering().allow(nth(dataplane::kMaxMediaAddresses)).error().error_class, ErrorClass::exhausted);
}

TEST_F(SharedPort, Sends) {
  open();
  rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
  ASSERT_NE(packet, nullptr);
  FrameSpec spec;
  spec.destination_mac = {2, 0, 0, 0, 0, 2};
  spec.payload = "outgoing";
  const Octets frame = build_frame(spec);
  char* room = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size()));
  ASSERT_NE(room, nullptr);
  std::copy(frame.begin(), frame.end(), room);
  ASSERT_EQ(rte_eth_tx_burst(port_->dpdk_id, 0, &packet, 1), 1);
  const auto arrived = wire_->receive("outgoing");
  ASSERT_TRUE(arrived);
  EXPECT_EQ(*arrived, frame);
  EXPECT_EQ(dataplane::statistics(*port_).sent, 1u);
}

TEST_F(SharedPort, ClosingDetachesTheProgram) {
  open();
  const unsigned index = port_->info.interface_index;
  EXPECT_NE(dataplane::attached_program(index), 0u);
  port_.reset();
  EXPECT_EQ(dataplane::attached_program(index), 0u);
  const auto free_again = dataplane::claim_interface("media0");
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
}

TEST_F(SharedPort, MovesWithoutClosing) {
  open();
  Port taken = std::move(*port_);
  port_.reset();
  EXPECT_NE(dataplane::attached_program(taken.info.interface_index), 0u);
  port_.emplace(std::move(taken));
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  EXPECT_TRUE(is_steered(FrameSpec{}));
}

TEST_F(SharedPort, OutlivesItsInterface) {
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  EXPECT_TRUE(is_steered(FrameSpec{}));
  must_run("ip link delete media0");
  EXPECT_FALSE(dataplane::statistics(*port_).link_up);
  rte_mbuf* burst[kBurst];
  EXPECT_EQ(rte_eth_rx_burst(port_->dpdk_id, 0, burst, kBurst), 0);
  EXPECT_EQ(dataplane::statistics(*port_).received, 2u);
}

/// What open_port says when it refuses.
std::string refusal(const PortConfig& config, std::size_t workers = 1) {
  try {
    (void)dataplane::open_port(config, eal().packet_pool(), workers);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "opened";
}

TEST_F(SharedPort, RefusesAnInterfaceThatIsNotThere) {
  PortConfig config = shared_port();
  config.device = "nowhere0";
  EXPECT_EQ(refusal(config), "port 'access': there is no interface 'nowhere0'");
  config.device = "";
  EXPECT_EQ(refusal(config), "port 'access': there is no interface ''");
  config.device = "a-name-that-is-too-long";
  EXPECT_EQ(refusal(config), "port 'access': there is no interface 'a-name-that-is-too-long'");
}

TEST_F(SharedPort, RefusesMoreQueuesThanTheInterfaceHas) {
  PortConfig config = shared_port();
  config.queues = 3;
  EXPECT_EQ(refusal(config), "port 'access': interface 'media0' has 1 queue pair(s), fewer than queues = 3");
}

TEST_F(SharedPort, RefusesMoreWorkersThanQueues) {
  EXPECT_EQ(refusal(shared_port(), 2),
            "port 'access': an AF_XDP port needs a queue for each of the 2 workers, but queues = 1");
}

TEST_F(SharedPort, RefusesAnInterfaceTwice) {
  open();
  EXPECT_EQ(refusal(shared_port()),
            "port 'access': interface 'media0' already serves a port of a running sallyportd");
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  EXPECT_TRUE(is_steered(FrameSpec{}));  // the first is unharmed
}

/// Attaches a program that passes everything; its name is `name`.
void attach_foreign_program(const char* name) {
  const bpf_insn pass_all[] = {
      {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
  const dataplane::FileDescriptor program(
      bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", pass_all, std::size(pass_all), nullptr));
  ASSERT_TRUE(program.is_open());
  ASSERT_EQ(bpf_xdp_attach(static_cast<int>(if_nametoindex("media0")), program.get(), 0, nullptr), 0);
}

TEST_F(SharedPort, LeavesAForeignProgramAlone) {
  attach_foreign_program("somebody_elses");
  const std::string text = refusal(shared_port());
  EXPECT_NE(text.find("interface 'media0' already runs XDP program"), std::string::npos) << text;
  EXPECT_NE(dataplane::attached_program(if_nametoindex("media0")), 0u);
  EXPECT_THROW((void)Steering::open(if_nametoindex("media0")), std::runtime_error);
}

TEST_F(SharedPort, ReplacesAProgramThatAKilledProcessLeft) {
  attach_foreign_program("steer_media");
  open();
  ASSERT_TRUE(steering().allow(media("10.0.0.1")));
  EXPECT_TRUE(is_steered(FrameSpec{}));
}

TEST_F(SharedPort, KeepsThePromiscuityAnAdministratorChose) {
  must_run("ip link set media0 promisc on");
  open();
  EXPECT_EQ(rte_eth_promiscuous_get(port_->dpdk_id), 1);
}

TEST_F(SharedPort, SteeringWantsAProgram) {
  EXPECT_THROW((void)Steering::open(if_nametoindex("media0")), std::runtime_error);
  EXPECT_THROW((void)Steering::open(0), std::runtime_error);
}

}  // namespace

}  // namespace sallyport::test
