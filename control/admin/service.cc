// SPDX-License-Identifier: GPL-3.0-or-later
// One function a method.
#include "control/admin/service.h"

#include <chrono>

#include <unistd.h>

#include "base/log.h"
#include "control/admin/call_reply.h"
#include "control/admin/certificate_reply.h"
#include "control/admin/config_reply.h"
#include "control/admin/reply.h"
#include "control/admin/subscriber_reply.h"
#include "control/admin/trunk_reply.h"
#include "control/sip_service.h"
#include "control/version.h"

namespace sallyport::control {

namespace {

// Fields of a specification are named without "params." by the domain.
Refusal refusal_of(const SpecError& error) {
  return {error.error, error.field.empty() ? "" : "params." + error.field};
}

}  // namespace

struct AdminService::Visitor {
  AdminService& service;
  AdminDomain& domain;
  std::uint64_t id;
  Reply reply;

  void result(std::string_view json) const { reply(result_line(id, json)); }
  void refuse(const Refusal& why) const { reply(error_line(id, why)); }
  void not_found(std::uint64_t relay) const {
    refuse({Error{ErrorClass::not_found, "there is no relay " + std::to_string(relay)}, "params.relay"});
  }

  [[nodiscard]] bool has_sip() const {
    if (domain.sip == nullptr)
      refuse({Error{ErrorClass::unsupported, "no [sip.listener.*] is configured, so there are no calls"},
              "method"});
    return domain.sip != nullptr;
  }
  [[nodiscard]] AdminReply plain_answer() const {
    return {[visitor = *this](const std::string& json) { visitor.result(json); },
            [visitor = *this](const Refusal& why) { visitor.refuse(why); }};
  }

  /// An answer that words a result or an error by itself.
  template <typename T, typename Write>
  [[nodiscard]] auto answer(Write write) const {
    return [visitor = *this, write](const tl::expected<T, SpecError>& outcome) {
      if (outcome) return visitor.result(write(*outcome));
      visitor.refuse(refusal_of(outcome.error()));
    };
  }
  [[nodiscard]] auto relay_answer() const {
    return answer<RelayAdded>([](const RelayAdded& added) { return to_json(added); });
  }
  [[nodiscard]] auto capture_answer() const {
    return answer<CaptureInfo>([](const CaptureInfo& capture) { return to_json(capture); });
  }

  void operator()(request::Status&) const { result(service.status()); }
  void operator()(request::RelayAdd& add) const { domain.relays.add(std::move(add.spec), relay_answer()); }
  void operator()(request::RelaySet& set) const {
    domain.relays.set(set.relay, std::move(set.spec), relay_answer());
  }
  void operator()(request::RelayList& list) const {
    const auto page = domain.relays.list(list.after, list.count);
    const std::uint64_t next = page.size() == list.count ? page.back().id : 0;
    result(relays_json(page, domain.relays.size(), next));
  }
  void operator()(request::RelayShow& show) const {
    const auto relay = domain.relays.show(show.relay);
    if (!relay) return not_found(show.relay);
    result(to_json(*relay));
  }
  void operator()(request::RelayDrop& drop) const {
    if (drop.relay) {
      return domain.relays.drop(*drop.relay, answer<std::uint64_t>([](std::uint64_t) {
        return single_json("dropped", std::uint64_t{1});
      }));
    }
    domain.relays.drop_all(
        [visitor = *this](std::uint64_t count) { visitor.result(single_json("dropped", count)); });
  }
  void operator()(request::PortList&) const { result(ports_json(domain.plane)); }
  void operator()(request::WorkerList&) const {
    result(workers_json(domain.plane, domain.meter, domain.relays));
  }
  void operator()(request::Stats&) const {
    result(stats_json(domain.plane, domain.limits, domain.relays.totals(), domain.subscribers, domain.sip,
                      domain.handshakes));
  }
  void operator()(request::CaptureStart& start) const {
    domain.captures.start(start.relay, start.leg, start.opened, std::move(start.file),
                          start.max_bytes.value_or(domain.limits[Limit::capture_bytes]), capture_answer());
  }
  void operator()(request::CaptureStop& stop) const { domain.captures.stop(stop.capture, capture_answer()); }
  void operator()(request::CaptureList&) const { result(captures_json(domain.captures.list())); }
  void operator()(request::LogLevel& wanted) const {
    if (wanted.level) log::set_level(*wanted.level);
    result(single_json("level", log::name(log::level())));
  }
  void operator()(request::ConfigShow&) const { result(config_json(domain.config)); }
  void operator()(request::Ban& ban) const {
    if (service.bans_.contains(ban.source)) return result(single_json("banned", ban.source.to_string()));
    if (service.bans_.size() >= domain.limits[Limit::bans])
      return refuse({domain.limits.refuse(Limit::bans).value(), ""});
    if (const auto banned = domain.plane.ban(ban.source); !banned)
      return refuse({banned.error(), "params.source"});
    service.bans_.insert(ban.source);
    log::info("ban.added", {{"source", ban.source.to_string()}});
    result(single_json("banned", ban.source.to_string()));
  }
  void operator()(request::Unban& unban) const {
    if (!service.bans_.contains(unban.source))
      return refuse({Error{ErrorClass::not_found, "this source is not banned"}, "params.source"});
    if (const auto lifted = domain.plane.unban(unban.source); !lifted)
      return refuse({lifted.error(), "params.source"});
    service.bans_.erase(unban.source);
    log::info("ban.lifted", {{"source", unban.source.to_string()}});
    result(single_json("unbanned", unban.source.to_string()));
  }
  void operator()(request::BanList&) const {
    std::vector<std::string> sources;
    for (const IpAddress& source : service.bans_) sources.push_back(source.to_string());
    result(list_json("bans", sources));
  }
  void operator()(SubscriberRequest& asked) const {
    if (domain.subscribers == nullptr)
      return refuse(
          {Error{ErrorClass::unsupported, "no [store] is configured, so there are no users"}, "method"});
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    sallyport::control::handle(*domain.subscribers, asked, now, plain_answer());
  }
  void operator()(CallRequest& asked) const {
    if (has_sip()) sallyport::control::handle(domain.sip->calls(), asked, plain_answer());
  }
  void operator()(TrunkRequest& asked) const {
    if (has_sip())
      sallyport::control::handle(domain.sip->trunks(), asked, static_cast<std::int64_t>(steady_ms()),
                                 plain_answer());
  }
  void operator()(CertificateRequest& asked) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (has_sip())
      sallyport::control::handle(domain.sip->signalling().transport(), domain.config.sip, asked,
                                 now.time_since_epoch().count(), plain_answer());
  }
  void operator()(ConfigRequest& asked) const {
    sallyport::control::handle(*domain.reloader, asked, plain_answer());
  }
  // As with Subscribe, the connection knows already.
  void operator()(request::TraceFollow& follow) const {
    if (!has_sip()) return;
    if (follow.call && domain.sip->calls().find(*follow.call) == nullptr) {
      CallRequest show = request::CallShow{*follow.call};  // says whether it has ended
      return sallyport::control::handle(domain.sip->calls(), show, plain_answer());
    }
    service.follow_();
    result("{\"following\":true}");
  }
  // The connection itself has taken note before it handed the request on.
  void operator()(request::Subscribe&) const { result("{\"subscribed\":true}"); }
  void operator()(request::Shutdown&) const {
    log::info("daemon.shutdown_requested");
    result("{\"shutdown\":true}");
    domain.shutdown();
  }
};

AdminService::AdminService(AdminDomain domain)
    : domain_(std::move(domain)), started_tsc_(domain_.plane.tsc_now()) {}

void AdminService::handle(Request request, Reply reply) {
  std::visit(Visitor{*this, domain_, request.id, std::move(reply)}, request.body);
}

std::string AdminService::status() const {
  DaemonStatus status;
  status.version = kVersion;
  status.process = getpid();
  status.uptime_s = static_cast<double>(domain_.plane.tsc_now() - started_tsc_) /
                    static_cast<double>(domain_.plane.tsc_hz());
  status.engine = domain_.plane.engine().description();
  status.relays = domain_.relays.size();
  status.captures = domain_.captures.list().size();
  status.bans = bans_.size();
  status.connections = connections_ ? connections_() : 0;
  status.next_hops = domain_.next_hops.in_use();
  status.orders_under_way = domain_.relays.operations_under_way();
  if (domain_.subscribers != nullptr)
    status.registrations = domain_.subscribers->registrar().location().size();
  if (domain_.sip != nullptr) {
    const CallCounters& counters = domain_.sip->calls().counters();
    status.calls = CallStatus{domain_.sip->calls().size(), counters.begun, counters.answered, counters.failed,
                              counters.refused};
  }
  return to_json(status);
}

}  // namespace sallyport::control
