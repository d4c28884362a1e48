// SPDX-License-Identifier: GPL-3.0-or-later
// The four transaction machines: every state against every event, against the figures of RFC 3261 and RFC
// 6026.
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "sip/client_invite_transaction.h"
#include "sip/client_transaction.h"
#include "sip/server_invite_transaction.h"
#include "sip/server_transaction.h"

namespace sallyport::sip {
namespace {

// The figures written out as text: (state, event) to "state: actions". What is not in them must change
// nothing.
using Figure = std::map<std::pair<std::string_view, std::string_view>, std::string_view>;

// RFC 6026 Figure 5, with the end of a cancelled INVITE of RFC 3261 §9.1.
const Figure kFigure5 = {
    {{"calling", "timer A"}, "calling: request"},
    {{"calling", "timer B"}, "terminated: timeout"},
    {{"calling", "transport error"}, "terminated: error"},
    {{"calling", "1xx"}, "proceeding: response"},
    {{"calling", "2xx"}, "accepted: response"},
    {{"calling", "300-699"}, "completed: ack response"},
    {{"proceeding", "1xx"}, "proceeding: response"},
    {{"proceeding", "2xx"}, "accepted: response"},
    {{"proceeding", "300-699"}, "completed: ack response"},
    {{"proceeding", "cancel expired"}, "terminated: timeout"},
    {{"proceeding", "transport error"}, "terminated: error"},
    {{"completed", "300-699"}, "completed: ack"},
    {{"completed", "timer D"}, "terminated:"},
    {{"completed", "transport error"}, "terminated: error"},
    {{"accepted", "2xx"}, "accepted: response"},
    {{"accepted", "timer M"}, "terminated:"},
};
// RFC 3261 Figure 6.
const Figure kFigure6 = {
    {{"trying", "timer E"}, "trying: request"},
    {{"trying", "timer F"}, "terminated: timeout"},
    {{"trying", "transport error"}, "terminated: error"},
    {{"trying", "1xx"}, "proceeding: response"},
    {{"trying", "2xx"}, "completed: response"},
    {{"trying", "300-699"}, "completed: response"},
    {{"proceeding", "timer E"}, "proceeding: request"},
    {{"proceeding", "timer F"}, "terminated: timeout"},
    {{"proceeding", "transport error"}, "terminated: error"},
    {{"proceeding", "1xx"}, "proceeding: response"},
    {{"proceeding", "2xx"}, "completed: response"},
    {{"proceeding", "300-699"}, "completed: response"},
    {{"completed", "timer K"}, "terminated:"},
};
// RFC 6026 Figure 7; timer H tells the user, as the text of RFC 3261 §17.2.1 has it.
const Figure kFigure7 = {
    {{"proceeding", "request"}, "proceeding: repeat"},
    {{"proceeding", "1xx from user"}, "proceeding: send"},
    {{"proceeding", "2xx from user"}, "accepted: send"},
    {{"proceeding", "300-699 from user"}, "completed: send"},
    {{"proceeding", "transport error"}, "proceeding: error"},
    {{"completed", "request"}, "completed: repeat"},
    {{"completed", "timer G"}, "completed: repeat"},
    {{"completed", "ACK"}, "confirmed:"},
    {{"completed", "timer H"}, "terminated: timeout"},
    {{"completed", "transport error"}, "completed: error"},
    {{"confirmed", "timer I"}, "terminated:"},
    {{"accepted", "2xx from user"}, "accepted: send"},
    {{"accepted", "ACK"}, "accepted: ack"},
    {{"accepted", "timer L"}, "terminated:"},
    {{"accepted", "transport error"}, "accepted: error"},
};
// RFC 3261 Figure 8; after transport errors as RFC 6026 §8.8.
const Figure kFigure8 = {
    {{"trying", "1xx from user"}, "proceeding: send"},
    {{"trying", "2xx from user"}, "completed: send"},
    {{"trying", "300-699 from user"}, "completed: send"},
    {{"trying", "transport error"}, "trying: error"},
    {{"proceeding", "request"}, "proceeding: repeat"},
    {{"proceeding", "1xx from user"}, "proceeding: send"},
    {{"proceeding", "2xx from user"}, "completed: send"},
    {{"proceeding", "300-699 from user"}, "completed: send"},
    {{"proceeding", "transport error"}, "proceeding: error"},
    {{"completed", "request"}, "completed: repeat"},
    {{"completed", "timer J"}, "terminated:"},
    {{"completed", "transport error"}, "completed: error"},
};

std::string words(ActionSet<ClientAction> actions) {
  using enum ClientAction;
  std::string text = ":";
  if (actions.has(send_request)) text += " request";
  if (actions.has(send_ack)) text += " ack";
  if (actions.has(pass_response)) text += " response";
  if (actions.has(report_timeout)) text += " timeout";
  if (actions.has(report_error)) text += " error";
  return text;
}
std::string words(ActionSet<ServerAction> actions) {
  using enum ServerAction;
  std::string text = ":";
  if (actions.has(send_response)) text += " send";
  if (actions.has(repeat_response)) text += " repeat";
  if (actions.has(pass_ack)) text += " ack";
  if (actions.has(report_timeout)) text += " timeout";
  if (actions.has(report_error)) text += " error";
  return text;
}

template <typename State, typename Event, typename Rules, typename StateNames, typename EventNames>
void check_every_pair(const Rules& rules, const Figure& figure, const StateNames& states,
                      const EventNames& events) {
  std::size_t listed = 0;
  for (std::size_t s = 0; s < states.size(); ++s)
    for (std::size_t e = 0; e < events.size(); ++e) {
      const auto& step = rules.table.step(static_cast<State>(s), static_cast<Event>(e));
      const auto row = figure.find({states[s], events[e]});
      const std::string expected =
          row != figure.end() ? std::string(row->second) : std::string(states[s]) + ":";
      EXPECT_EQ(std::string(name(step.to)) + words(step.actions), expected)
          << rules.name << ": " << states[s] << ", " << events[e];
      EXPECT_EQ(step.is_listed, row != figure.end());
      listed += step.is_listed ? 1 : 0;
    }
  EXPECT_EQ(listed, figure.size()) << rules.name;
}

TEST(TransactionMachines, ClientInviteIsFigure5) {
  check_every_pair<ClientState, ClientEvent>(kClientInviteRules, kFigure5, kClientStateNames,
                                             kClientEventNames);
}
TEST(TransactionMachines, ClientIsFigure6) {
  check_every_pair<ClientState, ClientEvent>(kClientRules, kFigure6, kClientStateNames, kClientEventNames);
}
TEST(TransactionMachines, ServerInviteIsFigure7) {
  check_every_pair<ServerState, ServerEvent>(kServerInviteRules, kFigure7, kServerStateNames,
                                             kServerEventNames);
}
TEST(TransactionMachines, ServerIsFigure8) {
  check_every_pair<ServerState, ServerEvent>(kServerRules, kFigure8, kServerStateNames, kServerEventNames);
}

// A state that a timer ends must run that timer, and no other state may.
TEST(TransactionMachines, TimersRunWhereTheyAreHeard) {
  for (const ClientRules* rules : {&kClientInviteRules, &kClientRules})
    for (const TimerInfo& timer : kTimers)
      for (std::size_t s = 0; s < kClientStateNames.size(); ++s) {
        const auto event = client_event(timer.timer);
        const bool is_heard = event && rules->table.step(static_cast<ClientState>(s), *event).is_listed;
        const StateTimers& runs = rules->timers[s];
        EXPECT_EQ(is_heard, runs.repeat == timer.timer || runs.end == timer.timer)
            << rules->name << " " << kClientStateNames[s] << " " << timer.name;
      }
  for (const ServerRules* rules : {&kServerInviteRules, &kServerRules})
    for (const TimerInfo& timer : kTimers)
      for (std::size_t s = 0; s < kServerStateNames.size(); ++s) {
        const auto event = server_event(timer.timer);
        const bool is_heard = event && rules->table.step(static_cast<ServerState>(s), *event).is_listed;
        const StateTimers& runs = rules->timers[s];
        EXPECT_EQ(is_heard, runs.repeat == timer.timer || runs.end == timer.timer)
            << rules->name << " " << kServerStateNames[s] << " " << timer.name;
      }
}

TEST(TransactionMachines, StatusesAreEvents) {
  for (const auto& [status, event] : {std::pair{100U, ClientEvent::provisional},
                                      {199U, ClientEvent::provisional},
                                      {200U, ClientEvent::success},
                                      {299U, ClientEvent::success},
                                      {300U, ClientEvent::failure},
                                      {699U, ClientEvent::failure}})
    EXPECT_EQ(client_event(status), event) << status;
  for (const auto& [status, event] : {std::pair{100U, ServerEvent::user_provisional},
                                      {199U, ServerEvent::user_provisional},
                                      {200U, ServerEvent::user_success},
                                      {300U, ServerEvent::user_failure},
                                      {699U, ServerEvent::user_failure}})
    EXPECT_EQ(server_event(status), event) << status;
}

TEST(TransactionMachines, DumpInOneLine) {
  ClientMachine client(kClientInviteRules);
  EXPECT_EQ(client.dump(), "client_invite calling");
  (void)client.handle(ClientEvent::success);
  EXPECT_EQ(client.dump(), "client_invite accepted");
  EXPECT_EQ(ServerMachine(kServerRules).dump(), "server trying");
}

TEST(TransactionMachines, TwoWaysOutAreFound) {
  using enum ClientState;
  using enum ClientEvent;
  constexpr auto kTwoWays = std::to_array<ClientTransition>({
      {calling, timer_a, calling, {}},
      {calling, timer_b, calling, {}},
      {calling, timer_a, terminated, {}},
  });
  static_assert(!is_deterministic(kTwoWays));
}

}  // namespace
}  // namespace sallyport::sip
