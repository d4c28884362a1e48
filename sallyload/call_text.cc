// SPDX-License-Identifier: GPL-3.0-or-later
// Writing and reading a load's session descriptions.
#include "sallyload/call_text.h"

#include <fmt/format.h>

#include "sip/sdp.h"
#include "sip/sdp_ice.h"

namespace sallyport::sallyload {

namespace {

/// Up to the medium's first attribute.
std::string beginning(std::uint64_t id, const Endpoint& local, std::string_view profile) {
  const std::string address = local.address.to_string();
  const std::string_view family = local.address.is_v4() ? "IP4" : "IP6";
  return fmt::format(
      "v=0\r\no=- {} 1 IN {} {}\r\ns=-\r\nc=IN {} {}\r\nt=0 0\r\nm=audio {} {} 0\r\na=rtpmap:0 PCMU/8000\r\n",
      id, family, address, family, address, local.port, profile);
}

std::string ending(unsigned packets_per_second) {
  return fmt::format("a=ptime:{}\r\n", 1000 / packets_per_second);
}

Result<DtlsWords> read_dtls(const sip::Sdp& sdp, bool with_ice) {
  auto dtls = sip::dtls_description(sdp, 0);
  if (!dtls) return tl::unexpected(dtls.error());
  if (!dtls->setup || dtls->fingerprints.empty())
    return fail(ErrorClass::malformed, "no fingerprint and setup in the session description");
  DtlsWords words{*dtls->setup, std::move(dtls->fingerprints),
                  sdp.media_attribute(0, sip::SdpAttribute::rtcp_mux).has_value(), std::nullopt};
  if (!with_ice) return words;
  const auto ice = sip::ice_description(sdp, 0);
  if (!ice || !ice->has_ice()) return fail(ErrorClass::malformed, "no ICE in the session description");
  words.ice = IceWords{std::string(ice->fragment), std::string(ice->password)};
  return words;
}

}  // namespace

std::string write_description(std::uint64_t id, const Endpoint& local, const sip::CryptoAttribute* key,
                              unsigned packets_per_second) {
  std::string text = beginning(id, local, key == nullptr ? "RTP/AVP" : "RTP/SAVP");
  if (key != nullptr) sip::append_crypto(text, *key);
  return text + ending(packets_per_second);
}

std::string write_description(std::uint64_t id, const Endpoint& local, const DtlsWords& dtls,
                              unsigned packets_per_second) {
  std::string text = beginning(id, local, "UDP/TLS/RTP/SAVP");
  for (const crypto::Fingerprint& fingerprint : dtls.fingerprints) sip::append_fingerprint(text, fingerprint);
  text.append("a=setup:").append(sip::name(dtls.setup)).append("\r\n");
  if (dtls.rtcp_mux) text += "a=rtcp-mux\r\n";
  if (dtls.ice) {
    text.append("a=ice-ufrag:").append(dtls.ice->fragment).append("\r\n");
    text.append("a=ice-pwd:").append(dtls.ice->password).append("\r\n");
    sip::append_candidate(text, "1", 1, sip::host_candidate_priority(1), local);
  }
  return text + ending(packets_per_second);
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
  if (settings.media == MediaMode::dtls) {
    auto dtls = read_dtls(*sdp, settings.ice);
    if (!dtls) return tl::unexpected(dtls.error());
    description.dtls = std::move(*dtls);
    return description;
  }
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
