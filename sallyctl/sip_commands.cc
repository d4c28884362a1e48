// SPDX-License-Identifier: GPL-3.0-or-later
// trunk list, show, enable, disable; cert list, check, reload; config show, check, diff, reload.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "sallyctl/asking.h"
#include "sallyctl/commands.h"
#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

bool is_true(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

void add_on_trunk(CLI::App& parent, const char* name, const char* help, const char* method, Globals& globals,
                  std::function<void()>& chosen) {
  const auto trunk = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("trunk", *trunk, "its name in the configuration")->required();
  command->callback([&globals, &chosen, method, trunk] {
    chosen = [&globals, method, trunk] {
      print(globals, Client(globals.socket).call(method, {{"trunk", *trunk}}), show_outline);
    };
  });
}

void show_warnings(const json::object& result) {
  for (const json::value& warning : result.at("warnings").as_array())
    std::printf("%s: %s (%s%s)\n", member(warning.as_object(), "name").c_str(),
                member(warning.as_object(), "what").c_str(), member(warning.as_object(), "where").c_str(),
                is_true(warning.as_object(), "urgent") ? ", urgent" : "");
  std::printf("%s certificates, %zu warnings\n", member(result, "certificates").c_str(),
              result.at("warnings").as_array().size());
}

void add_cert_check(CLI::App& cert, Globals& globals, std::function<void()>& chosen) {
  CLI::App* check = cert.add_subcommand(
      "check", "What is wrong, or soon will be, with certificates in force and in their files");
  check->callback([&globals, &chosen] {
    chosen = [&globals] {
      const json::object result = Client(globals.socket).call("cert.check");
      print(globals, result, show_warnings);
      if (!is_true(result, "good")) throw Failure{ExitCode::refused, "a certificate cannot be used"};
    };
  });
}

void show_errors(const json::object& result) {
  for (const json::value& error : result.at("errors").as_array()) std::printf("%s\n", plain(error).c_str());
  if (is_true(result, "good")) std::printf("%s: good\n", member(result, "file").c_str());
}

void add_config_check(CLI::App& config, Globals& globals, std::function<void()>& chosen) {
  const auto file = std::make_shared<std::string>();
  CLI::App* check =
      config.add_subcommand("check", "Whether the daemon could use a file; it reads the file itself");
  check->add_option("file", *file, "the daemon's own if none is given");
  check->callback([&globals, &chosen, file] {
    chosen = [&globals, file] {
      json::object params;
      if (!file->empty()) params["file"] = std::filesystem::absolute(*file).string();
      const json::object result = Client(globals.socket).call("config.check", params);
      print(globals, result, show_errors);
      if (!is_true(result, "good")) throw Failure{ExitCode::refused, "the configuration cannot be used"};
    };
  });
}

void show_changes(const json::object& result) {
  std::printf("%s", change_table(result.at("changes").as_array()).text().c_str());
}

void add_config_reload(CLI::App& config, Globals& globals, std::function<void()>& chosen) {
  CLI::App* reload = config.add_subcommand(
      "reload", "Take the file up as far as a running daemon can; exit code 8 if the rest needs a restart");
  reload->callback([&globals, &chosen] {
    chosen = [&globals] {
      const json::object result = Client(globals.socket).call("config.reload");
      print(globals, result, show_changes);
      if (!is_true(result, "complete"))
        throw Failure{ExitCode::in_part, "what is not live needs a restart and has been left as it was"};
    };
  });
}

}  // namespace

void add_sip_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  CLI::App* trunk = app.add_subcommand("trunk", "Other systems that calls go to and come from");
  trunk->require_subcommand(1);
  add_plain(*trunk, "list", "State and load of each", "trunk.list", globals, chosen,
            show_table("trunks", trunk_table));
  add_on_trunk(*trunk, "show", "Everything about a trunk but its secrets", "trunk.show", globals, chosen);
  add_on_trunk(*trunk, "enable", "Let calls use it again", "trunk.enable", globals, chosen);
  add_on_trunk(*trunk, "disable", "No new calls, until it is enabled or the configuration reloaded",
               "trunk.disable", globals, chosen);
  CLI::App* cert = app.add_subcommand("cert", "Our TLS certificates");
  cert->require_subcommand(1);
  add_plain(*cert, "list", "Those in force, and until when they are good", "cert.list", globals, chosen,
            show_table("certificates", certificate_table));
  add_cert_check(*cert, globals, chosen);
  add_plain(*cert, "reload", "Read all of them anew; connections stay", "cert.reload", globals, chosen,
            show_outline);
  CLI::App* config = app.add_subcommand("config", "The configuration");
  config->require_subcommand(1);
  add_plain(*config, "show", "Every key with its value, as in force", "config.show", globals, chosen,
            show_outline);
  add_config_check(*config, globals, chosen);
  add_plain(*config, "diff", "What the file says otherwise, and whether a reload would take it up",
            "config.diff", globals, chosen, show_changes);
  add_config_reload(*config, globals, chosen);
}

}  // namespace sallyport::sallyctl
