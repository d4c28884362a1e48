// SPDX-License-Identifier: GPL-3.0-or-later
// relay add, list, show, set, drop.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "sallyctl/asking.h"
#include "sallyctl/batch.h"
#include "sallyctl/commands.h"
#include "sallyctl/leg_syntax.h"
#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

constexpr const char* kLegHelp =
    "side=NAME,remote=ADDRESS:PORT[,remote-rtcp=…][,suite=NAME,send-key=KEY,receive-key=KEY][,mki=HEX]"
    "[,unencrypted-srtcp][,policy=signalled|latch][,signalling-peer=ADDRESS][,family=auto|ipv4|ipv6][,mux][,"
    "dscp=N]"
    "[,clock-rate=HZ]; KEY is @FILE, env:NAME or - (standard input): base64 or inline:… as in SDES";

struct Legs {
  std::string a, b, label, from;
  std::uint64_t relay = 0;
};

json::object params_of(const Legs& legs) {
  if (legs.a.empty() || legs.b.empty())
    throw Failure{ExitCode::usage, "both --a and --b are needed: see --help"};
  json::object params{{"a", parse_leg("--a", legs.a)}, {"b", parse_leg("--b", legs.b)}};
  if (!legs.label.empty()) params["label"] = legs.label;
  return params;
}

void show_added(const json::object& added) {
  std::printf("relay %s on worker %s\n", member(added, "relay").c_str(), member(added, "worker").c_str());
  for (const std::string leg : {"a", "b"})
    std::printf("  %s  %s  RTP %s  RTCP %s\n", leg.c_str(), member(added, leg + ".address").c_str(),
                member(added, leg + ".rtp").c_str(), member(added, leg + ".rtcp").c_str());
}

void add_add(CLI::App& relay, Globals& globals, std::function<void()>& chosen) {
  const auto legs = std::make_shared<Legs>();
  CLI::App* add = relay.add_subcommand("add", "Set a relay up between two legs");
  add->add_option("--a", legs->a, kLegHelp);
  add->add_option("--b", legs->b, "the other leg, likewise");
  add->add_option("--label", legs->label, "a name for people");
  add->add_option("--from", legs->from,
                  "many relays: a file with one `params` object of relay.add a line; - for standard input");
  add->callback([&globals, &chosen, legs] {
    chosen = [&globals, legs] {
      if (!legs->from.empty()) {
        Client client(globals.socket);
        return run_batch(client, {"relay.add", "relays"}, legs->from, globals.json);
      }
      const json::object params = params_of(*legs);
      const json::object added = Client(globals.socket).call("relay.add", params);
      globals.json ? print_json(added) : show_added(added);
    };
  });
}

void add_set(CLI::App& relay, Globals& globals, std::function<void()>& chosen) {
  const auto legs = std::make_shared<Legs>();
  CLI::App* set = relay.add_subcommand("set", "Replace both legs' parameters and keys; local ports stay");
  set->add_option("relay", legs->relay, "relay id")->required();
  set->add_option("--a", legs->a, kLegHelp);
  set->add_option("--b", legs->b, "the other leg, likewise");
  set->add_option("--label", legs->label, "a name for people");
  set->callback([&globals, &chosen, legs] {
    chosen = [&globals, legs] {
      json::object params = params_of(*legs);
      params["relay"] = legs->relay;
      const json::object changed = Client(globals.socket).call("relay.set", params);
      globals.json ? print_json(changed) : show_added(changed);
    };
  });
}

void add_relay_list(CLI::App& relay, Globals& globals, std::function<void()>& chosen) {
  const auto count = std::make_shared<std::uint64_t>(0);
  CLI::App* list = relay.add_subcommand("list", "All relays");
  list->add_option("--count", *count, "no more than so many");
  list->callback([&globals, &chosen, count] {
    chosen = [&globals, count] {
      Client client(globals.socket);
      const json::object result = list_all(client, "relay.list", "relays", *count);
      if (globals.json) return print_json(result);
      std::printf("%s%s relays\n", relay_table(result.at("relays").as_array()).text().c_str(),
                  member(result, "total").c_str());
    };
  });
}

void add_relay_show(CLI::App& relay, Globals& globals, std::function<void()>& chosen) {
  const auto id = std::make_shared<std::uint64_t>(0);
  CLI::App* show = relay.add_subcommand("show", "Everything about one relay");
  show->add_option("relay", *id, "relay id")->required();
  show->callback([&globals, &chosen, id] {
    chosen = [&globals, id] { ask(globals, "relay.show", {{"relay", *id}}); };
  });
}

void add_relay_drop(CLI::App& relay, Globals& globals, std::function<void()>& chosen) {
  struct Which {
    std::uint64_t relay = 0;
    bool all = false;
  };
  const auto which = std::make_shared<Which>();
  CLI::App* drop = relay.add_subcommand("drop", "End a relay, or all");
  auto* id = drop->add_option("relay", which->relay, "relay id");
  drop->add_flag("--all", which->all, "every relay")->excludes(id);
  drop->callback([&globals, &chosen, which] {
    chosen = [&globals, which] {
      if (!which->all && which->relay == 0) throw Failure{ExitCode::usage, "a relay id or --all is needed"};
      const json::object params =
          which->all ? json::object{{"all", true}} : json::object{{"relay", which->relay}};
      const json::object result = Client(globals.socket).call("relay.drop", params);
      globals.json ? print_json(result)
                   : static_cast<void>(std::printf("%s dropped\n", member(result, "dropped").c_str()));
    };
  });
}

}  // namespace

void add_relay_commands(CLI::App& app, Globals& globals, std::function<void()>& chosen) {
  CLI::App* relay = app.add_subcommand("relay", "Relays of media between two legs");
  relay->require_subcommand(1);
  add_add(*relay, globals, chosen);
  add_relay_list(*relay, globals, chosen);
  add_relay_show(*relay, globals, chosen);
  add_set(*relay, globals, chosen);
  add_relay_drop(*relay, globals, chosen);
}

}  // namespace sallyport::sallyctl
