// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of a WebSocket, the server's end (RFC 6455 §5): octets come in, whole messages and control frames go
// out. No extensions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::transport {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// RFC 6455 §7.4.1.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  none = 1005,  ///< never sent: a close frame without a code
  not_utf8 = 1007,
  too_long = 1009,
};

enum class WebSocketEventKind : std::uint8_t {
  none,      ///< more octets are needed
  fragment,  ///< part of a message has come
  message,
  ping,
  pong,
  close,   ///< the peer ends it
  broken,  ///< the peer did what it may not: nothing more is read
};

struct WebSocketEvent {
  WebSocketEventKind kind = WebSocketEventKind::none;
  std::string text;                  ///< a message, or what a ping or pong carries
  CloseCode code = CloseCode::none;  ///< with which it ends
  const char* why = "";              ///< it is broken
};

/// One connection's. It holds no more than one message and one control frame, and no memory of its own
/// between messages.
class WebSocketReader {
 public:
  /// Takes off the front of `octets` what makes the next event. A message longer than `longest` octets breaks
  /// it off before it is stored.
  [[nodiscard]] WebSocketEvent next(std::string_view& octets, std::size_t longest);

  /// Part of a message is here.
  [[nodiscard]] bool in_message() const { return fragmented_ || (in_payload_ && !is_control(opcode_)); }
  /// Part of a frame or of a message is here: the peer should not take forever over the rest.
  [[nodiscard]] bool in_part() const { return in_message() || in_payload_ || head_size_ != 0; }

 private:
  static constexpr std::size_t kMaxHead = 14;

  [[nodiscard]] static bool is_control(Opcode opcode) { return opcode >= Opcode::close; }
  [[nodiscard]] std::uint8_t head(std::size_t at) const { return static_cast<std::uint8_t>(head_[at]); }
  void take_head(std::string_view& octets, std::size_t size);
  [[nodiscard]] WebSocketEvent begin_frame(std::string_view& octets, std::size_t longest);
  [[nodiscard]] const char* first_octets_problem() const;
  [[nodiscard]] std::optional<std::uint64_t> announced_length() const;
  void take_payload(std::string_view& octets);
  [[nodiscard]] WebSocketEvent end_frame();
  [[nodiscard]] WebSocketEvent end_message();
  [[nodiscard]] WebSocketEvent end_close();
  [[nodiscard]] WebSocketEvent break_off(CloseCode code, const char* why);

  std::string message_;
  std::string control_;  ///< payload of a control frame, which may stand between fragments
  std::uint64_t left_ = 0;
  std::array<char, kMaxHead> head_{};
  std::uint8_t head_size_ = 0;
  std::array<char, 4> mask_{};
  std::uint8_t mask_at_ = 0;
  Opcode opcode_ = Opcode::continuation;  ///< of the frame
  bool fin_ = false;
  bool in_payload_ = false;
  bool fragmented_ = false;  ///< a message has begun and not ended
  bool text_ = false;        ///< and is text
  bool broken_ = false;
};

/// A frame of ours: whole, and not masked.
[[nodiscard]] std::string websocket_frame(Opcode opcode, std::string_view payload);
/// A message of ours: text where it is UTF-8, since that is what scripts expect, else binary.
[[nodiscard]] std::string websocket_message(std::string_view text);
[[nodiscard]] std::string websocket_close(CloseCode code);

}  // namespace sallyport::transport
