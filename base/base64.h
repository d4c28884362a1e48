// SPDX-License-Identifier: GPL-3.0-or-later
// Base64 (RFC 4648 §4) of small things: keys, nonces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sallyport {

/// Decodes `text` into `decoded` and gives the count of octets, or nothing if it is not base64 or too long.
/// Padding may be left out (RFC 4568 §6.1); bits left over must be zero. `decoded` may hold a part when it
/// fails: whoever decodes a secret wipes it.
[[nodiscard]] std::optional<std::size_t> decode_base64(std::string_view text,
                                                       std::span<std::uint8_t> decoded);

/// Appends the text of `octets`, padded with `=` or not.
void append_base64(std::string& text, std::span<const std::uint8_t> octets, bool padded);

}  // namespace sallyport
