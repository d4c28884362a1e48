// SPDX-License-Identifier: GPL-3.0-or-later
// valid_utf8: what peers wrote need not be UTF-8; a line of JSON must be.
#pragma once

#include <string>
#include <string_view>

namespace sallyport {

/// The text with every octet that belongs to no character of UTF-8 replaced by `?`.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace sallyport
