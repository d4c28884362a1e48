// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration: what a file means, and one line with file, line, column and key for everything that is
// wrong.
#include "control/config/config.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::control {
namespace config_test {

constexpr std::string_view kMinimal = R"([media.side.access]
device = "eth0"
addresses = ["192.0.2.1"]
)";

std::vector<std::string> errors_of(std::string_view text) {
  const auto config = parse_config(text, "t.toml");
  std::vector<std::string> lines;
  if (config) return lines;
  for (const ConfigError& error : config.error()) lines.push_back(error.to_string());
  return lines;
}

TEST(Config, MinimalFileHasDefaults) {
  const auto config = parse_config(kMinimal, "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->daemon.admin_socket, "/run/sallyport/admin.sock");
  EXPECT_EQ(config->daemon.admin_mode, 0660U);
  EXPECT_EQ(config->limits[Limit::relays], 50000U);
  EXPECT_EQ(config->media.timeout_s, 60U);
  EXPECT_EQ(config->runtime.worker_cores, std::vector<unsigned>{1});
  EXPECT_FALSE(config->debug.allow_decrypted_capture);
  ASSERT_EQ(config->sides.size(), 1U);
  ASSERT_EQ(config->runtime.addresses.size(), 1U);
  EXPECT_EQ(config->runtime.addresses[0].first_udp_port, 30000);
  EXPECT_EQ(config->runtime.addresses[0].last_udp_port, 39999);
  EXPECT_EQ(config->sides[0].dscp, 46);
}

TEST(Config, WholeFileIsRead) {
  const auto config = parse_config(R"(
[daemon]
user = "media"
admin_socket = "/tmp/a.sock"
admin_group = "adm"
admin_mode = "0600"
[log]
level = "debug"
[limits]
relays = 10
admin_line_bytes = 4096
[media]
workers = [2, 3]
poll = "busy"
engine = "libsrtp2"
huge_pages = "off"
memory_mb = 128
eal = ["--log-level=8"]
timeout_s = 5
timeout_action = "drop"
replay_window = 2048
rtcp_replay_window = 64
[media.side.access]
attach = "vdev"
device = "net_ring0"
twin = "sp-access"
mac = "02:00:00:00:00:01"
addresses = ["192.0.2.1", "2001:db8::1"]
ports = "40000-40099"
vlan = 7
dscp = 0
ttl = 32
[media.side.core]
device = "eth1"
queues = 2
zero_copy = true
addresses = ["198.51.100.1"]
[debug]
allow_decrypted_capture = true
capture_directory = "/tmp/captures"
)",
                                   "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->daemon.user, "media");
  EXPECT_EQ(config->daemon.admin_mode, 0600U);
  EXPECT_EQ(config->log_level, log::Level::debug);
  EXPECT_EQ(config->limits[Limit::relays], 10U);
  EXPECT_EQ(config->runtime.poll, dataplane::PollMode::busy);
  EXPECT_EQ(config->runtime.engine, crypto::EngineKind::libsrtp2);
  EXPECT_EQ(config->runtime.huge_pages, dataplane::HugePages::off);
  EXPECT_EQ(config->media.timeout_action, TimeoutAction::drop);
  ASSERT_EQ(config->sides.size(), 2U);
  EXPECT_EQ(config->sides[0].name, "access") << "sides keep the order of the file";
  EXPECT_EQ(config->sides[0].addresses, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(config->sides[1].addresses, (std::vector<std::uint8_t>{2}));
  EXPECT_EQ(config->runtime.addresses[1].vlan, 7);
  EXPECT_EQ(config->runtime.addresses[2].port, 1);
  EXPECT_EQ(config->runtime.ports[0].twin, "sp-access");
  EXPECT_TRUE(config->runtime.ports[1].zero_copy);
}

TEST(Config, SidesOnOneDeviceShareItsPort) {
  const std::string text = std::string(kMinimal) + R"([media.side.core]
device = "eth0"
addresses = ["192.0.2.2"]
)";
  const auto config = parse_config(text, "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->runtime.ports.size(), 1U);
  EXPECT_EQ(config->sides[1].port, 0);
}

TEST(Config, StoreAndRegistrar) {
  const std::string text = std::string(kMinimal) + R"([store]
path = "/var/lib/x.db"
durability = "process"
queue = 100
[registrar]
domains = ["Example.COM", "192.0.2.1"]
default_expires_s = 300
min_expires_s = 30
max_expires_s = 600
bindings_per_user = 3
bindings = 10
flow_timer_s = 0
require_path_support = false
service_route = ["sip:edge.example.com;lr"]
)";
  const auto config = parse_config(text, "t.toml");
  ASSERT_TRUE(config) << config.error()[0].to_string();
  EXPECT_EQ(config->store.path, "/var/lib/x.db");
  EXPECT_EQ(config->store.durability, Durability::process);
  EXPECT_EQ(config->store.queue, 100U);
  EXPECT_EQ(config->registrar.domains, (std::vector<std::string>{"example.com", "192.0.2.1"}));
  EXPECT_EQ(config->registrar.realm, "example.com");
  EXPECT_EQ(config->registrar.default_expires_s, 300U);
  EXPECT_EQ(config->registrar.min_expires_s, 30U);
  EXPECT_EQ(config->registrar.max_expires_s, 600U);
  EXPECT_EQ(config->registrar.bindings_per_user, 3U);
  EXPECT_EQ(config->registrar.bindings, 10U);
  EXPECT_EQ(config->registrar.flow_timer_s, 0U);
  EXPECT_FALSE(config->registrar.require_path_support);
  EXPECT_EQ(config->registrar.service_route, std::vector<std::string>{"sip:edge.example.com;lr"});
  const auto without = parse_config(kMinimal, "t.toml");
  EXPECT_EQ(without->store.path, "") << "without the section there is no store";
}

struct Bad {
  std::string_view text;
  std::string_view error;  ///< the whole line
};

class ConfigRefuses : public testing::TestWithParam<Bad> {};

TEST_P(ConfigRefuses, NamesFileLineColumnAndKey) {
  const auto lines = errors_of(GetParam().text);
  ASSERT_EQ(lines.size(), 1U) << testing::PrintToString(lines);
  EXPECT_EQ(lines[0], GetParam().error);
}

#define SIDE "[media.side.s]\ndevice=\"eth0\"\naddresses=[\"192.0.2.1\"]\n"
#define VDEV "[media.side.s]\nattach=\"vdev\"\ndevice=\"net_ring0\"\naddresses=[\"192.0.2.1\"]\n"

INSTANTIATE_TEST_SUITE_P(
    Table, ConfigRefuses,
    testing::Values(
        Bad{"", "t.toml: media.side: at least one [media.side.NAME] is needed"},
        Bad{SIDE "[daemno]\n", "t.toml:4:1: daemno: unknown key"},
        Bad{SIDE "[daemon]\nusr=\"x\"\n", "t.toml:5:5: daemon.usr: unknown key"},
        Bad{SIDE "port=\"1\"\n", "t.toml:4:6: media.side.s.port: unknown key"},
        Bad{SIDE "[media]\nworker=[1]\n", "t.toml:5:8: media.worker: unknown key"},
        Bad{SIDE "[media]\nworkers=[]\n", "t.toml:5:9: media.workers: must name 1 to 64 processor cores"},
        Bad{SIDE "[media]\nworkers=[1,1]\n", "t.toml:5:9: media.workers: names a core twice"},
        Bad{SIDE "[media]\nworkers=[-1,1]\n",
            "t.toml:5:10: media.workers: must be a list of numbers from 0 to 1023"},
        Bad{SIDE "[media]\npoll=\"lazy\"\n", "t.toml:5:6: media.poll: must be one of adaptive, busy"},
        Bad{SIDE "[media]\nengine=\"openssl\"\n",
            "t.toml:5:8: media.engine: must be one of ipsec-mb, libsrtp2"},
        Bad{SIDE "[media]\nreplay_window=1000\n", "t.toml:5:15: media.replay_window: must be a power of two"},
        Bad{SIDE "[media]\nmemory_mb=1\n",
            "t.toml:5:11: media.memory_mb: must be a number from 64 to 1048576"},
        Bad{SIDE "[media]\nfile_prefix=\"a/b\"\n",
            "t.toml:5:13: media.file_prefix: must be a name without '/'"},
        Bad{SIDE "[media]\neal=\"-c1\"\n", "t.toml:5:5: media.eal: must be a list of strings"},
        Bad{SIDE "[log]\nlevel=\"loud\"\n",
            "t.toml:5:7: log.level: must be one of debug, info, warning, error"},
        Bad{SIDE "[limits]\nrelays=0\n", "t.toml:5:8: limits.relays: must be a number from 1 to 1000000"},
        Bad{SIDE "[limits]\nnext_hops=1\n", "t.toml:5:11: limits.next_hops: unknown key"},
        Bad{SIDE "[daemon]\nadmin_mode=\"0888\"\n",
            "t.toml:5:12: daemon.admin_mode: must be an octal mode such as \"0660\""},
        Bad{SIDE "[daemon]\nadmin_socket=\"x.sock\"\n",
            "t.toml:5:14: daemon.admin_socket: must be an absolute path of at most 107 octets"},
        Bad{SIDE "[debug]\ncapture_directory=\"x\"\n",
            "t.toml:5:19: debug.capture_directory: must be an absolute path"},
        Bad{SIDE "[debug]\nallow_decrypted_capture=1\n",
            "t.toml:5:25: debug.allow_decrypted_capture: must be true or false"},
        Bad{SIDE "ports=\"30001-39999\"\n",
            "t.toml:4:7: media.side.s.ports: the first port must be even: RTP takes even ports"},
        Bad{SIDE "ports=\"30000-39998\"\n",
            "t.toml:4:7: media.side.s.ports: the last port must be odd: ports are given in pairs"},
        Bad{SIDE "ports=\"80-99\"\n", "t.toml:4:7: media.side.s.ports: must begin at 1024 or above"},
        Bad{SIDE "ports=\"30000\"\n",
            "t.toml:4:7: media.side.s.ports: must be a range such as \"30000-39999\""},
        Bad{SIDE "ports=\"30000-99999\"\n",
            "t.toml:4:7: media.side.s.ports: must be a range such as \"30000-39999\""},
        Bad{SIDE "ports=\"40000-30001\"\n",
            "t.toml:4:7: media.side.s.ports: must hold at least one pair of ports"},
        Bad{SIDE "dscp=64\n", "t.toml:4:6: media.side.s.dscp: must be a number from 0 to 63"},
        Bad{SIDE "ttl=0\n", "t.toml:4:5: media.side.s.ttl: must be a number from 1 to 255"},
        Bad{SIDE "vlan=4095\n", "t.toml:4:6: media.side.s.vlan: must be a number from 0 to 4094"},
        Bad{SIDE "queues=0\n", "t.toml:4:8: media.side.s.queues: must be a number from 1 to 64"},
        Bad{SIDE "twin=\"t0\"\n", "t.toml:4:6: media.side.s.twin: is for attach = \"vdev\" only"},
        Bad{SIDE "mac=\"02:00:00:00:00:01\"\n",
            "t.toml:4:5: media.side.s.mac: is for attach = \"vdev\" only"},
        Bad{VDEV "next_hop=\"02:00:00:00:00:01\"\nzero_copy=true\n",
            "t.toml:6:11: media.side.s.zero_copy: is for attach = \"shared\" only"},
        Bad{VDEV "mac=\"2:0\"\ntwin=\"t\"\n",
            "t.toml:5:5: media.side.s.mac: a MAC address is written 02:00:00:00:00:01"},
        Bad{VDEV,
            "t.toml:1:1: media.side.s.next_hop: a device without a twin needs the MAC address that packets "
            "are "
            "sent to"},
        Bad{"[media.side.s]\ndevice=\"eth0\"\n",
            "t.toml:1:1: media.side.s.addresses: must list at least one IP address"},
        Bad{"[media.side.s]\naddresses=[\"192.0.2.1\"]\n",
            "t.toml:1:1: media.side.s.device: is required: a network interface, or a DPDK device for vdev"},
        Bad{"[media.side.s]\ndevice=\"eth0\"\naddresses=[\"192.0.2\"]\n",
            "t.toml:3:11: media.side.s.addresses: '192.0.2' is not an IP address"},
        Bad{"[media.side.s]\ndevice=\"eth0\"\naddresses=[\"0.0.0.0\"]\n",
            "t.toml:3:11: media.side.s.addresses: 0.0.0.0 cannot be a media address"},
        Bad{"[media.side.s]\ndevice=\"eth0\"\naddresses=[\"192.0.2.1\",\"192.0.2.1\"]\n",
            "t.toml:3:11: media.side.s.addresses: 192.0.2.1 is in use already"},
        Bad{SIDE "[media.side.t]\ndevice=\"eth0\"\nqueues=2\naddresses=[\"192.0.2.2\"]\n",
            "t.toml:5:8: media.side.t.device: side 's' uses this device with another attach, queues, "
            "zero_copy, twin "
            "or mac"},
        Bad{SIDE "[media.side.\"a b\"]\ndevice=\"eth0\"\naddresses=[\"192.0.2.2\"]\n",
            "t.toml:4:1: media.side.a b: a side's name has 1 to 32 letters, digits, '-' or '_'"},
        Bad{"log = 5\n" SIDE, "t.toml:1:7: log: must be a table"}));

#define STORE SIDE "[store]\npath=\"/x.db\"\n"
#define REGISTRAR SIDE "[registrar]\n"

INSTANTIATE_TEST_SUITE_P(
    Subscribers, ConfigRefuses,
    testing::Values(
        Bad{STORE, "t.toml:4:1: store: needs registrar.domains: users belong to a domain"},
        Bad{SIDE "[store]\n", "t.toml:4:1: store.path: must be an absolute path"},
        Bad{SIDE "[store]\npath=\"x.db\"\n[registrar]\ndomains=[\"a\"]\n",
            "t.toml:5:6: store.path: must be an absolute path"},
        Bad{STORE "durability=\"never\"\n[registrar]\ndomains=[\"a\"]\n",
            "t.toml:6:12: store.durability: must be one of power, process"},
        Bad{STORE "queue=1\n[registrar]\ndomains=[\"a\"]\n",
            "t.toml:6:7: store.queue: must be a number from 16 to 1000000"},
        Bad{STORE "mode=1\n[registrar]\ndomains=[\"a\"]\n", "t.toml:6:6: store.mode: unknown key"},
        Bad{REGISTRAR "domains=[\"a b\"]\n",
            "t.toml:5:9: registrar.domains: must list domain names or addresses"},
        Bad{REGISTRAR "domains=[\"a:5060\"]\n",
            "t.toml:5:9: registrar.domains: must list domain names or addresses"},
        Bad{REGISTRAR "domains=\"a\"\n", "t.toml:5:9: registrar.domains: must be a list of strings"},
        Bad{REGISTRAR "realm=\"a\\\"b\"\n",
            "t.toml:5:7: registrar.realm: must not hold quotes or backslashes"},
        Bad{REGISTRAR "min_expires_s=3601\n",
            "t.toml:5:15: registrar.min_expires_s: must be a number from 1 to 3600"},
        Bad{REGISTRAR "default_expires_s=59\n",
            "t.toml:5:19: registrar.default_expires_s: must lie between min_expires_s and max_expires_s"},
        Bad{REGISTRAR "default_expires_s=7201\n",
            "t.toml:5:19: registrar.default_expires_s: must lie between min_expires_s and max_expires_s"},
        Bad{REGISTRAR "min_expires_s=100\nmax_expires_s=99\ndefault_expires_s=99\n",
            "t.toml:6:15: registrar.max_expires_s: must not be less than min_expires_s"},
        Bad{REGISTRAR "bindings_per_user=0\n",
            "t.toml:5:19: registrar.bindings_per_user: must be a number from 1 to 100"},
        Bad{REGISTRAR "service_route=[\"sip:a\"]\n",
            "t.toml:5:15: registrar.service_route: must list SIP URIs of loose routers such as "
            "\"sip:proxy.example.com;lr\""},
        Bad{REGISTRAR "gruu=true\n", "t.toml:5:6: registrar.gruu: unknown key"}));

TEST(Config, AllErrorsAreReportedInTheOrderOfLines) {
  const auto lines = errors_of("[daemon]\nx=1\n[log]\nlevel=1\n" SIDE "dscp=99\n");
  ASSERT_EQ(lines.size(), 3U) << testing::PrintToString(lines);
  EXPECT_TRUE(lines[0].starts_with("t.toml:2:"));
  EXPECT_TRUE(lines[1].starts_with("t.toml:4:"));
  EXPECT_TRUE(lines[2].starts_with("t.toml:8:"));
}

TEST(Config, SyntaxErrorHasItsPlace) {
  const auto lines = errors_of("[daemon]\nuser = = 1\n");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("t.toml:2:8: ")) << lines[0];
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
}

TEST(Config, ControlCharactersDoNotReachTheTerminal) {
  const auto lines = errors_of(SIDE "\"\\u001b[31m\"=1\n");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
}

TEST(Config, MissingFileIsOneError) {
  const auto config = load_config("/nonexistent/t.toml");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 1U);
  EXPECT_EQ(config.error()[0].to_string(), "/nonexistent/t.toml: No such file or directory");
}

TEST(Config, HugeFileIsRefused) {
  EXPECT_EQ(errors_of(std::string((1U << 20) + 1, '#')).at(0), "t.toml: larger than a mebibyte");
}

TEST(Config, AuthHasDefaultsAndIsRead) {
  auto config = parse_config(kMinimal, "t.toml");
  ASSERT_TRUE(config);
  using crypto::DigestAlgorithm;
  EXPECT_EQ(config->auth.algorithms, (std::vector{DigestAlgorithm::sha_256, DigestAlgorithm::md5}));
  EXPECT_EQ(config->auth.challenge, ChallengeMode::all);
  EXPECT_EQ(config->auth.qops, std::vector{crypto::Qop::auth});
  EXPECT_TRUE(config->auth.match_uri);
  config = parse_config(std::string(kMinimal) + R"(
[registrar]
domains = ["example.com"]
[auth]
algorithms = ["md5", "SHA-512-256"]
challenge = "single"
qop = ["auth-int", "auth"]
nonce_lifetime_s = 60
userhash = true
match_uri = false
)",
                        "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->auth.realm, "example.com");
  EXPECT_EQ(config->auth.algorithms, (std::vector{DigestAlgorithm::md5, DigestAlgorithm::sha_512_256}));
  EXPECT_EQ(config->auth.challenge, ChallengeMode::single);
  EXPECT_EQ(config->auth.qops.size(), 2U);
  EXPECT_EQ(config->auth.nonce_lifetime_s, 60U);
  EXPECT_TRUE(config->auth.userhash);
  EXPECT_FALSE(config->auth.match_uri);
}

TEST(Config, AuthRefusals) {
  for (const std::string_view line :
       {"algorithms = []", "algorithms = [\"SHA-1\"]", "algorithms = [\"MD5\", \"md5\"]",
        "algorithms = \"MD5\"", "qop = []", "qop = [\"\"]", "qop = [\"auth-conf\"]",
        "qop = [\"auth\", \"auth\"]", "challenge = \"none\"", "nonce_lifetime_s = 9", "userhash = 1",
        "password = \"x\""})
    EXPECT_FALSE(errors_of(std::string(kMinimal) + "[auth]\n" + std::string(line) + "\n").empty()) << line;
}

}  // namespace config_test
}  // namespace sallyport::control
