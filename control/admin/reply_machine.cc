// SPDX-License-Identifier: GPL-3.0-or-later
// Results about ports, workers, counters and the configuration in force.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control/admin/config_reply.h"
#include "control/admin/reply.h"
#include "control/admin/sip_reply.h"
#include "control/admin/subscriber_reply.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

std::string_view attach_name(dataplane::Attach attach) {
  return attach == dataplane::Attach::shared ? "shared" : "vdev";
}

std::string_view huge_pages_name(dataplane::HugePages pages) {
  switch (pages) {
    case dataplane::HugePages::automatic:
      return "auto";
    case dataplane::HugePages::on:
      return "on";
    case dataplane::HugePages::off:
      return "off";
  }
  return "auto";
}

json::object side_json(const Config& config, const SideConfig& side) {
  const dataplane::PortConfig& port = config.runtime.ports[side.port];
  json::array addresses;
  for (const std::uint8_t address : side.addresses)
    addresses.push_back(json::string(config.runtime.addresses[address].address.to_string()));
  const dataplane::MediaAddress& media = config.runtime.addresses[side.addresses.front()];
  json::object object;
  object["attach"] = json::string_view(attach_name(port.attach));
  object["device"] = port.device;
  object["queues"] = port.queues;
  object["zero_copy"] = port.zero_copy;
  object["twin"] = port.twin;
  if (port.mac) object["mac"] = to_string(*port.mac);
  if (side.next_hop) object["next_hop"] = to_string(*side.next_hop);
  object["addresses"] = std::move(addresses);
  object["ports"] = std::to_string(media.first_udp_port) + "-" + std::to_string(media.last_udp_port);
  object["vlan"] = media.vlan;
  object["dscp"] = side.dscp;
  object["ttl"] = side.ttl;
  return object;
}

json::object media_json(const Config& config) {
  const dataplane::RuntimeConfig& runtime = config.runtime;
  json::array workers, eal;
  for (const unsigned core : runtime.worker_cores) workers.push_back(core);
  for (const std::string& argument : runtime.eal_arguments) eal.push_back(json::string(argument));
  json::object object;
  object["workers"] = std::move(workers);
  object["poll"] = runtime.poll == dataplane::PollMode::busy ? "busy" : "adaptive";
  object["engine"] = runtime.engine == crypto::EngineKind::ipsec_mb ? "ipsec-mb" : "libsrtp2";
  object["huge_pages"] = json::string_view(huge_pages_name(runtime.huge_pages));
  object["memory_mb"] = runtime.memory_mb;
  object["file_prefix"] = runtime.file_prefix;
  object["eal"] = std::move(eal);
  object["timeout_s"] = config.media.timeout_s;
  object["timeout_action"] = config.media.timeout_action == TimeoutAction::drop ? "drop" : "report";
  object["replay_window"] = config.media.replay_window;
  object["rtcp_replay_window"] = config.media.rtcp_replay_window;
  object["latch_window_ms"] = config.media.latch_window_ms;
  json::object sides;
  for (const SideConfig& side : config.sides) sides[side.name] = side_json(config, side);
  object["side"] = std::move(sides);
  return object;
}

std::string octal(unsigned mode) {
  std::string text = "0000";
  for (std::size_t i = 0; i < 3; ++i) text[3 - i] = static_cast<char>('0' + (mode >> (3 * i) & 7));
  return text;
}

json::object worker_json(const MediaPlane& plane, const WorkerMeter& meter, const RelayManager& relays,
                         std::size_t worker) {
  const dataplane::WorkerCounters& counters = plane.worker_counters(worker);
  const WorkerRates& rates = meter.rates(worker);
  json::object object;
  object["worker"] = worker;
  object["relays"] = relays.relays_on(worker);
  object["load"] = rates.load;
  object["packets_per_second"] = rates.packets_per_second;
  object["cycles_per_packet"] = rates.cycles_per_packet;
  object["received"] = counters.received.get();
  object["polls"] = counters.polls.get();
  object["busy_polls"] = counters.busy_polls.get();
  object["sleeps"] = counters.sleeps.get();
  object["events_lost"] = counters.events_lost.get();
  object["bundle_ssrcs_displaced"] = counters.bundle_ssrcs_displaced.get();
  object["captured"] = counters.captured.get();
  object["captures_lost"] = counters.captures_lost.get();
  object["answers"] = counters.answers.get();
  object["carried"] = counters.carried.get();
  object["answers_lost"] = counters.answers_lost.get();
  return object;
}

json::object registrar_json(const RegistrarConfig& registrar) {
  json::array service_route, domains;
  for (const std::string& uri : registrar.service_route) service_route.push_back(json::string(uri));
  for (const std::string& domain : registrar.domains) domains.push_back(json::string(domain));
  return {{"domains", std::move(domains)},
          {"realm", registrar.realm},
          {"default_expires_s", registrar.default_expires_s},
          {"min_expires_s", registrar.min_expires_s},
          {"max_expires_s", registrar.max_expires_s},
          {"bindings_per_user", registrar.bindings_per_user},
          {"bindings", registrar.bindings},
          {"flow_timer_s", registrar.flow_timer_s},
          {"require_path_support", registrar.require_path_support},
          {"service_route", std::move(service_route)}};
}

}  // namespace

std::string ports_json(const MediaPlane& plane) {
  json::array array;
  for (std::size_t i = 0; i < plane.ports().size(); ++i) {
    const dataplane::PortInfo& port = plane.ports()[i];
    const dataplane::PortStatistics statistics = plane.port_statistics(i);
    json::object object;
    object["port"] = port.name;
    object["device"] = port.device;
    object["attach"] = json::string_view(attach_name(port.attach));
    object["driver"] = port.driver;
    object["mac"] = to_string(port.mac);
    object["mtu"] = port.mtu;
    object["queues"] = port.queues;
    object["checksum_offload"] = port.checksum_offload;
    object["link"] = statistics.link_up ? "up" : "down";
    object["received"] = statistics.received;
    object["received_bytes"] = statistics.received_bytes;
    object["sent"] = statistics.sent;
    object["sent_bytes"] = statistics.sent_bytes;
    object["missed"] = statistics.missed;
    object["no_buffer"] = statistics.no_buffer;
    object["receive_errors"] = statistics.receive_errors;
    object["send_errors"] = statistics.send_errors;
    array.push_back(std::move(object));
  }
  return json::serialize(json::object{{"ports", std::move(array)}});
}

std::string workers_json(const MediaPlane& plane, const WorkerMeter& meter, const RelayManager& relays) {
  json::array array;
  for (std::size_t i = 0; i < plane.worker_count(); ++i)
    array.push_back(worker_json(plane, meter, relays, i));
  return json::serialize(json::object{{"workers", std::move(array)}, {"tsc_hz", plane.tsc_hz()}});
}

/// Every outcome of DTLS and ICE with its count, and the limits as everywhere.
json::object handshakes_object(const HandshakeDomain& of) {
  const keying::HandshakeCounters& counters = *of.counters;
  json::object object{{"legs", of.legs()}};
  for (const auto& info : keying::kHandshakeCounts) object[info.name] = counters[info.count];
  for (const auto& info : keying::kDtlsOutcomes) object[info.name] = counters[info.outcome];
  for (const auto& info : keying::kZrtpOutcomes) object[info.name] = counters[info.outcome];
  for (const auto& info : keying::kIceOutcomes) object[info.name] = counters[info.outcome];
  json::object limits;
  for (const auto& info : keying::kHandshakeLimits)
    limits[info.name] = json::object{{"limit", of.limits[info.limit]}, {"refused", counters[info.limit]}};
  object["limits"] = std::move(limits);
  return object;
}

std::string stats_json(const MediaPlane& plane, const Limits& limits, const RelayManager::Totals& totals,
                       const Subscribers* subscribers, SipService* sip, const HandshakeDomain& handshakes) {
  json::object verdicts, refusals;
  std::uint64_t received = 0;
  for (std::size_t worker = 0; worker < plane.worker_count(); ++worker)
    received += plane.worker_counters(worker).received.get();
  for (const dataplane::VerdictInfo& verdict : dataplane::kVerdicts) {
    std::uint64_t sum = 0;
    for (std::size_t worker = 0; worker < plane.worker_count(); ++worker)
      sum += plane.worker_counters(worker).verdicts[static_cast<std::size_t>(verdict.verdict)].get();
    verdicts[verdict.name] = sum;
  }
  for (const LimitInfo& limit : kLimits)
    refusals[limit.name] =
        json::object{{"limit", limits[limit.limit]}, {"refused", limits.refusals(limit.limit)}};
  json::object relays;
  relays["added"] = totals.added;
  relays["refused"] = totals.refused;
  relays["changed"] = totals.changed;
  relays["dropped"] = totals.dropped;
  relays["link_failures"] = totals.link_failures;
  relays["media_timeouts"] = totals.media_timeouts;
  json::object object{{"received", received}};
  object["verdicts"] = std::move(verdicts);
  object["limits"] = std::move(refusals);
  object["relays"] = std::move(relays);
  if (subscribers != nullptr) object["subscribers"] = subscriber_stats(*subscribers);
  if (sip != nullptr) object["sip"] = sip_stats(*sip);
  if (handshakes.counters != nullptr) object["handshakes"] = handshakes_object(handshakes);
  return json::serialize(object);
}

json::object config_object(const Config& config) {
  json::object limits;
  for (std::size_t i = 0; i < kConfigurableLimits; ++i)
    limits[kLimits[i].name] = config.limits[kLimits[i].limit];
  json::object object;
  object["daemon"] = json::object{{"user", config.daemon.user},
                                  {"admin_socket", config.daemon.admin_socket},
                                  {"admin_group", config.daemon.admin_group},
                                  {"admin_mode", octal(config.daemon.admin_mode)}};
  object["log"] = json::object{{"level", json::string_view(log::name(config.log_level))}};
  object["limits"] = std::move(limits);
  object["media"] = media_json(config);
  object["store"] =
      json::object{{"path", config.store.path},
                   {"durability", config.store.durability == Durability::power ? "power" : "process"},
                   {"queue", config.store.queue}};
  object["registrar"] = registrar_json(config.registrar);
  json::object keying{{"certificate", config.keying.certificate == keying::DtlsKeyType::rsa_2048
                                          ? "rsa-2048"
                                          : "ecdsa-p256"}};
  keying["zrtp_cache"] = config.keying.zrtp_cache;
  for (const auto& info : keying::kHandshakeLimits) keying[info.name] = config.keying.limits[info.limit];
  object["keying"] = std::move(keying);
  object["debug"] = json::object{{"allow_decrypted_capture", config.debug.allow_decrypted_capture},
                                 {"capture_directory", config.debug.capture_directory}};
  add_sip_config(config, object);
  return object;
}

std::string config_json(const Config& config) {
  return json::serialize(config_object(config));
}

}  // namespace sallyport::control
