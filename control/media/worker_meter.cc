// SPDX-License-Identifier: GPL-3.0-or-later
// Differences of counters.
#include "control/media/worker_meter.h"

#include <algorithm>

namespace sallyport::control {

WorkerMeter::WorkerMeter(const MediaPlane& plane)
    : plane_(plane), last_(plane.worker_count()), rates_(plane.worker_count()) {
  sample();
  std::ranges::fill(rates_, WorkerRates{});
}

void WorkerMeter::sample() {
  for (std::size_t worker = 0; worker < last_.size(); ++worker) {
    const auto& counters = plane_.worker_counters(worker);
    const Sample now{plane_.tsc_now(), counters.received.get(), counters.busy_cycles.get()};
    const Sample before = std::exchange(last_[worker], now);
    if (now.tsc <= before.tsc) continue;
    const auto elapsed = static_cast<double>(now.tsc - before.tsc);
    const auto packets = static_cast<double>(now.received - before.received);
    const auto cycles = static_cast<double>(now.busy_cycles - before.busy_cycles);
    WorkerRates& rates = rates_[worker];
    rates.load = std::clamp(cycles / elapsed, 0.0, 1.0);
    rates.packets_per_second = packets * static_cast<double>(plane_.tsc_hz()) / elapsed;
    rates.cycles_per_packet = packets > 0 ? cycles / packets : 0;
  }
}

}  // namespace sallyport::control
