// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. The stages between finding a flow and sending. Check, verify, commit: until `unprotect` has opened a
// packet nothing of it is remembered.
#include "dataplane/relay.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include <rte_mbuf.h>

#include "dataplane/latch.h"
#include "dataplane/rtcp.h"

namespace sallyport::dataplane {

namespace {

using crypto::InboundPacket;
using crypto::OutboundPacket;
using crypto::SrtpOutcome;

constexpr Verdict verdict_when_opening(SrtpOutcome outcome) {
  switch (outcome) {
    case SrtpOutcome::ok:
      return Verdict::forward;
    case SrtpOutcome::too_short:
      return Verdict::drop_srtp_short;
    case SrtpOutcome::no_room:
      return Verdict::drop_no_room;
    case SrtpOutcome::unknown_mki:
      return Verdict::drop_srtp_mki;
    case SrtpOutcome::replayed:
      return Verdict::drop_srtp_replayed;
    case SrtpOutcome::too_old:
      return Verdict::drop_srtp_too_old;
    case SrtpOutcome::forged:
      return Verdict::drop_srtp_forged;
    case SrtpOutcome::not_encrypted:
      return Verdict::drop_srtp_not_encrypted;
    case SrtpOutcome::key_exhausted:
      return Verdict::drop_key_exhausted;
    case SrtpOutcome::too_many_ssrcs:
      return Verdict::drop_srtp_ssrc_limit;
  }
  return Verdict::drop_srtp_forged;
}

/// Closing refuses an index twice or too late for the same reason: its keystream may have been used.
constexpr Verdict verdict_when_closing(SrtpOutcome outcome) {
  if (outcome == SrtpOutcome::replayed || outcome == SrtpOutcome::too_old) return Verdict::drop_index_reused;
  return verdict_when_opening(outcome);
}

void count_refusal(SrtpOutcome outcome, FlowCounters& counters) {
  if (outcome == SrtpOutcome::forged) counters.forged.add();
  if (outcome == SrtpOutcome::replayed) counters.replayed.add();
  if (outcome == SrtpOutcome::too_old) counters.too_old.add();
}

/// Copies a packet for whoever watches. Cold: only flows under capture come here.
[[gnu::noinline]] void capture(const PacketView& view, bool opened, RelaySurroundings& around) {
  const bool room = around.captures.write_available() > 0;
  if (!room) return around.counters.captures_lost.add();
  CaptureRecord record;
  record.flow_id = view.flow->id;
  record.tsc = around.tsc;
  record.opened = opened;
  record.original_length = view.length;
  record.length = static_cast<std::uint16_t>(std::min<std::size_t>(view.length, CaptureRecord::kSnapLength));
  record.source = view.source;
  record.destination = {around.addresses[view.address].address, view.local_port};
  std::memcpy(record.payload.data(), view.payload, record.length);
  around.captures.push(record);
  around.counters.captured.add();
}

/// The keyed packets of one component, side by side as the engine wants them, and where each stands in the
/// burst. A packet begins to exist when it is added: to fill all places of an array for every burst cost some
/// cycles a packet.
template <typename Packet>
class Gathered {
 public:
  Packet& add(std::size_t place) {
    places_[size_] = static_cast<std::uint8_t>(place);
    return *std::construct_at(reinterpret_cast<Packet*>(storage_) + size_++);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t place(std::size_t n) const { return places_[n]; }
  [[nodiscard]] std::span<Packet> all() { return {std::launder(reinterpret_cast<Packet*>(storage_)), size_}; }

 private:
  static_assert(std::is_trivially_destructible_v<Packet>);
  alignas(Packet) std::byte storage_[sizeof(Packet) * Burst::kCapacity];
  std::uint8_t places_[Burst::kCapacity];
  std::size_t size_ = 0;
};

template <typename Packet>
void describe(const PacketView& view, const rte_mbuf& mbuf, Packet& packet) {
  packet.data = view.payload;
  packet.length = view.length;
  packet.header_length = view.rtp.length;
  packet.sequence = view.rtp.sequence;
  packet.ssrc = view.rtp.ssrc;
  const auto offset =
      static_cast<std::size_t>(view.payload - static_cast<const std::uint8_t*>(mbuf.buf_addr));
  packet.room = static_cast<std::uint16_t>(mbuf.buf_len - offset);
}

/// A ZRTP packet on its way to the other leg: no media.
bool is_carried(const PacketView& view) {
  return view.component == Component::rtp && !view.rtp.valid;
}

bool opened_well(const PacketView& view) {
  if (view.flow->end_to_end()) return true;
  if (view.component == Component::rtcp) return is_rtcp_compound(view.octets());
  return !view.rtp.padded || has_valid_padding(view.octets(), view.rtp.length);
}

/// Whose an open packet is that came by a shared port; null: nobody's. Cold beside flows with ports of their
/// own.
[[gnu::noinline]] Flow* member_of(const PacketView& view, RelaySurroundings& around) {
  return view.flow->bundle->route(view, around.tsc, around.counters.bundle_ssrcs_displaced);
}

/// Another SSRC comes to a flow: where it leaves by a shared port, feedback about it is to find back.
[[gnu::noinline]] void note_source(const Flow& flow, std::uint32_t ssrc, RelaySurroundings& around) {
  Bundle* const leaves_by = flow.reverse->shared;
  if (leaves_by != nullptr)
    leaves_by->note_sent(flow.reverse->slot, ssrc, around.tsc, around.counters.bundle_ssrcs_displaced);
}

void unprotect_component(Burst& burst, Component component, RelaySurroundings& around) {
  Gathered<InboundPacket> gathered;
  for (std::size_t i = 0; i < burst.size; ++i) {
    const PacketView& view = burst.views[i];
    if (!burst.undecided(i) || view.component != component) continue;
    crypto::InboundStream* const stream = view.flow->inbound_of(component);
    if (stream == nullptr) continue;
    InboundPacket& packet = gathered.add(i);
    describe(view, *burst.packets[i], packet);
    packet.stream = stream;
    packet.ahead = {view.flow->outbound, view.flow->outbound_hot_lines};
  }
  if (gathered.size() == 0) return;
  if (component == Component::rtp)
    around.engine.unprotect_rtp(gathered.all());
  else
    around.engine.unprotect_rtcp(gathered.all());
  for (std::size_t n = 0; n < gathered.size(); ++n) {
    const InboundPacket& packet = gathered.all()[n];
    const std::size_t i = gathered.place(n);
    burst.views[i].length = packet.length;
    if (packet.outcome == SrtpOutcome::ok) continue;
    count_refusal(packet.outcome, burst.views[i].flow->counters);
    burst.drop(i, verdict_when_opening(packet.outcome));
  }
}

/// Each packet that is closed brings the keys of one of `ahead` along, which may be null.
void protect_component(Burst& burst, Component component, RelaySurroundings& around, const Burst* ahead) {
  const std::size_t wanted = ahead != nullptr ? ahead->size : 0;
  Gathered<OutboundPacket> gathered;
  for (std::size_t i = 0; i < burst.size; ++i) {
    const PacketView& view = burst.views[i];
    if (!burst.undecided(i) || view.component != component) continue;
    crypto::OutboundStream* const stream = view.flow->outbound_of(component);
    if (stream == nullptr) continue;
    OutboundPacket& packet = gathered.add(i);
    describe(view, *burst.packets[i], packet);
    packet.stream = stream;
    packet.ahead = gathered.size() <= wanted ? ahead->first_keys(gathered.size() - 1) : Lines{};
  }
  for (std::size_t n = gathered.size(); n < wanted; ++n) prefetch(ahead->first_keys(n));
  if (gathered.size() == 0) return;
  if (component == Component::rtp)
    around.engine.protect_rtp(gathered.all());
  else
    around.engine.protect_rtcp(gathered.all());
  for (std::size_t n = 0; n < gathered.size(); ++n) {
    const OutboundPacket& packet = gathered.all()[n];
    const std::size_t i = gathered.place(n);
    burst.views[i].length = packet.length;
    if (packet.outcome != SrtpOutcome::ok) burst.drop(i, verdict_when_closing(packet.outcome));
  }
}

bool any_rtcp(const Burst& burst) {
  for (std::size_t i = 0; i < burst.size; ++i)
    if (burst.undecided(i) && burst.views[i].component == Component::rtcp) return true;
  return false;
}

}  // namespace

void admit(Burst& burst, RelaySurroundings& around) {
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (!burst.undecided(i)) continue;
    const PacketView& view = burst.views[i];
    if (captures_received(view.flow->capture)) capture(view, false, around);
    if (source_admitted(*view.flow, view, around.tsc)) continue;
    if (view.flow->source_state[view.component_index()] == SourceState::closed) {
      burst.drop(i, Verdict::drop_keys_awaited);
      continue;
    }
    view.flow->counters.wrong_source.add();
    burst.drop(i, Verdict::drop_source);
  }
}

void unprotect(Burst& burst, RelaySurroundings& around) {
  unprotect_component(burst, Component::rtp, around);
  if (any_rtcp(burst)) unprotect_component(burst, Component::rtcp, around);
}

void learn(Burst& burst, RelaySurroundings& around) {
  for (std::size_t i = 0; i < burst.size; ++i) {
    if (!burst.undecided(i)) continue;
    PacketView& view = burst.views[i];
    if (!opened_well(view)) {
      burst.drop(
          i, view.component == Component::rtp ? Verdict::drop_rtp_malformed : Verdict::drop_rtcp_malformed);
      continue;
    }
    if (source_is_news(*view.flow, view) && !latch(*view.flow, view, around.events))
      around.counters.events_lost.add();
    if (view.flow->passage == Passage::bundled) {
      Flow* const member = member_of(view, around);
      if (member == nullptr) {
        burst.drop(i, Verdict::drop_bundle_unrouted);
        continue;
      }
      view.flow = member;
    }
    Flow& flow = *view.flow;
    if (captures_opened(flow.capture)) capture(view, true, around);
    if (is_carried(view)) {
      around.counters.carried.add();
      continue;
    }
    flow.counters.packets[view.component_index()].add();
    flow.counters.bytes(view.component).add(view.arrived_length);
    flow.counters.last_seen.set(around.tsc);
    if (view.component != Component::rtp) continue;
    if (flow.reception.packet(view.rtp, around.tsc, flow.counters)) note_source(flow, view.rtp.ssrc, around);
  }
}

void protect(Burst& burst, RelaySurroundings& around, const Burst& next) {
  protect_component(burst, Component::rtp, around, &next);
  if (any_rtcp(burst)) protect_component(burst, Component::rtcp, around, nullptr);
}

}  // namespace sallyport::dataplane
