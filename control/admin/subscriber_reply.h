// SPDX-License-Identifier: GPL-3.0-or-later
// Does what requests about users and registrations ask, and words the results.
#pragma once

#include <boost/json/fwd.hpp>

#include "control/admin/protocol.h"
#include "control/subscribers/subscribers.h"

namespace sallyport::control {

void handle(Subscribers& subscribers, SubscriberRequest& request, WallTime now, const AdminReply& reply);

/// For `stats`: every outcome of REGISTER, and what the store did.
[[nodiscard]] boost::json::object subscriber_stats(const Subscribers& subscribers);

}  // namespace sallyport::control
