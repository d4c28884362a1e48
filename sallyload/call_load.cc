// SPDX-License-Identifier: GPL-3.0-or-later
// Calls from their beginning to their end; what is said in them is in call_dialogs.cc.
#include "sallyload/call_load.h"

#include <algorithm>

#include "sip/uri.h"

namespace sallyport::sallyload {

namespace {
constexpr std::uint64_t kRegistrationsAtOneTime = 100;
}

CallLoad::CallLoad(boost::asio::io_context& context, const Settings& settings, Client& client, Report& report)
    : Load(context, settings, client, report),
      subscribers_(settings, client, report,
                   [this](std::uint64_t index, std::optional<Failure> failure, std::string_view what) {
                     on_registered(index, failure, what);
                   }),
      calls_(settings.users.count / 2) {
  if (settings.media != MediaMode::none) media_.emplace(context, settings, client.address(), report);
  for (std::uint64_t i = 0; i < calls_.size(); ++i) free_.push_back(i);
}

void CallLoad::prepare() {
  register_more();
}

// Not recursive where requests fail at once: on_registered() only counts.
void CallLoad::register_more() {
  while (registering_ < 2 * calls_.size() && registrations_under_way_ < kRegistrationsAtOneTime) {
    ++registrations_under_way_;
    subscribers_.begin(registering_++, sip::Method::register_, true);
  }
}

void CallLoad::on_registered(std::uint64_t index, std::optional<Failure> failure, std::string_view what) {
  --registrations_under_way_;
  if (failure) {
    failed(*failure, "registration of " + subscribers_.name(index) + ": " + std::string(what));
    return give_up("a subscriber cannot register");
  }
  ++report_.prepared;
  if (++registered_ == 2 * calls_.size()) begun();
}

void CallLoad::begin() {
  const std::uint64_t pair = free_.front();
  free_.pop_front();
  Call& call = calls_[pair];
  ++call.number;
  call.state = Call::State::inviting;
  call.begun_us = now_us();
  call.failure.reset();
  call.reached = call.callee_ended = call.bye_answered = false;
  call.call_id =
      subscribers_.name(caller(pair)) + "-" + std::to_string(call.number) + "-" + subscribers_.run();
  call.callee_call_id.clear();
  call.to = "<" + subscribers_.uri(callee(pair)) + ">";
  call.cseq = 0;
  call.attempt = 0;
  if (!settings_.reuse_nonce) subscribers_[caller(pair)].credentials.forget();
  if (auto done = open_side(pair, false); !done) {
    spoil(pair, Failure::media, done.error().text);
    return finish(pair);
  }
  send_invite(pair);
}

void CallLoad::at(std::uint64_t us, std::uint64_t pair) {
  timers_.push({us, pair, calls_[pair].number});
}

void CallLoad::on_tick() {
  if (media_) media_->tick();
  register_more();
  const std::uint64_t now = now_us();
  while (!timers_.empty() && timers_.top().at_us <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (calls_[timer.pair].number == timer.number) on_time(timer.pair);
  }
}

void CallLoad::on_time(std::uint64_t pair) {
  switch (calls_[pair].state) {
    case Call::State::idle:
    case Call::State::inviting:
      return;
    case Call::State::up:
      return drain(pair);
    case Call::State::draining:
      return send_bye(pair);
    case Call::State::ending:
      spoil(pair, Failure::timeout, "a BYE did not reach its other side");
      return finish(pair);
  }
}

void CallLoad::on_stop() {
  for (std::uint64_t pair = 0; pair < calls_.size(); ++pair)
    if (calls_[pair].state == Call::State::up) drain(pair);
}

void CallLoad::spoil(std::uint64_t pair, Failure failure, std::string_view what) {
  if (!calls_[pair].failure) calls_[pair].failure = failure;
  report_.trouble(subscribers_.name(caller(pair)) + ": " + std::string(what));
}

// Whoever has keys sends: the other end's may take longer, and so may those of the relay.
void CallLoad::judge_keys(std::uint64_t pair) {
  const Call& call = calls_[pair];
  const MediaEnd& one = *call.caller.media;
  const MediaEnd& other = *call.callee.media;
  if (one.keyed_us == 0 || other.keyed_us == 0) return spoil(pair, Failure::keys, "no keys by DTLS-SRTP");
  report_.record(Exchange::keyed, std::max(one.keyed_us, other.keyed_us) - call.begun_us);
  if (one.heard_us != 0 && other.heard_us != 0)
    report_.record(Exchange::flowing, std::max(one.heard_us, other.heard_us) - call.begun_us);
}

void CallLoad::judge_media(std::uint64_t pair) {
  MediaEnd& one = *calls_[pair].caller.media;
  MediaEnd& other = *calls_[pair].callee.media;
  const auto compare = [this](MediaEnd& to, const MediaEnd& from) {
    if (settings_.media == MediaMode::dtls && to.first != 0) to.counts.early = to.first - 1;
    const std::uint64_t accounted = to.counts.received + to.counts.early;
    to.counts.lost = from.counts.sent - std::min(from.counts.sent, accounted);
  };
  compare(one, other);
  compare(other, one);
  report_.add_media(one.counts);
  report_.add_media(other.counts);
  if (!one.counts.whole() || !other.counts.whole()) spoil(pair, Failure::media, "media was not whole");
}

void CallLoad::finish(std::uint64_t pair) {
  Call& call = calls_[pair];
  if (call.caller.media && call.callee.media && call.reached) {
    if (settings_.media == MediaMode::dtls) judge_keys(pair);
    judge_media(pair);
  }
  for (CallSide* side : {&call.caller, &call.callee}) {
    if (side->media && media_) media_->stop(*side->media);
    *side = CallSide();
  }
  call.state = Call::State::idle;
  free_.push_back(pair);
  if (call.failure)
    failed(*call.failure, "a call failed");
  else
    succeeded();
}

void CallLoad::on_response(std::uint64_t context, sip::Message& response) {
  progress();
  switch (kind_of(context)) {
    case ContextKind::subscriber:
      subscribers_.on_response(number_of(context), response);
      return register_more();
    case ContextKind::invite:
      return on_invite_response(number_of(context), response);
    case ContextKind::bye:
      return on_bye_response(number_of(context), response);
  }
}

void CallLoad::on_failure(std::uint64_t context, Failure failure) {
  const std::uint64_t number = number_of(context);
  switch (kind_of(context)) {
    case ContextKind::subscriber:
      return subscribers_.on_failure(number, failure);
    case ContextKind::invite:
      // The transaction of an answered INVITE may end later, for repeated 200s.
      if (calls_[number].state != Call::State::inviting) return;
      spoil(number, failure, "INVITE");
      return finish(number);
    case ContextKind::bye:
      if (calls_[number].state != Call::State::ending) return;
      spoil(number, failure, "BYE");
      return finish(number);
  }
}

void CallLoad::on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  progress();
  const auto uri = sip::parse_uri(request.request_uri());
  const auto index = uri ? settings_.users.index(uri->user) : std::nullopt;
  if (!index || *index / 2 >= calls_.size()) {
    ++report_.unexpected;
    return client_.respond(id, client_.response(id, request.method() == sip::Method::options ? 200 : 404));
  }
  switch (request.method()) {
    case sip::Method::invite:
      return on_invite(*index, id, request, hop);
    case sip::Method::bye:
      return on_bye(*index, id);
    case sip::Method::options:
    case sip::Method::notify:
      return client_.respond(id, client_.response(id, 200));
    case sip::Method::other:
    case sip::Method::ack:
    case sip::Method::cancel:
    case sip::Method::register_:
    case sip::Method::prack:
    case sip::Method::update:
    case sip::Method::info:
    case sip::Method::message:
    case sip::Method::refer:
    case sip::Method::subscribe:
    case sip::Method::publish:
      ++report_.unexpected;
      return client_.respond(id, client_.response(id, 501));
  }
}

void CallLoad::on_ack(const sip::Message& ack) {
  const auto uri = sip::parse_uri(ack.request_uri());
  const auto index = uri ? settings_.users.index(uri->user) : std::nullopt;
  if (!index || *index % 2 == 0 || *index / 2 >= calls_.size()) return;
  Call& call = calls_[*index / 2];
  const bool lasts = call.state == Call::State::inviting || call.state == Call::State::up;
  if (lasts && call.reached && ack.call_id() == call.callee_call_id) start_media(call.callee);
}

}  // namespace sallyport::sallyload
