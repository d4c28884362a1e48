// SPDX-License-Identifier: GPL-3.0-or-later
// name-addr and addr-spec: where the display name, the URI and the parameters of an address stand.
#include "sip/name_addr.h"

#include "sip/scan.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

tl::unexpected<Error> malformed(const char* what) {
  return fail(ErrorClass::malformed, what);
}

/// Tokens with white space between them. UTF-8 without quotes breaks the grammar and hurts nobody.
bool is_token_display(std::string_view display) {
  for (const char c : display)
    if (!text::is(c, text::kToken) && !text::is_space(c) && c >= 0) return false;
  return true;
}

/// Where the `<` stands; npos if there is none or what comes before it is no display name.
std::size_t find_bracket(NameAddr& address) {
  const std::string_view text = address.text;
  if (text.starts_with('"')) {
    const std::size_t closed = text::skip_quoted(text, 0);
    if (closed == std::string_view::npos) return closed;
    address.display = text.substr(0, closed);
    const std::size_t at = text::skip_space(text, closed);
    return at < text.size() && text[at] == '<' ? at : std::string_view::npos;
  }
  const std::size_t at = text.find('<');
  if (at == std::string_view::npos) return at;
  address.display = text::trim(text.substr(0, at));
  return is_token_display(address.display) ? at : std::string_view::npos;
}

/// A URI that may stand without angle brackets: to the first `;` or white space.
Result<std::size_t> parse_bare(NameAddr& address) {
  const std::size_t end = scan::any_of<';', ' ', '\t'>(address.text, 0);
  address.display = {};
  address.uri = address.text.substr(0, end);
  if (scan::any_of<',', '?', '"', '<', '>'>(address.uri, 0) != address.uri.size())
    return malformed("an address that needs angle brackets");
  return end;
}

}  // namespace

Result<NameAddr> parse_name_addr(std::string_view text) {
  NameAddr address;
  address.text = text::trim(text);
  std::size_t end = 0;
  if (const std::size_t open = find_bracket(address); open != std::string_view::npos) {
    const std::size_t close = address.text.find('>', open);
    if (close == std::string_view::npos) return malformed("an angle bracket that does not close");
    address.uri = address.text.substr(open + 1, close - open - 1);
    address.bracketed = true;
    end = close + 1;
  } else {
    const auto bare = parse_bare(address);
    if (!bare) return tl::unexpected(bare.error());
    end = *bare;
  }
  const bool has_space = scan::any_of<' ', '\t'>(address.uri, 0) != address.uri.size();
  if (has_space || address.uri.find(':') == std::string_view::npos)
    return malformed("an address without a proper URI");
  const auto parameters = parse_parameters(address.text.substr(end));
  if (!parameters) return tl::unexpected(parameters.error());
  address.parameters = *parameters;
  return address;
}

std::string NameAddr::display_name() const {
  return unquote(display);
}

std::string write_name_addr(std::string_view display_name, std::string_view uri) {
  std::string value;
  if (!display_name.empty()) value = quote(display_name) + ' ';
  value += '<';
  value += uri;
  value += '>';
  return value;
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    plain += text[at];
  }
  return plain;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  quoted.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace sallyport::sip
