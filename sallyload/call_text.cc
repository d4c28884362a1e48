// SPDX-License-Identifier: GPL-3.0-or-later
// Writing and reading a load's session descriptions.
#include "sallyload/call_text.h"

#include <fmt/format.h>

#include "sip/sdp.h"

namespace sallyport::sallyload {

std::string write_description(std::uint64_t id, const Endpoint& local, const sip::CryptoAttribute* key,
                              unsigned packets_per_second) {
  const std::string address = local.address.to_string();
  const std::string_view family = local.address.is_v4() ? "IP4" : "IP6";
  std::string text = fmt::format(
      "v=0\r\no=- {} 1 IN {} {}\r\ns=-\r\nc=IN {} {}\r\nt=0 0\r\nm=audio {} {} 0\r\na=rtpmap:0 PCMU/8000\r\n",
      id, family, address, family, address, local.port, key == nullptr ? "RTP/AVP" : "RTP/SAVP");
  if (key != nullptr) sip::append_crypto(text, *key);
  return text + fmt::format("a=ptime:{}\r\n", 1000 / packets_per_second);
}

Result<Description> read_description(std::string_view text, const Settings& settings) {
  const auto sdp = sip::parse_sdp(std::string(text));
  if (!sdp || sdp->media_count() == 0) return fail(ErrorClass::malformed, "no session description");
  const sip::SdpMedia media = sdp->media(0);
  const auto address = sdp->address(0);
  if (media.kind != sip::MediaKind::audio || media.port == 0 || !address)
    return fail(ErrorClass::malformed, "no audio in the session description");
  Description description;
  description.remote = {*address, media.port};
  if (!settings.suite) return description;
  for (const sip::SdpLine line : sdp->media_lines(0)) {
    if (line.attribute != sip::SdpAttribute::crypto) continue;
    auto key = sip::parse_crypto(line.argument);
    if (!key || key->suite != *settings.suite) continue;
    description.key = std::move(*key);
    return description;
  }
  return fail(ErrorClass::malformed, "no key of the suite in the session description");
}

}  // namespace sallyport::sallyload
