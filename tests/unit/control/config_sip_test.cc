// SPDX-License-Identifier: GPL-3.0-or-later
// [sip] in the configuration: what it means, and one line for everything that is wrong.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/config/auth.h"
#include "control/config/config.h"
#include "control/config/sip.h"

namespace sallyport::control {
namespace config_sip_test {

constexpr std::string_view kSides = R"([media.side.access]
device = "eth0"
addresses = ["192.0.2.1"]
[media.side.core]
device = "eth1"
addresses = ["198.51.100.1"]
)";

constexpr std::string_view kWhole = R"([store]
path = "/var/lib/sallyport/state.db"
[registrar]
domains = ["example.net"]
[sip]
domains = ["Example.com", "sip.example.com"]
server_name = "Sallyport"
handshake_threads = 2
[sip.certificate.ec]
certificate = "/etc/sallyport/ec.pem"
key = "/etc/sallyport/ec.key"
[sip.certificate.rsa]
certificate = "/etc/sallyport/rsa.pem"
key = "/etc/sallyport/rsa.key"
[sip.tls]
ca = "/etc/sallyport/ca.pem"
crl = "/etc/sallyport/crl.pem"
min_version = "1.3"
[sip.limits]
connections = 10
idle_s = 600
header_bytes = 4096
[sip.dns]
servers = ["192.0.2.53", "[2001:db8::53]:5353"]
timeout_ms = 500
attempts = 2
hosts_file = false
[sip.listener.phones]
side = "access"
transport = "tls"
address = "192.0.2.1:5061"
certificates = ["ec", "rsa"]
[sip.listener.phones.auth]
algorithms = ["SHA-512-256"]
userhash = true
[sip.listener.trunks]
side = "core"
address = "[2001:db8::1]:5061"
certificates = ["rsa"]
client_certificates = "require"
[sip.listener.old]
side = "core"
transport = "udp"
address = "198.51.100.1:5060"
allow_plain = true
[sip.listener.old-tcp]
side = "core"
transport = "tcp"
address = "198.51.100.1:5060"
allow_plain = true
[sip.listener.web]
side = "access"
transport = "wss"
address = "192.0.2.1:443"
certificates = ["ec"]
origins = ["https://phone.example.com", "https://[2001:db8::7]:8443"]
allow_no_origin = true
path = "/sip"
ping_s = 20
)";

TEST(ConfigSip, WithoutItNothingListens) {
  const auto config = parse_config(kSides, "t.toml");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->sip.transport.listeners.empty());
  EXPECT_EQ(config->sip.transport.limits, transport::LimitValues());
  EXPECT_EQ(config->sip.transport.tls.min_version, transport::TlsVersion::tls1_2);
  EXPECT_TRUE(config->sip.resolver.servers.empty());
}

TEST(ConfigSip, AllOfItIsRead) {
  const auto config = parse_config(std::string(kSides) + std::string(kWhole), "t.toml");
  ASSERT_TRUE(config) << config.error().front().to_string();
  const SipConfig& sip = config->sip;
  EXPECT_EQ(sip.domains, (std::vector<std::string>{"example.com", "sip.example.com"}));
  EXPECT_EQ(sip.transport.tls.domains, sip.domains);
  EXPECT_EQ(sip.server_name, "Sallyport");
  EXPECT_EQ(sip.transport.handshake_threads, 2U);
  ASSERT_EQ(sip.transport.tls.certificates.size(), 2U);
  EXPECT_EQ(sip.transport.tls.certificates[1].name, "rsa");
  EXPECT_EQ(sip.transport.tls.certificates[1].key, "/etc/sallyport/rsa.key");
  EXPECT_EQ(sip.transport.tls.ca, "/etc/sallyport/ca.pem");
  EXPECT_EQ(sip.transport.tls.min_version, transport::TlsVersion::tls1_3);
  EXPECT_EQ(sip.transport.limits[transport::Limit::connections], 10U);
  EXPECT_EQ(sip.transport.limits[transport::Limit::idle_s], 600U);
  EXPECT_EQ(sip.transport.sip_limits[sip::Limit::header_bytes], 4096U);
  ASSERT_EQ(sip.resolver.servers.size(), 2U);
  EXPECT_EQ(sip.resolver.servers[0].to_string(), "192.0.2.53:53");
  EXPECT_EQ(sip.resolver.servers[1].to_string(), "[2001:db8::53]:5353");
  EXPECT_EQ(sip.resolver.attempts, 2U);
  EXPECT_FALSE(sip.resolver.hosts_file);
  ASSERT_EQ(sip.transport.listeners.size(), 5U);
  ASSERT_EQ(sip.listeners.size(), 5U);
  EXPECT_EQ(sip.transport.listeners[0].certificates, (std::vector<std::string>{"ec", "rsa"}));
  EXPECT_EQ(sip.transport.listeners[1].client_certificates, transport::ClientCertificates::require);
  EXPECT_EQ(sip.transport.listeners[1].address.port, 5061);
  EXPECT_EQ(sip.transport.listeners[2].transport, sip::Transport::udp);
  EXPECT_EQ(sip.transport.listeners[4].transport, sip::Transport::wss);
  const transport::WebSocketRules& rules = sip.transport.listeners[4].websocket;
  EXPECT_EQ(rules.origins,
            (std::vector<std::string>{"https://phone.example.com", "https://[2001:db8::7]:8443"}));
  EXPECT_FALSE(rules.any_origin);
  EXPECT_TRUE(rules.no_origin);
  EXPECT_EQ(rules.path, "/sip");
  EXPECT_EQ(rules.ping_s, 20U);
  EXPECT_EQ(sip.listeners[0].side, "access");
  EXPECT_FALSE(sip.listeners[0].allow_plain);
  EXPECT_TRUE(sip.listeners[3].allow_plain);
  using enum crypto::DigestAlgorithm;
  ASSERT_TRUE(sip.listeners[0].auth);
  EXPECT_FALSE(sip.listeners[1].auth);
  EXPECT_EQ(sip.listeners[0].auth->algorithms, std::vector{sha_512_256});
  EXPECT_EQ(kept_algorithms(*config), (std::vector{sha_256, md5, sha_512_256}));
  EXPECT_TRUE(any_userhash(*config));
}

TEST(ConfigSip, TheRegistrarsDomainsAreTheUsualOnes) {
  const auto config =
      parse_config("[registrar]\ndomains = [\"Example.com\"]\n" + std::string(kSides), "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sip.domains, std::vector<std::string>{"example.com"});
}

struct Change {
  std::string_view from;  ///< a line of kWhole
  std::string_view to;
  std::string_view error;  ///< its end
};

const Change kChanges[] = {
    {"[store]\npath = \"/var/lib/sallyport/state.db\"\n", "",
     "sip.listener: needs [store]: where are users and their registrations kept?"},
    {"algorithms = [\"SHA-512-256\"]", "algorithms = [\"SHA-3\"]",
     "sip.listener.phones.auth.algorithms: must list SHA-256, SHA-512-256 or MD5"},
    {"domains = [\"Example.com\", \"sip.example.com\"]", "domains = []", "must name at least one domain"},
    {"domains = [\"Example.com\", \"sip.example.com\"]", "domains = [\"*.example.com\"]",
     "'*.example.com' is neither a domain nor an address"},
    {"domains = [\"Example.com\", \"sip.example.com\"]", "domains = [\"a..b\"]",
     "neither a domain nor an address"},
    {"server_name = \"Sallyport\"", "server_name = \"a\\r\\nb\"", "sip.server_name: must be printable"},
    {"handshake_threads = 2", "handshake_threads = 0",
     "sip.handshake_threads: must be a number from 1 to 64"},
    {"handshake_threads = 2", "handshakes = 2", "sip.handshakes: unknown key"},
    {"key = \"/etc/sallyport/ec.key\"", "", "sip.certificate.ec.key: must be an absolute path"},
    {"key = \"/etc/sallyport/ec.key\"", "key = \"ec.key\"",
     "sip.certificate.ec.key: must be an absolute path"},
    {"ca = \"/etc/sallyport/ca.pem\"", "", "sip.tls.crl: needs ca: whose revocations are they?"},
    {"ca = \"/etc/sallyport/ca.pem\"", "",
     "sip.listener.trunks.client_certificates: needs sip.tls.ca: whose certificates are good?"},
    {"min_version = \"1.3\"", "min_version = \"1.1\"", "sip.tls.min_version: must be one of 1.2, 1.3"},
    {"min_version = \"1.3\"", "ciphers = \"\"", "sip.tls.ciphers: must name at least one"},
    {"idle_s = 600", "idle_s = 1", "sip.limits.idle_s: must be a number from 10 to 604800"},
    {"header_bytes = 4096", "none = 1", "sip.limits.none: unknown key"},
    {"servers = [\"192.0.2.53\", \"[2001:db8::53]:5353\"]", "servers = [\"ns.example.com\"]",
     "sip.dns.servers: 'ns.example.com' is no address, or address and port"},
    {"side = \"access\"", "side = \"outside\"", "sip.listener.phones.side: must name a [media.side.NAME]"},
    {"side = \"access\"", "", "sip.listener.phones.side: must name a [media.side.NAME]"},
    {"transport = \"tls\"", "transport = \"sctp\"",
     "sip.listener.phones.transport: must be one of tls, wss, tcp, udp"},
    {"transport = \"tls\"", "transport = \"tcp\"",
     "sip.listener.phones.transport: TCP and UDP are for trusted trunks: allow_plain = true says that these "
     "are"},
    {"transport = \"tls\"", "transport = \"tcp\"",
     "sip.listener.phones.certificates: is for transport = \"tls\" or \"wss\" only"},
    {"address = \"192.0.2.1:5061\"", "address = \"0.0.0.0:5061\"", "must be one address of this machine"},
    {"address = \"192.0.2.1:5061\"", "address = \"192.0.2.1\"",
     "must be an address and a port, such as \"192.0.2.1:5061\" or \"[2001:db8::1]:5061\""},
    {"address = \"192.0.2.1:5061\"", "address = \"192.0.2.1:0\"",
     "must be an address and a port, such as \"192.0.2.1:5061\" or \"[2001:db8::1]:5061\""},
    {"address = \"192.0.2.1:5061\"", "address = \"198.51.100.1:5060\"",
     "sip.listener.old-tcp.address: is another listener's already"},
    {"certificates = [\"ec\", \"rsa\"]", "certificates = []",
     "sip.listener.phones.certificates: must name at least one [sip.certificate.NAME]"},
    {"certificates = [\"ec\", \"rsa\"]", "certificates = [\"dsa\"]",
     "sip.listener.phones.certificates: there is no [sip.certificate.dsa]"},
    {"client_certificates = \"require\"", "client_certificates = \"maybe\"",
     "must be one of none, request, require"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]",
     "origins = [\"phone.example.com\"]",
     "sip.listener.web.origins: 'phone.example.com' is neither an origin as browsers send it, such as "
     "\"https://phone.example.com\", nor \"*\" for any"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]", "origins = [\"https://\"]",
     "sip.listener.web.origins: 'https://' is neither an origin as browsers send it, such as "
     "\"https://phone.example.com\", nor \"*\" for any"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]",
     "origins = [\"https://phone.example.com/\"]",
     "sip.listener.web.origins: 'https://phone.example.com/' is neither an origin as browsers send it, such "
     "as "
     "\"https://phone.example.com\", nor \"*\" for any"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]",
     "origins = [\"https://Phone.example.com\"]",
     "sip.listener.web.origins: 'https://Phone.example.com' is neither an origin as browsers send it, such "
     "as "
     "\"https://phone.example.com\", nor \"*\" for any"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]", "origins = [\"null\"]",
     "sip.listener.web.origins: 'null' is neither an origin as browsers send it, such as "
     "\"https://phone.example.com\", nor \"*\" for any"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]",
     "origins = [\"https://a?b\"]",
     "sip.listener.web.origins: 'https://a?b' is neither an origin as browsers send it, such as "
     "\"https://phone.example.com\", nor \"*\" for any"},
    {"origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]",
     "origins = [\"*\", \"https://a.test\"]", "sip.listener.web.origins: \"*\" is any: it stands alone"},
    {"path = \"/sip\"", "path = \"sip\"",
     "sip.listener.web.path: must begin with '/' and have no '?', '#' or blanks"},
    {"path = \"/sip\"", "path = \"/sip?x\"",
     "sip.listener.web.path: must begin with '/' and have no '?', '#' or blanks"},
    {"ping_s = 20", "ping_s = 20\n[trunk.carrier]\nlistener = \"web\"\nhost = \"sip.example.net\"",
     "trunk.carrier.listener: is for browsers: trunks are reached over TLS, TCP or UDP"},
    {"ping_s = 20", "ping_s = 0", "sip.listener.web.ping_s: must be a number from 1 to 3600"},
    {"transport = \"tls\"", "transport = \"tls\"\norigins = [\"*\"]",
     "sip.listener.phones.origins: is for transport = \"wss\" only"},
    {"certificates = [\"ec\"]", "",
     "sip.listener.web.certificates: must name at least one [sip.certificate.NAME]"},
    {"idle_s = 600", "websocket_message_bytes = 1000",
     "sip.limits.websocket_message_bytes: must be a number from 1024 to 2097152"},
    {"[sip.listener.old]", "[sip.listener.\"old one\"]",
     "a name has 1 to 32 letters, digits, '-', '_' or '.'"},
};

std::string without_lines(std::string text, std::initializer_list<std::string_view> lines) {
  for (const std::string_view line : lines) text.erase(text.find(line), line.size());
  return text;
}

TEST(ConfigSip, SomebodyMustBeAllowedToConnect) {
  constexpr std::string_view kOrigins =
      "origins = [\"https://phone.example.com\", \"https://[2001:db8::7]:8443\"]\n";
  constexpr std::string_view kNone = "allow_no_origin = true\n";
  const std::string whole = std::string(kSides) + std::string(kWhole);
  EXPECT_TRUE(parse_config(without_lines(whole, {kOrigins}), "t.toml"));
  EXPECT_TRUE(parse_config(without_lines(whole, {kNone}), "t.toml"));
  const auto nobody = parse_config(without_lines(whole, {kOrigins, kNone}), "t.toml");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().front().to_string(),
            "t.toml:57:1: sip.listener.web.origins: must list the origins whose pages may connect, or \"*\" "
            "for any");
}

TEST(ConfigSip, KeysMayGoOverWebSockets) {
  // The access side has no other listener then, and its media must be SRTP as it is by default.
  const std::string whole = std::string(kSides) + std::string(kWhole);
  const std::size_t begin = whole.find("[sip.listener.phones]"), end = whole.find("[sip.listener.trunks]");
  const auto config = parse_config(std::string(whole).erase(begin, end - begin), "t.toml");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_EQ(config->policies.at("access").media.security, sip::MediaSecurity::required);
}

TEST(ConfigSip, AListenersMediaDifferFromItsSides) {
  const std::string whole = std::string(kSides) + std::string(kWhole);
  const auto config =
      parse_config(whole + "[sip.listener.web.media]\nheader_extensions = \"strip\"\n", "t.toml");
  ASSERT_TRUE(config) << config.error().front().to_string();
  const auto& listeners = config->sip.transport.listeners;
  const auto web = std::ranges::find(listeners, "web", &transport::ListenerSettings::name);
  ASSERT_NE(web, listeners.end());
  const SipListenerConfig& beside = config->sip.listeners[static_cast<std::size_t>(web - listeners.begin())];
  ASSERT_TRUE(beside.media);
  EXPECT_FALSE(beside.media->filter.keep_extensions);
  EXPECT_EQ(beside.media->bundle, sip::BundleUse::offer) << "what browsers take";
  EXPECT_TRUE(config->policies.at(beside.side).media.filter.keep_extensions);
}

TEST(ConfigSip, EverythingWrongIsNamed) {
  for (const Change& change : kChanges) {
    std::string text = std::string(kSides) + std::string(kWhole);
    const auto at = text.find(change.from);
    ASSERT_NE(at, std::string::npos) << change.from;
    text.replace(at, change.from.size(), change.to);
    const auto config = parse_config(text, "t.toml");
    ASSERT_FALSE(config) << change.to;
    std::string all;
    bool found = false;
    for (const ConfigError& error : config.error()) {
      all += error.to_string() + "\n";
      found = found || error.to_string().ends_with(change.error);
    }
    EXPECT_TRUE(found) << change.to << "\n" << all;
  }
}

}  // namespace config_sip_test
}  // namespace sallyport::control
