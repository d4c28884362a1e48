// SPDX-License-Identifier: GPL-3.0-or-later
// Sockets of the transports: made, bound and asked who is at either end.
#pragma once

#include <sys/socket.h>

#include "base/ip_address.h"
#include "base/result.h"
#include "transport/descriptor.h"

namespace sallyport::transport {

/// An endpoint as the kernel wants it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  explicit SocketAddress(const Endpoint& endpoint);
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

[[nodiscard]] Endpoint to_endpoint(const sockaddr_storage& address);
[[nodiscard]] Endpoint local_endpoint(int descriptor);
[[nodiscard]] Endpoint remote_endpoint(int descriptor);

/// A listening TCP socket. What it sets (keep-alive probes, no delay, the longest wait for an
/// acknowledgement) the connections that it accepts inherit: that costs no call for each of them.
[[nodiscard]] Result<Descriptor> listen_on(const Endpoint& address);
[[nodiscard]] Result<Descriptor> bind_datagram(const Endpoint& address);
/// A TCP connection that is being opened, from `local` (port 0: any) unless it is unspecified.
[[nodiscard]] Result<Descriptor> begin_connect(const Endpoint& remote, const IpAddress& local);
/// The error with which a connection attempt ended; 0: none.
[[nodiscard]] int connect_error(int descriptor);
/// Whether the kernel knows a way there. Sends nothing.
[[nodiscard]] bool has_route(const IpAddress& address);
/// As many descriptors as the process may have. Returns that number.
std::uint64_t raise_descriptor_limit();

}  // namespace sallyport::transport
