// SPDX-License-Identifier: GPL-3.0-or-later
// A configuration file may hold anything: it is accepted whole or refused with errors of one line each.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config =
      sallyport::control::parse_config({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (config) {
    if (config->sides.empty() || config->runtime.ports.empty() || config->runtime.worker_cores.empty())
      std::abort();
    for (const auto& side : config->sides)
      if (side.port >= config->runtime.ports.size() || side.addresses.empty()) std::abort();
    for (const auto& media : config->runtime.addresses)
      if (media.first_udp_port % 2 != 0 || media.last_udp_port % 2 != 1) std::abort();
    return 0;
  }
  if (config.error().empty()) std::abort();
  for (const auto& error : config.error())
    if (error.to_string().find('\n') != std::string::npos) std::abort();
  return 0;
}
