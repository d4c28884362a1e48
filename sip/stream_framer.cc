// SPDX-License-Identifier: GPL-3.0-or-later
// Stream framer: finds the empty line, believes Content-Length, and gives up where it cannot.
#include "sip/stream_framer.h"

#include <utility>
#include <variant>

#include "sip/defect_text.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::string_view kEmptyLine = "\r\n\r\n";

Defect defect_of(Limit limit) {
  return {info(limit).status, info(limit).reason, false, limit};
}

/// The line that begins at `at`, with the lines that continue it; `at` moves behind it.
std::string_view take_line(std::string_view head, std::size_t& at) {
  const std::size_t begin = at;
  std::size_t end = head.find(text::kCrLf, at);
  while (end + 2 < head.size() && text::is_space(head[end + 2])) end = head.find(text::kCrLf, end + 2);
  at = end + 2;
  return head.substr(begin, end - begin);
}

/// White space and folds around a value.
std::string_view trim_folds(std::string_view value) {
  const std::size_t begin = value.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(" \t\r\n") - begin + 1);
}

/// The one Content-Length of a header that ends with an empty line.
std::variant<std::size_t, Defect> announced_length(std::string_view head) {
  std::optional<std::string_view> length;
  std::size_t at = 0;
  static_cast<void>(take_line(head, at));  // the start line
  while (at + 2 < head.size()) {
    const std::string_view line = take_line(head, at);
    const char first = line.empty() ? '\0' : text::lower(line.front());
    if (first != 'c' && first != 'l') continue;
    const std::size_t name_size = text::span_of(line, 0, text::kToken);
    if (header_id_of(line.substr(0, name_size)) != HeaderId::content_length) continue;
    const std::size_t colon = text::skip_space(line, name_size);
    if (colon >= line.size() || line[colon] != ':') continue;
    if (length) return Defect{400, duplicate_text(HeaderId::content_length)};
    length = trim_folds(line.substr(colon + 1));
  }
  if (!length) return Defect{400, missing_text(HeaderId::content_length)};
  const auto size = text::delta_seconds(*length);
  if (!size) return Defect{400, malformed_text(HeaderId::content_length)};
  return std::size_t{*size};
}

}  // namespace

void StreamFramer::append(std::string_view octets) {
  if (broken_) return;
  if (begin_ != 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_ += octets;
}

Frame StreamFramer::next() {
  if (broken_ || buffered() == 0) return {};
  if (head_size_ == 0 && waiting().front() == '\r') {
    if (waiting().size() == 1) return {};
    if (waiting()[1] == '\n') return next_empty_line();
  }
  return next_message();
}

Frame StreamFramer::next_empty_line() {
  const std::string_view octets = waiting();
  Frame frame;
  if (octets.starts_with(kEmptyLine)) {
    frame.kind = FrameKind::ping;
    consume(kEmptyLine.size());
    return frame;
  }
  // The rest of a ping may still be on its way, unless what is due is a pong.
  const bool is_whole = octets.size() > 3 || (octets.size() == 3 && octets[2] != '\r');
  if (!is_whole && !expects_pong_) return frame;
  expects_pong_ = false;
  frame.kind = FrameKind::pong;
  consume(text::kCrLf.size());
  return frame;
}

Frame StreamFramer::next_message() {
  if (head_size_ == 0) {
    const std::size_t end = waiting().find(kEmptyLine, scanned_);
    const std::size_t size = end == std::string_view::npos ? buffered() : end;
    if (size > (*limits_)[Limit::header_bytes]) return break_off(defect_of(Limit::header_bytes));
    if (end == std::string_view::npos) {
      scanned_ = size < 3 ? 0 : size - 3;
      return {};
    }
    const auto length = announced_length(waiting().substr(0, end + kEmptyLine.size()));
    if (const auto* defect = std::get_if<Defect>(&length)) return break_off(*defect);
    body_size_ = std::get<std::size_t>(length);
    // The body is refused before it is stored.
    if (body_size_ > (*limits_)[Limit::body_bytes]) return break_off(defect_of(Limit::body_bytes));
    head_size_ = end + kEmptyLine.size();
  }
  if (buffered() < head_size_ + body_size_) return {};
  Frame frame;
  frame.kind = FrameKind::message;
  frame.text = take(head_size_ + body_size_);
  return frame;
}

Frame StreamFramer::break_off(Defect defect) {
  broken_ = true;
  Frame frame;
  frame.kind = FrameKind::broken;
  frame.text = waiting().substr(0, (*limits_)[Limit::header_bytes]);
  frame.defect = defect;
  consume(buffered());
  return frame;
}

/// A message that is all there is takes the buffer with it and is not copied.
std::string StreamFramer::take(std::size_t size) {
  std::string text;
  if (begin_ == 0 && buffer_.size() == size)
    text = std::exchange(buffer_, {});
  else
    text = waiting().substr(0, size);
  consume(std::min(size, buffered()));
  return text;
}

void StreamFramer::consume(std::size_t size) {
  begin_ += size;
  scanned_ = head_size_ = body_size_ = 0;
  if (begin_ < buffer_.size()) return;
  buffer_ = std::string();
  begin_ = 0;
}

ParsedMessage parse_message(Frame frame, const Limits& limits) {
  ParsedMessage parsed = parse_message(std::move(frame.text), limits);
  if (frame.defect) {
    frame.defect->answerable = is_answerable(parsed.message);
    parsed.defect = frame.defect;
  }
  return parsed;
}

}  // namespace sallyport::sip
