// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Whose packets a flow takes, and what it learns from them. Nothing is learned from a packet that has
// not been accepted: on a keyed flow its tag has verified, on one in clear its host was named by signalling.
#pragma once

#include <cstdint>

#include "base/ring.h"
#include "dataplane/burst.h"
#include "dataplane/command.h"

namespace sallyport::dataplane {

/// Whether the source policy lets a packet in, before its tag is known.
[[nodiscard]] inline bool source_admitted(const Flow& flow, const PacketView& view, std::uint64_t tsc) {
  const std::size_t index = view.component_index();
  switch (flow.source_state[index]) {
    case SourceState::keyed:
    case SourceState::verified:
      return true;
    case SourceState::closed:
      return false;
    case SourceState::fixed:
      return view.source == flow.source[index];
    case SourceState::learning:
      break;
  }
  if (view.source == flow.source[index]) return true;
  if (tsc > flow.learn_until_tsc) return false;
  return view.source.address == flow.learn_from[0] || view.source.address == flow.learn_from[1];
}

/// Whether an accepted packet teaches something: another source, or the one that a learning flow waited for.
[[nodiscard]] inline bool source_is_news(const Flow& flow, const PacketView& view) {
  const std::size_t index = view.component_index();
  if (flow.source_state[index] <= SourceState::verified) return false;
  if (view.source != flow.source[index]) return true;
  return flow.source_state[index] == SourceState::learning && view.source != flow.former_source[index];
}

namespace detail {

inline bool latch_component(Flow& flow, Component component, const Endpoint& source, Ring<Event>& events) {
  const auto index = static_cast<std::size_t>(component);
  HeaderTemplate& back = flow.reverse->headers[index];
  if (flow.source[index] != source || back.target() != source) {
    if (!events.push({EventKind::latched, component, flow.id, source})) return false;
    flow.source[index] = source;
    back.aim_at(source);
    flow.counters.latches.add();
  }
  // A leg that moves may send from its last place until it is answered, and what it sent may be late; who
  // only described itself anew stays there. So that place is followed, but the next one may still come.
  const bool is_last_word = source != flow.former_source[index];
  if (flow.source_state[index] == SourceState::learning && is_last_word)
    flow.source_state[index] = SourceState::fixed;
  return true;
}

}  // namespace detail

/// Makes the source of an accepted packet the flow's, and the reverse flow's target. False when control could
/// not be told, for want of room: the packet goes on, and the next one tries again.
[[nodiscard]] inline bool latch(Flow& flow, const PacketView& view, Ring<Event>& events) {
  bool told = detail::latch_component(flow, view.component, view.source, events);
  if (flow.arrives_muxed) {
    const Component other = view.component == Component::rtp ? Component::rtcp : Component::rtp;
    told = detail::latch_component(flow, other, view.source, events) && told;
  }
  flow.latched = true;
  flow.publish();
  flow.reverse->publish();
  if (flow.bundle != nullptr) flow.bundle->align();
  return told;
}

}  // namespace sallyport::dataplane
