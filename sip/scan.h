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
  const auto matches_at = [&](std::size_t at) {
    return mask_of(block(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at))));
  };
  for (; from + 16 <= text.size(); from += 16)
    if (const unsigned mask = matches_at(from); mask != 0)
      return from + static_cast<std::size_t>(std::countr_zero(mask));
  if (from >= text.size()) return text.size();
  if (text.size() >= 16) {
    // The rest is the end of a block that reaches back over what was seen.
    const unsigned mask = matches_at(text.size() - 16) >> (16 - (text.size() - from));
    return mask != 0 ? from + static_cast<std::size_t>(std::countr_zero(mask)) : text.size();
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

struct Line {
  std::size_t colon;  ///< the first, or the text's size
  std::size_t end;    ///< the first control character, or the text's size
};

/// What any_of<':'> and control() find from `from`, with one look at the first sixteen octets.
[[nodiscard]] inline Line line(std::string_view text, std::size_t from) {
  if (from + 16 > text.size()) return {any_of<':'>(text, from), control(text, from)};
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
  const unsigned colons = detail::mask_of(_mm_cmpeq_epi8(octets, _mm_set1_epi8(':')));
  const unsigned controls =
      detail::mask_of(_mm_cmpeq_epi8(_mm_min_epu8(octets, _mm_set1_epi8(0x1f)), octets));
  const auto place = [&](unsigned mask) { return from + static_cast<std::size_t>(std::countr_zero(mask)); };
  return {colons != 0 ? place(colons) : any_of<':'>(text, from + 16),
          controls != 0 ? place(controls) : control(text, from + 16)};
}

}  // namespace sallyport::sip::scan
