// SPDX-License-Identifier: GPL-3.0-or-later
// Command: an order from control to a worker, which travels back as its own receipt; and what workers tell
// unasked.
#pragma once

#include <array>
#include <cstdint>

#include "base/ip_address.h"
#include "dataplane/flow.h"

namespace sallyport::dataplane {

/// How packets reach a neighbour: all workers keep the same table of these.
struct NextHop {
  bool resolved = false;  ///< false: packets for it are counted as drop_no_next_hop
  std::uint8_t port = 0;  ///< index into Runtime::ports()
  MacAddress destination{};
  std::uint16_t vlan = 0;    ///< 802.1Q identifier, 0 = untagged
  std::uint16_t mtu = 1500;  ///< largest IP packet
};

enum class CommandKind : std::uint8_t {
  link,     ///< begin to serve flows[0] and flows[1], each other's reverse
  unlink,   ///< stop serving them; the receipt returns their ownership. Who joined them sends nothing more
  replace,  ///< unlink `flows`, link `replacements` in the same turn; counters go on, and who joined stays
  set_next_hop,  ///< table entry `next_hop_id` becomes `next_hop`
  retarget,      ///< flows[0] reaches target `component` by `next_hop_id` from now on
  capture,  ///< copy what flows[0] receives: as it came (`capture_received`), as opened (`capture_opened`)
};

enum class CommandResult : std::uint8_t {
  pending,
  done,
  port_in_use,
  not_linked,
  no_carrier,   ///< the port that a flow is to join carries no bundle here
  bundle_full,  ///< the bundle has kMaxBundleMembers
};

struct Command {
  CommandKind kind = CommandKind::link;
  CommandResult result = CommandResult::pending;
  std::uint8_t worker = 0;
  Component component = Component::rtp;
  bool capture_received = false;
  bool capture_opened = false;
  NextHopId next_hop_id = kNoNextHop;
  NextHop next_hop;
  std::array<Flow*, 2> flows{};
  std::array<Flow*, 2> replacements{};
  std::uint64_t cookie = 0;  ///< control's, untouched
};

enum class EventKind : std::uint8_t {
  latched,  ///< flow `flow_id` learned its source: the reverse flow now targets `endpoint` and wants a next
            ///< hop
};

struct Event {
  EventKind kind = EventKind::latched;
  Component component = Component::rtp;
  std::uint64_t flow_id = 0;
  Endpoint endpoint;
};

/// A captured packet: the UDP payload with the addresses it came by.
struct CaptureRecord {
  static constexpr std::size_t kSnapLength = 2048;
  std::uint64_t flow_id = 0;
  std::uint64_t tsc = 0;
  bool opened = false;       ///< after decryption
  std::uint16_t length = 0;  ///< of `payload`; the rest was cut
  std::uint16_t original_length = 0;
  Endpoint source;
  Endpoint destination;
  std::array<std::uint8_t, kSnapLength> payload;
};

}  // namespace sallyport::dataplane
