// SPDX-License-Identifier: GPL-3.0-or-later
// Everything refers to one Config and looks at it when it needs to: what can change is changed there, member
// by member, in one turn of the control thread.
#include "control/reload.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "control/admin/config_reply.h"
#include "control/config/auth.h"
#include "control/sip_service.h"
#include "crypto/equal.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

/// A section ends with a dot. What is not below any of these needs a restart.
constexpr auto kLive = std::to_array<std::string_view>({"log.", "limits."});
constexpr auto kLiveOfSip =
    std::to_array<std::string_view>({"auth.", "sip.", "policy.", "calls.", "trunk.", "route", "records."});
/// Below those, but made once: a table, threads, a socket.
constexpr auto kNeverLive =
    std::to_array<std::string_view>({"limits.nonces", "sip.handshake_threads", "sip.dns."});

template <std::size_t N>
bool is_below(std::string_view key, const std::array<std::string_view, N>& places) {
  return std::ranges::any_of(places, [key](std::string_view place) { return key.starts_with(place); });
}

std::string text_of(const json::value* value) {
  return value == nullptr ? "null" : json::serialize(*value);
}

void compare(const json::object& in_force, const json::object& file, const std::string& prefix,
             std::vector<ConfigChange>& changes) {
  const auto look = [&](std::string_view key) {
    const json::value* const before = in_force.if_contains(key);
    const json::value* const after = file.if_contains(key);
    const std::string name = prefix + std::string(key);
    if (before != nullptr && after != nullptr && before->is_object() && after->is_object())
      return compare(before->get_object(), after->get_object(), name + ".", changes);
    if (text_of(before) != text_of(after)) changes.push_back({name, text_of(before), text_of(after), false});
  };
  for (const auto& field : in_force) look({field.key().data(), field.key().size()});
  for (const auto& field : file)
    if (!in_force.contains(field.key())) look({field.key().data(), field.key().size()});
}

bool same_account(const std::optional<DigestAccount>& one, const std::optional<DigestAccount>& other) {
  if (!one || !other) return !one && !other;
  for (std::size_t i = 0; i < one->ha1.size(); ++i) {
    const auto a = one->ha1[i].view(), b = other->ha1[i].view();
    if (a.size() != b.size() || !crypto::equal(a.data(), b.data(), a.size())) return false;
  }
  return true;
}

/// Passwords are in no JSON; that they differ is told all the same.
void compare_secrets(const Config& in_force, const Config& next, std::vector<ConfigChange>& changes) {
  for (const TrunkConfig& trunk : next.trunks) {
    const auto before = std::ranges::find(in_force.trunks, trunk.name, &TrunkConfig::name);
    if (before == in_force.trunks.end() || before->secrets == nullptr || trunk.secrets == nullptr) continue;
    if (!same_account(before->secrets->account, trunk.secrets->account) ||
        !same_account(before->secrets->inbound, trunk.secrets->inbound))
      changes.push_back({"trunk." + trunk.name + ".password", "\"…\"", "\"…\"", false});
  }
}

void set_bounds(Limits& limits, const Limits& wanted) {
  for (std::size_t i = 0; i < kConfigurableLimits; ++i)
    if (kLimits[i].limit != Limit::nonces) limits.set(kLimits[i].limit, wanted[kLimits[i].limit]);
}

}  // namespace

bool Reloader::is_live(std::string_view key) const {
  if (is_below(key, kNeverLive)) return false;
  return is_below(key, kLive) || (sip_ != nullptr && is_below(key, kLiveOfSip));
}

std::vector<ConfigChange> Reloader::changes_to(const Config& next) const {
  std::vector<ConfigChange> changes;
  compare(config_object(domain_.config), config_object(next), "", changes);
  compare_secrets(domain_.config, next, changes);
  // The policy of a side that comes or goes does so with it.
  const auto is_of_new_side = [this](std::string_view key) {
    constexpr std::string_view kPolicy = "policy.";
    if (!key.starts_with(kPolicy)) return false;
    key.remove_prefix(kPolicy.size());
    return !domain_.config.policies.contains(key.substr(0, key.find('.')));
  };
  for (ConfigChange& change : changes) change.live = is_live(change.key) && !is_of_new_side(change.key);
  return changes;
}

/// What a running daemon cannot even half follow.
Result<void> Reloader::check(const Config& next) const {
  if (sip_ == nullptr) return {};
  if (next.sip.listeners.empty())
    return fail(ErrorClass::refused, "sip.listener: doing without any needs a restart");
  for (const SipListenerConfig& listener : next.sip.listeners)
    if (!domain_.config.policies.contains(listener.side))
      return fail(ErrorClass::refused,
                  "media.side." + listener.side + ": listeners on a new side need a restart");
  return {};
}

/// Hops name listeners by their place, which they keep: those that are gone leave theirs empty, new ones come
/// behind.
void Reloader::take_up_listeners(Config& next) {
  SipConfig& sip = domain_.config.sip;
  std::vector<SipListenerConfig> beside = std::move(sip.listeners);
  std::vector<transport::ListenerSettings> settings;
  std::vector<std::uint32_t> place_of(next.sip.listeners.size());
  const auto actual = sip_->signalling().transport().listeners();
  beside.resize(actual.size());
  for (std::size_t place = 0; place < actual.size(); ++place) {
    settings.push_back(actual[place].settings);
    beside[place].open = actual[place].open;
    if (!actual[place].open) continue;
    const auto wanted = std::ranges::find(next.sip.transport.listeners, actual[place].settings.name,
                                          &transport::ListenerSettings::name);
    const auto index = static_cast<std::size_t>(wanted - next.sip.transport.listeners.begin());
    place_of[index] = static_cast<std::uint32_t>(place);
    beside[place] = next.sip.listeners[index];
  }
  for (TrunkConfig& trunk : next.trunks) trunk.listener = place_of[trunk.listener];
  sip.listeners = std::move(beside);
  sip.transport.listeners = std::move(settings);
  sip_->signalling().listeners_changed();
}

Result<void> Reloader::take_up_sip(Config& next) {
  Config& config = domain_.config;
  if (auto reloaded = sip_->signalling().transport().reload(next.sip.transport); !reloaded) return reloaded;
  take_up_listeners(next);
  config.sip.domains = next.sip.domains;
  config.sip.server_name = next.sip.server_name;
  config.sip.transport.tls = next.sip.transport.tls;
  config.sip.transport.limits = next.sip.transport.limits;
  for (const sip::LimitInfo& limit : sip::kLimits) {
    config.sip.transport.sip_limits.set(limit.limit, next.sip.transport.sip_limits[limit.limit]);
    sip_->signalling().sip_limits().set(limit.limit, next.sip.transport.sip_limits[limit.limit]);
  }
  const std::string realm = config.auth.realm;  // users' digests were made for it
  config.auth = next.auth;
  config.auth.realm = realm;
  sip_->subscribers().keep_algorithms(kept_algorithms(config));
  for (auto& [side, policy] : config.policies)
    if (const auto found = next.policies.find(side); found != next.policies.end()) policy = found->second;
  config.calls = next.calls;
  config.routes = next.routes;
  config.trunks = next.trunks;
  sip_->trunks().configure(std::move(next.trunks), static_cast<std::int64_t>(steady_ms()));
  return {};
}

/// Anew in any case: somebody may have moved the file away.
void Reloader::take_up_records(const std::string& path, std::vector<ConfigChange>& changes) {
  if (const auto opened = sip_->records().reopen(path); opened) {
    domain_.config.records.path = path;
    return;
  } else {
    log::error("records.not_open", {{"path", path}, {"why", opened.error().text}});
  }
  for (ConfigChange& change : changes)
    if (change.key == "records.path") change.live = false;
}

Result<std::vector<ConfigChange>> Reloader::reload() {
  auto next = load_config(domain_.path);
  if (!next) {
    for (const ConfigError& error : next.error()) log::error("config.error", {{"what", error.to_string()}});
    return fail(ErrorClass::refused, next.error().front().to_string());
  }
  if (const auto good = check(*next); !good) return tl::unexpected(good.error());
  std::vector<ConfigChange> changes = changes_to(*next);
  if (sip_ != nullptr) {
    if (const auto taken = take_up_sip(*next); !taken) return fail(ErrorClass::refused, taken.error().text);
    take_up_records(next->records.path, changes);
  }
  set_bounds(domain_.limits, next->limits);
  set_bounds(domain_.config.limits, next->limits);
  if (domain_.config.log_level != next->log_level) log::set_level(next->log_level);
  domain_.config.log_level = next->log_level;
  for (const ConfigChange& change : changes)
    if (!change.live) log::warning("config.needs_restart", {{"key", change.key}});
  log::info("config.reloaded", {{"file", domain_.path}, {"changes", changes.size()}});
  return changes;
}

}  // namespace sallyport::control
