// SPDX-License-Identifier: GPL-3.0-or-later
// A browser by hand: octet for octet what a test wants to send.
#include "tests/support/websocket_client.h"

#include <array>
#include <cstdint>
#include <stdexcept>

namespace sallyport::test {

using transport::Opcode;

std::string upgrade_request() {
  return "GET / HTTP/1.1\r\nHost: sip.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://phone.test\r\n"
         "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("nothing to replace");
  return text.replace(at, from.size(), to);
}

std::string client_frame(Opcode opcode, std::string_view payload, bool fin) {
  static constexpr std::array<char, 4> kMask{'\x37', '\xfa', '\x21', '\x3d'};
  std::string frame = transport::websocket_frame(opcode, payload);
  const std::size_t head = frame.size() - payload.size();
  if (!fin) frame[0] = static_cast<char>(frame[0] & 0x7f);
  frame[1] = static_cast<char>(frame[1] | 0x80);
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame[head + i] = static_cast<char>(frame[head + i] ^ kMask[i % kMask.size()]);
  return frame.insert(head, kMask.data(), kMask.size());
}

std::string with_first(std::string octets, char first) {
  octets.at(0) = first;
  return octets;
}

ServerFrame next_frame(TestStream& peer, std::string& received) {
  const auto need = [&](std::size_t size) {
    while (received.size() < size) {
      const std::string more = peer.receive();
      if (more.empty()) return false;
      received += more;
    }
    return true;
  };
  if (!need(2)) return {};
  const auto length = static_cast<std::uint8_t>(received[1]);
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  std::size_t size = extended == 0 ? length : 0;
  if (!need(2 + extended)) return {};
  for (std::size_t i = 0; i < extended; ++i) size = size << 8 | static_cast<std::uint8_t>(received[2 + i]);
  if (!need(2 + extended + size)) return {};
  ServerFrame frame{static_cast<Opcode>(received[0] & 0x0f), received.substr(2 + extended, size)};
  received.erase(0, 2 + extended + size);
  return frame;
}

}  // namespace sallyport::test
