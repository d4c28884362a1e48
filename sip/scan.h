// SPDX-License-Identifier: GPL-3.0-or-later
// Scan: finds the next octet of a kind, sixteen at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <string_view>

#include <emmintrin.h>

namespace sallyport::sip::scan {

namespace detail {

[[nodiscard]] inline unsigned mask_of(__m128i matches) {
  return static_cast<unsigned>(_mm_movemask_epi8(matches));
}

template <typename Block, typename One>
[[nodiscard]] inline std::size_t find(std::string_view text, std::size_t from, Block block, One one) {
  for (; from + 16 <= text.size(); from += 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
    const unsigned mask = mask_of(block(octets));
    if (mask != 0) return from + static_cast<std::size_t>(std::countr_zero(mask));
  }
  for (; from < text.size(); ++from)
    if (one(text[from])) return from;
  return text.size();
}

}  // namespace detail

/// The next control character from `from` (below 0x20, so also tabs), or the text's size.
[[nodiscard]] inline std::size_t control(std::string_view text, std::size_t from) {
  return detail::find(
      text, from,
      [](__m128i octets) { return _mm_cmpeq_epi8(_mm_min_epu8(octets, _mm_set1_epi8(0x1f)), octets); },
      [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

/// The next of these characters from `from`, or the text's size.
template <char... characters>
[[nodiscard]] inline std::size_t any_of(std::string_view text, std::size_t from) {
  return detail::find(
      text, from,
      [](__m128i octets) {
        __m128i matches = _mm_setzero_si128();
        ((matches = _mm_or_si128(matches, _mm_cmpeq_epi8(octets, _mm_set1_epi8(characters)))), ...);
        return matches;
      },
      [](char c) { return ((c == characters) || ...); });
}

}  // namespace sallyport::sip::scan
