// SPDX-License-Identifier: GPL-3.0-or-later
// The INVITE client transaction: RFC 3261 §17.1.1 as RFC 6026 §8.4 corrects it.
#pragma once

#include <array>

#include "sip/client_machine.h"

namespace sallyport::sip {

inline constexpr auto kClientInviteTransitions = [] {
  using enum ClientState;
  using enum ClientEvent;
  using enum ClientAction;
  return std::to_array<ClientTransition>({
      {calling, timer_a, calling, {send_request}},
      {calling, timer_b, terminated, {report_timeout}},
      {calling, transport_error, terminated, {report_error}},
      {calling, provisional, proceeding, {pass_response}},
      {calling, success, accepted, {pass_response}},
      {calling, failure, completed, {send_ack, pass_response}},

      {proceeding, provisional, proceeding, {pass_response}},
      {proceeding, success, accepted, {pass_response}},
      {proceeding, failure, completed, {send_ack, pass_response}},
      {proceeding, cancel_expired, terminated, {report_timeout}},
      {proceeding, transport_error, terminated, {report_error}},

      {completed, failure, completed, {send_ack}},
      {completed, timer_d, terminated, {}},
      {completed, transport_error, terminated, {report_error}},

      //= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
      //# A 2xx response
      //# received while in the "Accepted" state MUST be passed to the TU and
      //# the machine remains in the "Accepted" state.
      {accepted, success, accepted, {pass_response}},
      {accepted, timer_m, terminated, {}},
  });
}();
static_assert(is_deterministic(kClientInviteTransitions));

inline constexpr ClientRules kClientInviteRules = {
    "client_invite",
    ClientState::calling,
    ClientTable(kClientInviteTransitions),
    {{
        {TimerName::a, TimerName::b},  // calling
        {},                            // trying
        {},                            // proceeding: its user decides how long a phone may ring
        {std::nullopt, TimerName::d},  // completed
        {std::nullopt, TimerName::m},  // accepted
        {},                            // terminated
    }},
};

}  // namespace sallyport::sip
