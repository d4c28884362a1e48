// SPDX-License-Identifier: GPL-3.0-or-later
// Reason phrases that name a header: `Missing From`, `Malformed CSeq`, `Duplicate Call-ID`.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "sip/header_table.h"

namespace sallyport::sip {

namespace detail {

using DefectText = std::array<char, 48>;

constexpr auto make_defect_texts(std::string_view what) {
  std::array<DefectText, kHeaderCount> texts{};
  for (std::size_t i = 0; i < kHeaderCount; ++i) {
    const auto behind = std::copy(what.begin(), what.end(), texts[i].begin());
    std::copy(kHeaders[i].name.begin(), kHeaders[i].name.end(), behind);
  }
  return texts;
}

inline constexpr auto kMissing = make_defect_texts("Missing ");
inline constexpr auto kMalformed = make_defect_texts("Malformed ");
inline constexpr auto kDuplicate = make_defect_texts("Duplicate ");

}  // namespace detail

[[nodiscard]] constexpr const char* missing_text(HeaderId id) {
  return detail::kMissing[static_cast<std::size_t>(id)].data();
}
[[nodiscard]] constexpr const char* malformed_text(HeaderId id) {
  return detail::kMalformed[static_cast<std::size_t>(id)].data();
}
[[nodiscard]] constexpr const char* duplicate_text(HeaderId id) {
  return detail::kDuplicate[static_cast<std::size_t>(id)].data();
}

}  // namespace sallyport::sip
