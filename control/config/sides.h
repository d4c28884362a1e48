// SPDX-License-Identifier: GPL-3.0-or-later
// The sides of the border in the configuration: [media.side.NAME].
#pragma once

#include <string>

#include "control/config/section.h"

namespace sallyport::control {

/// Fills config.sides and the ports and addresses of config.runtime. Sides that name the same device share
/// one port.
void read_sides(ConfigSection sides, const std::string& file, ConfigErrors& errors, Config& config);

}  // namespace sallyport::control
