// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Cache lines that will be wanted soon, by object.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sallyport {

inline constexpr std::size_t kCacheLine = 64;

/// Some lines of one object: bit n of `marked` stands for the n-th from `base`.
struct Lines {
  const void* base = nullptr;
  std::uint32_t marked = 0;
};

/// Inlined always: GCC takes a function that only prefetches for one without effect, and drops its calls.
[[gnu::always_inline]] inline void prefetch(const Lines& lines) {
  const auto* octets = static_cast<const char*>(lines.base);
  for (std::uint32_t left = lines.marked; left != 0; left &= left - 1)
    __builtin_prefetch(octets + kCacheLine * static_cast<unsigned>(std::countr_zero(left)));
}

}  // namespace sallyport
