// SPDX-License-Identifier: GPL-3.0-or-later
// Taking and giving back places.
#include "control/calls/admission.h"

namespace sallyport::control {

namespace {

constexpr unsigned kServiceUnavailable = 503;
// A user that has too many calls already: to come again or to try elsewhere would not help, so not 503.
constexpr unsigned kForbidden = 403;
constexpr std::uint32_t kRateRetryAfterS = 1;

}  // namespace

void AdmissionTicket::give_back() {
  if (admission_ != nullptr) std::exchange(admission_, nullptr)->give_back(*this);
}

tl::unexpected<AdmissionRefusal> Admission::refuse(Limit limit, unsigned status, std::string reason) {
  limits_.count_refusal(limit);
  const bool rate = limit == Limit::calls_per_second || limit == Limit::trunk_calls_per_second;
  AdmissionRefusal refusal{limit, status, std::move(reason), 0};
  if (status == kServiceUnavailable) refusal.retry_after_s = rate ? kRateRetryAfterS : config_.retry_after_s;
  return tl::unexpected(std::move(refusal));
}

std::uint64_t Admission::calls_of(std::string_view aor) const {
  const auto found = by_user_.find(std::string(aor));
  return found == by_user_.end() ? 0 : found->second;
}

std::optional<AdmissionRefusal> Admission::take_trunk(Trunk& trunk, std::int64_t now_ms) {
  const TrunkConfig& config = trunk.config();
  const std::uint64_t calls = config.max_calls != 0 ? config.max_calls : limits_[Limit::calls_per_trunk];
  const std::uint64_t rate =
      config.calls_per_second != 0 ? config.calls_per_second : limits_[Limit::trunk_calls_per_second];
  const bool full = calls != 0 && trunk.calls_ >= calls;
  if (!full && trunk.rate_.take(rate, now_ms)) {
    ++trunk.calls_;
    return std::nullopt;
  }
  ++trunk.counters_.refused;
  return full ? refuse(Limit::calls_per_trunk, kServiceUnavailable, "Trunk Is Full").value()
              : refuse(Limit::trunk_calls_per_second, kServiceUnavailable, "Too Many Calls From Or To Trunk")
                    .value();
}

Admission::Answer Admission::admit(const User* user, const TrunkPtr& trunk, std::int64_t now_ms) {
  if (calls_ >= limits_[Limit::calls]) return refuse(Limit::calls, kServiceUnavailable, "Too Many Calls");
  if (user != nullptr) {
    const std::uint64_t bound = user->calls_limit != 0 ? user->calls_limit : limits_[Limit::calls_per_user];
    if (bound != 0 && calls_of(user->aor) >= bound)
      return refuse(Limit::calls_per_user, kForbidden, "Too Many Calls Of This User");
  }
  // Last what cannot be asked without taking: first the general rate, which the trunk's refusal gives back.
  if (!rate_.take(limits_[Limit::calls_per_second], now_ms))
    return refuse(Limit::calls_per_second, kServiceUnavailable, "Too Many Calls A Second");
  if (trunk != nullptr) {
    if (auto refusal = take_trunk(*trunk, now_ms)) {
      rate_.give_back();
      return tl::unexpected(std::move(*refusal));
    }
    ++trunk->counters_.calls_in;
  }
  AdmissionTicket ticket;
  ticket.admission_ = this;
  ticket.whole_call_ = true;
  ticket.trunk_ = trunk;
  ++calls_;
  if (user != nullptr) ++by_user_[ticket.user_ = user->aor];
  return ticket;
}

Admission::Answer Admission::enter(const TrunkPtr& trunk, std::int64_t now_ms) {
  if (auto refusal = take_trunk(*trunk, now_ms)) return tl::unexpected(std::move(*refusal));
  ++trunk->counters_.calls_out;
  AdmissionTicket ticket;
  ticket.admission_ = this;
  ticket.trunk_ = trunk;
  return ticket;
}

void Admission::give_back(AdmissionTicket& ticket) {
  if (ticket.whole_call_) --calls_;
  if (ticket.trunk_ != nullptr) --ticket.trunk_->calls_;
  if (!ticket.user_.empty()) {
    const auto found = by_user_.find(ticket.user_);
    if (--found->second == 0) by_user_.erase(found);
  }
  ticket = AdmissionTicket();
}

}  // namespace sallyport::control
