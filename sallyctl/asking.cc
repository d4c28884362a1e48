// SPDX-License-Identifier: GPL-3.0-or-later
// Requests and their results.
#include "sallyctl/asking.h"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kPage = 500;

}  // namespace

void show_outline(const json::object& result) {
  std::printf("%s", outline(result).c_str());
}

Show show_table(const char* key, Table (*table)(const json::array&)) {
  return [key, table](const json::object& result) {
    if (const auto* rows = result.if_contains(key); rows != nullptr && rows->is_array())
      std::printf("%s", table(rows->get_array()).text().c_str());
  };
}

void print(const Globals& globals, const json::object& result, const Show& show) {
  globals.json ? print_json(result) : show(result);
}

void ask(const Globals& globals, std::string_view method, const json::object& params, const Show& show) {
  print(globals, Client(globals.socket).call(method, params), show);
}

CLI::App* add_plain(CLI::App& parent, const char* name, const char* help, const char* method,
                    const Globals& globals, std::function<void()>& chosen, const Show& show) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->callback([&globals, &chosen, method, show] {
    chosen = [&globals, method, show] { ask(globals, method, {}, show); };
  });
  return command;
}

json::object list_all(Client& client, const char* method, const char* key, std::uint64_t wanted,
                      RowName name) {
  json::array rows;
  json::value after = name == RowName::text ? json::value("") : json::value(0), total = nullptr;
  for (bool more = true; more && (wanted == 0 || rows.size() < wanted);) {
    const std::uint64_t count = wanted == 0 ? kPage : std::min<std::uint64_t>(kPage, wanted - rows.size());
    json::object page = client.call(method, {{"after", after}, {"count", count}});
    for (json::value& row : page.at(key).as_array()) rows.push_back(std::move(row));
    if (page.contains("total")) total = page.at("total");
    more = !page.at("next").is_null();
    if (more) after = page.at("next");
  }
  json::object result{{key, std::move(rows)}};
  if (!total.is_null()) result["total"] = std::move(total);
  return result;
}

}  // namespace sallyport::sallyctl
