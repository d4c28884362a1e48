// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of sallyload.
#pragma once

#include <string>

#include "sallyload/settings.h"

namespace CLI {
class App;
}

namespace sallyport::sallyload {

/// What was typed and wants to be looked at once all of it is there.
struct CommandLine {
  Settings settings;
  std::string server, local, users = "0..999", pattern = "user%06d", transport = "tls";
  std::string algorithm = "any", media = "none", suite = "AES_CM_128_HMAC_SHA1_80",
              media_ports = "40000-59999";
  std::string password_file;
};

/// Adds all commands; after parsing, `line` holds what was typed.
void add_commands(CLI::App& app, CommandLine& line);
/// What was typed as settings, or what is wrong with it.
[[nodiscard]] Result<Settings> read_settings(const CommandLine& line);

}  // namespace sallyport::sallyload
