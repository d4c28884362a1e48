// SPDX-License-Identifier: GPL-3.0-or-later
// Datagrams in and out, and what ICMP says about them.
#include "transport/datagram_socket.h"

#include <cerrno>
#include <cstring>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "transport/socket.h"

namespace sallyport::transport {

namespace {

/// A flood of datagrams leaves streams their turn.
constexpr int kDatagramsPerTurn = 64;
/// IPv4's bound on the payload of a datagram.
constexpr std::size_t kLargest = 65507;

/// RFC 3261 §7.5: empty lines before the start line are skipped. NULs are some phones' keep-alives.
std::string_view skip_empty_lines(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(std::string_view("\r\n\0", 3));
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

/// The error number in the control data of a message from the error queue; 0: none.
int queued_error(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    const bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
    const bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(part), sizeof error);
    return static_cast<int>(error.ee_errno);
  }
  return 0;
}

}  // namespace

void DatagramSocket::receive(std::span<char> room, const OnMessage& on_message) {
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    sockaddr_storage source{};
    socklen_t size = sizeof source;
    const ssize_t octets = recvfrom(descriptor_.get(), room.data(), room.size(), MSG_DONTWAIT | MSG_TRUNC,
                                    reinterpret_cast<sockaddr*>(&source), &size);
    if (octets < 0 && errno == EAGAIN) return;
    // A pending ICMP error ends one call; the error queue has the rest of it.
    if (octets < 0) continue;
    if (static_cast<std::size_t>(octets) > room.size()) {
      counters_.add(Count::datagrams_truncated);
      continue;
    }
    const std::string_view text = skip_empty_lines({room.data(), static_cast<std::size_t>(octets)});
    if (text.empty()) {
      counters_.add(Count::keep_alives);
      continue;
    }
    counters_.add(Count::messages_received);
    counters_.add(Count::bytes_received, text.size());
    on_message(text, to_endpoint(source));
  }
}

void DatagramSocket::receive_errors(const OnUnreachable& on_unreachable) {
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    sockaddr_storage target{};
    alignas(cmsghdr) char control[512];
    char payload[64];
    iovec part{payload, sizeof payload};
    msghdr message{};
    message.msg_name = &target;
    message.msg_namelen = sizeof target;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(descriptor_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    const int error = queued_error(message);
    if (error == 0 || message.msg_namelen == 0) continue;
    counters_.add(Count::datagrams_unreachable);
    on_unreachable(to_endpoint(target), {ErrorClass::refused, std::strerror(error)});
  }
}

Result<void> DatagramSocket::send(const Endpoint& to, std::string_view message) {
  if (message.size() > kLargest) return fail(ErrorClass::unsupported, "larger than a datagram can be");
  const SocketAddress target(to);
  // An error left by an earlier datagram is reported by one call and gone in the next.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (sendto(descriptor_.get(), message.data(), message.size(), MSG_DONTWAIT, target.get(), target.size) >=
        0)
      return {};
    if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH) break;
  }
  return fail(errno == EAGAIN ? ErrorClass::exhausted : ErrorClass::refused, std::strerror(errno));
}

}  // namespace sallyport::transport
