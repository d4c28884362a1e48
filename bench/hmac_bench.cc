// SPDX-License-Identifier: GPL-3.0-or-later
// How much does HMAC-SHA1 cost by burst and length, in our kernel and in IPsec-MB's burst call?
//
// 32 packets with 32 keys that stay in the caches. Without arguments: Google benchmarks. With --figures FILE:
// both in turn, and their ratio round by round.
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <intel-ipsec-mb.h>

#include "bench/figures.h"
#include "crypto/hmac_sha1_burst.h"

namespace sallyport::bench {
namespace {

using crypto::HmacSha1Job;

constexpr std::size_t kBursts[] = {32, 16, 8, 4, 2, 1};
constexpr std::uint32_t kLengths[] = {36, 176, 1016};
constexpr std::size_t kRounds = 400;
constexpr std::size_t kPacketsARound = 512;

/// The same packets, keys and tags for both.
class Hashes {
 public:
  Hashes(std::size_t count, std::uint32_t length)
      : manager_(alloc_mb_mgr(0), free_mb_mgr), packets_(count * kDistance), jobs_(count), theirs_(count) {
    init_mb_mgr_auto(manager_.get(), nullptr);
    for (std::size_t i = 0; i < packets_.size(); ++i) packets_[i] = static_cast<std::uint8_t>(i * i >> 3);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < crypto::kHmacSha1StateLength; ++k) {
        keys_[i].states[k] = static_cast<std::uint8_t>(i + k);
        keys_[i].states[crypto::kHmacSha1StateLength + k] = static_cast<std::uint8_t>(i * k + 1);
      }
      jobs_[i] = {packets_.data() + i * kDistance, length, keys_[i].states.data(), keys_[i].tag.data()};
      IMB_JOB& job = theirs_[i];
      job.hash_alg = IMB_AUTH_HMAC_SHA_1;
      job.cipher_mode = IMB_CIPHER_NULL;
      job.chain_order = IMB_ORDER_HASH_CIPHER;
      job.src = jobs_[i].data;
      job.msg_len_to_hash_in_bytes = length;
      job.u.HMAC._hashed_auth_key_xor_ipad = jobs_[i].keys;
      job.u.HMAC._hashed_auth_key_xor_opad = jobs_[i].keys + crypto::kHmacSha1StateLength;
      job.auth_tag_output = keys_[i].their_tag.data();
      job.auth_tag_output_len_in_bytes = crypto::kHmacSha1TagLength;
    }
  }

  void run_ours(crypto::HmacSha1Burst burst) { burst(jobs_); }
  void run_theirs() {
    IMB_SUBMIT_HASH_BURST_NOCHECK(manager_.get(), theirs_.data(), static_cast<std::uint32_t>(theirs_.size()),
                                  IMB_AUTH_HMAC_SHA_1);
  }
  /// Whether both have come to the same tags: a wrong hash would be fast and worthless.
  [[nodiscard]] bool agree() const {
    for (std::size_t i = 0; i < jobs_.size(); ++i)
      if (keys_[i].tag != keys_[i].their_tag) return false;
    return true;
  }

 private:
  // Packets do not share cache sets, as mbufs of a pool do not.
  static constexpr std::size_t kDistance = 2048 + 192;
  using Tag = std::array<std::uint8_t, crypto::kHmacSha1TagLength>;
  struct alignas(64) Key {
    std::array<std::uint8_t, 2 * crypto::kHmacSha1StateLength> states;
    Tag tag{};
    Tag their_tag{};
  };

  std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> manager_;
  std::vector<std::uint8_t> packets_;
  std::array<Key, crypto::kMaxHmacSha1Burst> keys_;
  std::vector<HmacSha1Job> jobs_;
  std::vector<IMB_JOB> theirs_;
};

/// Nanoseconds a packet of `bursts` bursts.
template <typename Work>
double measure(std::size_t bursts, std::size_t count, Work work) {
  const std::uint64_t begin = cycles();
  for (std::size_t i = 0; i < bursts; ++i) work();
  return static_cast<double>(cycles() - begin) * ns_per_cycle() / static_cast<double>(bursts * count);
}

bool add_figures(Figures& figures, crypto::HmacSha1Burst burst, std::size_t count, std::uint32_t length) {
  const std::string stem = "hmac_sha1/" + std::to_string(length) + "/burst" + std::to_string(count) + "/";
  if (!figures.wanted(stem + "over_ipsec_mb") && !figures.wanted(stem + "ns") &&
      !figures.wanted(stem + "ipsec_mb_ns"))
    return true;
  Hashes hashes(count, length);
  const std::size_t bursts = kPacketsARound / count;
  const auto samples =
      interleaved_results(kRounds, {[&] { return measure(bursts, count, [&] { hashes.run_ours(burst); }); },
                                    [&] { return measure(bursts, count, [&] { hashes.run_theirs(); }); }});
  if (figures.wanted(stem + "over_ipsec_mb"))
    figures.add(stem + "over_ipsec_mb", ratios(samples[0], samples[1]), "ratio");
  if (figures.wanted(stem + "ns")) figures.add(stem + "ns", samples[0], "ns");
  if (figures.wanted(stem + "ipsec_mb_ns")) figures.add(stem + "ipsec_mb_ns", samples[1], "ns");
  return hashes.agree();
}

int write_figures(Figures& figures, crypto::HmacSha1Burst burst) {
  bool sound = true;
  for (const std::uint32_t length : kLengths)
    for (const std::size_t count : kBursts) sound &= add_figures(figures, burst, count, length);
  if (!sound) {
    std::fprintf(stderr, "the kernel and IPsec-MB disagree\n");
    return 1;
  }
  return figures.write() ? 0 : 1;
}

void register_benchmarks(crypto::HmacSha1Burst burst, std::size_t count, std::uint32_t length) {
  const std::string stem = "hmac_sha1/" + std::to_string(length) + "/burst" + std::to_string(count) + "/";
  const auto items = static_cast<std::int64_t>(count);
  benchmark::RegisterBenchmark((stem + "kernel").c_str(), [=](benchmark::State& state) {
    Hashes hashes(count, length);
    for (auto _ : state) hashes.run_ours(burst);
    state.SetItemsProcessed(state.iterations() * items);
  });
  benchmark::RegisterBenchmark((stem + "ipsec_mb").c_str(), [=](benchmark::State& state) {
    Hashes hashes(count, length);
    for (auto _ : state) hashes.run_theirs();
    state.SetItemsProcessed(state.iterations() * items);
  });
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  Figures figures(argc, argv);
  const auto burst = sallyport::crypto::hmac_sha1_burst_for_this_cpu();
  if (burst == nullptr) {
    // Nothing of ours to measure: no figures is the truth, and no failure.
    std::fprintf(stderr, "this CPU has no AVX-512 F, BW and VL: IPsec-MB hashes\n");
    return figures.requested() && !figures.write() ? 1 : 0;
  }
  if (figures.requested()) return write_figures(figures, burst);
  for (const std::uint32_t length : kLengths)
    for (const std::size_t count : kBursts) register_benchmarks(burst, count, length);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
