// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. Replay window (RFC 3711 §3.3.2): which of the last `bits` indices were accepted. A view over
// somebody's words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sallyport::crypto {

inline constexpr std::uint32_t kMinReplayWindow = 64;
inline constexpr std::uint32_t kMaxReplayWindow = 32768;

[[nodiscard]] constexpr bool is_replay_window(std::uint32_t bits) {
  return bits >= kMinReplayWindow && bits <= kMaxReplayWindow && (bits & (bits - 1)) == 0;
}

enum class ReplayCheck : std::uint8_t { fresh, replayed, too_old };

/// Indices fall into blocks of 64, a word each. The block of the highest index stands in front, where packets
/// that come in order find it beside `next`; those before it stand in a ring behind, block b at b modulo
/// their number, so nothing ever shifts. `next` below is one more than the highest accepted index; 0 says
/// that none was. The caller keeps it.
class ReplayWindow {
 public:
  /// `words` holds bytes(`bits`) octets; `bits` satisfies is_replay_window().
  ReplayWindow(std::uint64_t* words, std::uint32_t bits) : newest_(words), ring_(words + 1), bits_(bits) {}

  /// The ring is full when the newest block is not: then it keeps the rest of the oldest one.
  [[nodiscard]] static constexpr std::size_t bytes(std::uint32_t bits) { return bits / 8 + kWord; }
  /// Of those, from the first on, what a packet touches that comes in order.
  [[nodiscard]] static constexpr std::size_t hot_bytes() { return kWord; }

  [[nodiscard]] ReplayCheck check(std::uint64_t next, std::uint64_t index) const {
    if (index >= next) return ReplayCheck::fresh;
    if (next - index > bits_) return ReplayCheck::too_old;
    return (word(next, index) & bit(index)) != 0 ? ReplayCheck::replayed : ReplayCheck::fresh;
  }

  /// Marks an index that check() found fresh, and gives the new `next`.
  [[nodiscard]] std::uint64_t commit(std::uint64_t next, std::uint64_t index) {
    if (index < next) {
      word(next, index) |= bit(index);
      return next;
    }
    if (next == 0)
      clear();
    else if (block(index) != block(next - 1))
      begin_block(block(next - 1), block(index));
    *newest_ |= bit(index);
    return index + 1;
  }

  /// Forgets everything: no index was accepted.
  void clear() { std::memset(newest_, 0, bytes(bits_)); }
  /// Takes every index below `next` for accepted: for a source that returns after its window was given away.
  void fill(std::uint64_t next) {
    std::memset(ring_, 0xff, bits_ / 8);
    *newest_ = next % 64 == 0 ? ~std::uint64_t{0} : bit(next) - 1;
  }

 private:
  static constexpr std::size_t kWord = sizeof(std::uint64_t);

  [[nodiscard]] static std::uint64_t block(std::uint64_t index) { return index / 64; }
  [[nodiscard]] static std::uint64_t bit(std::uint64_t index) { return std::uint64_t{1} << (index % 64); }
  [[nodiscard]] std::uint64_t& place(std::uint64_t of_block) const {
    return ring_[of_block & (bits_ / 64 - 1)];
  }
  [[nodiscard]] std::uint64_t& word(std::uint64_t next, std::uint64_t index) const {
    return block(index) == block(next - 1) ? *newest_ : place(block(index));
  }

  /// The block that was the newest goes to its place, and nothing was accepted of those that are skipped. The
  /// new one's place keeps the block that leaves the window as the new one fills.
  void begin_block(std::uint64_t before, std::uint64_t now) {
    place(before) = *newest_;
    const std::uint64_t skipped = now - before - 1;
    if (skipped >= bits_ / 64)
      std::memset(ring_, 0, bits_ / 8);
    else
      for (std::uint64_t at = before + 1; at < now; ++at) place(at) = 0;
    *newest_ = 0;
  }

  std::uint64_t* newest_;
  std::uint64_t* ring_;
  std::uint32_t bits_;
};

}  // namespace sallyport::crypto
