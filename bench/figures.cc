// SPDX-License-Identifier: GPL-3.0-or-later
// Figures: named measurements with median and spread.
#include "bench/figures.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include <x86intrin.h>

namespace sallyport::bench {

namespace {

/// The value at `part` (0 to 1) of the sorted samples, between two of them if need be.
double quantile(std::vector<double>& samples, double part) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double at = part * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] + (samples[above] - samples[below]) * (at - static_cast<double>(below));
}

}  // namespace

double median(std::vector<double> samples) {
  return quantile(samples, 0.5);
}

double spread(std::vector<double> samples) {
  return quantile(samples, 0.75) - quantile(samples, 0.25);
}

std::vector<double> ratios(const std::vector<double>& over, const std::vector<double>& under) {
  std::vector<double> result;
  for (std::size_t i = 0; i < std::min(over.size(), under.size()); ++i) result.push_back(over[i] / under[i]);
  return result;
}

double thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::vector<std::vector<double>> interleaved_results(std::size_t rounds,
                                                     const std::vector<std::function<double()>>& works) {
  std::vector<std::vector<double>> samples(works.size());
  for (std::size_t round = 0; round <= rounds; ++round)
    for (std::size_t i = 0; i < works.size(); ++i) {
      const double result = works[i]();
      if (round > 0) samples[i].push_back(result);
    }
  return samples;
}

std::vector<std::vector<double>> interleaved(std::size_t rounds,
                                             const std::vector<std::function<void()>>& works) {
  std::vector<std::function<double()>> timed;
  for (const auto& work : works)
    timed.push_back([&work] {
      const double begin = thread_cpu_ns();
      work();
      return thread_cpu_ns() - begin;
    });
  return interleaved_results(rounds, timed);
}

std::uint64_t cycles() {
  _mm_lfence();
  const std::uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
}

double ns_per_cycle() {
  static const double measured = [] {
    const auto begin = std::chrono::steady_clock::now();
    const std::uint64_t first = cycles();
    while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(20)) {
    }
    const std::uint64_t last = cycles();
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
    return elapsed.count() / static_cast<double>(last - first);
  }();
  return measured;
}

Figures::Figures(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--figures" && i + 1 < argc)
      path_ = argv[++i];
    else if (argument == "--only" && i + 1 < argc)
      prefix_ = argv[++i];
    else
      argv[kept++] = argv[i];
  }
  argc = kept;
  argv[argc] = nullptr;
}

bool Figures::wanted(std::string_view name) const {
  return requested() && name.starts_with(prefix_);
}

void Figures::add(std::string_view name, const std::vector<double>& samples, std::string_view unit) {
  figures_[std::string(name)] = Figure{median(samples), spread(samples), std::string(unit)};
}

bool Figures::write() const {
  std::FILE* file = std::fopen(path_.c_str(), "w");
  if (file == nullptr) {
    std::fprintf(stderr, "%s: cannot be written\n", path_.c_str());
    return false;
  }
  std::fputs("{", file);
  const char* separator = "\n";
  for (const auto& [name, figure] : figures_) {
    std::fprintf(file, "%s  \"%s\": {\"median\": %.6g, \"spread\": %.6g, \"unit\": \"%s\"}", separator,
                 name.c_str(), figure.median, figure.spread, figure.unit.c_str());
    separator = ",\n";
  }
  std::fputs("\n}\n", file);
  return std::fclose(file) == 0;
}

}  // namespace sallyport::bench
