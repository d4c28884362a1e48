// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. PacketBudget: so many packets a second and so many at once, in one number.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/handshake.h"

namespace sallyport::dataplane {

/// A HandshakeBudget in TSC cycles.
struct BudgetCycles {
  BudgetCycles(const HandshakeBudget& budget, std::uint64_t tsc_hz)
      : interval(std::max<std::uint64_t>(tsc_hz / budget.packets_per_second, 1)),
        tolerance(interval * (budget.burst - 1)) {}

  std::uint64_t interval;   ///< between packets at the rate
  std::uint64_t tolerance;  ///< how far ahead of the rate a burst may be
};

/// The generic cell rate algorithm (ITU-T I.371): the moment at which the next packet would be due.
class PacketBudget {
 public:
  /// Whether one more packet fits at `tsc`; if so it is spent.
  [[nodiscard]] bool take(const BudgetCycles& budget, std::uint64_t tsc) {
    const std::uint64_t due = std::max(due_, tsc);
    if (due - tsc > budget.tolerance) return false;
    due_ = due + budget.interval;
    return true;
  }

 private:
  std::uint64_t due_ = 0;
};

}  // namespace sallyport::dataplane
