// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The poll loop, and the way of a packet through it.
#include "dataplane/worker.h"

#include <utility>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "dataplane/rtcp.h"

namespace sallyport::dataplane {

namespace {

constexpr std::size_t kUsualFrame = 256;  // octets: 20 ms of G.711 with its headers and tag

void prefetch_lines(const void* object, std::size_t bytes) {
  const auto* octets = static_cast<const char*>(object);
  for (std::size_t offset = 0; offset < bytes; offset += kCacheLine) __builtin_prefetch(octets + offset);
}

const std::uint8_t* frame_of(const rte_mbuf* packet) {
  return rte_pktmbuf_mtod(packet, const std::uint8_t*);
}

void prefetch_packets(const Burst& burst) {
  for (std::size_t i = 0; i < burst.size; ++i) __builtin_prefetch(burst.packets[i]);
}

void prefetch_frames(const Burst& burst) {
  for (std::size_t i = 0; i < burst.size; ++i) prefetch_lines(frame_of(burst.packets[i]), kUsualFrame);
}

void prefetch_opening_keys(const Burst& burst) {
  for (std::size_t i = 0; i < burst.size; ++i) prefetch(burst.first_keys(i));
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
  return serve(queue.port, wiring_.burst_limit, [&](rte_mbuf** packets) {
    return rte_eth_rx_burst(queue.dpdk_id, queue.queue, packets, wiring_.burst_limit);
  });
}

/// Packets that came to another worker's queue: their frames are untouched, so they begin at the beginning.
std::size_t Worker::receive_strays(PacketRing& ring) {
  return serve(kAnyPort, Burst::kCapacity,
               [&](rte_mbuf** packets) { return ring.pop(packets, Burst::kCapacity); });
}

/// While a full burst is finished the next one that already waits begins, so that its cache misses pass
/// behind the present one's ciphers. Nothing is held back: a burst that none follows is finished at once.
template <typename Take>
std::size_t Worker::serve(std::uint8_t port, std::size_t limit, Take take) {
  Burst* present = &bursts_[0];
  Burst* next = &bursts_[1];
  present->size = take(present->packets.data());
  if (present->size == 0) return 0;
  prefetch_packets(*present);
  prefetch_frames(*present);
  begin(*present, port);
  prefetch_opening_keys(*present);
  std::size_t received = present->size;
  for (std::size_t served = 1;; ++served) {
    const bool more = present->size == limit && served < kBurstsATurn;
    next->size = more ? take(next->packets.data()) : 0;
    finish(*present, *next, port);
    if (next->size == 0) return received;
    received += next->size;
    std::swap(present, next);
  }
}

void Worker::begin(Burst& burst, std::uint8_t port) {
  counters_->received.add(burst.size);
  parse(burst, port);
  classify(burst);
  if (burst.holds_handshakes) pass_on_handshakes(burst);
  find_flows(burst);
}

void Worker::finish(Burst& burst, Burst& next, std::uint8_t port) {
  prefetch_packets(next);
  admit(burst, around_);
  prefetch_frames(next);
  unprotect(burst, around_);
  begin(next, port);
  learn(burst, around_);
  protect(burst, around_, next);
  rewrite(burst, next_hops_, wiring_.ports);
  dispatch(burst, next_hops_, {wiring_.ports, rings_->punts, wiring_.strays_out}, *counters_);
}

void Worker::parse(Burst& burst, std::uint8_t port) {
  for (std::size_t i = 0; i < burst.size; ++i) {
    burst.views[i].flow = nullptr;
    burst.verdicts[i] = parse_packet(*burst.packets[i], port, burst.views[i]);
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

void Worker::classify(Burst& burst) {
  burst.holds_handshakes = false;
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (!burst.undecided(i)) continue;
    PacketView& view = burst.views[i];
    const PayloadClass payload_class = classify_payload(view.octets());
    burst.verdicts[i] = verdict_of_class(payload_class);
    if (payload_class == PayloadClass::rtp) {
      view.component = Component::rtp;
      view.rtp = parse_rtp(view.octets());
      if (!view.rtp.valid) burst.verdicts[i] = Verdict::drop_rtp_malformed;
    } else if (payload_class == PayloadClass::rtcp) {
      view.component = Component::rtcp;
      if (has_rtcp_header(view.octets()))
        view.rtp.ssrc = rtcp_sender(view.octets());
      else
        burst.verdicts[i] = Verdict::drop_rtcp_malformed;
    } else {
      burst.holds_handshakes = true;
    }
  }
}

/// Two passes, so that the misses of a burst overlap: the table's entries, the flows. The keys that open come
/// later, while hashes of the burst before are computed, and those that close after them (decision 12).
void Worker::find_flows(Burst& burst) {
  std::array<std::uint32_t, Burst::kCapacity> indices;
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (!burst.undecided(i)) continue;
    indices[i] = port_index_.of(burst.views[i].address, burst.views[i].local_port);
    flows_.prefetch(indices[i]);
  }
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (!burst.undecided(i)) continue;
    Flow* flow = flows_.find(indices[i]);
    burst.views[i].flow = flow;
    if (flow != nullptr)
      prefetch(*flow);
    else
      burst.verdicts[i] = verdict_of_stray(burst, i, indices[i]);
  }
}

Verdict Worker::verdict_of_stray(Burst& burst, std::size_t i, std::uint32_t port_index) {
  const std::uint8_t owner = wiring_.owners.of(port_index);
  if (owner == OwnerTable::kNobody || owner == wiring_.index) return Verdict::drop_no_flow;
  burst.owners[i] = owner;
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
