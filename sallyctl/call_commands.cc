// SPDX-License-Identifier: GPL-3.0-or-later
// call list, show, drop, verify; trace.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "sallyctl/asking.h"
#include "sallyctl/commands.h"
#include "sallyctl/ladder.h"
#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

void add_call_list(CLI::App& call, Globals& globals, std::function<void()>& chosen) {
  const auto count = std::make_shared<std::uint64_t>(0);
  CLI::App* list = call.add_subcommand("list", "All calls");
  list->add_option("--count", *count, "no more than so many");
  list->callback([&globals, &chosen, count] {
    chosen = [&globals, count] {
      Client client(globals.socket);
      const json::object result = list_all(client, "call.list", "calls", *count);
      if (globals.json) return print_json(result);
      std::printf("%s%s calls\n", call_table(result.at("calls").as_array()).text().c_str(),
                  member(result, "total").c_str());
    };
  });
}

void add_call_show(CLI::App& call, Globals& globals, std::function<void()>& chosen) {
  const auto id = std::make_shared<std::uint64_t>(0);
  CLI::App* show = call.add_subcommand(
      "show",
      "Both legs of a call: who, by which transport and digest, with which suites, and how media fares");
  show->add_option("call", *id, "call id")->required();
  show->callback([&globals, &chosen, id] {
    chosen = [&globals, id] {
      const json::object result = Client(globals.socket).call("call.show", {{"call", *id}});
      globals.json ? print_json(result) : static_cast<void>(std::printf("%s", call_text(result).c_str()));
    };
  });
}

void add_call_drop(CLI::App& call, Globals& globals, std::function<void()>& chosen) {
  struct Which {
    std::uint64_t call = 0;
    bool all = false;
    std::string reason;
  };
  const auto which = std::make_shared<Which>();
  CLI::App* drop = call.add_subcommand("drop", "End a call at both ends, or all calls");
  auto* id = drop->add_option("call", which->call, "call id");
  drop->add_flag("--all", which->all, "every call")->excludes(id);
  drop->add_option("--reason", which->reason, "told to both ends, and kept in the call's record");
  drop->callback([&globals, &chosen, which] {
    chosen = [&globals, which] {
      if (!which->all && which->call == 0) throw Failure{ExitCode::usage, "a call id or --all is needed"};
      json::object params = which->all ? json::object{{"all", true}} : json::object{{"call", which->call}};
      if (!which->reason.empty()) params["reason"] = which->reason;
      const json::object result = Client(globals.socket).call("call.drop", params);
      globals.json ? print_json(result)
                   : static_cast<void>(std::printf("%s dropped\n", member(result, "dropped").c_str()));
    };
  });
}

std::string sas_text(const json::object& compared) {
  const bool equal = compared.at("verified").as_bool(), remembered = compared.at("remembered").as_bool();
  std::string text = member(compared, "sas") + " on leg " + member(compared, "leg") + " is ";
  text += equal ? "verified\n"
                : "not verified; if it differs, somebody is in the middle: sallyctl call drop " +
                      member(compared, "call") + "\n";
  if (!remembered) text += "the next call does not know: nothing is retained without keying.zrtp_cache\n";
  return text;
}

void add_verify(CLI::App& call, Globals& globals, std::function<void()>& chosen) {
  struct Which {
    std::uint64_t call = 0;
    std::string leg;
    bool differs = false;
  };
  const auto which = std::make_shared<Which>();
  CLI::App* verify = call.add_subcommand(
      "verify",
      "Say that people have compared ZRTP's short authentication string of a leg, and that it is the same");
  verify->add_option("call", which->call, "call id")->required();
  verify->add_option("leg", which->leg, "a: the caller's, b: the callee's")
      ->required()
      ->check(CLI::IsMember({"a", "b"}));
  verify->add_flag("--not", which->differs, "it differs, or what was said before is taken back");
  verify->callback([&globals, &chosen, which] {
    chosen = [&globals, which] {
      const json::object result =
          Client(globals.socket)
              .call("call.verify", {{"call", which->call}, {"leg", which->leg}, {"equal", !which->differs}});
      globals.json ? print_json(result) : static_cast<void>(std::printf("%s", sas_text(result).c_str()));
    };
  });
}

void show_event(const Globals& globals, bool whole, const json::object& event) {
  if (globals.json) return print_json(event);
  const json::value* data = event.if_contains("data");
  if (data == nullptr || !data->is_object() || member(event, "event") != "trace") return;
  const json::object& message = data->get_object();
  if (whole)
    std::printf("%s", whole_message(message).c_str());
  else
    std::printf("%s", ladder_line(message).c_str());
}

/// Until the call is over; of all calls, until interrupted.
void follow(const Globals& globals, std::uint64_t call, bool whole) {
  Client client(globals.socket);
  (void)client.call("trace.follow", call == 0 ? json::object() : json::object{{"call", call}});
  if (!whole && !globals.json) std::printf("%s", ladder_head().c_str());
  std::fflush(stdout);
  for (;;) {
    const json::object event = client.receive_event();
    show_event(globals, whole, event);
    std::fflush(stdout);
    if (call != 0 && member(event, "event") == "trace.over") return;
  }
}

void add_trace(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  struct What {
    std::uint64_t call = 0;
    bool follow = false;
  };
  const auto what = std::make_shared<What>();
  CLI::App* trace = app.add_subcommand(
      "trace",
      "A call's messages as a ladder, also of one that ended lately; without a call: of all, as they pass");
  trace->add_option("call", what->call, "call id");
  trace->add_flag("--follow", what->follow, "whole messages as they pass, secrets masked");
  CLI::App* list = trace->add_subcommand("list", "Calls whose messages are still known");
  list->callback([&globals, &chosen] {
    chosen = [&globals] {
      Client client(globals.socket);
      const json::object result = list_all(client, "trace.list", "traces", 0);
      if (globals.json) return print_json(result);
      std::printf("%s", trace_table(result.at("traces").as_array()).text().c_str());
    };
  });
  trace->callback([&globals, &chosen, what, list] {
    if (list->parsed()) return;
    chosen = [&globals, what] {
      if (what->follow || what->call == 0) return follow(globals, what->call, what->follow);
      const json::object result = Client(globals.socket).call("trace.show", {{"call", what->call}});
      globals.json ? print_json(result) : static_cast<void>(std::printf("%s", ladder(result).c_str()));
    };
  });
}

}  // namespace

void add_call_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  CLI::App* call = app.add_subcommand("call", "Calls that are up or coming about");
  call->require_subcommand(1);
  add_call_list(*call, globals, chosen);
  add_call_show(*call, globals, chosen);
  add_call_drop(*call, globals, chosen);
  add_verify(*call, globals, chosen);
  add_trace(app, globals, chosen);
}

}  // namespace sallyport::sallyctl
