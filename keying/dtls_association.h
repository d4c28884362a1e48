// SPDX-License-Identifier: GPL-3.0-or-later
// DtlsAssociation: one DTLS-SRTP handshake with one address (RFC 5763, RFC 5764), from the first datagram to
// the keys of a leg, and what remains of it afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crypto/fingerprint.h"
#include "crypto/keying.h"
#include "keying/clock.h"
#include "keying/dtls_context.h"
#include "keying/dtls_identity.h"
#include "keying/dtls_outcome.h"
#include "keying/dtls_wire.h"

namespace sallyport::keying {

/// RFC 5763 §5: what a=setup has come to.
enum class DtlsRole : std::uint8_t {
  active,   ///< we send the ClientHello
  passive,  ///< we wait for it
};

/// Bounds of one handshake.
struct DtlsLimits {
  std::uint16_t mtu = 1200;                     ///< octets of the UDP payloads that we send
  std::uint16_t max_message = kMaxDtlsMessage;  ///< octets of a handshake message that we take
  std::uint32_t max_received = 65536;           ///< octets that a handshake may bring
  InstantMs handshake_ms = 10000;               ///< from the first datagram, either way, to the keys
  InstantMs linger_ms = 10000;                  ///< in which a passive end can send its last flight again
};

struct DtlsSettings {
  std::shared_ptr<const DtlsIdentity> identity;
  DtlsRole role = DtlsRole::passive;
  /// The policy's SRTP profiles, the dearest first; those without a number in RFC 5764 and 7714 are passed
  /// over.
  std::vector<crypto::SuiteId> profiles;
  /// Every a=fingerprint that applies. None: not known yet, keys wait for announce().
  std::vector<crypto::Fingerprint> peer_fingerprints;
  DtlsWire::Budget budget;  ///< unlimited towards addresses that ICE has validated
  DtlsLimits limits;
};

/// Whether a suite can be negotiated by use_srtp.
[[nodiscard]] bool has_dtls_profile(crypto::SuiteId suite);

/// Used by one thread. The clock is the caller's; OpenSSL's retransmission timer beneath looks at the
/// machine's own, so that a step of the latter sends a flight again early or late, no more.
class DtlsAssociation final : private DtlsCertificateJudge {
 public:
  enum class State : std::uint8_t {
    waiting,  ///< passive, and nothing has come
    handshaking,
    unverified,   ///< done, but nobody has said yet which certificate it should have been
    established,  ///< keys can be taken, or have been
    over,         ///< closed or failed: outcome() says why
  };

  /// `sink` outlives it.
  DtlsAssociation(DtlsSettings settings, DatagramSink& sink);
  ~DtlsAssociation();
  DtlsAssociation(const DtlsAssociation&) = delete;
  DtlsAssociation& operator=(const DtlsAssociation&) = delete;

  /// Active: sends the ClientHello. Passive: waits.
  DtlsOutcome start(InstantMs now);
  /// A datagram that RFC 7983 calls DTLS, from the association's address: the caller has looked at that.
  DtlsOutcome receive(std::span<const std::uint8_t> datagram, InstantMs now);
  /// When to call on_timer(); nothing: not at all.
  [[nodiscard]] std::optional<InstantMs> deadline() const { return deadline_; }
  DtlsOutcome on_timer(InstantMs now);
  /// The answer has come, with the fingerprints that it announces. Has no effect where some were known.
  DtlsOutcome announce(std::span<const crypto::Fingerprint> peer_fingerprints, InstantMs now);
  /// Sends close_notify, where there is something to close, and ends.
  DtlsOutcome close();
  /// Gives back all that OpenSSL keeps, which is forty times of what remains. Happens by itself as soon as
  /// nobody can want our last flight again: for an active end with the handshake, for a passive one by the
  /// timer; the caller may know earlier, when media of the peer has verified. close_notify can still be sent
  /// afterwards, but is not understood.
  void settle();

  [[nodiscard]] State state() const { return state_; }
  /// The last thing that happened which mattered.
  [[nodiscard]] DtlsOutcome outcome() const { return outcome_; }
  /// Once, when established: send and receive keys of the leg. The copy here is gone then.
  [[nodiscard]] std::optional<crypto::Keying> take_keys();
  /// Whether the peer has proved that it receives our packets.
  [[nodiscard]] bool path_is_proven() const {
    return state_ == State::unverified || state_ == State::established;
  }
  [[nodiscard]] const DtlsWire& wire() const { return wire_; }

 private:
  bool accept_certificate(const x509_st& certificate) override;
  DtlsOutcome shake(InstantMs now);
  DtlsOutcome finish(InstantMs now);
  DtlsOutcome read_rest();
  DtlsOutcome release_keys(InstantMs now);
  DtlsOutcome end(DtlsOutcome outcome);
  /// Why the handshake may not go on; nothing when it may.
  [[nodiscard]] std::optional<DtlsOutcome> objection() const;
  [[nodiscard]] std::optional<DtlsOutcome> export_keys();
  void set_deadline(InstantMs now);
  void begin_at(InstantMs now);
  void say_goodbye();
  void write_goodbye();

  const DtlsRole role_;
  State state_ = State::waiting;
  DtlsOutcome outcome_ = DtlsOutcome::idle;
  std::optional<DtlsOutcome> refusal_;  ///< by accept_certificate, within OpenSSL's call
  bool certificate_seen_ = false;
  DtlsLimits limits_;
  InstantMs ends_at_ = 0;
  std::optional<InstantMs> deadline_;
  std::vector<crypto::SuiteId> profiles_;
  std::vector<crypto::Fingerprint> announced_;
  crypto::CertificateFingerprints peer_{};
  DtlsWire wire_;
  OpenSslHandle<ssl_st> ssl_;
  std::vector<std::uint8_t> goodbye_;     ///< the close_notify of a settled association
  std::unique_ptr<crypto::Keying> keys_;  ///< until they are taken
};

}  // namespace sallyport::keying
