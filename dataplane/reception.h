// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. What RFC 3550 makes a receiver know of a stream: highest sequence number, loss, jitter, order,
// duplicates.
#pragma once

#include <cstdint>

#include "dataplane/counters.h"
#include "dataplane/rtp.h"

namespace sallyport::dataplane {

/// Turns TSC cycles into RTP timestamp units without dividing.
class MediaClock {
 public:
  MediaClock() = default;
  MediaClock(std::uint32_t clock_rate, std::uint64_t tsc_hz)
      : factor_(static_cast<std::uint64_t>((Wide{clock_rate} << kShift) / tsc_hz)) {}
  [[nodiscard]] std::uint32_t units(std::uint64_t tsc) const {
    return static_cast<std::uint32_t>((Wide{tsc} * factor_) >> kShift);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr unsigned kShift = 48;
  std::uint64_t factor_ = 0;
};

/// State behind the counters of one flow's RTP. Fed only with packets that were accepted.
class alignas(64) Reception {
 public:
  explicit Reception(MediaClock clock = {}) : clock_(clock) {}

  /// True: its SSRC is another one than that of the packet before.
  bool packet(const RtpHeader& header, std::uint64_t tsc, FlowCounters& counters) {
    if (!started_ || header.ssrc != counters.ssrc.get()) {
      begin(header, tsc, counters);
      return true;
    }
    count_sequence(header.sequence, counters);
    count_jitter(header.timestamp, tsc, counters);
    return false;
  }

 private:
  static constexpr std::uint16_t kMaxDropout = 3000;  // RFC 3550 §A.1
  static constexpr std::uint16_t kMaxMisorder = 100;
  static constexpr unsigned kSeenBits = 64;

  void begin(const RtpHeader& header, std::uint64_t tsc, FlowCounters& counters) {
    if (started_) counters.ssrc_changes.add();
    started_ = true;
    counters.ssrc.set(header.ssrc);
    restart_at(header.sequence, counters);
    transit_ = clock_.units(tsc) - header.timestamp;
  }

  void restart_at(std::uint16_t sequence, FlowCounters& counters) {
    expected_before_ = counters.expected.get();
    base_ = highest_ = sequence;
    seen_ = 1;
    counters.expected.set(expected_before_ + 1);
  }

  void count_sequence(std::uint16_t sequence, FlowCounters& counters) {
    const auto ahead = static_cast<std::uint16_t>(sequence - highest_);
    if (ahead == 0) return counters.duplicates.add();
    if (ahead < kMaxDropout) {
      seen_ = ahead < kSeenBits ? seen_ << ahead | 1 : 1;
      highest_ += ahead;
      return counters.expected.set(expected_before_ + (highest_ - base_) + 1);
    }
    const auto behind = static_cast<std::uint16_t>(highest_ - sequence);
    if (behind > kMaxMisorder) return restart_at(sequence, counters);
    if (behind < kSeenBits && (seen_ >> behind & 1) != 0) return counters.duplicates.add();
    if (behind < kSeenBits) seen_ |= std::uint64_t{1} << behind;
    counters.out_of_order.add();
  }

  /// RFC 3550 §A.8, in sixteenths of a timestamp unit.
  void count_jitter(std::uint32_t timestamp, std::uint64_t tsc, FlowCounters& counters) {
    const std::uint32_t transit = clock_.units(tsc) - timestamp;
    const auto difference = static_cast<std::int32_t>(transit - transit_);
    transit_ = transit;
    const std::uint32_t size =
        difference < 0 ? 0u - static_cast<std::uint32_t>(difference) : static_cast<std::uint32_t>(difference);
    const std::uint32_t jitter = counters.jitter.get();
    counters.jitter.set(jitter + size - ((jitter + 8) >> 4));
  }

  MediaClock clock_;
  std::uint64_t expected_before_ = 0;  // of earlier SSRCs
  std::uint64_t base_ = 0;             // extended sequence numbers: cycles and number
  std::uint64_t highest_ = 0;
  std::uint64_t seen_ = 0;  // bit n: highest - n was received
  std::uint32_t transit_ = 0;
  bool started_ = false;
};

}  // namespace sallyport::dataplane
