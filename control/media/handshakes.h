// SPDX-License-Identifier: GPL-3.0-or-later
// Handshakes: control's side of the handshakes on the media path. It names legs, sends their orders, and
// hands what happened to whoever owns the leg.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "keying/dtls_identity.h"
#include "keying/handshake_thread.h"

namespace sallyport::control {

/// The seam before the handshake thread; handshake_client.h puts the thread behind it.
class HandshakePlane {
 public:
  virtual ~HandshakePlane() = default;
  /// False: as many orders wait as can.
  [[nodiscard]] virtual bool has_room() const = 0;
  /// Takes the order; only while there is room.
  virtual void order(keying::HandshakeOrder order) = 0;
  /// Milliseconds of a clock that only goes forward.
  [[nodiscard]] virtual keying::InstantMs now() const = 0;
};

/// The control thread's.
class Handshakes {
 public:
  /// What ZRTP came to on a leg, for operators: both ends of it read the SAS to each other.
  struct Secured {
    std::string_view label;  ///< the media session's
    std::string_view leg;
    const keying::ZrtpSecurity& security;
    bool compared = false;  ///< the SAS was, just now, and `verified` says how; else: there are keys
  };
  using Listener = std::function<void(keying::HandshakeEvent& event)>;

  /// `plane` outlives the object. No cache: ZRTP's secrets are kept for no further call.
  Handshakes(HandshakePlane& plane, keying::DtlsKeyType key_type,
             std::shared_ptr<keying::ZrtpCache> zrtp_cache = nullptr)
      : plane_(plane), identities_(key_type), zrtp_cache_(std::move(zrtp_cache)) {}

  /// A name for a leg, whose events `listener` gets until it is closed.
  [[nodiscard]] keying::LegId open(Listener listener);
  /// The thread forgets the leg, with a farewell to its peer.
  void close(keying::LegId leg);
  /// Never lost; waits while the thread has too much to do.
  void order(keying::HandshakeOrder order);
  /// The certificate for new descriptions. internal: none can be made.
  [[nodiscard]] Result<std::shared_ptr<const keying::DtlsIdentity>> identity() {
    return identities_.current(plane_.now());
  }

  /// An exchange whose Hello's hash can be announced now. `peer_hello`: announced by the peer already.
  /// Secrets are kept for the two ends as the peer knows them; for none where one of them is empty. internal:
  /// there can be no exchange.
  [[nodiscard]] Result<std::unique_ptr<keying::ZrtpAssociation>> make_zrtp(
      const std::optional<keying::ZrtpHash>& peer_hello, std::string_view far_uri,
      std::string_view peer_uri) const;
  void set_observer(std::function<void(const Secured&)> observer) { observer_ = std::move(observer); }
  void tell(const Secured& secured) const {
    if (observer_) observer_(secured);
  }

  void on_event(keying::HandshakeEvent& event);
  /// Sends what had to wait.
  void send_waiting();
  [[nodiscard]] std::size_t legs() const { return listeners_.size(); }

 private:
  HandshakePlane& plane_;
  keying::DtlsIdentities identities_;
  std::shared_ptr<keying::ZrtpCache> zrtp_cache_;
  std::function<void(const Secured&)> observer_;
  std::unordered_map<keying::LegId, Listener> listeners_;
  std::deque<keying::HandshakeOrder> waiting_;
  keying::LegId last_leg_ = 0;
};

}  // namespace sallyport::control
