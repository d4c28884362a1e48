// SPDX-License-Identifier: GPL-3.0-or-later
// Identity headers: who somebody trusted says the caller is, and what may be told of it.
#include "sip/identity.h"

#include <algorithm>
#include <array>

#include "sip/text.h"

namespace sallyport::sip {

namespace {

struct PrivacyWord {
  std::string_view word;
  bool Privacy::*flag;
};

constexpr std::array kWords = std::to_array<PrivacyWord>({
    {"header", &Privacy::header},
    {"session", &Privacy::session},
    {"user", &Privacy::user},
    {"id", &Privacy::id},
    {"history", &Privacy::history},
    {"none", &Privacy::none},
    {"critical", &Privacy::critical},
});

tl::unexpected<Error> malformed_privacy() {
  return fail(ErrorClass::malformed, "a malformed Privacy");
}

}  // namespace

Result<AssertedIdentity> asserted_identity(const Message& message, HeaderId id) {
  AssertedIdentity result;
  const auto addresses = message.addresses(id);
  if (!addresses) return tl::unexpected(addresses.error());
  for (const NameAddr& address : *addresses) {
    const auto uri = address.parsed_uri();
    if (!uri) return tl::unexpected(uri.error());
    if (uri->scheme == UriScheme::other)
      return fail(ErrorClass::malformed, "an asserted identity that is neither sip nor tel");
    std::optional<NameAddr>& place = uri->is_sip() ? result.sip : result.tel;
    if (place) return fail(ErrorClass::malformed, "two asserted identities of a kind");
    place = address;
  }
  return result;
}

/// Semicolons divide (RFC 3323 §4.2); commas are met as well.
Result<Privacy> privacy(const Message& message) {
  Privacy result;
  const auto value = message.header(HeaderId::privacy);
  if (!value) return result;
  std::size_t count = 0;
  for (std::string_view rest = *value;;) {
    const std::size_t end = std::min(rest.find_first_of(";,"), rest.size());
    const std::string_view word = text::trim(rest.substr(0, end));
    if (!text::is_token(word)) return malformed_privacy();
    ++count;
    const auto* const known = std::find_if(
        kWords.begin(), kWords.end(),
        [word](const PrivacyWord& candidate) { return text::equal_ignoring_case(candidate.word, word); });
    result.*(known == kWords.end() ? &Privacy::other : known->flag) = true;
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  if (result.none && count > 1) return malformed_privacy();
  return result;
}

}  // namespace sallyport::sip
