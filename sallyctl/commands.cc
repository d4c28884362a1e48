// SPDX-License-Identifier: GPL-3.0-or-later
// All commands but those of relays.
#include "sallyctl/commands.h"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "sallyctl/asking.h"
#include "sallyctl/completion.h"
#include "sallyctl/table.h"
#include "sallyctl/top.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

void add_capture(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  CLI::App* capture = app.add_subcommand("capture", "Copy a leg's packets into a pcap file of the daemon's");
  capture->require_subcommand(1);
  struct Start {
    std::uint64_t relay = 0, max_bytes = 0;
    std::string leg, file;
    bool opened = false;
  };
  const auto start = std::make_shared<Start>();
  CLI::App* begin = capture->add_subcommand("start", "Begin; prints the capture's id and file");
  begin->add_option("relay", start->relay, "relay id")->required();
  begin->add_option("leg", start->leg, "a or b: packets that come from there")->required();
  begin->add_flag("--opened", start->opened, "after decryption (needs debug.allow_decrypted_capture)");
  begin->add_option("--file", start->file, "name within the capture directory");
  begin->add_option("--max-bytes", start->max_bytes, "largest file");
  begin->callback([&globals, &chosen, start] {
    chosen = [&globals, start] {
      json::object params{
          {"relay", start->relay}, {"leg", start->leg}, {"mode", start->opened ? "opened" : "received"}};
      if (!start->file.empty()) params["file"] = start->file;
      if (start->max_bytes != 0) params["max_bytes"] = start->max_bytes;
      ask(globals, "capture.start", params);
    };
  });
  const auto id = std::make_shared<std::uint64_t>(0);
  CLI::App* stop = capture->add_subcommand("stop", "End a capture");
  stop->add_option("capture", *id, "capture id")->required();
  stop->callback([&globals, &chosen, id] {
    chosen = [&globals, id] { ask(globals, "capture.stop", {{"capture", *id}}); };
  });
  add_plain(*capture, "list", "Captures under way", "capture.list", globals, chosen,
            show_table("captures", capture_table));
}

void add_source_command(CLI::App& app, const char* name, const char* help, Globals& globals,
                        std::function<void()>& chosen) {
  const auto source = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("source", *source, "IP address")->required();
  command->callback([&globals, &chosen, name, source] {
    chosen = [&globals, name, source] { ask(globals, name, {{"source", *source}}); };
  });
}

void add_log(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  CLI::App* log = app.add_subcommand("log", "The daemon's log");
  log->require_subcommand(1);
  const auto wanted = std::make_shared<std::string>();
  CLI::App* level = log->add_subcommand("level", "Show the level, or set it");
  level->add_option("level", *wanted, "debug, info, warning or error");
  level->callback([&globals, &chosen, wanted] {
    chosen = [&globals, wanted] {
      json::object params;
      if (!wanted->empty()) params["level"] = *wanted;
      ask(globals, "log.level", params);
    };
  });
}

void add_top(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  struct Options {
    int interval_ms = 1000;
    bool once = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* top = app.add_subcommand("top", "Calls, relays and workers, live; q ends");
  top->add_option("--interval-ms", options->interval_ms, "between pictures")->check(CLI::Range(100, 60000));
  top->add_flag("--once", options->once, "one picture, no terminal needed");
  top->callback([&globals, &chosen, options] {
    chosen = [&globals, options] {
      Client client(globals.socket);
      if (globals.json) return print_json(client.call("relay.list", {{"count", 1000}}));
      run_top(client, options->interval_ms, options->once);
    };
  });
}

void add_events(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  const auto count = std::make_shared<std::uint64_t>(0);
  CLI::App* events = app.add_subcommand("events", "Print events as they come, one JSON object a line");
  events->add_option("--count", *count, "end after so many; 0: never");
  events->callback([&globals, &chosen, count] {
    chosen = [&globals, count] {
      Client client(globals.socket);
      (void)client.call("subscribe");
      for (std::uint64_t seen = 0; *count == 0 || seen < *count; ++seen) {
        print_json(client.receive_event());
        std::fflush(stdout);
      }
    };
  });
}

void add_completion(CLI::App& app, std::function<void()>& chosen) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script");
  completion->add_option("shell", *shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  completion->callback([&app, &chosen, shell] {
    chosen = [&app, shell] { std::printf("%s", bash_completion(app).c_str()); };
  });
}

}  // namespace

void print_json(const json::object& result) {
  std::printf("%s\n", json::serialize(result).c_str());
}

void add_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  add_plain(app, "status", "Version, uptime, what is in use", "status", globals, chosen);
  add_relay_commands(app, globals, chosen);
  add_subscriber_commands(app, globals, chosen);
  add_call_commands(app, globals, chosen);
  add_sip_commands(app, globals, chosen);
  CLI::App* port = app.add_subcommand("port", "Media ports");
  port->require_subcommand(1);
  add_plain(*port, "list", "Link, driver and counters of each", "port.list", globals, chosen,
            show_table("ports", port_table));
  CLI::App* worker = app.add_subcommand("worker", "Media cores");
  worker->require_subcommand(1);
  add_plain(*worker, "list", "Load, packets a second, cycles a packet", "worker.list", globals, chosen,
            show_table("workers", worker_table));
  add_plain(app, "stats", "Every verdict and every limit", "stats", globals, chosen,
            [](const json::object& result) { std::printf("%s", stats_text(result).c_str()); });
  add_top(app, globals, chosen);
  add_capture(app, globals, chosen);
  add_log(app, globals, chosen);
  add_source_command(app, "ban", "Drop all packets of a source", globals, chosen);
  add_source_command(app, "unban", "Let a source in again", globals, chosen);
  add_plain(app, "bans", "Sources that are banned", "ban.list", globals, chosen);
  add_events(app, globals, chosen);
  add_plain(app, "shutdown", "End the daemon and its relays", "shutdown", globals, chosen);
  add_completion(app, chosen);
}

}  // namespace sallyport::sallyctl
