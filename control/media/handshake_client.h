// SPDX-License-Identifier: GPL-3.0-or-later
// HandshakeClient: the handshake thread between the workers' rings and control.
#pragma once

#include "control/media/handshakes.h"
#include "dataplane/runtime.h"
#include "keying/handshake_thread.h"

namespace sallyport::control {

/// The workers' rings as the handshake thread sees them.
class RuntimePath final : public keying::MediaPath {
 public:
  /// `runtime` outlives the object.
  explicit RuntimePath(dataplane::Runtime& runtime) : runtime_(runtime) {}

  std::size_t receive(const std::function<void(const keying::PuntedDatagram&)>& take) override;
  void send(const keying::LocalPort& local, const Endpoint& remote,
            const std::optional<MacAddress>& neighbour, std::span<const std::uint8_t> payload) override;

 private:
  dataplane::Runtime& runtime_;
};

class HandshakeClient final : public HandshakePlane {
 public:
  /// Starts the thread. `runtime` outlives the object.
  HandshakeClient(dataplane::Runtime& runtime, const keying::HandshakeLimits& limits)
      : path_(runtime), thread_(path_, limits) {}

  [[nodiscard]] bool has_room() const override { return thread_.has_room(); }
  void order(keying::HandshakeOrder order) override {
    static_cast<void>(thread_.order(std::move(order)));  // there is room: nobody else orders
  }
  [[nodiscard]] keying::InstantMs now() const override;
  /// Hands over what has happened; returns how much.
  std::size_t poll(Handshakes& handshakes);
  /// Readable when there is something to poll.
  [[nodiscard]] int descriptor() const { return thread_.event_descriptor(); }
  [[nodiscard]] const keying::HandshakeCounters& counters() const { return thread_.counters(); }

 private:
  RuntimePath path_;
  keying::HandshakeThread thread_;
};

}  // namespace sallyport::control
