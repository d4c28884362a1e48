// SPDX-License-Identifier: GPL-3.0-or-later
// URIs: parsing from left to right, each part against its own class of characters.
#include "sip/uri.h"

#include <algorithm>

#include "base/ip_address.h"
#include "sip/limits.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

/// The length of the scheme in front of a colon; 0 if there is none.
std::size_t scheme_size(std::string_view text) {
  if (text.size() > 4 && text[3] == ':' && text::is(text[0], text::kAlpha) &&
      text::is(text[1], text::kAlpha) && text::is(text[2], text::kAlpha))
    return 3;
  std::size_t size = 0;
  while (size < text.size() && (text::is(text[size], text::kAlpha | text::kDigit) || text[size] == '+' ||
                                text[size] == '-' || text[size] == '.'))
    ++size;
  return size < text.size() && text[size] == ':' && text::is(text[0], text::kAlpha) ? size : 0;
}

UriScheme scheme_of(std::string_view name) {
  if (name == "sip") return UriScheme::sip;
  if (text::equal_ignoring_case(name, "sip")) return UriScheme::sip;
  if (text::equal_ignoring_case(name, "sips")) return UriScheme::sips;
  if (text::equal_ignoring_case(name, "tel")) return UriScheme::tel;
  return UriScheme::other;
}

/// Every character is of `classes` or part of an escape `%hh`.
bool all_or_escaped(std::string_view part, unsigned classes) {
  return text::skip_escaped(part, 0, classes) == part.size();
}

/// Takes `;name=value`, without white space, off the front of `rest`. False at the first that is malformed.
bool take_parameters(Uri& uri, std::string_view& rest) {
  std::size_t at = 0;
  std::size_t count = 0;
  while (at < rest.size() && rest[at] == ';') {
    const std::size_t begin = ++at;
    at = text::skip_escaped(rest, begin, text::kUriParameter);
    const std::string_view parameter = rest.substr(begin, at - begin);
    const std::size_t equals = parameter.find('=');
    if (parameter.empty() || equals == 0 || equals == parameter.size() - 1) return false;
    if (++count > kStandardLimits[Limit::parameters]) return false;
  }
  uri.parameters = Parameters(rest.substr(0, at));
  rest.remove_prefix(at);
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

/// Takes user[:password]@ off the front of `rest`, if it is there. `@` stands unescaped nowhere else, while
/// `;` and `?` may be in the user part as well as behind the host.
const char* take_userinfo(Uri& uri, std::string_view& rest) {
  std::size_t end = text::skip_escaped(rest, 0, text::kUser);
  if (end != 0 && end < rest.size() && rest[end] == '@') {
    uri.has_user = true;
    uri.user = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return nullptr;
  }
  end = rest.find('@', end);
  if (end == std::string_view::npos) return nullptr;
  const std::string_view userinfo = rest.substr(0, end);
  rest.remove_prefix(end + 1);
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

/// Takes host[:port] off the front of `rest`.
const char* take_host_port(HostPort& host_port, std::string_view& rest) {
  std::size_t end = 0;
  if (rest.starts_with('[')) {
    end = rest.find(']');
    const std::string_view address = rest.substr(1, end - 1);
    if (end == std::string_view::npos || address.find(':') == std::string_view::npos ||
        !IpAddress::parse(address))
      return "a malformed IPv6 reference";
    ++end;
  } else {
    end = text::span_of(rest, 0, text::kHost);
    if (end == 0 || rest[0] == '.' || rest[0] == '-') return "a missing or malformed host";
  }
  host_port.host = rest.substr(0, end);
  if (end < rest.size() && rest[end] == ':') {
    const std::size_t digits = text::span_of(rest, end + 1, text::kDigit);
    const auto port = text::decimal(rest.substr(end + 1, digits), 65535);
    if (!port || *port == 0) return "a malformed port";
    host_port.port = static_cast<std::uint16_t>(*port);
    end += 1 + digits;
  }
  rest.remove_prefix(end);
  return nullptr;
}

/// What follows `sip:` or `sips:`. Returns what is wrong, or nothing.
const char* parse_sip(Uri& uri, std::string_view rest) {
  if (const char* problem = take_userinfo(uri, rest)) return problem;
  HostPort host_port;
  if (const char* problem = take_host_port(host_port, rest)) return problem;
  uri.host = host_port.host;
  uri.port = host_port.port;
  if (!take_parameters(uri, rest)) return "a URI with a malformed parameter";
  if (rest.empty()) return nullptr;
  if (rest.front() != '?') return "a URI with a bad character";
  uri.headers = rest.substr(1);
  return headers_are_good(uri.headers) ? nullptr : "a URI with a malformed header";
}

/// What follows `tel:` (RFC 3966 §3). A local number without its phone-context is let pass: phones dial them,
/// and the domain they are registered in is their context.
const char* parse_tel(Uri& uri, std::string_view rest) {
  const std::size_t end = std::min(rest.find(';'), rest.size());
  uri.user = rest.substr(0, end);
  rest.remove_prefix(end);
  const bool global = uri.user.starts_with('+');
  bool has_digit = false;
  for (const char c : uri.user.substr(global ? 1 : 0)) {
    const bool separator = c == '-' || c == '.' || c == '(' || c == ')';
    if (!text::is(c, global ? text::kDigit : text::kPhone) && !separator)
      return "a tel URI with a bad character in its number";
    has_digit = has_digit || !separator;
  }
  if (!has_digit) return "a tel URI without a digit";
  return take_parameters(uri, rest) && rest.empty() ? nullptr : "a tel URI with a malformed parameter";
}

/// Any other scheme: what follows the colon is kept as it is.
const char* parse_other(Uri& uri, std::string_view rest) {
  uri.user = rest;
  return !rest.empty() && text::all(rest, text::kUric) ? nullptr : "a URI with a bad character";
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

/// Whether a list has a parameter of this name, and whether one of them has a value that `same` accepts. A
/// name that is there twice breaks the grammar, yet a URI must equal itself.
enum class Presence { absent, differs, agrees };

template <typename Same>
Presence presence(const Parameters& list, std::string_view name, Same same) {
  Presence result = Presence::absent;
  for (const Parameter& parameter : list) {
    if (!equal_escaped(parameter.name, name, true)) continue;
    if (same(parameter.value)) return Presence::agrees;
    result = Presence::differs;
  }
  return result;
}

/// A few parameters must be in both URIs or in none.
bool is_decisive(std::string_view name) {
  for (const std::string_view decisive : {"user", "ttl", "method", "maddr", "transport"})
    if (equal_escaped(name, decisive, true)) return true;
  return false;
}

/// Those of `a` agree with those of `b`.
bool parameters_agree(const Parameters& a, const Parameters& b) {
  for (const Parameter& parameter : a) {
    const Presence other = presence(b, parameter.name, [&parameter](std::string_view value) {
      return equal_escaped(parameter.value, value, true);
    });
    if (other == Presence::differs) return false;
    if (other == Presence::absent && is_decisive(parameter.name)) return false;
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
    const bool is_number =
        text::equal_ignoring_case(parameter.name, "ext") || parameter.value.starts_with('+');
    const auto same = [&parameter, is_number](std::string_view value) {
      return is_number ? bare_number(parameter.value) == bare_number(value)
                       : equal_escaped(parameter.value, value, true);
    };
    if (presence(b, parameter.name, same) != Presence::agrees) return false;
  }
  return true;
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort result;
  if (const char* problem = take_host_port(result, text)) return malformed(problem);
  if (!text.empty()) return malformed("a bad character in a host");
  return result;
}

Result<Uri> parse_uri(std::string_view text) {
  Result<Uri> result(tl::in_place);
  Uri& uri = *result;
  uri.text = text;
  const std::size_t colon = scheme_size(text);
  if (colon == 0) {
    result = malformed("a URI without a scheme");
    return result;
  }
  uri.scheme_text = text.substr(0, colon);
  uri.scheme = scheme_of(uri.scheme_text);
  const std::string_view rest = text.substr(colon + 1);
  const char* problem = uri.is_sip()                   ? parse_sip(uri, rest)
                        : uri.scheme == UriScheme::tel ? parse_tel(uri, rest)
                                                       : parse_other(uri, rest);
  if (problem != nullptr) result = malformed(problem);
  return result;
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
