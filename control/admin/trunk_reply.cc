// SPDX-License-Identifier: GPL-3.0-or-later
// One function a method. Of an account only its realm and name are told.
#include "control/admin/trunk_reply.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "base/utf8.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::object trunk_object(const Trunk& trunk, std::int64_t now_ms) {
  const TrunkConfig& config = trunk.config();
  const TrunkCounters& counters = trunk.counters();
  json::array addresses;
  for (const AddressPrefix& prefix : config.addresses) addresses.push_back(json::string(prefix.to_string()));
  json::object object;
  object["trunk"] = config.name;
  object["group"] = config.group;
  object["priority"] = config.priority;
  object["weight"] = config.weight;
  object["state"] = json::string_view(name(trunk.state()));
  object["why"] = trunk.why().empty() ? json::value(nullptr) : json::value(json::string(trunk.why()));
  object["since_s"] = static_cast<double>(now_ms - trunk.since_ms()) / 1000.0;
  object["host"] = config.host.empty() ? json::value(nullptr) : json::value(json::string(config.host));
  object["port"] = config.port;
  object["transport"] = json::string_view(sip::name(config.transport));
  object["side"] = config.side;
  object["addresses"] = std::move(addresses);
  object["tls_names"] = json::array(config.tls_names.begin(), config.tls_names.end());
  object["account"] = config.secrets != nullptr && config.secrets->account
                          ? json::value(json::string(config.secrets->account->user))
                          : json::value(nullptr);
  object["calls"] = trunk.calls();
  object["calls_out"] = counters.calls_out;
  object["calls_in"] = counters.calls_in;
  object["failed_over"] = counters.failed_over;
  object["refused"] = counters.refused;
  object["checks"] = counters.checks;
  object["checks_failed"] = counters.checks_failed;
  return object;
}

struct TrunkVisitor {
  Trunks& trunks;
  std::int64_t now_ms;
  const AdminReply& reply;

  void result(const json::object& object) const { reply.result(valid_utf8(json::serialize(object))); }
  [[nodiscard]] TrunkPtr find(const std::string& name) const {
    TrunkPtr trunk = trunks.find(name);
    if (trunk == nullptr)
      reply.refuse({Error{ErrorClass::not_found, "there is no such trunk"}, "params.trunk"});
    return trunk;
  }

  void operator()(request::TrunkList&) const {
    json::array rows;
    for (const TrunkPtr& trunk : trunks.all()) rows.push_back(trunk_object(*trunk, now_ms));
    result({{"trunks", std::move(rows)}});
  }
  void operator()(request::TrunkShow& show) const {
    if (const TrunkPtr trunk = find(show.trunk)) result(trunk_object(*trunk, now_ms));
  }
  void operator()(request::TrunkEnable& enable) const {
    const TrunkPtr trunk = find(enable.trunk);
    if (trunk == nullptr) return;
    trunk->set_enabled(enable.enabled, now_ms);
    log::info("trunk.switched", {{"trunk", enable.trunk}, {"enabled", enable.enabled ? "yes" : "no"}});
    result(trunk_object(*trunk, now_ms));
  }
};

}  // namespace

void handle(Trunks& trunks, TrunkRequest& request, std::int64_t now_ms, const AdminReply& reply) {
  std::visit(TrunkVisitor{trunks, now_ms, reply}, request);
}

}  // namespace sallyport::control
