// SPDX-License-Identifier: GPL-3.0-or-later
// What a browser sends: the request for a WebSocket and masked frames, right or altered.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/test_stream.h"
#include "transport/websocket_frames.h"

namespace sallyport::test {

/// From a page of https://phone.test, with the key of RFC 6455 §1.3.
[[nodiscard]] std::string upgrade_request();
/// With the first `from` replaced; throws std::logic_error if there is none.
[[nodiscard]] std::string replaced(std::string text, std::string_view from, std::string_view to);
[[nodiscard]] std::string client_frame(transport::Opcode opcode, std::string_view payload, bool fin = true);
[[nodiscard]] std::string with_first(std::string octets, char first);

/// One frame of a server's.
struct ServerFrame {
  transport::Opcode opcode = transport::Opcode::continuation;
  std::string payload;
};
/// Blocks until one is whole; a continuation without a payload where the server ended instead.
[[nodiscard]] ServerFrame next_frame(TestStream& peer, std::string& received);

}  // namespace sallyport::test
