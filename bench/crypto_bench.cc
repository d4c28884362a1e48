// SPDX-License-Identifier: GPL-3.0-or-later
// How much do protect and unprotect cost, by suite, payload and engine, and how far is that from bare
// IPsec-MB?
//
// Bursts of 32 packets of 32 streams that stay in the caches. Without arguments: Google benchmarks. With
// --figures FILE: our engine, the bare loop and libsrtp2 in turn, and their ratios round by round.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/bytes.h"
#include "bench/crypto_bare.h"
#include "bench/figures.h"
#include "crypto/srtp.h"

namespace sallyport::bench {
namespace {

using crypto::EngineKind;
using crypto::SuiteId;

enum class Direction { protect, unprotect };

crypto::SrtpConfig make_config(SuiteId id, std::uint8_t seed) {
  crypto::SrtpConfig config;
  config.suite = id;
  const std::vector<std::uint8_t> octets(32, seed);
  config.master_key = Secret<crypto::kMaxMasterKeyLength>({octets.data(), crypto::suite(id).key_length});
  config.master_salt = Secret<crypto::kMaxMasterSaltLength>({octets.data(), crypto::suite(id).salt_length});
  return config;
}

/// Senders and their receivers, which share a burst of packets that goes there and back. What is not measured
/// runs in an engine of its own, so that all who are measured find the caches in the same state.
class Bursts {
 public:
  Bursts(EngineKind kind, SuiteId id, std::size_t payload)
      : engine_(std::move(crypto::make_srtp_engine(kind).value())),
        preparing_(std::move(crypto::make_srtp_engine(EngineKind::ipsec_mb).value())),
        length_(static_cast<std::uint16_t>(kHeaderLength + payload)),
        storage_(kBurst * kBufferLength + 64),
        outbound_(kBurst),
        inbound_(kBurst) {
    auto* begin = storage_.data() + (64 - reinterpret_cast<std::uintptr_t>(storage_.data()) % 64) % 64;
    for (std::size_t i = 0; i < kBurst; ++i) {
      // Buffers do not share cache sets, as mbufs of a pool do not.
      buffers_.push_back(begin + i * (kHeaderLength + payload + 128) / 64 * 64);
      buffers_[i][0] = 0x80;
      store_be32(buffers_[i] + 8, ssrc_of(i));
    }
    for (std::size_t i = 0; i < kStreams; ++i) {
      const auto config = make_config(id, static_cast<std::uint8_t>(i + 1));
      senders_.push_back(std::move(engine_->make_outbound(config).value()));
      preparers_.push_back(std::move(preparing_->make_outbound(config).value()));
      receivers_.push_back(std::move(engine_->make_inbound(config).value()));
    }
  }

  [[nodiscard]] const std::vector<std::uint8_t*>& buffers() const { return buffers_; }

  /// Cycles that `bursts` bursts took in one direction.
  [[nodiscard]] std::uint64_t run(Direction measured, std::size_t bursts) {
    std::uint64_t spent = 0;
    for (std::size_t i = 0; i < bursts; ++i) {
      if (measured == Direction::protect)
        prepare(senders_);
      else
        arrive();
      const std::uint64_t begin = cycles();
      if (measured == Direction::protect)
        engine_->protect_rtp(outbound_);
      else
        engine_->unprotect_rtp(inbound_);
      spent += cycles() - begin;
      measured == Direction::protect ? check(outbound_) : check(inbound_);
    }
    return spent;
  }
  /// The same for the bare loop, on the same packets after the same preparation.
  [[nodiscard]] std::uint64_t run(BareLoop& loop, Direction measured, std::size_t bursts) {
    std::uint64_t spent = 0;
    for (std::size_t i = 0; i < bursts; ++i) {
      if (measured == Direction::protect)
        prepare(preparers_);
      else
        arrive();
      const std::uint64_t begin = cycles();
      measured == Direction::protect ? loop.protect() : loop.unprotect();
      spent += cycles() - begin;
    }
    return spent;
  }
  /// Packets that did not come back: a benchmark of failures would be fast and worthless.
  [[nodiscard]] std::size_t failures() const { return failures_; }

 private:
  static std::uint32_t ssrc_of(std::size_t packet) {
    return static_cast<std::uint32_t>(packet % kStreams + 1);
  }

  template <typename Packets>
  void check(const Packets& packets) {
    for (const auto& packet : packets)
      failures_ += static_cast<std::size_t>(packet.outcome != crypto::SrtpOutcome::ok);
  }
  /// Fresh packets for `streams` to protect.
  void prepare(const std::vector<crypto::OutboundStreamPtr>& streams) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      if (i % kStreams == 0) ++sequence_;
      store_be16(buffers_[i] + 2, sequence_);
      outbound_[i] = {.data = buffers_[i],
                      .length = length_,
                      .room = static_cast<std::uint16_t>(length_ + crypto::kMaxProtectionOverhead),
                      .header_length = kHeaderLength,
                      .sequence = sequence_,
                      .ssrc = ssrc_of(i),
                      .stream = streams[i % kStreams].get()};
    }
  }
  /// Fresh packets that the peer has protected.
  void arrive() {
    prepare(preparers_);
    preparing_->protect_rtp(outbound_);
    check(outbound_);
    for (std::size_t i = 0; i < kBurst; ++i)
      inbound_[i] = {.data = buffers_[i],
                     .length = outbound_[i].length,
                     .room = outbound_[i].room,
                     .header_length = kHeaderLength,
                     .sequence = outbound_[i].sequence,
                     .ssrc = ssrc_of(i),
                     .stream = receivers_[i % kStreams].get()};
  }

  std::unique_ptr<crypto::SrtpEngine> engine_;
  std::unique_ptr<crypto::SrtpEngine> preparing_;
  std::uint16_t length_;
  std::uint16_t sequence_ = 0;
  std::size_t failures_ = 0;
  std::vector<std::uint8_t> storage_;
  std::vector<std::uint8_t*> buffers_;
  std::vector<crypto::OutboundStreamPtr> senders_;
  std::vector<crypto::OutboundStreamPtr> preparers_;
  std::vector<crypto::InboundStreamPtr> receivers_;
  std::vector<crypto::OutboundPacket> outbound_;
  std::vector<crypto::InboundPacket> inbound_;
};

const char* verb(Direction direction) {
  return direction == Direction::protect ? "srtp_protect" : "srtp_unprotect";
}

constexpr std::size_t kPayloads[] = {20, 160, 1000};
constexpr std::size_t kRounds = 400;
constexpr std::size_t kBurstsARound = 16;
constexpr std::size_t kSlowBurstsARound = 1;  // libsrtp2 is some hundred times slower

/// Figures of one suite, payload and direction.
bool add_figures(Figures& figures, SuiteId id, std::size_t payload, Direction direction) {
  const std::string stem = std::string(verb(direction)) + "/" + std::string(crypto::suite(id).name) + "/" +
                           std::to_string(payload) + "/";
  const bool gcm = crypto::suite(id).mode == crypto::CipherMode::gcm;
  const std::string over_bare = stem + (gcm ? "over_bare_call" : "over_bare_loop");
  const std::string over_ours = stem + "libsrtp2_over_ours";
  const std::string packet = stem + "ns";
  if (!figures.wanted(over_bare) && !figures.wanted(over_ours) && !figures.wanted(packet)) return true;

  Bursts ours(EngineKind::ipsec_mb, id, payload);
  BareLoop bare(id, payload, ours.buffers());
  std::vector<std::function<double()>> works = {
      [&] { return static_cast<double>(ours.run(direction, kBurstsARound)) / kBurstsARound; },
      [&] { return static_cast<double>(ours.run(bare, direction, kBurstsARound)) / kBurstsARound; }};
  std::unique_ptr<Bursts> reference;
  const auto reference_engine = crypto::make_srtp_engine(EngineKind::libsrtp2);
  if (reference_engine && reference_engine.value()->make_inbound(make_config(id, 1))) {
    reference = std::make_unique<Bursts>(EngineKind::libsrtp2, id, payload);
    works.emplace_back([&] {
      return static_cast<double>(reference->run(direction, kSlowBurstsARound)) / kSlowBurstsARound;
    });
  }
  const auto samples = interleaved_results(kRounds, works);
  if (figures.wanted(over_bare)) figures.add(over_bare, ratios(samples[0], samples[1]), "ratio");
  if (reference && figures.wanted(over_ours)) figures.add(over_ours, ratios(samples[2], samples[0]), "ratio");
  std::vector<double> ns;
  for (const double spent : samples[0]) ns.push_back(spent * ns_per_cycle() / kBurst);
  if (figures.wanted(packet)) figures.add(packet, ns, "ns");
  return ours.failures() == 0 && (!reference || reference->failures() == 0);
}

int write_figures(Figures& figures) {
  bool sound = true;
  for (const crypto::Suite& entry : crypto::kSuites)
    for (const std::size_t payload : kPayloads)
      for (const Direction direction : {Direction::protect, Direction::unprotect})
        sound &= add_figures(figures, entry.id, payload, direction);
  if (!sound) {
    std::fprintf(stderr, "packets were lost while measuring\n");
    return 1;
  }
  return figures.write() ? 0 : 1;
}

void register_benchmark(EngineKind kind, const crypto::Suite& entry, std::size_t payload,
                        Direction direction) {
  const std::string name = std::string(verb(direction)) + "/" + std::string(entry.name) + "/" +
                           std::to_string(payload) + "/" + std::string(crypto::name(kind));
  benchmark::RegisterBenchmark(name.c_str(), [=, id = entry.id](benchmark::State& state) {
    const auto engine = crypto::make_srtp_engine(kind);
    if (!engine || !engine.value()->make_inbound(make_config(id, 1))) {
      state.SkipWithError("the engine lacks this suite");
      return;
    }
    Bursts bursts(kind, id, payload);
    for (auto _ : state)
      state.SetIterationTime(static_cast<double>(bursts.run(direction, 1)) * ns_per_cycle() * 1e-9);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst));
    if (bursts.failures() > 0) state.SkipWithError("packets were lost");
  })->UseManualTime();
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  Figures figures(argc, argv);
  if (figures.requested()) return write_figures(figures);
  for (const auto kind : {EngineKind::ipsec_mb, EngineKind::libsrtp2})
    for (const auto& entry : sallyport::crypto::kSuites)
      for (const std::size_t payload : kPayloads)
        for (const Direction direction : {Direction::protect, Direction::unprotect})
          register_benchmark(kind, entry, payload, direction);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
