// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. What every engine refuses in an SrtpConfig.
#pragma once

#include "base/result.h"
#include "crypto/srtp.h"

namespace sallyport::crypto {

/// Errors: malformed (sizes, windows, lifetimes out of range), unsupported (key derivation rate, GCM without
/// encryption).
[[nodiscard]] Result<void> check_config(const SrtpConfig& config);

/// Less than 1/16 of a lifetime is left: StreamStatus::near_end_of_life.
[[nodiscard]] constexpr bool nearly_over(std::uint64_t used, std::uint64_t lifetime) {
  return used >= lifetime || (lifetime - used) * 16 < lifetime;
}

}  // namespace sallyport::crypto
