// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of sallyctl: what each sends and prints.
#pragma once

#include <functional>
#include <string>

#include "sallyctl/client.h"

namespace CLI {
class App;
}

namespace sallyport::sallyctl {

/// What stands before every command.
struct Globals {
  std::string socket = "/run/sallyport/admin.sock";
  bool json = false;
};

/// Adds all commands to `app`; the one that was given leaves its work in `chosen`, to be run after parsing.
void add_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen);

/// Adds `relay` and its subcommands.
void add_relay_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen);

/// Adds `user` and `registration` and their subcommands.
void add_subscriber_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen);

/// Adds `call` and `trace` and their subcommands.
void add_call_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen);

/// Adds `trunk`, `cert` and `config` and their subcommands.
void add_sip_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen);

/// The result as JSON on one line.
void print_json(const boost::json::object& result);

}  // namespace sallyport::sallyctl
