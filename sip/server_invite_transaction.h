// SPDX-License-Identifier: GPL-3.0-or-later
// The INVITE server transaction: RFC 3261 §17.2.1 as RFC 6026 §8.6 corrects it.
#pragma once

#include <array>

#include "sip/server_machine.h"

namespace sallyport::sip {

inline constexpr auto kServerInviteTransitions = [] {
  using enum ServerState;
  using enum ServerEvent;
  using enum ServerAction;
  return std::to_array<ServerTransition>({
      {proceeding, request, proceeding, {repeat_response}},
      {proceeding, user_provisional, proceeding, {send_response}},
      {proceeding, user_success, accepted, {send_response}},
      {proceeding, user_failure, completed, {send_response}},
      //= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
      //# A server transaction MUST NOT discard transaction state based only on
      //# encountering a non-recoverable transport error when sending a
      //# response.
      {proceeding, transport_error, proceeding, {report_error}},

      {completed, request, completed, {repeat_response}},
      {completed, timer_g, completed, {repeat_response}},
      {completed, ack, confirmed, {}},
      {completed, timer_h, terminated, {report_timeout}},
      {completed, transport_error, completed, {report_error}},

      {confirmed, timer_i, terminated, {}},

      {accepted, user_success, accepted, {send_response}},
      {accepted, ack, accepted, {pass_ack}},
      {accepted, timer_l, terminated, {}},
      {accepted, transport_error, accepted, {report_error}},
  });
}();
static_assert(is_deterministic(kServerInviteTransitions));

inline constexpr ServerRules kServerInviteRules = {
    "server_invite",
    ServerState::proceeding,
    ServerTable(kServerInviteTransitions),
    {{
        {},                            // trying
        {},                            // proceeding
        {TimerName::g, TimerName::h},  // completed
        {std::nullopt, TimerName::i},  // confirmed
        {std::nullopt, TimerName::l},  // accepted: its user repeats the 2xx
        {},                            // terminated
    }},
};

}  // namespace sallyport::sip
