// SPDX-License-Identifier: GPL-3.0-or-later
// What does a packet cost on its whole way through a worker, and how far is that from the ciphers it
// contains?
//
// Packets arrive over ring ports, each of another relay in turn, closed with the access peers' keys; they
// leave for the core peers. Only Worker::poll_once is timed. The bare passes are those of crypto_bare.h: two
// cipher passes on packets of the same size with 32 keys that stay in the caches, prepared beforehand,
// nothing checked.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <rte_mbuf.h>

#include "base/bytes.h"
#include "base/key_memory.h"
#include "bench/crypto_bare.h"
#include "bench/figures.h"
#include "crypto/srtp.h"
#include "dataplane/header_template.h"
#include "tests/support/peer.h"
#include "tests/support/relay_rig.h"

namespace sallyport::bench {
namespace {

using crypto::EngineKind;
using crypto::SuiteId;
using dataplane::CommandResult;

constexpr std::uint16_t kFirstPort = 10000;
constexpr std::uint16_t kLastPort = 65535;
constexpr std::size_t kStride = 7919;  // from one relay to the next: a prime, so that all have their turn
constexpr std::size_t kBatch = 32;     // packets closed at once by the peers
constexpr std::size_t kFeed = 256;     // packets that wait on the ring

struct Scenario {
  const char* name;  ///< "srtp_srtp"
  std::optional<SuiteId> access;
  std::optional<SuiteId> core;
  std::size_t payload;
  std::uint16_t burst;
  std::size_t flows;
  EngineKind engine = EngineKind::ipsec_mb;

  [[nodiscard]] std::string title() const {
    const auto suite = access ? access : core;
    return std::string("relay/") + name + "/" +
           (suite ? std::string(crypto::suite(*suite).name) + "/" : std::string()) + std::to_string(payload) +
           "/burst" + std::to_string(burst) + "/flows" + std::to_string(flows);
  }
};

std::vector<dataplane::MediaAddress> one_address_a_side() {
  const auto address = [](const char* text, std::uint8_t port) {
    return dataplane::MediaAddress{.address = *IpAddress::parse(text),
                                   .port = port,
                                   .first_udp_port = kFirstPort,
                                   .last_udp_port = kLastPort};
  };
  return {address("192.0.2.1", 0), address("198.51.100.1", 1)};
}

template <typename T>
T value_of(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().text.c_str());
  std::exit(1);
}

/// As many relays as there are flows to load, muxed on both legs, and the peers that send to them.
class LoadedRelay {
 public:
  explicit LoadedRelay(const Scenario& scenario)
      : scenario_(scenario),
        rig_({.burst_limit = scenario.burst, .engine = scenario.engine, .addresses = one_address_a_side()}),
        peers_(value_of(crypto::make_srtp_engine(EngineKind::ipsec_mb))) {
    const auto before = key_memory_use().in_use;
    for (std::size_t i = 0; i < scenario.flows; ++i) add_relay(i);
    relay_bytes_ = (key_memory_use().in_use - before) / scenario.flows;
    if (!scenario.access) return;
    for (std::size_t i = 0; i < scenario.flows; ++i)
      senders_.push_back(value_of(peers_->make_outbound(test::srtp_config(*scenario.access, seed(i)))));
  }

  ~LoadedRelay() {
    for (std::size_t i = 0; i < forth_.size(); ++i) rig_.unlink(*forth_[i], *back_[i]);
  }

  /// CPU nanoseconds that a worker took for kFeed packets. Making them is not counted; the packets' octets
  /// have then left the first cache, as those that a network card wrote.
  [[nodiscard]] double run() {
    for (std::size_t made = 0; made < kFeed; made += kBatch) make_packets();
    std::size_t taken = 0;
    const double begin = thread_cpu_ns();
    while (taken < kFeed) taken += rig_.workers[0]->poll_once(cycles());
    const double spent = thread_cpu_ns() - begin;
    collect();
    return spent;
  }

  /// Octets of flows and keys that one relay holds.
  [[nodiscard]] std::size_t relay_bytes() const { return relay_bytes_; }
  [[nodiscard]] std::size_t lost() const { return lost_; }

 private:
  static std::uint8_t seed(std::size_t i) { return static_cast<std::uint8_t>(i % 64); }
  static std::uint16_t port(std::size_t i) { return static_cast<std::uint16_t>(kFirstPort + i); }

  void add_relay(std::size_t i) {
    const Endpoint access_peer{*IpAddress::parse("192.0.2.99"), port(i)};
    const Endpoint core_peer{*IpAddress::parse("198.51.100.99"), port(i)};
    forth_.push_back(make_flow(i, access_peer, core_peer, true));
    back_.push_back(make_flow(i, core_peer, access_peer, false));
    if (rig_.link(*forth_.back(), *back_.back()) == CommandResult::done) return;
    std::fprintf(stderr, "relay %zu could not be linked\n", i);
    std::exit(1);
  }

  dataplane::FlowPtr make_flow(std::size_t i, const Endpoint& from, const Endpoint& to, bool forward) {
    dataplane::FlowConfig config;
    config.id = 2 * i + (forward ? 0 : 1);
    config.arrival.address = forward ? 0 : 1;
    config.arrival.rtp_port = config.arrival.rtcp_port = port(i);
    config.arrival.policy = dataplane::SourcePolicy::latch;
    config.arrival.source.fill(from);
    config.departure.local = rig_.addresses[forward ? 1 : 0].address;
    config.departure.rtp_port = config.departure.rtcp_port = port(i);
    config.departure.target.fill(to);
    config.departure.next_hop.fill(forward ? test::kCoreHop : test::kAccessHop);
    const auto in = forward ? scenario_.access : scenario_.core;
    const auto out = forward ? scenario_.core : scenario_.access;
    if (in) config.arrival.stream = value_of(rig_.engine->make_inbound(test::srtp_config(*in, seed(i))));
    if (out)
      config.departure.stream = value_of(
          rig_.engine->make_outbound(test::srtp_config(*out, static_cast<std::uint8_t>(seed(i) + 64))));
    return dataplane::make_flow(std::move(config));
  }

  void make_packets() {
    std::array<crypto::OutboundPacket, kBatch> closing;
    std::array<rte_mbuf*, kBatch> mbufs;
    for (std::size_t n = 0; n < kBatch; ++n) {
      mbufs[n] = rig_.access.blank();
      closing[n] = write_rtp(*mbufs[n], turn_ * kStride % scenario_.flows);
      turn_ = (turn_ + 1) % scenario_.flows;
      if (turn_ == 0) ++sequence_;
    }
    if (scenario_.access) peers_->protect_rtp(closing);
    for (std::size_t n = 0; n < kBatch; ++n) {
      write_headers(*mbufs[n], closing[n]);
      if (!rig_.access.deliver_packet(mbufs[n])) ++lost_;
    }
  }

  static constexpr std::size_t kHeaders =
      dataplane::kEthernetLength + dataplane::kIpv4Length + dataplane::kUdpLength;

  crypto::OutboundPacket write_rtp(rte_mbuf& mbuf, std::size_t i) {
    auto* rtp = rte_pktmbuf_mtod_offset(&mbuf, std::uint8_t*, kHeaders);
    const std::uint16_t sequence = sequence_;
    rtp[0] = 0x80;
    rtp[1] = 0;
    store_be16(rtp + 2, sequence);
    store_be32(rtp + 4, sequence * 160u);
    store_be32(rtp + 8, 0x10000000u + static_cast<std::uint32_t>(i));
    std::memset(rtp + kHeaderLength, 0x55, scenario_.payload);
    return {.data = rtp,
            .length = static_cast<std::uint16_t>(kHeaderLength + scenario_.payload),
            .room = 1800,
            .header_length = kHeaderLength,
            .sequence = sequence,
            .ssrc = 0x10000000u + static_cast<std::uint32_t>(i),
            .stream = scenario_.access ? senders_[i].get() : nullptr};
  }

  void write_headers(rte_mbuf& mbuf, const crypto::OutboundPacket& packet) {
    const std::uint16_t peer_port = port(packet.ssrc - 0x10000000u);
    dataplane::HeaderTemplate headers({access_host_, peer_port}, 46, 64);
    headers.aim_at({rig_.addresses[0].address, peer_port});
    auto* ip = rte_pktmbuf_mtod_offset(&mbuf, std::uint8_t*, dataplane::kEthernetLength);
    headers.write(ip, packet.length);
    headers.finish_udp(ip, packet.length);
    std::memset(ip - dataplane::kEthernetLength, 2, 12);
    store_be16(ip - 2, dataplane::kEtherTypeIpv4);
    mbuf.data_len = static_cast<std::uint16_t>(kHeaders + packet.length);
    mbuf.pkt_len = mbuf.data_len;
  }

  void collect() {
    std::array<rte_mbuf*, kFeed> sent;
    const std::size_t taken = rig_.core.take_sent(sent);
    rte_pktmbuf_free_bulk(sent.data(), static_cast<unsigned>(taken));
    lost_ += kFeed - taken;
  }

  Scenario scenario_;
  test::RelayRig rig_;
  std::unique_ptr<crypto::SrtpEngine> peers_;
  std::vector<crypto::OutboundStreamPtr> senders_;
  std::vector<dataplane::FlowPtr> forth_;
  std::vector<dataplane::FlowPtr> back_;
  std::size_t turn_ = 0;
  std::uint16_t sequence_ = 1;
  const IpAddress access_host_ = IpAddress::v4({192, 0, 2, 99});
  std::size_t relay_bytes_ = 0;
  std::size_t lost_ = 0;
};

/// The two cipher passes that an SRTP-to-SRTP relay contains, bare.
class BarePasses {
 public:
  BarePasses(SuiteId suite, std::size_t payload) : storage_(kBurst * kBufferLength) {
    for (std::size_t i = 0; i < kBurst; ++i)
      packets_.push_back(storage_.data() + i * (kHeaderLength + payload + 128) / 64 * 64);
    loop_ = std::make_unique<BareLoop>(suite, payload, packets_);
  }
  /// CPU nanoseconds.
  [[nodiscard]] double run(std::size_t bursts) {
    const double begin = thread_cpu_ns();
    for (std::size_t i = 0; i < bursts; ++i) {
      loop_->unprotect();
      loop_->protect();
    }
    return thread_cpu_ns() - begin;
  }

 private:
  std::vector<std::uint8_t> storage_;
  std::vector<std::uint8_t*> packets_;
  std::unique_ptr<BareLoop> loop_;
};

constexpr std::size_t kRounds = 600;
constexpr std::size_t kBareBursts = 8;

bool add_figures(Figures& figures, const Scenario& scenario) {
  const std::string title = scenario.title();
  if (!figures.wanted(title + "/ns") && !figures.wanted(title + "/over_bare_passes") &&
      !figures.wanted(title + "/packets_per_second"))
    return true;
  LoadedRelay relay(scenario);
  std::vector<std::function<double()>> works = {[&] { return relay.run() / kFeed; }};
  const bool both_keyed = scenario.access && scenario.core;
  std::unique_ptr<BarePasses> bare;
  if (both_keyed) {
    bare = std::make_unique<BarePasses>(*scenario.access, scenario.payload);
    works.emplace_back([&] { return bare->run(kBareBursts) / kBareBursts / kBurst; });
  }
  const auto samples = interleaved_results(kRounds, works);
  std::vector<double> rates;
  for (const double nanoseconds : samples[0]) rates.push_back(1e9 / nanoseconds);
  figures.add(title + "/ns", samples[0], "ns");
  figures.add(title + "/packets_per_second", rates, "packets/s");
  if (both_keyed) figures.add(title + "/over_bare_passes", ratios(samples[0], samples[1]), "ratio");
  if (relay.lost() > 0) std::fprintf(stderr, "%s: %zu packets were lost\n", title.c_str(), relay.lost());
  return relay.lost() == 0;
}

std::vector<Scenario> scenarios() {
  const auto cm = SuiteId::aes_cm_128_hmac_sha1_80;
  const auto gcm = SuiteId::aead_aes_128_gcm;
  std::vector<Scenario> all;
  for (const std::uint16_t burst : {std::uint16_t{1}, std::uint16_t{4}, std::uint16_t{32}})
    for (const std::size_t flows : {1u, 1000u, 50000u}) {
      all.push_back({"rtp_rtp", std::nullopt, std::nullopt, 160, burst, flows});
      all.push_back({"rtp_srtp", std::nullopt, cm, 160, burst, flows});
      all.push_back({"srtp_srtp", cm, cm, 160, burst, flows});
      all.push_back({"srtp_srtp", gcm, gcm, 160, burst, flows});
    }
  return all;
}

int write_figures(Figures& figures) {
  bool sound = true;
  for (const Scenario& scenario : scenarios()) sound &= add_figures(figures, scenario);
  for (const auto& [name, suite] :
       {std::pair{"memory/relay_bytes", SuiteId::aes_cm_128_hmac_sha1_80},
        std::pair{"memory/relay_bytes/AEAD_AES_128_GCM", SuiteId::aead_aes_128_gcm}}) {
    if (!figures.wanted(name)) continue;
    const LoadedRelay relay({"memory", suite, suite, 160, 32, 100});
    figures.add(name, {static_cast<double>(relay.relay_bytes())}, "bytes");
  }
  return sound && figures.write() ? 0 : 1;
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  Figures figures(argc, argv);
  if (figures.requested()) return write_figures(figures);
  for (const Scenario& scenario : scenarios())
    benchmark::RegisterBenchmark(scenario.title().c_str(), [scenario](benchmark::State& state) {
      LoadedRelay relay(scenario);
      for (auto _ : state) state.SetIterationTime(relay.run() * 1e-9);
      state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFeed));
      if (relay.lost() > 0) state.SkipWithError("packets were lost");
    })->UseManualTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
