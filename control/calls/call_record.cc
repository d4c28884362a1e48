// SPDX-License-Identifier: GPL-3.0-or-later
// Call records as JSON: what is not known is left out.
#include "control/calls/call_record.h"

#include <cmath>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.h"

namespace sallyport::control {

namespace {

namespace json = boost::json;

void put(json::object& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

json::object to_json(const RecordedStream& stream) {
  return {{"packets", stream.packets},
          {"bytes", stream.bytes},
          {"lost", stream.lost},
          // JSON has no infinity.
          {"jitter_ms", std::isfinite(stream.jitter_ms) ? std::round(stream.jitter_ms * 100) / 100 : 0},
          {"forged", stream.forged},
          {"replayed", stream.replayed}};
}

json::object to_json(const RecordedMedia& media) {
  json::object object;
  put(object, "kind", media.kind);
  put(object, "codec", media.codec);
  put(object, "profile", media.profile);
  put(object, "keys", media.keys);
  put(object, "suite", media.suite);
  put(object, "handshake_failure", media.handshake_failure);
  if (media.sas)
    object["zrtp"] = json::object{
        {"sas", media.sas->text}, {"verified", media.sas->verified}, {"mismatch", media.sas->mismatch}};
  if (media.ice) object["ice"] = true;
  put(object, "local", media.local);
  put(object, "remote", media.remote);
  put(object, "source", media.source);
  object["received"] = to_json(media.received);
  object["sent"] = to_json(media.sent);
  return object;
}

json::object to_json(const RecordedLeg& leg) {
  json::object object;
  put(object, "call_id", leg.call_id);
  put(object, "side", leg.side);
  put(object, "listener", leg.listener);
  put(object, "identity", leg.identity);
  put(object, "from", leg.from);
  put(object, "to", leg.to);
  put(object, "request_uri", leg.request_uri);
  put(object, "transport", leg.transport);
  put(object, "remote", leg.remote);
  put(object, "tls_version", leg.tls_version);
  put(object, "tls_cipher", leg.tls_cipher);
  if (!leg.certificate_names.empty())
    object["certificate_names"] = json::array(leg.certificate_names.begin(), leg.certificate_names.end());
  put(object, "certificate_fingerprint", leg.certificate_fingerprint);
  put(object, "digest_algorithm", leg.digest_algorithm);
  put(object, "user_agent", leg.user_agent);
  json::array media;
  for (const RecordedMedia& one : leg.media) media.push_back(to_json(one));
  if (!media.empty()) object["media"] = std::move(media);
  return object;
}

json::array to_json(const std::vector<RecordedAttempt>& attempts) {
  json::array array;
  for (const RecordedAttempt& attempt : attempts) {
    json::object object{{"target", attempt.target}};
    if (attempt.status != 0) object["status"] = attempt.status;
    put(object, "why", attempt.why);
    array.push_back(std::move(object));
  }
  return array;
}

constexpr std::string_view name(EndedBy who) {
  switch (who) {
    case EndedBy::caller:
      return "caller";
    case EndedBy::called:
      return "called";
    case EndedBy::us:
      return "us";
    case EndedBy::nobody:
      break;
  }
  return "";
}

}  // namespace

std::string to_text(RecordTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<std::chrono::milliseconds> CallRecord::duration() const {
  if (!answer) return std::nullopt;
  return end < *answer ? std::chrono::milliseconds(0) : end - *answer;
}

json::object to_json(const CallRecord& record) {
  json::object object;
  object["id"] = record.id;
  put(object, "caller", record.caller);
  put(object, "called", record.called);
  put(object, "route", record.route);
  put(object, "trunk", record.trunk);
  object["invite"] = to_text(record.invite);
  if (record.ringing) object["ringing"] = to_text(*record.ringing);
  if (record.answer) object["answer"] = to_text(*record.answer);
  object["end"] = to_text(record.end);
  if (const auto duration = record.duration()) object["duration_ms"] = duration->count();
  object["status"] = record.status;
  if (record.ended_by != EndedBy::nobody) object["ended_by"] = name(record.ended_by);
  put(object, "reason", record.reason);
  object["a"] = to_json(record.a);
  if (record.b) object["b"] = to_json(*record.b);
  if (!record.attempts.empty()) object["attempts"] = to_json(record.attempts);
  return object;
}

std::string write_record(const CallRecord& record) {
  return valid_utf8(json::serialize(to_json(record))) + "\n";
}

}  // namespace sallyport::control
