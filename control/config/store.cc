// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [store] and [registrar].
#include "control/config/store.h"

#include "control/config/section.h"
#include "sip/uri.h"

namespace sallyport::control {

namespace {

constexpr std::uint32_t kLongestExpiry = 604800;  // a week

void read_domains(ConfigSection& section, RegistrarConfig& registrar) {
  if (section.has("domains")) registrar.domains = section.texts("domains");
  for (std::string& domain : registrar.domains) {
    for (char& c : domain)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    const auto host = sip::parse_host_port(domain);
    if (!host || host->port != 0) section.error("domains", "must list domain names or addresses");
  }
  registrar.realm = section.text("realm", registrar.domains.empty() ? "" : registrar.domains.front());
  if (registrar.realm.find_first_of("\"\\\r\n") != std::string::npos)
    section.error("realm", "must not hold quotes or backslashes");
}

void read_service_route(ConfigSection& section, RegistrarConfig& registrar) {
  if (!section.has("service_route")) return;
  registrar.service_route = section.texts("service_route");
  for (const std::string& text : registrar.service_route) {
    const auto uri = sip::parse_uri(text);
    if (!uri || !uri->is_sip() || !uri->is_loose_route())
      section.error("service_route",
                    "must list SIP URIs of loose routers such as \"sip:proxy.example.com;lr\"");
  }
}

}  // namespace

StoreConfig read_store(ConfigSection section) {
  StoreConfig store;
  store.path = section.text("path", store.path);
  if (store.path.empty() || store.path.front() != '/') section.error("path", "must be an absolute path");
  store.durability = section.choice("durability", store.durability,
                                    {{"power", Durability::power}, {"process", Durability::process}});
  store.queue = section.count("queue", store.queue, 16, 1000000);
  section.finish();
  return store;
}

RegistrarConfig read_registrar(ConfigSection section) {
  RegistrarConfig registrar;
  read_domains(section, registrar);
  registrar.min_expires_s = section.count("min_expires_s", registrar.min_expires_s, 1, 3600);
  registrar.max_expires_s = section.count("max_expires_s", registrar.max_expires_s, 1, kLongestExpiry);
  registrar.default_expires_s =
      section.count("default_expires_s", registrar.default_expires_s, 1, kLongestExpiry);
  if (registrar.max_expires_s < registrar.min_expires_s)
    section.error("max_expires_s", "must not be less than min_expires_s");
  else if (registrar.default_expires_s < registrar.min_expires_s ||
           registrar.default_expires_s > registrar.max_expires_s)
    section.error("default_expires_s", "must lie between min_expires_s and max_expires_s");
  registrar.bindings_per_user = section.count("bindings_per_user", registrar.bindings_per_user, 1, 100);
  registrar.bindings = section.count("bindings", registrar.bindings, 1, 10000000);
  registrar.flow_timer_s = section.count("flow_timer_s", registrar.flow_timer_s, 0, 3600);
  registrar.require_path_support = section.flag("require_path_support", registrar.require_path_support);
  read_service_route(section, registrar);
  section.finish();
  return registrar;
}

}  // namespace sallyport::control
