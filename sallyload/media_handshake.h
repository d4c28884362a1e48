// SPDX-License-Identifier: GPL-3.0-or-later
// MediaHandshake: one end's DTLS-SRTP, after ICE if there is to be any, over the end's own socket.
#pragma once

#include <memory>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "crypto/fingerprint.h"
#include "keying/datagram_sink.h"
#include "keying/dtls_association.h"
#include "keying/ice_lite.h"

namespace sallyport::sallyload {

struct MediaEnd;

/// Both ends' credentials.
struct IcePair {
  IcePair(keying::IceCredentials ours, keying::IceCredentials theirs)
      : own(std::move(ours)), peer(std::move(theirs)) {}
  keying::IceCredentials own, peer;
};

/// What descriptions have come to.
struct DtlsPeer {
  keying::DtlsRole role = keying::DtlsRole::passive;  ///< ours towards it
  std::vector<crypto::Fingerprint> fingerprints;      ///< the peer's
  std::optional<IcePair> ice;
};

/// Leaves the list of its plane when it is destroyed.
class MediaHandshake final
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
      private keying::DatagramSink {
 public:
  /// `end` is its owner, whose socket is connected.
  MediaHandshake(MediaEnd& end, keying::DtlsSettings settings, std::optional<IcePair> ice);

  [[nodiscard]] MediaEnd& end() { return end_; }
  /// Checks the way, if there is ICE; then an active end's ClientHello goes out.
  void begin(keying::InstantMs now);
  [[nodiscard]] keying::DtlsOutcome receive(std::span<const std::uint8_t> datagram, keying::InstantMs now);
  [[nodiscard]] keying::DtlsOutcome on_timer(keying::InstantMs now);
  [[nodiscard]] std::optional<crypto::Keying> take_keys() { return association_.take_keys(); }

 private:
  /// ICE with a peer that has one address, as we do, and is nobody's NAT: one check that nominates, again and
  /// again until it is answered, and answers to the peer's.
  struct Ice {
    explicit Ice(const IcePair& pair);
    keying::IceLiteAgent agent;
    std::string username;
    keying::StunKey peer;
    keying::StunTransactionId check{};
    std::optional<keying::InstantMs> next_check;  ///< nothing: before the first, and once the way is known
    keying::InstantMs interval = 0;
    bool is_open = false;
  };

  void send_check(keying::InstantMs now);
  void receive_stun(std::span<const std::uint8_t> datagram, keying::InstantMs now);
  void send(std::span<const std::uint8_t> payload) override;

  MediaEnd& end_;
  keying::DtlsAssociation association_;
  std::optional<Ice> ice_;
};

using MediaHandshakes = boost::intrusive::list<MediaHandshake, boost::intrusive::constant_time_size<false>>;

}  // namespace sallyport::sallyload
