// SPDX-License-Identifier: GPL-3.0-or-later
// Trunk: the state of one trunk: whether it is usable, why not, and what it carries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "control/auth/digest_client.h"
#include "control/calls/token_bucket.h"
#include "control/config/trunk.h"

namespace sallyport::control {

enum class TrunkState : std::uint8_t {
  up,        ///< usable, as far as is known
  down,      ///< its checks fail: used only when no other is left
  disabled,  ///< by the operator: not used, nor listened to
};
[[nodiscard]] constexpr std::string_view name(TrunkState state) {
  return state == TrunkState::up ? "up" : state == TrunkState::down ? "down" : "disabled";
}

struct TrunkCounters {
  std::uint64_t calls_out = 0, calls_in = 0;  ///< that were let in
  std::uint64_t failed_over = 0;              ///< attempts after which the next target was tried
  std::uint64_t refused = 0;                  ///< by this trunk's limits
  std::uint64_t checks = 0, checks_failed = 0;
};

/// The control thread's. Times are milliseconds of a clock that does not go back.
class Trunk {
 public:
  Trunk(TrunkConfig config, DigestClient::RandomSource draw, std::int64_t now_ms);
  Trunk(const Trunk&) = delete;
  Trunk& operator=(const Trunk&) = delete;

  [[nodiscard]] const TrunkConfig& config() const { return config_; }
  /// Of a reload. What is counted and known stays, but for an operator's word on whether it is enabled.
  void configure(TrunkConfig config, std::int64_t now_ms);

  [[nodiscard]] TrunkState state() const { return state_; }
  [[nodiscard]] std::int64_t since_ms() const { return since_ms_; }
  [[nodiscard]] const std::string& why() const { return why_; }  ///< empty when up
  /// Whether calls can be sent there at all; it may be down or full all the same.
  [[nodiscard]] bool calls_out() const { return !config_.host.empty() && state_ != TrunkState::disabled; }

  /// By hand, until the next reload.
  void set_enabled(bool enabled, std::int64_t now_ms);
  /// What a check found.
  void check_passed(std::int64_t now_ms);
  void check_failed(std::string why, std::int64_t now_ms);
  /// A call's attempt found no answer or one to fail over: the next check is due at once.
  void attempt_failed();
  [[nodiscard]] bool wants_check() const { return wants_check_; }
  void count_refusal() { ++counters_.refused; }
  void check_begins() { wants_check_ = false, ++counters_.checks; }

  /// Null if no account is configured: then no challenge of theirs is answered.
  [[nodiscard]] DigestClient* digest() { return digest_.get(); }

  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] const TrunkCounters& counters() const { return counters_; }

 private:
  friend class Admission;  // which counts calls and their rate

  void become(TrunkState state, std::string why, std::int64_t now_ms);

  TrunkConfig config_;
  DigestClient::RandomSource draw_;
  std::unique_ptr<DigestClient> digest_;
  TrunkState state_ = TrunkState::up;
  std::int64_t since_ms_ = 0;
  std::string why_;
  std::uint32_t failures_ = 0;  ///< checks in a row
  bool wants_check_ = false;
  std::uint64_t calls_ = 0;
  TokenBucket rate_;
  TrunkCounters counters_;
};

using TrunkPtr = std::shared_ptr<Trunk>;

}  // namespace sallyport::control
