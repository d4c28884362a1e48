// SPDX-License-Identifier: GPL-3.0-or-later
// URIs: parsing from left to right, each part against its own class of characters.
#include "sip/uri.h"

#include "base/ip_address.h"
#include "sip/limits.h"
#include "sip/scan.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

tl::unexpected<Error> malformed(const char* what) {
  return fail(ErrorClass::malformed, what);
}

/// Every character is of `classes` or part of an escape `%hh`.
bool all_or_escaped(std::string_view part, unsigned classes) {
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (text::is(part[at], classes)) continue;
    if (part[at] != '%' || at + 2 >= part.size() || !text::is(part[at + 1], text::kHexDigit) ||
        !text::is(part[at + 2], text::kHexDigit))
      return false;
    at += 2;
  }
  return true;
}

/// `;name=value` without white space, names and values of `kUriParameter`.
bool parameters_are_good(std::string_view list) {
  std::size_t count = 0;
  while (!list.empty()) {
    list.remove_prefix(1);  // the semicolon
    if (++count > kStandardLimits[Limit::parameters]) return false;
    const std::size_t end = std::min(list.find(';'), list.size());
    const std::string_view parameter = list.substr(0, end);
    const std::size_t equals = parameter.find('=');
    if (equals == 0 || parameter.empty() || equals == parameter.size() - 1) return false;
    if (!all_or_escaped(parameter, text::kUriParameter)) return false;
    list.remove_prefix(end);
  }
  return true;
}

bool headers_are_good(std::string_view list) {
  if (list.empty()) return false;
  std::size_t count = 0;
  for (;;) {
    if (++count > kStandardLimits[Limit::parameters]) return false;
    const std::size_t end = std::min(list.find('&'), list.size());
    const std::string_view header = list.substr(0, end);
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    if (!all_or_escaped(header.substr(0, equals), text::kUriHeader)) return false;
    if (!all_or_escaped(header.substr(equals + 1), text::kUriHeader)) return false;
    if (end == list.size()) return true;
    list.remove_prefix(end + 1);
  }
}

/// user[:password], not empty.
const char* parse_userinfo(Uri& uri, std::string_view userinfo) {
  const std::size_t colon = userinfo.find(':');
  uri.has_user = true;
  uri.user = userinfo.substr(0, colon);
  if (uri.user.empty()) return "a URI with an empty user part";
  if (!all_or_escaped(uri.user, text::kUser)) return "a URI with a bad character in its user part";
  if (colon == std::string_view::npos) return nullptr;
  uri.password = userinfo.substr(colon + 1);
  return all_or_escaped(uri.password, text::kPassword) ? nullptr
                                                       : "a URI with a bad character in its password";
}

/// What follows `sip:` or `sips:`.
Result<Uri> parse_sip(Uri uri, std::string_view rest) {
  // `@` stands unescaped nowhere else, while `;` and `?` may be in the user part as well.
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    if (const char* problem = parse_userinfo(uri, rest.substr(0, at))) return malformed(problem);
    rest.remove_prefix(at + 1);
  }
  std::size_t end = scan::any_of<';', '?'>(rest, 0);
  const auto host_port = parse_host_port(rest.substr(0, end));
  if (!host_port) return tl::unexpected(host_port.error());
  uri.host = host_port->host;
  uri.port = host_port->port;
  rest.remove_prefix(end);

  end = std::min(rest.find('?'), rest.size());
  if (!parameters_are_good(rest.substr(0, end))) return malformed("a URI with a malformed parameter");
  uri.parameters = Parameters(rest.substr(0, end));
  rest.remove_prefix(end);
  if (rest.empty()) return uri;
  uri.headers = rest.substr(1);
  if (!headers_are_good(uri.headers)) return malformed("a URI with a malformed header");
  return uri;
}

/// What follows `tel:` (RFC 3966 §3). A local number without its phone-context is let pass: phones dial them,
/// and the domain they are registered in is their context.
Result<Uri> parse_tel(Uri uri, std::string_view rest) {
  const std::size_t end = std::min(rest.find(';'), rest.size());
  uri.user = rest.substr(0, end);
  const bool global = uri.user.starts_with('+');
  bool has_digit = false;
  for (const char c : uri.user.substr(global ? 1 : 0)) {
    const bool separator = c == '-' || c == '.' || c == '(' || c == ')';
    if (!text::is(c, global ? text::kDigit : text::kPhone) && !separator)
      return malformed("a tel URI with a bad character in its number");
    has_digit = has_digit || !separator;
  }
  if (!has_digit) return malformed("a tel URI without a digit");
  if (!parameters_are_good(rest.substr(end))) return malformed("a tel URI with a malformed parameter");
  uri.parameters = Parameters(rest.substr(end));
  return uri;
}

/// The characters that RFC 3261 §19.1.4 calls reserved: escaped, they differ from themselves.
constexpr bool is_reserved(char c) {
  return std::string_view(";/?:@&=+$,").find(c) != std::string_view::npos;
}

/// One character of escaped text; escaped reserved characters stay apart from plain ones.
struct Unit {
  char octet;
  bool kept_escape;
  friend bool operator==(const Unit&, const Unit&) = default;
};

Unit next_unit(std::string_view part, std::size_t& at, bool ignore_case) {
  Unit unit{part[at], false};
  if (unit.octet == '%' && at + 2 < part.size() && text::hex_value(part[at + 1]) >= 0 &&
      text::hex_value(part[at + 2]) >= 0) {
    unit.octet = static_cast<char>(text::hex_value(part[at + 1]) * 16 + text::hex_value(part[at + 2]));
    unit.kept_escape = is_reserved(unit.octet);
    at += 2;
  }
  ++at;
  if (ignore_case) unit.octet = text::lower(unit.octet);
  return unit;
}

bool equal_escaped(std::string_view a, std::string_view b, bool ignore_case) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size())
    if (!(next_unit(a, i, ignore_case) == next_unit(b, j, ignore_case))) return false;
  return i == a.size() && j == b.size();
}

bool equal_hosts(std::string_view a, std::string_view b) {
  if (text::equal_ignoring_case(a, b)) return true;
  if (!a.starts_with('[') || !b.starts_with('[')) return false;
  const auto first = IpAddress::parse(a.substr(1, a.size() - 2));
  const auto second = IpAddress::parse(b.substr(1, b.size() - 2));
  return first && second && *first == *second;
}

bool find_escaped(const Parameters& parameters, std::string_view name, Parameter& found) {
  for (const Parameter& parameter : parameters)
    if (equal_escaped(parameter.name, name, true)) {
      found = parameter;
      return true;
    }
  return false;
}

/// Those of `a` agree with those of `b`; a few must be in both.
bool parameters_agree(const Parameters& a, const Parameters& b) {
  for (const Parameter& parameter : a) {
    Parameter other;
    if (find_escaped(b, parameter.name, other)) {
      if (!equal_escaped(parameter.value, other.value, true)) return false;
      continue;
    }
    for (const std::string_view decisive : {"user", "ttl", "method", "maddr", "transport"})
      if (equal_escaped(parameter.name, decisive, true)) return false;
  }
  return true;
}

std::size_t header_count(std::string_view headers) {
  std::size_t count = 0;
  while (!headers.empty()) {
    static_cast<void>(next_uri_header(headers));
    ++count;
  }
  return count;
}

/// Each header of `a` is in `b` as often as in `a`.
bool headers_agree(std::string_view a, std::string_view b) {
  if (header_count(a) != header_count(b)) return false;
  const auto occurrences = [](std::string_view list, const UriHeader& wanted) {
    std::size_t count = 0;
    while (!list.empty()) {
      const UriHeader header = next_uri_header(list);
      count +=
          equal_escaped(header.name, wanted.name, true) && equal_escaped(header.value, wanted.value, false);
    }
    return count;
  };
  for (std::string_view rest = a; !rest.empty();) {
    const UriHeader header = next_uri_header(rest);
    if (occurrences(a, header) != occurrences(b, header)) return false;
  }
  return true;
}

/// The digits of a tel number: visual separators mean nothing (RFC 3966 §4).
std::string bare_number(std::string_view number) {
  std::string bare;
  for (const char c : number)
    if (c != '-' && c != '.' && c != '(' && c != ')') bare += text::lower(c);
  return bare;
}

/// RFC 3966 §4: parameters in any order, all of them in both.
bool tel_parameters_agree(const Parameters& a, const Parameters& b) {
  for (const Parameter& parameter : a) {
    const auto other = b.find(parameter.name);
    if (!other) return false;
    const bool is_number =
        text::equal_ignoring_case(parameter.name, "ext") || parameter.value.starts_with('+');
    const bool same = is_number ? bare_number(parameter.value) == bare_number(other->value)
                                : equal_escaped(parameter.value, other->value, true);
    if (!same) return false;
  }
  return true;
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort result;
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || !IpAddress::parse(text.substr(1, end - 1)) || text.find(':') > end)
      return malformed("a malformed IPv6 reference");
    ++end;
  } else {
    end = text::span_of(text, 0, text::kHost);
  }
  result.host = text.substr(0, end);
  if (result.host.empty() || result.host.starts_with('.') || result.host.starts_with('-'))
    return malformed("a missing or malformed host");
  if (end == text.size()) return result;
  if (text[end] != ':') return malformed("a bad character in a host");
  const auto port = text::decimal(text.substr(end + 1), 65535);
  if (!port || *port == 0) return malformed("a malformed port");
  result.port = static_cast<std::uint16_t>(*port);
  return result;
}

Result<Uri> parse_uri(std::string_view text) {
  Uri uri;
  uri.text = text;
  std::size_t colon = 0;
  while (colon < text.size() && (text::is(text[colon], text::kAlpha | text::kDigit) || text[colon] == '+' ||
                                 text[colon] == '-' || text[colon] == '.'))
    ++colon;
  if (colon == 0 || colon >= text.size() || text[colon] != ':' || !text::is(text[0], text::kAlpha))
    return malformed("a URI without a scheme");
  uri.scheme_text = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  if (text::equal_ignoring_case(uri.scheme_text, "sip")) {
    uri.scheme = UriScheme::sip;
    return parse_sip(uri, rest);
  }
  if (text::equal_ignoring_case(uri.scheme_text, "sips")) {
    uri.scheme = UriScheme::sips;
    return parse_sip(uri, rest);
  }
  if (text::equal_ignoring_case(uri.scheme_text, "tel")) {
    uri.scheme = UriScheme::tel;
    return parse_tel(uri, rest);
  }
  uri.user = rest;
  if (rest.empty() || !text::all(rest, text::kUric)) return malformed("a URI with a bad character");
  return uri;
}

bool equivalent(const Uri& a, const Uri& b) {
  if (a.scheme != b.scheme) return false;
  if (a.scheme == UriScheme::other)
    return text::equal_ignoring_case(a.scheme_text, b.scheme_text) && a.user == b.user;
  if (a.scheme == UriScheme::tel)
    return bare_number(a.user) == bare_number(b.user) && tel_parameters_agree(a.parameters, b.parameters) &&
           tel_parameters_agree(b.parameters, a.parameters);
  return a.has_user == b.has_user && equal_escaped(a.user, b.user, false) &&
         equal_escaped(a.password, b.password, false) && equal_hosts(a.host, b.host) && a.port == b.port &&
         parameters_agree(a.parameters, b.parameters) && parameters_agree(b.parameters, a.parameters) &&
         headers_agree(a.headers, b.headers);
}

std::string address_of_record(const Uri& uri) {
  if (uri.scheme == UriScheme::other) return std::string(uri.text);
  if (uri.scheme == UriScheme::tel) return "tel:" + bare_number(uri.user);
  std::string key = "sip:";
  if (uri.has_user) {
    const auto user = unescape(uri.user);
    key += user ? escape_user(*user) : std::string(uri.user);
    key += '@';
  }
  for (const char c : uri.host) key += text::lower(c);
  return key;
}

Result<std::string> unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    if (at + 2 >= text.size() || text::hex_value(text[at + 1]) < 0 || text::hex_value(text[at + 2]) < 0)
      return malformed("a malformed escape");
    plain += static_cast<char>(text::hex_value(text[at + 1]) * 16 + text::hex_value(text[at + 2]));
    at += 2;
  }
  return plain;
}

std::string escape_user(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (text::is(c, text::kUser) && c != '#') {
      escaped += c;
      continue;
    }
    escaped += '%';
    escaped += kHex[static_cast<unsigned char>(c) >> 4];
    escaped += kHex[static_cast<unsigned char>(c) & 15];
  }
  return escaped;
}

UriHeader next_uri_header(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('&'), rest.size());
  const std::string_view header = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos) return {header, {}};
  return {header.substr(0, equals), header.substr(equals + 1)};
}

}  // namespace sallyport::sip
