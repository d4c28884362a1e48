// SPDX-License-Identifier: GPL-3.0-or-later
// Replaces, Join, Target-Dialog and Refer-To.
#include "sip/replaces.h"

#include "sip/text.h"

namespace sallyport::sip {

namespace {

struct TagNames {
  std::string_view to;
  std::string_view from;
};

Result<Replaces> parse_dialog(std::string_view text, TagNames names) {
  Replaces result;
  text = text::trim(text);
  // A Call-ID may hold what else would be a bracket or a quote, but no semicolon.
  const std::size_t size = text::span_of(text, 0, text::kWord);
  if (size == 0) return fail(ErrorClass::malformed, "a dialog without its Call-ID");
  result.call_id = text.substr(0, size);
  const auto parameters = parse_parameters(text.substr(size));
  if (!parameters) return tl::unexpected(parameters.error());
  for (const Parameter& parameter : *parameters) {
    const bool is_to = text::equal_ignoring_case(parameter.name, names.to);
    if (is_to || text::equal_ignoring_case(parameter.name, names.from)) {
      std::string_view& tag = is_to ? result.to_tag : result.from_tag;
      if (!tag.empty()) return fail(ErrorClass::malformed, "a dialog with a tag twice");
      tag = parameter.value;
    } else if (text::equal_ignoring_case(parameter.name, "early-only")) {
      result.early_only = true;
    }
  }
  if (result.to_tag.empty() || result.from_tag.empty())
    return fail(ErrorClass::malformed, "a dialog without both its tags");
  return result;
}

}  // namespace

Result<Replaces> parse_replaces(std::string_view text) {
  return parse_dialog(text, {"to-tag", "from-tag"});
}

Result<Replaces> parse_target_dialog(std::string_view text) {
  return parse_dialog(text, {"local-tag", "remote-tag"});
}

std::string write_replaces(const Replaces& value) {
  std::string text(value.call_id);
  text += ";to-tag=";
  text += value.to_tag;
  text += ";from-tag=";
  text += value.from_tag;
  if (value.early_only) text += ";early-only";
  return text;
}

Result<ReferTo> parse_refer_to(std::string_view text) {
  const auto address = parse_name_addr(text);
  if (!address) return tl::unexpected(address.error());
  const auto uri = address->parsed_uri();
  if (!uri) return tl::unexpected(uri.error());
  ReferTo result{*address, *uri, Method::invite, {}};
  if (const auto method = uri->parameters.find("method")) result.method = method_of(method->value);
  for (std::string_view rest = uri->headers; !rest.empty();) {
    const UriHeader header = next_uri_header(rest);
    if (!text::equal_ignoring_case(header.name, "Replaces")) continue;
    auto replaces = unescape(header.value);
    if (!replaces) return tl::unexpected(replaces.error());
    result.replaces = std::move(*replaces);
  }
  return result;
}

}  // namespace sallyport::sip
