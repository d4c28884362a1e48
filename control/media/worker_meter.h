// SPDX-License-Identifier: GPL-3.0-or-later
// WorkerMeter: rates from the workers' counters, over the time between two samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "control/media/media_plane.h"

namespace sallyport::control {

struct WorkerRates {
  double load = 0;                ///< share of time in turns that found packets, 0 to 1
  double packets_per_second = 0;  ///< received
  double cycles_per_packet = 0;   ///< TSC cycles of busy turns
};

class WorkerMeter {
 public:
  explicit WorkerMeter(const MediaPlane& plane);

  /// To be called regularly, about once a second; rates are those between the last two calls.
  void sample();
  [[nodiscard]] const WorkerRates& rates(std::size_t worker) const { return rates_[worker]; }

 private:
  struct Sample {
    std::uint64_t tsc = 0, received = 0, busy_cycles = 0;
  };

  const MediaPlane& plane_;
  std::vector<Sample> last_;
  std::vector<WorkerRates> rates_;
};

}  // namespace sallyport::control
