// SPDX-License-Identifier: GPL-3.0-or-later
// user add, passwd, set, del, list, show; registration list, show, drop.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "sallyctl/asking.h"
#include "sallyctl/batch.h"
#include "sallyctl/commands.h"
#include "sallyctl/password.h"
#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

constexpr const char* kUserHelp = "NAME@DOMAIN; NAME alone is in the first domain";
constexpr const char* kPasswordHelp =
    "the password is this file's first line; -, or nothing on a pipe: standard input; else it is asked for";

struct UserOptions {
  std::string user, password_file, display_name, from;
  std::vector<std::string> algorithms;
  std::optional<bool> enabled;
  std::optional<std::uint64_t> bindings, calls;
};

// The text that goes out is wiped by the client; this copy ends with the process, at once.
void add_password(json::object& params, const UserOptions& options) {
  const Secret<256> password = read_password(options.password_file);
  const auto octets = password.view();
  params["password"] = json::string(reinterpret_cast<const char*>(octets.data()), octets.size());
}

void add_algorithms(json::object& params, const UserOptions& options) {
  if (options.algorithms.empty()) return;
  json::array names;
  for (const std::string& name : options.algorithms) names.push_back(json::string(name));
  params["algorithms"] = std::move(names);
}

json::object params_of(const UserOptions& options) {
  json::object params{{"user", options.user}};
  if (!options.display_name.empty()) params["display_name"] = options.display_name;
  if (options.enabled) params["enabled"] = *options.enabled;
  if (options.bindings) params["bindings_limit"] = *options.bindings;
  if (options.calls) params["calls_limit"] = *options.calls;
  return params;
}

void ask_with_password(const Globals& globals, std::string_view method, const UserOptions& options) {
  json::object params = params_of(options);
  add_algorithms(params, options);
  add_password(params, options);
  ask(globals, method, params);
}

void add_password_options(CLI::App& command, UserOptions& options) {
  command.add_option("--password-file", options.password_file, kPasswordHelp);
  command
      .add_option("--algorithms", options.algorithms,
                  "MD5, SHA-256, SHA-512-256, in the order of the challenges")
      ->delimiter(',');
}

void add_limit_options(CLI::App& command, UserOptions& options) {
  command.add_option("--display-name", options.display_name, "a name for people");
  command.add_option("--bindings", options.bindings, "registrations at one time; 0: as configured");
  command.add_option("--calls", options.calls, "calls at one time; 0: as configured");
}

void add_user_add(CLI::App& user, Globals& globals, std::function<void()>& chosen) {
  const auto options = std::make_shared<UserOptions>();
  CLI::App* add = user.add_subcommand("add", "Add a user; only digests of the password are kept");
  add->add_option("user", options->user, kUserHelp);
  add_password_options(*add, *options);
  add_limit_options(*add, *options);
  add->add_flag_callback(
      "--disabled", [options] { options->enabled = false; }, "may not register or call yet");
  add->add_option("--from", options->from,
                  "many users: a file with one `params` object of user.add a line; - for standard input");
  add->callback([&globals, &chosen, options] {
    chosen = [&globals, options] {
      if (options->user.empty() == options->from.empty())
        throw Failure{ExitCode::usage, "a user or --from is needed"};
      if (options->from.empty()) return ask_with_password(globals, "user.add", *options);
      Client client(globals.socket);
      run_batch(client, {"user.add", "users"}, options->from, globals.json);
    };
  });
}

void add_user_passwd(CLI::App& user, Globals& globals, std::function<void()>& chosen) {
  const auto options = std::make_shared<UserOptions>();
  CLI::App* passwd = user.add_subcommand("passwd", "Give a user another password");
  passwd->add_option("user", options->user, kUserHelp)->required();
  add_password_options(*passwd, *options);
  passwd->callback([&globals, &chosen, options] {
    chosen = [&globals, options] { ask_with_password(globals, "user.passwd", *options); };
  });
}

void add_user_set(CLI::App& user, Globals& globals, std::function<void()>& chosen) {
  const auto options = std::make_shared<UserOptions>();
  CLI::App* set = user.add_subcommand("set", "Change a user's limits, name, or whether it is enabled");
  set->add_option("user", options->user, kUserHelp)->required();
  add_limit_options(*set, *options);
  auto* enable = set->add_flag_callback(
      "--enable", [options] { options->enabled = true; }, "may register and call");
  set->add_flag_callback(
         "--disable", [options] { options->enabled = false; }, "may not")
      ->excludes(enable);
  set->callback([&globals, &chosen, options] {
    chosen = [&globals, options] { ask(globals, "user.set", params_of(*options)); };
  });
}

/// A command on one user, without further options.
void add_on_user(CLI::App& parent, const char* name, const char* help, const char* method, Globals& globals,
                 std::function<void()>& chosen) {
  const auto user = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("user", *user, kUserHelp)->required();
  command->callback([&globals, &chosen, method, user] {
    chosen = [&globals, method, user] { ask(globals, method, {{"user", *user}}); };
  });
}

void add_list(CLI::App& parent, const char* help, const char* method, const char* key,
              Table (*table)(const json::array&), Globals& globals, std::function<void()>& chosen) {
  const auto count = std::make_shared<std::uint64_t>(0);
  CLI::App* list = parent.add_subcommand("list", help);
  list->add_option("--count", *count, "no more than about so many");
  list->callback([=, &globals, &chosen] {
    chosen = [=, &globals] {
      Client client(globals.socket);
      const json::object result = list_all(client, method, key, *count, RowName::text);
      if (globals.json) return print_json(result);
      std::printf("%s%s %s\n", table(result.at(key).as_array()).text().c_str(),
                  member(result, "total").c_str(), key);
    };
  });
}

void add_registration_show(CLI::App& registration, Globals& globals, std::function<void()>& chosen) {
  const auto user = std::make_shared<std::string>();
  CLI::App* show = registration.add_subcommand("show", "Everything about a user's registrations");
  show->add_option("user", *user, kUserHelp)->required();
  show->callback([&globals, &chosen, user] {
    chosen = [&globals, user] {
      const json::object result = Client(globals.socket).call("registration.show", {{"user", *user}});
      if (globals.json) return print_json(result);
      for (const json::value& one : result.at("registrations").as_array())
        std::printf("%s\n", outline(one.as_object()).c_str());
    };
  });
}

void add_registration_drop(CLI::App& registration, Globals& globals, std::function<void()>& chosen) {
  const auto user = std::make_shared<std::string>();
  const auto binding = std::make_shared<std::uint64_t>(0);
  CLI::App* drop = registration.add_subcommand("drop", "End a user's registrations, or one of them");
  drop->add_option("user", *user, kUserHelp)->required();
  drop->add_option("--binding", *binding, "only this one");
  drop->callback([&globals, &chosen, user, binding] {
    chosen = [&globals, user, binding] {
      json::object params{{"user", *user}};
      if (*binding != 0) params["binding"] = *binding;
      ask(globals, "registration.drop", params);
    };
  });
}

}  // namespace

void add_subscriber_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  CLI::App* user = app.add_subcommand("user", "Subscribers: who may register and call");
  user->require_subcommand(1);
  add_user_add(*user, globals, chosen);
  add_user_passwd(*user, globals, chosen);
  add_user_set(*user, globals, chosen);
  add_on_user(*user, "del", "Remove a user with its registrations", "user.del", globals, chosen);
  add_on_user(*user, "show", "Everything about one user but its digests", "user.show", globals, chosen);
  add_list(*user, "All users", "user.list", "users", user_table, globals, chosen);
  CLI::App* registration = app.add_subcommand("registration", "Where users are reached");
  registration->require_subcommand(1);
  add_list(*registration, "All registrations", "registration.list", "registrations", registration_table,
           globals, chosen);
  add_registration_show(*registration, globals, chosen);
  add_registration_drop(*registration, globals, chosen);
}

}  // namespace sallyport::sallyctl
