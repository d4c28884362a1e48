// SPDX-License-Identifier: GPL-3.0-or-later
// [auth]: how those who send requests prove who they are.
#pragma once

#include <string_view>
#include <vector>

#include "control/auth/authenticator.h"

namespace sallyport::control {

class ConfigSection;
struct Config;

/// Reads an [auth] section, or that of a listener, trunk or side, which changes `standard` in part. The realm
/// is not its matter.
[[nodiscard]] AuthPolicy read_auth(ConfigSection section, AuthPolicy standard);

/// Those that any listener may ask users for: whose digests are kept of a new password.
[[nodiscard]] std::vector<crypto::DigestAlgorithm> kept_algorithms(const Config& config);
/// Whether any listener invites users to hide their names, which must then be found by their hashes.
[[nodiscard]] bool any_userhash(const Config& config);

}  // namespace sallyport::control
