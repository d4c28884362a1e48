// SPDX-License-Identifier: GPL-3.0-or-later
// Does what requests about calls and their traces ask, and words the results.
#pragma once

#include <cstdint>
#include <string>

#include "control/admin/protocol.h"
#include "control/calls/calls.h"

namespace sallyport::control {

void handle(Calls& calls, CallRequest& request, const AdminReply& reply);

/// Data of the event `trace`: one message of a call, whole, secrets masked.
[[nodiscard]] std::string trace_json(std::uint64_t call, const TraceLine& line, std::string_view message);

}  // namespace sallyport::control
