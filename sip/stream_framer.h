// SPDX-License-Identifier: GPL-3.0-or-later
// Stream framer: cuts the octets of a TCP or TLS connection into messages and keep-alives (RFC 3261 §18.3,
// RFC 5626 §3.5.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/limits.h"
#include "sip/message.h"

namespace sallyport::sip {

enum class FrameKind : std::uint8_t {
  none,     ///< more octets are needed
  message,  ///< one whole message
  ping,     ///< a keep-alive that wants a CRLF in answer
  pong,     ///< a single CRLF: the answer to our ping, or an empty line before a message
  broken,   ///< where the next message begins can no longer be told: answer if answerable, then close
};

struct Frame {
  FrameKind kind = FrameKind::none;
  std::string text;              ///< of a message; of a broken one, what is there of its header
  std::optional<Defect> defect;  ///< why it is broken
};

/// One connection's buffer, never longer than a message may be and what was appended last. It holds no memory
/// while nothing is in it. Usage: append what was received, then next() until none.
class StreamFramer {
 public:
  explicit StreamFramer(const Limits& limits = kStandardLimits) : limits_(&limits) {}

  void append(std::string_view octets);
  [[nodiscard]] Frame next();

  /// A ping of ours is under way: a lone CRLF is its answer and not the first half of a ping.
  void expect_pong() { expects_pong_ = true; }
  /// Octets that wait for the rest of their message.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - begin_; }
  /// Part of a message is here: the peer should not take forever over the rest.
  [[nodiscard]] bool in_message() const { return buffered() > 2; }
  [[nodiscard]] bool is_broken() const { return broken_; }

 private:
  [[nodiscard]] std::string_view waiting() const { return std::string_view(buffer_).substr(begin_); }
  Frame next_empty_line();
  Frame next_message();
  Frame break_off(Defect defect);
  std::string take(std::size_t size);
  void consume(std::size_t size);

  const Limits* limits_;
  std::string buffer_;
  std::size_t begin_ = 0;      ///< what is before it was taken
  std::size_t scanned_ = 0;    ///< from begin_: no empty line ends before it
  std::size_t head_size_ = 0;  ///< with its empty line, once found; 0 before
  std::size_t body_size_ = 0;
  bool expects_pong_ = false;
  bool broken_ = false;
};

/// Parses what a frame holds. Of a broken one the defect is the framer's.
[[nodiscard]] ParsedMessage parse_message(Frame frame, const Limits& limits = kStandardLimits);

}  // namespace sallyport::sip
