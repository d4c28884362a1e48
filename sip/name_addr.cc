// SPDX-License-Identifier: GPL-3.0-or-later
// name-addr and addr-spec: where the display name, the URI and the parameters of an address stand.
#include "sip/name_addr.h"

#include "sip/scan.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

/// Tokens with white space between them. Without quotes, UTF-8 and escapes break the grammar; phones send
/// them, and they hurt nobody.
bool is_token_display(std::string_view display) {
  for (std::size_t at = 0; at < display.size(); ++at) {
    const char c = display[at];
    if (text::is(c, text::kToken) || text::is_space(c) || c < 0) continue;
    if (c != '\\' || ++at == display.size()) return false;
  }
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

/// A URI that may stand without angle brackets: to the first `;` or white space. False if it may not.
bool take_bare(NameAddr& address) {
  const std::size_t end = scan::any_of<';', ' ', '\t'>(address.text, 0);
  address.display = {};
  address.uri = address.text.substr(0, end);
  return scan::any_of<',', '?', '"', '<', '>'>(address.uri, 0) == end;
}

/// Finds display name and URI; `end` is where the parameters begin. Returns what is wrong, or nothing.
const char* take_address(NameAddr& address, std::size_t& end) {
  const std::size_t open = find_bracket(address);
  if (open == std::string_view::npos) {
    if (!take_bare(address)) return "an address that needs angle brackets";
    end = address.uri.size();
  } else {
    const std::size_t close = address.text.find('>', open);
    if (close == std::string_view::npos) return "an angle bracket that does not close";
    address.uri = address.text.substr(open + 1, close - open - 1);
    address.bracketed = true;
    end = close + 1;
  }
  const std::size_t special = scan::any_of<':', ' ', '\t'>(address.uri, 0);
  const bool has_scheme = special < address.uri.size() && address.uri[special] == ':';
  const bool has_space = scan::any_of<' ', '\t'>(address.uri, special) != address.uri.size();
  return has_scheme && !has_space ? nullptr : "an address without a proper URI";
}

}  // namespace

Result<NameAddr> parse_name_addr(std::string_view text) {
  Result<NameAddr> result(tl::in_place);
  NameAddr& address = *result;
  address.text = text::trim(text);
  std::size_t end = 0;
  if (const char* problem = take_address(address, end)) {
    result = malformed(problem);
    return result;
  }
  const auto parameters = parse_parameters(address.text.substr(end));
  if (parameters)
    address.parameters = *parameters;
  else
    result = tl::unexpected(parameters.error());
  return result;
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
    const bool is_control = (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
    if (c == '"' || c == '\\' || is_control) quoted += '\\';
    // No escape makes these harmless.
    quoted += c == '\r' || c == '\n' ? ' ' : c;
  }
  return quoted + '"';
}

}  // namespace sallyport::sip
