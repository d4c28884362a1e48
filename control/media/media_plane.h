// SPDX-License-Identifier: GPL-3.0-or-later
// MediaPlane: the seam between relay logic and the workers. dataplane_client.h puts Runtime behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/srtp.h"
#include "dataplane/command.h"
#include "dataplane/runtime.h"

namespace sallyport::control {

/// All members are called by the control thread.
class MediaPlane {
 public:
  virtual ~MediaPlane() = default;

  [[nodiscard]] virtual std::span<const dataplane::PortInfo> ports() const = 0;
  [[nodiscard]] virtual std::size_t worker_count() const = 0;
  [[nodiscard]] virtual std::uint64_t tsc_hz() const = 0;
  [[nodiscard]] virtual std::uint64_t tsc_now() const = 0;
  /// For making streams.
  [[nodiscard]] virtual crypto::SrtpEngine& engine() = 0;
  /// Takes every order and keeps their sequence for each worker; the receipt follows, never within this call.
  virtual void submit(const dataplane::Command& order) = 0;

  [[nodiscard]] virtual dataplane::PortStatistics port_statistics(std::size_t port) const = 0;
  [[nodiscard]] virtual const dataplane::WorkerCounters& worker_counters(std::size_t worker) const = 0;
  /// Drops a source before it costs anything (shared ports). unsupported: there is no such port.
  [[nodiscard]] virtual Result<void> ban(const IpAddress& source) = 0;
  [[nodiscard]] virtual Result<void> unban(const IpAddress& source) = 0;
};

}  // namespace sallyport::control
