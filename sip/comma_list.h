// SPDX-License-Identifier: GPL-3.0-or-later
// Comma lists: header field values that stand in one field, divided by commas (RFC 3261 §7.3.1).
#pragma once

#include <string_view>

namespace sallyport::sip {

/// Takes the first value off `rest`, without white space at its ends; `rest` becomes empty after the last.
/// Commas in quoted strings and in angle brackets do not divide. A value may come out empty (`a,,b`).
[[nodiscard]] std::string_view next_list_value(std::string_view& rest);

}  // namespace sallyport::sip
