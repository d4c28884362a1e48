// SPDX-License-Identifier: GPL-3.0-or-later
// KeyedHash: SipHash with 128 bits out, so that nobody without the key can aim entries at one bucket.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace sallyport {

/// Random bits, drawn once by whoever owns a table.
struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// Under a secret key 128 bits are as good as what was hashed: two inputs that meet are not to be found.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
};

/// SipHash (Aumasson and Bernstein, 2012) over pieces. Tables use 1-3 rounds, as several languages' tables
/// do; the published vectors are for 2-4.
template <int kCompressionRounds = 1, int kFinalRounds = 3>
class KeyedHash {
 public:
  explicit constexpr KeyedHash(HashKey key)
      : v0_(key.low ^ 0x736f6d6570736575),
        v1_(key.high ^ 0x646f72616e646f6d ^ 0xee),
        v2_(key.low ^ 0x6c7967656e657261),
        v3_(key.high ^ 0x7465646279746573) {}

  /// Octets as they are, without a mark where they end.
  constexpr KeyedHash& octets(std::string_view piece) {
    while (piece.size() >= 8) {
      put(load(piece), 8);
      piece.remove_prefix(8);
    }
    put(load(piece), static_cast<unsigned>(piece.size()));
    return *this;
  }
  /// A piece that no other division of the same octets equals: its length goes in behind it.
  constexpr KeyedHash& text(std::string_view piece) { return octets(piece).number(piece.size()); }
  /// The same with ASCII letters folded, for what SIP compares without case.
  constexpr KeyedHash& folded_text(std::string_view piece) {
    const std::size_t size = piece.size();
    while (piece.size() >= 8) {
      put(folded(load(piece)), 8);
      piece.remove_prefix(8);
    }
    put(folded(load(piece)), static_cast<unsigned>(piece.size()));
    return number(size);
  }
  constexpr KeyedHash& number(std::uint64_t value) {
    put(value, 8);
    return *this;
  }

  /// Ends the hash; nothing may be added afterwards.
  [[nodiscard]] constexpr Hash128 finish() {
    compress(word_ | length_ << 56);
    v2_ ^= 0xee;
    for (int i = 0; i < kFinalRounds; ++i) round();
    Hash128 hash;
    hash.low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    for (int i = 0; i < kFinalRounds; ++i) round();
    hash.high = v0_ ^ v1_ ^ v2_ ^ v3_;
    return hash;
  }

 private:
  /// Up to eight octets, the first in the lowest place.
  [[nodiscard]] static constexpr std::uint64_t load(std::string_view piece) {
    static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");
    std::uint64_t word = 0;
    if (!std::is_constant_evaluated()) {
      if (piece.size() >= 8) {
        std::memcpy(&word, piece.data(), 8);
        return word;
      }
    }
    for (std::size_t i = 0; i < piece.size() && i < 8; ++i)
      word |= std::uint64_t{static_cast<std::uint8_t>(piece[i])} << (8 * i);
    return word;
  }
  /// Every octet from A to Z becomes its small letter, all eight at once.
  [[nodiscard]] static constexpr std::uint64_t folded(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const std::uint64_t low = word & (0x7f * kOnes);
    const std::uint64_t from_a = low + (0x80 - 'A') * kOnes;
    const std::uint64_t past_z = low + (0x80 - 'Z' - 1) * kOnes;
    return word | (((from_a & ~past_z & ~word) & (0x80 * kOnes)) >> 2);
  }
  /// The lowest `count` octets of `value`; the others are zero.
  constexpr void put(std::uint64_t value, unsigned count) {
    const auto filled = static_cast<unsigned>(length_ % 8);
    word_ |= value << (8 * filled);
    length_ += count;
    if (filled + count < 8) return;
    compress(word_);
    word_ = filled == 0 ? 0 : value >> (8 * (8 - filled));
  }
  constexpr void compress(std::uint64_t word) {
    v3_ ^= word;
    for (int i = 0; i < kCompressionRounds; ++i) round();
    v0_ ^= word;
  }
  constexpr void round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
  std::uint64_t word_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace sallyport
