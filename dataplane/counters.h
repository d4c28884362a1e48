// SPDX-License-Identifier: GPL-3.0-or-later
// What workers count: per worker, and per flow. One writer each; control reads and sums, nobody resets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "dataplane/verdict.h"

namespace sallyport::dataplane {

/// RTP or RTCP: the two components of a media stream (RFC 8445's word).
enum class Component : std::uint8_t { rtp = 0, rtcp = 1 };
inline constexpr std::size_t kComponents = 2;

/// One worker's counters, in cache lines of their own.
struct alignas(64) WorkerCounters {
  std::array<Counter, kVerdictCount> verdicts;
  Counter polls;                   ///< turns of the loop
  Counter busy_polls;              ///< turns that found packets
  Counter received;                ///< packets; equals the sum of the verdicts when the worker is idle
  Counter busy_cycles;             ///< TSC cycles spent in busy polls
  Counter sleeps;                  ///< times the worker went to sleep for want of packets
  Counter events_lost;             ///< events that found their ring full and will be told again
  Counter injections_lost;         ///< frames of the kernel's twins that a port did not take
  Counter carried;                 ///< ZRTP packets between legs that key each other by it
  Counter answers;                 ///< datagrams sent for the handshake thread
  Counter answers_lost;            ///< of these, such that found no flow, no next hop or no room
  Counter bundle_ssrcs_displaced;  ///< SSRCs of shared ports that were forgotten for newer ones
  Counter captured;                ///< packets copied for a capture
  Counter captures_lost;           ///< packets that a capture could not take
};

/// What one flow counts, as it receives (RFC 3550 terms). The times are TSC values. Every packet touches the
/// first line.
struct alignas(64) FlowCounters {
  std::array<Counter, kComponents> packets;  ///< accepted: passed source policy and authentication
  Counter rtp_bytes;                         ///< UDP payload of RTP as it arrived
  Counter rtp_forwarded;                     ///< RTP sent on
  Counter expected;   ///< RFC 3550 §A.3 over all SSRCs so far; lost = expected - packets[rtp]
  Counter last_seen;  ///< TSC of the last accepted packet; 0 = none yet
  Counter32 jitter;   ///< RFC 3550 §6.4.1 estimate in 1/16 timestamp units
  Counter32 ssrc;     ///< the present one
  Counter dropped;    ///< all drops after the flow was found; the verdicts say why

  Counter rtcp_bytes;
  Counter rtcp_forwarded;
  Counter forged;          ///< tag did not verify
  Counter replayed;        ///< duplicates refused by the replay window
  Counter too_old;         ///< behind the replay window
  Counter wrong_source;    ///< refused by the source policy
  Counter32 out_of_order;  ///< accepted with a sequence number below the highest
  Counter32 duplicates;    ///< RTP in clear that came twice (SRTP counts them as replayed)
  Counter32 ssrc_changes;
  Counter32 latches;  ///< times the leg's address was (re)learned

  /// Begins where the flow that this one replaces has come to.
  void continue_from(const FlowCounters& before) {
    for (std::size_t i = 0; i < kComponents; ++i) packets[i].set(before.packets[i].get());
    for (const auto counter :
         {&FlowCounters::rtp_bytes, &FlowCounters::rtp_forwarded, &FlowCounters::expected,
          &FlowCounters::last_seen, &FlowCounters::dropped, &FlowCounters::rtcp_bytes,
          &FlowCounters::rtcp_forwarded, &FlowCounters::forged, &FlowCounters::replayed,
          &FlowCounters::too_old, &FlowCounters::wrong_source})
      (this->*counter).set((before.*counter).get());
    for (const auto counter :
         {&FlowCounters::jitter, &FlowCounters::ssrc, &FlowCounters::out_of_order, &FlowCounters::duplicates,
          &FlowCounters::ssrc_changes, &FlowCounters::latches})
      (this->*counter).set((before.*counter).get());
  }
  [[nodiscard]] Counter& bytes(Component component) {
    return component == Component::rtp ? rtp_bytes : rtcp_bytes;
  }
  [[nodiscard]] Counter& forwarded(Component component) {
    return component == Component::rtp ? rtp_forwarded : rtcp_forwarded;
  }
};

static_assert(sizeof(FlowCounters) == 128);

}  // namespace sallyport::dataplane
