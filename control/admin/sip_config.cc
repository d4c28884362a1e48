// SPDX-License-Identifier: GPL-3.0-or-later
// What is configured of SIP, calls and trunks, as JSON. Of passwords and what they became nothing is told.
#include <boost/json/array.hpp>

#include "control/admin/config_reply.h"
#include "crypto/suite.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::array texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

template <typename List, typename Write>
json::array list_of(const List& list, Write write) {
  json::array array;
  for (const auto& one : list) array.push_back(json::string(write(one)));
  return array;
}

std::string_view name_of(transport::ClientCertificates wanted) {
  using enum transport::ClientCertificates;
  return wanted == none ? "none" : wanted == request ? "request" : "require";
}

std::string_view name_of(sip::MediaSecurity security) {
  using enum sip::MediaSecurity;
  return security == required ? "required" : security == preferred ? "preferred" : "none";
}

std::string_view name_of(sip::BundleUse bundle) {
  using enum sip::BundleUse;
  return bundle == off ? "off" : bundle == accept ? "accept" : "offer";
}

std::string_view name_of(IdentityPolicy identity) {
  using enum IdentityPolicy;
  if (identity == rewrite) return "rewrite";
  if (identity == assert_only) return "assert";
  return identity == match ? "match" : "pass";
}

std::string_view name_of(PrivacyPolicy privacy) {
  using enum PrivacyPolicy;
  return privacy == enforce ? "enforce" : privacy == pass ? "pass" : "refuse";
}

std::string_view name_of(ProductPolicy product) {
  using enum ProductPolicy;
  return product == ours ? "ours" : product == pass ? "pass" : "none";
}

std::string_view name_of(RouteConfig::To to) {
  using enum RouteConfig::To;
  if (to == group) return "group";
  if (to == trunk) return "trunk";
  return to == user ? "user" : "refuse";
}

json::object auth_object(const AuthPolicy& auth) {
  json::object object;
  object["algorithms"] =
      list_of(auth.algorithms, [](crypto::DigestAlgorithm one) { return crypto::info(one).name; });
  object["challenge"] = auth.challenge == ChallengeMode::all ? "all" : "single";
  object["qop"] = list_of(auth.qops, [](crypto::Qop qop) { return crypto::name(qop); });
  object["nonce_lifetime_s"] = auth.nonce_lifetime_s;
  object["userhash"] = auth.userhash;
  object["match_uri"] = auth.match_uri;
  return object;
}

json::object listener_object(const transport::ListenerSettings& listener, const SipListenerConfig& beside) {
  json::object object{{"transport", json::string_view(sip::name(listener.transport))},
                      {"address", listener.address.to_string()},
                      {"side", beside.side},
                      {"allow_plain", beside.allow_plain},
                      {"certificates", texts(listener.certificates)},
                      {"client_certificates", json::string_view(name_of(listener.client_certificates))}};
  if (listener.transport == sip::Transport::wss) {
    const transport::WebSocketRules& rules = listener.websocket;
    object["origins"] = rules.any_origin ? json::array{"*"} : texts(rules.origins);
    object["allow_no_origin"] = rules.no_origin;
    object["path"] = rules.path;
    object["ping_s"] = rules.ping_s;
  }
  if (beside.auth) object["auth"] = auth_object(*beside.auth);
  return object;
}

json::object tls_object(const transport::TlsSettings& tls) {
  return {{"ca", tls.ca},
          {"crl", tls.crl},
          {"min_version", tls.min_version == transport::TlsVersion::tls1_3 ? "1.3" : "1.2"},
          {"ciphers", tls.ciphers},
          {"suites", tls.suites},
          {"groups", tls.groups}};
}

json::object limits_object(const transport::TransportSettings& settings) {
  json::object object;
  for (const transport::LimitInfo& limit : transport::kLimits)
    object[limit.name] = settings.limits[limit.limit];
  for (const sip::LimitInfo& limit : sip::kLimits)
    if (limit.limit != sip::Limit::none) object[limit.name] = settings.sip_limits[limit.limit];
  return object;
}

json::object policy_object(const SidePolicy& policy) {
  json::object object;
  object["media"] = json::string_view(name_of(policy.media.security));
  object["dual_lines"] = json::string_view(sip::name(policy.media.dual_lines));
  object["suites"] =
      list_of(policy.media.crypto.suites, [](crypto::SuiteId suite) { return crypto::suite(suite).name; });
  object["unencrypted_srtcp"] = policy.media.crypto.unencrypted_srtcp;
  object["accept_mux"] = policy.media.accept_mux;
  object["bundle"] = json::string_view(name_of(policy.media.bundle));
  object["offer_mux"] = policy.media.offer_mux;
  object["header_extensions"] = policy.media.filter.keep_extensions ? "pass" : "strip";
  object["drop_attributes"] = texts(policy.media.filter.dropped);
  object["trust"] = policy.trust;
  object["identity"] = json::string_view(name_of(policy.identity));
  object["privacy"] = json::string_view(name_of(policy.privacy));
  object["user_agent"] = json::string_view(name_of(policy.user_agent));
  object["events"] = policy.events;
  return object;
}

json::object calls_object(const CallsConfig& calls) {
  return {{"session_expires_s", calls.session_expires_s},
          {"min_se_s", calls.min_se_s},
          {"first_response_s", calls.first_response_s},
          {"progress_s", calls.progress_s},
          {"ring_s", calls.ring_s},
          {"reconnect_s", calls.reconnect_s},
          {"max_duration_s", calls.max_duration_s},
          {"max_forwards", calls.max_forwards},
          {"max_redirects", calls.max_redirects},
          {"max_branches", calls.max_branches},
          {"max_targets", calls.max_targets},
          {"retry_after_s", calls.retry_after_s},
          {"guests", calls.guests}};
}

json::value account_value(const std::optional<DigestAccount>& account) {
  return account ? json::value(account->user + " in " + account->realm) : json::value(nullptr);
}

json::object trunk_object(const TrunkConfig& trunk, const SipConfig& sip) {
  json::object object;
  object["group"] = trunk.group;
  object["priority"] = trunk.priority;
  object["weight"] = trunk.weight;
  object["enabled"] = trunk.enabled;
  object["host"] = trunk.host;
  object["port"] = trunk.port;
  object["transport"] = json::string_view(sip::name(trunk.transport));
  object["listener"] = sip.transport.listeners[trunk.listener].name;
  object["certificate"] = trunk.certificate;
  object["strip"] = trunk.edit.strip;
  object["prefix"] = trunk.edit.prefix;
  object["from_domain"] = trunk.from_domain;
  object["failover"] = list_of(trunk.failover, [](const StatusRange& range) {
    return std::to_string(range.first) + "-" + std::to_string(range.last);
  });
  object["addresses"] = list_of(trunk.addresses, [](const AddressPrefix& one) { return one.to_string(); });
  object["tls_names"] = texts(trunk.tls_names);
  if (trunk.secrets != nullptr) {
    object["account"] = account_value(trunk.secrets->account);
    object["inbound"] = account_value(trunk.secrets->inbound);
  }
  object["inbound_auth"] =
      trunk.inbound_auth ? json::value(auth_object(*trunk.inbound_auth)) : json::value(nullptr);
  object["options_interval_s"] = trunk.options_interval_s;
  object["options_timeout_s"] = trunk.options_timeout_s;
  object["options_failures"] = trunk.options_failures;
  object["max_calls"] = trunk.max_calls;
  object["calls_per_second"] = trunk.calls_per_second;
  return object;
}

json::object route_object(const RouteConfig& route) {
  if (route.match == RouteConfig::Match::registered) return {{"match", "registered"}};
  return {{"number", route.number},
          {"domain", route.any_domain ? "*" : route.domain},
          {"min_length", route.min_length},
          {"from_side", route.from_side},
          {"to", json::string_view(name_of(route.to))},
          {"target", route.target},
          {"strip", route.edit.strip},
          {"prefix", route.edit.prefix},
          {"status", route.status}};
}

json::object sip_object(const SipConfig& sip) {
  json::object listeners, certificates;
  for (std::size_t i = 0; i < sip.listeners.size(); ++i)
    if (sip.listeners[i].open)
      listeners[sip.transport.listeners[i].name] =
          listener_object(sip.transport.listeners[i], sip.listeners[i]);
  for (const transport::CertificateFiles& files : sip.transport.tls.certificates)
    certificates[files.name] = json::object{{"certificate", files.certificate}, {"key", files.key}};
  json::object object;
  object["domains"] = texts(sip.domains);
  object["server_name"] = sip.server_name;
  object["handshake_threads"] = sip.transport.handshake_threads;
  object["listener"] = std::move(listeners);
  object["certificate"] = std::move(certificates);
  object["tls"] = tls_object(sip.transport.tls);
  object["limits"] = limits_object(sip.transport);
  object["dns"] = json::object{
      {"servers", list_of(sip.resolver.servers, [](const Endpoint& one) { return one.to_string(); })},
      {"timeout_ms", sip.resolver.timeout_ms},
      {"attempts", sip.resolver.attempts},
      {"hosts_file", sip.resolver.hosts_file}};
  return object;
}

}  // namespace

void add_sip_config(const Config& config, json::object& object) {
  json::object policies, trunks;
  for (const auto& [side, policy] : config.policies) policies[side] = policy_object(policy);
  for (const TrunkConfig& trunk : config.trunks) trunks[trunk.name] = trunk_object(trunk, config.sip);
  json::array routes;
  for (const RouteConfig& route : config.routes) routes.push_back(route_object(route));
  object["auth"] = auth_object(config.auth);
  object["sip"] = sip_object(config.sip);
  object["policy"] = std::move(policies);
  object["calls"] = calls_object(config.calls);
  object["trunk"] = std::move(trunks);
  object["route"] = std::move(routes);
  object["records"] = json::object{{"path", config.records.path}};
}

}  // namespace sallyport::control
