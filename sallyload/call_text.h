// SPDX-License-Identifier: GPL-3.0-or-later
// Session descriptions of a load's calls: one audio medium, PCMU, with or without a key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "sallyload/settings.h"
#include "sip/sdp_crypto.h"
#include "sip/sdp_dtls.h"

namespace sallyport::sallyload {

/// `key` is ours, with the tag that it is to have; null: RTP/AVP.
[[nodiscard]] std::string write_description(std::uint64_t id, const Endpoint& local,
                                            const sip::CryptoAttribute* key, unsigned packets_per_second);

/// Credentials of ICE (RFC 8839 §5.4); the only candidate is where media goes anyway.
struct IceWords {
  std::string fragment;
  std::string password;
};

/// What DTLS-SRTP needs to be said (RFC 5763 §5).
struct DtlsWords {
  sip::DtlsSetup setup = sip::DtlsSetup::actpass;
  std::vector<crypto::Fingerprint> fingerprints;
  bool rtcp_mux = true;  ///< one port, and so one handshake
  std::optional<IceWords> ice;
};
[[nodiscard]] std::string write_description(std::uint64_t id, const Endpoint& local, const DtlsWords& dtls,
                                            unsigned packets_per_second);

struct Description {
  Endpoint remote;
  /// The first one of the suite that the run uses.
  std::optional<sip::CryptoAttribute> key;
  std::optional<DtlsWords> dtls;  ///< where the run uses it
};
/// What the other side says. Fails without audio, without an address, where a suite is used and there is no
/// key of it, and where DTLS-SRTP is used and its fingerprint or setup is missing, or, with ICE,
/// its credentials.
[[nodiscard]] Result<Description> read_description(std::string_view text, const Settings& settings);

}  // namespace sallyport::sallyload
