// SPDX-License-Identifier: GPL-3.0-or-later
// Calls as text for people.
#include <boost/json/array.hpp>

#include "sallyctl/table.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

const json::object* object_in(const json::object& parent, std::string_view key) {
  const json::value* value = parent.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

std::string leg_cell(const json::object& call, const char* leg) {
  if (object_in(call, leg) == nullptr) return "-";
  const std::string path(leg);
  return member(call, path + ".side") + " " + member(call, path + ".transport") + " " +
         member(call, path + ".suites");
}

/// ZRTP's short authentication string, and what is to be said of it.
std::string sas_cell(const json::object& medium) {
  const json::object* zrtp = object_in(medium, "zrtp");
  if (zrtp == nullptr) return "-";
  const auto is = [&](const char* key) {
    const json::value* value = zrtp->if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
  };
  return member(*zrtp, "sas") + (is("mismatch") ? " MISMATCH" : "") + (is("verified") ? " verified" : "");
}

void add_media(const json::object& leg, const char* name, Table& table) {
  const json::value* media = leg.if_contains("media");
  if (media == nullptr || !media->is_array()) return;
  for (const json::value& value : media->get_array()) {
    if (!value.is_object()) continue;
    const json::object& medium = value.get_object();
    const std::string suite = member(medium, "suite"), keys = member(medium, "keys");
    const bool is_awaited = suite == "-" && keys != "-" && keys != "end-to-end";
    table.add({name, member(medium, "kind"), member(medium, "codec"), keys, sas_cell(medium),
               is_awaited     ? "awaited"
               : suite == "-" ? "none"
                              : suite,
               member(medium, "local"), member(medium, "remote"), member(medium, "source"),
               member(medium, "received.packets"), member(medium, "received.lost"),
               member(medium, "received.jitter_ms"), member(medium, "received.forged"),
               member(medium, "received.replayed"), member(medium, "sent.packets")});
  }
}

}  // namespace

Table call_table(const json::array& calls) {
  Table table({"CALL", "AGE s", "STATE", "CALLER", "CALLED", "A", "B"});
  for (const json::value& value : calls) {
    if (!value.is_object()) continue;
    const json::object& call = value.get_object();
    table.add({member(call, "call"), member(call, "age_s"), member(call, "state"), member(call, "caller"),
               member(call, "called"), leg_cell(call, "a"), leg_cell(call, "b")});
  }
  return table;
}

std::string call_text(const json::object& call) {
  json::object common;
  for (const auto& field : call)
    if (!field.value().is_object()) common[field.key()] = field.value();
  std::string text = outline(common) + "\n";
  Table media({"LEG", "MEDIA", "CODEC", "KEYS", "SAS", "SUITE", "LOCAL", "REMOTE", "SOURCE", "RECEIVED",
               "LOST", "JITTER ms", "FORGED", "REPLAYED", "SENT"});
  for (const char* leg : {"a", "b"}) {
    const json::object* described = object_in(call, leg);
    if (described == nullptr) continue;
    json::object plain_fields;
    for (const auto& field : *described)
      if (field.key() != "media") plain_fields[field.key()] = field.value();
    text += outline({{leg, plain_fields}}) + "\n";
    add_media(*described, leg, media);
  }
  return text + media.text();
}

}  // namespace sallyport::sallyctl
