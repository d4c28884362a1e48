// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing among trunks, finding their servers, and knowing who calls from one.
#include "control/calls/trunks.h"

#include <algorithm>

#include "transport/tls_certificate.h"

namespace sallyport::control {

namespace {

constexpr std::string_view kInboundPrefix = "trunk:";

/// The longest prefix of the trunk's that holds the address; nothing if none does.
std::optional<unsigned> matching_bits(const TrunkConfig& config, const IpAddress& address) {
  std::optional<unsigned> bits;
  for (const AddressPrefix& prefix : config.addresses)
    if (prefix.contains(address)) bits = std::max(bits.value_or(0), prefix.bits);
  return bits;
}

/// How surely this request is the trunk's; nothing if it is not.
std::optional<unsigned> recognition(const TrunkConfig& config, const sip::Hop& hop,
                                    const transport::PeerIdentity* peer) {
  constexpr unsigned kByName = 1000;  // above any number of bits
  if (config.listener != hop.listener || config.transport != hop.transport) return std::nullopt;
  if (config.addresses.empty() && config.tls_names.empty()) return std::nullopt;
  unsigned certainty = 0;
  if (!config.addresses.empty()) {
    const auto bits = matching_bits(config, hop.remote.address);
    if (!bits) return std::nullopt;
    certainty = *bits;
  }
  if (config.tls_names.empty()) return certainty;
  const bool named = peer != nullptr && std::ranges::any_of(config.tls_names, [&](const std::string& name) {
                       return transport::matches(*peer, name);
                     });
  return named ? std::optional(kByName + certainty) : std::nullopt;
}

}  // namespace

Trunks::Trunks(std::vector<TrunkConfig> configs, Services services, std::int64_t now_ms)
    : services_(std::move(services)) {
  configure(std::move(configs), now_ms);
}

void Trunks::configure(std::vector<TrunkConfig> configs, std::int64_t now_ms) {
  now_ms_ = now_ms;
  std::vector<TrunkPtr> before = std::exchange(trunks_, {});
  for (TrunkConfig& config : configs) {
    const auto known = std::ranges::find_if(
        before, [&](const auto& trunk) { return trunk != nullptr && trunk->config().name == config.name; });
    if (known == before.end()) {
      trunks_.push_back(std::make_shared<Trunk>(std::move(config), services_.draw, now_ms));
      continue;
    }
    (*known)->configure(std::move(config), now_ms);
    trunks_.push_back(std::move(*known));
  }
  for (auto& trunk : before)
    if (trunk != nullptr) retire(*trunk, now_ms);
  rebuild_inbound_users();
}

// Calls may still hold it: then it lasts as long as they do.
void Trunks::retire(Trunk& trunk, std::int64_t now_ms) {
  std::erase_if(checks_, [&](const auto& entry) { return entry.second.trunk == &trunk; });
  next_check_ms_.erase(&trunk);
  trunk.set_enabled(false, now_ms);
}

TrunkPtr Trunks::find(std::string_view name) {
  for (const auto& trunk : trunks_)
    if (trunk->config().name == name) return trunk;
  return nullptr;
}

std::vector<TrunkPtr> Trunks::all() {
  return trunks_;
}

bool Trunks::is_full(const Trunk& trunk) const {
  const std::uint64_t bound =
      trunk.config().max_calls != 0 ? trunk.config().max_calls : services_.limits[Limit::calls_per_trunk];
  return bound != 0 && trunk.calls() >= bound;
}

bool Trunks::may_be_tried(Trunk& trunk) {
  if (!trunk.calls_out()) return false;
  if (!is_full(trunk)) return true;
  services_.limits.count_refusal(Limit::calls_per_trunk);
  trunk.count_refusal();
  return false;
}

std::vector<TrunkPtr> Trunks::select_one(std::string_view name) {
  const TrunkPtr trunk = find(name);
  return trunk != nullptr && may_be_tried(*trunk) ? std::vector{trunk} : std::vector<TrunkPtr>();
}

// One of `weights`' places, with the weights as chances; 0 has one only where all are 0.
std::size_t Trunks::draw_place(const std::vector<std::uint32_t>& weights) const {
  std::uint32_t total = 0;
  for (const std::uint32_t weight : weights) total += weight;
  if (total == 0) return services_.choose(static_cast<std::uint32_t>(weights.size()));
  std::uint32_t drawn = services_.choose(total);
  std::size_t place = 0;
  while (drawn >= weights[place]) drawn -= weights[place++];
  return place;
}

std::vector<TrunkPtr> Trunks::select(std::string_view group) {
  std::vector<TrunkPtr> candidates;
  for (const auto& trunk : trunks_)
    if (trunk->config().group == group && may_be_tried(*trunk)) candidates.push_back(trunk);
  const auto rank = [](const TrunkPtr& trunk) {
    return std::pair(trunk->state() == TrunkState::down, trunk->config().priority);
  };
  std::ranges::stable_sort(candidates, {}, rank);
  for (auto begin = candidates.begin(); begin != candidates.end(); ++begin) {
    std::vector<std::uint32_t> weights;
    for (auto it = begin; it != candidates.end() && rank(*it) == rank(*begin); ++it)
      weights.push_back((*it)->config().weight);
    if (weights.size() == 1) continue;
    const auto chosen = begin + static_cast<std::ptrdiff_t>(draw_place(weights));
    std::rotate(begin, chosen, chosen + 1);
  }
  return candidates;
}

std::vector<transport::Target> Trunks::targets_of(const TrunkConfig& config,
                                                  const std::vector<transport::Destination>& found) {
  std::vector<transport::Target> targets;
  for (const transport::Destination& one : found)
    targets.push_back({one.transport, one.remote, one.server_name, config.certificate, config.listener});
  return targets;
}

void Trunks::locate(const Trunk& trunk, Located located) {
  const TrunkConfig& config = trunk.config();
  transport::LocateQuery query;
  query.host = config.host;
  query.port = config.port;
  query.transport = config.transport;
  query.allowed = {config.transport};
  services_.locator.locate(
      query, [settings = config, located = std::move(located),
              alive = std::weak_ptr<bool>(alive_)](const Result<std::vector<transport::Destination>>& found) {
        if (alive.expired()) return;
        if (!found) return located(tl::unexpected(found.error()));
        located(targets_of(settings, *found));
      });
}

void Trunks::mark_failed(const transport::Target& target) {
  services_.locator.mark_failed(target.transport, target.remote);
}

TrunkPtr Trunks::recognize(const sip::Hop& hop, const transport::PeerIdentity* peer) {
  TrunkPtr best;
  unsigned best_certainty = 0;
  for (const auto& trunk : trunks_) {
    const auto certainty = recognition(trunk->config(), hop, peer);
    if (!certainty || (best != nullptr && *certainty <= best_certainty)) continue;
    best = trunk;
    best_certainty = *certainty;
  }
  return best;
}

void Trunks::rebuild_inbound_users() {
  while (const User* const first = inbound_users_.next("")) inbound_users_.remove(std::string(first->aor));
  for (const auto& trunk : trunks_) {
    const TrunkConfig& config = trunk->config();
    if (config.secrets == nullptr || !config.secrets->inbound || !config.inbound_auth) continue;
    User user;
    user.name = config.secrets->inbound->user;
    user.domain = config.secrets->inbound->realm;
    user.realm = user.domain;
    user.aor = std::string(kInboundPrefix) + config.name;
    user.algorithms = config.inbound_auth->algorithms;
    for (std::size_t i = 0; i < user.ha1.size(); ++i)
      user.ha1[i] = config.secrets->inbound->ha1[i].duplicate();
    inbound_users_.put(std::move(user));
  }
}

TrunkPtr Trunks::of_inbound_user(const User& user) {
  const std::string_view aor = user.aor;
  return aor.starts_with(kInboundPrefix) ? find(aor.substr(kInboundPrefix.size())) : nullptr;
}

std::string trunk_uri(const TrunkConfig& config, std::string_view user) {
  std::string uri = "sip:";
  if (!user.empty()) uri += sip::escape_user(user) + "@";
  uri += config.host;
  if (config.port != 0) uri += ":" + std::to_string(config.port);
  switch (config.transport) {
    case sip::Transport::udp:
      break;
    case sip::Transport::tcp:
      uri += ";transport=tcp";
      break;
    case sip::Transport::tls:
      uri += ";transport=tls";
      break;
    case sip::Transport::ws:
    case sip::Transport::wss:
      uri += ";transport=ws";
      break;
  }
  return uri;
}

}  // namespace sallyport::control
