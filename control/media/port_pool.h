// SPDX-License-Identifier: GPL-3.0-or-later
// PortPool: the UDP ports of one media address, handed out in an order that cannot be guessed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace sallyport::control {

/// Ports are given as even/odd pairs (RTP and RTCP, RFC 3550 §11) or one by one (muxed, RFC 5761). What is
/// released goes to the back of the queue, so that late packets of an ended stream find no new one for as
/// long as possible.
class PortPool {
 public:
  /// Ports from the even `first` to the odd `last`, shuffled by `seed`.
  PortPool(std::uint16_t first, std::uint16_t last, std::uint64_t seed);

  /// The even port of a free pair, or nothing when there is none.
  [[nodiscard]] std::optional<std::uint16_t> take_pair();
  /// One port, even or odd; pairs are split only when no half is left.
  [[nodiscard]] std::optional<std::uint16_t> take_single();
  void release_pair(std::uint16_t even_port);
  void release_single(std::uint16_t port);

  [[nodiscard]] std::size_t capacity() const { return 2 * used_.size(); }
  [[nodiscard]] std::size_t ports_in_use() const { return in_use_; }
  [[nodiscard]] std::size_t ports_free() const { return capacity() - in_use_; }

 private:
  static constexpr std::uint8_t kEven = 1, kOdd = 2, kWhole = kEven | kOdd;

  [[nodiscard]] std::size_t pair_of(std::uint16_t port) const { return (port - first_) / 2U; }
  [[nodiscard]] static std::uint8_t half_of(std::uint16_t port) { return port % 2 == 0 ? kEven : kOdd; }

  std::uint16_t first_;
  std::vector<std::uint8_t> used_;        ///< halves in use, a pair an entry
  std::deque<std::uint16_t> free_pairs_;  ///< even ports
  std::deque<std::uint16_t>
      free_halves_;  ///< may name halves that were merged or taken since; checked when taken
  std::size_t in_use_ = 0;
};

}  // namespace sallyport::control
