// SPDX-License-Identifier: GPL-3.0-or-later
// A SUBSCRIBE becomes two dialogs; whatever comes in one goes on in the other, until a NOTIFY says that it
// was the last.
#include "control/calls/subscriptions.h"

#include <algorithm>

#include "base/random.h"
#include "sip/event.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

namespace {

/// RFC 6665 §4.1.2.2: how long a subscriber waits for the last NOTIFY (64 T1), and longer than anybody is
/// late.
constexpr std::int64_t kGraceMs = 32'000;
/// Of a SUBSCRIBE whose 2xx does not say.
constexpr std::uint32_t kUsualExpiresS = 3600;
/// Whatever a notifier promises: who wants more refreshes.
constexpr std::uint32_t kLongestS = 86'400;

std::uint32_t expires_of(const sip::Message& message) {
  const auto seconds = message.number(HeaderId::expires);
  return seconds && *seconds ? **seconds : kUsualExpiresS;
}

/// The notifier says that this is the last one.
bool is_last(const sip::Message& notify) {
  const auto state = sip::parse_subscription_state(notify.header(HeaderId::subscription_state).value_or(""));
  return state && state->state == sip::SubscriptionState::State::terminated;
}

/// The other end knows nothing of it any more (RFC 6665 §4.1.2.3, §4.2.2).
bool ends_it(unsigned status) {
  return status == 481 || sip::failure_impact(status) != sip::FailureImpact::transaction;
}

std::int64_t now_ms() {
  return static_cast<std::int64_t>(steady_ms());
}

}  // namespace

Subscriptions::Subscriptions(Calls& calls)
    : calls_(calls), domain_(calls.domain()), courier_(calls), secret_(random_value<HashKey>()) {}

Subscription* Subscriptions::find(std::uint64_t id) {
  const auto found = subscriptions_.find(id);
  return found == subscriptions_.end() ? nullptr : &found->second;
}

// How one begins.

void Subscriptions::on_subscribe(sip::ServerTransactionId id, const sip::Message& request,
                                 const sip::Hop& hop) {
  if (!request.has(HeaderId::event)) return courier_.answer(id, 489, "Missing Event");
  if (const auto dialog = sip::Dialog::from_request(request, "x", false); !dialog)
    return courier_.answer(id, 400, "Missing Or Malformed Contact");
  courier_.set_out(id, request, hop, [this](const ErrandPtr& errand) { subscribe(errand); });
}

bool Subscriptions::has_room(const std::string& aor) {
  Limits& limits = domain_.limits;
  if (subscriptions_.size() >= limits[Limit::subscriptions])
    return limits.count_refusal(Limit::subscriptions), false;
  const auto of_user = of_user_.find(aor);
  if (aor.empty() || of_user == of_user_.end() || of_user->second < limits[Limit::subscriptions_per_user])
    return true;
  return limits.count_refusal(Limit::subscriptions_per_user), false;
}

void Subscriptions::subscribe(const ErrandPtr& errand) {
  const sip::Message* const request = domain_.signalling.request_of(errand->id);
  if (request == nullptr) return;
  const bool allowed = errand->from.policy->events && errand->to.policy->events;
  if (!allowed || !has_room(errand->from.aor)) {
    ++counters_.refused;
    return allowed ? courier_.answer(errand->id, 503, "Too Many Subscriptions", 60)
                   : courier_.answer(errand->id, 403, "Events Do Not Cross Here");
  }
  const std::uint64_t id = ++last_id_;
  Subscription& subscription = subscriptions_[id];
  subscription.id = id;
  subscription.subscriber.at = errand->from;
  subscription.notifier.at = errand->to;
  subscription.names = {calls_.token(), calls_.token().substr(0, 16)};
  subscription.event = request->header(HeaderId::event).value_or("");
  subscription.target = request->request_uri();
  by_call_id_[subscription.names.call_id] = id;
  if (!errand->from.aor.empty()) ++of_user_[errand->from.aor];
  const auto fill = [this, errand,
                     contact = domain_.signalling.contact_uri(errand->to.hop)](sip::MessageWriter& writer) {
    writer.header(HeaderId::contact, {"<", contact, ">"});
    if (const sip::Message* const source = domain_.signalling.request_of(errand->id))
      copy_event_fields(writer, *source);
  };
  courier_.send(errand, subscription.names, fill,
                [this, id, errand](const Reply& reply) { on_answer(id, *errand, reply); });
}

void Subscriptions::on_answer(std::uint64_t id, const Errand& errand, const Reply& reply) {
  Subscription* const subscription = find(id);
  if (subscription == nullptr) return;
  by_call_id_.erase(subscription->names.call_id);
  const auto early = std::exchange(subscription->early, std::nullopt);
  if (reply.status / 100 != 2 || !establish(*subscription, errand, *reply.message)) {
    ++counters_.refused;
    forget(id);
    if (early) courier_.answer(*early, 481);
    if (reply.status / 100 == 2) return courier_.answer(errand.id, 502, "Unusable Response To SUBSCRIBE");
    return courier_.pass_back(errand, reply, {});
  }
  ++counters_.begun;
  extend(*subscription, expires_of(*reply.message));
  courier_.pass_back(errand, reply, [&](sip::MessageWriter& writer) {
    writer.header(HeaderId::contact, {"<", domain_.signalling.contact_uri(errand.from.hop), ">"});
    copy_event_fields(writer, *reply.message);
  });
  const sip::Message* const notify = early ? domain_.signalling.request_of(*early) : nullptr;
  if (notify != nullptr && !on_dialog_request(*early, *notify, subscription->notifier.at.hop))
    courier_.answer(*early, 481);
}

/// Both dialogs, from the SUBSCRIBE that came and the 2xx to ours.
bool Subscriptions::establish(Subscription& subscription, const Errand& errand, const sip::Message& success) {
  const sip::Message* const request = domain_.signalling.request_of(errand.id);
  if (request == nullptr) return false;
  auto there = sip::Dialog::from_response(success, errand.target.request_uri, false);
  auto here = sip::Dialog::from_request(*request, domain_.signalling.to_tag(errand.id), false);
  if (!there || !here) return false;
  here->confirm();
  subscription.notifier.dialog = std::make_unique<sip::Dialog>(std::move(*there));
  subscription.subscriber.dialog = std::make_unique<sip::Dialog>(std::move(*here));
  dialogs_[sip::dialog_key(secret_, *subscription.notifier.dialog)] = {subscription.id, false};
  dialogs_[sip::dialog_key(secret_, *subscription.subscriber.dialog)] = {subscription.id, true};
  return true;
}

// What comes later.

bool Subscriptions::on_dialog_request(sip::ServerTransactionId id, const sip::Message& request,
                                      const sip::Hop& hop) {
  const auto key = sip::dialog_key(secret_, request);
  const auto place = key ? dialogs_.find(*key) : dialogs_.end();
  if (place == dialogs_.end()) return hold_early(id, request);
  const bool from_subscriber = place->second.is_subscriber;
  Subscription& subscription = *find(place->second.id);
  EventEnd& from = from_subscriber ? subscription.subscriber : subscription.notifier;
  const Calls::Origin origin = calls_.origin_of(from.at, id, request, hop);
  if (origin == Calls::Origin::refused) return true;
  if (origin == Calls::Origin::moved) from.at.hop = hop;
  if (request.method() != (from_subscriber ? Method::subscribe : Method::notify))
    return courier_.answer(id, 405), true;
  if (const unsigned status = from.dialog->check_request(request); status != 0)
    return courier_.answer(id, status), true;
  static_cast<void>(from.dialog->refresh_target(request));
  pass(subscription, from_subscriber, id, request);
  return true;
}

/// RFC 6665 §4.1.2.4: NOTIFY may overtake the 2xx. It waits for it, one of them.
bool Subscriptions::hold_early(sip::ServerTransactionId id, const sip::Message& request) {
  if (request.method() != Method::notify) return false;
  const auto waiting = by_call_id_.find(std::string(request.header(HeaderId::call_id).value_or("")));
  if (waiting == by_call_id_.end()) return false;
  Subscription& subscription = *find(waiting->second);
  const auto to = request.to();
  if (!to || to->tag() != subscription.names.from_tag || subscription.early) return false;
  subscription.early = id;
  return true;
}

void Subscriptions::pass(Subscription& subscription, bool from_subscriber, sip::ServerTransactionId id,
                         const sip::Message& request) {
  const EventEnd& from = from_subscriber ? subscription.subscriber : subscription.notifier;
  EventEnd& to = from_subscriber ? subscription.notifier : subscription.subscriber;
  const auto on_reply = [this, number = subscription.id, from_subscriber, id](const Reply& reply) {
    Subscription* const its = find(number);
    if (!reply.is_final()) return;
    if (its == nullptr) return courier_.answer(id, 481);
    on_passed(*its, from_subscriber, id, reply);
  };
  const auto hop = calls_.way_to(to.at, *to.dialog);
  if (!hop) return on_reply({480, nullptr});
  to.at.hop = *hop;
  const Signalling::NewVia via = domain_.signalling.new_via(*hop);
  sip::MessageWriter writer = to.dialog->request(request.method(), via.value);
  write_common(writer, to, request, from);
  if (DigestClient* const digest = to.at.trunk != nullptr ? to.at.trunk->digest() : nullptr)
    for (const CredentialField& field :
         digest->credentials(request.method_text(), to.dialog->remote_target(), request.body()))
      writer.header(field.id, field.value);
  copy_body(writer, request);
  if (!domain_.signalling.request(writer.finish(), via.branch, *hop, on_reply)) on_reply({503, nullptr});
}

void Subscriptions::on_passed(Subscription& subscription, bool from_subscriber, sip::ServerTransactionId id,
                              const Reply& reply) {
  const EventEnd& from = from_subscriber ? subscription.subscriber : subscription.notifier;
  EventEnd& to = from_subscriber ? subscription.notifier : subscription.subscriber;
  const bool succeeded = reply.status / 100 == 2;
  const bool is_challenge = reply.status == 401 || reply.status == 407;
  const sip::Message* const request = domain_.signalling.request_of(id);
  const bool last = !from_subscriber && request != nullptr && is_last(*request);
  sip::MessageWriter writer = domain_.signalling.response(id, is_challenge ? 502 : reply.status);
  if (reply.message != nullptr) {
    if (succeeded) static_cast<void>(to.dialog->refresh_target(*reply.message));
    write_common(writer, from, *reply.message, to);
  }
  static_cast<void>(domain_.signalling.respond(id, std::move(writer)));
  if (!from_subscriber && succeeded) ++counters_.notified;
  // A way that is not there now may be there for the next NOTIFY, as long as the notifier goes on.
  if (last || ends_it(reply.status)) {
    ++counters_.ended;
    return forget(subscription.id);
  }
  if (from_subscriber && succeeded) extend(subscription, expires_of(*reply.message));
}

void Subscriptions::write_common(sip::MessageWriter& writer, const EventEnd& to, const sip::Message& source,
                                 const EventEnd& from) const {
  writer.header(HeaderId::contact, {"<", domain_.signalling.contact_uri(to.at.hop), ">"});
  copy_across(writer, source, *from.at.policy, *to.at.policy);
  copy_event_fields(writer, source);
}

// How one ends.

void Subscriptions::extend(Subscription& subscription, std::uint32_t expires_s) {
  due_.erase({subscription.due_ms, subscription.id});
  subscription.due_ms = now_ms() + std::int64_t{std::min(expires_s, kLongestS)} * 1000 + kGraceMs;
  due_.insert({subscription.due_ms, subscription.id});
}

void Subscriptions::advance(std::int64_t now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    ++counters_.expired;
    forget(due_.begin()->second);
  }
}

void Subscriptions::forget(std::uint64_t id) {
  const auto found = subscriptions_.find(id);
  Subscription& subscription = found->second;
  due_.erase({subscription.due_ms, id});
  by_call_id_.erase(subscription.names.call_id);
  for (const EventEnd* const end : {&subscription.subscriber, &subscription.notifier})
    if (end->dialog != nullptr) dialogs_.erase(sip::dialog_key(secret_, *end->dialog));
  if (const auto user = of_user_.find(subscription.subscriber.at.aor); user != of_user_.end())
    if (--user->second == 0) of_user_.erase(user);
  subscriptions_.erase(found);
}

}  // namespace sallyport::control
