// SPDX-License-Identifier: GPL-3.0-or-later
// What the configuration says of trunks and of the way to them: [trunk.NAME] and [[route]].
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/auth/authenticator.h"
#include "control/auth/digest_client.h"
#include "control/config/address_prefix.h"
#include "sip/hop.h"

namespace sallyport::control {

class ConfigSection;
struct Config;

struct StatusRange {
  std::uint16_t first = 0, last = 0;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

/// Changes a number: first digits off, then digits before it. A leading `+` counts as one.
struct NumberEdit {
  std::uint32_t strip = 0;
  std::string prefix;

  /// Nothing if there is nothing left to strip.
  [[nodiscard]] std::optional<std::string> apply(std::string_view number) const;
  friend bool operator==(const NumberEdit&, const NumberEdit&) = default;
};

/// What passwords became; shared by the copies of a configuration, so that keys are not.
struct TrunkSecrets {
  std::optional<DigestAccount> account;  ///< how we prove who we are
  std::optional<DigestAccount> inbound;  ///< how those prove it who call from there
};

struct TrunkConfig {
  std::string name;
  std::string group;            ///< by default the name
  std::uint32_t priority = 10;  ///< within the group; lower ones are tried first
  std::uint32_t weight = 1;     ///< the chance among those of one priority; 0: only when no other is left
  bool enabled = true;

  // Where our requests go, and how they leave.
  std::string host;        ///< lower case, IPv6 with brackets; empty: a trunk that only calls us
  std::uint16_t port = 0;  ///< 0: as DNS says
  sip::Transport transport = sip::Transport::tls;
  std::uint32_t listener = 0;  ///< index into SipConfig::listeners: whose address and side it has
  std::string side;            ///< the listener's
  std::string certificate;     ///< ours, by name; empty: the listener's first
  NumberEdit edit;             ///< of numbers called by this trunk
  std::string from_domain;     ///< of From and P-Asserted-Identity there; empty: our first domain
  std::vector<StatusRange> failover = {{408, 408}, {500, 599}};

  // Who calls from there.
  std::vector<AddressPrefix> addresses;
  std::vector<std::string> tls_names;  ///< SIP domains, lower case, or addresses (RFC 5922)
  /// Where they come from is not enough: they must prove it by digest, too. Realm included.
  std::optional<AuthPolicy> inbound_auth;

  std::shared_ptr<const TrunkSecrets> secrets;  ///< never null

  // Health and load.
  std::uint32_t options_interval_s = 30;  ///< 0: the trunk counts as usable as long as it is enabled
  std::uint32_t options_timeout_s = 8;
  std::uint32_t options_failures = 2;  ///< in a row, until it counts as down
  std::uint32_t max_calls = 0;         ///< 0: that of [calls]
  std::uint32_t calls_per_second = 0;  ///< 0: that of [calls]

  [[nodiscard]] bool fails_over(unsigned status) const;
};

/// Where a call goes whose Request-URI matches. The first that matches decides.
struct RouteConfig {
  enum class Match : std::uint8_t {
    registered,  ///< a user of ours
    pattern,     ///< the beginning of the user part, and the domain
  };
  enum class To : std::uint8_t {
    group,  ///< of trunks
    trunk,
    user,  ///< the registrations of a given user, or of the one that the number becomes
    refuse,
  };
  Match match = Match::registered;
  std::string number;  ///< empty: any
  std::string domain;  ///< lower case; empty: one of ours
  bool any_domain = false;
  std::uint32_t min_length = 0;  ///< of the number; a shorter one is answered with 484
  std::string from_side;         ///< empty: any
  To to = To::user;
  std::string target;          ///< group, trunk or address-of-record (empty: of the number after `edit`)
  NumberEdit edit;             ///< before the trunk's own
  std::uint16_t status = 403;  ///< To::refuse
};

/// Fills config.trunks; after the listeners. Passwords have become digests when it returns.
void read_trunks(ConfigSection section, Config& config);
/// Fills config.routes; after the trunks. The route to registered users comes first unless it stands
/// elsewhere.
void read_routes(ConfigSection& root, Config& config);

}  // namespace sallyport::control
