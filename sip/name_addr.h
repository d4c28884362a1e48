// SPDX-License-Identifier: GPL-3.0-or-later
// name-addr and addr-spec: the address of From, To, Contact, Route and their likes (RFC 3261 §25.1).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/parameters.h"
#include "sip/uri.h"

namespace sallyport::sip {

/// Views into the text it was parsed from.
///
///     "Alice \"A\" Smith" <sip:alice@example.com;transport=tls>;tag=88sja8x
///      display             uri                                  parameters
struct NameAddr {
  std::string_view text;     ///< the whole value
  std::string_view display;  ///< as written, with its quotes if it has them
  std::string_view uri;
  Parameters parameters;   ///< of the header field, not of the URI
  bool bracketed = false;  ///< the URI stood in angle brackets

  /// The tag of From and To; empty if absent.
  [[nodiscard]] std::string_view tag() const { return parameters.value("tag"); }
  /// The display name without quotes and escapes.
  [[nodiscard]] std::string display_name() const;
  [[nodiscard]] Result<Uri> parsed_uri() const { return parse_uri(uri); }
};

/// One value; commas were split before. The URI is found but not decoded. Without angle brackets parameters
/// belong to the header field, and a URI with `,`, `;` or `?` is refused (RFC 3261 §20.10). Error class
/// malformed.
[[nodiscard]] Result<NameAddr> parse_name_addr(std::string_view text);

/// `"display" <uri>` with the display name quoted and escaped, or `<uri>` if it is empty.
[[nodiscard]] std::string write_name_addr(std::string_view display_name, std::string_view uri);

/// A quoted string with its escapes undone; text without quotes comes back as it is.
[[nodiscard]] std::string unquote(std::string_view text);
/// Quoted, with `"` and `\` escaped.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace sallyport::sip
