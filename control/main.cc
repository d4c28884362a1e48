// SPDX-License-Identifier: GPL-3.0-or-later
// sallyportd: command line, configuration, and the one place where exceptions of the start end up.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "control/config/config.h"
#include "control/daemon.h"
#include "control/privileges.h"
#include "control/version.h"

namespace {

constexpr int kStartFailed = 1;
constexpr int kBadConfiguration = 2;  ///< and bad arguments

int report(const sallyport::control::ConfigErrors& errors) {
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", error.to_string().c_str());
  return kBadConfiguration;
}

int serve(sallyport::control::Config config, std::string path) {
  namespace log = sallyport::log;
  log::set_level(config.log_level);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    sallyport::control::harden_process();
    sallyport::control::Daemon daemon(std::move(config), std::move(path));
    daemon.run();
    return 0;
  } catch (const std::exception& failure) {
    log::error("daemon.failed", {{"why", failure.what()}});
    return kStartFailed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Session border controller: relays SRTP between two sides.", "sallyportd");
  std::string path = "/etc/sallyport/sallyport.toml";
  bool check_only = false;
  app.add_option("--config", path, "configuration file (TOML)")->capture_default_str();
  app.add_flag("--check-config", check_only, "validate the configuration, say what is wrong, and end");
  app.set_version_flag("--version", "sallyportd " + std::string(sallyport::control::kVersion));
  app.footer("Exit codes: 0 ended as asked, 1 could not start, 2 wrong arguments or configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : kBadConfiguration;
  }
  auto config = sallyport::control::load_config(path);
  if (!config) return report(config.error());
  if (check_only) {
    std::printf("%s: good\n", path.c_str());
    return 0;
  }
  return serve(std::move(*config), path);
}
