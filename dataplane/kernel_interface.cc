// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. The interface requests of the kernel (netdevice(7), ethtool).
#include "dataplane/kernel_interface.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace sallyport::dataplane {

namespace {

constexpr int kLargestMtu = 65535;

/// One socket and one request block, reused for each question about the interface.
class InterfaceRequest {
 public:
  explicit InterfaceRequest(const std::string& name)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::copy_n(name.data(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), name_);
  }
  [[nodiscard]] bool ask(unsigned long question) {
    std::copy_n(name_, IFNAMSIZ, answer.ifr_name);
    return ioctl(socket_.get(), question, &answer) == 0;
  }
  template <typename Block>
  [[nodiscard]] bool ask_ethtool(Block& block) {
    answer.ifr_data = reinterpret_cast<char*>(&block);
    return ask(SIOCETHTOOL);
  }

  ifreq answer{};

 private:
  FileDescriptor socket_;
  char name_[IFNAMSIZ] = {};
};

bool is_name(const std::string& name) {
  return !name.empty() && name.size() < IFNAMSIZ;
}

unsigned queue_pairs(InterfaceRequest& request) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (!request.ask_ethtool(channels) || channels.max_combined == 0) return 1;
  return channels.combined_count;
}

}  // namespace

std::optional<KernelInterface> read_kernel_interface(const std::string& name) {
  if (!is_name(name)) return std::nullopt;
  InterfaceRequest request(name);
  KernelInterface result;
  if (!request.ask(SIOCGIFINDEX)) return std::nullopt;
  result.index = static_cast<unsigned>(request.answer.ifr_ifindex);
  if (!request.ask(SIOCGIFHWADDR)) return std::nullopt;
  std::memcpy(result.mac.data(), request.answer.ifr_hwaddr.sa_data, result.mac.size());
  if (!request.ask(SIOCGIFMTU)) return std::nullopt;
  result.mtu = static_cast<std::uint16_t>(std::clamp(request.answer.ifr_mtu, 0, kLargestMtu));
  if (!request.ask(SIOCGIFFLAGS)) return std::nullopt;
  result.running = (request.answer.ifr_flags & IFF_UP) != 0 && (request.answer.ifr_flags & IFF_RUNNING) != 0;
  result.promiscuous = (request.answer.ifr_flags & IFF_PROMISC) != 0;
  result.queue_pairs = queue_pairs(request);
  return result;
}

FileDescriptor claim_interface(const std::string& name) {
  // A name in the abstract namespace belongs to a network namespace and vanishes with its socket, so that a
  // killed process leaves no stale claim behind.
  const std::string claim = "sallyport.interface." + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy_n(claim.data(), std::min(claim.size(), sizeof address.sun_path - 1), address.sun_path + 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + claim.size());
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open())
    throw std::runtime_error(std::string("cannot open a socket: ") + std::strerror(errno));
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return socket;
  if (errno == EADDRINUSE)
    throw std::runtime_error("interface '" + name + "' already serves a port of a running sallyportd");
  throw std::runtime_error("cannot claim interface '" + name + "': " + std::strerror(errno));
}

bool strips_vlan_tags(const std::string& name) {
  InterfaceRequest request(name);
  ethtool_value flags{};
  flags.cmd = ETHTOOL_GFLAGS;
  return request.ask_ethtool(flags) && (flags.data & ETH_FLAG_RXVLAN) != 0;
}

bool keep_vlan_tags(const std::string& name) {
  InterfaceRequest request(name);
  ethtool_value flags{};
  flags.cmd = ETHTOOL_GFLAGS;
  if (!request.ask_ethtool(flags)) return false;
  flags.cmd = ETHTOOL_SFLAGS;
  flags.data &= ~static_cast<__u32>(ETH_FLAG_RXVLAN);
  return request.ask_ethtool(flags);
}

}  // namespace sallyport::dataplane
