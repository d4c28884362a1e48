// SPDX-License-Identifier: GPL-3.0-or-later
// The client transaction of every request but INVITE and ACK: RFC 3261 §17.1.2.
#pragma once

#include <array>

#include "sip/client_machine.h"

namespace sallyport::sip {

inline constexpr auto kClientTransitions = [] {
  using enum ClientState;
  using enum ClientEvent;
  using enum ClientAction;
  return std::to_array<ClientTransition>({
      {trying, timer_e, trying, {send_request}},
      {trying, timer_f, terminated, {report_timeout}},
      {trying, transport_error, terminated, {report_error}},
      {trying, provisional, proceeding, {pass_response}},
      {trying, success, completed, {pass_response}},
      {trying, failure, completed, {pass_response}},

      {proceeding, timer_e, proceeding, {send_request}},
      {proceeding, timer_f, terminated, {report_timeout}},
      {proceeding, transport_error, terminated, {report_error}},
      {proceeding, provisional, proceeding, {pass_response}},
      {proceeding, success, completed, {pass_response}},
      {proceeding, failure, completed, {pass_response}},

      {completed, timer_k, terminated, {}},
  });
}();
static_assert(is_deterministic(kClientTransitions));

inline constexpr ClientRules kClientRules = {
    "client",
    ClientState::trying,
    ClientTable(kClientTransitions),
    {{
        {},                            // calling
        {TimerName::e, TimerName::f},  // trying
        {TimerName::e, TimerName::f},  // proceeding
        {std::nullopt, TimerName::k},  // completed
        {},                            // accepted
        {},                            // terminated
    }},
};

}  // namespace sallyport::sip
