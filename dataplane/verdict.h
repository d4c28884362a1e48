// SPDX-License-Identifier: GPL-3.0-or-later
// Verdict: a packet's fate. Each value is a counter; one table gives its name and what an operator should
// know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::dataplane {

enum class Verdict : std::uint8_t {
  forward,
  punt,
  handoff,
  punt_handshake,
  drop_frame_malformed,
  drop_frame_unsupported,
  drop_fragment,
  drop_not_ours,
  drop_no_flow,
  drop_unexpected_stun,
  drop_unexpected_dtls,
  drop_unexpected_zrtp,
  drop_unclassified,
  drop_rtp_malformed,
  drop_rtcp_malformed,
  drop_source,
  drop_keys_awaited,
  drop_srtp_short,
  drop_srtp_mki,
  drop_srtp_replayed,
  drop_srtp_too_old,
  drop_srtp_forged,
  drop_srtp_not_encrypted,
  drop_srtp_ssrc_limit,
  drop_key_exhausted,
  drop_bundle_unrouted,
  drop_index_reused,
  drop_no_room,
  drop_no_target,
  drop_no_next_hop,
  drop_mtu,
  drop_tx_full,
  drop_punt_full,
  drop_handshake_budget,
  drop_handshake_full,
  drop_handoff_full,
};

struct VerdictInfo {
  Verdict verdict;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array kVerdicts = std::to_array<VerdictInfo>({
    {Verdict::forward, "forward", "sent on to the other leg"},
    {Verdict::punt, "punt", "not media: handed to the kernel's twin of this port"},
    {Verdict::handoff, "handoff", "arrived at a worker that does not own its flow; passed to the owner"},
    {Verdict::punt_handshake, "punt_handshake", "STUN, DTLS or ZRTP: handed to the handshake thread"},
    {Verdict::drop_frame_malformed, "drop_frame_malformed",
     "lengths or checksums of Ethernet, IP or UDP contradict each other"},
    {Verdict::drop_frame_unsupported, "drop_frame_unsupported",
     "not IP/UDP, and the port has no twin to take it"},
    {Verdict::drop_fragment, "drop_fragment", "an IP fragment; media must fit the MTU"},
    {Verdict::drop_not_ours, "drop_not_ours", "addressed to none of the media addresses and port ranges"},
    {Verdict::drop_no_flow, "drop_no_flow", "no relay uses this port"},
    {Verdict::drop_unexpected_stun, "drop_unexpected_stun", "STUN on a leg without ICE"},
    {Verdict::drop_unexpected_dtls, "drop_unexpected_dtls", "DTLS on a leg that is not keyed by it"},
    {Verdict::drop_unexpected_zrtp, "drop_unexpected_zrtp", "ZRTP on a leg that is not keyed by it"},
    {Verdict::drop_unclassified, "drop_unclassified",
     "first octet belongs to no protocol of RFC 7983, or nothing at all"},
    {Verdict::drop_rtp_malformed, "drop_rtp_malformed",
     "RTP version, CSRC count, extension or padding runs past the packet"},
    {Verdict::drop_rtcp_malformed, "drop_rtcp_malformed", "RTCP lengths run past the packet"},
    {Verdict::drop_source, "drop_source", "the source address or port is not the leg's"},
    {Verdict::drop_keys_awaited, "drop_keys_awaited",
     "media on a leg whose handshake has not given its keys yet"},
    {Verdict::drop_srtp_short, "drop_srtp_short", "too short to hold its tag"},
    {Verdict::drop_srtp_mki, "drop_srtp_mki", "names another master key"},
    {Verdict::drop_srtp_replayed, "drop_srtp_replayed", "received before"},
    {Verdict::drop_srtp_too_old, "drop_srtp_too_old", "behind the replay window"},
    {Verdict::drop_srtp_forged, "drop_srtp_forged",
     "the authentication tag is wrong: forged, damaged or keyed otherwise"},
    {Verdict::drop_srtp_not_encrypted, "drop_srtp_not_encrypted",
     "SRTCP's E bit contradicts the leg's parameters"},
    {Verdict::drop_srtp_ssrc_limit, "drop_srtp_ssrc_limit", "more sources on one leg than are remembered"},
    {Verdict::drop_key_exhausted, "drop_key_exhausted", "a master key's lifetime is over"},
    {Verdict::drop_bundle_unrouted, "drop_bundle_unrouted",
     "came by a port of several media, and belongs to none of them"},
    {Verdict::drop_index_reused, "drop_index_reused", "sending it would use a keystream twice"},
    {Verdict::drop_no_room, "drop_no_room", "the buffer cannot hold what protection adds"},
    {Verdict::drop_no_target, "drop_no_target",
     "the other leg's address is not known yet, or who carried its bundle has gone"},
    {Verdict::drop_no_next_hop, "drop_no_next_hop",
     "no route, or the next hop's link address is not known yet"},
    {Verdict::drop_mtu, "drop_mtu", "larger than the outgoing link allows once protected"},
    {Verdict::drop_tx_full, "drop_tx_full", "the outgoing queue took no more, or its port is down"},
    {Verdict::drop_punt_full, "drop_punt_full", "control took punted packets too slowly"},
    {Verdict::drop_handshake_budget, "drop_handshake_budget",
     "more handshake packets than a leg or a worker may pass on, or larger than any"},
    {Verdict::drop_handshake_full, "drop_handshake_full", "the handshake thread took packets too slowly"},
    {Verdict::drop_handoff_full, "drop_handoff_full", "the owning worker took strays too slowly"},
});

inline constexpr std::size_t kVerdictCount = kVerdicts.size();

[[nodiscard]] constexpr std::string_view name(Verdict verdict) {
  return kVerdicts[static_cast<std::size_t>(verdict)].name;
}

constexpr bool verdicts_stand_at_their_values() {
  for (std::size_t i = 0; i < kVerdicts.size(); ++i)
    if (static_cast<std::size_t>(kVerdicts[i].verdict) != i) return false;
  return kVerdicts.back().verdict == Verdict::drop_handoff_full;
}
static_assert(verdicts_stand_at_their_values());

}  // namespace sallyport::dataplane
