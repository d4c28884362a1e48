// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [[route]]: what is called, by whom, and where that goes.
#include <algorithm>

#include "control/config/names.h"
#include "control/config/section.h"
#include "control/config/trunk.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxRoutes = 1000;
constexpr std::size_t kMaxPattern = 64;
constexpr std::uint32_t kMaxNumber = 32;

// `registered`, `+49`, `@example.net`, `+49@example.net`, `@*`, or nothing for any number of ours.
void read_match(ConfigSection& section, RouteConfig& route) {
  if (!section.has("match")) section.error("match", "is needed; \"\" takes every number of our domains");
  const std::string text = section.text("match", "");
  route.match = text == "registered" ? RouteConfig::Match::registered : RouteConfig::Match::pattern;
  if (route.match == RouteConfig::Match::registered) return;
  const auto at = text.find('@');
  route.number = text.substr(0, at);
  if (route.number.size() > kMaxPattern ||
      !std::ranges::all_of(route.number, [](char c) { return c > ' ' && c < 0x7f; }))
    section.error("match", "a number's beginning has at most 64 printable characters");
  if (at == std::string::npos) return;
  route.domain = sip::text::lower(text.substr(at + 1));
  route.any_domain = route.domain == "*";
  if (route.any_domain)
    route.domain.clear();
  else if (!valid_domain(route.domain) && !sip::parse_host_port(route.domain))
    section.error("match", "'" + route.domain + "' is no domain");
}

void read_user(ConfigSection& section, const Config& config, RouteConfig& route) {
  const std::string text = section.text("user", "");
  const auto at = text.find('@');
  if (config.registrar.domains.empty()) return section.error("user", "needs registrar.domains");
  const std::string domain =
      at == std::string::npos ? config.registrar.domains.front() : sip::text::lower(text.substr(at + 1));
  if (std::ranges::find(config.registrar.domains, domain) == config.registrar.domains.end())
    section.error("user", "must be in one of registrar.domains");
  if (!is_user_name(text.substr(0, at))) return section.error("user", "must name a user such as \"alice\"");
  route.target = make_aor(text.substr(0, at), domain);
}

void read_destination(ConfigSection& section, const Config& config, RouteConfig& route) {
  constexpr std::string_view kKeys[] = {"group", "trunk", "user", "registered", "refuse"};
  if (std::ranges::count_if(kKeys, [&](std::string_view key) { return section.has(key); }) != 1)
    section.error("", "needs exactly one of group, trunk, user, registered and refuse");
  if (section.has("group")) {
    route.to = RouteConfig::To::group;
    route.target = section.text("group", "");
    if (std::ranges::find(config.trunks, route.target, &TrunkConfig::group) == config.trunks.end())
      section.error("group", "no [trunk.NAME] is in this group");
  }
  if (section.has("trunk")) {
    route.to = RouteConfig::To::trunk;
    route.target = section.text("trunk", "");
    const auto found = std::ranges::find(config.trunks, route.target, &TrunkConfig::name);
    if (found == config.trunks.end())
      section.error("trunk", "there is no [trunk." + route.target + "]");
    else if (found->host.empty())
      section.error("trunk", "has no host to be called");
  }
  if (section.has("user")) read_user(section, config, route);
  if (section.has("registered") && !section.flag("registered", true))
    section.error("registered", "can only be true");
  if (section.has("refuse")) {
    route.to = RouteConfig::To::refuse;
    route.status = static_cast<std::uint16_t>(section.number("refuse", 403, 400, 699));
  }
}

void read_edit(ConfigSection& section, RouteConfig& route) {
  route.edit.strip = section.count("strip", 0, 0, kMaxNumber);
  route.edit.prefix = section.text("prefix", "");
  if (route.edit.prefix.size() > kMaxNumber ||
      !std::ranges::all_of(route.edit.prefix, [](char c) { return c > ' ' && c < 0x7f && c != '@'; }))
    section.error("prefix", "must be at most 32 printable characters without '@'");
  route.min_length = section.count("min_length", 0, 0, kMaxNumber);
}

RouteConfig read_route(ConfigSection& section, const Config& config) {
  RouteConfig route;
  read_match(section, route);
  route.from_side = section.text("from_side", "");
  if (section.has("from_side") && !config.policies.contains(route.from_side))
    section.error("from_side", "must name a [media.side.NAME]");
  // Beside match = "registered" the other keys have no meaning, and finish() says so.
  if (route.match == RouteConfig::Match::registered) return route;
  read_destination(section, config, route);
  read_edit(section, route);
  return route;
}

}  // namespace

void read_routes(ConfigSection& root, Config& config) {
  for (ConfigSection& section : root.list("route")) {
    config.routes.push_back(read_route(section, config));
    section.finish();
  }
  if (config.routes.size() > kMaxRoutes) root.error("route", "at most 1000 routes can be used");
  if (std::ranges::find(config.routes, RouteConfig::Match::registered, &RouteConfig::match) ==
      config.routes.end())
    config.routes.insert(config.routes.begin(), RouteConfig{});
}

}  // namespace sallyport::control
