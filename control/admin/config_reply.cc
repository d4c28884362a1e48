// SPDX-License-Identifier: GPL-3.0-or-later
// One function a method.
#include "control/admin/config_reply.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.h"
#include "control/reload.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::array changes_array(const std::vector<ConfigChange>& changes) {
  json::array array;
  for (const ConfigChange& change : changes)
    array.push_back(json::object{
        {"key", change.key}, {"in_force", change.in_force}, {"file", change.file}, {"live", change.live}});
  return array;
}

std::string first_error(const ConfigErrors& errors) {
  const std::string more = errors.size() > 1 ? " (and " + std::to_string(errors.size() - 1) + " more)" : "";
  return errors.front().to_string() + more;
}

struct ConfigVisitor {
  Reloader& reloader;
  const AdminReply& reply;

  void result(const json::object& object) const { reply.result(valid_utf8(json::serialize(object))); }

  void operator()(request::ConfigCheck& check) const {
    const std::string& file = check.file.empty() ? reloader.path() : check.file;
    const auto config = load_config(file);
    json::array errors;
    if (!config)
      for (const ConfigError& error : config.error()) errors.push_back(json::string(error.to_string()));
    result({{"file", file}, {"good", config.has_value()}, {"errors", std::move(errors)}});
  }
  void operator()(request::ConfigDiff&) const {
    const auto next = load_config(reloader.path());
    if (!next) return reply.refuse({Error{ErrorClass::refused, first_error(next.error())}, ""});
    result({{"file", reloader.path()}, {"changes", changes_array(reloader.changes_to(*next))}});
  }
  void operator()(request::ConfigReload&) const {
    const auto changes = reloader.reload();
    if (!changes) return reply.refuse({changes.error(), ""});
    bool complete = true;
    for (const ConfigChange& change : *changes) complete = complete && change.live;
    result({{"file", reloader.path()}, {"changes", changes_array(*changes)}, {"complete", complete}});
  }
};

}  // namespace

void handle(Reloader& reloader, ConfigRequest& request, const AdminReply& reply) {
  std::visit(ConfigVisitor{reloader, reply}, request);
}

}  // namespace sallyport::control
