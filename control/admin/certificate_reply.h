// SPDX-License-Identifier: GPL-3.0-or-later
// Does what requests about certificates ask, and words the results.
#pragma once

#include <cstdint>

#include "control/admin/protocol.h"
#include "control/config/sip.h"
#include "transport/transport_layer.h"

namespace sallyport::control {

/// `now`: seconds since 1970.
void handle(transport::TransportLayer& transport, const SipConfig& config, CertificateRequest& request,
            std::int64_t now, const AdminReply& reply);

}  // namespace sallyport::control
