// SPDX-License-Identifier: GPL-3.0-or-later
// The server transaction of every request but INVITE and ACK: RFC 3261 §17.2.2.
#pragma once

#include <array>

#include "sip/server_machine.h"

namespace sallyport::sip {

/// After a transport error a transaction stays, as RFC 6026 §8.8 has it for both kinds: what is repeated
/// meets the answer it had, not the user a second time.
inline constexpr auto kServerTransitions = [] {
  using enum ServerState;
  using enum ServerEvent;
  using enum ServerAction;
  return std::to_array<ServerTransition>({
      {trying, user_provisional, proceeding, {send_response}},
      {trying, user_success, completed, {send_response}},
      {trying, user_failure, completed, {send_response}},
      {trying, transport_error, trying, {report_error}},

      {proceeding, request, proceeding, {repeat_response}},
      {proceeding, user_provisional, proceeding, {send_response}},
      {proceeding, user_success, completed, {send_response}},
      {proceeding, user_failure, completed, {send_response}},
      {proceeding, transport_error, proceeding, {report_error}},

      {completed, request, completed, {repeat_response}},
      {completed, timer_j, terminated, {}},
      {completed, transport_error, completed, {report_error}},
  });
}();
static_assert(is_deterministic(kServerTransitions));

inline constexpr ServerRules kServerRules = {
    "server",
    ServerState::trying,
    ServerTable(kServerTransitions),
    {{
        {},                            // trying
        {},                            // proceeding
        {std::nullopt, TimerName::j},  // completed
        {},                            // confirmed
        {},                            // accepted
        {},                            // terminated
    }},
};

}  // namespace sallyport::sip
