// SPDX-License-Identifier: GPL-3.0-or-later
// One function a method. What peers wrote stays as it is but for what is no UTF-8: who prints it minds the
// terminal.
#include "control/admin/call_reply.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "base/utf8.h"
#include "sip/reason.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

double seconds(sip::InstantMs since, sip::InstantMs now) {
  return now > since ? static_cast<double>(now - since) / 1000.0 : 0.0;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string(text));
}

std::string suite_of(const RecordedMedia& medium) {
  if (!medium.suite.empty()) return medium.suite;
  return medium.keys.empty() ? "none" : "awaited";
}

/// Each suite once; `none` for media in clear, `awaited` while a handshake is to give its keys.
json::array suites_of(const RecordedLeg& leg) {
  json::array suites;
  for (const RecordedMedia& medium : leg.media) {
    const json::value suite = json::string(suite_of(medium));
    if (std::ranges::find(suites, suite) == suites.end()) suites.push_back(suite);
  }
  return suites;
}

json::object leg_row(const RecordedLeg& leg) {
  json::object object;
  object["side"] = leg.side;
  object["identity"] = text_or_null(leg.identity);
  object["transport"] = leg.transport;
  object["remote"] = leg.remote;
  object["suites"] = suites_of(leg);
  return object;
}

json::object state_of(const Call& call, sip::InstantMs now) {
  json::object object;
  object["call"] = call.id();
  object["state"] = json::string_view(name(call.state()));
  object["age_s"] = seconds(call.began_ms(), now);
  object["talk_s"] =
      call.answered_ms() == 0 ? json::value(nullptr) : json::value(seconds(call.answered_ms(), now));
  return object;
}

json::object call_row(const Call& call, sip::InstantMs now) {
  const CallRecord record = call.describe();
  json::object object = state_of(call, now);
  object["caller"] = text_or_null(record.caller);
  object["called"] = text_or_null(record.called);
  object["route"] = text_or_null(record.route);
  object["trunk"] = text_or_null(record.trunk);
  object["a"] = leg_row(record.a);
  object["b"] = record.b ? json::value(leg_row(*record.b)) : json::value(nullptr);
  return object;
}

/// A record as it would be now, with the relays that serve the call.
json::object call_object(const Call& call, sip::InstantMs now) {
  const CallRecord record = call.describe();
  json::object object = state_of(call, now);
  for (auto& field : to_json(record)) {
    const std::string_view key(field.key().data(), field.key().size());
    if (key == "end" || key == "status" || key == "duration_ms") continue;
    object[key == "id" ? "record" : key] = std::move(field.value());
  }
  json::array relays;
  for (const RecordedMedia& medium : record.a.media)
    if (medium.relay != 0) relays.push_back(medium.relay);
  object["relays"] = std::move(relays);
  return object;
}

json::object line_object(const TraceLine& line) {
  json::object object;
  object["at_ms"] = line.at_ms;
  object["leg"] = line.caller_side ? "a" : "b";
  object["received"] = line.received;
  object["peer"] = line.peer.to_string();
  object["transport"] = json::string_view(sip::name(line.transport));
  object["text"] = line.text;
  object["sdp"] = line.has_description;
  return object;
}

struct CallVisitor {
  Calls& calls;
  const AdminReply& reply;

  void result(const json::object& object) const { reply.result(valid_utf8(json::serialize(object))); }
  void not_found(std::uint64_t call) const {
    const CallTrace* const trace = calls.traces().find(call);
    const bool known = trace != nullptr && trace->ended;
    const std::string number = std::to_string(call);
    reply.refuse(
        {Error{ErrorClass::not_found, known ? "call " + number + " has ended" : "there is no call " + number},
         "params.call"});
  }
  [[nodiscard]] sip::InstantMs now() const { return calls.domain().signalling.now(); }

  void operator()(request::CallList& list) const {
    const auto page = calls.list(list.after, list.count);
    json::array rows;
    for (const Call* call : page) rows.push_back(call_row(*call, now()));
    json::object object{{"calls", std::move(rows)}, {"total", calls.size()}};
    object["next"] = page.size() == list.count ? json::value(page.back()->id()) : json::value(nullptr);
    result(object);
  }
  void operator()(request::CallShow& show) const {
    const Call* const call = calls.find(show.call);
    if (call == nullptr) return not_found(show.call);
    result(call_object(*call, now()));
  }
  void operator()(request::CallDrop& drop) const {
    const std::string why = drop.reason.empty() ? "Dropped by the operator" : drop.reason;
    const Ending ending{EndedBy::us, 480, why, sip::write_reason("SIP", 480, why)};
    if (drop.call) {
      Call* const call = calls.find(*drop.call);
      if (call == nullptr || call->state() == CallState::ended) return not_found(*drop.call);
      call->end(ending);
      log::info("call.dropped", {{"call", *drop.call}});
      return result({{"dropped", 1}});
    }
    std::uint64_t dropped = 0;
    for (const Call* listed : calls.list(0, calls.size())) {
      Call* const call = calls.find(listed->id());
      if (call == nullptr || call->state() == CallState::ended) continue;
      call->end(ending);
      ++dropped;
    }
    log::info("calls.dropped", {{"count", dropped}});
    result({{"dropped", dropped}});
  }
  void operator()(request::CallVerify& verify) const {
    const Call* const call = calls.find(verify.call);
    if (call == nullptr || call->state() == CallState::ended) return not_found(verify.call);
    const std::string number = std::to_string(verify.call);
    if (call->winner() == nullptr)
      return reply.refuse(
          {Error{ErrorClass::refused, "call " + number + " has not been answered"}, "params.call"});
    const auto compared = call->winner()->media->verify_sas(verify.leg, verify.equal);
    if (!compared)
      return reply.refuse(
          {Error{compared.error().error_class, "leg " + std::string(name(verify.leg)) + " of call " + number +
                                                   ": " + compared.error().text},
           "params.leg"});
    // After a mismatch the secrets have no entry yet: it is this that retains them.
    const bool is_remembered = compared->entry != 0 || compared->mismatch;
    result({{"call", verify.call},
            {"leg", json::string_view(name(verify.leg))},
            {"sas", compared->sas},
            {"verified", compared->verified},
            {"remembered", is_remembered}});
  }
  void operator()(request::TraceList& list) const {
    const auto page = calls.traces().list(list.after, list.count);
    json::array rows;
    for (const CallTrace* trace : page)
      rows.push_back(json::object{{"call", trace->call},
                                  {"ended", trace->ended},
                                  {"messages", trace->lines.size() + trace->left_out},
                                  {"first", trace->lines.empty() ? "" : trace->lines.front().text}});
    json::object object{{"traces", std::move(rows)}};
    object["next"] = page.size() == list.count ? json::value(page.back()->call) : json::value(nullptr);
    result(object);
  }
  void operator()(request::TraceShow& show) const {
    const CallTrace* const trace = calls.traces().find(show.call);
    if (trace == nullptr) return not_found(show.call);
    json::array lines;
    for (const TraceLine& line : trace->lines) lines.push_back(line_object(line));
    result({{"call", trace->call},
            {"ended", trace->ended},
            {"lines", std::move(lines)},
            {"left_out", trace->left_out}});
  }
};

}  // namespace

void handle(Calls& calls, CallRequest& request, const AdminReply& reply) {
  std::visit(CallVisitor{calls, reply}, request);
}

std::string trace_json(std::uint64_t call, const TraceLine& line, std::string_view message) {
  json::object object{{"call", call}};
  for (auto& field : line_object(line)) object[field.key()] = std::move(field.value());
  object["message"] = json::string_view(message.data(), message.size());
  return valid_utf8(json::serialize(object));
}

}  // namespace sallyport::control
