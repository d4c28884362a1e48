// SPDX-License-Identifier: GPL-3.0-or-later
// Comma lists: values are divided by the commas that stand outside quotes and angle brackets.
#include "sip/comma_list.h"

#include "sip/scan.h"
#include "sip/text.h"

namespace sallyport::sip {

std::string_view next_list_value(std::string_view& rest) {
  std::size_t at = scan::any_of<',', '"', '<'>(rest, 0);
  while (at < rest.size() && rest[at] != ',') {
    const std::size_t closed = rest[at] == '"' ? text::skip_quoted(rest, at) : rest.find('>', at);
    // What never closes swallows the rest; the value's own parser will refuse it.
    at = closed == std::string_view::npos ? rest.size() : scan::any_of<',', '"', '<'>(rest, closed);
  }
  const std::string_view value = text::trim(rest.substr(0, at));
  if (at == rest.size()) {
    rest = {};
  } else {
    rest.remove_prefix(at + 1);
    // A comma at the very end announces one more value, an empty one.
    if (rest.empty()) rest = std::string_view(" ");
  }
  return value;
}

}  // namespace sallyport::sip
