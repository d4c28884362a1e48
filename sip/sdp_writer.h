// SPDX-License-Identifier: GPL-3.0-or-later
// Writing one side's session description from the other side's: what is the other side's own stays behind.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "sip/sdp.h"
#include "sip/sdp_crypto.h"
#include "sip/sdp_dtls.h"
#include "sip/sdp_zrtp.h"

namespace sallyport::sip {

/// The o= line of all descriptions that one leg is given. Whoever owns it raises the version with every
/// change.
struct LocalOrigin {
  std::uint64_t session_id = 0;
  std::uint64_t version = 0;
  IpAddress address;  ///< of the session's c= line too
};

/// Which lines cross the border. Keys, handshakes, ICE, bundles, RFC 5939 capabilities, addresses, a=ssrc
/// with its CNAME, a=msid, e=, i=, k=, p=, u= of the session and the session's name never do: what a leg is
/// told of these is ours.
struct SdpFilter {
  /// a=extmap and a=extmap-allow-mixed. The ends of a call agree upon extensions with each other: where one
  /// leg is told none, neither is the other to be.
  bool keep_extensions = true;
  /// Further attributes that stay behind, by name; `X-*` is every name that begins so, in any case.
  std::vector<std::string> dropped = {"X-*"};

  [[nodiscard]] bool drops(const SdpLine& attribute) const;
};

/// Our DTLS end, as a description announces it. Views last as the call that they are given to.
struct LocalDtls {
  crypto::Fingerprint fingerprint;
  std::string_view tls_id;
};

/// Our ICE-lite agent of a medium. The password is for the wire only.
struct LocalIce {
  std::string_view fragment;
  std::string_view password;
};

/// A medium that shares a transport with others (RFC 9143), or is offered to.
struct LocalBundle {
  std::string_view mid;
  std::size_t carrier = 0;  ///< the same for all media of a bundle: the number of whose transport they have
  bool apart = false;       ///< has a transport of its own, until an answer puts it into the bundle
};

/// How one medium is written.
struct MediaEdit {
  std::string_view protocol;      ///< the <proto> of its m= line
  std::optional<Endpoint> local;  ///< where we receive; nothing: the medium is refused, with port 0
  std::optional<Endpoint> local_rtcp;
  bool mux = false;  ///< RTP and RTCP on `local` (RFC 5761)
  Direction direction = Direction::sendrecv;
  std::span<const CryptoAttribute> crypto;
  const LocalDtls* dtls = nullptr;  ///< nothing: no DTLS
  DtlsSetup setup = DtlsSetup::actpass;
  const HelloHash* zrtp = nullptr;  ///< nothing: no ZRTP of ours
  bool keep_zrtp = false;           ///< a=zrtp-hash goes through
  const LocalIce* ice = nullptr;    ///< nothing: no ICE
  bool keep_feedback = true;        ///< a=rtcp-fb goes through
  /// Nothing: a transport of its own.
  const LocalBundle* bundle = nullptr;
};

/// `media` has one entry for each medium of `source`.
[[nodiscard]] std::string write_sdp(const Sdp& source, const LocalOrigin& origin,
                                    std::span<const MediaEdit> media, const SdpFilter& filter);

}  // namespace sallyport::sip
