// SPDX-License-Identifier: GPL-3.0-or-later
// Figures: named measurements with median and spread, and the interleaved measuring that makes ratios honest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::bench {

/// The middle value; of an even count, the mean of both middle ones. 0 of nothing.
[[nodiscard]] double median(std::vector<double> samples);
/// The distance between the quartiles, in the samples' unit.
[[nodiscard]] double spread(std::vector<double> samples);
/// Sample by sample, `over[i] / under[i]`: both come from the same round.
[[nodiscard]] std::vector<double> ratios(const std::vector<double>& over, const std::vector<double>& under);

/// Nanoseconds of CPU time that this thread has used: what other processes do on the machine stays out of it.
[[nodiscard]] double thread_cpu_ns();

/// Runs all `works` once a round, one after the other, `rounds` times after one round that is not counted.
/// Returns, for each work, the CPU nanoseconds of each of its runs. A run should last 50 µs or more, for
/// reading the clock costs too.
[[nodiscard]] std::vector<std::vector<double>> interleaved(std::size_t rounds,
                                                           const std::vector<std::function<void()>>& works);

/// The same for works that measure themselves: each run returns its own result.
[[nodiscard]] std::vector<std::vector<double>> interleaved_results(
    std::size_t rounds, const std::vector<std::function<double()>>& works);

/// The time stamp counter, with what came before it finished: for stretches too short for thread_cpu_ns().
[[nodiscard]] std::uint64_t cycles();
/// Nanoseconds a cycle, measured once.
[[nodiscard]] double ns_per_cycle();

/// Collects figures and writes them as JSON: {"NAME": {"median": 1.1, "spread": 0.02, "unit": "ratio"}}.
///
/// Every bench program takes `--figures FILE` and `--only PREFIX`. Without `--figures` nothing is wanted, and
/// the program runs its Google benchmarks.
class Figures {
 public:
  /// Takes its own arguments out of the program's.
  Figures(int& argc, char** argv);

  /// Whether figures are asked for at all.
  [[nodiscard]] bool requested() const { return !path_.empty(); }
  /// Whether this one is: its name begins with the prefix, if there is one.
  [[nodiscard]] bool wanted(std::string_view name) const;
  void add(std::string_view name, const std::vector<double>& samples, std::string_view unit);
  /// Writes the file. False, with a line on standard error, when that fails.
  [[nodiscard]] bool write() const;

 private:
  struct Figure {
    double median;
    double spread;
    std::string unit;
  };

  std::string path_;
  std::string prefix_;
  std::map<std::string, Figure, std::less<>> figures_;
};

}  // namespace sallyport::bench
