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

/// Index i has the bit at i modulo `bits`, so nothing ever shifts: moving on clears the places that were
/// skipped. `next` below is one more than the highest accepted index; 0 says that none was. The caller keeps
/// it.
class ReplayWindow {
 public:
  /// `words` holds `bits` / 64 words; `bits` satisfies is_replay_window().
  ReplayWindow(std::uint64_t* words, std::uint32_t bits) : words_(words), bits_(bits) {}

  [[nodiscard]] static constexpr std::size_t bytes(std::uint32_t bits) { return bits / 8; }

  [[nodiscard]] ReplayCheck check(std::uint64_t next, std::uint64_t index) const {
    if (index >= next) return ReplayCheck::fresh;
    if (next - index > bits_) return ReplayCheck::too_old;
    return (word(index) & bit(index)) != 0 ? ReplayCheck::replayed : ReplayCheck::fresh;
  }

  /// Marks an index that check() found fresh, and gives the new `next`.
  [[nodiscard]] std::uint64_t commit(std::uint64_t next, std::uint64_t index) {
    if (index > next) skip(next, index);
    word(index) |= bit(index);
    return index >= next ? index + 1 : next;
  }

  /// Forgets everything: no index was accepted.
  void clear() { std::memset(words_, 0, bytes(bits_)); }
  /// Takes every index below `next` for accepted: for a source that returns after its window was given away.
  void fill() { std::memset(words_, 0xff, bytes(bits_)); }

 private:
  [[nodiscard]] std::uint64_t& word(std::uint64_t index) const { return words_[(index & (bits_ - 1)) / 64]; }
  [[nodiscard]] static std::uint64_t bit(std::uint64_t index) { return std::uint64_t{1} << (index % 64); }

  void skip(std::uint64_t next, std::uint64_t index) {
    if (index - next >= bits_) return clear();
    while (next < index) {
      const bool whole_word = next % 64 == 0 && index - next >= 64;
      word(next) &= whole_word ? 0 : ~bit(next);
      next += whole_word ? 64 : 1;
    }
  }

  std::uint64_t* words_;
  std::uint32_t bits_;
};

}  // namespace sallyport::crypto
