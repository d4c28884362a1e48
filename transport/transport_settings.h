// SPDX-License-Identifier: GPL-3.0-or-later
// All that the configuration says to the transport layer.
#pragma once

#include <vector>

#include "sip/limits.h"
#include "transport/limit_table.h"
#include "transport/tls_settings.h"

namespace sallyport::transport {

struct TransportSettings {
  std::vector<ListenerSettings> listeners;
  TlsSettings tls;
  LimitValues limits;
  sip::Limits sip_limits;
  unsigned handshake_threads = 1;
};

}  // namespace sallyport::transport
