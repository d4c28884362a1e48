// SPDX-License-Identifier: GPL-3.0-or-later
// Offer and answer (RFC 3264, RFC 4568 §5 and §7, RFC 8842, RFC 8839) of a call whose media is anchored here:
// each leg has its own addresses, profile and keys, and what the legs say of codecs and direction goes
// through.
//
//     A's offer ─▶ read_offer ─▶ write_offer ─▶ B's offer
//     A's answer ◀─ write_answer ◀─ read_answer ◀─ B's answer
//
// Media keep their places: the n-th of one leg is the n-th of the other, refused ones with port 0.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "crypto/keying.h"
#include "sip/limits.h"
#include "sip/sdp.h"
#include "sip/sdp_bundle.h"
#include "sip/sdp_crypto.h"
#include "sip/sdp_dtls.h"
#include "sip/sdp_writer.h"
#include "sip/sdp_zrtp.h"

namespace sallyport::sip {

enum class MediaSecurity : std::uint8_t {
  required,   ///< SRTP or nothing
  preferred,  ///< SRTP where the peer can (RTP/AVP with a=crypto is offered), else plain RTP
  none,       ///< plain RTP; offers of SRTP alone are refused
};

enum class IceUse : std::uint8_t {
  off,     ///< never, whatever the peer offers
  accept,  ///< where the peer offers it
  offer,   ///< the same, and offered
};

/// Transports with ICE, DTLS and rtcp-mux that several media share (RFC 9143).
enum class BundleUse : std::uint8_t {
  off,     ///< never, whatever the peer offers
  accept,  ///< where the peer offers them
  offer,   ///< the same, and offered: each medium has a transport until the answer says that it needs none
};

/// Feedback by RTCP (RFC 4585) in what a leg is offered.
enum class FeedbackUse : std::uint8_t {
  automatic,  ///< `pass` for video, which cannot do without, `off` for audio, where many phones know none
  pass,       ///< as the other leg has it
  on,         ///< the profiles that end with F
  off,        ///< the others, and no a=rtcp-fb
};

/// Whether a medium may be described in two m-lines, with SRTP and without, of which an answer takes one.
enum class DualLines : std::uint8_t {
  off,     ///< two m-lines are two media
  accept,  ///< where the peer offers it
  offer,   ///< the same, and offered in place of RTP/AVP with a=crypto
};

[[nodiscard]] constexpr std::string_view name(DualLines use) {
  constexpr std::array<std::string_view, 3> kNames = {"off", "accept", "offer"};
  return kNames[static_cast<std::size_t>(use)];
}

/// How a leg's media may be.
struct MediaPolicy {
  MediaSecurity security = MediaSecurity::required;
  /// Ways to keys that are accepted, the dearest first; that one is offered.
  std::vector<KeyAgreement> agreements = {KeyAgreement::sdes};
  CryptoPolicy crypto;
  /// Peers that announce ZRTP to each other have it end to end, where both legs allow it.
  bool carry_zrtp = false;
  IceUse ice = IceUse::accept;
  FeedbackUse feedback = FeedbackUse::automatic;
  DualLines dual_lines = DualLines::accept;
  /// The leg's signalling is TLS all the way to its next hop. Without, no key is taken from the leg or given
  /// to it, and no fingerprint is believed.
  bool transport_secure = false;
  bool accept_mux = true;
  bool offer_mux = false;
  BundleUse bundle = BundleUse::accept;
  SdpFilter filter;  ///< for what the leg is told
};

/// Fills the octets with what nobody can guess.
using RandomSource = std::function<void(std::span<std::uint8_t>)>;

/// The DTLS end of a leg's peer.
struct PeerDtls {
  DtlsSetup setup = DtlsSetup::actpass;           ///< theirs; once agreed upon active or passive
  std::vector<crypto::Fingerprint> fingerprints;  ///< at least one
  std::string tls_id;                             ///< RFC 8842; empty: none

  friend bool operator==(const PeerDtls&, const PeerDtls&) = default;
};

/// A medium that shares its peer's transport with others.
struct BundledMedium {
  std::size_t tagged = 0;  ///< the medium that described it; that one's number is its own
  BundleMarks marks;

  friend bool operator==(const BundledMedium&, const BundledMedium&) = default;
};

/// What a peer's description says of one medium, and what we make of it.
struct RemoteMedia {
  MediaKind kind = MediaKind::other;
  bool active = false;   ///< to be relayed
  std::string refusal;   ///< why not, unless the peer itself gave port 0
  std::string protocol;  ///< as the peer wrote it: an answer repeats it
  RtpProfile profile = RtpProfile::other;
  std::optional<Endpoint> rtp;   ///< nothing while the peer holds with an address of zeros
  std::optional<Endpoint> rtcp;  ///< by a=rtcp; nothing: the port above `rtp`, or the same when muxed
  bool mux = false;              ///< offered, or agreed upon in an answer
  Direction direction = Direction::sendrecv;  ///< as the peer sees it
  std::uint32_t clock_rate = 8000;
  /// What was chosen of the ways to keys; nothing: plain RTP.
  std::optional<KeyAgreement> agreement;
  std::optional<CryptoAttribute> crypto;  ///< sdes: the line that was chosen, with the peer's key
  std::optional<PeerDtls> dtls;           ///< dtls
  std::optional<HelloHash> zrtp;          ///< zrtp
  bool end_to_end = false;                ///< announces ZRTP that is to be carried: not for us to end
  std::string ice_fragment;               ///< of a full ICE agent's user name; empty: no ICE
  std::optional<BundledMedium> bundle;    ///< all about the transport is then that of the tagged medium
};

struct RemoteOffer {
  std::vector<RemoteMedia> media;
  Limit exceeded = Limit::none;  ///< to be counted
};

/// Fails (`refused` or `unsupported`: 488) if the peer offers media and none can be relayed. `apart`: by
/// medium, whether it has a transport that it shares with none, and keeps; media beyond its end have none
/// yet.
[[nodiscard]] Result<RemoteOffer> read_offer(const Sdp& offer, const MediaPolicy& policy,
                                             const Limits& limits = kStandardLimits,
                                             const std::vector<bool>& apart = {});

/// Whether an offered medium with a transport of its own could be relayed.
[[nodiscard]] bool can_take(const Sdp& offer, std::size_t medium, const MediaPolicy& policy,
                            const Limits& limits);

/// What a leg is told of one medium, beside what the other leg's peer says.
struct LocalMedia {
  Endpoint rtp;                   ///< where to send
  std::optional<Endpoint> rtcp;   ///< nothing: the port above
  std::optional<LocalDtls> dtls;  ///< nothing: we have none
  /// The role that we have; nothing: no association yet.
  std::optional<DtlsSetup> dtls_role;
  std::optional<HelloHash> zrtp;  ///< of our Hello; nothing: we have none
  std::optional<LocalIce> ice;    ///< nothing: no ICE. It is answered only where it was offered
  /// How the medium's keys came about, which goes on; nothing: there are none.
  std::optional<KeyAgreement> agreed;
  /// Where it shares a transport, all of the above is the same for all that do.
  std::optional<LocalBundle> bundle;
};

/// What a leg was offered, until its answer comes.
struct SentOffer {
  struct Medium {
    MediaKind kind = MediaKind::other;
    bool active = false;
    bool mux = false;
    RtpProfile profile = RtpProfile::other;
    Direction direction = Direction::sendrecv;
    std::vector<CryptoAttribute> crypto;
    bool dtls = false;
    std::optional<DtlsSetup> dtls_role;  ///< ours, of the association that goes on
    bool zrtp = false;
    bool end_to_end = false;
    bool ice = false;
    std::optional<std::size_t> carrier;  ///< of the bundle that it is in, or is offered to be in
    bool apart = false;                  ///< it has a transport of its own, which the answer may leave it
    std::string mid;                     ///< in that bundle
  };
  std::string text;
  std::vector<Medium> media;

  /// For another branch of a fork, which needs keys of its own: an offer's keys serve one answer only.
  [[nodiscard]] SentOffer duplicate() const;
};

/// The keys of a leg's media as agreed before, in their order; nothing for plain ones. Where they still fit
/// they are used again: a stream that goes on keeps its keys (RFC 4568 §7.1.4).
using EstablishedKeys = std::span<const std::optional<crypto::Keying>>;

/// `source` is the other leg's description, and `read` what read_offer() made of it; `local` has an entry for
/// each medium (of inactive ones unused). Fails if `policy` cannot be kept on this transport.
[[nodiscard]] Result<SentOffer> write_offer(const Sdp& source, const RemoteOffer& read,
                                            const MediaPolicy& policy, std::span<const LocalMedia> local,
                                            const LocalOrigin& origin, const RandomSource& draw,
                                            EstablishedKeys established = {});

/// What both ends of a leg agreed upon for one medium.
struct AgreedMedia {
  bool active = false;
  std::optional<Endpoint> rtp;  ///< the peer's
  std::optional<Endpoint> rtcp;
  bool mux = false;
  Direction direction = Direction::sendrecv;  ///< as the peer sees it
  std::uint32_t clock_rate = 8000;
  std::optional<KeyAgreement> agreement;  ///< nothing: plain RTP
  std::optional<crypto::Keying> keying;   ///< sdes
  std::optional<PeerDtls> dtls;           ///< dtls
  std::optional<HelloHash> zrtp;          ///< zrtp
  bool end_to_end = false;                ///< both peers have announced ZRTP, and it is carried
  std::string ice_fragment;               ///< the peer's; empty: no ICE
  std::optional<BundledMedium> bundle;    ///< nothing: it has a transport of its own
};

struct Agreement {
  std::vector<AgreedMedia> media;
};

/// Fails if the answer does not fit the offer or breaks the policy, or its bundles break RFC 9143 §7.3: the
/// leg must then be given up.
[[nodiscard]] Result<Agreement> read_answer(const SentOffer& sent, const Sdp& answer,
                                            const MediaPolicy& policy);

struct SentAnswer {
  std::string text;
  Agreement agreement;  ///< of the leg that is answered
};

/// Answers `offer` (as read_offer() read it) with what the other leg agreed to: `source` is that leg's
/// answer, `agreed` what read_answer() made of it. `mux` is granted where it was offered and the policy
/// accepts it.
[[nodiscard]] Result<SentAnswer> write_answer(const RemoteOffer& offer, const Sdp& source,
                                              const Agreement& agreed, const MediaPolicy& policy,
                                              std::span<const LocalMedia> local, const LocalOrigin& origin,
                                              const RandomSource& draw, EstablishedKeys established = {});

/// Whether both are plain, or have the same keys in both directions.
[[nodiscard]] bool same_keys(const std::optional<crypto::Keying>& left,
                             const std::optional<crypto::Keying>& right);

}  // namespace sallyport::sip
