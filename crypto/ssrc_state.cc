// SPDX-License-Identifier: GPL-3.0-or-later
// Hot, though rarely run: giving an SSRC a slot, and remembering the one that had it.
#include "crypto/ssrc_state.h"

namespace sallyport::crypto {

namespace {

SsrcSlot& longest_silent(CryptoContext& context) {
  const auto now = static_cast<std::uint32_t>(context.generation());
  SsrcSlot* chosen = &context.slot(0);
  for (std::size_t i = 1; i < context.slot_count; ++i) {
    SsrcSlot& slot = context.slot(i);
    if (now - slot.last_used > now - chosen->last_used) chosen = &slot;
  }
  return *chosen;
}

RetiredSsrc remembered(const SsrcSlot& slot) {
  return RetiredSsrc{.rtp_next = slot.rtp_next, .rtcp_next = slot.rtcp_next, .ssrc = slot.ssrc};
}

}  // namespace

IndexCheck search_ssrc(CryptoContext& context, std::uint32_t ssrc) {
  for (std::size_t i = 0; i < context.slot_count; ++i)
    if (context.slot(i).ssrc == ssrc) return IndexCheck{.slot = &context.slot(i)};
  for (std::size_t i = 0; i < context.retired_count; ++i)
    if (context.retired_ssrc(i).ssrc == ssrc) return IndexCheck{.retired = &context.retired_ssrc(i)};
  const bool full = context.slot_count == context.slot_capacity && context.retired_count == kRetiredSsrcs;
  return IndexCheck{.outcome = full ? SrtpOutcome::too_many_ssrcs : SrtpOutcome::ok};
}

SsrcSlot& admit_ssrc(CryptoContext& context, std::uint32_t ssrc, RetiredSsrc* returning) {
  const RetiredSsrc known = returning ? *returning : RetiredSsrc{};
  SsrcSlot* slot = nullptr;
  if (context.slot_count < context.slot_capacity) {
    slot = &context.slot(context.slot_count++);
  } else {
    slot = &longest_silent(context);
    RetiredSsrc* place = returning ? returning : &context.retired_ssrc(context.retired_count++);
    *place = remembered(*slot);
  }
  slot->ssrc = ssrc;
  slot->rtp_next = known.rtp_next;
  slot->rtcp_next = known.rtcp_next;
  ReplayWindow rtp = context.rtp_replay(*slot);
  ReplayWindow rtcp = context.rtcp_replay(*slot);
  if (returning) {
    rtp.fill(known.rtp_next);
    rtcp.fill(known.rtcp_next);
  } else {
    rtp.clear();
    rtcp.clear();
  }
  return *slot;
}

}  // namespace sallyport::crypto
