// SPDX-License-Identifier: GPL-3.0-or-later
// Contact values: an address and the parameters that a registrar acts upon.
#include "sip/contact.h"

#include "sip/limits.h"
#include "sip/message.h"
#include "sip/text.h"

namespace sallyport::sip {

namespace {

/// What a malformed `expires` counts as (RFC 3261 §20.10).
constexpr std::uint32_t kExpiresOfMalformed = 3600;

}  // namespace

Result<std::uint16_t> parse_q(std::string_view text) {
  const auto malformed = [] { return fail(ErrorClass::malformed, "a malformed q-value"); };
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return malformed();
  unsigned thousandths = text[0] == '1' ? 1000 : 0;
  if (text.size() > 1 && text[1] != '.') return malformed();
  unsigned weight = 100;
  for (std::size_t at = 2; at < text.size(); ++at, weight /= 10) {
    if (!text::is(text[at], text::kDigit)) return malformed();
    thousandths += weight * static_cast<unsigned>(text[at] - '0');
  }
  if (thousandths > 1000) return malformed();
  return static_cast<std::uint16_t>(thousandths);
}

Result<Contact> parse_contact(std::string_view text) {
  Contact contact;
  if (text::trim(text) == "*") {
    contact.star = true;
    return contact;
  }
  const auto address = parse_name_addr(text);
  if (!address) return tl::unexpected(address.error());
  const auto uri = address->parsed_uri();
  if (!uri) return tl::unexpected(uri.error());
  contact.address = *address;
  contact.outbound = uri->parameters.has("ob");
  for (const Parameter& parameter : address->parameters) {
    if (text::equal_ignoring_case(parameter.name, "q")) {
      const auto q = parse_q(parameter.value);
      if (!q) return tl::unexpected(q.error());
      contact.q = *q;
    } else if (text::equal_ignoring_case(parameter.name, "expires")) {
      contact.expires = text::delta_seconds(parameter.value).value_or(kExpiresOfMalformed);
    } else if (text::equal_ignoring_case(parameter.name, "+sip.instance")) {
      const std::string_view quoted = parameter.value;
      if (quoted.size() < 2 || quoted.front() != '"')
        return fail(ErrorClass::malformed, "a malformed +sip.instance");
      contact.instance = quoted.substr(1, quoted.size() - 2);
    } else if (text::equal_ignoring_case(parameter.name, "reg-id")) {
      contact.reg_id = text::decimal(parameter.value, 0x7fffffff);
      if (!contact.reg_id || *contact.reg_id == 0) return fail(ErrorClass::malformed, "a malformed reg-id");
    }
  }
  return contact;
}

Result<std::vector<Contact>> contacts(const Message& message) {
  std::vector<Contact> result;
  bool star = false;
  for (const std::string_view value : message.values(HeaderId::contact)) {
    auto contact = parse_contact(value);
    if (!contact) return tl::unexpected(contact.error());
    if (result.size() >= kStandardLimits[Limit::list_values])
      return fail(ErrorClass::exhausted, "too many Contact values");
    star = star || contact->star;
    result.push_back(*contact);
  }
  if (star && result.size() > 1) return fail(ErrorClass::malformed, "Contact * beside other Contact values");
  return result;
}

}  // namespace sallyport::sip
