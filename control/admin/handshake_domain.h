// SPDX-License-Identifier: GPL-3.0-or-later
// What operators may see of the handshakes on the media path.
#pragma once

#include <cstddef>
#include <functional>

#include "keying/handshake_counters.h"

namespace sallyport::control {

/// No counters: there is no signalling, and so no handshakes.
struct HandshakeDomain {
  const keying::HandshakeCounters* counters = nullptr;
  keying::HandshakeLimits limits;
  std::function<std::size_t()> legs;
};

}  // namespace sallyport::control
