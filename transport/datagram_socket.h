// SPDX-License-Identifier: GPL-3.0-or-later
// DatagramSocket: SIP over UDP on one address.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/ip_address.h"
#include "transport/counters.h"
#include "transport/descriptor.h"

namespace sallyport::transport {

/// A response to a datagram goes back from the socket that it came to, whatever the Via says: with the source
/// address as target that is what rport asks for (RFC 3581 §4).
class DatagramSocket {
 public:
  DatagramSocket(Descriptor descriptor, Counters& counters)
      : descriptor_(std::move(descriptor)), counters_(counters) {}

  using OnMessage = std::function<void(std::string_view text, const Endpoint& from)>;
  using OnUnreachable = std::function<void(const Endpoint& to, const Error& why)>;

  /// Some of what has come; `room` is the thread's buffer. Keep-alives are dropped here.
  void receive(std::span<char> room, const OnMessage& on_message);
  /// ICMP errors that came back for what was sent.
  void receive_errors(const OnUnreachable& on_unreachable);
  [[nodiscard]] Result<void> send(const Endpoint& to, std::string_view message);
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }

 private:
  Descriptor descriptor_;
  Counters& counters_;
};

}  // namespace sallyport::transport
