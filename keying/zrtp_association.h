// SPDX-License-Identifier: GPL-3.0-or-later
// ZrtpAssociation: one exchange of ZRTP (RFC 6189) with the peer of a leg, from our Hello to the keys of its
// RTP and RTCP and the SAS. bzrtp runs the exchange; what it does not check is checked here, before it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/keying.h"
#include "keying/clock.h"
#include "keying/datagram_sink.h"
#include "keying/zrtp_algorithms.h"
#include "keying/zrtp_cache.h"
#include "keying/zrtp_outcome.h"
#include "keying/zrtp_packet.h"

struct bzrtpContext_struct;

namespace sallyport::keying {

/// Bounds of one exchange.
struct ZrtpLimits {
  std::uint32_t max_received = 32768;  ///< octets that it may bring, repetitions after its end included
  InstantMs handshake_ms = 10000;      ///< from the first datagram, either way, to the keys
  InstantMs patience_ms = 60000;       ///< after that, in which a peer that did not answer still may begin
  InstantMs linger_ms = 10000;         ///< in which the peer's last message can be acknowledged again
};

struct ZrtpSettings {
  ZrtpPolicy policy;
  /// a=zrtp-hash of the peer; none: not known, or it has not said (see announce).
  std::optional<ZrtpHash> peer_hello_hash;
  std::shared_ptr<ZrtpCache> cache;  ///< null: nothing is retained, and the ZID is new each time
  std::string local_uri;             ///< whose ZID we use; with a cache only
  std::string peer_uri;              ///< under which the peer's secrets are kept; with a cache only
  ZrtpLimits limits;
};

/// What people and records are told of an exchange.
struct ZrtpSecurity {
  std::string sas;        ///< short authentication string, for both ends to read to each other
  bool verified = false;  ///< both ends have had it compared once, and have retained secrets since
  bool mismatch =
      false;  ///< secrets were retained for this peer, and it does not have them (RFC 6189 §4.3.2)
  Zid peer_zid{};
  ZrtpAlgorithms algorithms;
  ZrtpCacheEntry entry = 0;  ///< 0: not in the cache, or not yet, because of a mismatch
};

/// Made by one thread, and then used by one other. The clock is the caller's.
class ZrtpAssociation {
 public:
  enum class State : std::uint8_t {
    waiting,  ///< not begun, or the peer has not answered: a Hello of its begins anew
    handshaking,
    secured,  ///< keys can be taken, or have been
    over,     ///< closed or failed: outcome() says why
  };

  /// internal: bzrtp could not.
  [[nodiscard]] static Result<std::unique_ptr<ZrtpAssociation>> make(ZrtpSettings settings);
  ~ZrtpAssociation();
  ZrtpAssociation(const ZrtpAssociation&) = delete;
  ZrtpAssociation& operator=(const ZrtpAssociation&) = delete;

  /// SHA-256 of our Hello: what our description says in a=zrtp-hash (RFC 6189 §8).
  [[nodiscard]] const ZrtpHash& hello_hash() const { return hello_hash_; }

  /// Sends the first Hello. `sink` outlives the association.
  ZrtpOutcome begin(DatagramSink& sink, InstantMs now);
  /// A datagram that RFC 7983 calls ZRTP, from the leg's address: the caller has looked at that.
  ZrtpOutcome receive(std::span<const std::uint8_t> datagram, InstantMs now);
  /// When to call on_timer(); nothing: not at all.
  [[nodiscard]] std::optional<InstantMs> deadline() const { return deadline_; }
  ZrtpOutcome on_timer(InstantMs now);
  /// The answer has come, with the hash that it announces. Has no effect where one was known.
  ZrtpOutcome announce(const ZrtpHash& peer_hello_hash);
  /// Whether the SAS was compared and found equal. After a mismatch it is this that replaces the retained
  /// secrets. False: nothing remembers it, for want of a cache or of keys.
  bool set_verified(bool verified);
  /// Ends in silence: the protocol has no farewell that would not let media go on in clear.
  ZrtpOutcome close();
  /// Gives back what bzrtp keeps; happens by itself when the peer cannot want its last acknowledgement again.
  /// Not after a mismatch: then it keeps what set_verified() would retain.
  void settle();

  [[nodiscard]] State state() const { return state_; }
  /// The last thing that happened which mattered.
  [[nodiscard]] ZrtpOutcome outcome() const { return outcome_; }
  /// Once, when secured. The copy here is gone then.
  [[nodiscard]] std::optional<crypto::Keying> take_keys();
  /// When secured.
  [[nodiscard]] const ZrtpSecurity& security() const { return security_; }

 private:
  struct Callbacks;
  struct Destroy {
    std::uint32_t source;
    void operator()(bzrtpContext_struct* context) const;
  };

  explicit ZrtpAssociation(ZrtpSettings settings);
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] bool offer(int type, ZrtpKind kind);
  void read_offered_agreements();

  ZrtpOutcome judge(const ZrtpPacket& packet, InstantMs now);
  ZrtpOutcome judge_hello(const ZrtpPacket& packet, InstantMs now);
  ZrtpOutcome judge_commit(const ZrtpPacket& packet, InstantMs now);
  ZrtpOutcome judge_dh_part(const ZrtpPacket& packet, InstantMs now);
  ZrtpOutcome feed(const ZrtpPacket& packet, InstantMs now);
  ZrtpOutcome not_taken(int result, ZrtpMessageType type);
  ZrtpOutcome finish(InstantMs now);
  [[nodiscard]] std::optional<ZrtpErrorCode> objection(const ZrtpCommit& commit) const;
  ZrtpOutcome reopen(const ZrtpPacket& packet, InstantMs now);
  void send(std::vector<std::uint8_t> packet);
  ZrtpOutcome fail_with(ZrtpOutcome outcome, ZrtpErrorCode code);
  ZrtpOutcome end(ZrtpOutcome outcome);
  void set_deadline(InstantMs now);

  ZrtpSettings settings_;
  State state_ = State::waiting;
  ZrtpOutcome outcome_ = ZrtpOutcome::idle;
  DatagramSink* sink_ = nullptr;
  std::uint32_t source_;  ///< our SSRC in ZRTP's headers: what we send media with is the other leg's business
  std::unique_ptr<bzrtpContext_struct, Destroy> context_;
  std::vector<ZrtpAlgorithm> agreements_;  ///< offered, in order
  ZrtpHash hello_hash_{};
  Zid zid_{};
  std::uint16_t sent_ = 0;  ///< sequence number of the last packet, both ways renumbered: see feed()
  std::uint16_t fed_ = 0;
  std::uint32_t received_ = 0;
  bool heard_ = false;  ///< the peer speaks ZRTP
  InstantMs ends_at_ = 0;
  std::optional<InstantMs> deadline_;
  // What the peer's messages have said, as far as bzrtp took them.
  std::optional<ZrtpHash> peer_hello_;  ///< its hash
  ZrtpHash peer_h3_{};
  ZrtpAlgorithm agreed_ = ZrtpAlgorithm::dh3k;
  std::optional<ZrtpHash> sound_part_;  ///< hash of the DHPart whose public value was looked at
  // What bzrtp told within a call.
  std::optional<ZrtpErrorCode> own_commit_refused_;
  bool done_ = false;
  std::unique_ptr<crypto::Keying> keys_;  ///< until they are taken
  ZrtpSecurity security_;
};

}  // namespace sallyport::keying
