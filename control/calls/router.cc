// SPDX-License-Identifier: GPL-3.0-or-later
// Following the rules: the first that matches decides.
#include "control/calls/router.h"

#include <algorithm>
#include <optional>

#include "control/config/names.h"
#include "sip/status.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

/// The called one, taken apart.
struct Router::Called {
  std::string user;    ///< unescaped; of a number, without parameters and visual separators
  std::string domain;  ///< lower case; empty for a number that belongs to none
  bool ours = false;
  bool phone = false;  ///< tel, or user=phone
  bool sips = false;   ///< nothing but TLS may carry it
};

namespace {

using Match = RouteConfig::Match;
using To = RouteConfig::To;

tl::unexpected<RouteRefusal> refuse(unsigned status, std::string reason = {},
                                    std::uint32_t retry_after_s = 0) {
  if (reason.empty()) reason = sip::reason_phrase(status);
  return tl::unexpected(RouteRefusal{status, std::move(reason), retry_after_s});
}

/// RFC 3966 §3: what may stand in a number for the eye.
std::string without_separators(std::string_view number) {
  std::string digits;
  for (const char c : number)
    if (c != '-' && c != '.' && c != '(' && c != ')') digits += c;
  return digits;
}

bool looks_like_number(std::string_view user) {
  return !user.empty() && (user.front() == '+' || (user.front() >= '0' && user.front() <= '9'));
}

/// `+49-30-12345`: a number even where nobody says user=phone.
bool is_global_number(std::string_view user) {
  return user.starts_with('+') && user.find_first_not_of("0123456789-.()", 1) == std::string_view::npos;
}

std::string rule_text(const RouteConfig& route) {
  if (route.match == Match::registered) return "registered";
  std::string text = route.number;
  if (!route.domain.empty() || route.any_domain) text += "@" + (route.any_domain ? "*" : route.domain);
  const bool named = route.to == To::group || route.to == To::trunk;
  return text + " -> " + (named ? route.target : route.to == To::user ? "registered" : "refused");
}

bool carried_by_tls(const Target& target) {
  return sip::is_secure(target.flow.transport) || target.contact.starts_with("sips:");
}

bool matches(const RouteConfig& route, std::string_view number, std::string_view domain, bool ours) {
  if (!number.starts_with(route.number)) return false;
  if (route.any_domain) return true;
  return route.domain.empty() ? ours : route.domain == domain;
}

}  // namespace

Router::Router(const Config& config, Subscriptions subscriptions, Trunks& trunks)
    : config_(config), subscriptions_(subscriptions), trunks_(trunks) {}

bool Router::is_ours(std::string_view host) const {
  const std::string domain = sip::text::lower(host);
  for (const auto* domains : {&config_.sip.domains, &config_.registrar.domains})
    if (std::ranges::find(*domains, domain) != domains->end()) return true;
  std::string_view bare = domain;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  const auto address = IpAddress::parse(bare);
  return address && std::ranges::any_of(config_.sip.transport.listeners, [&](const auto& listener) {
           return listener.address.address == *address;
         });
}

tl::expected<Router::Called, RouteRefusal> Router::take_apart(std::string_view text) const {
  const auto uri = sip::parse_uri(text);
  if (!uri) return refuse(400, "Malformed Request-URI");
  if (uri->scheme == sip::UriScheme::other) return refuse(416);
  Called called;
  called.sips = uri->scheme == sip::UriScheme::sips;
  const bool tel = uri->scheme == sip::UriScheme::tel;
  called.phone = tel || sip::text::lower(uri->parameters.value("user")) == "phone";
  const auto user = sip::unescape(uri->user);
  if (!user) return refuse(400, "Malformed Request-URI");
  called.user = *user;
  // A number may bring parameters of its own, before the `@` (RFC 3261 §19.1.6).
  if (!tel && (called.phone || looks_like_number(called.user)))
    called.user.resize(std::min(called.user.find(';'), called.user.size()));
  if (called.phone || is_global_number(called.user)) called.user = without_separators(called.user);
  if (tel) {
    // A local number belongs where its context says; a global one, and one in a range of numbers, to us all.
    const std::string context = sip::text::lower(uri->parameters.value("phone-context"));
    if (!context.empty() && context.front() != '+') called.domain = context;
  } else {
    called.domain = sip::text::lower(uri->host);
  }
  called.ours = called.domain.empty() || is_ours(called.domain);
  if (called.user.empty()) return refuse(called.phone ? 484 : 404);
  return called;
}

/// The key of a user of ours by that name; those who call our address, or a number, mean the first domain.
std::string Router::local_aor(const Called& called, std::string_view user) const {
  const auto& domains = config_.registrar.domains;
  if (!called.ours || domains.empty()) return {};
  const bool named = std::ranges::find(domains, called.domain) != domains.end();
  return make_aor(user, named ? called.domain : domains.front());
}

Router::Routed Router::to_registered(std::string_view aor, const Called& called,
                                     const RouteQuery& query) const {
  if (query.user == nullptr && query.trunk == nullptr && !config_.calls.guests)
    return refuse(403, "Guests May Not Call");
  const User* const user = subscriptions_.users == nullptr ? nullptr : subscriptions_.users->by_aor(aor);
  if (user == nullptr || !user->enabled) return refuse(404);
  std::vector<RouteTarget> found;
  std::uint16_t q = 0;
  std::uint32_t in_stage = 0;
  bool reachable_without_tls = false;
  for (Target& target : subscriptions_.registrar->targets(aor, query.now)) {
    if (called.sips && !carried_by_tls(target)) {
      reachable_without_tls = true;
      continue;
    }
    if (target.alternate && !found.empty() && found.back().contacts.front().instance == target.instance) {
      found.back().contacts.push_back(std::move(target));
      continue;
    }
    if (found.size() == config_.calls.max_targets) break;
    RouteTarget next;
    const bool same_stage = !found.empty() && target.q == q && in_stage < config_.calls.max_branches;
    if (!found.empty()) next.stage = found.back().stage + (same_stage ? 0 : 1);
    in_stage = same_stage ? in_stage + 1 : 1;
    q = target.q;
    next.request_uri = target.contact;
    next.aor = aor;
    next.contacts.push_back(std::move(target));
    found.push_back(std::move(next));
  }
  if (!found.empty()) return found;
  return refuse(480, reachable_without_tls ? "Not Registered Over TLS" : "Not Registered");
}

Router::Routed Router::to_user(const RouteConfig& route, const Called& called,
                               const RouteQuery& query) const {
  if (!route.target.empty()) return to_registered(route.target, called, query);
  const auto name = route.edit.apply(called.user);
  if (!name) return refuse(484);
  const std::string aor = local_aor(called, *name);
  return aor.empty() ? refuse(404) : to_registered(aor, called, query);
}

Router::Routed Router::to_trunks(const RouteConfig& route, const Called& called,
                                 const RouteQuery& query) const {
  // Whoever is nobody's user and comes from no trunk must not make calls that somebody pays for.
  if (query.user == nullptr && query.trunk == nullptr) return refuse(403, "Guests May Not Call Out");
  const auto number = route.edit.apply(called.user);
  if (!number) return refuse(484);
  std::vector<RouteTarget> found;
  bool back = false, incomplete = false;
  for (const TrunkPtr& trunk :
       route.to == To::group ? trunks_.select(route.target) : trunks_.select_one(route.target)) {
    const TrunkConfig& config = trunk->config();
    back = back || trunk.get() == query.trunk;
    if (trunk.get() == query.trunk || (called.sips && config.transport != sip::Transport::tls)) continue;
    const auto dialled = config.edit.apply(*number);
    incomplete = incomplete || !dialled;
    if (!dialled || found.size() == config_.calls.max_targets) continue;
    RouteTarget next;
    next.stage = static_cast<unsigned>(found.size());
    next.request_uri = trunk_uri(config, *dialled) + (called.phone ? ";user=phone" : "");
    next.trunk = trunk;
    found.push_back(std::move(next));
  }
  if (!found.empty()) return found;
  if (back) return refuse(482, "Would Go Back To Its Trunk");
  if (incomplete) return refuse(484);
  return refuse(503, "No Trunk Is Usable", config_.calls.retry_after_s);
}

Router::Routed Router::follow(const RouteConfig& route, const Called& called, const RouteQuery& query) const {
  if (called.user.size() < route.min_length) return refuse(484);
  switch (route.to) {
    case To::group:
    case To::trunk:
      return to_trunks(route, called, query);
    case To::user:
      return to_user(route, called, query);
    case To::refuse:
      break;
  }
  return refuse(route.status);
}

Router::Routed Router::route(const RouteQuery& query) const {
  const auto called = take_apart(query.request_uri);
  if (!called) return tl::unexpected(called.error());
  for (const RouteConfig& route : config_.routes) {
    if (!route.from_side.empty() && route.from_side != query.from_side) continue;
    Routed routed;
    if (route.match == Match::registered) {
      const std::string aor = local_aor(*called, called->user);
      if (aor.empty() || subscriptions_.users == nullptr || subscriptions_.users->by_aor(aor) == nullptr)
        continue;
      routed = to_registered(aor, *called, query);
    } else {
      if (!matches(route, called->user, called->domain, called->ours)) continue;
      routed = follow(route, *called, query);
    }
    if (routed)
      for (RouteTarget& target : *routed) target.route = rule_text(route);
    return routed;
  }
  return called->ours ? refuse(404) : refuse(403, "Not One Of Our Domains");
}

}  // namespace sallyport::control
