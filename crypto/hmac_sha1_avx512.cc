// SPDX-License-Identifier: GPL-3.0-or-later
// Hot. HMAC-SHA1 of sixteen packets at once: each 32-bit lane of a 512-bit register is one packet's word.
//
// This file alone is compiled for AVX-512. Whatever it defines is local to it, and it calls no inline
// function that other files share: otherwise the linker could give them AVX-512 code.
#include "crypto/hmac_sha1_avx512.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include <immintrin.h>

#define SALLYPORT_INLINE [[gnu::always_inline]] inline

namespace sallyport::crypto {

namespace {

constexpr std::size_t kLanes = 16;
constexpr std::uint32_t kBlock = 64;     // octets of a block of SHA-1
constexpr std::uint32_t kLengthAt = 56;  // where a last block keeps the message's length
constexpr std::size_t kStateWords = 5;
constexpr std::size_t kBlockWords = 16;

/// The states of all lanes: register i holds word i of each.
struct State {
  __m512i h[kStateWords];
};

/// A block of each lane: register t holds word t of each.
struct Block {
  __m512i w[kBlockWords];
};

/// The same states or tags as plain words, which lanes are filled from and emptied to.
struct alignas(64) Columns {
  std::uint32_t word[kStateWords][kLanes];
};

SALLYPORT_INLINE __m512i splat(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}

SALLYPORT_INLINE __m512i swap_octets(__m512i words) {
  const __m512i order = _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
  return _mm512_shuffle_epi8(words, order);
}

// Loops over registers carry an unroll pragma: GCC 12 at -O2 otherwise keeps the registers in memory, which
// cost a fifth of the speed.

// ---- SHA-1 (FIPS 180-4 §6.1.2) -------------------------------------------------------------------------

/// f and K of a round, the function as a truth table for vpternlogd over (b, c, d).
constexpr int kFunctions[] = {0xca, 0x96, 0xe8, 0x96};  // choose, parity, majority, parity
constexpr std::uint32_t kConstants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
constexpr int kXor3 = 0x96;

/// Round kT. The five working variables do not move: each round they change roles instead.
template <int kT>
SALLYPORT_INLINE void round(State& s, Block& block) {
  __m512i& a = s.h[(80 - kT) % 5];
  __m512i& b = s.h[(81 - kT) % 5];
  __m512i& c = s.h[(82 - kT) % 5];
  __m512i& d = s.h[(83 - kT) % 5];
  __m512i& e = s.h[(84 - kT) % 5];
  __m512i& w = block.w[kT % 16];
  if constexpr (kT >= 16) {
    w = _mm512_ternarylogic_epi32(w, block.w[(kT - 3) % 16], block.w[(kT - 8) % 16], kXor3);
    w = _mm512_rol_epi32(_mm512_xor_si512(w, block.w[(kT - 14) % 16]), 1);
  }
  // vpternlogd overwrites its first operand: b is rotated into another register first, and no copy is made.
  const __m512i rotated = _mm512_rol_epi32(b, 30);
  constexpr int kFunction = kFunctions[kT / 20];
  const __m512i f = _mm512_ternarylogic_epi32(b, c, d, kFunction);
  e = _mm512_add_epi32(e, _mm512_add_epi32(w, splat(kConstants[kT / 20])));
  e = _mm512_add_epi32(_mm512_add_epi32(e, f), _mm512_rol_epi32(a, 5));
  b = rotated;
}

/// Cache lines that the caller wants soon, fetched a few at a time between rounds: all at once they would
/// fill the core's line buffers (a dozen) and it would stand still until they are there.
class Prefetches {
 public:
  SALLYPORT_INLINE void add(const void* base, std::uint32_t marked) {
    for (; marked != 0 && size_ < kMost; marked &= marked - 1)
      lines_[size_++] = static_cast<const char*>(base) + 64 * __builtin_ctz(marked);
  }
  /// After the last: whole steps are fetched, the last line again and again.
  SALLYPORT_INLINE void close() {
    for (std::size_t i = 0; i < kStep; ++i) lines_[size_ + i] = size_ == 0 ? nullptr : lines_[size_ - 1];
  }
  SALLYPORT_INLINE void some() {
    if (next_ >= size_) return;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kStep; ++i) __builtin_prefetch(lines_[next_ + i]);
    next_ += kStep;
  }

 private:
  static constexpr std::size_t kStep = 8;
  static constexpr std::size_t kMost = 12 * kLanes;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  const char* lines_[kMost + kStep];
};

template <int kFirst, int... kT>
SALLYPORT_INLINE void some_rounds(State& state, Block& block, std::integer_sequence<int, kT...>) {
  (round<kFirst + kT>(state, block), ...);
}

/// Adds a block to the states of the lanes in `lanes`; the others stay as they are. Calls `between` after
/// every sixteenth round.
SALLYPORT_INLINE void compress(State& state, Block& block, __mmask16 lanes, auto between) {
  State working = state;
  constexpr auto kPart = std::make_integer_sequence<int, 16>();
  some_rounds<0>(working, block, kPart);
  between();
  some_rounds<16>(working, block, kPart);
  between();
  some_rounds<32>(working, block, kPart);
  between();
  some_rounds<48>(working, block, kPart);
  between();
  some_rounds<64>(working, block, kPart);
  between();
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kStateWords; ++i)
    state.h[i] = _mm512_mask_add_epi32(state.h[i], lanes, state.h[i], working.h[i]);
}

// ---- Lanes ---------------------------------------------------------------------------------------------

/// Sixteen times 64 octets, one lane's block each, become sixteen words of all lanes.
SALLYPORT_INLINE Block transpose(const std::uint8_t* const* rows) {
  __m512i r[kLanes];
  __m512i t[kLanes];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) r[i] = _mm512_loadu_si512(rows[i]);
    // Within each quarter of 128 bits: 4x4 words. t[4i+k] then holds words k, 4+k, 8+k, 12+k of lanes
    // 4i..4i+3.
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; i += 4) {
    const __m512i low01 = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    const __m512i high01 = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    const __m512i low23 = _mm512_unpacklo_epi32(r[i + 2], r[i + 3]);
    const __m512i high23 = _mm512_unpackhi_epi32(r[i + 2], r[i + 3]);
    t[i] = _mm512_unpacklo_epi64(low01, low23);
    t[i + 1] = _mm512_unpackhi_epi64(low01, low23);
    t[i + 2] = _mm512_unpacklo_epi64(high01, high23);
    t[i + 3] = _mm512_unpackhi_epi64(high01, high23);
  }
  // And 4x4 quarters.
  Block block;
#pragma GCC unroll 16
  for (std::size_t k = 0; k < 4; ++k) {
    const __m512i even_low = _mm512_shuffle_i32x4(t[k], t[4 + k], 0x88);
    const __m512i odd_low = _mm512_shuffle_i32x4(t[k], t[4 + k], 0xdd);
    const __m512i even_high = _mm512_shuffle_i32x4(t[8 + k], t[12 + k], 0x88);
    const __m512i odd_high = _mm512_shuffle_i32x4(t[8 + k], t[12 + k], 0xdd);
    block.w[k] = swap_octets(_mm512_shuffle_i32x4(even_low, even_high, 0x88));
    block.w[4 + k] = swap_octets(_mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
    block.w[8 + k] = swap_octets(_mm512_shuffle_i32x4(even_low, even_high, 0xdd));
    block.w[12 + k] = swap_octets(_mm512_shuffle_i32x4(odd_low, odd_high, 0xdd));
  }
  return block;
}

SALLYPORT_INLINE State load_states(const Columns& columns) {
  State state;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kStateWords; ++i) state.h[i] = _mm512_load_si512(columns.word[i]);
  return state;
}

SALLYPORT_INLINE void set_lane(Columns& columns, std::size_t lane, const std::uint8_t* state) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kStateWords; ++i) std::memcpy(&columns.word[i][lane], state + 4 * i, 4);
}

/// Sixteen messages, cut into blocks. The last octets of each stand in `tails`, padded but for the length.
struct alignas(64) Group {
  std::uint8_t tails[kLanes][2 * kBlock];
  std::uint32_t whole[kLanes];   ///< blocks that lie in the message itself
  std::uint32_t blocks[kLanes];  ///< with those of the tail; 0: no message here
  std::uint32_t bits[kLanes];    ///< what the last block ends with: the length including the pad's block
  const std::uint8_t* data[kLanes];
  std::uint32_t most_blocks;
  Columns inner;
  Columns outer;

  /// Lane by lane: the same places of all lanes are written, used or not.
  SALLYPORT_INLINE void set(std::size_t lane, const HmacSha1Job& job) {
    const std::uint32_t rest = job.length % kBlock;
    const std::uint8_t* const end = job.data + (job.length - rest);
    // Masked octets are not read: the message may end where its page does.
    const __mmask64 octets = (std::uint64_t{1} << rest) - 1;
    _mm512_store_si512(tails[lane], _mm512_maskz_loadu_epi8(octets, end));
    _mm512_store_si512(tails[lane] + kBlock, _mm512_setzero_si512());
    tails[lane][rest] = 0x80;
    data[lane] = job.data;
    whole[lane] = job.length / kBlock;
    blocks[lane] = whole[lane] + (rest < kLengthAt ? 1 : 2);
    bits[lane] = (job.length + kBlock) * 8;
    most_blocks = blocks[lane] > most_blocks ? blocks[lane] : most_blocks;
    set_lane(inner, lane, job.inner);
    set_lane(outer, lane, job.outer);
  }

  /// A lane without a message computes on zeros, and nobody looks.
  SALLYPORT_INLINE void clear(std::size_t lane) {
    static constexpr std::uint8_t kZeros[kStateWords * 4] = {};
    set(lane, {.data = kZeros, .length = 0, .inner = kZeros, .outer = kZeros, .tag = nullptr});
    blocks[lane] = 0;
  }

  /// Where each lane's block number `index` lies; a lane that is through stays at the end of its tail.
  SALLYPORT_INLINE void find_rows(const std::uint8_t* (&rows)[kLanes], std::uint32_t index) const {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::uint8_t* const tail = tails[lane] + (index > whole[lane] ? kBlock : 0);
      rows[lane] = index < whole[lane] ? data[lane] + std::size_t{index} * kBlock : tail;
    }
  }
};

/// The prefetches stand here alone, not in hash_outer() too: the rounds, unrolled twice, hardly fit into the
/// core's cache of decoded instructions.
SALLYPORT_INLINE State hash_inner(const Group& group, Prefetches& ahead) {
  State state = load_states(group.inner);
  const __m512i blocks = _mm512_load_si512(group.blocks);
  const __m512i bits = _mm512_load_si512(group.bits);
  for (std::uint32_t index = 0; index < group.most_blocks; ++index) {
    const std::uint8_t* rows[kLanes];
    group.find_rows(rows, index);
    Block block = transpose(rows);
    const __mmask16 last = _mm512_cmpeq_epu32_mask(blocks, splat(index + 1));
    const __mmask16 busy = _mm512_cmpgt_epu32_mask(blocks, splat(index));
    // The length has 64 bits; those of a packet fit into the last 32.
    block.w[15] = _mm512_mask_or_epi32(block.w[15], last, block.w[15], bits);
    compress(state, block, busy, [&ahead] { ahead.some(); });
  }
  return state;
}

/// The outer hash is over the outer pad and the 20 octets of the inner one: one block after the pad's.
SALLYPORT_INLINE State hash_outer(const Group& group, const State& inner) {
  Block block;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kStateWords; ++i) block.w[i] = inner.h[i];
  block.w[5] = splat(0x80000000);
#pragma GCC unroll 16
  for (std::size_t i = 6; i < 15; ++i) block.w[i] = _mm512_setzero_si512();
  block.w[15] = splat((kBlock + 20) * 8);
  State state = load_states(group.outer);
  compress(state, block, 0xffff, [] {});
  return state;
}

/// Up to sixteen of `jobs`, those that `order` names.
void hash_group(const HmacSha1Job* jobs, const std::uint8_t* order, std::size_t count) {
  Group group;
  group.most_blocks = 0;
  Prefetches ahead;
  for (std::size_t lane = 0; lane < count; ++lane) {
    const HmacSha1Job& job = jobs[order[lane]];
    group.set(lane, job);
    ahead.add(job.ahead, job.ahead_lines);
  }
  ahead.close();
  for (std::size_t lane = count; lane < kLanes; ++lane) group.clear(lane);
  const State state = hash_outer(group, hash_inner(group, ahead));
  Columns tags;
  for (std::size_t i = 0; i < kHmacSha1TagLength / 4; ++i)
    _mm512_store_si512(tags.word[i], swap_octets(state.h[i]));
  for (std::size_t lane = 0; lane < count; ++lane)
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kHmacSha1TagLength / 4; ++i)
      std::memcpy(jobs[order[lane]].tag + 4 * i, &tags.word[i][lane], 4);
}

/// A group takes as long as its longest message: the longer half of the burst goes first, then the shorter.
/// Each message's rank is the number of those that are longer, or as long and earlier: no branch depends on
/// what is compared.
SALLYPORT_INLINE void sort_by_blocks(const HmacSha1Job* jobs, std::size_t count, std::uint8_t* order) {
  alignas(64) std::uint16_t keys[kMaxHmacSha1Burst] = {};
  static_assert((kMaxHmacSha1Length / kBlock + 2) * kMaxHmacSha1Burst <= 0xffff);
  for (std::size_t i = 0; i < count; ++i)
    keys[i] = static_cast<std::uint16_t>((jobs[i].length + 8) / kBlock * kMaxHmacSha1Burst +
                                         (kMaxHmacSha1Burst - 1 - i));
  const __mmask32 used = static_cast<__mmask32>((std::uint64_t{1} << count) - 1);
  const __m512i all = _mm512_maskz_loadu_epi16(used, keys);
  for (std::size_t i = 0; i < count; ++i) {
    const __mmask32 before =
        _mm512_mask_cmpgt_epu16_mask(used, all, _mm512_set1_epi16(static_cast<short>(keys[i])));
    order[__builtin_popcount(before)] = static_cast<std::uint8_t>(i);
  }
}

}  // namespace

void hmac_sha1_avx512(const HmacSha1Job* jobs, std::size_t count) {
  std::uint8_t order[kMaxHmacSha1Burst];
  sort_by_blocks(jobs, count, order);
  for (std::size_t done = 0; done < count; done += kLanes)
    hash_group(jobs, order + done, count - done < kLanes ? count - done : kLanes);
}

}  // namespace sallyport::crypto
