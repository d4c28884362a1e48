// SPDX-License-Identifier: GPL-3.0-or-later
// TimerWheel: hundreds of thousands of timers of which nearly all are stopped before they fire.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "sip/timers.h"

namespace sallyport::sip {

/// Lives inside what it belongs to. Its owner stops it before it goes.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool is_running() const { return slot_ != kIdle; }
  [[nodiscard]] InstantMs due_ms() const { return due_ms_; }

 private:
  friend class TimerWheel;
  static constexpr std::uint16_t kIdle = 0xffff;

  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  InstantMs due_ms_ = 0;
  std::uint16_t slot_ = kIdle;
};

/// Eight levels of 64 slots; a level's slot spans all of the level below it. A timer sits at the highest
/// level at which its time differs from the present, so it moves down at most seven times, and starting and
/// stopping touch one list. Nothing is allocated.
class TimerWheel {
 public:
  explicit TimerWheel(InstantMs now) : current_ms_(now) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Starts or restarts. What is already due fires a millisecond later, never inside this call.
  void start(Timer& timer, InstantMs due_ms) {
    stop(timer);
    timer.due_ms_ = due_ms > current_ms_ ? due_ms : current_ms_ + 1;
    place(timer);
    ++running_;
  }

  void stop(Timer& timer) {
    if (!timer.is_running()) return;
    unlink(timer);
    --running_;
  }

  /// When advance() has something to do: a timer's time, or earlier, when timers move down a level.
  [[nodiscard]] std::optional<InstantMs> next_deadline() const {
    if (heads_[kReady] != nullptr) return current_ms_;
    const std::optional<Slot> slot = next_slot();
    return slot ? std::optional(slot->starts_ms) : std::nullopt;
  }

  /// Moves the present to `now` and hands every timer that is due, in the order of their times, to
  /// `fire(Timer&)`. That may start and stop any timer, itself included.
  template <typename Fire>
  void advance(InstantMs now, Fire&& fire) {
    for (auto slot = next_slot(); slot && slot->starts_ms <= now; slot = next_slot()) {
      current_ms_ = slot->starts_ms;
      empty_slot(slot->index);
      while (Timer* const timer = heads_[kReady]) {
        stop(*timer);
        fire(*timer);
      }
    }
    if (now > current_ms_) current_ms_ = now;
  }

  [[nodiscard]] std::size_t running() const { return running_; }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kSlots = 64;
  static constexpr std::size_t kLevels = 8;
  static constexpr std::uint16_t kReady = kLevels * kSlots;  // due now, not yet handed out
  static constexpr InstantMs kFarthestMs = (InstantMs{1} << (kBits * kLevels)) - 1;

  struct Slot {
    std::uint16_t index;
    InstantMs starts_ms;
  };

  // A slot ahead of the present is never before it: levels share all higher bits of the time with it.
  [[nodiscard]] std::optional<Slot> next_slot() const {
    for (std::size_t level = 0; level < kLevels; ++level) {
      if (occupied_[level] == 0) continue;
      const auto in_level = static_cast<unsigned>(std::countr_zero(occupied_[level]));
      const unsigned shift = kBits * static_cast<unsigned>(level);
      const InstantMs above = current_ms_ >> (shift + kBits) << (shift + kBits);
      return Slot{static_cast<std::uint16_t>(level * kSlots + in_level),
                  above | InstantMs{in_level} << shift};
    }
    return std::nullopt;
  }

  void place(Timer& timer) {
    // Times beyond nine thousand years share the last slot; they would only fire early.
    const InstantMs due = timer.due_ms_ < kFarthestMs ? timer.due_ms_ : kFarthestMs;
    if (due <= current_ms_) {
      link(timer, kReady);
      return;
    }
    const auto level = (63U - static_cast<unsigned>(std::countl_zero(due ^ current_ms_))) / kBits;
    const auto in_level = static_cast<std::size_t>(due >> (kBits * level)) % kSlots;
    link(timer, static_cast<std::uint16_t>(level * kSlots + in_level));
  }

  void empty_slot(std::uint16_t index) {
    while (Timer* const timer = heads_[index]) {
      unlink(*timer);
      place(*timer);
    }
  }

  void link(Timer& timer, std::uint16_t index) {
    Timer*& head = heads_[index];
    timer.slot_ = index;
    timer.previous_ = nullptr;
    timer.next_ = head;
    if (head != nullptr) head->previous_ = &timer;
    head = &timer;
    if (index != kReady) occupied_[index / kSlots] |= std::uint64_t{1} << (index % kSlots);
  }

  void unlink(Timer& timer) {
    const std::uint16_t index = timer.slot_;
    if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
    if (timer.previous_ != nullptr)
      timer.previous_->next_ = timer.next_;
    else
      heads_[index] = timer.next_;
    timer.slot_ = Timer::kIdle;
    if (heads_[index] == nullptr && index != kReady)
      occupied_[index / kSlots] &= ~(std::uint64_t{1} << (index % kSlots));
  }

  InstantMs current_ms_;
  std::size_t running_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<Timer*, kLevels * kSlots + 1> heads_{};
};

}  // namespace sallyport::sip
