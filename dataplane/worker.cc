// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The poll loop, and the way of a packet through it.
#include "dataplane/worker.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "dataplane/rtcp.h"

namespace sallyport::dataplane {

namespace {

constexpr std::size_t kFramePrefetchDistance = 4;  // packets; chosen, not tuned by measurement
constexpr std::size_t kUsualFrame = 256;           // octets: 20 ms of G.711 with its headers and tag

void prefetch_lines(const void* object, std::size_t bytes) {
  const auto* octets = static_cast<const char*>(object);
  for (std::size_t offset = 0; offset < bytes; offset += kCacheLine) __builtin_prefetch(octets + offset);
}

const std::uint8_t* frame_of(const rte_mbuf* packet) {
  return rte_pktmbuf_mtod(packet, const std::uint8_t*);
}

/// What happens to a frame that is not UDP for a media address, on a port without a twin.
constexpr Verdict verdict_without_twin(FrameKind kind) {
  switch (kind) {
    case FrameKind::udp:
      return Verdict::drop_not_ours;
    case FrameKind::other:
      return Verdict::drop_frame_unsupported;
    case FrameKind::fragment:
      return Verdict::drop_fragment;
    case FrameKind::malformed:
      return Verdict::drop_frame_malformed;
  }
  return Verdict::drop_frame_malformed;
}

constexpr Verdict verdict_of_class(PayloadClass payload_class) {
  switch (payload_class) {
    case PayloadClass::rtp:
    case PayloadClass::rtcp:
      return Verdict::forward;
    case PayloadClass::stun:
      return Verdict::drop_unexpected_stun;
    case PayloadClass::dtls:
      return Verdict::drop_unexpected_dtls;
    case PayloadClass::zrtp:
      return Verdict::drop_unexpected_zrtp;
    case PayloadClass::unknown:
      return Verdict::drop_unclassified;
  }
  return Verdict::drop_unclassified;
}

}  // namespace

std::size_t Worker::poll_once(std::uint64_t tsc) {
  around_.tsc = tsc;
  counters_->polls.add();
  if (rings_->commands.read_available() > 0) take_commands();
  if (rings_->injections.read_available() > 0) send_injections();
  if (rings_->answers.read_available() > 0) send_answers();
  std::size_t received = 0;
  for (PacketRing* ring : wiring_.strays_in) received += receive_strays(*ring);
  for (const ReceiveQueue& queue : wiring_.queues) received += receive(queue);
  if (received > 0) counters_->busy_polls.add();
  return received;
}

std::size_t Worker::receive(const ReceiveQueue& queue) {
  burst_.size = rte_eth_rx_burst(queue.dpdk_id, queue.queue, burst_.packets.data(), wiring_.burst_limit);
  if (burst_.size == 0) return 0;
  process(queue.port);
  return burst_.size;
}

/// Packets that came to another worker's queue: their frames are untouched, so they begin at the beginning.
std::size_t Worker::receive_strays(PacketRing& ring) {
  burst_.size = ring.pop(burst_.packets.data(), Burst::kCapacity);
  if (burst_.size == 0) return 0;
  process(kAnyPort);
  return burst_.size;
}

void Worker::process(std::uint8_t port) {
  counters_->received.add(burst_.size);
  parse(port);
  classify();
  if (burst_holds_handshakes_) pass_on_handshakes();
  find_flows();
  admit(burst_, around_);
  unprotect(burst_, around_);
  learn(burst_, around_);
  protect(burst_, around_);
  rewrite(burst_, next_hops_, wiring_.ports);
  dispatch(burst_, owners_, next_hops_, {wiring_.ports, rings_->punts, wiring_.strays_out}, *counters_);
}

void Worker::parse(std::uint8_t port) {
  for (std::size_t i = 0; i < burst_.size; ++i) __builtin_prefetch(burst_.packets[i]);
  for (std::size_t i = 0; i < std::min(kFramePrefetchDistance, burst_.size); ++i)
    prefetch_lines(frame_of(burst_.packets[i]), kUsualFrame);
  for (std::size_t i = 0; i < burst_.size; ++i) {
    if (i + kFramePrefetchDistance < burst_.size)
      prefetch_lines(frame_of(burst_.packets[i + kFramePrefetchDistance]), kUsualFrame);
    burst_.views[i].flow = nullptr;
    burst_.verdicts[i] = parse_packet(*burst_.packets[i], port, burst_.views[i]);
  }
}

Verdict Worker::parse_packet(rte_mbuf& packet, std::uint8_t port, PacketView& view) const {
  // A chained buffer is larger than any media packet may be.
  const bool whole = packet.nb_segs == 1;
  std::uint8_t* const frame = rte_pktmbuf_mtod(&packet, std::uint8_t*);
  const FrameView parsed = whole ? parse_frame(frame, packet.data_len) : FrameView{};
  if (parsed.kind == FrameKind::udp) {
    view.address = addresses_.find(parsed.destination.address, parsed.vlan);
    const bool ours = view.address != AddressTable::kNone &&
                      (port == kAnyPort || wiring_.addresses[view.address].port == port);
    const bool media = ours && port_index_.of(view.address, parsed.destination.port) != PortIndex::kNone;
    if (media) {
      view.payload = frame + parsed.payload_offset;
      view.length = view.arrived_length = parsed.payload_length;
      view.local_port = parsed.destination.port;
      view.source = parsed.source;
      return Verdict::forward;
    }
  }
  const bool twin_takes_it = port != kAnyPort && whole && wiring_.ports[port].has_twin;
  return twin_takes_it ? Verdict::punt : verdict_without_twin(parsed.kind);
}

void Worker::classify() {
  burst_holds_handshakes_ = false;
  for (std::size_t i = 0; i < burst_.size; ++i) {
    if (!burst_.undecided(i)) continue;
    PacketView& view = burst_.views[i];
    const PayloadClass payload_class = classify_payload(view.octets());
    burst_.verdicts[i] = verdict_of_class(payload_class);
    if (payload_class == PayloadClass::rtp) {
      view.component = Component::rtp;
      view.rtp = parse_rtp(view.octets());
      if (!view.rtp.valid) burst_.verdicts[i] = Verdict::drop_rtp_malformed;
    } else if (payload_class == PayloadClass::rtcp) {
      view.component = Component::rtcp;
      if (has_rtcp_header(view.octets()))
        view.rtp.ssrc = rtcp_sender(view.octets());
      else
        burst_.verdicts[i] = Verdict::drop_rtcp_malformed;
    } else {
      burst_holds_handshakes_ = true;
    }
  }
}

/// Three passes, so that the misses of a burst overlap: the table's entries, the flows, the keys that open.
/// Those that close come later, while the first hashes are computed (decision 12).
void Worker::find_flows() {
  std::array<std::uint32_t, Burst::kCapacity> indices;
  for (std::size_t i = 0; i < burst_.size; ++i) {
    if (!burst_.undecided(i)) continue;
    indices[i] = port_index_.of(burst_.views[i].address, burst_.views[i].local_port);
    flows_.prefetch(indices[i]);
  }
  for (std::size_t i = 0; i < burst_.size; ++i) {
    if (!burst_.undecided(i)) continue;
    Flow* flow = flows_.find(indices[i]);
    burst_.views[i].flow = flow;
    if (flow == nullptr)
      burst_.verdicts[i] = verdict_of_stray(i, indices[i]);
    else
      prefetch(*flow);
  }
  for (std::size_t i = 0; i < burst_.size; ++i) {
    const Flow* flow = burst_.views[i].flow;
    if (!burst_.undecided(i)) continue;
    prefetch(flow->inbound != nullptr ? Lines{flow->inbound, flow->inbound_hot_lines}
                                      : Lines{flow->outbound, flow->outbound_hot_lines});
  }
}

Verdict Worker::verdict_of_stray(std::size_t i, std::uint32_t port_index) {
  const std::uint8_t owner = wiring_.owners.of(port_index);
  if (owner == OwnerTable::kNobody || owner == wiring_.index) return Verdict::drop_no_flow;
  owners_[i] = owner;
  return Verdict::handoff;
}

/// Frames of the kernel's twins leave as they are.
void Worker::send_injections() {
  rte_mbuf* packet = nullptr;
  while (rings_->injections.pop(packet)) {
    const SendPort& port = wiring_.ports[packet->port];
    if (rte_eth_tx_burst(port.dpdk_id, port.queue, &packet, 1) == 1) continue;
    counters_->injections_lost.add();
    rte_pktmbuf_free(packet);
  }
}

}  // namespace sallyport::dataplane
