// SPDX-License-Identifier: GPL-3.0-or-later
// What a description says of DTLS: a=fingerprint (RFC 8122), a=setup (RFC 4145, 5763), a=tls-id (RFC 8842).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/fingerprint.h"
#include "sip/sdp.h"

namespace sallyport::sip {

/// RFC 4145 §4, as seen by whoever wrote it.
enum class DtlsSetup : std::uint8_t { active, passive, actpass, holdconn };

[[nodiscard]] constexpr std::string_view name(DtlsSetup setup) {
  constexpr std::array<std::string_view, 4> kNames = {"active", "passive", "actpass", "holdconn"};
  return kNames[static_cast<std::size_t>(setup)];
}
[[nodiscard]] std::optional<DtlsSetup> parse_setup(std::string_view argument);

/// What we answer to an offer (RFC 5763 §5). `preferred`, active or passive, decides where the offer leaves
/// it to us: in a re-offer, the role that we have (RFC 8842 §5.5).
[[nodiscard]] constexpr DtlsSetup answer_to(DtlsSetup offered, DtlsSetup preferred) {
  switch (offered) {
    case DtlsSetup::active:
      return DtlsSetup::passive;
    case DtlsSetup::passive:
      return DtlsSetup::active;
    case DtlsSetup::actpass:
      return preferred;
    case DtlsSetup::holdconn:
      return DtlsSetup::holdconn;
  }
  return DtlsSetup::holdconn;
}
/// Whether an answer fits our offer.
[[nodiscard]] constexpr bool fits(DtlsSetup answered, DtlsSetup offered) {
  if (offered == DtlsSetup::actpass) return answered == DtlsSetup::active || answered == DtlsSetup::passive;
  return answered == answer_to(offered, DtlsSetup::active);
}

enum class FingerprintFault : std::uint8_t {
  malformed,     ///< breaks its grammar, or is not as long as its hash
  unknown_hash,  ///< well formed, of a hash function that we do not trust
};

/// Reads what follows `a=fingerprint:`. Hash functions in any case, digits in either.
[[nodiscard]] tl::expected<crypto::Fingerprint, FingerprintFault> parse_fingerprint(
    std::string_view argument);
/// Appends `a=fingerprint:…` and the line's end.
void append_fingerprint(std::string& text, const crypto::Fingerprint& fingerprint);

/// RFC 8842 §4: 20 to 255 letters, digits and `+/-_`; nothing if it is not that.
[[nodiscard]] std::optional<std::string_view> parse_tls_id(std::string_view argument);

/// All that applies to one medium.
struct DtlsDescription {
  static constexpr std::size_t kMaxFingerprints = 16;

  std::optional<DtlsSetup> setup;
  std::vector<crypto::Fingerprint> fingerprints;  ///< the usable ones
  std::string_view tls_id;                        ///< lasts as the description; empty: none
};

/// The medium's attributes, or the session's where the medium has none of that name (RFC 8122 §5, RFC 8842
/// §4). malformed: a line breaks its grammar. unsupported: there are fingerprints, but none of a hash that we
/// trust. exhausted: more of them than anybody needs.
[[nodiscard]] Result<DtlsDescription> dtls_description(const Sdp& sdp, std::size_t medium);

}  // namespace sallyport::sip
