// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8: what peers wrote need not be it; a line of JSON and a text message of a WebSocket must.
#pragma once

#include <string>
#include <string_view>

namespace sallyport {

[[nodiscard]] bool is_utf8(std::string_view text);

/// The text with every octet that belongs to no character of UTF-8 replaced by `?`.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace sallyport
