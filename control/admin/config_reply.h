// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration as JSON, and what requests about it ask.
#pragma once

#include <boost/json/fwd.hpp>

#include "control/admin/protocol.h"
#include "control/config/config.h"

namespace sallyport::control {

class Reloader;

/// Every key with its value, by sections.
[[nodiscard]] boost::json::object config_object(const Config& config);
/// Of that: SIP, calls and trunks.
void add_sip_config(const Config& config, boost::json::object& object);

void handle(Reloader& reloader, ConfigRequest& request, const AdminReply& reply);

}  // namespace sallyport::control
