// SPDX-License-Identifier: GPL-3.0-or-later
// CSeq and RAck: numbers and a method, divided by white space.
#include "sip/cseq.h"

#include <optional>

#include "sip/text.h"

namespace sallyport::sip {

namespace {

/// Takes a number up to `highest` and the white space that must follow off the front.
std::optional<std::uint32_t> take_number(std::string_view& rest, std::uint32_t highest) {
  const std::size_t size = text::span_of(rest, 0, text::kDigit);
  const auto number = text::decimal(rest.substr(0, size), highest);
  const std::size_t next = text::skip_space(rest, size);
  if (next == size) return std::nullopt;
  rest.remove_prefix(next);
  return number;
}

constexpr std::uint32_t kHighest = 0x7fffffff;

}  // namespace

Result<CSeq> parse_cseq(std::string_view text) {
  std::string_view rest = text::trim(text);
  const auto number = take_number(rest, kHighest);
  if (!number || !text::is_token(rest)) return fail(ErrorClass::malformed, "a malformed CSeq");
  return CSeq{*number, method_of(rest), rest};
}

std::string write_cseq(std::uint32_t number, std::string_view method) {
  std::string value = std::to_string(number);
  value += ' ';
  value += method;
  return value;
}

Result<RAck> parse_rack(std::string_view text) {
  std::string_view rest = text::trim(text);
  const auto response_number = take_number(rest, 0xffffffff);
  if (!response_number || *response_number == 0) return fail(ErrorClass::malformed, "a malformed RAck");
  const auto cseq = parse_cseq(rest);
  if (!cseq) return fail(ErrorClass::malformed, "a malformed RAck");
  return RAck{*response_number, *cseq};
}

std::string write_rack(std::uint32_t response_number, const CSeq& cseq) {
  return std::to_string(response_number) + ' ' + write_cseq(cseq.number, cseq.method_text);
}

Result<std::uint32_t> parse_rseq(std::string_view text) {
  const auto number = text::decimal(text::trim(text));
  if (!number || *number == 0) return fail(ErrorClass::malformed, "a malformed RSeq");
  return *number;
}

}  // namespace sallyport::sip
