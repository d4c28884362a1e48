// SPDX-License-Identifier: GPL-3.0-or-later
// HandshakeTable: all legs that get their keys on the media path. It puts each datagram before the machine
// that it is for, lets nobody begin a handshake whom ICE or SDP did not name, and says what came of it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "keying/clock.h"
#include "keying/dtls_association.h"
#include "keying/handshake_counters.h"
#include "keying/ice_lite.h"
#include "keying/media_path.h"
#include "keying/zrtp_association.h"

namespace sallyport::keying {

using LegId = std::uint64_t;
inline constexpr std::size_t kLegComponents = 2;

/// How a leg is keyed, as far as offer and answer have said.
struct LegKeying {
  LegId leg = 0;
  std::array<LocalPort, kLegComponents> local{};
  bool muxed = true;  ///< RTP and RTCP on one port: one agent, one handshake (RFC 5761)
  /// As SDP names it; port 0: not known. With ICE only where an active handshake may not wait for a check.
  std::array<Endpoint, kLegComponents> remote{};
  /// Hosts whose other ports may begin a handshake too, where NATs make SDP's ports wrong and there is no
  /// ICE.
  std::vector<IpAddress> named_hosts;
  std::optional<IceCredentials> ice;  ///< ours; none: a leg without ICE
  /// A re-offer that moves addresses or restarts ICE while the association stays (RFC 8842 §5.3).
  bool keeps_association = false;
  std::shared_ptr<const DtlsIdentity> identity;  ///< null: no DTLS
  DtlsRole role = DtlsRole::passive;
  std::vector<crypto::SuiteId> profiles;
  std::vector<crypto::Fingerprint> peer_fingerprints;  ///< none: announce() follows
  DtlsLimits limits;
  /// Null: no ZRTP, or, with keeps_association, the one that is there. It runs on the RTP port alone, and its
  /// keys are for both components (RFC 6189 §4.5.3).
  std::unique_ptr<ZrtpAssociation> zrtp;
};

/// What the answer adds to a leg whose offer was ours.
struct LegAnswer {
  LegId leg = 0;
  std::array<Endpoint, kLegComponents> remote{};
  std::vector<IpAddress> named_hosts;
  std::vector<crypto::Fingerprint> peer_fingerprints;
  std::optional<ZrtpHash> peer_hello_hash;  ///< a=zrtp-hash; none: it has not said
};

namespace handshake_event {

/// Of all components that share them, for `component` and, where muxed, the other.
struct Keys {
  LegId leg;
  std::uint8_t component;
  crypto::Keying keying;
  bool for_both_ports = false;  ///< RTCP has a port of its own, but no other keys will come: ZRTP's
};
/// Media and handshakes of the component go there from now on.
struct Nominated {
  LegId leg;
  std::uint8_t component;
  Endpoint remote;
  MacAddress neighbour;
};
/// The handshake failed, or the peer ended the association: `outcome` says how.
struct Ended {
  LegId leg;
  std::uint8_t component;
  DtlsOutcome outcome;
};

/// ZRTP has given the leg's keys, which come as Keys right before this.
struct ZrtpSecured {
  LegId leg;
  ZrtpSecurity security;
};
/// ZRTP failed, or, as `unanswered`, waits for a peer that does not speak it so far.
struct ZrtpEnded {
  LegId leg;
  ZrtpOutcome outcome;
};

}  // namespace handshake_event

using HandshakeEvent = std::variant<handshake_event::Keys, handshake_event::Nominated, handshake_event::Ended,
                                    handshake_event::ZrtpSecured, handshake_event::ZrtpEnded>;

class HandshakeEvents {
 public:
  virtual void happened(HandshakeEvent event) = 0;

 protected:
  ~HandshakeEvents() = default;
};

/// Used by one thread.
class HandshakeTable {
 public:
  /// All three outlive it.
  HandshakeTable(MediaPath& path, HandshakeEvents& events, HandshakeCounters& counters,
                 const HandshakeLimits& limits);
  ~HandshakeTable();

  /// A new leg; or, for one that is there, new keys: its associations end in silence and begin anew, unless
  /// they are kept; agents stay or, with other credentials, restart (RFC 8445 §9).
  void add(LegKeying keying, InstantMs now);
  void answer(LegAnswer answer, InstantMs now);
  /// Media of the peer has verified: what is kept for its sake is given back.
  void settle(LegId leg);
  /// Whether somebody has compared ZRTP's short authentication string and found it equal.
  void set_verified(LegId leg, bool verified);
  /// Ends associations with close_notify and forgets the leg.
  void remove(LegId leg);

  void receive(const PuntedDatagram& datagram, InstantMs now);
  /// When to call advance(); nothing: not at all.
  [[nodiscard]] std::optional<InstantMs> deadline() const;
  void advance(InstantMs now);

  [[nodiscard]] std::size_t legs() const { return legs_.size(); }
  [[nodiscard]] std::size_t handshakes() const { return handshakes_; }

 private:
  struct Leg;
  struct Component;

  [[nodiscard]] Component* find(const PuntedDatagram& datagram);
  void receive_stun(Component& component, const PuntedDatagram& datagram, InstantMs now);
  void receive_dtls(Component& component, const PuntedDatagram& datagram, InstantMs now);
  void receive_zrtp(Component& component, const PuntedDatagram& datagram, InstantMs now);
  void end_dtls(Component& component);
  void begin_dtls(Component& component, InstantMs now);
  void start_if_active(Component& component, InstantMs now);
  void end_zrtp(Component& component);
  void start_zrtp(Component& component, InstantMs now);
  [[nodiscard]] bool may_take(const Component& component, const Endpoint& source, bool begun) const;
  [[nodiscard]] bool take_place(std::optional<IpAddress>& place, const Endpoint& remote);
  void leave_place(std::optional<IpAddress>& place);
  void took(Component& component, DtlsOutcome outcome);
  void took(Component& component, ZrtpOutcome outcome, ZrtpAssociation::State before);
  void set_timer(Component& component);

  MediaPath& path_;
  HandshakeEvents& events_;
  HandshakeCounters& counters_;
  const HandshakeLimits limits_;
  std::unordered_map<LegId, std::unique_ptr<Leg>> legs_;
  std::set<std::pair<InstantMs, Component*>> timers_;
  /// Ordered: no choice of addresses makes it slow.
  std::map<IpAddress, std::uint32_t> sources_;
  std::size_t handshakes_ = 0;
};

}  // namespace sallyport::keying
