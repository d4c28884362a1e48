// SPDX-License-Identifier: GPL-3.0-or-later
// Building, sending and receiving of test frames.
#include "tests/system/io_frames.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "tests/system/io_sandbox.h"

namespace sallyport::test {

namespace {

using dataplane::FileDescriptor;

constexpr std::size_t kLargestFrame = 65536;
constexpr std::size_t kUdpHeader = 8;

void append(Octets& to, std::span<const std::uint8_t> octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}

void append16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void append_ipv4(Octets& frame, const FrameSpec& spec, std::size_t udp_length) {
  const std::size_t header = 20 + 4u * spec.option_words;
  const std::size_t at = frame.size();
  frame.push_back(static_cast<std::uint8_t>(0x40 | header / 4));
  frame.push_back(0);
  append16(frame, header + udp_length);
  append16(frame, 1);
  append16(frame, spec.fragment_field);
  frame.push_back(64);
  frame.push_back(spec.protocol);
  append16(frame, 0);
  append(frame, address(spec.source).v4_octets());
  append(frame, address(spec.destination).v4_octets());
  frame.insert(frame.end(), 4u * spec.option_words, 1);  // no-operation options
  std::uint32_t sum = 0;
  for (std::size_t i = at; i < frame.size(); i += 2) sum += load_be16(frame.data() + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(frame.data() + at + 10, static_cast<std::uint16_t>(~sum));
}

void append_ipv6(Octets& frame, const FrameSpec& spec, std::size_t udp_length) {
  append(frame, std::array<std::uint8_t, 4>{0x60, 0, 0, 0});
  append16(frame, udp_length + (spec.hop_by_hop ? 8 : 0));
  frame.push_back(spec.hop_by_hop ? std::uint8_t{0} : spec.protocol);
  frame.push_back(64);
  append(frame, address(spec.source).octets());
  append(frame, address(spec.destination).octets());
  if (spec.hop_by_hop) append(frame, std::array<std::uint8_t, 8>{spec.protocol, 0, 1, 4, 0, 0, 0, 0});
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const Endpoint& from) {
  SocketAddress result;
  if (from.address.is_v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(from.port);
    std::memcpy(&four.sin_addr, from.address.v4_octets().data(), 4);
    std::memcpy(&result.storage, &four, sizeof four);
    result.length = sizeof four;
    return result;
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(from.port);
  std::memcpy(&six.sin6_addr, from.address.octets().data(), 16);
  std::memcpy(&result.storage, &six, sizeof six);
  result.length = sizeof six;
  return result;
}

bool readable(const FileDescriptor& socket, int patience_ms) {
  pollfd waiting{socket.get(), POLLIN, 0};
  return poll(&waiting, 1, patience_ms) == 1 && (waiting.revents & POLLIN) != 0;
}

std::runtime_error failure(const std::string& what) {
  return std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

Octets build_frame(const FrameSpec& spec) {
  Octets frame;
  append(frame, spec.destination_mac);
  append(frame, spec.source_mac);
  if (spec.vlan) {
    append16(frame, ETHERTYPE_VLAN);
    append16(frame, *spec.vlan);
  }
  const bool v4 = address(spec.destination).is_v4();
  append16(frame, v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
  const std::size_t udp_length = kUdpHeader + spec.payload.size();
  if (v4)
    append_ipv4(frame, spec, udp_length);
  else
    append_ipv6(frame, spec, udp_length);
  append16(frame, spec.source_port);
  append16(frame, spec.destination_port);
  append16(frame, udp_length);
  append16(frame, 0);
  frame.insert(frame.end(), spec.payload.begin(), spec.payload.end());
  frame.resize(std::min(frame.size(), spec.cut_to));
  return frame;
}

Wire::Wire(const std::string& interface_name)
    : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
  if (!socket_.is_open()) throw failure("cannot open a packet socket");
  sockaddr_ll local{};
  local.sll_family = AF_PACKET;
  local.sll_protocol = htons(ETH_P_ALL);
  local.sll_ifindex = static_cast<int>(if_nametoindex(interface_name.c_str()));
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
    throw failure("cannot listen on " + interface_name);
}

void Wire::send(std::span<const std::uint8_t> frame) const {
  if (::send(socket_.get(), frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size()))
    throw failure("cannot send a frame");
}

std::optional<Octets> Wire::receive(std::string_view text) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (std::chrono::steady_clock::now() < deadline) {
    if (!readable(socket_, kPatienceMs)) return std::nullopt;
    Octets frame(kLargestFrame);
    const ssize_t length = ::recv(socket_.get(), frame.data(), frame.size(), 0);
    if (length < 0) return std::nullopt;
    frame.resize(static_cast<std::size_t>(length));
    if (contains(frame, text)) return frame;
  }
  return std::nullopt;
}

bool contains(std::span<const std::uint8_t> octets, std::string_view text) {
  const auto same = [](std::uint8_t octet, char letter) {
    return octet == static_cast<std::uint8_t>(letter);
  };
  return std::search(octets.begin(), octets.end(), text.begin(), text.end(), same) != octets.end() ||
         text.empty();
}

FileDescriptor udp_socket(const Endpoint& local) {
  const int family = local.address.is_v4() ? AF_INET : AF_INET6;
  FileDescriptor socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress at = socket_address(local);
  if (!socket.is_open() || bind(socket.get(), at.get(), at.length) != 0)
    throw failure("cannot bind " + local.to_string());
  return socket;
}

void send_datagram(const FileDescriptor& socket, const Endpoint& to, std::string_view payload) {
  const SocketAddress at = socket_address(to);
  if (sendto(socket.get(), payload.data(), payload.size(), 0, at.get(), at.length) < 0)
    throw failure("cannot send to " + to.to_string());
}

std::string receive_datagram(const FileDescriptor& socket) {
  if (!readable(socket, kPatienceMs)) return {};
  std::string payload(kLargestFrame, '\0');
  const ssize_t length = ::recv(socket.get(), payload.data(), payload.size(), 0);
  payload.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return payload;
}

Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}
IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

}  // namespace sallyport::test
