// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Check and commit of packet indices per SSRC: what a stream remembers so that no index is accepted
// twice.
//
// check() reads; commit() is the only place where a context learns from a packet, and the caller has verified
// its tag.
#pragma once

#include <cstdint>

#include "crypto/crypto_context.h"

namespace sallyport::crypto {

/// What is known of a packet's index before its tag is verified.
struct IndexCheck {
  SrtpOutcome outcome = SrtpOutcome::ok;
  SsrcSlot* slot = nullptr;        ///< the SSRC's slot, if it has one
  RetiredSsrc* retired = nullptr;  ///< where the SSRC is remembered, if it lost its slot
  std::uint64_t index = 0;
};

[[nodiscard, gnu::always_inline]] inline SrtpOutcome outcome_of(ReplayCheck check) {
  if (check == ReplayCheck::fresh) [[likely]]
    return SrtpOutcome::ok;
  return check == ReplayCheck::replayed ? SrtpOutcome::replayed : SrtpOutcome::too_old;
}

/// Finds the SSRC, or tells that there is no place to remember it.
[[nodiscard]] IndexCheck search_ssrc(CryptoContext& context, std::uint32_t ssrc);

/// The same, with the most common answer near: the first slot.
[[nodiscard, gnu::always_inline]] inline IndexCheck find_ssrc(CryptoContext& context, std::uint32_t ssrc) {
  SsrcSlot& first = context.slot(0);
  if (first.ssrc == ssrc && context.slot_count > 0) [[likely]]
    return IndexCheck{.slot = &first};
  return search_ssrc(context, ssrc);
}

[[nodiscard, gnu::always_inline]] inline std::uint64_t estimate_after(const CryptoContext& context,
                                                                      std::uint64_t next,
                                                                      std::uint16_t sequence) {
  if (next != 0) [[likely]]
    return estimate_index(next - 1, sequence);
  return (std::uint64_t{context.initial_rollover_counter} << 16) | sequence;
}

/// RTP: estimates the index and looks it up in the replay window.
[[nodiscard, gnu::always_inline]] inline IndexCheck check_rtp(CryptoContext& context, std::uint32_t ssrc,
                                                              std::uint16_t sequence) {
  IndexCheck check = find_ssrc(context, ssrc);
  if (check.outcome != SrtpOutcome::ok) return check;
  const std::uint64_t next = check.slot ? check.slot->rtp_next : check.retired ? check.retired->rtp_next : 0;
  check.index = estimate_after(context, next, sequence);
  if (check.index >= kIndexLimit || context.srtp_packets.get() >= context.srtp_lifetime)
    check.outcome = SrtpOutcome::key_exhausted;
  else if (check.slot) [[likely]]
    check.outcome = outcome_of(context.rtp_replay(*check.slot).check(next, check.index));
  else if (check.index < next)
    check.outcome = SrtpOutcome::too_old;
  return check;
}

/// SRTCP carries its index.
[[nodiscard, gnu::always_inline]] inline IndexCheck check_rtcp(CryptoContext& context, std::uint32_t ssrc,
                                                               std::uint32_t index) {
  IndexCheck check = find_ssrc(context, ssrc);
  if (check.outcome != SrtpOutcome::ok) return check;
  check.index = index;
  if (context.srtcp_packets.get() >= context.srtcp_lifetime)
    check.outcome = SrtpOutcome::key_exhausted;
  else if (check.slot)
    check.outcome = outcome_of(context.rtcp_replay(*check.slot).check(check.slot->rtcp_next, index));
  else if (check.retired && index < check.retired->rtcp_next)
    check.outcome = SrtpOutcome::too_old;
  return check;
}

/// Gives an SSRC a slot: a free one, or that of the SSRC that was silent longest, which is remembered by its
/// indices.
SsrcSlot& admit_ssrc(CryptoContext& context, std::uint32_t ssrc, RetiredSsrc* returning);

[[gnu::always_inline]] inline void commit_rtp(CryptoContext& context, const IndexCheck& check,
                                              std::uint32_t ssrc) {
  SsrcSlot& slot = check.slot ? *check.slot : admit_ssrc(context, ssrc, check.retired);
  slot.rtp_next = context.rtp_replay(slot).commit(slot.rtp_next, check.index);
  context.initial_rollover_counter = 0;
  context.srtp_packets.add();
  slot.last_used = static_cast<std::uint32_t>(context.generation());
  context.last_ssrc.set(ssrc);
  context.last_rollover_counter.set(rollover_counter(slot.rtp_next - 1));
}

[[gnu::always_inline]] inline void commit_rtcp(CryptoContext& context, const IndexCheck& check,
                                               std::uint32_t ssrc) {
  SsrcSlot& slot = check.slot ? *check.slot : admit_ssrc(context, ssrc, check.retired);
  slot.rtcp_next = static_cast<std::uint32_t>(context.rtcp_replay(slot).commit(slot.rtcp_next, check.index));
  context.srtcp_packets.add();
  slot.last_used = static_cast<std::uint32_t>(context.generation());
}

}  // namespace sallyport::crypto
