// SPDX-License-Identifier: GPL-3.0-or-later
// Set-up. Who belongs to a bundle. Runs on the worker's thread, between packets; what is allocated here was
// allocated by control.
#include <algorithm>
#include <iterator>
#include <utility>

#include "dataplane/bundle_state.h"
#include "dataplane/flow_state.h"

namespace sallyport::dataplane {

BundleMedium::BundleMedium(const BundleRules& rules)
    : mid_extension(rules.mid_extension), payloads(rules.payloads) {
  // What is longer was refused before; here it names nobody.
  if (rules.mid.size() <= kMaxMidLength) {
    mid_length = static_cast<std::uint8_t>(rules.mid.size());
    std::ranges::copy(rules.mid, mid.begin());
  }
  ssrc_count = static_cast<std::uint8_t>(std::min(rules.ssrcs.size(), kMaxSignalledSsrcs));
  std::copy_n(rules.ssrcs.begin(), ssrc_count, ssrcs.begin());
}

void SsrcTable::forget(BundleSlot slot) {
  const auto end = sources_.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto kept = std::remove_if(sources_.begin(), end, [&](const Source& s) { return s.slot == slot; });
  size_ = static_cast<std::size_t>(kept - sources_.begin());
}

void Bundle::begin(Flow& carrier, std::uint64_t tsc, Counter& displaced) {
  members_[0] = &carrier;
  carrier.shared = this;
  carrier.slot = 0;
  rebuild();
  learn_signalled(carrier, tsc, displaced);
}

bool Bundle::has_room() const {
  return std::ranges::find(members_, nullptr) != members_.end();
}

void Bundle::join(Flow& flow, std::uint64_t tsc, Counter& displaced) {
  const auto place = std::ranges::find(members_, nullptr);
  if (place == members_.end()) return;
  *place = &flow;
  flow.shared = this;
  flow.slot = static_cast<BundleSlot>(place - members_.begin());
  rebuild();
  learn_signalled(flow, tsc, displaced);
}

void Bundle::exchange(Flow& before, Flow& flow, std::uint64_t tsc, Counter& displaced) {
  members_[before.slot] = &flow;
  flow.shared = this;
  flow.slot = before.slot;
  before.shared = nullptr;
  close_departure(*before.reverse);
  rebuild();
  learn_signalled(flow, tsc, displaced);
}

void Bundle::take_over(Bundle& before) {
  received_ = before.received_;
  sent_ = before.sent_;
  for (std::size_t slot = 1; slot < members_.size(); ++slot) {
    members_[slot] = std::exchange(before.members_[slot], nullptr);
    if (members_[slot] != nullptr) members_[slot]->shared = this;
  }
}

void Bundle::leave(Flow& flow) {
  members_[flow.slot] = nullptr;
  received_.forget(flow.slot);
  sent_.forget(flow.slot);
  flow.shared = nullptr;
  close_departure(*flow.reverse);
  rebuild();
}

void Bundle::dissolve() {
  for (std::size_t slot = 1; slot < members_.size(); ++slot)
    if (members_[slot] != nullptr) leave(*members_[slot]);
  members_[0]->shared = nullptr;
}

void Bundle::learn_signalled(const Flow& flow, std::uint64_t tsc, Counter& displaced) {
  for (const std::uint32_t ssrc : std::span(flow.medium->ssrcs).first(flow.medium->ssrc_count)) {
    SsrcTable::Source& source = received_.entry(ssrc, displaced);
    // What packets have said by their MID is newer than any description.
    if (source.by_mid) continue;
    source.used = tsc;
    source.slot = flow.slot;
  }
}

void Bundle::rebuild() {
  received_.forget(kNoSlot);  // whose MID was nobody's may be somebody's now
  by_payload_.fill(kNoSlot);
  mid_extension_ = 0;
  const bool alone = std::ranges::count(members_, nullptr) + 1 == std::ssize(members_);
  is_unmarked_ = alone && members_[0] != nullptr && members_[0]->medium->says_nothing();
  std::bitset<128> claimed;
  for (BundleSlot slot = 0; slot < members_.size(); ++slot) {
    if (members_[slot] == nullptr) continue;
    const BundleMedium& medium = *members_[slot]->medium;
    // RFC 8285 §6: within a bundle an extension has one ID.
    if (mid_extension_ == 0) mid_extension_ = medium.mid_extension;
    for (std::size_t type = 0; type < by_payload_.size(); ++type) {
      if (!medium.payloads[type]) continue;
      by_payload_[type] = claimed[type] ? kNoSlot : slot;
      claimed[type] = true;
    }
  }
}

void close_departure(Flow& flow) {
  flow.outbound = nullptr;
  flow.outbound_hot_lines = 0;
  flow.outbound_rtcp = nullptr;
  for (HeaderTemplate& headers : flow.headers) headers.lose_target();
  flow.publish();
}

}  // namespace sallyport::dataplane
