// SPDX-License-Identifier: GPL-3.0-or-later
// Frames are taken as they come: a head is checked when it is whole, a payload is unmasked as it is stored.
#include "transport/websocket_frames.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace sallyport::transport {

namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kLengthIn2 = 126;
constexpr std::uint8_t kLengthIn8 = 127;
constexpr std::uint64_t kMaxControl = 125;
constexpr std::size_t kFirstOctets = 2;

constexpr std::size_t length_octets(std::uint8_t length) {
  return length == kLengthIn2 ? 2 : length == kLengthIn8 ? 8 : 0;
}

/// RFC 6455 §7.4: what may stand in a close frame.
bool may_be_sent(unsigned code) {
  const bool defined = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
  return defined || (code >= 3000 && code <= 4999);
}

std::string code_text(CloseCode code) {
  const auto number = static_cast<unsigned>(code);
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

}  // namespace

WebSocketEvent WebSocketReader::next(std::string_view& octets, std::size_t longest) {
  if (broken_) octets = {};
  while (!octets.empty()) {
    if (!in_payload_) {
      WebSocketEvent problem = begin_frame(octets, longest);
      if (problem.kind != WebSocketEventKind::none || !in_payload_) return problem;
    }
    take_payload(octets);
    if (left_ == 0) return end_frame();
  }
  return {};
}

void WebSocketReader::take_head(std::string_view& octets, std::size_t size) {
  const std::size_t more = std::min(size - std::min<std::size_t>(size, head_size_), octets.size());
  std::ranges::copy(octets.substr(0, more), head_.begin() + head_size_);
  head_size_ = static_cast<std::uint8_t>(head_size_ + more);
  octets.remove_prefix(more);
}

/// Nothing, with in_payload_ set once the head is whole; or broken.
WebSocketEvent WebSocketReader::begin_frame(std::string_view& octets, std::size_t longest) {
  take_head(octets, kFirstOctets);
  if (head_size_ < kFirstOctets) return {};
  if (const char* problem = first_octets_problem()) return break_off(CloseCode::protocol_error, problem);
  const std::size_t extended = length_octets(head(1) & kLength);
  const std::size_t size = kFirstOctets + extended + mask_.size();
  take_head(octets, size);
  if (head_size_ < size) return {};
  const auto length = announced_length();
  if (!length) return break_off(CloseCode::protocol_error, "a frame's length is not written as it must be");
  opcode_ = static_cast<Opcode>(head(0) & kOpcode);
  if (!is_control(opcode_) && (*length > longest || message_.size() + *length > longest))
    return break_off(CloseCode::too_long, "a message is too long");
  std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(kFirstOctets + extended), mask_.size(),
              mask_.begin());
  fin_ = (head(0) & kFin) != 0;
  if (opcode_ == Opcode::text || opcode_ == Opcode::binary) text_ = opcode_ == Opcode::text;
  left_ = *length;
  mask_at_ = 0;
  head_size_ = 0;
  in_payload_ = true;
  if (left_ == 0) return end_frame();
  return {};
}

const char* WebSocketReader::first_octets_problem() const {
  if ((head(0) & kReserved) != 0) return "a frame has bits of an extension that was not agreed upon";
  if ((head(1) & kMasked) == 0) return "a client's frame is not masked";
  switch (static_cast<Opcode>(head(0) & kOpcode)) {
    case Opcode::continuation:
      return fragmented_ ? nullptr : "a fragment continues nothing";
    case Opcode::text:
    case Opcode::binary:
      return fragmented_ ? "a message begins within another" : nullptr;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if ((head(0) & kFin) == 0) return "a control frame is fragmented";
      return (head(1) & kLength) > kMaxControl ? "a control frame is longer than 125 octets" : nullptr;
  }
  return "a frame is of no known kind";
}

/// Nothing if it could have been written shorter, or is negative (RFC 6455 §5.2).
std::optional<std::uint64_t> WebSocketReader::announced_length() const {
  const std::uint8_t first = head(1) & kLength;
  const std::size_t extended = length_octets(first);
  if (extended == 0) return first;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8 | head(kFirstOctets + i);
  const std::uint64_t least = extended == 2 ? kLengthIn2 : 0x10000;
  if (length < least || length >> 63 != 0) return std::nullopt;
  return length;
}

void WebSocketReader::take_payload(std::string_view& octets) {
  std::string& to = is_control(opcode_) ? control_ : message_;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size()));
  const std::size_t begin = to.size();
  to += octets.substr(0, size);
  for (std::size_t i = 0; i < size; ++i)
    to[begin + i] = static_cast<char>(to[begin + i] ^ mask_[(mask_at_ + i) % mask_.size()]);
  mask_at_ = static_cast<std::uint8_t>((mask_at_ + size) % mask_.size());
  left_ -= size;
  octets.remove_prefix(size);
}

WebSocketEvent WebSocketReader::end_frame() {
  in_payload_ = false;
  switch (opcode_) {
    case Opcode::close:
      return end_close();
    case Opcode::ping:
      return {WebSocketEventKind::ping, std::exchange(control_, {})};
    case Opcode::pong:
      return {WebSocketEventKind::pong, std::exchange(control_, {})};
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
      break;
  }
  fragmented_ = !fin_;
  return fin_ ? end_message() : WebSocketEvent{WebSocketEventKind::fragment};
}

WebSocketEvent WebSocketReader::end_message() {
  if (text_ && !is_utf8(message_)) return break_off(CloseCode::not_utf8, "a text message is not UTF-8");
  return {WebSocketEventKind::message, std::exchange(message_, {})};
}

WebSocketEvent WebSocketReader::end_close() {
  const std::string payload = std::exchange(control_, {});
  if (payload.empty()) {
    broken_ = true;  // nothing follows a close
    return {WebSocketEventKind::close};
  }
  const unsigned code = payload.size() < 2
                            ? 0
                            : static_cast<unsigned>(static_cast<std::uint8_t>(payload[0])) << 8 |
                                  static_cast<std::uint8_t>(payload[1]);
  if (!may_be_sent(code)) return break_off(CloseCode::protocol_error, "a close frame's code is none");
  if (!is_utf8(std::string_view(payload).substr(2)))
    return break_off(CloseCode::not_utf8, "a close frame's reason is not UTF-8");
  broken_ = true;
  return {WebSocketEventKind::close, {}, static_cast<CloseCode>(code)};
}

WebSocketEvent WebSocketReader::break_off(CloseCode code, const char* why) {
  broken_ = true;
  message_ = std::string();
  control_ = std::string();
  return {WebSocketEventKind::broken, {}, code, why};
}

std::string websocket_frame(Opcode opcode, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  frame += static_cast<char>(kFin | static_cast<std::uint8_t>(opcode));
  const std::size_t extended = payload.size() <= kMaxControl ? 0 : payload.size() < 0x10000 ? 2 : 8;
  frame += static_cast<char>(extended == 0 ? payload.size() : extended == 2 ? kLengthIn2 : kLengthIn8);
  for (std::size_t i = extended; i-- > 0;) frame += static_cast<char>(payload.size() >> (8 * i) & 0xff);
  frame += payload;
  return frame;
}

std::string websocket_message(std::string_view text) {
  return websocket_frame(is_utf8(text) ? Opcode::text : Opcode::binary, text);
}

std::string websocket_close(CloseCode code) {
  return websocket_frame(Opcode::close, code == CloseCode::none ? std::string() : code_text(code));
}

}  // namespace sallyport::transport
