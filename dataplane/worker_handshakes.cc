// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The way of handshake packets: out of a burst into a ring, and from a ring onto the wire. A packet of
// the first kind costs a table look-up and a copy; how many do so is bounded before that.
#include <cstring>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/handshake_sender.h"
#include "dataplane/worker.h"

namespace sallyport::dataplane {

namespace {

bool speaks(const HandshakeFilter& protocols, Verdict unexpected) {
  return (unexpected == Verdict::drop_unexpected_stun && protocols.stun) ||
         (unexpected == Verdict::drop_unexpected_dtls && protocols.dtls) ||
         (unexpected == Verdict::drop_unexpected_zrtp && protocols.zrtp);
}

constexpr bool is_handshake(Verdict verdict) {
  return verdict == Verdict::drop_unexpected_stun || verdict == Verdict::drop_unexpected_dtls ||
         verdict == Verdict::drop_unexpected_zrtp;
}

/// Headers in front of a payload that begins where the packet's data does. False: there is no room, or the
/// link's MTU is too small.
bool write_headers(rte_mbuf& packet, const HeaderTemplate& headers, const LinkHeader& link, bool offload) {
  const std::size_t payload = packet.data_len;
  if (headers.length() + payload > link.mtu) return false;
  if (rte_pktmbuf_headroom(&packet) < headers.length() + link.length) return false;
  std::uint8_t* const ip = rte_pktmbuf_mtod(&packet, std::uint8_t*) - headers.length();
  headers.write(ip, payload);
  link.write_before(ip, headers.is_v4());
  packet.ol_flags = 0;
  if (offload) {
    headers.finish_udp_by_offload(ip, payload);
    packet.tx_offload = link.length | (headers.length() - kUdpLength) << RTE_MBUF_L2_LEN_BITS;
    packet.ol_flags = RTE_MBUF_F_TX_UDP_CKSUM | (headers.is_v4() ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
  } else {
    headers.finish_udp(ip, payload);
  }
  const std::size_t length = link.length + headers.length();
  packet.data_off = static_cast<std::uint16_t>(packet.data_off - length);
  packet.data_len = static_cast<std::uint16_t>(length + payload);
  packet.pkt_len = packet.data_len;
  return true;
}

}  // namespace

/// What classify has called unexpected may be expected by the leg that it is for.
void Worker::pass_on_handshakes(Burst& burst) {
  for (std::size_t i = 0; i < burst.size; ++i)
    if (is_handshake(burst.verdicts[i])) burst.verdicts[i] = verdict_of_handshake(burst, i);
}

Verdict Worker::verdict_of_handshake(Burst& burst, std::size_t i) {
  const PacketView& view = burst.views[i];
  const Verdict unexpected = burst.verdicts[i];
  const std::uint32_t index = port_index_.of(view.address, view.local_port);
  Flow* const flow = flows_.find(index);
  if (flow == nullptr) {
    // Another worker's, perhaps: its ring is for media too, so these keep within our budget.
    const Verdict verdict = verdict_of_stray(burst, i, index);
    if (verdict != Verdict::handoff) return unexpected;
    return affords(Sender::stranger) ? verdict : Verdict::drop_handshake_budget;
  }
  const bool carried = unexpected == Verdict::drop_unexpected_zrtp && flow->end_to_end();
  if (!carried && !speaks(flow->handshakes, unexpected)) return unexpected;
  const Component component = view.local_port == flow->arrival_ports[0] ? Component::rtp : Component::rtcp;
  const Sender sender = sender_of(*flow, static_cast<std::size_t>(component), view.source.address,
                                  view.octets(), unexpected == Verdict::drop_unexpected_stun);
  if (!flow->handshake_budgets[static_cast<std::size_t>(sender)].take(leg_budget_cycles_, around_.tsc) ||
      !affords(sender) || view.length > kMaxHandshakePayload)
    return Verdict::drop_handshake_budget;
  if (carried) return verdict_of_carried(burst.views[i], *flow);
  if (rings_->handshakes.write_available() == 0) return Verdict::drop_handshake_full;
  HandshakePacket packet;
  packet.leg = flow->handshake_leg;
  packet.component = component;
  packet.source = view.source;
  std::memcpy(packet.neighbour.data(), rte_pktmbuf_mtod(burst.packets[i], const std::uint8_t*) + 6,
              packet.neighbour.size());
  packet.length = view.length;
  std::memcpy(packet.payload.data(), view.payload, view.length);
  rings_->handshakes.push(packet);
  return Verdict::punt_handshake;
}

/// Whether the worker as a whole may pass one more on.
bool Worker::affords(Sender sender) {
  const auto kind = static_cast<std::size_t>(sender);
  return handshake_budgets_[kind].take(budget_cycles_[kind], around_.tsc);
}

/// It goes on through the stages of a packet in clear, as one of the component whose port it came to. ZRTP is
/// RTP's business alone (RFC 6189 §4), so that elsewhere it is as unexpected as before.
Verdict Worker::verdict_of_carried(PacketView& view, const Flow& flow) {
  if (view.local_port != flow.arrival_ports[0] || !has_zrtp_cookie(view.octets()))
    return Verdict::drop_unexpected_zrtp;
  view.component = Component::rtp;
  view.rtp = {};
  return Verdict::forward;
}

void Worker::send_answers() {
  HandshakeAnswer answer;
  while (rings_->answers.pop(answer)) {
    if (send_answer(answer)) continue;
    counters_->answers_lost.add();
    rte_pktmbuf_free(answer.packet);
  }
}

/// By the headers of what the leg is sent otherwise, aimed at whom the answer is for. False: it could not be
/// sent, and is still the caller's.
bool Worker::send_answer(const HandshakeAnswer& answer) {
  const HandshakeRoute& route = answer.route;
  const std::uint32_t index = port_index_.of(route.address, route.local_port);
  const Flow* const flow = index == PortIndex::kNone ? nullptr : flows_.find(index);
  if (flow == nullptr) return false;
  const std::size_t component = route.local_port == flow->arrival_ports[0] ? 0 : 1;
  HeaderTemplate headers = flow->reverse->headers[component];
  if (headers.is_v4() != route.remote.address.is_v4()) return false;
  headers.aim_at(route.remote);
  LinkHeader link = next_hops_.at(headers.next_hop);
  if (route.neighbour) {
    const MediaAddress& address = wiring_.addresses[route.address];
    link = make_link_header(
        {.resolved = true, .port = address.port, .destination = *route.neighbour, .vlan = address.vlan},
        wiring_.ports[address.port].mac);
  }
  if (!link.resolved) return false;
  const SendPort& port = wiring_.ports[link.port];
  rte_mbuf* packet = answer.packet;
  if (!write_headers(*packet, headers, link, port.checksum_offload)) return false;
  if (rte_eth_tx_burst(port.dpdk_id, port.queue, &packet, 1) != 1) return false;
  counters_->answers.add();
  return true;
}

}  // namespace sallyport::dataplane
