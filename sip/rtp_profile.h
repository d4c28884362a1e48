// SPDX-License-Identifier: GPL-3.0-or-later
// The <proto> of media that can be relayed, and how keys of SRTP may come about.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::sip {

/// RFC 3551, 3711, 4585, 5124, 5764.
enum class RtpProfile : std::uint8_t { avp, savp, avpf, savpf, tls_savp, tls_savpf, other };

[[nodiscard]] constexpr std::string_view name(RtpProfile profile) {
  constexpr std::array<std::string_view, 7> kNames = {
      "RTP/AVP", "RTP/SAVP", "RTP/AVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", ""};
  return kNames[static_cast<std::size_t>(profile)];
}
[[nodiscard]] constexpr bool is_dtls(RtpProfile profile) {
  return profile == RtpProfile::tls_savp || profile == RtpProfile::tls_savpf;
}
/// SRTP or nothing. The others may be SRTP where both know a way (RFC 8643).
[[nodiscard]] constexpr bool is_secure(RtpProfile profile) {
  return profile == RtpProfile::savp || profile == RtpProfile::savpf || is_dtls(profile);
}
[[nodiscard]] constexpr bool has_feedback(RtpProfile profile) {
  return profile == RtpProfile::avpf || profile == RtpProfile::savpf || profile == RtpProfile::tls_savpf;
}

enum class KeyAgreement : std::uint8_t {
  sdes,  ///< RFC 4568: keys stand in the descriptions
  dtls,  ///< RFC 5764: keys come of a handshake on the media path
  zrtp,  ///< RFC 6189: likewise, and its profile is that of plain RTP
};

inline constexpr std::array kKeyAgreements = {KeyAgreement::sdes, KeyAgreement::dtls, KeyAgreement::zrtp};

[[nodiscard]] constexpr std::string_view name(KeyAgreement agreement) {
  constexpr std::array<std::string_view, 3> kNames = {"sdes", "dtls", "zrtp"};
  return kNames[static_cast<std::size_t>(agreement)];
}

/// The profile that insists on this kind of SRTP; nothing: on none.
[[nodiscard]] constexpr RtpProfile rtp_profile(std::optional<KeyAgreement> insists, bool feedback) {
  if (!insists || *insists == KeyAgreement::zrtp) return feedback ? RtpProfile::avpf : RtpProfile::avp;
  if (*insists == KeyAgreement::sdes) return feedback ? RtpProfile::savpf : RtpProfile::savp;
  return feedback ? RtpProfile::tls_savpf : RtpProfile::tls_savp;
}

}  // namespace sallyport::sip
