// SPDX-License-Identifier: GPL-3.0-or-later
// Pairs, halves and their merging.
#include "control/media/port_pool.h"

#include <cassert>
#include <random>
#include <utility>

namespace sallyport::control {

PortPool::PortPool(std::uint16_t first, std::uint16_t last, std::uint64_t seed) : first_(first) {
  assert(first % 2 == 0 && last % 2 == 1 && first < last);
  const std::size_t pairs = (static_cast<std::size_t>(last) - first + 1) / 2;
  used_.resize(pairs, 0);
  for (std::size_t i = 0; i < pairs; ++i) free_pairs_.push_back(static_cast<std::uint16_t>(first + 2 * i));
  std::mt19937_64 random(seed);
  for (std::size_t i = pairs; i > 1; --i)
    std::swap(free_pairs_[i - 1], free_pairs_[std::uniform_int_distribution<std::size_t>(0, i - 1)(random)]);
}

std::optional<std::uint16_t> PortPool::take_pair() {
  if (free_pairs_.empty()) return std::nullopt;
  const std::uint16_t port = free_pairs_.front();
  free_pairs_.pop_front();
  used_[pair_of(port)] = kWhole;
  in_use_ += 2;
  return port;
}

std::optional<std::uint16_t> PortPool::take_single() {
  while (!free_halves_.empty()) {
    const std::uint16_t port = free_halves_.front();
    free_halves_.pop_front();
    std::uint8_t& used = used_[pair_of(port)];
    // Only the partner of a half in use is still a free half; the others are stale.
    if (used == 0 || (used & half_of(port)) != 0) continue;
    used = kWhole;
    ++in_use_;
    return port;
  }
  if (free_pairs_.empty()) return std::nullopt;
  const std::uint16_t port = free_pairs_.front();
  free_pairs_.pop_front();
  used_[pair_of(port)] = kEven;
  free_halves_.push_back(static_cast<std::uint16_t>(port + 1));
  ++in_use_;
  return port;
}

void PortPool::release_pair(std::uint16_t even_port) {
  assert(used_[pair_of(even_port)] == kWhole);
  used_[pair_of(even_port)] = 0;
  free_pairs_.push_back(even_port);
  in_use_ -= 2;
}

void PortPool::release_single(std::uint16_t port) {
  std::uint8_t& used = used_[pair_of(port)];
  assert((used & half_of(port)) != 0);
  used = static_cast<std::uint8_t>(used & ~half_of(port));
  --in_use_;
  if (used == 0)
    free_pairs_.push_back(static_cast<std::uint16_t>(port & ~1U));
  else
    free_halves_.push_back(port);
}

}  // namespace sallyport::control
