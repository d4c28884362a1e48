// SPDX-License-Identifier: GPL-3.0-or-later
// What the state machines of this folder share: a table (state, event) to (state, actions) that is checked as
// it compiles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace sallyport::sip {

/// A set of what a transition does, in no order.
template <typename Action>
class ActionSet {
 public:
  constexpr ActionSet() = default;
  constexpr ActionSet(std::initializer_list<Action> actions) {
    for (const Action action : actions) bits_ = static_cast<std::uint8_t>(bits_ | bit(action));
  }
  [[nodiscard]] constexpr bool has(Action action) const { return (bits_ & bit(action)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  friend constexpr bool operator==(ActionSet, ActionSet) = default;

 private:
  [[nodiscard]] static constexpr unsigned bit(Action action) { return 1U << static_cast<unsigned>(action); }

  std::uint8_t bits_ = 0;
};

template <typename State, typename Event, typename Action>
struct Transition {
  State from;
  Event event;
  State to;
  ActionSet<Action> actions;
};

/// No state leads two ways on one event.
template <typename State, typename Event, typename Action, std::size_t kCount>
[[nodiscard]] constexpr bool is_deterministic(
    const std::array<Transition<State, Event, Action>, kCount>& transitions) {
  for (std::size_t i = 0; i < kCount; ++i)
    for (std::size_t j = i + 1; j < kCount; ++j)
      if (transitions[i].from == transitions[j].from && transitions[i].event == transitions[j].event)
        return false;
  return true;
}

/// Transitions laid out for one array access; what they do not mention changes nothing.
template <typename State, typename Event, typename Action, std::size_t kStates, std::size_t kEvents>
class StateTable {
 public:
  struct Step {
    State to;
    ActionSet<Action> actions;
    bool is_listed = false;
  };

  template <std::size_t kCount>
  explicit consteval StateTable(const std::array<Transition<State, Event, Action>, kCount>& transitions) {
    for (std::size_t state = 0; state < kStates; ++state)
      for (Step& step : steps_[state]) step.to = static_cast<State>(state);
    for (const auto& transition : transitions)
      steps_[static_cast<std::size_t>(transition.from)][static_cast<std::size_t>(transition.event)] = {
          transition.to, transition.actions, true};
  }

  [[nodiscard]] constexpr const Step& step(State state, Event event) const {
    return steps_[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
  }

 private:
  std::array<std::array<Step, kEvents>, kStates> steps_{};
};

}  // namespace sallyport::sip
