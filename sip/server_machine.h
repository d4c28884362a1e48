// SPDX-License-Identifier: GPL-3.0-or-later
// What the two server transactions have in common: states, events, actions and the machine that follows their
// tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/state_machine.h"
#include "sip/timers.h"

namespace sallyport::sip {

enum class ServerState : std::uint8_t { trying, proceeding, completed, confirmed, accepted, terminated };

enum class ServerEvent : std::uint8_t {
  request,  ///< the request again
  ack,
  user_provisional,  ///< 1xx from the user
  user_success,      ///< 2xx from the user
  user_failure,      ///< 300-699 from the user
  timer_g,
  timer_h,
  timer_i,
  timer_j,
  timer_l,
  transport_error,
};

enum class ServerAction : std::uint8_t {
  send_response,
  repeat_response,
  pass_ack,
  report_timeout,
  report_error
};

inline constexpr std::array<std::string_view, 6> kServerStateNames = {
    "trying", "proceeding", "completed", "confirmed", "accepted", "terminated"};
inline constexpr std::array<std::string_view, 11> kServerEventNames = {
    "request", "ACK",     "1xx from user", "2xx from user", "300-699 from user", "timer G",
    "timer H", "timer I", "timer J",       "timer L",       "transport error"};

[[nodiscard]] constexpr std::string_view name(ServerState state) {
  return kServerStateNames[static_cast<std::size_t>(state)];
}
[[nodiscard]] constexpr std::string_view name(ServerEvent event) {
  return kServerEventNames[static_cast<std::size_t>(event)];
}

using ServerTransition = Transition<ServerState, ServerEvent, ServerAction>;
using ServerTable =
    StateTable<ServerState, ServerEvent, ServerAction, kServerStateNames.size(), kServerEventNames.size()>;

struct ServerRules {
  std::string_view name;
  ServerState initial;
  ServerTable table;
  std::array<StateTimers, kServerStateNames.size()> timers;
};

class ServerMachine {
 public:
  explicit constexpr ServerMachine(const ServerRules& rules) : rules_(&rules), state_(rules.initial) {}

  constexpr ActionSet<ServerAction> handle(ServerEvent event) {
    const ServerTable::Step& step = rules_->table.step(state_, event);
    state_ = step.to;
    return step.actions;
  }
  [[nodiscard]] constexpr ServerState state() const { return state_; }
  /// The user owes a final response.
  [[nodiscard]] constexpr bool is_pending() const {
    return state_ == ServerState::trying || state_ == ServerState::proceeding;
  }
  [[nodiscard]] constexpr const StateTimers& timers() const {
    return rules_->timers[static_cast<std::size_t>(state_)];
  }
  /// `server_invite proceeding`.
  [[nodiscard]] std::string dump() const {
    return std::string(rules_->name) + " " + std::string(name(state_));
  }

 private:
  const ServerRules* rules_;
  ServerState state_;
};

/// The event that a server's timer is; the timers of clients have none.
[[nodiscard]] constexpr std::optional<ServerEvent> server_event(TimerName timer) {
  switch (timer) {
    case TimerName::g:
      return ServerEvent::timer_g;
    case TimerName::h:
      return ServerEvent::timer_h;
    case TimerName::i:
      return ServerEvent::timer_i;
    case TimerName::j:
      return ServerEvent::timer_j;
    case TimerName::l:
      return ServerEvent::timer_l;
    case TimerName::a:
    case TimerName::b:
    case TimerName::d:
    case TimerName::e:
    case TimerName::f:
    case TimerName::k:
    case TimerName::m:
      return std::nullopt;
  }
  return std::nullopt;
}

/// Of a response with this status, 100 to 699, that the user gives.
[[nodiscard]] constexpr ServerEvent server_event(unsigned status) {
  if (status < 200) return ServerEvent::user_provisional;
  return status < 300 ? ServerEvent::user_success : ServerEvent::user_failure;
}

}  // namespace sallyport::sip
