// SPDX-License-Identifier: GPL-3.0-or-later
// Does what requests about trunks ask, and words the results.
#pragma once

#include "control/admin/protocol.h"
#include "control/calls/trunks.h"

namespace sallyport::control {

void handle(Trunks& trunks, TrunkRequest& request, std::int64_t now_ms, const AdminReply& reply);

}  // namespace sallyport::control
