// SPDX-License-Identifier: GPL-3.0-or-later
// Challenges and credentials may hold anything; what is understood survives being written and parsed again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/digest_header.h"

using namespace sallyport::sip;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto challenges = parse_challenges(text))
    for (const DigestChallenge& challenge : *challenges) {
      if (!challenge.is_digest()) continue;
      const std::string written = write_challenge(challenge);
      const auto again = parse_challenges(written);
      expect(again && again->size() == 1);
      expect(again->front().realm == challenge.realm && again->front().nonce == challenge.nonce);
      expect(again->front().offers("auth") == challenge.offers("auth"));
    }
  if (const auto credentials = parse_credentials(text); credentials && credentials->is_digest()) {
    const std::string written = write_credentials(*credentials);
    const auto again = parse_credentials(written);
    expect(again && again->uri == credentials->uri && again->response == credentials->response);
    expect(again->nonce_count == credentials->nonce_count);
    static_cast<void>(decode_extended(credentials->username_extended));
  }
  static_cast<void>(parse_authentication_info(text));
  if (const auto decoded = decode_extended(text))
    expect(decode_extended(encode_extended(*decoded)) == *decoded);
  return 0;
}
