// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [trunk.NAME]: where it is, who calls from it, and what passwords become.
#include "control/config/trunk.h"

#include <algorithm>
#include <charconv>

#include "control/config/auth.h"
#include "control/config/names.h"
#include "control/config/section.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

namespace {

using crypto::DigestAlgorithm;

constexpr std::size_t kMaxTrunks = 1000;
constexpr std::size_t kMaxPrefix = 32;

NumberEdit read_edit(ConfigSection& section) {
  NumberEdit edit;
  edit.strip = section.count("strip", 0, 0, kMaxPrefix);
  edit.prefix = section.text("prefix", "");
  const auto ok = [](char c) { return (c >= '0' && c <= '9') || c == '+' || c == '*' || c == '#'; };
  if (edit.prefix.size() > kMaxPrefix || !std::ranges::all_of(edit.prefix, ok) ||
      edit.prefix.find('+', 1) != std::string::npos)
    section.error("prefix", "must be digits, '*' or '#', perhaps behind a '+'");
  return edit;
}

void read_host(ConfigSection& section, std::string_view key, std::string_view text, TrunkConfig& trunk) {
  const auto host = sip::parse_host_port(text);
  if (!host) return section.error(key, "must name a host: a domain or an address, IPv6 in brackets");
  trunk.host = sip::text::lower(host->host);
  trunk.port = host->port;
}

// `sip:host:port;transport=…`; host, port and transport say the same in pieces.
void read_uri(ConfigSection& section, TrunkConfig& trunk, std::optional<sip::Transport>& transport) {
  const std::string text = section.text("uri", "");
  const auto uri = sip::parse_uri(text);
  if (!uri || !uri->is_sip() || uri->has_user || !uri->headers.empty())
    return section.error("uri",
                         "must be a SIP URI without a user, such as \"sip:example.net;transport=tls\"");
  trunk.host = sip::text::lower(uri->host);
  trunk.port = uri->port;
  const std::string wanted = sip::text::lower(uri->parameters.value("transport"));
  for (const auto known : {sip::Transport::udp, sip::Transport::tcp, sip::Transport::tls})
    if (wanted == sip::text::lower(name(known))) transport = known;
  if (!wanted.empty() && !transport) section.error("uri", "its transport must be tls, tcp or udp");
  if (uri->scheme == sip::UriScheme::sips) transport = sip::Transport::tls;
}

void read_listener(ConfigSection& section, const Config& config, TrunkConfig& trunk) {
  const std::string wanted = section.text("listener", "");
  const auto& listeners = config.sip.transport.listeners;
  const auto found = std::ranges::find(listeners, wanted, &transport::ListenerSettings::name);
  if (found == listeners.end()) return section.error("listener", "must name a [sip.listener.NAME]");
  trunk.listener = static_cast<std::uint32_t>(found - listeners.begin());
  trunk.side = config.sip.listeners[trunk.listener].side;
  trunk.transport = found->transport;
  if (trunk.transport == sip::Transport::wss)
    section.error("listener", "is for browsers: trunks are reached over TLS, TCP or UDP");
}

void read_certificate(ConfigSection& section, const Config& config, TrunkConfig& trunk) {
  trunk.certificate = section.text("certificate", "");
  if (trunk.certificate.empty()) return;
  const auto& certificates = config.sip.transport.tls.certificates;
  if (std::ranges::find(certificates, trunk.certificate, &transport::CertificateFiles::name) ==
      certificates.end())
    section.error("certificate", "there is no [sip.certificate." + trunk.certificate + "]");
  if (trunk.transport != sip::Transport::tls) section.error("certificate", "is for transport = \"tls\" only");
}

void read_target(ConfigSection& section, const Config& config, TrunkConfig& trunk) {
  std::optional<sip::Transport> transport;
  if (section.has("uri")) {
    for (const std::string_view key : {"host", "port", "transport"})
      if (section.has(key)) section.error(key, "is said by uri already");
    read_uri(section, trunk, transport);
  } else if (section.has("host")) {
    const std::string host = section.text("host", "");
    const auto bare = IpAddress::parse(host);
    read_host(section, "host", bare && !bare->is_v4() ? "[" + host + "]" : host, trunk);
    if (trunk.port != 0) section.error("host", "must be without a port: that is a key of its own");
    trunk.port = static_cast<std::uint16_t>(section.number("port", 0, 1, 65535));
  }
  read_listener(section, config, trunk);
  if (section.has("transport"))
    transport = section.choice(
        "transport", trunk.transport,
        {{"tls", sip::Transport::tls}, {"tcp", sip::Transport::tcp}, {"udp", sip::Transport::udp}});
  if (transport && *transport != trunk.transport)
    section.error("listener", "is for another transport than the trunk's");
  read_certificate(section, config, trunk);
}

/// The keys of one account; who we are, or who they are.
struct AccountKeys {
  std::string_view realm, user, password, md5, sha_256, sha_512_256;
  [[nodiscard]] std::array<std::pair<DigestAlgorithm, std::string_view>, 3> digests() const {
    return {{{DigestAlgorithm::md5, md5},
             {DigestAlgorithm::sha_256, sha_256},
             {DigestAlgorithm::sha_512_256, sha_512_256}}};
  }
};
constexpr AccountKeys kOurs = {"realm", "user", "password", "ha1_md5", "ha1_sha256", "ha1_sha512_256"};
constexpr AccountKeys kTheirs = {"auth_inbound",    "inbound_user",       "inbound_password",
                                 "inbound_ha1_md5", "inbound_ha1_sha256", "inbound_ha1_sha512_256"};

void read_digests(ConfigSection& section, const AccountKeys& keys, DigestAccount& account) {
  for (const auto& [algorithm, key] : keys.digests()) {
    if (!section.has(key)) continue;
    std::string digits = section.text(key, "");
    std::array<std::uint8_t, crypto::kMaxHashLength> octets{};
    const auto hash = std::span(octets).first(crypto::info(algorithm).length);
    if (crypto::parse_hex(digits, hash))
      account.ha1[static_cast<std::size_t>(algorithm)] = crypto::Ha1(hash);
    else
      section.error(key, "must be " + std::to_string(2 * hash.size()) + " hexadecimal digits");
    wipe(octets.data(), octets.size());
    wipe(digits.data(), digits.size());
  }
}

std::optional<DigestAccount> read_account(ConfigSection& section, const AccountKeys& keys) {
  DigestAccount account;
  account.realm = section.text(keys.realm, "");
  account.user = section.text(keys.user, "");
  std::string password = section.text(keys.password, "");
  const bool digests_given =
      std::ranges::any_of(keys.digests(), [&](const auto& entry) { return section.has(entry.second); });
  const bool any = section.has(keys.realm) || section.has(keys.user) || !password.empty() || digests_given;
  read_digests(section, keys, account);
  if (any) {
    for (const auto& [key, value] : {std::pair(keys.realm, &account.realm), {keys.user, &account.user}})
      if (value->empty() || value->find_first_of("\"\\\r\n") != std::string::npos)
        section.error(key, "is needed, without quotes and backslashes");
    if (password.empty() != digests_given)
      section.error(keys.password, "is needed, or else digests made of it: one or the other");
    if (!password.empty()) {
      constexpr std::array kAll = {DigestAlgorithm::md5, DigestAlgorithm::sha_256,
                                   DigestAlgorithm::sha_512_256};
      account = make_account(account.realm, account.user, password, kAll);
    }
  }
  wipe(password.data(), password.size());
  if (!any) return std::nullopt;
  return account;
}

void read_secrets(ConfigSection& section, const Config& config, TrunkConfig& trunk) {
  TrunkSecrets secrets;
  secrets.account = read_account(section, kOurs);
  secrets.inbound = read_account(section, kTheirs);
  const bool has_auth = section.has("auth");
  AuthPolicy policy = read_auth(section.section("auth", "trunk." + trunk.name + ".auth"), config.auth);
  if (secrets.inbound) {
    policy.realm = secrets.inbound->realm;
    std::erase_if(policy.algorithms, [&](DigestAlgorithm algorithm) {
      return secrets.inbound->ha1[static_cast<std::size_t>(algorithm)].empty();
    });
    if (policy.algorithms.empty())
      section.error("auth_inbound", "needs a digest for one of the algorithms that are asked for");
    trunk.inbound_auth = std::move(policy);
  } else if (has_auth) {
    section.error("auth", "needs auth_inbound: in which realm?");
  }
  trunk.secrets = std::make_shared<const TrunkSecrets>(std::move(secrets));
}

void read_sources(ConfigSection& section, const Config& config, TrunkConfig& trunk) {
  for (const std::string& text : section.texts("addresses")) {
    const auto prefix = AddressPrefix::parse(text);
    if (prefix)
      trunk.addresses.push_back(*prefix);
    else
      section.error("addresses", "'" + text + "': " + prefix.error().text);
  }
  for (const std::string& text : section.texts("tls_names")) {
    std::string name = sip::text::lower(text);
    if (!valid_domain(name) && !IpAddress::parse(name))
      section.error("tls_names", "'" + text + "' is neither a domain nor an address");
    trunk.tls_names.push_back(std::move(name));
  }
  if (trunk.listener < config.sip.transport.listeners.size() && !trunk.tls_names.empty() &&
      config.sip.transport.listeners[trunk.listener].client_certificates ==
          transport::ClientCertificates::none)
    section.error("tls_names", "needs a listener that asks for client_certificates");
  if (trunk.inbound_auth && trunk.addresses.empty() && trunk.tls_names.empty())
    section.error("auth_inbound", "needs addresses or tls_names: whom is it asked of?");
}

bool read_statuses(std::string_view text, StatusRange& range) {
  if (text.size() != 3 || text[0] < '4' || text[0] > '5') return false;
  if (text.substr(1) == "xx") {
    range.first = static_cast<std::uint16_t>((text[0] - '0') * 100);
    range.last = static_cast<std::uint16_t>(range.first + 99);
    return true;
  }
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + 3, range.first);
  range.last = range.first;
  return failure == std::errc{} && stop == text.data() + 3;
}

void read_load(ConfigSection& section, TrunkConfig& trunk) {
  trunk.options_interval_s = section.count("options_interval_s", trunk.options_interval_s, 0, 86400);
  trunk.options_timeout_s = section.count("options_timeout_s", trunk.options_timeout_s, 1, 32);
  trunk.options_failures = section.count("options_failures", trunk.options_failures, 1, 100);
  trunk.max_calls = section.count("max_calls", 0, 0, 1000000);
  trunk.calls_per_second = section.count("calls_per_second", 0, 0, 1000000);
  if (section.has("failover")) trunk.failover.clear();
  for (const std::string& text : section.texts("failover")) {
    StatusRange range;
    if (read_statuses(text, range))
      trunk.failover.push_back(range);
    else
      section.error("failover", "'" + text + "' is neither a status from 400 to 599 nor \"4xx\" or \"5xx\"");
  }
}

void check_whole(ConfigSection& section, const Config& config, const TrunkConfig& trunk) {
  if (trunk.host.empty() && trunk.addresses.empty() && trunk.tls_names.empty())
    section.error("", "needs host or uri to call it, or addresses or tls_names to be called from it");
  for (const TrunkConfig& other : config.trunks) {
    if (other.listener != trunk.listener) continue;
    for (const std::string& name : trunk.tls_names)
      if (std::ranges::find(other.tls_names, name) != other.tls_names.end())
        section.error("tls_names", "'" + name + "' is trunk " + other.name + "'s already");
    // Where one has names, the name decides.
    if (other.tls_names.empty() != trunk.tls_names.empty() || !trunk.tls_names.empty()) continue;
    for (const AddressPrefix& prefix : trunk.addresses)
      if (std::ranges::find(other.addresses, prefix) != other.addresses.end())
        section.error("addresses", prefix.to_string() + " is trunk " + other.name + "'s already");
  }
}

void read_trunk(ConfigSection& section, TrunkConfig trunk, Config& config) {
  trunk.group = section.text("group", trunk.name);
  trunk.priority = section.count("priority", trunk.priority, 0, 65535);
  trunk.weight = section.count("weight", trunk.weight, 0, 65535);
  trunk.enabled = section.flag("enabled", trunk.enabled);
  read_target(section, config, trunk);
  trunk.edit = read_edit(section);
  trunk.from_domain = sip::text::lower(section.text("from_domain", ""));
  if (section.has("from_domain") && !valid_domain(trunk.from_domain) && !IpAddress::parse(trunk.from_domain))
    section.error("from_domain", "must be a domain or an address");
  read_secrets(section, config, trunk);
  read_sources(section, config, trunk);
  read_load(section, trunk);
  check_whole(section, config, trunk);
  if (!valid_name(trunk.group)) section.error("group", "must be a name as trunks have them");
  if (config.trunks.size() == kMaxTrunks) section.error("", "at most 1000 trunks can be used");
  config.trunks.push_back(std::move(trunk));
}

}  // namespace

std::optional<std::string> NumberEdit::apply(std::string_view number) const {
  if (number.size() <= strip && strip != 0) return std::nullopt;
  return prefix + std::string(number.substr(strip));
}

bool TrunkConfig::fails_over(unsigned status) const {
  return std::ranges::any_of(
      failover, [&](const StatusRange& range) { return status >= range.first && status <= range.last; });
}

void read_trunks(ConfigSection section, Config& config) {
  for (const std::string& name : section.keys()) {
    if (section.table(name) == nullptr) continue;
    ConfigSection one = section.section(name, "trunk." + name);
    if (!valid_name(name)) one.error("", "a name has 1 to 32 letters, digits, '-', '_' or '.'");
    TrunkConfig trunk;
    trunk.name = name;
    read_trunk(one, std::move(trunk), config);
    one.finish();
  }
}

}  // namespace sallyport::control
