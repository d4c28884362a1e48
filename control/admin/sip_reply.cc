// SPDX-License-Identifier: GPL-3.0-or-later
// Calls, messages, transactions, who proved what, transports, and every limit.
#include "control/admin/sip_reply.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "control/sip_service.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::object calls_object(Calls& calls, const RecordFile& records) {
  const CallCounters& counters = std::as_const(calls).counters();
  return {{"now", calls.size()},
          {"begun", counters.begun},
          {"refused", counters.refused},
          {"answered", counters.answered},
          {"failed", counters.failed},
          {"media_timeouts", counters.media_timeouts},
          {"looped", counters.looped},
          {"handshake_failures", counters.handshake_failures},
          {"records_written", records.written()},
          {"records_lost", records.lost()}};
}

json::object messages_object(const SignallingCounters& counters) {
  return {{"received", counters.received},
          {"sent", counters.sent},
          {"unparsable", counters.unparsable},
          {"refused", counters.refused},
          {"unsent", counters.unsent}};
}

json::object transactions_object(const sip::TransactionLayer& transactions) {
  const sip::TransactionCounters& counters = transactions.counters();
  return {{"clients", transactions.clients()},
          {"servers", transactions.servers()},
          {"requests", counters.requests},
          {"repeated_requests", counters.repeated_requests},
          {"repeated_responses", counters.repeated_responses},
          {"stray_responses", counters.stray_responses},
          {"stray_cancels", counters.stray_cancels},
          {"merged_requests", counters.merged_requests},
          {"unusable", counters.unusable},
          {"retransmissions", counters.retransmissions},
          {"timeouts", counters.timeouts},
          {"transport_errors", counters.transport_errors}};
}

json::object events_object(const SipService& sip) {
  const SubscriptionCounters& counters = sip.subscriptions().counters();
  return {{"subscriptions", sip.subscriptions().size()},
          {"begun", counters.begun},
          {"refused", counters.refused},
          {"ended", counters.ended},
          {"expired", counters.expired},
          {"notified", counters.notified},
          {"single_requests", sip.pager().carried()}};
}

json::object outcomes_object(const Authenticator& authenticator) {
  json::object object;
  for (const AuthOutcomeInfo& outcome : kAuthOutcomes)
    object[outcome.name] = authenticator.outcomes()[static_cast<std::size_t>(outcome.outcome)];
  return object;
}

json::object transport_object(const transport::Counters& counters) {
  json::object object;
  for (const transport::CountInfo& count : transport::kCounts) object[count.name] = counters[count.count];
  return object;
}

json::object limits_object(const transport::Limits& of_transport, const sip::Limits& of_sip) {
  json::object object;
  for (const transport::LimitInfo& limit : transport::kLimits)
    object[limit.name] =
        json::object{{"limit", of_transport[limit.limit]}, {"refused", of_transport.refusals(limit.limit)}};
  for (const sip::LimitInfo& limit : sip::kLimits)
    if (limit.limit != sip::Limit::none)
      object[limit.name] =
          json::object{{"limit", of_sip[limit.limit]}, {"refused", of_sip.refusals(limit.limit)}};
  return object;
}

}  // namespace

json::object sip_stats(SipService& sip) {
  Signalling& signalling = sip.signalling();
  json::object object;
  object["calls"] = calls_object(sip.calls(), sip.records());
  object["events"] = events_object(sip);
  object["messages"] = messages_object(signalling.counters());
  object["transactions"] = transactions_object(signalling.transactions());
  object["authentication"] = outcomes_object(sip.gatekeeper().authenticator());
  object["trunk_authentication"] = outcomes_object(sip.gatekeeper().trunk_authenticator());
  object["transport"] = transport_object(signalling.transport().counters());
  object["limits"] = limits_object(signalling.transport().limits(), signalling.sip_limits());
  return object;
}

}  // namespace sallyport::control
