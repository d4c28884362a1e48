// SPDX-License-Identifier: GPL-3.0-or-later
// Handshakes: control's side of the handshakes on the media path. It names legs, sends their orders, and
// hands what happened to whoever owns the leg.
#pragma once

#include <deque>
#include <functional>
#include <memory>
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
  using Listener = std::function<void(keying::HandshakeEvent& event)>;

  /// `plane` outlives the object.
  Handshakes(HandshakePlane& plane, keying::DtlsKeyType key_type) : plane_(plane), identities_(key_type) {}

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

  void on_event(keying::HandshakeEvent& event);
  /// Sends what had to wait.
  void send_waiting();
  [[nodiscard]] std::size_t legs() const { return listeners_.size(); }

 private:
  HandshakePlane& plane_;
  keying::DtlsIdentities identities_;
  std::unordered_map<keying::LegId, Listener> listeners_;
  std::deque<keying::HandshakeOrder> waiting_;
  keying::LegId last_leg_ = 0;
};

}  // namespace sallyport::control
