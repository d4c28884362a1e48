// SPDX-License-Identifier: GPL-3.0-or-later
// A burst ends as its packets would have ended one by one.
#include <gtest/gtest.h>

#include "crypto/ipsec_mb_engine.h"
#include "tests/unit/crypto/srtp_rig.h"

namespace sallyport::crypto::test {
namespace {

constexpr SuiteId kMixed[] = {SuiteId::aes_cm_128_hmac_sha1_80, SuiteId::aes_256_cm_hmac_sha1_32,
                              SuiteId::aead_aes_128_gcm, SuiteId::aes_192_cm_hmac_sha1_80};

/// A packet for one of the streams.
struct Sent {
  std::size_t stream;
  Octets octets;
};

/// What became of a packet: outcome and octets.
struct Fate {
  SrtpOutcome outcome;
  Octets octets;
  bool operator==(const Fate&) const = default;
};

class Receivers {
 public:
  explicit Receivers(std::uint32_t window, std::unique_ptr<SrtpEngine> engine = make_engine())
      : engine_(std::move(engine)) {
    for (std::size_t i = 0; i < std::size(kMixed); ++i) {
      SrtpConfig config = make_config(kMixed[i], i);
      config.rtp_replay_window = window;
      config.ssrc_capacity = 1;
      streams_.push_back(std::move(engine_->make_inbound(config).value()));
    }
  }
  [[nodiscard]] std::vector<Fate> open(std::vector<Sent> sent) {
    std::vector<InboundPacket> burst;
    for (Sent& each : sent)
      burst.push_back(rtp_view(*streams_[each.stream], each.octets, each.octets.size()));
    engine_->unprotect_rtp(burst);
    std::vector<Fate> fates;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      sent[i].octets.resize(burst[i].length);
      fates.push_back({burst[i].outcome, sent[i].octets});
    }
    return fates;
  }
  [[nodiscard]] std::uint64_t accepted(std::size_t stream) const {
    return streams_[stream]->status().srtp_packets;
  }

 private:
  std::unique_ptr<SrtpEngine> engine_;
  std::vector<InboundStreamPtr> streams_;
};

/// Packets of all streams with loss, duplicates, reordering, damage, jumps around the roll-over and changing
/// SSRCs.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : random_(seed), engine_(make_engine()) {
    for (std::size_t i = 0; i < std::size(kMixed); ++i) {
      SrtpConfig config = make_config(kMixed[i], i);
      config.ssrc_capacity = 4;
      streams_.push_back(std::move(engine_->make_outbound(config).value()));
      positions_.push_back(65536 - random_() % 40);
    }
  }
  [[nodiscard]] Sent next() {
    if (!sent_.empty() && random_() % 5 == 0)
      return sent_[sent_.size() - 1 - random_() % std::min<std::size_t>(sent_.size(), 60)];
    Sent sent{random_() % streams_.size(), {}};
    std::uint64_t& position = positions_[sent.stream];
    position += random_() % 8 == 0 ? random_() % 30000 : 1 + random_() % 3;
    const std::uint32_t ssrc = random_() % 6 == 0 ? 2 : 1;
    sent.octets = rtp_packet(static_cast<std::uint16_t>(position), random_() % 200, ssrc);
    if (protect_rtp(*engine_, *streams_[sent.stream], sent.octets) != SrtpOutcome::ok)
      sent.octets.resize(12 + random_() % 20);
    sent_.push_back(sent);
    if (random_() % 12 == 0) sent.octets.back() = static_cast<std::uint8_t>(sent.octets.back() ^ 1);
    return sent;
  }
  [[nodiscard]] std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  std::mt19937_64 random_;
  std::unique_ptr<SrtpEngine> engine_;
  std::vector<OutboundStreamPtr> streams_;
  std::vector<std::uint64_t> positions_;
  std::vector<Sent> sent_;
};

/// What a machine without AVX-512 gets.
std::unique_ptr<SrtpEngine> engine_without_kernel() {
  return std::make_unique<IpsecMbEngine>(std::move(make_imb_manager().value()), nullptr);
}

class SrtpBurstEngines : public ::testing::TestWithParam<bool> {};

TEST_P(SrtpBurstEngines, EqualsOneByOne) {
  std::size_t passed = 0;
  std::size_t refused = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Traffic traffic(seed);
    Receivers in_bursts(128, GetParam() ? make_engine() : engine_without_kernel());
    Receivers one_by_one(128);
    for (int turn = 0; turn < 8; ++turn) {
      std::vector<Sent> burst;
      const std::size_t size = 1 + traffic.below(SrtpEngine::kMaxBurst);
      while (burst.size() < size) burst.push_back(traffic.next());
      std::swap(burst[traffic.below(size)], burst[traffic.below(size)]);
      std::vector<Fate> expected;
      for (const Sent& each : burst) expected.push_back(one_by_one.open({each})[0]);
      ASSERT_EQ(in_bursts.open(burst), expected) << "seed " << seed << " turn " << turn;
      for (const Fate& fate : expected) ++(fate.outcome == SrtpOutcome::ok ? passed : refused);
    }
  }
  EXPECT_GT(passed, 10000u);
  EXPECT_GT(refused, 3000u);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutHmacKernel, SrtpBurstEngines, ::testing::Bool());

TEST(SrtpBurst, HoldsTheSamePacketTwiceAndPassesItOnce) {
  for (const Suite& entry : kSuites) {
    Pair pair(make_config(entry.id));
    Octets rtp[2];
    Octets rtcp[2];
    rtp[0] = rtp[1] = pair.protected_rtp(rtp_packet(5));
    rtcp[0] = rtcp[1] = pair.protected_rtcp(rtcp_packet(40));
    InboundPacket both[] = {rtp_view(*pair.inbound, rtp[0], rtp[0].size()),
                            rtp_view(*pair.inbound, rtp[1], rtp[1].size())};
    pair.receiver->unprotect_rtp(both);
    EXPECT_EQ(both[0].outcome, SrtpOutcome::ok) << entry.name;
    EXPECT_EQ(both[1].outcome, SrtpOutcome::replayed) << entry.name;
    InboundPacket control[] = {rtcp_view(*pair.inbound, rtcp[0], rtcp[0].size()),
                               rtcp_view(*pair.inbound, rtcp[1], rtcp[1].size())};
    pair.receiver->unprotect_rtcp(control);
    EXPECT_EQ(control[0].outcome, SrtpOutcome::ok) << entry.name;
    EXPECT_EQ(control[1].outcome, SrtpOutcome::replayed) << entry.name;
    EXPECT_EQ(pair.inbound->status().srtp_packets, 1u);
    EXPECT_EQ(pair.inbound->status().srtcp_packets, 1u);
  }
}

TEST(SrtpBurst, ANewSourceThatRollsOverWithinItsFirstBurst) {
  for (const Suite& entry : kSuites) {
    Pair pair(make_config(entry.id));
    const std::vector<std::uint16_t> sequences = {65534, 65535, 0, 1, 2};
    std::vector<Octets> packets;
    std::vector<InboundPacket> burst;
    for (const std::uint16_t sequence : sequences)
      packets.push_back(pair.protected_rtp(rtp_packet(sequence)));
    for (Octets& packet : packets) burst.push_back(rtp_view(*pair.inbound, packet, packet.size()));
    pair.receiver->unprotect_rtp(burst);
    for (std::size_t i = 0; i < burst.size(); ++i) {
      EXPECT_EQ(burst[i].outcome, SrtpOutcome::ok) << entry.name << " " << sequences[i];
      packets[i].resize(burst[i].length);
      EXPECT_EQ(packets[i], rtp_packet(sequences[i]));
    }
    EXPECT_EQ(pair.inbound->status().rollover_counter, 1u);
  }
}

TEST(SrtpBurst, ProtectsMixedSuitesAsOneByOne) {
  const auto engine = make_engine();
  const auto single = make_engine();
  std::vector<OutboundStreamPtr> together;
  std::vector<OutboundStreamPtr> alone;
  for (std::size_t i = 0; i < kSuites.size(); ++i) {
    together.push_back(std::move(engine->make_outbound(make_config(kSuites[i].id, i)).value()));
    alone.push_back(std::move(single->make_outbound(make_config(kSuites[i].id, i)).value()));
  }
  std::mt19937_64 random(4);
  for (int turn = 0; turn < 200; ++turn) {
    std::vector<Octets> buffers;
    std::vector<std::size_t> streams;
    std::vector<OutboundPacket> burst;
    std::vector<Fate> expected;
    for (std::size_t i = 0; i < SrtpEngine::kMaxBurst; ++i) {
      streams.push_back(random() % kSuites.size());
      Octets plain =
          rtp_packet(static_cast<std::uint16_t>(turn * 3 + static_cast<int>(random() % 5)), random() % 100);
      buffers.push_back(plain);
      const SrtpOutcome outcome = protect_rtp(*single, *alone[streams[i]], plain);
      expected.push_back({outcome, plain});
    }
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const std::size_t length = buffers[i].size();
      buffers[i].resize(length + kMaxProtectionOverhead);
      burst.push_back(rtp_view(*together[streams[i]], buffers[i], length));
    }
    engine->protect_rtp(burst);
    for (std::size_t i = 0; i < burst.size(); ++i) {
      buffers[i].resize(burst[i].length);
      ASSERT_EQ((Fate{burst[i].outcome, buffers[i]}), expected[i]) << turn << " " << i;
    }
  }
}

TEST(SrtpBurst, AnEmptyBurstIsNothing) {
  const auto engine = make_engine();
  engine->protect_rtp({});
  engine->protect_rtcp({});
  engine->unprotect_rtp({});
  engine->unprotect_rtcp({});
}

}  // namespace
}  // namespace sallyport::crypto::test
