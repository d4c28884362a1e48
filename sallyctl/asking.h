// SPDX-License-Identifier: GPL-3.0-or-later
// What commands have in common: a request is sent, and its result printed, for people or as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "sallyctl/commands.h"
#include "sallyctl/table.h"

namespace sallyport::sallyctl {

/// Prints a result for people.
using Show = std::function<void(const boost::json::object&)>;
void show_outline(const boost::json::object& result);
/// The rows under `key`; nothing if there are none.
[[nodiscard]] Show show_table(const char* key, Table (*table)(const boost::json::array&));

void print(const Globals& globals, const boost::json::object& result, const Show& show = show_outline);
/// Sends a request and prints its result.
void ask(const Globals& globals, std::string_view method, const boost::json::object& params,
         const Show& show = show_outline);

/// A command without arguments.
CLI::App* add_plain(CLI::App& parent, const char* name, const char* help, const char* method,
                    const Globals& globals, std::function<void()>& chosen, const Show& show = show_outline);

/// What a list's rows are known by, and so what its pages begin after.
enum class RowName : std::uint8_t { number, text };
/// The rows of a list under `key` and its `total`, page by page; about as many as are wanted, 0: all.
[[nodiscard]] boost::json::object list_all(Client& client, const char* method, const char* key,
                                           std::uint64_t wanted, RowName name = RowName::number);

}  // namespace sallyport::sallyctl
