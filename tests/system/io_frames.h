// SPDX-License-Identifier: GPL-3.0-or-later
// Frames built octet by octet for tests of packet input, and the raw socket they travel by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "dataplane/file_descriptor.h"

namespace sallyport::test {

using Octets = std::vector<std::uint8_t>;

/// A UDP datagram in an Ethernet frame; what is odd about it is said here.
struct FrameSpec {
  std::string_view source = "10.0.0.2";
  std::string_view destination = "10.0.0.1";
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 30000;
  MacAddress source_mac{2, 0, 0, 0, 0, 2};
  MacAddress destination_mac{2, 0, 0, 0, 0, 1};
  std::optional<std::uint16_t> vlan;
  std::uint8_t protocol = 17;
  std::uint16_t fragment_field = 0;  ///< IPv4 flags and fragment offset
  std::uint8_t option_words = 0;     ///< IPv4 options, in words of four octets
  bool hop_by_hop = false;           ///< IPv6 extension header before UDP
  std::size_t cut_to = SIZE_MAX;     ///< frame length after truncation
  std::string_view payload = "media";
};

[[nodiscard]] Octets build_frame(const FrameSpec& spec);

/// The other end of the wire: whole frames by AF_PACKET on an interface of the present namespace.
class Wire {
 public:
  /// Throws std::runtime_error.
  explicit Wire(const std::string& interface_name);
  void send(std::span<const std::uint8_t> frame) const;
  /// The next frame that holds `text`; nothing within five seconds.
  [[nodiscard]] std::optional<Octets> receive(std::string_view text) const;

 private:
  dataplane::FileDescriptor socket_;
};

/// Whether `octets` contain `text`.
[[nodiscard]] bool contains(std::span<const std::uint8_t> octets, std::string_view text);

/// A UDP socket of the kernel, bound to ADDRESS:PORT in the present namespace. Throws std::runtime_error.
[[nodiscard]] dataplane::FileDescriptor udp_socket(const Endpoint& local);
void send_datagram(const dataplane::FileDescriptor& socket, const Endpoint& to, std::string_view payload);
/// What arrives within five seconds, or nothing.
[[nodiscard]] std::string receive_datagram(const dataplane::FileDescriptor& socket);

/// `10.0.0.1:5060`; throws when it is none.
[[nodiscard]] Endpoint endpoint(std::string_view text);
[[nodiscard]] IpAddress address(std::string_view text);

}  // namespace sallyport::test
