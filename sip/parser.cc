// SPDX-License-Identifier: GPL-3.0-or-later
// Parser: turns the text of one message into a Message in one pass, and names the first thing that is wrong.
#include <utility>

#include "sip/contact.h"
#include "sip/defect_text.h"
#include "sip/message.h"
#include "sip/scan.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::sip {

/// Goes on after a defect, for an answer needs the fields that are good.
class Parser {
 public:
  Parser(std::string text, const Limits& limits) : limits_(limits) { message_.text_ = std::move(text); }

  ParsedMessage run() {
    const std::size_t fields_at = parse_start_line(skip_empty_lines());
    const std::size_t body_at = parse_fields(fields_at);
    check_length(body_at);
    check_fields();
    if (defect_) defect_->answerable = is_answerable(message_);
    return {std::move(message_), defect_};
  }

 private:
  using Stretch = Message::Stretch;

  [[gnu::cold, gnu::noinline]] void report(const char* reason, std::uint16_t status = 400) {
    if (!defect_) defect_ = Defect{status, reason};
  }
  [[gnu::cold, gnu::noinline]] void report(Limit limit) {
    if (!defect_) defect_ = Defect{info(limit).status, info(limit).reason, false, limit};
  }
  [[nodiscard]] std::string_view text() const { return message_.text_; }
  [[nodiscard]] bool at_line_end(std::size_t at) const {
    return at + 1 < text().size() && text()[at] == '\r' && text()[at + 1] == '\n';
  }
  /// The first value of a header that is there.
  [[nodiscard]] std::string_view value_of(HeaderId id) const {
    const Message::Place& place = message_.fields_[message_.first_[static_cast<std::size_t>(id)] - 1U];
    return {message_.text_.data() + place.value_begin, place.value_size};
  }
  [[nodiscard]] static Stretch stretch(std::size_t begin, std::size_t end) {
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
  }

  std::size_t skip_empty_lines();
  std::size_t find_line_end(std::size_t at);
  bool is_quoted_pair(std::size_t at) const;
  void report_control(std::size_t at);
  std::size_t behind_line(std::size_t end);

  std::size_t parse_start_line(std::size_t begin);
  void parse_request_line(std::size_t begin, std::size_t end);
  void parse_status_line(std::size_t begin, std::size_t end);
  void check_request_uri();
  void check_version(std::string_view version);
  std::size_t parse_fields(std::size_t at);
  std::size_t find_field_end(std::size_t at);
  void parse_field(std::size_t begin, scan::Line line);
  void keep_field(const Message::Place& place);

  void check_length(std::size_t body_at);
  void check_fields();
  void check_vias();
  void check_cseq();
  void check_address(HeaderId id, std::string_view value);
  void check_addresses(HeaderId id);

  const Limits& limits_;
  Message message_;
  std::optional<Defect> defect_;
  std::size_t via_fields_ = 0;
  bool ended_ = false;  ///< the empty line was seen
  bool cut_ = false;    ///< a limit ended parsing
};

/// RFC 3261 §7.5: empty lines before the start line are ignored.
std::size_t Parser::skip_empty_lines() {
  std::size_t at = 0;
  while (at_line_end(at)) at += 2;
  return at;
}

/// `\` before it, and not `\\`.
bool Parser::is_quoted_pair(std::size_t at) const {
  std::size_t slashes = 0;
  while (slashes < at && text()[at - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

void Parser::report_control(std::size_t at) {
  switch (text()[at]) {
    case '\r':
      return report("CR Without LF");
    case '\n':
      return report("LF Without CR");
    case '\0':
      return report("NUL Octet in Header");
    default:
      return report("Control Character in Header");
  }
}

/// The position of the CRLF that ends the line, or the text's size. A quoted pair may hold a control
/// character; whether a quoted string is around it is for the header's own parser to see.
std::size_t Parser::find_line_end(std::size_t at) {
  for (at = scan::control(text(), at); at < text().size(); at = scan::control(text(), at + 1)) {
    if (at_line_end(at)) return at;
    const char c = text()[at];
    if (c == '\t') continue;
    if (c == '\r' || c == '\n' || !is_quoted_pair(at)) report_control(at);
  }
  return at;
}

std::size_t Parser::behind_line(std::size_t end) {
  return std::min(end + 2, text().size());
}

std::size_t Parser::parse_start_line(std::size_t begin) {
  const std::size_t end = find_line_end(begin);
  message_.request_ = !text::starts_with_ignoring_case(text().substr(begin, end - begin), "SIP/");
  if (message_.request_)
    parse_request_line(begin, end);
  else
    parse_status_line(begin, end);
  message_.fields_.reserve(24);
  return behind_line(end);
}

/// Method SP Request-URI SP SIP-Version
void Parser::parse_request_line(std::size_t begin, std::size_t end) {
  const std::string_view line = text().substr(begin, end - begin);
  const std::size_t method_size = text::span_of(line, 0, text::kToken);
  message_.method_text_ = stretch(begin, begin + method_size);
  message_.method_ = method_of(line.substr(0, method_size));
  const std::size_t last_space = line.rfind(' ');
  if (method_size == 0 || method_size >= line.size() || line[method_size] != ' ')
    return report("Malformed Request-Line");
  if (last_space == method_size) return report("Malformed Request-Line");
  message_.request_uri_ = stretch(begin + method_size + 1, begin + last_space);
  check_version(line.substr(last_space + 1));
  check_request_uri();
}

void Parser::check_version(std::string_view version) {
  if (text::equal_ignoring_case(version, "SIP/2.0")) return;
  const bool is_version = text::starts_with_ignoring_case(version, "SIP/") && version.size() > 4 &&
                          text::is(version[4], text::kDigit);
  if (is_version) return report("Version Not Supported", 505);
  report("Malformed Request-Line");
}

void Parser::check_request_uri() {
  const std::string_view uri = message_.request_uri();
  if (uri.size() > limits_[Limit::uri_bytes]) return report(Limit::uri_bytes);
  const auto parsed = parse_uri(uri);
  if (!parsed) return report("Malformed Request-URI");
  if (!parsed->headers.empty()) return report("Headers in Request-URI");
}

/// SIP-Version SP Status-Code SP Reason-Phrase; the second SP may be missing with the phrase.
void Parser::parse_status_line(std::size_t begin, std::size_t end) {
  const std::string_view line = text().substr(begin, end - begin);
  constexpr std::size_t kCode = 8;  // behind "SIP/2.0 "
  if (!text::starts_with_ignoring_case(line, "SIP/2.0 ")) return report("Malformed Status-Line", 505);
  const auto status = text::decimal(line.substr(kCode, 3), 699);
  const bool is_cut = line.size() < kCode + 3 || (line.size() > kCode + 3 && line[kCode + 3] != ' ');
  if (is_cut || !status || *status < 100) return report("Malformed Status-Line");
  message_.status_ = static_cast<std::uint16_t>(*status);
  message_.reason_ = stretch(std::min(begin + kCode + 4, end), end);
}

/// Where a field ends: a line that begins with white space continues the one before, and the line break
/// becomes part of that space.
std::size_t Parser::find_field_end(std::size_t at) {
  std::size_t end = find_line_end(at);
  while (end + 2 < text().size() && text::is_space(text()[end + 2])) {
    message_.text_[end] = ' ';
    message_.text_[end + 1] = ' ';
    end = find_line_end(end + 2);
  }
  return end;
}

std::size_t Parser::parse_fields(std::size_t at) {
  const std::string_view octets = text();
  while (at < octets.size() && !cut_) {
    if (at_line_end(at)) {
      ended_ = true;
      break;
    }
    scan::Line line = scan::line(octets, at);
    const bool is_plain =
        line.end + 2 < octets.size() && at_line_end(line.end) && !text::is_space(octets[line.end + 2]);
    if (!is_plain) line.end = find_field_end(at);
    if (line.colon < line.end)
      parse_field(at, line);
    else
      report("Header Field Without a Colon");
    at = behind_line(line.end);
    if (at > limits_[Limit::header_bytes]) {
      report(Limit::header_bytes);
      cut_ = true;
    }
  }
  message_.head_size_ = static_cast<std::uint32_t>(at);
  if (!ended_) report("No Empty Line After Header");
  return behind_line(at);
}

inline void Parser::parse_field(std::size_t begin, scan::Line line) {
  const char* const octets = message_.text_.data();
  std::size_t name_end = line.colon;
  while (name_end > begin && text::is_space(octets[name_end - 1])) --name_end;
  const std::string_view name(octets + begin, name_end - begin);
  const HeaderId id = header_id_of(name);
  // A name that the table knows is a token.
  if (id == HeaderId::other && (name.size() > 255 || !text::is_token(name)))
    return report("Malformed Header Field Name");
  std::size_t value_begin = line.colon + 1;
  std::size_t value_end = line.end;
  while (value_begin < value_end && text::is_space(octets[value_begin])) ++value_begin;
  while (value_end > value_begin && text::is_space(octets[value_end - 1])) --value_end;
  if (value_end - value_begin > limits_[Limit::header_value_bytes]) return report(Limit::header_value_bytes);
  keep_field({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(value_begin),
              static_cast<std::uint32_t>(value_end - value_begin), static_cast<std::uint16_t>(name.size()),
              id});
}

inline void Parser::keep_field(const Message::Place& place) {
  if (message_.fields_.size() >= limits_[Limit::header_fields]) {
    cut_ = true;
    return report(Limit::header_fields);
  }
  message_.fields_.push_back(place);
  std::uint8_t& first = message_.first_[static_cast<std::size_t>(place.id)];
  if (first == 0)
    first = static_cast<std::uint8_t>(message_.fields_.size());
  else if (info(place.id).kind == HeaderKind::single)
    report(duplicate_text(place.id));
  if (place.id == HeaderId::via && ++via_fields_ > limits_[Limit::via_fields]) report(Limit::via_fields);
}

void Parser::check_length(std::size_t body_at) {
  if (cut_) return;
  std::size_t size = text().size() - body_at;
  if (message_.has(HeaderId::content_length)) {
    const auto length = text::delta_seconds(value_of(HeaderId::content_length));
    if (!length) return report(malformed_text(HeaderId::content_length));
    // RFC 3261 §18.3: what is beyond it is no part of the message.
    if (*length > size) return report("Content-Length Exceeds Message");
    size = *length;
  }
  if (size > limits_[Limit::body_bytes]) return report(Limit::body_bytes);
  message_.body_ = stretch(body_at, body_at + size);
}

void Parser::check_fields() {
  for (const HeaderId id : {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq})
    if (!message_.has(id)) report(missing_text(id));
  if (message_.has(HeaderId::via)) check_vias();
  if (message_.has(HeaderId::from)) check_address(HeaderId::from, value_of(HeaderId::from));
  if (message_.has(HeaderId::to)) check_address(HeaderId::to, value_of(HeaderId::to));
  if (message_.has(HeaderId::cseq)) check_cseq();
  if (message_.has(HeaderId::call_id)) {
    const std::string_view call_id = value_of(HeaderId::call_id);
    if (call_id.empty() || !text::all(call_id, text::kWord)) report(malformed_text(HeaderId::call_id));
  }
  if (message_.has(HeaderId::max_forwards) && !text::decimal(value_of(HeaderId::max_forwards), 255))
    report(malformed_text(HeaderId::max_forwards));
  for (const HeaderId id : {HeaderId::contact, HeaderId::route, HeaderId::record_route})
    if (message_.has(id)) check_addresses(id);
}

/// Those below the top are only passed on, but they must not be empty values between commas.
void Parser::check_vias() {
  std::string_view rest = value_of(HeaderId::via);
  if (!parse_via(next_list_value(rest))) return report(malformed_text(HeaderId::via));
  if (rest.empty() && via_fields_ == 1) return;
  for (const std::string_view value : message_.values(HeaderId::via))
    if (value.empty()) return report(malformed_text(HeaderId::via));
}

void Parser::check_cseq() {
  const auto cseq = parse_cseq(value_of(HeaderId::cseq));
  if (!cseq) return report(malformed_text(HeaderId::cseq));
  if (message_.request_) {
    if (cseq->method_text != message_.method_text()) report("CSeq Method Differs From Request Method");
    return;
  }
  message_.method_ = cseq->method;
  const auto begin = static_cast<std::size_t>(cseq->method_text.data() - text().data());
  message_.method_text_ = stretch(begin, begin + cseq->method_text.size());
}

void Parser::check_address(HeaderId id, std::string_view value) {
  const auto address = parse_name_addr(value);
  if (!address || !parse_uri(address->uri)) report(malformed_text(id));
}

void Parser::check_addresses(HeaderId id) {
  for (const std::string_view value : message_.values(id))
    if (value != "*" || id != HeaderId::contact) check_address(id, value);
}

ParsedMessage parse_message(std::string text, const Limits& limits) {
  return Parser(std::move(text), limits).run();
}

}  // namespace sallyport::sip
