// SPDX-License-Identifier: GPL-3.0-or-later
// LegHandshake: one leg of an m-line whose keys or addresses come of handshakes on the media path: what it
// was told, whom it shakes hands with, and what came of it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "control/media/handshakes.h"
#include "control/media/relay_spec.h"
#include "sip/offer_answer.h"

namespace sallyport::control {

/// Our ends of a DTLS association and of an ICE session, as descriptions announce them. Never changed: an
/// exchange that fails leaves those from before.
struct LegTerms {
  std::shared_ptr<const keying::DtlsIdentity> identity;  ///< null: no DTLS
  std::string tls_id;
  std::optional<sip::HelloHash> hello_hash;  ///< of our ZRTP Hello; nothing: no ZRTP
  keying::IceCredentials ice;                ///< no fragment: no ICE

  [[nodiscard]] bool has_ice() const { return !ice.fragment.empty(); }
};

struct LegHandshake {
  keying::LegId id = 0;                                   ///< 0: the handshake thread knows nothing of it
  std::shared_ptr<const LegTerms> terms;                  ///< in force
  std::shared_ptr<const LegTerms> planned;                ///< those of the exchange that is open
  std::unique_ptr<keying::ZrtpAssociation> planned_zrtp;  ///< where `planned` begins one
  std::optional<sip::PeerDtls> peer;         ///< of the association; nothing: not agreed upon yet
  std::optional<sip::HelloHash> peer_hello;  ///< of the ZRTP exchange; nothing: likewise, or there is none
  std::string peer_fragment;                 ///< of the ICE session; empty: none
  bool agreed = false;                       ///< the peer has said what it does
  std::array<std::optional<Keying>, dataplane::kComponents> keys;
  bool keys_for_both = false;  ///< RTCP's port shares those of RTP
  std::array<std::optional<Endpoint>, dataplane::kComponents> nominated;
  std::string_view failure;                      ///< of the handshake for RTP; empty: none
  std::optional<keying::ZrtpSecurity> security;  ///< what ZRTP came to

  /// What to send once the relay stands.
  std::optional<keying::LegKeying> keying_order;
  std::optional<keying::LegAnswer> answer_order;

  [[nodiscard]] bool has_dtls() const { return peer.has_value(); }
  [[nodiscard]] bool has_zrtp() const { return peer_hello.has_value(); }
  [[nodiscard]] bool has_ice() const { return !peer_fragment.empty(); }
};

/// What a peer offers or answers, against what was agreed upon before (RFC 8842 §3.1): whether it is another
/// association.
[[nodiscard]] bool is_new_association(const LegHandshake& leg, const sip::PeerDtls& peer);

/// Our ends for the next description: those in force, but a new association gets a new name and a restarted
/// ICE session new credentials (RFC 8839 §4.4.1.1).
struct TermsWanted {
  bool dtls = false;
  bool zrtp = false;
  bool ice = false;
  bool new_association = false;
  bool new_exchange = false;
  bool ice_restart = false;
  std::optional<sip::HelloHash> peer_hello;  ///< where it is known already
  std::string_view peer_uri;                 ///< for ZRTP's secrets, and whom the peer talks to
  std::string_view far_uri;
  /// What a new ICE session is to have, as that of a line whose transport it may come to share; null: its
  /// own.
  const keying::IceCredentials* ice_like = nullptr;
};
[[nodiscard]] Result<void> plan_terms(LegHandshake& leg, const TermsWanted& wanted, Handshakes& handshakes,
                                      const sip::RandomSource& draw);

/// Puts what the handshakes came to into the leg's part of a relay.
void apply(const LegHandshake& handshake, LegSpec& spec);

}  // namespace sallyport::control
