// SPDX-License-Identifier: GPL-3.0-or-later
// Config: the TOML file as validated values; docs/configuration.md describes every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/log.h"
#include "control/auth/authenticator.h"
#include "control/config/calls.h"
#include "control/config/limit_table.h"
#include "control/config/policy.h"
#include "control/config/sip.h"
#include "control/config/store.h"
#include "control/config/trunk.h"
#include "dataplane/runtime.h"
#include "keying/dtls_identity.h"
#include "keying/handshake_counters.h"

namespace sallyport::control {

struct DaemonConfig {
  std::string user;  ///< whom root becomes after start-up; empty: `sallyport` if it exists, else `nobody`
  std::string admin_socket = "/run/sallyport/admin.sock";
  std::string admin_group;  ///< members may use the socket beside root and the daemon's user; empty: none
  unsigned admin_mode = 0660;
};

/// What happens to a relay whose media stops.
enum class TimeoutAction : std::uint8_t { report, drop };

struct MediaConfig {
  std::uint32_t timeout_s = 60;  ///< silence in both directions; 0: never
  TimeoutAction timeout_action = TimeoutAction::report;
  std::uint32_t replay_window = 1024;      ///< RTP packets
  std::uint32_t rtcp_replay_window = 128;  ///< RTCP packets
  std::uint32_t latch_window_ms = 5000;    ///< how long a plain leg may latch
};

/// Handshakes on the media path.
struct KeyingConfig {
  keying::DtlsKeyType certificate = keying::DtlsKeyType::ecdsa_p256;
  keying::HandshakeLimits limits;
  std::string zrtp_cache;  ///< file of the secrets that ZRTP retains; empty: none are
};

struct DebugConfig {
  bool allow_decrypted_capture = false;
  std::string capture_directory = "/var/lib/sallyport/captures";
};

/// A side of the border: media addresses behind one port, and how packets leave there.
struct SideConfig {
  std::string name;
  std::uint8_t port = 0;                ///< index into RuntimeConfig::ports
  std::vector<std::uint8_t> addresses;  ///< indices into RuntimeConfig::addresses
  std::uint8_t dscp = 46;
  std::uint8_t ttl = 64;
  /// Everything goes to this neighbour; for devices the kernel has no interface for. Unset: the kernel's
  /// routes.
  std::optional<MacAddress> next_hop;
};

struct Config {
  DaemonConfig daemon;
  log::Level log_level = log::Level::info;
  Limits limits;
  MediaConfig media;
  KeyingConfig keying;
  DebugConfig debug;
  StoreConfig store;
  RegistrarConfig registrar;
  AuthPolicy auth;  ///< of listeners that say nothing else; its realm is the registrar's
  SipConfig sip;
  std::vector<SideConfig> sides;
  SidePolicies policies;
  CallsConfig calls;
  std::vector<TrunkConfig> trunks;
  std::vector<RouteConfig> routes;
  RecordsConfig records;
  dataplane::RuntimeConfig runtime;
};

/// One thing that is wrong, and where. Line and column count from 1; 0: the file as a whole.
struct ConfigError {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string key;  ///< dotted, as in `media.side.access.ports`; empty when there is none
  std::string text;

  /// `sallyport.toml:12:9: media.side.access.ports: the first port must be even`
  [[nodiscard]] std::string to_string() const;
};

using ConfigErrors = std::vector<ConfigError>;

/// Validates a whole file's text and reports everything that is wrong with it; `file` only names it in
/// errors.
[[nodiscard]] tl::expected<Config, ConfigErrors> parse_config(std::string_view text, const std::string& file);

/// Reads and validates a file.
[[nodiscard]] tl::expected<Config, ConfigErrors> load_config(const std::string& path);

}  // namespace sallyport::control
