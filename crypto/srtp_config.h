// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What every engine refuses in an SrtpConfig.
#pragma once

#include "base/result.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

/// Errors: malformed (sizes, windows, lifetimes out of range), unsupported (key derivation rate, GCM without
/// encryption).
[[nodiscard]] Result<void> check_config(const SrtpConfig& config);

}  // namespace sallyport::crypto
