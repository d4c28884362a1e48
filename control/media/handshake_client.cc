// SPDX-License-Identifier: GPL-3.0-or-later
// What workers pass on, and where answers leave.
#include "control/media/handshake_client.h"

#include <chrono>

namespace sallyport::control {

std::size_t RuntimePath::receive(const std::function<void(const keying::PuntedDatagram&)>& take) {
  return runtime_.poll_handshakes([&](const dataplane::HandshakePacket& packet) {
    take({packet.leg, static_cast<std::uint8_t>(packet.component), packet.source, packet.neighbour,
          packet.octets()});
  });
}

void RuntimePath::send(const keying::LocalPort& local, const Endpoint& remote,
                       const std::optional<MacAddress>& neighbour, std::span<const std::uint8_t> payload) {
  // Lost like any datagram where it cannot be sent; the worker counts it.
  static_cast<void>(
      runtime_.send_handshake({local.worker, local.address, local.port, remote, neighbour}, payload));
}

keying::InstantMs HandshakeClient::now() const {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::size_t HandshakeClient::poll(Handshakes& handshakes) {
  handshakes.send_waiting();
  return thread_.poll_events([&](keying::HandshakeEvent& event) { handshakes.on_event(event); });
}

}  // namespace sallyport::control
