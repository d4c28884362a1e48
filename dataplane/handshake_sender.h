// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Whom a handshake packet seems to come from, so that the right budget pays for it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "dataplane/flow_state.h"
#include "dataplane/handshake.h"

namespace sallyport::dataplane {

/// Whether a STUN message's USERNAME (RFC 8489 §14.3) begins with the fragment and a colon. It is among the
/// first attributes of every check; what follows many others is not looked for.
[[nodiscard]] inline bool names_agent(std::span<const std::uint8_t> message, const IceFragment& fragment) {
  constexpr std::size_t kHeader = 20, kMostAttributes = 16;
  constexpr std::uint16_t kUsername = 6;
  if (fragment.front() == '\0') return false;
  ByteCursor cursor(message);
  cursor.skip(kHeader);
  for (std::size_t i = 0; i < kMostAttributes; ++i) {
    const std::uint16_t type = cursor.u16();
    const std::uint16_t length = cursor.u16();
    const auto value = cursor.take(length);
    if (!cursor.ok()) return false;
    if (type == kUsername)
      return value.size() > fragment.size() && value[fragment.size()] == ':' &&
             std::equal(fragment.begin(), fragment.end(), value.begin());
    cursor.skip(-length & 3U);
  }
  return false;
}

/// `is_stun`: by its first octet (RFC 7983 §7). `component`: whose port it came to.
[[nodiscard]] inline Sender sender_of(const Flow& flow, std::size_t component, const IpAddress& source,
                                      std::span<const std::uint8_t> payload, bool is_stun) {
  if (is_stun && names_agent(payload, flow.handshakes.ice_fragment)) return Sender::ice_agent;
  if (source == flow.source[component].address || source == flow.handshakes.host) return Sender::host;
  return Sender::stranger;
}

}  // namespace sallyport::dataplane
