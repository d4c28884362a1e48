// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. RFC 9143 §9.2: which medium of a shared transport a packet is for. Only accepted packets come here.
#include <algorithm>

#include "dataplane/burst.h"
#include "dataplane/rtcp.h"
#include "dataplane/rtp_extension.h"

namespace sallyport::dataplane {

namespace {

constexpr std::size_t kWord = 4;

/// RFC 3550 §A.1 in short: in the half of the number space that follows.
constexpr bool is_newer(std::uint16_t sequence, std::uint16_t than) {
  const auto ahead = static_cast<std::uint16_t>(sequence - than);
  return ahead != 0 && ahead < 0x8000;
}

/// RFC 4585 §6.1, RFC 5104: SSRCs that a feedback message is about, its media source apart.
struct FeedbackTargets {
  std::size_t first = 0;   ///< octet where the first stands
  std::size_t stride = 0;  ///< octets from one to the next; 0: the message names none
};

FeedbackTargets targets_of(const RtcpPacket& packet) {
  constexpr std::size_t kControlInformation = 12;
  constexpr std::uint8_t kTmmbr = 3, kTmmbn = 4, kFir = 4, kApplication = 15;
  constexpr std::uint32_t kRemb = 0x52454d42;
  constexpr std::size_t kRembTargets = 20;
  if (packet.type == kRtcpTransportFeedback && (packet.count == kTmmbr || packet.count == kTmmbn))
    return {kControlInformation, 2 * kWord};
  if (packet.type != kRtcpPayloadFeedback) return {};
  if (packet.count == kFir) return {kControlInformation, 2 * kWord};
  const bool remb = packet.count == kApplication && packet.octets.size() >= kRembTargets &&
                    load_be32(packet.octets.data() + kControlInformation) == kRemb;
  return remb ? FeedbackTargets{kRembTargets, kWord} : FeedbackTargets{};
}

}  // namespace

SsrcTable::Source* SsrcTable::find(std::uint32_t ssrc) {
  for (std::size_t i = 0; i < size_; ++i)
    if (sources_[i].ssrc == ssrc) return &sources_[i];
  return nullptr;
}

SsrcTable::Source& SsrcTable::entry(std::uint32_t ssrc, Counter& displaced) {
  if (Source* known = find(ssrc)) return *known;
  Source* free = nullptr;
  if (size_ < sources_.size()) {
    free = &sources_[size_++];
  } else {
    free = &*std::ranges::min_element(sources_, {}, &Source::used);
    displaced.add();
  }
  *free = {.ssrc = ssrc};
  return *free;
}

Flow* Bundle::route(const PacketView& view, std::uint64_t tsc, Counter& displaced) {
  const BundleSlot slot =
      view.component == Component::rtp ? slot_of_rtp(view, tsc, displaced) : slot_of_rtcp(view);
  return slot == kNoSlot ? nullptr : members_[slot];
}

void Bundle::note_sent(BundleSlot slot, std::uint32_t ssrc, std::uint64_t tsc, Counter& displaced) {
  SsrcTable::Source& source = sent_.entry(ssrc, displaced);
  source.used = tsc;
  source.slot = slot;
}

BundleSlot Bundle::slot_of_rtp(const PacketView& view, std::uint64_t tsc, Counter& displaced) {
  // Teaches nothing: who joins later may say more.
  if (is_unmarked_) return 0;
  const std::uint32_t ssrc = view.rtp.ssrc;
  SsrcTable::Source* known = received_.find(ssrc);
  const auto mid =
      mid_extension_ == 0 ? std::nullopt : find_extension(view.octets(), view.rtp, mid_extension_);
  if (mid) {
    const BundleSlot named = slot_named(*mid);
    // One that was overtaken tells where it belongs, and nothing of the SSRC (RFC 7941 §4.2.6).
    if (known != nullptr && known->by_mid && !is_newer(view.rtp.sequence, known->sequence)) return named;
    if (known == nullptr) known = &received_.entry(ssrc, displaced);
    // A MID that is nobody's is remembered too: the stream is not decoded, whatever else one could go by.
    *known = {tsc, ssrc, view.rtp.sequence, named, true};
    return named;
  }
  const BundleSlot slot = known != nullptr ? known->slot : by_payload_[view.payload[1] & 0x7fu];
  if (slot == kNoSlot) return kNoSlot;
  if (known == nullptr) known = &received_.entry(ssrc, displaced);
  known->used = tsc;
  known->slot = slot;
  return slot;
}

/// A compound is one datagram, which cannot be cut without being made anew: it goes where its most particular
/// part belongs, and to the carrier if nothing says where.
BundleSlot Bundle::slot_of_rtcp(const PacketView& view) {
  if (const BundleSlot slot = slot_of_feedback(view.octets()); slot != kNoSlot) return slot;
  const SsrcTable::Source* sender = received_.find(view.rtp.ssrc);
  if (sender != nullptr && sender->slot != kNoSlot) return sender->slot;
  if (const BundleSlot slot = slot_of_reports(view.octets()); slot != kNoSlot) return slot;
  return 0;
}

BundleSlot Bundle::slot_of_feedback(std::span<const std::uint8_t> compound) {
  constexpr std::size_t kMediaSource = 8;
  for (RtcpPacket packet; take_rtcp(compound, packet);) {
    if (packet.type != kRtcpTransportFeedback && packet.type != kRtcpPayloadFeedback) continue;
    const auto octets = packet.octets;
    if (octets.size() < kMediaSource + kWord) continue;
    const BundleSlot slot = slot_sent(load_be32(octets.data() + kMediaSource));
    if (slot != kNoSlot) return slot;
    const auto [first, stride] = targets_of(packet);
    for (std::size_t at = first; stride != 0 && at + kWord <= octets.size(); at += stride)
      if (const BundleSlot named = slot_sent(load_be32(octets.data() + at)); named != kNoSlot) return named;
  }
  return kNoSlot;
}

/// RFC 3550 §6.4: whom the blocks of sender and receiver reports are about.
BundleSlot Bundle::slot_of_reports(std::span<const std::uint8_t> compound) {
  constexpr std::size_t kSenderHeader = 28, kReceiverHeader = 8, kBlock = 24;
  for (RtcpPacket packet; take_rtcp(compound, packet);) {
    if (packet.type != kRtcpSenderReport && packet.type != kRtcpReceiverReport) continue;
    std::size_t at = packet.type == kRtcpSenderReport ? kSenderHeader : kReceiverHeader;
    for (std::size_t i = 0; i < packet.count && at + kBlock <= packet.octets.size(); ++i, at += kBlock)
      if (const BundleSlot slot = slot_sent(load_be32(packet.octets.data() + at)); slot != kNoSlot)
        return slot;
  }
  return kNoSlot;
}

BundleSlot Bundle::slot_sent(std::uint32_t ssrc) {
  const SsrcTable::Source* source = sent_.find(ssrc);
  return source == nullptr ? kNoSlot : source->slot;
}

BundleSlot Bundle::slot_named(std::span<const std::uint8_t> mid) const {
  for (BundleSlot slot = 0; slot < members_.size(); ++slot)
    if (members_[slot] != nullptr && members_[slot]->medium->is_named(mid)) return slot;
  return kNoSlot;
}

bool BundleMedium::is_named(std::span<const std::uint8_t> name) const {
  return !name.empty() && std::ranges::equal(std::span(mid).first(mid_length), name);
}

void Bundle::align() const {
  const Flow& leads = *members_[0]->reverse;
  for (std::size_t slot = 1; slot < members_.size(); ++slot) {
    if (members_[slot] == nullptr) continue;
    Flow& follows = *members_[slot]->reverse;
    follows.outbound = leads.outbound;
    follows.outbound_hot_lines = leads.outbound_hot_lines;
    follows.outbound_rtcp = leads.outbound_rtcp;
    for (std::size_t i = 0; i < kComponents; ++i) follows.headers[i].follow(leads.headers[i]);
    follows.publish();
  }
}

}  // namespace sallyport::dataplane
