// SPDX-License-Identifier: GPL-3.0-or-later
// [policy], [calls], [trunk], [[route]] and [records]: what they mean, and one line for everything wrong.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/control/calls_rig.h"

namespace sallyport::control {
namespace {

constexpr std::string_view kWhole = R"([policy.access]
media = "preferred"
dual_lines = "offer"
suites = ["AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"]
unencrypted_srtcp = true
accept_mux = false
offer_mux = true
header_extensions = "strip"
bundle = "offer"
drop_attributes = ["X-*", "silenceSupp"]
identity = "match"
privacy = "refuse"
user_agent = "none"
events = false
[policy.core]
trust = true
identity = "pass"
privacy = "pass"
user_agent = "pass"
[calls]
calls = 100
calls_per_user = 2
calls_per_second = 5
calls_per_trunk = 30
trunk_calls_per_second = 3
session_expires_s = 3600
min_se_s = 120
first_response_s = 4
progress_s = 0
ring_s = 60
max_duration_s = 7200
max_forwards = 20
max_redirects = 0
max_branches = 3
subscriptions = 7
max_targets = 6
retry_after_s = 30
guests = true
[trunk.carrier]
group = "carriers"
priority = 1
weight = 20
uri = "sip:SIP.Example.net:5071;transport=tls"
listener = "peers"
certificate = "ours"
strip = 1
prefix = "0049"
from_domain = "Customer.example.net"
realm = "example.net"
user = "4711"
password = "a secret"
failover = ["403", "5xx"]
addresses = ["198.51.100.0/24", "2001:db8::7"]
tls_names = ["SIP.example.net"]
auth_inbound = "sbc.example.com"
inbound_user = "carrier"
inbound_ha1_sha256 = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
options_interval_s = 0
options_timeout_s = 3
options_failures = 1
max_calls = 7
calls_per_second = 2
enabled = false
[trunk.carrier.auth]
algorithms = ["SHA-512-256", "SHA-256"]
[trunk.pbx]
host = "2001:db8::9"
port = 5070
transport = "udp"
listener = "old"
user = "u"
realm = "r"
ha1_md5 = "000102030405060708090a0b0c0d0e0f"
[[route]]
match = "+49"
group = "carriers"
min_length = 8
from_side = "access"
strip = 3
prefix = "0"
[[route]]
match = "registered"
[[route]]
match = "100@pbx.example.com"
trunk = "pbx"
[[route]]
match = "+4930"
user = "alice@example.org"
[[route]]
match = "0900@*"
refuse = 603
[[route]]
match = ""
registered = true
[records]
path = "/var/log/sallyport/calls.json"
)";

std::string whole(std::string_view text = kWhole) {
  return std::string(kSidesAndListeners) + std::string(text);
}

TEST(ConfigCalls, DefaultsAreSafe) {
  const Config config = config_of(kSidesAndListeners);
  ASSERT_EQ(config.policies.size(), 3U);
  const SidePolicy& access = config.policies.at("access");
  EXPECT_EQ(access.media.security, sip::MediaSecurity::required);
  EXPECT_EQ(access.media.crypto.suites.size(), 5U);
  EXPECT_EQ(access.media.crypto.suites[0], crypto::SuiteId::aes_cm_128_hmac_sha1_80);
  EXPECT_FALSE(access.media.transport_secure);
  EXPECT_EQ(access.media.dual_lines, sip::DualLines::accept);
  EXPECT_TRUE(access.media.filter.keep_extensions);
  EXPECT_EQ(access.media.bundle, sip::BundleUse::accept);
  EXPECT_FALSE(access.media.crypto.unencrypted_srtcp);
  EXPECT_FALSE(access.trust);
  EXPECT_EQ(access.identity, IdentityPolicy::rewrite);
  EXPECT_EQ(access.privacy, PrivacyPolicy::enforce);
  EXPECT_EQ(access.user_agent, ProductPolicy::ours);
  EXPECT_EQ(config.policies.at("old").media.security, sip::MediaSecurity::none) << "only UDP leads there";
  EXPECT_EQ(config.limits[Limit::calls], 20000U);
  EXPECT_EQ(config.limits[Limit::calls_per_user], 10U);
  EXPECT_EQ(config.calls.session_expires_s, 1800U);
  EXPECT_EQ(config.calls.min_se_s, 90U);
  EXPECT_EQ(config.calls.ring_s, 180U);
  EXPECT_FALSE(config.calls.guests);
  EXPECT_TRUE(config.trunks.empty());
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].match, RouteConfig::Match::registered);
  EXPECT_TRUE(config.records.path.empty());
}

TEST(ConfigCalls, PoliciesAndLimitsAreRead) {
  const Config config = config_of(whole());
  const SidePolicy& access = config.policies.at("access");
  EXPECT_EQ(access.media.security, sip::MediaSecurity::preferred);
  EXPECT_EQ(access.media.crypto.suites,
            (std::vector{crypto::SuiteId::aead_aes_256_gcm, crypto::SuiteId::aes_cm_128_hmac_sha1_80}));
  EXPECT_EQ(access.media.dual_lines, sip::DualLines::offer);
  EXPECT_TRUE(access.media.crypto.unencrypted_srtcp);
  EXPECT_FALSE(access.media.accept_mux);
  EXPECT_TRUE(access.media.offer_mux);
  EXPECT_FALSE(access.media.filter.keep_extensions);
  EXPECT_EQ(access.media.bundle, sip::BundleUse::offer);
  EXPECT_TRUE(config.policies.at("core").media.filter.keep_extensions);
  EXPECT_EQ(access.media.filter.dropped, (std::vector<std::string>{"X-*", "silenceSupp"}));
  EXPECT_EQ(access.identity, IdentityPolicy::match);
  EXPECT_EQ(access.privacy, PrivacyPolicy::refuse);
  EXPECT_EQ(access.user_agent, ProductPolicy::none);
  EXPECT_FALSE(access.events);
  EXPECT_TRUE(config.policies.at("core").trust);
  EXPECT_EQ(config.policies.at("core").identity, IdentityPolicy::pass);
  EXPECT_EQ(config.limits[Limit::calls], 100U);
  EXPECT_EQ(config.limits[Limit::calls_per_user], 2U);
  EXPECT_EQ(config.limits[Limit::calls_per_second], 5U);
  EXPECT_EQ(config.limits[Limit::calls_per_trunk], 30U);
  EXPECT_EQ(config.limits[Limit::trunk_calls_per_second], 3U);
  EXPECT_EQ(config.calls.session_expires_s, 3600U);
  EXPECT_EQ(config.calls.min_se_s, 120U);
  EXPECT_EQ(config.calls.first_response_s, 4U);
  EXPECT_EQ(config.calls.progress_s, 0U);
  EXPECT_EQ(config.calls.ring_s, 60U);
  EXPECT_EQ(config.calls.max_duration_s, 7200U);
  EXPECT_EQ(config.calls.max_forwards, 20U);
  EXPECT_EQ(config.calls.max_branches, 3U);
  EXPECT_EQ(config.calls.max_redirects, 0U);
  EXPECT_EQ(config.limits[Limit::subscriptions], 7U);
  EXPECT_EQ(config.calls.max_targets, 6U);
  EXPECT_EQ(config.calls.retry_after_s, 30U);
  EXPECT_TRUE(config.calls.guests);
  EXPECT_EQ(config.records.path, "/var/log/sallyport/calls.json");
}

TEST(ConfigCalls, TrunksAreRead) {
  const Config config = config_of(whole());
  ASSERT_EQ(config.trunks.size(), 2U);
  const TrunkConfig& carrier = config.trunks[0];
  EXPECT_EQ(carrier.group, "carriers");
  EXPECT_EQ(carrier.priority, 1U);
  EXPECT_EQ(carrier.weight, 20U);
  EXPECT_EQ(carrier.host, "sip.example.net");
  EXPECT_EQ(carrier.port, 5071);
  EXPECT_EQ(carrier.transport, sip::Transport::tls);
  EXPECT_EQ(carrier.listener, 1U);
  EXPECT_EQ(carrier.side, "core");
  EXPECT_EQ(carrier.certificate, "ours");
  EXPECT_EQ(carrier.edit, (NumberEdit{1, "0049"}));
  EXPECT_EQ(carrier.from_domain, "customer.example.net");
  EXPECT_FALSE(carrier.enabled);
  EXPECT_EQ(carrier.max_calls, 7U);
  EXPECT_EQ(carrier.calls_per_second, 2U);
  EXPECT_EQ(carrier.options_interval_s, 0U);
  EXPECT_EQ(carrier.tls_names, std::vector<std::string>{"sip.example.net"});
  ASSERT_EQ(carrier.addresses.size(), 2U);
  EXPECT_EQ(carrier.addresses[0].to_string(), "198.51.100.0/24");
  for (const unsigned status : {403U, 500U, 503U, 599U}) EXPECT_TRUE(carrier.fails_over(status)) << status;
  for (const unsigned status : {200U, 404U, 408U, 486U, 600U})
    EXPECT_FALSE(carrier.fails_over(status)) << status;
  const TrunkConfig& pbx = config.trunks[1];
  EXPECT_EQ(pbx.group, "pbx");
  EXPECT_EQ(pbx.host, "[2001:db8::9]");
  EXPECT_EQ(pbx.port, 5070);
  EXPECT_EQ(pbx.transport, sip::Transport::udp);
  EXPECT_TRUE(pbx.fails_over(408));
  EXPECT_TRUE(pbx.fails_over(500));
  EXPECT_FALSE(pbx.fails_over(403));
}

TEST(ConfigCalls, PasswordsBecomeDigests) {
  const Config config = config_of(whole());
  const auto& account = config.trunks[0].secrets->account;
  ASSERT_TRUE(account);
  EXPECT_EQ(account->user, "4711");
  for (const auto& about : crypto::kDigestAlgorithms) {
    const auto wanted = crypto::make_ha1(about.id, "4711", "example.net", "a secret");
    EXPECT_TRUE(std::ranges::equal(account->ha1[static_cast<std::size_t>(about.id)].view(), wanted.view()));
  }
  const auto& inbound = config.trunks[0].secrets->inbound;
  ASSERT_TRUE(inbound && config.trunks[0].inbound_auth);
  EXPECT_EQ(config.trunks[0].inbound_auth->realm, "sbc.example.com");
  EXPECT_EQ(config.trunks[0].inbound_auth->algorithms, std::vector{crypto::DigestAlgorithm::sha_256})
      << "only what there is a digest for is asked";
  EXPECT_EQ(inbound->ha1[static_cast<std::size_t>(crypto::DigestAlgorithm::sha_256)].view()[31], 0x1f);
  const auto& pbx = config.trunks[1].secrets->account;
  ASSERT_TRUE(pbx);
  EXPECT_TRUE(pbx->ha1[static_cast<std::size_t>(crypto::DigestAlgorithm::sha_256)].empty());
  EXPECT_EQ(pbx->ha1[static_cast<std::size_t>(crypto::DigestAlgorithm::md5)].size(), 16U);
}

TEST(ConfigCalls, RoutesAreReadInOrder) {
  const Config config = config_of(whole());
  ASSERT_EQ(config.routes.size(), 6U);
  EXPECT_EQ(config.routes[0].number, "+49");
  EXPECT_EQ(config.routes[0].to, RouteConfig::To::group);
  EXPECT_EQ(config.routes[0].min_length, 8U);
  EXPECT_EQ(config.routes[0].from_side, "access");
  EXPECT_EQ(config.routes[0].edit, (NumberEdit{3, "0"}));
  EXPECT_EQ(config.routes[1].match, RouteConfig::Match::registered);
  EXPECT_EQ(config.routes[2].domain, "pbx.example.com");
  EXPECT_EQ(config.routes[2].to, RouteConfig::To::trunk);
  EXPECT_EQ(config.routes[3].target, "sip:alice@example.org");
  EXPECT_TRUE(config.routes[4].any_domain);
  EXPECT_EQ(config.routes[4].status, 603);
  EXPECT_EQ(config.routes[5].to, RouteConfig::To::user);
  EXPECT_TRUE(config.routes[5].target.empty());
}

TEST(ConfigCalls, NumbersAreEdited) {
  EXPECT_EQ(NumberEdit{}.apply("123"), "123");
  EXPECT_EQ((NumberEdit{1, ""}.apply("+49")), "49");
  EXPECT_EQ((NumberEdit{3, "0"}.apply("+4930")), "030");
  EXPECT_EQ((NumberEdit{0, "9"}.apply("1")), "91");
  EXPECT_FALSE((NumberEdit{3, "0"}.apply("+49")));
  EXPECT_FALSE((NumberEdit{3, "0"}.apply("1")));
}

struct Change {
  std::string_view from;  ///< a line of kWhole
  std::string_view to;
  std::string_view error;  ///< the end of one line
};

const Change kChanges[] = {
    {"[policy.core]", "[policy.outside]", "policy.outside: there is no [media.side.outside]"},
    {"media = \"preferred\"", "media = \"maybe\"",
     "policy.access.media: must be one of required, preferred, none"},
    {"dual_lines = \"offer\"", "dual_lines = \"on\"",
     "policy.access.dual_lines: must be one of off, accept, offer"},
    {"[policy.core]", "[policy.old]\nmedia = \"required\"\n[policy.core]",
     "policy.old.media: must be none: the side has no TLS listener, and keys go over TLS only"},
    {"suites = [\"AEAD_AES_256_GCM\", ", "suites = [\"F8_128_HMAC_SHA1_80\", ",
     "'F8_128_HMAC_SHA1_80' is no SRTP suite such as \"AES_CM_128_HMAC_SHA1_80\""},
    {"suites = [\"AEAD_AES_256_GCM\", ", "suites = [\"AES_CM_128_HMAC_SHA1_80\", ", "names a suite twice"},
    {"suites = [\"AEAD_AES_256_GCM\", \"AES_CM_128_HMAC_SHA1_80\"]", "suites = []", "must list at least one"},
    {"bundle = \"offer\"", "bundle = true", "policy.access.bundle: must be a string"},
    {"bundle = \"offer\"", "bundle = \"on\"", "policy.access.bundle: must be one of off, accept, offer"},
    {"header_extensions = \"strip\"", "header_extensions = true",
     "policy.access.header_extensions: must be a string"},
    {"header_extensions = \"strip\"", "header_extensions = \"drop\"",
     "policy.access.header_extensions: must be one of pass, strip"},
    {"drop_attributes = [\"X-*\", \"silenceSupp\"]", "drop_attributes = [\"a b\"]",
     "must list names of attributes such as \"X-*\" or \"fmtp\""},
    {"identity = \"match\"", "identity = \"pass\"",
     "policy.access.identity: pass needs trust = true: else callers could be anybody"},
    {"privacy = \"refuse\"", "privacy = \"pass\"",
     "policy.access.privacy: pass needs trust = true: else nobody keeps callers anonymous"},
    {"user_agent = \"none\"", "agent = \"none\"", "policy.access.agent: unknown key"},
    {"calls = 100", "calls = 0", "calls.calls: must be a number from 1 to 1000000"},
    {"min_se_s = 120", "min_se_s = 89", "calls.min_se_s: must be a number from 90 to 86400"},
    {"session_expires_s = 3600", "session_expires_s = 100",
     "calls.session_expires_s: must not be less than min_se_s"},
    {"max_targets = 6", "max_targets = 2", "calls.max_targets: must not be less than max_branches"},
    {"guests = true", "guests = 1", "calls.guests: must be true or false"},
    {"[trunk.pbx]", "[trunk.\"p b x\"]", "a name has 1 to 32 letters, digits, '-', '_' or '.'"},
    {"uri = \"sip:SIP.Example.net:5071;transport=tls\"", "uri = \"sip:bob@example.net\"",
     "must be a SIP URI without a user, such as \"sip:example.net;transport=tls\""},
    {"uri = \"sip:SIP.Example.net:5071;transport=tls\"", "uri = \"tel:+49\"",
     "must be a SIP URI without a user, such as \"sip:example.net;transport=tls\""},
    {"uri = \"sip:SIP.Example.net:5071;transport=tls\"", "uri = \"sip:example.net;transport=sctp\"",
     "trunk.carrier.uri: its transport must be tls, tcp or udp"},
    {"uri = \"sip:SIP.Example.net:5071;transport=tls\"", "uri = \"sip:example.net;transport=udp\"",
     "trunk.carrier.listener: is for another transport than the trunk's"},
    {"uri = \"sip:SIP.Example.net:5071;transport=tls\"", "uri = \"sip:example.net\"\nport = 5",
     "trunk.carrier.port: is said by uri already"},
    {"host = \"2001:db8::9\"", "host = \"a b\"",
     "trunk.pbx.host: must name a host: a domain or an address, IPv6 in brackets"},
    {"host = \"2001:db8::9\"", "host = \"example.net:5060\"",
     "trunk.pbx.host: must be without a port: that is a key of its own"},
    {"host = \"2001:db8::9\"\nport = 5070", "",
     "needs host or uri to call it, or addresses or tls_names to be called from it"},
    {"transport = \"udp\"", "transport = \"tls\"",
     "trunk.pbx.listener: is for another transport than the trunk's"},
    {"listener = \"old\"", "", "trunk.pbx.listener: must name a [sip.listener.NAME]"},
    {"listener = \"old\"", "listener = \"new\"", "trunk.pbx.listener: must name a [sip.listener.NAME]"},
    {"certificate = \"ours\"", "certificate = \"theirs\"", "there is no [sip.certificate.theirs]"},
    {"listener = \"old\"", "listener = \"old\"\ncertificate = \"ours\"",
     "trunk.pbx.certificate: is for transport = \"tls\" only"},
    {"strip = 1", "strip = 33", "trunk.carrier.strip: must be a number from 0 to 32"},
    {"prefix = \"0049\"", "prefix = \"00x\"", "must be digits, '*' or '#', perhaps behind a '+'"},
    {"prefix = \"0049\"", "prefix = \"0+49\"", "must be digits, '*' or '#', perhaps behind a '+'"},
    {"from_domain = \"Customer.example.net\"", "from_domain = \"a b\"", "must be a domain or an address"},
    {"realm = \"example.net\"", "", "trunk.carrier.realm: is needed, without quotes and backslashes"},
    {"user = \"4711\"", "", "trunk.carrier.user: is needed, without quotes and backslashes"},
    {"user = \"4711\"", "user = \"a\\\"b\"", "trunk.carrier.user: is needed, without quotes and backslashes"},
    {"password = \"a secret\"", "",
     "trunk.carrier.password: is needed, or else digests made of it: one or the other"},
    {"ha1_md5 = \"000102030405060708090a0b0c0d0e0f\"",
     "password = \"x\"\nha1_md5 = \"000102030405060708090a0b0c0d0e0f\"",
     "trunk.pbx.password: is needed, or else digests made of it: one or the other"},
    {"ha1_md5 = \"000102030405060708090a0b0c0d0e0f\"", "ha1_md5 = \"0001\"",
     "trunk.pbx.ha1_md5: must be 32 hexadecimal digits"},
    {"ha1_md5 = \"000102030405060708090a0b0c0d0e0f\"", "ha1_md5 = \"g00102030405060708090a0b0c0d0e0f\"",
     "trunk.pbx.ha1_md5: must be 32 hexadecimal digits"},
    {"failover = [\"403\", \"5xx\"]", "failover = [\"6xx\"]",
     "'6xx' is neither a status from 400 to 599 nor \"4xx\" or \"5xx\""},
    {"failover = [\"403\", \"5xx\"]", "failover = [\"4x3\"]",
     "'4x3' is neither a status from 400 to 599 nor \"4xx\" or \"5xx\""},
    {"addresses = [\"198.51.100.0/24\", ", "addresses = [\"198.51.100.1/24\", ",
     "'198.51.100.1/24': an address has bits behind its prefix"},
    {"addresses = [\"198.51.100.0/24\", ", "addresses = [\"198.51.100.0/33\", ",
     "'198.51.100.0/33': a prefix length is a number up to 32"},
    {"tls_names = [\"SIP.example.net\"]", "tls_names = [\"*.example.net\"]",
     "'*.example.net' is neither a domain nor an address"},
    {"listener = \"peers\"", "listener = \"phones\"",
     "trunk.carrier.tls_names: needs a listener that asks for client_certificates"},
    {"[trunk.pbx]", "[trunk.twin]\nlistener = \"peers\"\ntls_names = [\"sip.example.net\"]\n[trunk.pbx]",
     "trunk.twin.tls_names: 'sip.example.net' is trunk carrier's already"},
    {"[trunk.pbx]\n",
     "[trunk.one]\nlistener = \"old\"\naddresses = [\"10.0.0.0/8\"]\n[trunk.pbx]\naddresses = "
     "[\"10.0.0.0/8\"]\n",
     "trunk.pbx.addresses: 10.0.0.0/8 is trunk one's already"},
    {"algorithms = [\"SHA-512-256\", \"SHA-256\"]", "algorithms = [\"MD5\"]",
     "trunk.carrier.auth_inbound: needs a digest for one of the algorithms that are asked for"},
    {"[[route]]\nmatch = \"+49\"", "[trunk.pbx.auth]\n[[route]]\nmatch = \"+49\"",
     "trunk.pbx.auth: needs auth_inbound: in which realm?"},
    {"options_timeout_s = 3", "options_timeout_s = 0",
     "trunk.carrier.options_timeout_s: must be a number from 1 to 32"},
    {"match = \"+49\"", "", "route.1.match: is needed; \"\" takes every number of our domains"},
    {"match = \"+49\"", "match = \"+4 9\"", "a number's beginning has at most 64 printable characters"},
    {"match = \"+49\"", "match = \"+49@a b\"", "route.1.match: 'a b' is no domain"},
    {"group = \"carriers\"\nmin_length", "group = \"nobody\"\nmin_length",
     "route.1.group: no [trunk.NAME] is in this group"},
    {"group = \"carriers\"\nmin_length", "min_length",
     "route.1: needs exactly one of group, trunk, user, registered and refuse"},
    {"trunk = \"pbx\"", "trunk = \"pbx\"\ngroup = \"carriers\"",
     "route.3: needs exactly one of group, trunk, user, registered and refuse"},
    {"trunk = \"pbx\"", "trunk = \"pax\"", "route.3.trunk: there is no [trunk.pax]"},
    {"match = \"registered\"", "match = \"registered\"\nstrip = 1", "route.2.strip: unknown key"},
    {"from_side = \"access\"", "from_side = \"inside\"", "route.1.from_side: must name a [media.side.NAME]"},
    {"user = \"alice@example.org\"", "user = \"alice@example.net\"",
     "route.4.user: must be in one of registrar.domains"},
    {"user = \"alice@example.org\"", "user = \"a b\"", "route.4.user: must name a user such as \"alice\""},
    {"refuse = 603", "refuse = 200", "route.5.refuse: must be a number from 400 to 699"},
    {"registered = true", "registered = false", "route.6.registered: can only be true"},
    {"strip = 3\nprefix = \"0\"", "prefix = \"a@b\"",
     "route.1.prefix: must be at most 32 printable characters without '@'"},
    {"path = \"/var/log/sallyport/calls.json\"", "path = \"calls.json\"",
     "records.path: must be an absolute path"},
    {"path = \"/var/log/sallyport/calls.json\"", "mode = 1", "records.mode: unknown key"},
};

TEST(ConfigCalls, EverythingWrongIsNamed) {
  for (const Change& change : kChanges) {
    std::string text = whole();
    const auto at = text.find(change.from);
    ASSERT_NE(at, std::string::npos) << change.from;
    text.replace(at, change.from.size(), change.to);
    const std::string all = errors_of(text);
    EXPECT_NE(all.find(std::string(change.error) + "\n"), std::string::npos) << change.to << "\n" << all;
    EXPECT_EQ(all.find("a secret"), std::string::npos) << "errors must not quote passwords";
  }
}

TEST(ConfigCalls, RoutesAreAListOfTables) {
  EXPECT_NE(errors_of(std::string("route = 1\n") + std::string(kSidesAndListeners))
                .find("route: must be a list of tables: [[route]]"),
            std::string::npos);
  EXPECT_NE(errors_of(std::string("route = [1]\n") + std::string(kSidesAndListeners))
                .find("route: must be a list of tables"),
            std::string::npos);
}

struct PrefixCase {
  std::string_view prefix, address;
  bool inside;
};

TEST(AddressPrefix, HoldsWhatBeginsLikeIt) {
  for (const PrefixCase& one : std::to_array<PrefixCase>({
           {"192.0.2.1", "192.0.2.1", true},
           {"192.0.2.1", "192.0.2.2", false},
           {"192.0.2.0/25", "192.0.2.127", true},
           {"192.0.2.0/25", "192.0.2.128", false},
           {"0.0.0.0/0", "203.0.113.9", true},
           {"0.0.0.0/0", "2001:db8::1", false},
           {"::/0", "203.0.113.9", false},
           {"::/0", "2001:db8::1", true},
           {"2001:db8::/33", "2001:db8:7fff::1", true},
           {"2001:db8::/33", "2001:db8:8000::1", false},
       })) {
    const auto prefix = AddressPrefix::parse(one.prefix);
    ASSERT_TRUE(prefix) << one.prefix;
    EXPECT_EQ(prefix->contains(*IpAddress::parse(one.address)), one.inside) << one.prefix << one.address;
    EXPECT_EQ(prefix->to_string(), one.prefix);
  }
  for (const std::string_view text : {"", "/24", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/24x", "192.0.2/24",
                                      "192.0.2.0/33", "::/129", "192.0.2.128/24", "2001:db8::1/64", "a/8"})
    EXPECT_FALSE(AddressPrefix::parse(text)) << text;
}

}  // namespace
}  // namespace sallyport::control
