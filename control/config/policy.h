// SPDX-License-Identifier: GPL-3.0-or-later
// What a side may and must do: its media's security, and what is said there of callers: [policy.SIDE].
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "sip/offer_answer.h"

namespace sallyport::control {

class ConfigSection;
struct Config;

/// How far callers from a side may choose who they are. Their authenticated identity is their user's address;
/// from a trusted side, and from a trunk, P-Asserted-Identity or else From.
enum class IdentityPolicy : std::uint8_t {
  rewrite,      ///< From and P-Asserted-Identity become the authenticated identity
  assert_only,  ///< From stays as it came; P-Asserted-Identity is the authenticated identity
  match,        ///< a From that is not the authenticated identity is refused with 403
  pass,         ///< both stay as they came: for trusted sides only
};

/// What becomes of a wish for anonymity (Privacy with `id`, `user` or `header`) in calls to a side.
enum class PrivacyPolicy : std::uint8_t {
  enforce,  ///< an untrusted side is told an anonymous From and no identity; a trusted one both and the wish
  pass,     ///< the wish goes on and all else with it: somebody behind enforces it; for trusted sides only
  refuse,   ///< such calls are refused with 433 (RFC 5079)
};

/// What becomes of a call when a handshake for its media fails.
enum class HandshakeFailurePolicy : std::uint8_t {
  end,   ///< it ends
  keep,  ///< it goes on in silence, until somebody hangs up or negotiates anew
};

/// User-Agent and Server in what a side is sent.
enum class ProductPolicy : std::uint8_t {
  ours,  ///< sip.server_name, or none if that is empty
  pass,  ///< the other side's, which tells what is there
  none,
};

struct SidePolicy {
  /// Of every leg on this side; `transport_secure` is the leg's own and is filled in there.
  sip::MediaPolicy media;
  /// The side belongs to our trust domain (RFC 3325 §2.3): P-Asserted-Identity is believed that comes from
  /// there, and given to it.
  bool trust = false;
  IdentityPolicy identity = IdentityPolicy::rewrite;
  PrivacyPolicy privacy = PrivacyPolicy::enforce;
  ProductPolicy user_agent = ProductPolicy::ours;
  HandshakeFailurePolicy handshake_failure = HandshakeFailurePolicy::end;
  bool events = true;  ///< SUBSCRIBE, NOTIFY and PUBLISH outside of calls may come from there and go there
};

/// By the side's name; every side has one.
using SidePolicies = std::map<std::string, SidePolicy, std::less<>>;

/// Fills config.policies; after the sides and the listeners.
void read_policies(ConfigSection section, Config& config);

/// Reads [sip.listener.NAME.media], for every listener that has one or that browsers use; after the policies.
void read_listener_media(ConfigSection sip, Config& config);

}  // namespace sallyport::control
