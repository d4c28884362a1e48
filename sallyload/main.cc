// SPDX-License-Identifier: GPL-3.0-or-later
// sallyload: SIP and media load, and whether what comes back is right.
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "sallyload/call_load.h"
#include "sallyload/command_line.h"
#include "sallyload/request_load.h"

namespace {

using namespace sallyport::sallyload;

constexpr int kComplete = 0;
constexpr int kIncomplete = 1;
constexpr int kUsage = 2;

int end(int code, const std::string& text) {
  std::fprintf(stderr, "sallyload: %s\n", text.c_str());
  return code;
}

std::unique_ptr<Load> make_load(boost::asio::io_context& context, const Settings& settings, Client& client,
                                Report& report) {
  if (settings.task == Task::calls) return std::make_unique<CallLoad>(context, settings, client, report);
  return std::make_unique<RequestLoad>(context, settings, client, report);
}

int run(const Settings& settings) {
  sallyport::log::set_level(sallyport::log::Level::error);
  std::ofstream file;
  if (!settings.json.empty() && settings.json != "-") {
    file.open(settings.json);
    if (!file) return end(kUsage, "--json: " + settings.json + " cannot be written");
  }
  Report report;
  boost::asio::io_context context(1);
  Client client(context, settings, report);
  make_load(context, settings, client, report)->run();
  if (settings.json == "-")
    std::puts(report.json(settings).c_str());
  else
    std::fputs(report.text(settings).c_str(), stdout);
  if (file.is_open()) file << report.json(settings) << '\n';
  return report.complete() ? kComplete : kIncomplete;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("SIP and media load over TLS, TCP or UDP; checks what comes back.", "sallyload");
  app.footer(
      "Exit codes: 0 all that should have come back did, 1 something did not, 2 wrong arguments.\n"
      "SIGINT begins nothing more and ends what is under way; a second one ends at once.");
  app.require_subcommand(1);
  CommandLine line;
  add_commands(app, line);
  try {
    app.parse(argc, argv);
    const auto settings = read_settings(line);
    if (!settings) return end(kUsage, settings.error().text);
    return run(*settings);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    return end(kUsage, wrong.what());
  } catch (const std::exception& failure) {
    return end(kIncomplete, failure.what());
  }
}
