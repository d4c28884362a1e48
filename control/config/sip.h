// SPDX-License-Identifier: GPL-3.0-or-later
// What the configuration says of SIP's transports: [sip] and everything below it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/auth/authenticator.h"
#include "sip/offer_answer.h"
#include "transport/resolver_settings.h"
#include "transport/transport_settings.h"

namespace sallyport::control {

class ConfigSection;
struct Config;

/// A listener's part that the transports do not need to know, by the same index.
struct SipListenerConfig {
  std::string side;
  bool allow_plain = false;  ///< TCP or UDP: for trusted trunks
  bool open = true;          ///< false: a reload took it away; its place stays
  /// Of legs that use it, where they are otherwise than [policy.SIDE] says.
  std::optional<sip::MediaPolicy> media;
  std::optional<AuthPolicy> auth;  ///< where users are asked otherwise than [auth] says; the same realm
};

struct SipConfig {
  std::vector<std::string> domains;  ///< lower case; by default the registrar's
  std::string server_name;           ///< of Server and User-Agent; empty: none is sent
  std::vector<SipListenerConfig> listeners;
  transport::TransportSettings transport;
  transport::ResolverSettings resolver;
};

/// For the transports' reload: listeners that are open.
[[nodiscard]] transport::TransportSettings open_settings(const SipConfig& sip);

/// Fills config.sip; after the sides and the registrar.
void read_sip(ConfigSection section, Config& config);

}  // namespace sallyport::control
