// SPDX-License-Identifier: GPL-3.0-or-later
// Listeners, certificates, rules of TLS, limits and DNS, from TOML.
#include "control/config/sip.h"

#include <algorithm>
#include <optional>

#include <toml++/toml.h>

#include "control/config/auth.h"
#include "control/config/names.h"
#include "control/config/section.h"
#include "sip/text.h"

namespace sallyport::control {

namespace {

using transport::ClientCertificates;
using transport::ListenerSettings;
using transport::TlsVersion;

constexpr std::size_t kMaxListeners = 64;
constexpr std::size_t kMaxCertificates = 256;

std::string read_path(ConfigSection& section, std::string_view key, bool required) {
  std::string path = section.text(key, "");
  const bool given = section.has(key);
  if ((given || required) && (path.empty() || path.front() != '/'))
    section.error(key, "must be an absolute path");
  return path;
}

/// Calls `read` with each sub-table of `parent` under `key`.
template <typename Read>
void for_each_table(ConfigSection& parent, std::string_view key, const std::string& prefix, Read read) {
  ConfigSection list = parent.section(key, prefix);
  for (const std::string& name : list.keys()) {
    if (list.table(name) == nullptr) continue;
    ConfigSection section = list.section(name, prefix + "." + name);
    if (!valid_name(name)) section.error("", "a name has 1 to 32 letters, digits, '-', '_' or '.'");
    read(section, name);
    section.finish();
  }
}

void read_domains(ConfigSection& section, const Config& config, SipConfig& sip) {
  if (!section.has("domains")) {
    static_cast<void>(section.texts("domains"));
    sip.domains = config.registrar.domains;
    return;
  }
  for (const std::string& text : section.texts("domains")) {
    std::string domain = sip::text::lower(text);
    if (!valid_domain(domain) && !IpAddress::parse(domain))
      section.error("domains", "'" + text + "' is neither a domain nor an address");
    sip.domains.push_back(std::move(domain));
  }
  if (sip.domains.empty()) section.error("domains", "must name at least one domain");
}

void read_certificates(ConfigSection& sip_section, SipConfig& sip) {
  for_each_table(
      sip_section, "certificate", "sip.certificate", [&](ConfigSection& section, const std::string& name) {
        if (sip.transport.tls.certificates.size() == kMaxCertificates)
          section.error("", "at most " + std::to_string(kMaxCertificates) + " certificates can be used");
        std::string certificate = read_path(section, "certificate", true);
        sip.transport.tls.certificates.push_back(
            {name, std::move(certificate), read_path(section, "key", true)});
      });
}

void read_tls(ConfigSection section, transport::TlsSettings& tls) {
  tls.ca = read_path(section, "ca", false);
  tls.crl = read_path(section, "crl", false);
  if (!tls.crl.empty() && tls.ca.empty()) section.error("crl", "needs ca: whose revocations are they?");
  tls.min_version = section.choice("min_version", tls.min_version,
                                   {{"1.2", TlsVersion::tls1_2}, {"1.3", TlsVersion::tls1_3}});
  for (const auto& [key, value] : {std::pair("ciphers", &tls.ciphers), std::pair("suites", &tls.suites),
                                   std::pair("groups", &tls.groups)}) {
    *value = section.text(key, *value);
    if (value->empty()) section.error(key, "must name at least one");
  }
  section.finish();
}

void read_limits(ConfigSection section, transport::TransportSettings& settings) {
  for (const transport::LimitInfo& about : transport::kLimits)
    settings.limits.set(about.limit, section.number(about.name, about.standard, about.lowest, about.highest));
  for (const sip::LimitInfo& about : sip::kLimits) {
    if (about.limit == sip::Limit::none) continue;
    settings.sip_limits.set(about.limit,
                            section.count(about.name, about.standard, about.lowest, about.highest));
  }
  section.finish();
}

void read_dns(ConfigSection section, transport::ResolverSettings& dns) {
  for (const std::string& text : section.texts("servers")) {
    auto server = Endpoint::parse(text);
    if (const auto address = IpAddress::parse(text)) server = Endpoint{*address, 53};
    if (!server || server->port == 0)
      section.error("servers", "'" + text + "' is no address, or address and port");
    else
      dns.servers.push_back(*server);
  }
  dns.timeout_ms = section.count("timeout_ms", dns.timeout_ms, 100, 30000);
  dns.attempts = section.count("attempts", dns.attempts, 1, 10);
  dns.hosts_file = section.flag("hosts_file", dns.hosts_file);
  section.finish();
}

Endpoint read_address(ConfigSection& section) {
  const auto address = Endpoint::parse(section.text("address", ""));
  if (!address || address->port == 0) {
    section.error("address",
                  "must be an address and a port, such as \"192.0.2.1:5061\" or \"[2001:db8::1]:5061\"");
    return {};
  }
  // It is written into Via and Contact, and answers must leave from it.
  if (address->address.is_unspecified() || address->address.is_multicast())
    section.error("address", "must be one address of this machine");
  return *address;
}

void check_tls_listener(ConfigSection& section, const ListenerSettings& listener, const SipConfig& sip) {
  if (listener.certificates.empty())
    section.error("certificates", "must name at least one [sip.certificate.NAME]");
  for (const std::string& name : listener.certificates) {
    const bool known = std::ranges::any_of(sip.transport.tls.certificates,
                                           [&](const auto& certificate) { return certificate.name == name; });
    if (!known) section.error("certificates", "there is no [sip.certificate." + name + "]");
  }
  if (listener.client_certificates != ClientCertificates::none && sip.transport.tls.ca.empty())
    section.error("client_certificates", "needs sip.tls.ca: whose certificates are good?");
}

void check_plain_listener(ConfigSection& section, const ListenerSettings& listener, bool allow_plain) {
  // Phones' passwords' digests and calls' keys do not belong on an open wire: who wants it says so.
  if (!allow_plain)
    section.error("transport", "TCP and UDP are for trusted trunks: allow_plain = true says that these are");
  if (!listener.certificates.empty())
    section.error("certificates", "is for transport = \"tls\" or \"wss\" only");
  if (listener.client_certificates != ClientCertificates::none)
    section.error("client_certificates", "is for transport = \"tls\" or \"wss\" only");
}

/// An origin as browsers write it (RFC 6454 §6.2): scheme, host, and a port where it is not the scheme's own.
bool is_origin(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0 || end + 3 == text.size()) return false;
  const auto in_scheme = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  const auto in_host = [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("/?#@\\\"").find(c) == std::string_view::npos &&
           (c < 'A' || c > 'Z');
  };
  return std::ranges::all_of(text.substr(0, end), in_scheme) &&
         std::ranges::all_of(text.substr(end + 3), in_host);
}

transport::WebSocketRules read_websocket(ConfigSection& section) {
  transport::WebSocketRules rules;
  for (std::string& origin : section.texts("origins")) {
    if (origin == "*")
      rules.any_origin = true;
    else if (is_origin(origin))
      rules.origins.push_back(std::move(origin));
    else
      section.error("origins", "'" + origin +
                                   "' is neither an origin as browsers send it, such as "
                                   "\"https://phone.example.com\", nor \"*\" for any");
  }
  if (rules.any_origin && !rules.origins.empty()) section.error("origins", "\"*\" is any: it stands alone");
  rules.no_origin = section.flag("allow_no_origin", rules.no_origin);
  rules.path = section.text("path", rules.path);
  const auto in_path = [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; };
  if (!rules.path.empty() && (rules.path.front() != '/' || !std::ranges::all_of(rules.path, in_path)))
    section.error("path", "must begin with '/' and have no '?', '#' or blanks");
  rules.ping_s = section.count("ping_s", rules.ping_s, 1, 3600);
  return rules;
}

void check_websocket_keys(ConfigSection& section, const ListenerSettings& listener) {
  const transport::WebSocketRules& rules = listener.websocket;
  if (listener.transport == sip::Transport::wss) {
    if (rules.origins.empty() && !rules.any_origin && !rules.no_origin)
      section.error("origins", "must list the origins whose pages may connect, or \"*\" for any");
    return;
  }
  for (const std::string_view key : {"origins", "allow_no_origin", "path", "ping_s"})
    if (section.has(key)) section.error(key, "is for transport = \"wss\" only");
}

void read_listener(ConfigSection& section, const std::string& name, Config& config) {
  SipConfig& sip = config.sip;
  ListenerSettings listener;
  listener.name = name;
  listener.transport = section.choice("transport", listener.transport,
                                      {{"tls", sip::Transport::tls},
                                       {"wss", sip::Transport::wss},
                                       {"tcp", sip::Transport::tcp},
                                       {"udp", sip::Transport::udp}});
  listener.address = read_address(section);
  listener.certificates = section.texts("certificates");
  listener.client_certificates = section.choice("client_certificates", listener.client_certificates,
                                                {{"none", ClientCertificates::none},
                                                 {"request", ClientCertificates::request},
                                                 {"require", ClientCertificates::require}});
  SipListenerConfig beside;
  beside.side = section.text("side", "");
  beside.allow_plain = section.flag("allow_plain", false);
  static_cast<void>(section.table("media"));  // read_listener_media()'s, after the policies
  if (section.has("auth"))
    beside.auth = read_auth(section.section("auth", "sip.listener." + name + ".auth"), config.auth);
  if (std::ranges::none_of(config.sides, [&](const SideConfig& side) { return side.name == beside.side; }))
    section.error("side", "must name a [media.side.NAME]");
  listener.websocket = read_websocket(section);
  check_websocket_keys(section, listener);
  if (sip::is_secure(listener.transport))
    check_tls_listener(section, listener, sip);
  else
    check_plain_listener(section, listener, beside.allow_plain);
  const auto same_socket = [&](const ListenerSettings& other) {
    const bool one_kind =
        (other.transport == sip::Transport::udp) == (listener.transport == sip::Transport::udp);
    return one_kind && other.address == listener.address && listener.address.port != 0;
  };
  if (std::ranges::any_of(sip.transport.listeners, same_socket))
    section.error("address", "is another listener's already");
  if (sip.listeners.size() == kMaxListeners)
    section.error("", "at most " + std::to_string(kMaxListeners) + " listeners can be used");
  sip.transport.listeners.push_back(std::move(listener));
  sip.listeners.push_back(std::move(beside));
}

}  // namespace

transport::TransportSettings open_settings(const SipConfig& sip) {
  transport::TransportSettings settings = sip.transport;
  settings.listeners.clear();
  for (std::size_t i = 0; i < sip.listeners.size(); ++i)
    if (sip.listeners[i].open) settings.listeners.push_back(sip.transport.listeners[i]);
  return settings;
}

void read_sip(ConfigSection section, Config& config) {
  SipConfig& sip = config.sip;
  read_domains(section, config, sip);
  sip.server_name = section.text("server_name", "");
  if (std::ranges::any_of(sip.server_name, [](char c) { return c < ' ' || c == 0x7f; }))
    section.error("server_name", "must be printable");
  sip.transport.handshake_threads = static_cast<unsigned>(section.number("handshake_threads", 1, 1, 64));
  read_certificates(section, sip);
  read_tls(section.section("tls", "sip.tls"), sip.transport.tls);
  read_limits(section.section("limits", "sip.limits"), sip.transport);
  read_dns(section.section("dns", "sip.dns"), sip.resolver);
  for_each_table(section, "listener", "sip.listener", [&](ConfigSection& listener, const std::string& name) {
    read_listener(listener, name, config);
  });
  if (!sip.transport.listeners.empty() && config.store.path.empty())
    section.error("listener", "needs [store]: where are users and their registrations kept?");
  sip.transport.tls.domains = sip.domains;
  section.finish();
}

}  // namespace sallyport::control
