// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-1 for what is no secret and proves nothing: the answer to a WebSocket's key.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sallyport::crypto {

using Sha1 = std::array<std::uint8_t, 20>;

[[nodiscard]] Sha1 sha1(std::string_view text);

}  // namespace sallyport::crypto
