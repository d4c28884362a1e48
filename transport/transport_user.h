// SPDX-License-Identifier: GPL-3.0-or-later
// TransportUser: who is told what arrives, and what cannot be sent.
#pragma once

#include "base/result.h"
#include "sip/hop.h"
#include "sip/stream_framer.h"

namespace sallyport::transport {

/// Called on the signalling thread. Every call of TransportLayer is allowed from within; none of them calls
/// back before it returns.
class TransportUser {
 public:
  virtual ~TransportUser() = default;

  /// A whole message, or a broken one: that may be answered now, for its connection is closed on return.
  virtual void on_message(sip::Frame frame, const sip::Hop& from) = 0;
  /// Accepted, or opened as reach() began it.
  virtual void on_connection_opened(const sip::Hop& hop) { static_cast<void>(hop); }
  /// It is gone, or could not be opened; what waited for it is lost.
  virtual void on_connection_closed(const sip::Hop& hop, const Error& why) = 0;
  /// The network says that a datagram did not reach `hop`.
  virtual void on_unreachable(const sip::Hop& hop, const Error& why) = 0;
};

}  // namespace sallyport::transport
