// SPDX-License-Identifier: GPL-3.0-or-later
// Writer: appends to one string; nothing is written twice but the length.
#include "sip/writer.h"

#include <array>
#include <charconv>

#include "sip/scan.h"
#include "sip/status.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

/// What most messages fit in, so that the string grows once.
constexpr std::size_t kUsualSize = 1024;
constexpr std::string_view kVersion = "SIP/2.0";

void append_number(std::string& text, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  text.append(digits.data(), end);
}

}  // namespace

MessageWriter MessageWriter::request(Method method, std::string_view uri) {
  return request(name_of(method), uri);
}

MessageWriter MessageWriter::request(std::string_view method, std::string_view uri) {
  MessageWriter writer;
  writer.text_.reserve(kUsualSize);
  writer.append_clean(method);
  writer.text_ += ' ';
  writer.append_clean(uri);
  writer.text_ += ' ';
  writer.text_ += kVersion;
  writer.text_ += "\r\n";
  return writer;
}

MessageWriter MessageWriter::response(unsigned status, std::string_view reason) {
  MessageWriter writer;
  writer.status_ = static_cast<std::uint16_t>(status);
  writer.text_.reserve(kUsualSize);
  writer.text_ += kVersion;
  writer.text_ += ' ';
  append_number(writer.text_, status);
  writer.text_ += ' ';
  writer.append_clean(reason.empty() ? reason_phrase(status) : reason);
  writer.text_ += "\r\n";
  return writer;
}

/// Appends the text with a space in place of every control character but the tab.
void MessageWriter::append_clean(std::string_view text) {
  const std::size_t begin = text_.size();
  text_ += text;
  for (std::size_t at = scan::control(text, 0); at < text.size(); at = scan::control(text, at + 1))
    if (text[at] != '\t') text_[begin + at] = ' ';
}

void MessageWriter::name(HeaderId id) {
  text_ += info(id).name;
  text_ += ": ";
}

MessageWriter& MessageWriter::header(HeaderId id, std::string_view value) {
  name(id);
  append_clean(value);
  text_ += "\r\n";
  return *this;
}

MessageWriter& MessageWriter::header(HeaderId id, std::initializer_list<std::string_view> parts) {
  name(id);
  for (const std::string_view part : parts) append_clean(part);
  text_ += "\r\n";
  return *this;
}

MessageWriter& MessageWriter::header(HeaderId id, std::uint64_t number) {
  name(id);
  append_number(text_, number);
  text_ += "\r\n";
  return *this;
}

MessageWriter& MessageWriter::header(std::string_view name, std::string_view value) {
  append_clean(name);
  text_ += ": ";
  append_clean(value);
  text_ += "\r\n";
  return *this;
}

/// A peer compares what comes back to it, so control characters in quoted pairs stay. Others, which only the
/// text of a defective message can hold, do not.
void MessageWriter::append_copied(std::string_view text) {
  const std::size_t begin = text_.size();
  text_ += text;
  for (std::size_t at = scan::control(text, 0); at < text.size(); at = scan::control(text, at + 1)) {
    const bool breaks_line = text[at] == '\r' || text[at] == '\n';
    const bool is_escaped = at > 0 && text[at - 1] == '\\';
    if (text[at] != '\t' && (breaks_line || !is_escaped)) text_[begin + at] = ' ';
  }
}

void MessageWriter::copied_header(HeaderId id, std::initializer_list<std::string_view> parts) {
  name(id);
  for (const std::string_view part : parts) append_copied(part);
  text_ += "\r\n";
}

MessageWriter& MessageWriter::copy(const Message& from, HeaderId id) {
  for (const Field field : from.fields(id)) {
    append_copied(id == HeaderId::other ? field.name : info(id).name);
    text_ += ": ";
    append_copied(field.value);
    text_ += "\r\n";
  }
  return *this;
}

MessageWriter& MessageWriter::body(std::string_view type, std::string_view octets) {
  header(HeaderId::content_type, type);
  body_ = octets;
  return *this;
}

std::string MessageWriter::finish() {
  header(HeaderId::content_length, body_.size());
  text_ += "\r\n";
  text_ += body_;
  return std::move(text_);
}

namespace {

/// The topmost Via with its source, the others as they are. One that cannot be parsed leaves all of them as
/// they are.
void copy_vias(MessageWriter& writer, const Message& request, const Endpoint* source) {
  const auto top = request.top_via();
  if (!top || source == nullptr) {
    writer.copy(request, HeaderId::via);
    return;
  }
  bool is_top = true;
  for (const std::string_view value : request.values(HeaderId::via)) {
    if (is_top)
      writer.header(HeaderId::via, with_source(*top, *source));
    else
      writer.header(HeaderId::via, value);
    is_top = false;
  }
}

}  // namespace

MessageWriter response_to(const Message& request, unsigned status, std::string_view reason,
                          std::string_view to_tag, const Endpoint* source) {
  MessageWriter writer = MessageWriter::response(status, reason);
  copy_vias(writer, request, source);
  if (const auto from = request.header(HeaderId::from)) writer.copied_header(HeaderId::from, {*from});
  if (const auto to = request.header(HeaderId::to)) {
    const auto address = parse_name_addr(*to);
    if (!to_tag.empty() && address && !address->parameters.has("tag"))
      writer.copied_header(HeaderId::to, {*to, ";tag=", to_tag});
    else
      writer.copied_header(HeaderId::to, {*to});
  }
  if (const auto call_id = request.header(HeaderId::call_id)) writer.header(HeaderId::call_id, *call_id);
  if (const auto cseq = request.header(HeaderId::cseq)) writer.header(HeaderId::cseq, *cseq);
  if (status == 100) writer.copy(request, HeaderId::timestamp);
  return writer;
}

}  // namespace sallyport::sip
