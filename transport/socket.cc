// SPDX-License-Identifier: GPL-3.0-or-later
// System calls for sockets.
#include "transport/socket.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

namespace sallyport::transport {

namespace {

constexpr int kBacklog = 4096;
constexpr int kProbeAfterSeconds = 120;
constexpr int kProbeEverySeconds = 30;
constexpr int kProbes = 4;
constexpr int kUnacknowledgedMs = 30000;
constexpr int kDatagramBuffer = 4 << 20;

tl::unexpected<Error> system_error(const std::string& what) {
  const int number = errno;
  const ErrorClass error_class = number == EMFILE || number == ENFILE  ? ErrorClass::exhausted
                                 : number == EACCES || number == EPERM ? ErrorClass::refused
                                                                       : ErrorClass::internal;
  return fail(error_class, what + ": " + std::strerror(number));
}

bool set(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

int family(const IpAddress& address) {
  return address.is_v4() ? AF_INET : AF_INET6;
}

void set_stream_options(int descriptor) {
  set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfterSeconds);
  set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kProbeEverySeconds);
  set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMs);
}

}  // namespace

SocketAddress::SocketAddress(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.v4_octets().data(), 4);
    size = sizeof v4;
    return;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.octets().data(), 16);
  size = sizeof v6;
}

Endpoint to_endpoint(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::array<std::uint8_t, 4> octets;
    std::memcpy(octets.data(), &v4.sin_addr, 4);
    return {IpAddress::v4(octets), ntohs(v4.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::array<std::uint8_t, 16> octets;
    std::memcpy(octets.data(), &v6.sin6_addr, 16);
    return {IpAddress::v6(octets), ntohs(v6.sin6_port)};
  }
  return {};
}

Endpoint local_endpoint(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return to_endpoint(address);
}

Endpoint remote_endpoint(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return to_endpoint(address);
}

Result<Descriptor> listen_on(const Endpoint& address) {
  const std::string what = "cannot listen on tcp " + address.to_string();
  Descriptor listener(socket(family(address.address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return system_error(what);
  set(listener.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!address.address.is_v4()) set(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_stream_options(listener.get());
  const SocketAddress name(address);
  if (bind(listener.get(), name.get(), name.size) != 0 || listen(listener.get(), kBacklog) != 0)
    return system_error(what);
  return listener;
}

Result<Descriptor> bind_datagram(const Endpoint& address) {
  const std::string what = "cannot bind udp " + address.to_string();
  Descriptor bound(socket(family(address.address), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!bound) return system_error(what);
  set(bound.get(), SOL_SOCKET, SO_RCVBUF, kDatagramBuffer);
  if (address.address.is_v4()) {
    // ICMP errors come by the error queue; a large message is fragmented rather than refused by a stale path
    // MTU.
    set(bound.get(), IPPROTO_IP, IP_RECVERR, 1);
    set(bound.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    set(bound.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(bound.get(), IPPROTO_IPV6, IPV6_RECVERR, 1);
  }
  const SocketAddress name(address);
  if (bind(bound.get(), name.get(), name.size) != 0) return system_error(what);
  return bound;
}

Result<Descriptor> begin_connect(const Endpoint& remote, const IpAddress& local) {
  const std::string what = "cannot connect to " + remote.to_string();
  Descriptor connecting(socket(family(remote.address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connecting) return system_error(what);
  set_stream_options(connecting.get());
  if (!local.is_unspecified() && local.is_v4() == remote.address.is_v4()) {
    const SocketAddress name(Endpoint{local, 0});
    set(connecting.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(connecting.get(), name.get(), name.size) != 0) return system_error(what);
  }
  const SocketAddress name(remote);
  if (connect(connecting.get(), name.get(), name.size) != 0 && errno != EINPROGRESS)
    return system_error(what);
  return connecting;
}

int connect_error(int descriptor) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

bool has_route(const IpAddress& address) {
  const Descriptor probe(socket(family(address), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress name(Endpoint{address, 5060});
  return probe && connect(probe.get(), name.get(), name.size) == 0;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

}  // namespace sallyport::transport
