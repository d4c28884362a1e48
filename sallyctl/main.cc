// SPDX-License-Identifier: GPL-3.0-or-later
// sallyctl: the operator's command line.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "control/version.h"
#include "sallyctl/commands.h"

using sallyport::sallyctl::ExitCode;
using sallyport::sallyctl::Failure;

namespace {

int end(ExitCode code, const std::string& text) {
  std::fprintf(stderr, "sallyctl: %s\n", text.c_str());
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Drives a running sallyportd over its admin socket.", "sallyctl");
  sallyport::sallyctl::Globals globals;
  app.add_option("--socket", globals.socket, "the daemon's admin socket")
      ->envname("SALLYPORT_SOCKET")
      ->capture_default_str();
  app.add_flag("--json", globals.json, "results as JSON, one object a line");
  app.set_version_flag("--version", "sallyctl " + std::string(sallyport::control::kVersion));
  app.footer(
      "Exit codes: 0 done, 1 internal error, 2 wrong arguments, 3 no daemon, 4 no permission, 5 refused,\n"
      "6 no such relay, capture, side, user, call or trunk, 7 a limit is reached, 8 done in part.");
  app.require_subcommand(1);
  app.fallthrough();
  std::function<void()> chosen;
  sallyport::sallyctl::add_commands(app, globals, chosen);
  try {
    app.parse(argc, argv);
    chosen();
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ExtrasError&) {
    // Its text repeats the argument, which may be a key that was typed in the wrong place.
    return end(ExitCode::usage, "an argument is not known; see --help");
  } catch (const CLI::ParseError& wrong) {
    return end(ExitCode::usage, wrong.what());
  } catch (const Failure& failure) {
    return end(failure.code, failure.text);
  } catch (const std::exception& failure) {
    return end(ExitCode::failed, failure.what());
  }
}
