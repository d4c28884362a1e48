// SPDX-License-Identifier: GPL-3.0-or-later
// The packet path does not allocate, and what floods a leg takes nothing from the stream beside it.
#include <atomic>
#include <cstdlib>
#include <new>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/bundled_call.h"
#include "tests/unit/dataplane/call.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

// Every allocation of the whole program is counted: malloc() reached through `new` is how C++ code allocates.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace sallyport::dataplane {
namespace {

using crypto::SuiteId;
using test::Octets;
using test::RelayRig;

/// Frames of one burst, made beforehand.
std::vector<Octets> closed_frames(Call& call, std::uint16_t& sequence, std::size_t count) {
  std::vector<Octets> frames;
  for (std::size_t i = 0; i < count; ++i)
    frames.push_back(call.from_access(call.access_peer.close_rtp({.sequence = ++sequence}, kVoice)));
  return frames;
}

TEST(HotPath, AllocatesNothingInAHundredThousandPackets) {
  RelayRig rig;
  Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80,
                  .core_suite = SuiteId::aead_aes_128_gcm,
                  .access_policy = SourcePolicy::latch});
  std::uint16_t sequence = 0;
  std::uint64_t forwarded = 0;
  std::uint64_t while_polling = 0;
  std::vector<Octets> bad = {call.from_access(Octets(40, 0x80)), call.from_access(Octets{0, 1, 2}),
                             Octets(30, 7)};
  while (forwarded < 100'000) {
    for (const Octets& frame : closed_frames(call, sequence, 32)) ASSERT_TRUE(rig.access.deliver(frame));
    for (const Octets& frame : bad) rig.access.deliver(frame);
    const std::uint64_t before = allocations.load();
    while (rig.poll() > 0) {
    }
    while_polling += allocations.load() - before;
    forwarded += rig.core.sent().size();
  }
  EXPECT_EQ(while_polling, 0u);
  EXPECT_EQ(rig.received(), rig.verdict_sum());
}

TEST(HotPath, ABundleAllocatesNothingEither) {
  RelayRig rig;
  BundledCall call(rig, {.access_suite = std::nullopt});
  ASSERT_EQ(call.join(kVideo), CommandResult::done);
  std::uint16_t sequence = 0;
  std::uint64_t while_polling = 0;
  for (int round = 0; round < 500; ++round) {
    ++sequence;
    // More sources than are remembered, told by each of their marks, and reports about one another.
    for (std::uint32_t ssrc = 1; ssrc <= kMaxBundleSsrcs + 8; ++ssrc) {
      test::RtpSpec spec{.payload_type = kVideoType, .sequence = sequence, .ssrc = ssrc};
      if (ssrc % 2 == 0) spec.extension = mid_extension(ssrc % 4 == 0 ? "m0" : "m1");
      ASSERT_TRUE(rig.access.deliver(call.from_access(spec)));
      ASSERT_TRUE(rig.core.deliver(call.from_core(ssrc % 2, spec)));
      ASSERT_TRUE(rig.access.deliver(call.frame(test::rtcp_compound(ssrc))));
    }
    const std::uint64_t before = allocations.load();
    while (rig.poll() > 0) {
    }
    while_polling += allocations.load() - before;
    (void)rig.core.sent();
    (void)rig.access.sent();
  }
  EXPECT_EQ(while_polling, 0u);
  EXPECT_GT(rig.workers[0]->counters().bundle_ssrcs_displaced.get(), 500u);
  EXPECT_EQ(rig.verdicts(Verdict::forward), 500u * (kMaxBundleSsrcs + 8) * 3);
}

/// What an attacker sends at a leg whose address it knows and whose key it does not.
class Attacker {
 public:
  explicit Attacker(const Call& call) : call_(call) {}

  Octets frame(const Octets& genuine) {
    switch (random_() % 7) {
      case 0:
        return from_leg(of_another_key());
      case 1:
        return genuine;  // a replay once the original has come
      case 2:
        return from_leg(cut(genuine));
      case 3:
        return from_leg(Octets(1400 + random_() % 200, 0x80));
      case 4:
        return from_leg(noise(random_() % 400));
      case 5:
        return noise(random_() % 200);
      default:
        return flipped(genuine);
    }
  }

 private:
  Octets from_leg(const Octets& payload) const { return call_.from_access(payload); }
  /// Any SSRC, sequence number and timestamp, and a tag that is right for none of them.
  Octets of_another_key() {
    Octets packet = rtp_;
    for (std::size_t i = 2; i < 12; ++i) packet[i] = static_cast<std::uint8_t>(random_());
    return packet;
  }
  Octets noise(std::size_t length) {
    Octets octets(length);
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random_());
    return octets;
  }
  Octets cut(const Octets& genuine) {
    const std::size_t payload = genuine.size() - 42;
    return {genuine.begin() + 42, genuine.begin() + 42 + static_cast<std::ptrdiff_t>(random_() % payload)};
  }
  /// One bit of the payload, so that the frame stays well formed.
  Octets flipped(Octets genuine) {
    const std::size_t at = 42 + random_() % (genuine.size() - 42);
    genuine[at] = static_cast<std::uint8_t>(genuine[at] ^ (1u << random_() % 8));
    return genuine;
  }

  const Call& call_;
  std::mt19937 random_{20};
  const Octets rtp_ = test::Peer(SuiteId::aes_cm_128_hmac_sha1_80, 77, 78).close_rtp({}, kVoice);
};

TEST(HotPath, AFloodTakesNothingFromTheGoodStream) {
  for (const auto policy : {SourcePolicy::signalled, SourcePolicy::latch}) {
    RelayRig rig;
    Call call(rig, {.access_suite = SuiteId::aes_cm_128_hmac_sha1_80, .access_policy = policy});
    Attacker attacker(call);
    const std::size_t out = test::packets_out();
    std::uint16_t sequence = 65000;  // through the wrap, and far beyond
    std::size_t good = 0;
    for (int round = 0; round < 400; ++round) {
      const auto genuine = closed_frames(call, sequence, 8);
      for (const Octets& frame : genuine) {
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.access.deliver(attacker.frame(genuine.front())));
        ASSERT_TRUE(rig.access.deliver(frame));
      }
      rig.settle();
      // The first genuine packet may have come as the attacker's copy: it passes once either way.
      const auto sent = rig.core.sent();
      ASSERT_EQ(sent.size(), genuine.size()) << round;
      for (const Octets& frame : sent) ASSERT_EQ(test::read_frame(frame)->payload.size(), 172u);
      good += sent.size();
    }
    EXPECT_EQ(good, 3200u);
    EXPECT_EQ(counters(*call.forth).expected.get(), 3200u);
    EXPECT_EQ(view(*call.back).target[0], call.access_remote);
    EXPECT_EQ(rig.received(), rig.verdict_sum());
    EXPECT_EQ(rig.verdicts(Verdict::forward), 3200u);
    EXPECT_GT(rig.verdicts(Verdict::drop_srtp_forged), 1000u);
    EXPECT_GT(rig.verdicts(Verdict::drop_srtp_replayed), 300u);
    EXPECT_EQ(test::packets_out(), out);
  }
}

}  // namespace
}  // namespace sallyport::dataplane
