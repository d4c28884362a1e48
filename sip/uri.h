// SPDX-License-Identifier: GPL-3.0-or-later
// URIs: sip, sips and tel decoded to views, any other scheme kept as text; comparison by the rules of each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/parameters.h"

namespace sallyport::sip {

enum class UriScheme : std::uint8_t { sip, sips, tel, other };

/// Views into the text it was parsed from.
///
///     sip:alice:secret@[2001:db8::1]:5061;transport=tls?Subject=x
///         user  password  host       port parameters    headers
struct Uri {
  UriScheme scheme = UriScheme::other;
  std::string_view text;         ///< the whole URI
  std::string_view scheme_text;  ///< as written, without the colon
  std::string_view user;  ///< escaped as written; of tel, the number; of others, what follows the colon
  std::string_view password;
  std::string_view host;     ///< IPv6 addresses keep their brackets
  std::uint16_t port = 0;    ///< 0: none written
  bool has_user = false;     ///< an `@` was there
  Parameters parameters;     ///< of tel as well
  std::string_view headers;  ///< without the `?`

  [[nodiscard]] bool is_sip() const { return scheme == UriScheme::sip || scheme == UriScheme::sips; }
  /// `lr`, the mark of a loose router.
  [[nodiscard]] bool is_loose_route() const { return parameters.has("lr"); }
  /// A tel number that begins with `+` (RFC 3966 §5.1.4).
  [[nodiscard]] bool is_global_number() const { return scheme == UriScheme::tel && user.starts_with('+'); }
};

/// A sip, sips or tel URI is checked against its whole grammar; another scheme only for the characters that
/// RFC 3986 allows. Error class malformed.
[[nodiscard]] Result<Uri> parse_uri(std::string_view text);

/// Equality as RFC 3261 §19.1.4 has it for sip and sips, RFC 3966 §4 for tel, and octet by octet otherwise.
[[nodiscard]] bool equivalent(const Uri& a, const Uri& b);

/// The address-of-record (RFC 3261 §10.3 step 5) as a key for tables: scheme `sip`, user unescaped as far as
/// it can be and escaped again the one way, host in lower case, no parameters. A tel URI gives `tel:` and its
/// bare number. Two URIs of one user give one key.
[[nodiscard]] std::string address_of_record(const Uri& uri);

/// Undoes `%hh`. Fails on an escape that is none.
[[nodiscard]] Result<std::string> unescape(std::string_view text);
/// Escapes what the user part of a SIP URI may not hold.
[[nodiscard]] std::string escape_user(std::string_view text);

/// One header of a URI's `?` part, both sides escaped as written.
struct UriHeader {
  std::string_view name;
  std::string_view value;
};
/// Takes the first header off `rest`; `rest` becomes empty after the last.
[[nodiscard]] UriHeader next_uri_header(std::string_view& rest);

/// A host (domain name, IPv4 address or IPv6 reference in brackets) with an optional port.
struct HostPort {
  std::string_view host;
  std::uint16_t port = 0;  ///< 0: none written
};
/// All of `text` must be `host[:port]`, without white space.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

}  // namespace sallyport::sip
