// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Bundle: the media that share one port, and what tells their packets apart. It belongs to the flow that
// receives at the port, the carrier; the flows that joined it have neither port nor keys of their own.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/bundle.h"
#include "dataplane/counters.h"

namespace sallyport::dataplane {

struct Flow;
struct PacketView;

/// BundleRules without memory of their own to follow.
struct BundleMedium {
  explicit BundleMedium(const BundleRules& rules);

  [[nodiscard]] bool is_named(std::span<const std::uint8_t> name) const;
  [[nodiscard]] bool says_nothing() const { return mid_length == 0 && ssrc_count == 0 && payloads.none(); }

  std::array<std::uint8_t, kMaxMidLength> mid{};
  std::uint8_t mid_length = 0;
  std::uint8_t mid_extension = 0;
  std::uint8_t ssrc_count = 0;
  std::array<std::uint32_t, kMaxSignalledSsrcs> ssrcs{};
  std::bitset<128> payloads;
};

/// A member's place in its bundle. The carrier's is 0.
using BundleSlot = std::uint8_t;
inline constexpr BundleSlot kNoSlot = 0xff;

/// Which member an SSRC belongs to. Fed with verified packets and with what signalling says.
class SsrcTable {
 public:
  struct Source {
    std::uint64_t used = 0;  ///< TSC of its last packet
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;  ///< of the packet whose MID decided
    BundleSlot slot = kNoSlot;
    bool by_mid = false;
  };

  /// Null: unknown.
  [[nodiscard]] Source* find(std::uint32_t ssrc);
  /// The SSRC's entry; a new one is free or that of the SSRC that was silent longest, which is counted.
  [[nodiscard]] Source& entry(std::uint32_t ssrc, Counter& displaced);
  /// A member has gone.
  void forget(BundleSlot slot);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::array<Source, kMaxBundleSsrcs> sources_{};
  std::size_t size_ = 0;
};

class Bundle {
 public:
  // By the packet path (bundle_route.cc).

  /// Whose an accepted packet is; null: nobody's. What MID or payload type decide is remembered by SSRC.
  [[nodiscard]] Flow* route(const PacketView& view, std::uint64_t tsc, Counter& displaced);
  /// Another SSRC is sent to the peer for a member: feedback that names it is that member's.
  void note_sent(BundleSlot slot, std::uint32_t ssrc, std::uint64_t tsc, Counter& displaced);
  /// What leaves for the members that joined leaves by the carrier's stream, to its target.
  void align() const;

  // By orders of control, between packets (bundle_members.cc).

  /// Begins with its carrier.
  void begin(Flow& carrier, std::uint64_t tsc, Counter& displaced);
  [[nodiscard]] bool has_room() const;
  /// Takes a flow in, if there is room; align() is to follow once it has its reverse.
  void join(Flow& flow, std::uint64_t tsc, Counter& displaced);
  /// `flow` takes the place of `before`, a member, and what was learned for it.
  void exchange(Flow& before, Flow& flow, std::uint64_t tsc, Counter& displaced);
  /// `before` was the carrier's bundle until now: who joined it is here now, with all that was learned.
  void take_over(Bundle& before);
  /// The flow that leaves by the bundle for this one is closed.
  void leave(Flow& flow);
  /// The carrier goes: who joined stays without a transport, and sends nothing.
  void dissolve();

 private:
  [[nodiscard]] BundleSlot slot_of_rtp(const PacketView& view, std::uint64_t tsc, Counter& displaced);
  [[nodiscard]] BundleSlot slot_of_rtcp(const PacketView& view);
  [[nodiscard]] BundleSlot slot_of_feedback(std::span<const std::uint8_t> compound);
  [[nodiscard]] BundleSlot slot_of_reports(std::span<const std::uint8_t> compound);
  [[nodiscard]] BundleSlot slot_sent(std::uint32_t ssrc);
  [[nodiscard]] BundleSlot slot_named(std::span<const std::uint8_t> mid) const;
  void learn_signalled(const Flow& flow, std::uint64_t tsc, Counter& displaced);
  void rebuild();

  std::array<Flow*, kMaxBundleMembers> members_{};
  std::array<BundleSlot, 128> by_payload_{};  ///< kNoSlot: nobody's, or of more than one
  std::uint8_t mid_extension_ = 0;
  bool is_unmarked_ = false;  ///< the carrier's medium is alone, and nothing is said of its packets
  SsrcTable received_;
  SsrcTable sent_;
};

/// Nothing leaves by this flow until its bundle is there: no key, and no target.
void close_departure(Flow& flow);

}  // namespace sallyport::dataplane
