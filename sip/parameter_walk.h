// SPDX-License-Identifier: GPL-3.0-or-later
// Parameter walk: checks a `;name=value` list and hands out each parameter on the way.
#pragma once

#include <cstddef>
#include <string_view>

#include "sip/limits.h"
#include "sip/parameters.h"
#include "sip/text.h"

namespace sallyport::sip {

/// Calls `visit(Parameter)` for each. Returns what is wrong, or nothing. All of `text` belongs to the list.
template <typename Visit>
[[nodiscard]] const char* walk_parameters(std::string_view text, Visit visit) {
  std::size_t at = text::skip_space(text, 0);
  std::size_t count = 0;
  while (at < text.size()) {
    if (text[at] != ';') return "a semicolon must come before a parameter";
    if (++count > kStandardLimits[Limit::parameters]) return "too many parameters";
    at = text::skip_space(text, at + 1);
    const std::size_t name_end = at + text::span_of(text, at, text::kToken);
    if (name_end == at) return "a parameter without a name";
    Parameter parameter{text.substr(at, name_end - at), {}, false};
    at = text::skip_space(text, name_end);
    if (at < text.size() && text[at] == '=') {
      const std::size_t begin = text::skip_space(text, at + 1);
      const bool is_quoted = begin < text.size() && text[begin] == '"';
      const std::size_t end =
          is_quoted ? text::skip_quoted(text, begin) : begin + text::span_of(text, begin, text::kValue);
      if (end == begin || end == std::string_view::npos) return "a parameter without a proper value";
      parameter.value = text.substr(begin, end - begin);
      parameter.has_value = true;
      at = text::skip_space(text, end);
    }
    visit(parameter);
  }
  return nullptr;
}

}  // namespace sallyport::sip
