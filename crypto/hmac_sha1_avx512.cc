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
constexpr std::uint32_t kBlock = 64;  // octets of a block of SHA-1
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

/// Cache lines that the caller wants soon, fetched one lane's at a time between rounds: all at once they
/// would fill the core's line buffers (a dozen) and it would stand still until they are there.
class Prefetches {
 public:
  SALLYPORT_INLINE explicit Prefetches(const HmacSha1Job* const* jobs) : jobs_(jobs) {}
  SALLYPORT_INLINE void some() {
    if (next_ == kLanes) return;
    const HmacSha1Job& job = *jobs_[next_++];
    const auto* const base = static_cast<const char*>(job.ahead);
    for (std::uint32_t left = job.ahead_lines; left != 0; left &= left - 1)
      __builtin_prefetch(base + 64 * __builtin_ctz(left));
  }
  /// What short messages have left no time for.
  SALLYPORT_INLINE void rest() {
    while (next_ < kLanes) some();
  }

 private:
  const HmacSha1Job* const* jobs_;
  std::size_t next_ = 0;
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

/// Sixteen rows of sixteen words, one lane's each, become sixteen words of all lanes.
SALLYPORT_INLINE Block transpose(const __m512i (&r)[kLanes]) {
  __m512i t[kLanes];
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
    block.w[k] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
    block.w[4 + k] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
    block.w[8 + k] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
    block.w[12 + k] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
  }
  return block;
}

SALLYPORT_INLINE Block load_blocks(const std::uint8_t* const (&rows)[kLanes]) {
  __m512i r[kLanes];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) r[i] = _mm512_loadu_si512(rows[i]);
  Block block = transpose(r);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kBlockWords; ++i) block.w[i] = swap_octets(block.w[i]);
  return block;
}

/// What lanes without a message hash, and what those that are through read.
alignas(64) constexpr std::uint8_t kZeros[kBlock] = {};
constexpr HmacSha1Job kNoJob = {.data = kZeros, .length = 0, .keys = kZeros, .tag = nullptr};

/// Blocks of a message with its padding: an octet of 0x80 and eight of length.
SALLYPORT_INLINE std::uint32_t blocks_of(std::uint32_t length) {
  return (length + 8) / kBlock + 1;
}

/// Sixteen messages, cut into blocks. What registers are loaded from is stored in whole registers, or long
/// before: a load that spans narrower stores waits until they have left the core.
struct alignas(64) Group {
  std::uint32_t lengths[kLanes];
  const std::uint8_t* data[kLanes];
  const std::uint8_t* rows[kLanes];    ///< where each lane's present block lies
  std::uint8_t tails[kLanes][kBlock];  ///< the last octets of each, and the first of the padding
  std::uint32_t most_blocks;
  State inner;
  State outer;

  SALLYPORT_INLINE explicit Group(const HmacSha1Job* const* jobs) {
    std::uint32_t longest = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::uint32_t length = jobs[lane]->length;
      lengths[lane] = length;
      data[lane] = jobs[lane]->data;
      rows[lane] = length < kBlock ? tails[lane] : data[lane];
      longest = length > longest ? length : longest;
    }
    most_blocks = blocks_of(longest);
    for (std::size_t lane = 0; lane < kLanes; ++lane) set_tail(lane, *jobs[lane]);
    set_keys(jobs);
  }

  /// Points `rows` at block number `index`.
  SALLYPORT_INLINE void advance(std::uint32_t index) {
    const __m512i lane_lengths = _mm512_load_si512(lengths);
    const __m512i whole = _mm512_srli_epi32(lane_lengths, 6);
    advance_half(0, index, whole);
    advance_half(kLanes / 2, index, _mm512_shuffle_i64x2(whole, whole, 0x4e));
  }

 private:
  /// Eight lanes from `first` on, whose counts of whole blocks are the first eight of `whole`.
  SALLYPORT_INLINE void advance_half(std::size_t first, std::uint32_t index, __m512i whole) {
    const auto inside = static_cast<__mmask8>(_mm512_cmpgt_epu32_mask(whole, splat(index)));
    const auto ending = static_cast<__mmask8>(_mm512_cmpeq_epu32_mask(whole, splat(index)));
    const __m512i begin = _mm512_loadu_si512(data + first);
    const __m512i block = _mm512_add_epi64(begin, _mm512_set1_epi64(std::int64_t{index} * kBlock));
    const __m512i zeros = _mm512_set1_epi64(reinterpret_cast<std::int64_t>(kZeros));
    const __m512i steps =
        _mm512_set_epi64(7 * kBlock, 6 * kBlock, 5 * kBlock, 4 * kBlock, 3 * kBlock, 2 * kBlock, kBlock, 0);
    const __m512i tail =
        _mm512_add_epi64(steps, _mm512_set1_epi64(reinterpret_cast<std::int64_t>(tails[first])));
    const __m512i behind = _mm512_mask_mov_epi64(zeros, ending, tail);
    _mm512_storeu_si512(rows + first, _mm512_mask_mov_epi64(behind, inside, block));
  }

  SALLYPORT_INLINE void set_tail(std::size_t lane, const HmacSha1Job& job) {
    const std::uint32_t rest = job.length % kBlock;
    // Masked octets are not read: the message may end where its page does.
    const __mmask64 octets = (std::uint64_t{1} << rest) - 1;
    const __m512i tail = _mm512_maskz_loadu_epi8(octets, job.data + (job.length - rest));
    const __m512i padded = _mm512_mask_mov_epi8(tail, octets + 1, _mm512_set1_epi8(static_cast<char>(0x80)));
    _mm512_store_si512(tails[lane], padded);
  }

  SALLYPORT_INLINE void set_keys(const HmacSha1Job* const* jobs) {
    constexpr __mmask16 kWords = (1u << 2 * kStateWords) - 1;
    __m512i states[kLanes];
#pragma GCC unroll 16
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      states[lane] = _mm512_maskz_loadu_epi32(kWords, jobs[lane]->keys);
    const Block words = transpose(states);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kStateWords; ++i) {
      inner.h[i] = words.w[i];
      outer.h[i] = words.w[kStateWords + i];
    }
  }
};

/// The prefetches stand here alone, not in hash_outer() too: the rounds, unrolled twice, hardly fit into the
/// core's cache of decoded instructions.
SALLYPORT_INLINE State hash_inner(Group& group, Prefetches& ahead) {
  State state = group.inner;
  for (std::uint32_t index = 0; index < group.most_blocks; ++index) {
    Block block = load_blocks(group.rows);
    group.advance(index + 1);
    const __m512i lengths = _mm512_load_si512(group.lengths);
    const __m512i blocks = _mm512_srli_epi32(_mm512_add_epi32(lengths, splat(kBlock + 8)), 6);
    const __mmask16 last = _mm512_cmpeq_epu32_mask(blocks, splat(index + 1));
    const __mmask16 busy = _mm512_cmpgt_epu32_mask(blocks, splat(index));
    // The last block ends with the length in bits, that of the pad's block included. It has 64 bits; those of
    // a packet fit into the last 32.
    const __m512i bits = _mm512_slli_epi32(_mm512_add_epi32(lengths, splat(kBlock)), 3);
    block.w[15] = _mm512_mask_or_epi32(block.w[15], last, block.w[15], bits);
    compress(state, block, busy, [&ahead] { ahead.some(); });
  }
  ahead.rest();
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
  State state = group.outer;
  compress(state, block, 0xffff, [] {});
  return state;
}

/// Sixteen lanes, of which the first `count` have messages.
void hash_group(const HmacSha1Job* const* jobs, std::size_t count) {
  Group group(jobs);
  Prefetches ahead(jobs);
  const State inner = hash_inner(group, ahead);
  const State state = hash_outer(group, inner);
  alignas(64) std::uint32_t tags[kHmacSha1TagLength / 4][kLanes];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kHmacSha1TagLength / 4; ++i)
    _mm512_store_si512(tags[i], swap_octets(state.h[i]));
  for (std::size_t lane = 0; lane < count; ++lane)
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kHmacSha1TagLength / 4; ++i)
      std::memcpy(jobs[lane]->tag + 4 * i, &tags[i][lane], 4);
}

/// Whether all take equally long, as packets of one codec do.
SALLYPORT_INLINE bool same_blocks(const HmacSha1Job* jobs, std::size_t count) {
  std::uint32_t differing = 0;
  for (std::size_t i = 1; i < count; ++i) differing |= blocks_of(jobs[i].length) ^ blocks_of(jobs[0].length);
  return differing == 0;
}

/// A group takes as long as its longest message: the longer half of the burst goes first, then the shorter.
/// Each message's rank is the number of those that are longer, or as long and earlier: no branch depends on
/// what is compared.
SALLYPORT_INLINE void sort_by_blocks(const HmacSha1Job* jobs, std::size_t count, const HmacSha1Job** sorted) {
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
    sorted[__builtin_popcount(before)] = &jobs[i];
  }
}

}  // namespace

void hmac_sha1_avx512(const HmacSha1Job* jobs, std::size_t count) {
  const HmacSha1Job* order[kMaxHmacSha1Burst];
  if (same_blocks(jobs, count))
    for (std::size_t i = 0; i < count; ++i) order[i] = &jobs[i];
  else
    sort_by_blocks(jobs, count, order);
  for (std::size_t i = count; i % kLanes != 0; ++i) order[i] = &kNoJob;
  for (std::size_t done = 0; done < count; done += kLanes)
    hash_group(order + done, count - done < kLanes ? count - done : kLanes);
}

}  // namespace sallyport::crypto
