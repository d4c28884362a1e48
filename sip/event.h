// SPDX-License-Identifier: GPL-3.0-or-later
// Event and Subscription-State (RFC 6665 §8.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "sip/parameters.h"

namespace sallyport::sip {

struct Event {
  std::string_view package;  ///< with its templates: `presence.winfo`
  std::string_view id;
  Parameters parameters;
};
[[nodiscard]] Result<Event> parse_event(std::string_view text);
/// Package and id decide; other parameters do not (RFC 6665 §8.2.1). Case matters.
[[nodiscard]] bool same_event(const Event& a, const Event& b);

struct SubscriptionState {
  enum class State : std::uint8_t { active, pending, terminated, other };
  State state = State::other;
  std::string_view state_text;
  std::string_view reason;
  std::optional<std::uint32_t> expires_s;
  std::optional<std::uint32_t> retry_after_s;
};
[[nodiscard]] Result<SubscriptionState> parse_subscription_state(std::string_view text);

}  // namespace sallyport::sip
