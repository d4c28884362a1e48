// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up and control side. Making of the TAP interface, and moving of its frames.
#include "dataplane/tap_twin.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace sallyport::dataplane {

namespace {

constexpr unsigned kBitsV4 = 32;
constexpr unsigned kBitsV6 = 128;

std::runtime_error twin_failure(const std::string& name, const std::string& what) {
  return std::runtime_error("TAP twin '" + name + "': " + what + ": " + std::strerror(errno));
}

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::copy_n(name.data(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), request.ifr_name);
  return request;
}

FileDescriptor open_tap(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ)
    throw std::runtime_error("TAP twin '" + name + "': an interface name has 1 to 15 characters");
  if (if_nametoindex(name.c_str()) != 0)
    throw std::runtime_error("TAP twin '" + name + "': an interface of this name exists already");
  FileDescriptor tap(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tap.is_open()) throw twin_failure(name, "cannot open /dev/net/tun");
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(tap.get(), TUNSETIFF, &request) != 0) throw twin_failure(name, "cannot make the interface");
  return tap;
}

void configure(const std::string& name, const MacAddress& mac, std::uint16_t mtu) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) throw twin_failure(name, "cannot open a socket");
  ifreq request = request_for(name);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, mac.data(), mac.size());
  if (ioctl(socket.get(), SIOCSIFHWADDR, &request) != 0)
    throw twin_failure(name, "cannot set MAC address " + to_string(mac));
  request = request_for(name);
  request.ifr_mtu = mtu;
  if (ioctl(socket.get(), SIOCSIFMTU, &request) != 0)
    throw twin_failure(name, "cannot set MTU " + std::to_string(mtu));
  request = request_for(name);
  request.ifr_flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST;
  if (ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0)
    throw twin_failure(name, "cannot bring the interface up");
}

/// An RTM_NEWADDR request with its two attributes; twice the same address, since the link is not point to
/// point.
struct AddressRequest {
  nlmsghdr header{};
  ifaddrmsg message{};
  std::array<std::uint8_t, 64> attributes{};

  void append(std::uint16_t type, std::span<const std::uint8_t> value) {
    const std::size_t at = header.nlmsg_len - offsetof(AddressRequest, attributes);
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(value.size()));
    std::memcpy(attributes.data() + at, &attribute, sizeof attribute);
    std::ranges::copy(value, attributes.data() + at + RTA_LENGTH(0));
    header.nlmsg_len += static_cast<std::uint32_t>(RTA_ALIGN(attribute.rta_len));
  }
};

AddressRequest address_request(unsigned interface_index, const IpAddress& address, unsigned prefix_length) {
  AddressRequest request;
  request.header.nlmsg_len = offsetof(AddressRequest, attributes);
  request.header.nlmsg_type = RTM_NEWADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  request.message.ifa_family = address.is_v4() ? AF_INET : AF_INET6;
  request.message.ifa_prefixlen = static_cast<std::uint8_t>(prefix_length);
  request.message.ifa_index = interface_index;
  // The twin is alone on its link: there is nobody to ask whether the address is taken.
  request.message.ifa_flags = IFA_F_NODAD;
  const auto octets = address.is_v4() ? std::span<const std::uint8_t>(address.v4_octets())
                                      : std::span<const std::uint8_t>(address.octets());
  request.append(IFA_LOCAL, octets);
  request.append(IFA_ADDRESS, octets);
  return request;
}

/// Sends one request over a route netlink socket and gives the kernel's errno, 0 for success.
int ask_kernel(const AddressRequest& request) {
  const FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.is_open()) return errno;
  if (::send(socket.get(), &request, request.header.nlmsg_len, 0) < 0) return errno;
  struct {
    nlmsghdr header;
    nlmsgerr error;
    std::array<std::uint8_t, 256> rest;
  } answer{};
  const ssize_t length = ::recv(socket.get(), &answer, sizeof answer, 0);
  if (length < static_cast<ssize_t>(NLMSG_LENGTH(sizeof answer.error)) ||
      answer.header.nlmsg_type != NLMSG_ERROR)
    return EPROTO;
  return -answer.error.error;
}

}  // namespace

TapTwin::TapTwin(const std::string& name, const MacAddress& mac, std::uint16_t mtu)
    : name_(name), tap_(open_tap(name)) {
  configure(name, mac, mtu);
  interface_index_ = if_nametoindex(name.c_str());
  if (interface_index_ == 0) throw twin_failure(name, "the interface vanished");
}

Result<void> TapTwin::add_address(const IpAddress& address, unsigned prefix_length) {
  const std::string what = "cannot give TAP twin '" + name_ + "' the address " + address.to_string();
  if (prefix_length > (address.is_v4() ? kBitsV4 : kBitsV6))
    return fail(ErrorClass::malformed,
                what + ": its prefix length cannot be " + std::to_string(prefix_length));
  if (address.is_multicast() || address.is_unspecified())
    return fail(ErrorClass::malformed, what + ": it is not a host's");
  const int error = ask_kernel(address_request(interface_index_, address, prefix_length));
  if (error != 0) return fail(ErrorClass::internal, what + ": " + std::strerror(error));
  return {};
}

std::optional<std::size_t> TapTwin::read_frame(std::span<std::uint8_t> buffer) {
  // Scatter the excess into one more octet, so that a frame that does not fit shows itself.
  std::uint8_t excess = 0;
  std::array<iovec, 2> parts{{{buffer.data(), buffer.size()}, {&excess, sizeof excess}}};
  for (;;) {
    const ssize_t length = ::readv(tap_.get(), parts.data(), static_cast<int>(parts.size()));
    if (length <= 0) return std::nullopt;
    if (static_cast<std::size_t>(length) <= buffer.size()) {
      ++counters_.from_kernel;
      return static_cast<std::size_t>(length);
    }
    ++counters_.dropped_from_kernel;
  }
}

bool TapTwin::write_frame(std::span<const std::uint8_t> frame) {
  const bool taken = ::write(tap_.get(), frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
  ++(taken ? counters_.to_kernel : counters_.dropped_to_kernel);
  return taken;
}

}  // namespace sallyport::dataplane
