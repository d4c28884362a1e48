// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The payload stays where it is; the headers move: in front of it lie the old headers and the buffer's
// headroom.
#include "dataplane/rewrite.h"

#include <rte_mbuf.h>

namespace sallyport::dataplane {

namespace {

/// Hands the UDP checksum to the device.
void request_offload(rte_mbuf& mbuf, const LinkHeader& link, const HeaderTemplate& headers) {
  const std::uint64_t ip_length = headers.length() - kUdpLength;
  mbuf.tx_offload = link.length | ip_length << RTE_MBUF_L2_LEN_BITS;
  mbuf.ol_flags = RTE_MBUF_F_TX_UDP_CKSUM | (headers.is_v4() ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
}

Verdict rewrite_packet(const PacketView& view, rte_mbuf& mbuf, const NextHopTable& next_hops,
                       std::span<const SendPort> ports) {
  const HeaderTemplate& headers = view.flow->headers[view.component_index()];
  if (!headers.has_target()) return Verdict::drop_no_target;
  const LinkHeader& link = next_hops.at(headers.next_hop);
  if (!link.resolved) return Verdict::drop_no_next_hop;
  if (headers.length() + view.length > link.mtu) return Verdict::drop_mtu;

  const auto payload_offset =
      static_cast<std::size_t>(view.payload - static_cast<std::uint8_t*>(mbuf.buf_addr));
  const std::size_t headers_length = link.length + headers.length();
  if (headers_length > payload_offset) return Verdict::drop_no_room;
  std::uint8_t* ip = view.payload - headers.length();
  headers.write(ip, view.length);
  link.write_before(ip, headers.is_v4());
  mbuf.ol_flags = 0;
  if (ports[link.port].checksum_offload) {
    headers.finish_udp_by_offload(ip, view.length);
    request_offload(mbuf, link, headers);
  } else {
    headers.finish_udp(ip, view.length);
  }
  mbuf.data_off = static_cast<std::uint16_t>(payload_offset - headers_length);
  mbuf.data_len = static_cast<std::uint16_t>(headers_length + view.length);
  mbuf.pkt_len = mbuf.data_len;
  return Verdict::forward;
}

}  // namespace

void rewrite(Burst& burst, const NextHopTable& next_hops, std::span<const SendPort> ports) {
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (!burst.undecided(i)) continue;
    const Verdict verdict = rewrite_packet(burst.views[i], *burst.packets[i], next_hops, ports);
    if (verdict != Verdict::forward) burst.drop(i, verdict);
  }
}

}  // namespace sallyport::dataplane
