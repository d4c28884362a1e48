// SPDX-License-Identifier: GPL-3.0-or-later
// Bodies: boundaries are looked for at the beginnings of lines, nesting is followed to a fixed depth.
#include "sip/multipart.h"

#include <algorithm>
#include <array>

#include "sip/text.h"

namespace sallyport::sip {

namespace {

constexpr std::size_t kLongestBoundary = 70;

std::string_view without_quotes(std::string_view value) {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2) : value;
}

/// A line `--boundary` or `--boundary--`.
struct Delimiter {
  std::size_t begin = std::string_view::npos;  ///< with the line break before it, which belongs to it
  std::size_t end = 0;                         ///< where what follows it begins
  bool closes = false;
};

/// The rest of a delimiter's line: white space, then its end. npos if it is anything else.
std::size_t skip_padding(std::string_view body, std::size_t at, bool may_end) {
  at = text::skip_space(body, at);
  if (at == body.size()) return may_end ? at : std::string_view::npos;
  return body.substr(at).starts_with(text::kCrLf) ? at + 2 : std::string_view::npos;
}

Delimiter find_delimiter(std::string_view body, std::string_view dashed, std::size_t from) {
  for (std::size_t at = body.find(dashed, from); at != std::string_view::npos;
       at = body.find(dashed, at + 1)) {
    const bool at_line_begin = at == 0 || (at >= 2 && body.substr(at - 2, 2) == text::kCrLf);
    if (!at_line_begin) continue;
    Delimiter delimiter;
    delimiter.begin = at == 0 ? 0 : std::max(at - 2, from);
    std::size_t behind = at + dashed.size();
    delimiter.closes = body.substr(behind).starts_with("--");
    if (delimiter.closes) behind += 2;
    delimiter.end = skip_padding(body, behind, delimiter.closes);
    if (delimiter.end != std::string_view::npos) return delimiter;
  }
  return {};
}

bool keep_part_header(BodyPart& part, std::string_view line) {
  const std::size_t name_size = text::span_of(line, 0, text::kToken);
  const std::size_t colon = text::skip_space(line, name_size);
  if (name_size == 0 || colon >= line.size() || line[colon] != ':') return false;
  const std::string_view name = line.substr(0, name_size);
  const std::string_view value = text::trim(line.substr(colon + 1));
  if (text::equal_ignoring_case(name, "Content-Type"))
    part.content_type = value;
  else if (text::equal_ignoring_case(name, "Content-Disposition"))
    part.disposition = value;
  else if (text::equal_ignoring_case(name, "Content-ID"))
    part.content_id = value;
  else if (text::equal_ignoring_case(name, "Content-Transfer-Encoding"))
    part.transfer_encoding = value;
  return true;
}

/// Header lines, an empty line, the body. The header may be missing, its empty line may not. Folded lines are
/// kept whole, fold and all.
Result<BodyPart> parse_part(std::string_view text) {
  BodyPart part;
  part.content_type = "text/plain";
  std::size_t at = 0;
  while (!text.substr(at).starts_with(text::kCrLf)) {
    std::size_t end = text.find(text::kCrLf, at);
    while (end != std::string_view::npos && end + 2 < text.size() && text::is_space(text[end + 2]))
      end = text.find(text::kCrLf, end + 2);
    if (end == std::string_view::npos) return malformed("a body part without an empty line");
    if (!keep_part_header(part, text.substr(at, end - at)))
      return malformed("a body part with a malformed header");
    at = end + 2;
  }
  part.headers = text.substr(0, at);
  part.body = text.substr(at + 2);
  return part;
}

Result<std::string_view> boundary_of(std::string_view content_type) {
  const auto type = parse_media_type(content_type);
  if (!type) return tl::unexpected(type.error());
  const std::string_view boundary = without_quotes(type->parameters.value("boundary"));
  if (boundary.empty() || boundary.size() > kLongestBoundary || boundary.ends_with(' '))
    return malformed("a multipart body without a proper boundary");
  return boundary;
}

bool is_plain_encoding(std::string_view encoding) {
  if (encoding.empty()) return true;
  for (const std::string_view plain : {"7bit", "8bit", "binary"})
    if (text::equal_ignoring_case(encoding, plain)) return true;
  return false;
}

/// Looks for a media type through nested bodies.
class Finder {
 public:
  Finder(std::string_view wanted, const Limits& limits) : wanted_(wanted), limits_(limits) {}

  Result<std::optional<FoundBody>> find(const BodyPart& part, std::uint32_t depth) {
    using Found = std::optional<FoundBody>;
    const auto type = parse_media_type(part.content_type);
    if (!type) return tl::unexpected(type.error());
    if (type->is(wanted_)) {
      if (!is_plain_encoding(part.transfer_encoding))
        return fail(ErrorClass::unsupported, "a body with a transfer encoding");
      return Found({part, false});
    }
    if (!type->is_multipart()) return Found{};
    if (depth >= limits_[Limit::multipart_depth])
      return fail(ErrorClass::exhausted, "too many multipart bodies inside each other");
    const auto parts = parse_multipart(part.content_type, part.body, limits_);
    if (!parts) return tl::unexpected(parts.error());
    return find_among(*parts, text::equal_ignoring_case(type->subtype, "alternative"), depth + 1);
  }

 private:
  Result<std::optional<FoundBody>> find_among(const std::vector<BodyPart>& parts, bool alternative,
                                              std::uint32_t depth) {
    std::optional<FoundBody> best;
    bool leaves_required = false;
    for (const BodyPart& part : parts) {
      const auto found = find(part, depth);
      if (!found) return found;
      if (!*found)
        leaves_required = leaves_required || (!alternative && !part.is_optional());
      else if (!best || alternative)
        best = *found;
    }
    if (best) best->leaves_required = best->leaves_required || leaves_required;
    return best;
  }

  std::string_view wanted_;
  const Limits& limits_;
};

}  // namespace

bool MediaType::is(std::string_view name) const {
  return name.size() == type.size() + 1 + subtype.size() && name[type.size()] == '/' &&
         text::equal_ignoring_case(name.substr(0, type.size()), type) &&
         text::equal_ignoring_case(name.substr(type.size() + 1), subtype);
}

bool MediaType::is_multipart() const {
  return text::equal_ignoring_case(type, "multipart");
}

bool BodyPart::is_optional() const {
  const std::size_t at = disposition.find(';');
  if (at == std::string_view::npos) return false;
  const auto parameters = parse_parameters(disposition.substr(at));
  return parameters && text::equal_ignoring_case(parameters->value("handling"), "optional");
}

Result<MediaType> parse_media_type(std::string_view text) {
  MediaType media;
  std::size_t at = text::skip_space(text, 0);
  std::size_t size = text::span_of(text, at, text::kToken);
  media.type = text.substr(at, size);
  at = text::skip_space(text, at + size);
  if (media.type.empty() || at >= text.size() || text[at] != '/') return malformed("a malformed media type");
  at = text::skip_space(text, at + 1);
  size = text::span_of(text, at, text::kToken);
  media.subtype = text.substr(at, size);
  if (media.subtype.empty()) return malformed("a malformed media type");
  const auto parameters = parse_parameters(text.substr(at + size));
  if (!parameters) return tl::unexpected(parameters.error());
  media.parameters = *parameters;
  return media;
}

Result<std::vector<BodyPart>> parse_multipart(std::string_view content_type, std::string_view body,
                                              const Limits& limits) {
  const auto boundary = boundary_of(content_type);
  if (!boundary) return tl::unexpected(boundary.error());
  const std::string dashed = "--" + std::string(*boundary);
  std::vector<BodyPart> parts;
  // What comes before the first boundary and after the last is meant for nobody.
  Delimiter open = find_delimiter(body, dashed, 0);
  if (open.begin == std::string_view::npos) return malformed("a multipart body without its boundary");
  while (!open.closes) {
    const Delimiter close = find_delimiter(body, dashed, open.end);
    if (close.begin == std::string_view::npos) return malformed("a multipart body that does not close");
    if (parts.size() >= limits[Limit::multipart_parts])
      return fail(ErrorClass::exhausted, "too many parts in a multipart body");
    auto part = parse_part(body.substr(open.end, close.begin - open.end));
    if (!part) return tl::unexpected(part.error());
    parts.push_back(*part);
    open = close;
  }
  if (parts.empty()) return malformed("a multipart body without parts");
  return parts;
}

Result<std::optional<FoundBody>> find_body(const Message& message, std::string_view media_type,
                                           const Limits& limits) {
  const auto content_type = message.header(HeaderId::content_type);
  if (message.body().empty() || !content_type) return std::optional<FoundBody>{};
  BodyPart whole;
  whole.content_type = *content_type;
  whole.body = message.body();
  whole.disposition = message.header(HeaderId::content_disposition).value_or("");
  whole.content_id = message.header(HeaderId::content_id).value_or("");
  whole.transfer_encoding = message.header(HeaderId::content_transfer_encoding).value_or("");
  return Finder(media_type, limits).find(whole, 0);
}

std::string write_multipart(std::string_view boundary, const std::vector<BodyPart>& parts) {
  std::string body;
  const auto header = [&body](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    body += name;
    body += ": ";
    body += value;
    body += text::kCrLf;
  };
  for (const BodyPart& part : parts) {
    body += "--";
    body += boundary;
    body += text::kCrLf;
    header("Content-Type", part.content_type);
    header("Content-Disposition", part.disposition);
    header("Content-ID", part.content_id);
    header("Content-Transfer-Encoding", part.transfer_encoding);
    body += text::kCrLf;
    body += part.body;
    body += text::kCrLf;
  }
  body += "--";
  body += boundary;
  body += "--\r\n";
  return body;
}

}  // namespace sallyport::sip
