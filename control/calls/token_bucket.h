// SPDX-License-Identifier: GPL-3.0-or-later
// TokenBucket: so many a second, and at once as many as a second brings.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sallyport::control {

/// In thousandths, so that no rate is rounded away. Times are milliseconds of a clock that does not go back.
class TokenBucket {
 public:
  /// Takes one if there is one. A rate of 0 has no end.
  [[nodiscard]] bool take(std::uint64_t per_second, std::int64_t now_ms) {
    if (per_second == 0) return true;
    const std::uint64_t full = per_second * 1000;
    if (!begun_) level_ = full;
    begun_ = true;
    const auto passed =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(now_ms - filled_ms_, 0, kFullAfterMs));
    level_ = std::min(full, level_ + passed * per_second);
    filled_ms_ = std::max(filled_ms_, now_ms);
    if (level_ < 1000) return false;
    level_ -= 1000;
    return true;
  }
  /// Gives back what was taken for nothing.
  void give_back() { level_ += 1000; }

 private:
  static constexpr std::int64_t kFullAfterMs = 1000;

  std::uint64_t level_ = 0;
  std::int64_t filled_ms_ = 0;
  bool begun_ = false;
};

}  // namespace sallyport::control
