// SPDX-License-Identifier: GPL-3.0-or-later
// Histogram: times in a fixed amount of memory, each kept to within 1.6 %, in a unit of the user's choice.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace sallyport {

class Histogram {
 public:
  void record(std::uint64_t time) {
    ++buckets_[bucket(time)];
    ++count_;
    max_ = std::max(max_, time);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double max() const { return static_cast<double>(max_); }
  /// The time that `share` of all do not exceed.
  [[nodiscard]] double percentile(double share) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= rank && seen != 0) return std::min(static_cast<double>(middle(i)), max());
    }
    return 0;
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::size_t kSub = std::size_t{1} << kBits;
  static constexpr std::size_t kOctaves = 34;  ///< of microseconds up to hours

  /// Below 32 each value has a bucket of its own; above, each power of two has 32 of them.
  static std::size_t bucket(std::uint64_t value) {
    if (value < kSub) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    const std::size_t index = (shift + 1) * kSub + static_cast<std::size_t>((value >> shift) - kSub);
    return std::min(index, kSub * kOctaves - 1);
  }
  static std::uint64_t middle(std::size_t index) {
    if (index < kSub) return index;
    const std::size_t shift = index / kSub - 1;
    return ((index % kSub + kSub) << shift) + ((std::uint64_t{1} << shift) / 2);
  }

  std::array<std::uint64_t, kSub * kOctaves> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sallyport
