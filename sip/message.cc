// SPDX-License-Identifier: GPL-3.0-or-later
// Message: what is decoded on demand.
#include "sip/message.h"

#include "sip/text.h"

namespace sallyport::sip {

namespace {

tl::unexpected<Error> no_header(const char* what) {
  return fail(ErrorClass::malformed, what);
}

}  // namespace

std::optional<std::string_view> Message::header(HeaderId id) const {
  const std::size_t first = first_[static_cast<std::size_t>(id)];
  if (first == 0) return std::nullopt;
  return field(first - 1).value;
}

std::optional<std::string_view> Message::header(std::string_view name) const {
  for (const Field field : fields())
    if (text::equal_ignoring_case(field.name, name)) return field.value;
  return std::nullopt;
}

Field Message::field(std::size_t index) const {
  const Place& place = fields_[index];
  return {place.id, view({place.name_begin, place.name_size}), view({place.value_begin, place.value_size})};
}

Message::FieldRange Message::fields() const {
  return FieldRange(this, HeaderId::other, true, 0);
}

Message::FieldRange Message::fields(HeaderId id) const {
  const std::size_t first = first_[static_cast<std::size_t>(id)];
  return FieldRange(this, id, false, first == 0 ? fields_.size() : first - 1);
}

Message::ValueRange Message::values(HeaderId id) const {
  return ValueRange(fields(id), info(id).kind == HeaderKind::list);
}

Result<Via> Message::top_via() const {
  const auto value = header(HeaderId::via);
  if (!value) return no_header("no Via");
  std::string_view rest = *value;
  return parse_via(next_list_value(rest));
}

Result<NameAddr> Message::from() const {
  const auto value = header(HeaderId::from);
  if (!value) return no_header("no From");
  return parse_name_addr(*value);
}

Result<NameAddr> Message::to() const {
  const auto value = header(HeaderId::to);
  if (!value) return no_header("no To");
  return parse_name_addr(*value);
}

Result<CSeq> Message::cseq() const {
  const auto value = header(HeaderId::cseq);
  if (!value) return no_header("no CSeq");
  return parse_cseq(*value);
}

Result<std::vector<NameAddr>> Message::addresses(HeaderId id) const {
  std::vector<NameAddr> result;
  for (const std::string_view value : values(id)) {
    auto address = parse_name_addr(value);
    if (!address) return tl::unexpected(address.error());
    if (result.size() >= kStandardLimits[Limit::list_values])
      return fail(ErrorClass::exhausted, "too many addresses in a header field");
    result.push_back(*address);
  }
  return result;
}

Result<std::optional<std::uint32_t>> Message::number(HeaderId id) const {
  const auto value = header(id);
  if (!value) return std::optional<std::uint32_t>{};
  const auto parsed = text::delta_seconds(*value);
  if (!parsed) return fail(ErrorClass::malformed, std::string(info(id).name) + " is no number");
  return parsed;
}

bool is_answerable(const Message& message) {
  return message.is_request() && message.method() != Method::ack && !message.method_text().empty() &&
         message.has(HeaderId::via);
}

}  // namespace sallyport::sip
