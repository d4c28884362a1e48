// SPDX-License-Identifier: GPL-3.0-or-later
// DataplaneClient: Runtime behind the MediaPlane seam; holds orders back while the workers' rings are full.
#pragma once

#include <deque>
#include <functional>

#include "control/media/media_plane.h"

namespace sallyport::control {

class DataplaneClient final : public MediaPlane {
 public:
  /// `runtime` outlives the object.
  explicit DataplaneClient(dataplane::Runtime& runtime) : runtime_(runtime) {}

  [[nodiscard]] std::span<const dataplane::PortInfo> ports() const override { return runtime_.ports(); }
  [[nodiscard]] std::size_t worker_count() const override { return runtime_.worker_count(); }
  [[nodiscard]] std::uint64_t tsc_hz() const override { return runtime_.tsc_hz(); }
  [[nodiscard]] std::uint64_t tsc_now() const override { return runtime_.tsc_now(); }
  [[nodiscard]] crypto::SrtpEngine& engine() override { return runtime_.engine(); }
  void submit(const dataplane::Command& order) override;
  [[nodiscard]] dataplane::PortStatistics port_statistics(std::size_t port) const override {
    return runtime_.port_statistics(port);
  }
  [[nodiscard]] const dataplane::WorkerCounters& worker_counters(std::size_t worker) const override {
    return runtime_.worker_counters(worker);
  }
  [[nodiscard]] Result<void> ban(const IpAddress& source) override { return runtime_.ban(source); }
  [[nodiscard]] Result<void> unban(const IpAddress& source) override { return runtime_.unban(source); }

  /// Hands receipts to `take` and sends what was held back; returns how many receipts there were.
  std::size_t poll(const std::function<void(const dataplane::Command&)>& take);
  [[nodiscard]] bool orders_under_way() const {
    return !held_back_.empty() || runtime_.commands_under_way() != 0;
  }

 private:
  void send_held_back();

  dataplane::Runtime& runtime_;
  std::deque<dataplane::Command> held_back_;
};

}  // namespace sallyport::control
