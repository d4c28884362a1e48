// SPDX-License-Identifier: GPL-3.0-or-later
// What the two client transactions have in common: states, events, actions and the machine that follows their
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

enum class ClientState : std::uint8_t { calling, trying, proceeding, completed, accepted, terminated };

enum class ClientEvent : std::uint8_t {
  provisional,  ///< 1xx
  success,      ///< 2xx
  failure,      ///< 300-699
  timer_a,
  timer_b,
  timer_d,
  timer_e,
  timer_f,
  timer_k,
  timer_m,
  cancel_expired,  ///< 64*T1 after a CANCEL, RFC 3261 §9.1
  transport_error,
};

enum class ClientAction : std::uint8_t {
  send_request,
  send_ack,
  pass_response,
  report_timeout,
  report_error
};

inline constexpr std::array<std::string_view, 6> kClientStateNames = {"calling",   "trying",   "proceeding",
                                                                      "completed", "accepted", "terminated"};
inline constexpr std::array<std::string_view, 12> kClientEventNames = {
    "1xx",     "2xx",     "300-699", "timer A", "timer B",        "timer D",
    "timer E", "timer F", "timer K", "timer M", "cancel expired", "transport error"};

[[nodiscard]] constexpr std::string_view name(ClientState state) {
  return kClientStateNames[static_cast<std::size_t>(state)];
}
[[nodiscard]] constexpr std::string_view name(ClientEvent event) {
  return kClientEventNames[static_cast<std::size_t>(event)];
}

using ClientTransition = Transition<ClientState, ClientEvent, ClientAction>;
using ClientTable =
    StateTable<ClientState, ClientEvent, ClientAction, kClientStateNames.size(), kClientEventNames.size()>;

struct ClientRules {
  std::string_view name;
  ClientState initial;
  ClientTable table;
  std::array<StateTimers, kClientStateNames.size()> timers;
};

class ClientMachine {
 public:
  explicit constexpr ClientMachine(const ClientRules& rules) : rules_(&rules), state_(rules.initial) {}

  constexpr ActionSet<ClientAction> handle(ClientEvent event) {
    const ClientTable::Step& step = rules_->table.step(state_, event);
    state_ = step.to;
    return step.actions;
  }
  [[nodiscard]] constexpr ClientState state() const { return state_; }
  [[nodiscard]] constexpr const StateTimers& timers() const {
    return rules_->timers[static_cast<std::size_t>(state_)];
  }
  /// `client_invite calling`.
  [[nodiscard]] std::string dump() const {
    return std::string(rules_->name) + " " + std::string(name(state_));
  }

 private:
  const ClientRules* rules_;
  ClientState state_;
};

/// The event that a client's timer is; the timers of servers have none.
[[nodiscard]] constexpr std::optional<ClientEvent> client_event(TimerName timer) {
  switch (timer) {
    case TimerName::a:
      return ClientEvent::timer_a;
    case TimerName::b:
      return ClientEvent::timer_b;
    case TimerName::d:
      return ClientEvent::timer_d;
    case TimerName::e:
      return ClientEvent::timer_e;
    case TimerName::f:
      return ClientEvent::timer_f;
    case TimerName::k:
      return ClientEvent::timer_k;
    case TimerName::m:
      return ClientEvent::timer_m;
    case TimerName::g:
    case TimerName::h:
    case TimerName::i:
    case TimerName::j:
    case TimerName::l:
      return std::nullopt;
  }
  return std::nullopt;
}

/// Of a response with this status, 100 to 699.
[[nodiscard]] constexpr ClientEvent client_event(unsigned status) {
  if (status < 200) return ClientEvent::provisional;
  return status < 300 ? ClientEvent::success : ClientEvent::failure;
}

}  // namespace sallyport::sip
