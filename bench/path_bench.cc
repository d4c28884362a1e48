// SPDX-License-Identifier: GPL-3.0-or-later
// What do the first stages cost: parsing and classifying a frame, and finding its flow among many, warm and
// cold?
//
// Cold means that the lines in question were flushed from all caches before each burst; a burst's misses
// overlap, as they do in Worker::find_flows.
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <benchmark/benchmark.h>
#include <emmintrin.h>

#include "bench/figures.h"
#include "dataplane/demux.h"
#include "dataplane/flow_state.h"
#include "dataplane/flow_table.h"
#include "dataplane/frame.h"
#include "dataplane/rtp.h"
#include "tests/support/frames.h"

namespace sallyport::bench {
namespace {

using dataplane::FrameView;

constexpr std::size_t kBurst = 32;
constexpr std::size_t kBursts = 64;  // a measurement
constexpr std::size_t kRounds = 200;
constexpr std::uint16_t kFirstPort = 1024;

test::Octets frame(bool v6, std::uint16_t vlan) {
  test::FrameSpec spec;
  spec.source = *Endpoint::parse(v6 ? "[2001:db8::9]:4000" : "192.0.2.9:4000");
  spec.destination = *Endpoint::parse(v6 ? "[2001:db8::7]:30000" : "198.51.100.7:30000");
  spec.vlan = vlan;
  return test::udp_frame(spec, test::rtp_packet({}, test::Octets(170, 1)));
}

/// What a worker does with a frame before it looks for a flow; the result is used, so that nothing is left
/// out.
std::uint32_t parse_and_classify(const test::Octets& octets) {
  const FrameView view = dataplane::parse_frame(octets.data(), octets.size());
  const std::span<const std::uint8_t> payload(octets.data() + view.payload_offset, view.payload_length);
  if (dataplane::classify_payload(payload) != dataplane::PayloadClass::rtp) std::abort();
  return dataplane::parse_rtp(payload).ssrc + view.source.port;
}

/// CPU nanoseconds a frame.
double time_parsing(const test::Octets& octets) {
  std::uint32_t sum = 0;
  const double begin = thread_cpu_ns();
  for (std::size_t i = 0; i < kBurst * kBursts; ++i) {
    sum += parse_and_classify(octets);
    benchmark::ClobberMemory();
  }
  const double spent = thread_cpu_ns() - begin;
  benchmark::DoNotOptimize(sum);
  return spent / (kBurst * kBursts);
}

/// Flows on consecutive ports of as many addresses as they need.
class Lookup {
 public:
  explicit Lookup(std::size_t flows) : index_(addresses(flows)), table_(index_.size()) {
    for (std::size_t i = 0; i < flows; ++i) {
      dataplane::FlowConfig config;
      config.id = i;
      config.departure.local = IpAddress::v4({192, 0, 2, 1});
      flows_.push_back(dataplane::make_flow(std::move(config)));
      table_.set(index_.of(address_of(i), port_of(i)), flows_.back().get());
    }
  }

  /// CPU nanoseconds a lookup, in bursts of packets for random flows.
  double time(bool cold) {
    double spent = 0;
    std::uint64_t sum = 0;
    for (std::size_t burst = 0; burst < kBursts; ++burst) {
      choose(cold);
      const std::uint64_t begin = cycles();
      sum += find();
      spent += static_cast<double>(cycles() - begin);
    }
    benchmark::DoNotOptimize(sum);
    return spent * ns_per_cycle() / (kBurst * kBursts);
  }

 private:
  static constexpr std::size_t kPortsAnAddress = 60'000;

  static std::vector<dataplane::MediaAddress> addresses(std::size_t flows) {
    std::vector<dataplane::MediaAddress> made;
    for (std::size_t first = 0; first < flows; first += kPortsAnAddress)
      made.push_back({.address = IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(made.size() + 1)}),
                      .first_udp_port = kFirstPort,
                      .last_udp_port = kFirstPort + kPortsAnAddress - 1});
    return made;
  }
  static std::uint8_t address_of(std::size_t i) { return static_cast<std::uint8_t>(i / kPortsAnAddress); }
  static std::uint16_t port_of(std::size_t i) {
    return static_cast<std::uint16_t>(kFirstPort + i % kPortsAnAddress);
  }

  void choose(bool cold) {
    for (std::size_t& chosen : chosen_) {
      chosen = random_() % flows_.size();
      if (!cold) continue;
      const dataplane::Flow& flow = *flows_[chosen];
      for (const void* line :
           {static_cast<const void*>(&flow), static_cast<const void*>(&flow.headers),
            static_cast<const void*>(&flow.reception), static_cast<const void*>(&flow.counters)})
        _mm_clflush(line);
      _mm_clflush(table_.entry(index_.of(address_of(chosen), port_of(chosen))));
    }
    _mm_mfence();
  }

  /// As Worker::find_flows does it.
  std::uint64_t find() {
    std::array<std::uint32_t, kBurst> places;
    std::array<const dataplane::Flow*, kBurst> found;
    for (std::size_t n = 0; n < kBurst; ++n) {
      places[n] = index_.of(address_of(chosen_[n]), port_of(chosen_[n]));
      table_.prefetch(places[n]);
    }
    for (std::size_t n = 0; n < kBurst; ++n) {
      found[n] = table_.find(places[n]);
      dataplane::prefetch(*found[n]);
    }
    std::uint64_t sum = 0;
    for (const dataplane::Flow* flow : found) sum += flow->source[0].port + flow->counters.expected.get();
    return sum;
  }

  dataplane::PortIndex index_;
  dataplane::FlowTable table_;
  std::vector<dataplane::FlowPtr> flows_;
  std::array<std::size_t, kBurst> chosen_{};
  std::mt19937 random_{3};
};

struct Measurement {
  std::string name;
  std::function<double()> run;  ///< nanoseconds
};

std::vector<Measurement> measurements() {
  std::vector<Measurement> all;
  for (const auto& [name, v6, vlan] :
       {std::tuple{"ipv4", false, std::uint16_t{0}}, std::tuple{"ipv6", true, std::uint16_t{0}},
        std::tuple{"ipv4_vlan", false, std::uint16_t{7}}})
    all.push_back({std::string("parse_classify/") + name + "/ns",
                   [octets = frame(v6, vlan)] { return time_parsing(octets); }});
  for (const std::size_t flows : {1u, 1000u, 100'000u}) {
    const auto lookup = std::make_shared<Lookup>(flows);
    for (const bool cold : {false, true})
      all.push_back({"flow_lookup/flows" + std::to_string(flows) + (cold ? "/cold/ns" : "/warm/ns"),
                     [lookup, cold] { return lookup->time(cold); }});
  }
  return all;
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  Figures figures(argc, argv);
  const auto all = measurements();
  if (figures.requested()) {
    for (const Measurement& measurement : all)
      if (figures.wanted(measurement.name))
        figures.add(measurement.name, interleaved_results(kRounds, {measurement.run})[0], "ns");
    return figures.write() ? 0 : 1;
  }
  for (const Measurement& measurement : all)
    benchmark::RegisterBenchmark(measurement.name.c_str(), [run = measurement.run](benchmark::State& state) {
      for (auto _ : state) state.SetIterationTime(run() * kBurst * kBursts * 1e-9);
      state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst * kBursts));
    })->UseManualTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
