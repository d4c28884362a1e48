// SPDX-License-Identifier: GPL-3.0-or-later
// Whether trunks live: OPTIONS to one server after the other until somebody answers.
#include <algorithm>
#include <utility>

#include "control/calls/trunks.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxServers = 4;

/// Whether an answer shows that calls could be taken: a refusal of OPTIONS does, too.
bool shows_life(unsigned status) {
  return status >= 200 && status != 408 && status != 502 && status != 503 && status != 504;
}

}  // namespace

void Trunks::advance(std::int64_t now_ms) {
  now_ms_ = now_ms;
  std::vector<std::uint64_t> late;
  for (const auto& [serial, check] : checks_)
    if (check.deadline_ms <= now_ms) late.push_back(serial);
  for (const std::uint64_t serial : late) fail_check(serial, "no answer to OPTIONS");
  for (const auto& trunk : trunks_) {
    const TrunkConfig& config = trunk->config();
    if (config.options_interval_s == 0 || !trunk->calls_out()) continue;
    const auto [due, first] = next_check_ms_.try_emplace(trunk.get(), now_ms);
    if (now_ms < due->second && !trunk->wants_check()) continue;
    const auto under_way = [&](const auto& entry) { return entry.second.trunk == trunk.get(); };
    if (std::ranges::any_of(checks_, under_way)) continue;
    due->second = now_ms + std::int64_t{config.options_interval_s} * 1000;
    begin_check(*trunk);
  }
}

void Trunks::begin_check(Trunk& trunk) {
  trunk.check_begins();
  const std::uint64_t serial = ++last_check_;
  Check& check = checks_[serial];
  check.trunk = &trunk;
  check.deadline_ms = now_ms_ + std::int64_t{trunk.config().options_timeout_s} * 1000;
  locate(trunk, [this, serial](Result<std::vector<transport::Target>> found) {
    const auto it = checks_.find(serial);
    if (it == checks_.end()) return;
    if (!found) return fail_check(serial, found.error().text);
    if (found->size() > kMaxServers) found->resize(kMaxServers);
    it->second.targets = std::move(*found);
    try_next(serial);
  });
}

void Trunks::try_next(std::uint64_t serial) {
  Check& check = checks_.at(serial);
  if (check.next == check.targets.size()) return fail_check(serial, check.last_fault);
  const std::size_t place = check.next++;
  services_.sender.send_options(
      *check.trunk, check.targets[place], trunk_uri(check.trunk->config()),
      [this, serial, place, alive = std::weak_ptr<bool>(alive_)](const Result<unsigned>& status) {
        if (!alive.expired()) on_answer(serial, place, status);
      });
}

void Trunks::on_answer(std::uint64_t serial, std::size_t place, const Result<unsigned>& status) {
  const auto it = checks_.find(serial);
  // An answer may come twice, or after its check was given up.
  if (it == checks_.end() || it->second.next != place + 1) return;
  Check& check = it->second;
  if (status && shows_life(*status)) {
    check.trunk->check_passed(now_ms_);
    checks_.erase(it);
    return;
  }
  check.last_fault = status ? "OPTIONS was answered with " + std::to_string(*status) : status.error().text;
  mark_failed(check.targets[place]);
  try_next(serial);
}

void Trunks::fail_check(std::uint64_t serial, const std::string& why) {
  const auto node = checks_.extract(serial);
  if (node.empty()) return;
  const Check& check = node.mapped();
  if (check.next != 0 && check.next <= check.targets.size()) mark_failed(check.targets[check.next - 1]);
  check.trunk->check_failed(why, now_ms_);
}

}  // namespace sallyport::control
