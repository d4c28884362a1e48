// SPDX-License-Identifier: GPL-3.0-or-later
// A browser may send anything: a request for a WebSocket, and frames behind it. However its octets are cut,
// the outcome is the same, and nothing grows beyond its bound.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "transport/websocket_frames.h"
#include "transport/websocket_upgrade.h"

namespace {

using namespace sallyport::transport;

constexpr std::size_t kLongestRequest = 1024;
constexpr std::size_t kLongestMessage = 300;

void check(bool holds) {
  if (!holds) std::abort();
}

std::string ask(std::string_view request, std::size_t piece) {
  WebSocketRules rules;
  rules.origins = {"https://phone.test"};
  rules.no_origin = true;
  WebSocketUpgrade upgrade(std::make_shared<const WebSocketRules>(rules));
  UpgradeStep step = UpgradeStep::wants_input;
  for (std::size_t at = 0; at < request.size() && step == UpgradeStep::wants_input; at += piece)
    step = upgrade.take(request.substr(at, piece), kLongestRequest);
  check((step == UpgradeStep::wants_input) == upgrade.answer().empty());
  check((step == UpgradeStep::granted) == upgrade.answer().starts_with("HTTP/1.1 101 "));
  check(step != UpgradeStep::wants_input || request.size() <= kLongestRequest);
  return upgrade.answer();
}

struct Seen {
  WebSocketEventKind kind;
  std::string text;
  CloseCode code;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> read(std::string_view octets, std::size_t piece) {
  WebSocketReader reader;
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    std::string_view part = octets.substr(at, piece);
    while (true) {
      const WebSocketEvent event = reader.next(part, kLongestMessage);
      if (event.kind == WebSocketEventKind::none) break;
      const bool ended = !seen.empty() && (seen.back().kind == WebSocketEventKind::close ||
                                           seen.back().kind == WebSocketEventKind::broken);
      check(!ended);
      const bool control = event.kind == WebSocketEventKind::ping || event.kind == WebSocketEventKind::pong;
      check(event.text.size() <= (control ? 125 : kLongestMessage));
      seen.push_back({event.kind, event.text, event.code});
    }
    check(part.empty());
  }
  return seen;
}

}  // namespace

// The first octet says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 16 + 1;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = all.find("\r\n\r\n");
  const std::size_t head = end == std::string_view::npos ? all.size() : end + 4;
  check(ask(all.substr(0, head), piece) == ask(all.substr(0, head), size));
  // Frames are read whatever became of the request.
  const std::string_view frames = all.substr(head);
  check(read(frames, piece) == read(frames, size));
  return 0;
}
