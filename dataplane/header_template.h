// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The IP and UDP headers that a flow puts before its packets, prepared so that a packet needs only its
// lengths.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ip_address.h"
#include "dataplane/flow.h"
#include "dataplane/frame.h"

namespace sallyport::dataplane {

/// One cache line.
class alignas(64) HeaderTemplate {
 public:
  HeaderTemplate() = default;

  /// `source` is ours. An IPv4 datagram is atomic (RFC 6864: DF set, identification 0).
  HeaderTemplate(const Endpoint& source, std::uint8_t dscp, std::uint8_t ttl) {
    if (source.address.is_v4())
      prepare_v4(source, dscp, ttl);
    else
      prepare_v6(source, dscp, ttl);
  }

  /// Sets where packets go. The next hop is kept: control corrects it when the new target has another one.
  void aim_at(const Endpoint& target) {
    if (is_v4())
      std::memcpy(octets_.data() + 16, target.address.v4_octets().data(), 4);
    else
      std::memcpy(octets_.data() + 24, target.address.octets().data(), 16);
    store_be16(octets_.data() + ip_length_ + 2, target.port);
    has_target_ = true;
    prepare_sums();
  }

  /// Sends where another flow does, by the same next hop; nowhere, if it has no target.
  void follow(const HeaderTemplate& other) {
    if (other.has_target_)
      aim_at(other.target());
    else
      lose_target();
    next_hop = other.next_hop;
  }
  void lose_target() { has_target_ = false; }

  [[nodiscard]] bool has_target() const { return has_target_; }
  /// Port 0 when there is none.
  [[nodiscard]] Endpoint target() const {
    if (!has_target_) return {};
    const std::uint8_t* address = octets_.data() + (is_v4() ? 16 : 24);
    return {is_v4() ? detail::load_v4(address) : detail::load_v6(address),
            load_be16(octets_.data() + ip_length_ + 2)};
  }
  [[nodiscard]] bool is_v4() const { return ip_length_ == kIpv4Length; }
  [[nodiscard]] std::size_t length() const { return ip_length_ + kUdpLength; }

  /// Writes both headers before a payload of `payload_length` octets. The UDP checksum is left to finish_udp.
  void write(std::uint8_t* to, std::size_t payload_length) const {
    const auto udp_length = static_cast<std::uint16_t>(payload_length + kUdpLength);
    if (!is_v4()) {
      std::memcpy(to, octets_.data(), kIpv6Length + kUdpLength);
      store_be16(to + 4, udp_length);
      return store_be16(to + kIpv6Length + 4, udp_length);
    }
    std::memcpy(to, octets_.data(), kIpv4Length + kUdpLength);
    store_be16(to + kIpv4Length + 4, udp_length);
    const auto total = static_cast<std::uint16_t>(udp_length + kIpv4Length);
    store_be16(to + 2, total);
    const std::uint16_t checksum = checksum_finish(std::uint64_t{ip_sum_} + __builtin_bswap16(total));
    std::memcpy(to + 10, &checksum, sizeof checksum);
  }

  /// Writes the UDP checksum of a datagram whose headers `write` put at `ip` and whose payload follows.
  void finish_udp(std::uint8_t* ip, std::size_t payload_length) const {
    const std::uint16_t checksum =
        checksum_finish(pseudo_header(payload_length) + checksum_partial(ip + length(), payload_length));
    const std::uint16_t sent = checksum == 0 ? 0xffff : checksum;  // RFC 768: zero would mean "none"
    std::memcpy(ip + ip_length_ + 6, &sent, sizeof sent);
  }

  /// For a port that finishes the checksum itself: the sum of the pseudo-header alone, not complemented.
  void finish_udp_by_offload(std::uint8_t* ip, std::size_t payload_length) const {
    const std::uint16_t length_word =
        __builtin_bswap16(static_cast<std::uint16_t>(payload_length + kUdpLength));
    const auto sum = checksum_fold(std::uint64_t{address_sum_} + length_word);
    std::memcpy(ip + ip_length_ + 6, &sum, sizeof sum);
  }

  NextHopId next_hop = kNoNextHop;

 private:
  void prepare_v4(const Endpoint& source, std::uint8_t dscp, std::uint8_t ttl) {
    ip_length_ = kIpv4Length;
    octets_[0] = 0x45;
    octets_[1] = static_cast<std::uint8_t>(dscp << 2);
    octets_[6] = 0x40;  // DF
    octets_[8] = ttl;
    octets_[9] = kProtocolUdp;
    std::memcpy(octets_.data() + 12, source.address.v4_octets().data(), 4);
    store_be16(octets_.data() + kIpv4Length, source.port);
  }

  void prepare_v6(const Endpoint& source, std::uint8_t dscp, std::uint8_t ttl) {
    ip_length_ = kIpv6Length;
    octets_[0] = static_cast<std::uint8_t>(0x60 | dscp >> 2);
    octets_[1] = static_cast<std::uint8_t>(dscp << 6);
    octets_[6] = kProtocolUdp;
    octets_[7] = ttl;
    std::memcpy(octets_.data() + 8, source.address.octets().data(), 16);
    store_be16(octets_.data() + kIpv6Length, source.port);
  }

  void prepare_sums() {
    const std::size_t addresses = is_v4() ? 12 : 8;
    const std::size_t addresses_length = is_v4() ? 8 : 32;
    ip_sum_ = checksum_fold(checksum_partial(octets_.data(), kIpv4Length));
    address_sum_ = checksum_fold(checksum_partial(octets_.data() + addresses, addresses_length) +
                                 (std::uint32_t{kProtocolUdp} << 8));
    port_sum_ = checksum_fold(checksum_partial(octets_.data() + ip_length_, 4));
  }

  /// The UDP length counts twice: in the pseudo-header and in the UDP header.
  [[nodiscard]] std::uint64_t pseudo_header(std::size_t payload_length) const {
    const std::uint16_t length_word =
        __builtin_bswap16(static_cast<std::uint16_t>(payload_length + kUdpLength));
    return std::uint64_t{address_sum_} + port_sum_ + 2 * std::uint64_t{length_word};
  }

  std::array<std::uint8_t, kIpv6Length + kUdpLength> octets_{};
  std::uint16_t ip_sum_ = 0;       // of the IPv4 header without its length
  std::uint16_t address_sum_ = 0;  // of the pseudo-header without the length
  std::uint16_t port_sum_ = 0;
  std::uint8_t ip_length_ = kIpv4Length;
  bool has_target_ = false;
};

static_assert(sizeof(HeaderTemplate) == 64);

}  // namespace sallyport::dataplane
