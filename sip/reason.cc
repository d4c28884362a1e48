// SPDX-License-Identifier: GPL-3.0-or-later
// Reason, Retry-After and Warning.
#include "sip/reason.h"

#include "sip/name_addr.h"
#include "sip/parameters.h"
#include "sip/text.h"

namespace sallyport::sip {

Result<Reason> parse_reason(std::string_view text) {
  Reason reason;
  text = text::trim(text);
  const std::size_t size = text::span_of(text, 0, text::kToken);
  if (size == 0) return fail(ErrorClass::malformed, "a malformed Reason");
  reason.protocol = text.substr(0, size);
  const auto parameters = parse_parameters(text.substr(size));
  if (!parameters) return tl::unexpected(parameters.error());
  reason.cause = parameters->number("cause");
  reason.text = parameters->value("text");
  if (reason.text.size() >= 2 && reason.text.front() == '"')
    reason.text = reason.text.substr(1, reason.text.size() - 2);
  return reason;
}

std::string write_reason(std::string_view protocol, std::uint32_t cause, std::string_view text) {
  std::string value(protocol);
  value += ";cause=" + std::to_string(cause);
  if (!text.empty()) value += ";text=" + quote(text);
  return value;
}

/// delta-seconds [ comment ] *( SEMI retry-param )
Result<RetryAfter> parse_retry_after(std::string_view text) {
  const auto malformed = [] { return fail(ErrorClass::malformed, "a malformed Retry-After"); };
  RetryAfter result;
  text = text::trim(text);
  const std::size_t digits = text::span_of(text, 0, text::kDigit);
  const auto seconds = text::delta_seconds(text.substr(0, digits));
  if (!seconds) return malformed();
  result.seconds = *seconds;
  std::size_t at = text::skip_space(text, digits);
  unsigned depth = 0;
  while (at < text.size() && (depth != 0 || text[at] == '(')) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')') --depth;
    if (text[at] == '\\') ++at;
    ++at;
  }
  if (depth != 0 || at > text.size()) return malformed();
  const auto parameters = parse_parameters(text.substr(at));
  if (!parameters) return malformed();
  result.duration_s = text::delta_seconds(parameters->value("duration"));
  return result;
}

std::string write_warning(unsigned code, std::string_view agent, std::string_view text) {
  std::string value = std::to_string(code) + ' ';
  value += agent;
  value += ' ';
  return value + quote(text);
}

}  // namespace sallyport::sip
