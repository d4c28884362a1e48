// SPDX-License-Identifier: GPL-3.0-or-later
// The compiled XDP program, an ELF object that travels inside the daemon.
#pragma once

#include <cstdint>
#include <span>

namespace sallyport::dataplane {

[[nodiscard]] std::span<const std::uint8_t> steering_object();

}  // namespace sallyport::dataplane
