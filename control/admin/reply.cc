// SPDX-License-Identifier: GPL-3.0-or-later
// Results about relays, captures and the daemon. The machine's own are in admin_reply_machine.cc.
#include "control/admin/reply.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control/admin/protocol.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::value endpoint_json(const Endpoint& endpoint) {
  return endpoint.port == 0 ? json::value(nullptr) : json::value(endpoint.to_string());
}

json::value stream_json(const std::optional<crypto::StreamStatus>& status) {
  if (!status) return nullptr;
  return json::object{{"srtp_packets", status->srtp_packets},
                      {"srtcp_packets", status->srtcp_packets},
                      {"near_end_of_life", status->near_end_of_life},
                      {"exhausted", status->exhausted},
                      {"ssrc", status->last_ssrc},
                      {"rollover_counter", status->rollover_counter}};
}

json::object counters_json(const dataplane::FlowCounters& counters, std::uint32_t clock_rate) {
  const std::uint64_t packets = counters.packets[0].get(), expected = counters.expected.get();
  const double jitter_ms = counters.jitter.get() / 16.0 * 1000.0 / clock_rate;
  json::object object;
  object["rtp_packets"] = packets;
  object["rtp_bytes"] = counters.rtp_bytes.get();
  object["rtp_forwarded"] = counters.rtp_forwarded.get();
  object["rtcp_packets"] = counters.packets[1].get();
  object["rtcp_bytes"] = counters.rtcp_bytes.get();
  object["rtcp_forwarded"] = counters.rtcp_forwarded.get();
  object["lost"] = expected > packets ? expected - packets : 0;
  object["jitter_ms"] = jitter_ms;
  object["duplicates"] = counters.duplicates.get();
  object["out_of_order"] = counters.out_of_order.get();
  object["dropped"] = counters.dropped.get();
  object["forged"] = counters.forged.get();
  object["replayed"] = counters.replayed.get();
  object["too_old"] = counters.too_old.get();
  object["wrong_source"] = counters.wrong_source.get();
  object["ssrc"] = counters.ssrc.get();
  object["ssrc_changes"] = counters.ssrc_changes.get();
  object["latches"] = counters.latches.get();
  return object;
}

json::object leg_json(const LegInfo& leg) {
  json::object object;
  object["side"] = leg.side;
  object["local"] = endpoint_json(leg.local_rtp);
  object["local_rtcp"] = endpoint_json(leg.local_rtcp);
  object["remote"] = endpoint_json(leg.target_rtp);
  object["remote_rtcp"] = endpoint_json(leg.target_rtcp);
  object["accepts"] = endpoint_json(leg.source_rtp);
  object["policy"] = leg.policy == dataplane::SourcePolicy::latch ? "latch" : "signalled";
  object["latched"] = leg.latched;
  object["reachable"] = leg.reachable;
  object["mux"] = leg.mux;
  object["bundled_with"] = leg.bundled_with ? json::value(*leg.bundled_with) : json::value(nullptr);
  object["dscp"] = leg.dscp;
  object["clock_rate"] = leg.clock_rate;
  object["suite"] =
      leg.suite ? json::value(json::string_view(crypto::suite(*leg.suite).name)) : json::value(nullptr);
  object["receive_stream"] = stream_json(leg.receive);
  object["send_stream"] = stream_json(leg.send);
  object["received"] = counters_json(*leg.counters, leg.clock_rate);
  return object;
}

json::object relay_object(const RelayInfo& relay) {
  json::object object;
  object["relay"] = relay.id;
  object["label"] = relay.label;
  object["worker"] = relay.worker;
  object["state"] = relay.linked ? (relay.timed_out ? "silent" : "linked") : "linking";
  object["age_s"] = relay.age_s;
  object["idle_s"] = relay.idle_s ? json::value(*relay.idle_s) : json::value(nullptr);
  object["memory_bytes"] = relay.memory_bytes;
  object["a"] = leg_json(relay.legs[0]);
  object["b"] = leg_json(relay.legs[1]);
  return object;
}

json::object capture_object(const CaptureInfo& capture) {
  return {{"capture", capture.id},
          {"relay", capture.relay},
          {"leg", json::string_view(name(capture.leg))},
          {"mode", capture.opened ? "opened" : "received"},
          {"file", capture.path},
          {"packets", capture.packets},
          {"bytes", capture.bytes},
          {"not_written", capture.not_written}};
}

}  // namespace

std::string to_json(const DaemonStatus& status) {
  json::object object;
  object["version"] = status.version;
  object["protocol"] = kProtocolVersion;
  object["process"] = status.process;
  object["uptime_s"] = status.uptime_s;
  object["engine"] = status.engine;
  object["relays"] = status.relays;
  object["captures"] = status.captures;
  object["bans"] = status.bans;
  object["connections"] = status.connections;
  object["next_hops"] = status.next_hops;
  object["orders_under_way"] = status.orders_under_way;
  if (status.registrations) object["registrations"] = *status.registrations;
  if (status.calls) {
    object["calls"] = status.calls->calls;
    object["calls_begun"] = status.calls->begun;
    object["calls_answered"] = status.calls->answered;
    object["calls_failed"] = status.calls->failed;
    object["calls_refused"] = status.calls->refused;
  }
  return json::serialize(object);
}

// Written by hand: this is the answer that is given fifty thousand times in a row.
std::string to_json(const RelayAdded& added) {
  std::string text = "{\"relay\":" + std::to_string(added.id) + ",\"worker\":" + std::to_string(added.worker);
  for (const Leg leg : {Leg::a, Leg::b}) {
    const Endpoint &rtp = added.rtp[index(leg)], &rtcp = added.rtcp[index(leg)];
    text.append(",\"").append(name(leg)).append("\":{\"address\":\"").append(rtp.address.to_string());
    text.append("\",\"rtp\":").append(std::to_string(rtp.port));
    text.append(",\"rtcp\":").append(std::to_string(rtcp.port)).append("}");
  }
  return text + "}";
}

std::string to_json(const RelayInfo& relay) {
  return json::serialize(relay_object(relay));
}

std::string to_json(const CaptureInfo& capture) {
  return json::serialize(capture_object(capture));
}

std::string to_json(const Handshakes::Secured& secured) {
  const keying::ZrtpSecurity& security = secured.security;
  return json::serialize(json::object{{"label", json::string(secured.label)},
                                      {"leg", json::string(secured.leg)},
                                      {"sas", security.sas},
                                      {"verified", security.verified},
                                      {"mismatch", security.mismatch}});
}

std::string to_json(const RelayEvent& event) {
  json::object object{{"relay", event.relay}};
  if (event.endpoint.port != 0) {
    object["leg"] = json::string_view(name(event.leg));
    object["remote"] = event.endpoint.to_string();
  }
  return json::serialize(object);
}

std::string captures_json(const std::vector<CaptureInfo>& captures) {
  json::array array;
  for (const CaptureInfo& capture : captures) array.push_back(capture_object(capture));
  return json::serialize(json::object{{"captures", std::move(array)}});
}

std::string relays_json(const std::vector<RelayInfo>& relays, std::uint64_t total, std::uint64_t next) {
  json::array array;
  for (const RelayInfo& relay : relays) array.push_back(relay_object(relay));
  json::object object{{"relays", std::move(array)}, {"total", total}};
  object["next"] = next == 0 ? json::value(nullptr) : json::value(next);
  return json::serialize(object);
}

std::string single_json(std::string_view key, std::uint64_t value) {
  return json::serialize(json::object{{json::string_view(key), value}});
}

std::string single_json(std::string_view key, std::string_view value) {
  return json::serialize(json::object{{json::string_view(key), json::string_view(value)}});
}

std::string list_json(std::string_view key, const std::vector<std::string>& values) {
  json::array array;
  for (const std::string& value : values) array.push_back(json::string(value));
  return json::serialize(json::object{{json::string_view(key), std::move(array)}});
}

}  // namespace sallyport::control
