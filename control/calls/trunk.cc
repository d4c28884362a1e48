// SPDX-License-Identifier: GPL-3.0-or-later
// How a trunk goes up and down.
#include "control/calls/trunk.h"

#include <utility>

#include "base/log.h"

namespace sallyport::control {

namespace {

DigestAccount duplicate(const DigestAccount& account) {
  DigestAccount copy{account.realm, account.user, {}};
  for (std::size_t i = 0; i < copy.ha1.size(); ++i) copy.ha1[i] = account.ha1[i].duplicate();
  return copy;
}

std::unique_ptr<DigestClient> make_client(const TrunkConfig& config, const DigestClient::RandomSource& draw) {
  if (config.secrets == nullptr || !config.secrets->account) return nullptr;
  std::vector<DigestAccount> accounts;
  accounts.push_back(duplicate(*config.secrets->account));
  return std::make_unique<DigestClient>(std::move(accounts), draw);
}

}  // namespace

Trunk::Trunk(TrunkConfig config, DigestClient::RandomSource draw, std::int64_t now_ms)
    : config_(std::move(config)),
      draw_(std::move(draw)),
      digest_(make_client(config_, draw_)),
      state_(config_.enabled ? TrunkState::up : TrunkState::disabled),
      since_ms_(now_ms),
      why_(config_.enabled ? "" : "disabled in the configuration") {}

void Trunk::configure(TrunkConfig config, std::int64_t now_ms) {
  const bool moved = config.host != config_.host || config.port != config_.port ||
                     config.transport != config_.transport || config.listener != config_.listener;
  config_ = std::move(config);
  digest_ = make_client(config_, draw_);
  if (!config_.enabled)
    become(TrunkState::disabled, "disabled in the configuration", now_ms);
  else if (state_ == TrunkState::disabled || moved || config_.options_interval_s == 0)
    set_enabled(true, now_ms);
}

void Trunk::become(TrunkState state, std::string why, std::int64_t now_ms) {
  if (state_ != state) {
    since_ms_ = now_ms;
    const log::Level level = state == TrunkState::down ? log::Level::warning : log::Level::info;
    log::write(level, "trunk." + std::string(name(state)), {{"trunk", config_.name}, {"why", why}});
  }
  state_ = state;
  why_ = std::move(why);
}

void Trunk::set_enabled(bool enabled, std::int64_t now_ms) {
  if (!enabled) return become(TrunkState::disabled, "disabled by hand", now_ms);
  failures_ = 0;
  wants_check_ = true;
  become(TrunkState::up, "", now_ms);
}

void Trunk::check_passed(std::int64_t now_ms) {
  failures_ = 0;
  if (state_ == TrunkState::down) become(TrunkState::up, "", now_ms);
}

void Trunk::check_failed(std::string why, std::int64_t now_ms) {
  ++counters_.checks_failed;
  if (failures_ < config_.options_failures) ++failures_;
  if (state_ == TrunkState::disabled || failures_ < config_.options_failures) return;
  become(TrunkState::down, std::move(why), now_ms);
}

void Trunk::attempt_failed() {
  ++counters_.failed_over;
  wants_check_ = true;
}

}  // namespace sallyport::control
