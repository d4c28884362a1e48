// SPDX-License-Identifier: GPL-3.0-or-later
// MediaSession: what two legs agree upon by offer and answer (RFC 3264), and the relays that carry it out.
//
//     leg a's offer ─▶ offer(a)  ─▶ what leg b is offered
//     leg b's answer ─▶ answer(b) ─▶ relays are set up or changed ─▶ what leg a is answered
//
// Either leg may offer, first and later. Each active m-line of audio or video has a relay of its own.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "control/config/config.h"
#include "control/media/handshakes.h"
#include "control/media/media_ports.h"
#include "control/media/relay_manager.h"
#include "sip/offer_answer.h"

namespace sallyport::control {

/// What sessions share. All of it outlives them.
struct MediaServices {
  RelayManager& relays;
  MediaPorts& ports;
  sip::RandomSource draw;
  /// Bounds on what a description may hold, with their counters.
  sip::Limits& limits;
  Handshakes& handshakes;
};

struct MediaLegSettings {
  std::string side;
  sip::MediaPolicy policy;
  /// Where the leg's signalling comes from: a plain leg may send media from there too.
  IpAddress signalling_peer;
  /// Of our media address, until the leg's description tells. Automatic: the signalling peer's where the side
  /// has one, else that of the side's first address.
  AddressFamily family = AddressFamily::automatic;
  std::string peer_uri;  ///< address-of-record of who is there; empty: nobody that we know
};

/// What a SIP message that carried a description is to be answered with.
struct MediaFault {
  std::uint16_t status = 488;
  std::string reason;  ///< the phrase; never holds key material
};

/// One m-line, for call records and for people.
struct MediaFacts {
  struct OfLeg {
    std::string_view profile;                    ///< `RTP/SAVP`, as the leg's peer wrote it
    std::optional<sip::KeyAgreement> agreement;  ///< nothing: plain RTP
    std::optional<crypto::SuiteId> suite;        ///< nothing: plain RTP, or keys are awaited
    bool ice = false;
    std::string_view handshake_failure;        ///< name of its outcome; empty: none
    bool end_to_end = false;                   ///< the legs have keyed each other, by ZRTP
    std::optional<keying::ZrtpSecurity> zrtp;  ///< what an exchange that ended here, or verify_sas, came to
    keying::LegId handshake = 0;               ///< in Handshakes; 0: none
    sip::Direction direction = sip::Direction::inactive;  ///< as the leg's peer sees it
    bool mux = false;
    std::optional<Endpoint> remote;  ///< as described, not as latched
  };
  sip::MediaKind kind = sip::MediaKind::other;
  std::uint64_t relay = 0;          ///< 0: refused or removed
  std::vector<std::string> codecs;  ///< `PCMU/8000`: the answer's, which both legs use
  std::array<OfLeg, kLegs> legs;
};

/// Called by the control thread alone.
class MediaSession {
 public:
  using Text = tl::expected<std::string, MediaFault>;
  using Done = std::function<void(Text)>;
  /// A leg's handshake for media failed: there will be none. The callee may destroy the session.
  using OnFailure = std::function<void(Leg leg, std::string_view outcome)>;

  MediaSession(MediaServices& services, std::array<MediaLegSettings, kLegs> legs, std::string label);
  /// Drops the relays without waiting for them; an answer that is under way is not given any more.
  ~MediaSession();
  MediaSession(const MediaSession&) = delete;
  MediaSession& operator=(const MediaSession&) = delete;

  void set_on_failure(OnFailure on_failure);

  /// `from` offers; gives what the other leg is to be offered. 491 while another offer is open.
  [[nodiscard]] Text offer(Leg from, std::string_view sdp);

  /// `from` answers the open offer of the other leg. `done` gets what to answer the offerer with, once the
  /// relays serve it, or why not: the offer is open still then. It may be called before this returns.
  /// May be called again for the same offer: a 183's preview, then the 200. What changes nothing costs
  /// nothing and gives the same text. Within a session a preview changes no relay, since its offer may yet be
  /// rejected.
  void answer(Leg from, std::string_view sdp, Done done, bool preview = false);

  /// The exchange is complete: the final answer was given.
  void settle();
  /// The open offer failed: all is as before it, and an answer that is under way is not given any more. What
  /// an answer within a session that was no preview has changed stays (RFC 6141 §3.3).
  void reject();

  /// Our last description towards that leg that took effect, for a refresh without change; empty before the
  /// first exchange.
  [[nodiscard]] std::string_view description(Leg to) const;
  /// At least one exchange is complete.
  [[nodiscard]] bool has_session() const;
  /// An offer waits for its answer.
  [[nodiscard]] bool offer_is_open() const;
  /// Ids in RelayManager, for statistics and events.
  [[nodiscard]] std::vector<std::uint64_t> relays() const;
  [[nodiscard]] std::vector<MediaFacts> facts() const;

  /// People have compared the SAS of the leg's first medium that has one (RFC 6189 §7.1): facts() and the
  /// retained secrets say so from now on. Gives what was compared. refused: there is no SAS, since the leg's
  /// keys did not come of an exchange that ended here.
  [[nodiscard]] Result<keying::ZrtpSecurity> verify_sas(Leg leg, bool equal);

 private:
  class State;
  /// Callbacks of RelayManager hold it weakly.
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::control
