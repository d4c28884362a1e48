// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. A verdict is counted when the packet has really met its fate: `forward` only once the port took it.
#include "dataplane/dispatch.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

namespace sallyport::dataplane {

namespace {

void count(WorkerCounters& counters, Verdict verdict) {
  counters.verdicts[static_cast<std::size_t>(verdict)].add();
}

/// The packets of a burst that leave by one port, with the views that tell their flows.
struct Leaving {
  std::array<rte_mbuf*, Burst::kCapacity> packets;
  std::array<const PacketView*, Burst::kCapacity> views;
  std::uint16_t size = 0;
};

void send(const SendPort& port, Leaving& leaving, WorkerCounters& counters) {
  if (leaving.size == 0) return;
  const std::uint16_t sent = rte_eth_tx_burst(port.dpdk_id, port.queue, leaving.packets.data(), leaving.size);
  for (std::uint16_t i = 0; i < sent; ++i) {
    const PacketView& view = *leaving.views[i];
    view.flow->counters.forwarded(view.component).add();
  }
  counters.verdicts[static_cast<std::size_t>(Verdict::forward)].add(sent);
  for (std::uint16_t i = sent; i < leaving.size; ++i) {
    leaving.views[i]->flow->counters.dropped.add();
    count(counters, Verdict::drop_tx_full);
    rte_pktmbuf_free(leaving.packets[i]);
  }
  leaving.size = 0;
}

/// Gathers for one port at a time; the two legs of a call usually use two, and a burst seldom changes often.
void forward_all(const Burst& burst, const NextHopTable& next_hops, std::span<const SendPort> ports,
                 WorkerCounters& counters) {
  Leaving leaving;
  for (std::size_t port = 0; port < ports.size(); ++port) {
    for (std::size_t i = 0; i < burst.size; ++i) {
      if (!burst.undecided(i)) continue;
      const PacketView& view = burst.views[i];
      const NextHopId hop = view.flow->headers[view.component_index()].next_hop;
      if (next_hops.at(hop).port != port) continue;
      leaving.views[leaving.size] = &view;
      leaving.packets[leaving.size++] = burst.packets[i];
    }
    send(ports[port], leaving, counters);
  }
}

/// What did not fit into a ring is dropped; what fitted is another's from here on.
Verdict give_away(rte_mbuf* packet, Verdict verdict, std::uint8_t owner, const Exits& exits) {
  if (verdict == Verdict::punt && exits.punts.push(packet)) return Verdict::punt;
  if (verdict == Verdict::punt) return Verdict::drop_punt_full;
  if (exits.strays[owner] != nullptr && exits.strays[owner]->push(packet)) return Verdict::handoff;
  return Verdict::drop_handoff_full;
}

}  // namespace

void dispatch(Burst& burst, const NextHopTable& next_hops, const Exits& exits, WorkerCounters& counters) {
  forward_all(burst, next_hops, exits.ports, counters);
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (burst.undecided(i)) continue;
    Verdict verdict = burst.verdicts[i];
    if (verdict == Verdict::punt || verdict == Verdict::handoff)
      verdict = give_away(burst.packets[i], verdict, burst.owners[i], exits);
    count(counters, verdict);
    if (verdict != Verdict::punt && verdict != Verdict::handoff) rte_pktmbuf_free(burst.packets[i]);
  }
}

}  // namespace sallyport::dataplane
