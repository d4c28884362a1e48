// SPDX-License-Identifier: GPL-3.0-or-later
// [auth]: how those who send requests prove who they are.
#pragma once

#include <string_view>
#include <vector>

#include "control/auth/authenticator.h"

namespace sallyport::control {

class ConfigSection;

/// Reads an [auth] section, or that of a listener, trunk or side, which changes `standard` in part. The realm
/// is not its matter.
[[nodiscard]] AuthPolicy read_auth(ConfigSection section, AuthPolicy standard);

}  // namespace sallyport::control
