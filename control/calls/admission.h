// SPDX-License-Identifier: GPL-3.0-or-later
// Admission: how many calls there may be, and how fast they may come: of all, of a user, of a trunk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <tl/expected.hpp>

#include "control/calls/token_bucket.h"
#include "control/calls/trunk.h"
#include "control/config/calls.h"
#include "control/config/limit_table.h"
#include "control/subscribers/user.h"

namespace sallyport::control {

struct AdmissionRefusal {
  Limit limit = Limit::calls;  ///< which has been counted
  unsigned status = 503;
  std::string reason;
  std::uint32_t retry_after_s = 0;  ///< 0: none is told
};

class Admission;

/// A call's place, or a trunk's in a call. Gives it back when it goes.
class AdmissionTicket {
 public:
  AdmissionTicket() = default;
  AdmissionTicket(AdmissionTicket&& other) noexcept { swap(other); }
  AdmissionTicket& operator=(AdmissionTicket&& other) noexcept {
    AdmissionTicket old(std::move(other));
    swap(old);
    return *this;
  }
  ~AdmissionTicket() { give_back(); }

  [[nodiscard]] explicit operator bool() const { return admission_ != nullptr; }
  void give_back();

 private:
  friend class Admission;
  void swap(AdmissionTicket& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(whole_call_, other.whole_call_);
    std::swap(user_, other.user_);
    std::swap(trunk_, other.trunk_);
  }

  Admission* admission_ = nullptr;
  bool whole_call_ = false;
  std::string user_;  ///< the address-of-record; empty: none
  TrunkPtr trunk_;
};

/// The control thread's; outlives its tickets. Times are milliseconds of a clock that does
/// not go back.
class Admission {
 public:
  /// Both outlive the object.
  Admission(Limits& limits, const CallsConfig& config) : limits_(limits), config_(config) {}

  using Answer = tl::expected<AdmissionTicket, AdmissionRefusal>;

  /// A new call: of a user, or out of a trunk, or (both null) of a guest. Nothing is taken when it is
  /// refused.
  [[nodiscard]] Answer admit(const User* user, const TrunkPtr& trunk, std::int64_t now_ms);
  /// An attempt to send a call that was admitted into a trunk; when it is refused the next target is tried.
  [[nodiscard]] Answer enter(const TrunkPtr& trunk, std::int64_t now_ms);

  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t calls_of(std::string_view aor) const;

 private:
  friend class AdmissionTicket;

  [[nodiscard]] tl::unexpected<AdmissionRefusal> refuse(Limit limit, unsigned status, std::string reason);
  [[nodiscard]] std::optional<AdmissionRefusal> take_trunk(Trunk& trunk, std::int64_t now_ms);
  void give_back(AdmissionTicket& ticket);

  Limits& limits_;
  const CallsConfig& config_;
  std::uint64_t calls_ = 0;
  TokenBucket rate_;
  /// By address-of-record: of authenticated users only, so nobody else can make it grow.
  std::unordered_map<std::string, std::uint64_t> by_user_;
};

}  // namespace sallyport::control
