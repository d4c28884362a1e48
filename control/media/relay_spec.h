// SPDX-License-Identifier: GPL-3.0-or-later
// RelaySpec: what a client or the signalling asks of a relay, and the checks that need no knowledge of the
// machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"
#include "crypto/keying.h"
#include "crypto/suite.h"
#include "dataplane/bundle.h"
#include "dataplane/flow.h"

namespace sallyport::control {

/// The two ends of a relay.
enum class Leg : std::uint8_t { a = 0, b = 1 };
inline constexpr std::size_t kLegs = 2;

[[nodiscard]] constexpr std::size_t index(Leg leg) {
  return static_cast<std::size_t>(leg);
}
[[nodiscard]] constexpr Leg other(Leg leg) {
  return leg == Leg::a ? Leg::b : Leg::a;
}
[[nodiscard]] constexpr std::string_view name(Leg leg) {
  return leg == Leg::a ? "a" : "b";
}

enum class AddressFamily : std::uint8_t {
  automatic,  ///< the remote address's; without one the side's first address's
  v4,
  v6,
};

using crypto::Keying;
using crypto::KeyMaterial;

struct LegSpec {
  std::string side;
  std::optional<Endpoint> remote;       ///< required for signalled legs
  std::optional<Endpoint> remote_rtcp;  ///< without it: the port above `remote`, or the same when muxed
  std::optional<Keying> keying;         ///< nothing: plain RTP, or keys are awaited
  std::optional<Keying> rtcp_keying;    ///< of RTCP alone; nothing: it shares `keying`
  /// By component: handshakes are to give keys, or an address; until then nothing is taken or sent.
  std::array<bool, dataplane::kComponents> awaits_keys{};
  bool end_to_end = false;                ///< the legs key each other: nothing is opened, ZRTP goes through
  dataplane::HandshakeFilter handshakes;  ///< what the handshake thread gets of the leg
  std::uint64_t handshake_leg = 0;        ///< its name there
  dataplane::SourcePolicy policy = dataplane::SourcePolicy::signalled;
  bool mux = false;                  ///< RTP and RTCP on one port (RFC 5761)
  std::optional<std::uint8_t> dscp;  ///< nothing: the side's
  std::uint32_t clock_rate = 8000;   ///< RTP timestamp units a second
  IpAddress signalling_peer;         ///< a plain latching leg accepts this host too
  AddressFamily family = AddressFamily::automatic;
  /// False: the peer may not send RTP now, as on hold; its silence is no media timeout. What it sends all the
  /// same is relayed.
  bool expects_media = true;
  /// The leg is one medium of a transport that may carry more (RFC 9143); it is muxed.
  std::optional<dataplane::BundleRules> bundle;
  /// The relay whose leg of the same name has the transport: ports, keys, handshakes and addresses are its;
  /// `remote` and `awaits_keys` are not looked at. 0: the leg has its own.
  std::uint64_t joins = 0;
};

struct RelaySpec {
  std::array<LegSpec, kLegs> legs;
  std::string label;  ///< the client's name for it, at most kMaxLabelLength octets
  /// A relay whose worker a new one is to have, so that either may join the other later; 0, or one that is
  /// not there: any worker.
  std::uint64_t beside = 0;

  [[nodiscard]] RelaySpec duplicate() const;
};

inline constexpr std::size_t kMaxLabelLength = 64;

/// An error with the field it is about, as clients spell it: `a.receive_key`.
struct SpecError {
  Error error;
  std::string field;
};

/// Nothing, or the first thing that is wrong. Never names key material.
[[nodiscard]] std::optional<SpecError> check(const RelaySpec& spec);

/// Reads a master key in base64, or SDES key parameters (RFC 4568 §6.1):
/// `inline:KEY||SALT[|LIFETIME][|MKI:LENGTH]`. Errors never quote the text.
[[nodiscard]] Result<KeyMaterial> parse_key(std::string_view text, crypto::SuiteId suite);

/// Tells one key from another without being it.
struct KeyMark {
  std::uint64_t key = 0;    ///< of the master key alone: for refusing one that was used before
  std::uint64_t whole = 0;  ///< of all that makes a stream: suite, key, salt, MKI, parameters

  friend bool operator==(const KeyMark&, const KeyMark&) = default;
};
[[nodiscard]] KeyMark mark(const Keying& keying, const KeyMaterial& material);

}  // namespace sallyport::control
