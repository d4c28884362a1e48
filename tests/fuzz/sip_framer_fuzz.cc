// SPDX-License-Identifier: GPL-3.0-or-later
// A stream may be cut anywhere: the frames are the same, and no buffer grows beyond its bound.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sip/stream_framer.h"

using namespace sallyport::sip;

namespace {

/// All messages of a stream that comes in pieces, and whether it broke. Keep-alives depend on the pieces.
std::vector<std::string> frames_of(std::string_view stream, std::size_t piece) {
  std::vector<std::string> frames;
  StreamFramer framer;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    framer.append(stream.substr(at, piece));
    for (Frame frame = framer.next(); frame.kind != FrameKind::none; frame = framer.next()) {
      if (frame.kind == FrameKind::message) frames.push_back(frame.text);
      if (frame.kind == FrameKind::broken) frames.emplace_back(frame.defect->reason);
      static_cast<void>(parse_message(std::move(frame)));
    }
    const std::size_t bound =
        kStandardLimits[Limit::header_bytes] + kStandardLimits[Limit::body_bytes] + piece + 4;
    if (framer.buffered() > bound) std::abort();
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const auto whole = frames_of(stream, size);
  const std::size_t piece = std::max<std::size_t>(1, data[0] % 64U);
  if (frames_of(stream, piece) != whole) std::abort();
  return 0;
}
