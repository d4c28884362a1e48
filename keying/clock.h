// SPDX-License-Identifier: GPL-3.0-or-later
// What time is to the objects of this folder: the caller's, and it only goes forward.
#pragma once

#include <cstdint>

namespace sallyport::keying {

/// Milliseconds from any fixed moment.
using InstantMs = std::int64_t;

}  // namespace sallyport::keying
