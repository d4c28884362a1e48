// SPDX-License-Identifier: GPL-3.0-or-later
// The packet path does not allocate: this program's operator new counts, and 100 000 packets must not move
// it.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/unit/crypto/srtp_rig.h"

namespace {
std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size == 0 ? 1 : size) != 0) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) {
  return counted(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new[](std::size_t size) {
  return counted(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace sallyport::crypto::test {
namespace {

struct Tally {
  std::size_t passed = 0;
  std::size_t refused = 0;
};

/// Bursts there and back, with a duplicate in each and sources that come and go.
Tally exchange(Pair& pair, std::size_t bursts) {
  constexpr std::size_t kBuffer = 300;
  std::vector<Octets> buffers(SrtpEngine::kMaxBurst, Octets(kBuffer));
  std::vector<OutboundPacket> out(SrtpEngine::kMaxBurst);
  std::vector<InboundPacket> in(SrtpEngine::kMaxBurst);
  std::vector<Octets> plain;
  for (std::size_t i = 0; i < SrtpEngine::kMaxBurst; ++i) plain.push_back(rtp_packet(0, 100 + i));
  Tally tally;
  const std::size_t before = allocations.load();
  std::uint16_t sequence = 0;
  for (std::size_t burst = 0; burst < bursts; ++burst) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::copy(plain[i].begin(), plain[i].end(), buffers[i].begin());
      store_be16(&buffers[i][2], i == 5 ? sequence : ++sequence);
      store_be32(&buffers[i][8], static_cast<std::uint32_t>(burst % 7));
      out[i] = rtp_view(*pair.outbound, buffers[i], plain[i].size());
    }
    pair.sender->protect_rtp(out);
    for (std::size_t i = 0; i < out.size(); ++i) in[i] = rtp_view(*pair.inbound, buffers[i], out[i].length);
    pair.receiver->unprotect_rtp(in);
    for (const InboundPacket& packet : in)
      ++(packet.outcome == SrtpOutcome::ok ? tally.passed : tally.refused);
    out[0] = rtcp_view(*pair.outbound, buffers[0], 100);
    pair.sender->protect_rtcp({out.data(), 1});
    in[0] = rtcp_view(*pair.inbound, buffers[0], out[0].length);
    pair.receiver->unprotect_rtcp({in.data(), 1});
  }
  EXPECT_EQ(allocations.load(), before);
  return tally;
}

TEST(SrtpAllocation, NoneOnThePacketPath) {
  for (const Suite& entry : kSuites) {
    Pair pair(make_config(entry.id));
    const Tally tally = exchange(pair, 400);
    EXPECT_GE(tally.passed, 12000u) << entry.name;
    EXPECT_GE(tally.refused, 400u) << entry.name;
  }
}

TEST(SrtpAllocation, KeysAreWipedBeforeMemoryIsGivenBack) {
  constexpr std::size_t kObject = 128;  // counters and offsets, no keys; the keys follow
  const auto engine = make_engine();
  for (const Suite& entry : kSuites) {
    auto stream = std::move(engine->make_outbound(make_config(entry.id)).value());
    const auto* memory = reinterpret_cast<const std::uint8_t*>(stream.get());
    const std::size_t size = stream->memory_bytes();
    const auto zeros = static_cast<std::size_t>(std::count(memory + kObject, memory + size, 0));
    ASSERT_LT(zeros, size - kObject - 400) << "there is key material to wipe";
    stream.reset();
    // The block is on the free list now: its first octets name the next one.
    EXPECT_EQ(std::count(memory + sizeof(void*), memory + size, 0), static_cast<long>(size - sizeof(void*)))
        << entry.name;
  }
}

}  // namespace
}  // namespace sallyport::crypto::test
