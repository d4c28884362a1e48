// SPDX-License-Identifier: GPL-3.0-or-later
// What the configuration says of subscribers: [store] and [registrar].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::control {

class ConfigSection;

/// What an acknowledged change outlives.
enum class Durability : std::uint8_t {
  power,    ///< a machine that loses power: the disk is waited for
  process,  ///< the end of the process, however sudden
};

struct StoreConfig {
  std::string path;  ///< empty: there is no store, hence no users
  Durability durability = Durability::power;
  std::uint32_t queue = 65536;  ///< writes that may wait for the disk
};

struct RegistrarConfig {
  std::vector<std::string> domains;  ///< that users belong to, lower case; the first is the usual one
  std::string realm;                 ///< of their credentials; by default the first domain
  std::uint32_t default_expires_s = 3600;
  std::uint32_t min_expires_s = 60;
  std::uint32_t max_expires_s = 7200;
  std::uint32_t bindings_per_user = 10;
  std::uint32_t bindings = 1000000;  ///< of all users together
  std::uint32_t flow_timer_s = 120;  ///< Flow-Timer of RFC 5626 §5.4; 0: not sent
  bool require_path_support = true;  ///< a Path that the client does not know of is refused (RFC 3327 §5.3)
  std::vector<std::string> service_route;  ///< URIs, in order (RFC 3608)
};

[[nodiscard]] StoreConfig read_store(ConfigSection section);
[[nodiscard]] RegistrarConfig read_registrar(ConfigSection section);

}  // namespace sallyport::control
