// SPDX-License-Identifier: GPL-3.0-or-later
// Parameters: checked once, then walked without looking back.
#include "sip/parameters.h"

#include <algorithm>

#include "sip/parameter_walk.h"
#include "sip/text.h"

namespace sallyport::sip {

Parameters::Iterator& Parameters::Iterator::operator++() {
  const std::size_t begin = text::skip_space(rest_, 0);
  if (begin >= rest_.size()) {
    ended_ = true;
    return *this;
  }
  // The grammar was checked: a semicolon is here.
  const std::size_t name_at = text::skip_space(rest_, begin + 1);
  std::size_t at = name_at;
  while (at < rest_.size() && rest_[at] != '=' && rest_[at] != ';' && !text::is_space(rest_[at])) ++at;
  parameter_ = {rest_.substr(name_at, at - name_at), {}, false};
  at = text::skip_space(rest_, at);
  if (at < rest_.size() && rest_[at] == '=') {
    const std::size_t value_at = text::skip_space(rest_, at + 1);
    at = value_at;
    if (at < rest_.size() && rest_[at] == '"') at = std::min(text::skip_quoted(rest_, at), rest_.size());
    while (at < rest_.size() && rest_[at] != ';' && !text::is_space(rest_[at])) ++at;
    parameter_.value = rest_.substr(value_at, at - value_at);
    parameter_.has_value = true;
  }
  rest_.remove_prefix(at);
  return *this;
}

std::optional<Parameter> Parameters::find(std::string_view name) const {
  for (const Parameter& parameter : *this)
    if (text::equal_ignoring_case(parameter.name, name)) return parameter;
  return std::nullopt;
}

std::string_view Parameters::value(std::string_view name) const {
  const auto parameter = find(name);
  return parameter ? parameter->value : std::string_view{};
}

std::optional<std::uint32_t> Parameters::number(std::string_view name, std::uint32_t highest) const {
  return text::decimal(value(name), highest);
}

Result<Parameters> parse_parameters(std::string_view text) {
  if (const char* problem = walk_parameters(text, [](const Parameter&) {}))
    return fail(ErrorClass::malformed, problem);
  return Parameters(text::trim(text));
}

}  // namespace sallyport::sip
