// SPDX-License-Identifier: GPL-3.0-or-later
// KeyedHash: SipHash with 128 bits out, so that nobody without the key can aim entries at one bucket.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

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
    for (const char octet : piece) put(static_cast<std::uint8_t>(octet));
    return *this;
  }
  /// A piece that no other division of the same octets equals: its length goes in behind it.
  constexpr KeyedHash& text(std::string_view piece) {
    octets(piece);
    return number(piece.size());
  }
  /// The same with ASCII letters folded, for what SIP compares without case.
  constexpr KeyedHash& folded_text(std::string_view piece) {
    for (const char octet : piece)
      put(static_cast<std::uint8_t>(octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet));
    return number(piece.size());
  }
  constexpr KeyedHash& number(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) put(static_cast<std::uint8_t>(value >> shift));
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
  constexpr void put(std::uint8_t octet) {
    word_ |= std::uint64_t{octet} << (8 * (length_ % 8));
    ++length_;
    if (length_ % 8 != 0) return;
    compress(word_);
    word_ = 0;
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
