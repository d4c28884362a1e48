// SPDX-License-Identifier: GPL-3.0-or-later
// What is said in a call: the caller's INVITE, ACK and BYE, the callee's answers.
#include <algorithm>

#include <fmt/format.h>

#include "sallyload/call_load.h"
#include "sallyload/call_text.h"
#include "sallyload/request_text.h"

namespace sallyport::sallyload {

namespace {

constexpr std::string_view kSdp = "application/sdp";
constexpr std::uint16_t kNoMediaPort = 9;  ///< where nothing will be sent
/// Between the last packet and the BYE, for what is under way.
constexpr std::uint64_t kDrainUs = 100'000;
constexpr std::uint64_t kMicroseconds = 1'000'000;

/// The Route of requests within the dialog that this response opens (RFC 3261 §12.1.2): the reverse of its
/// Record-Route.
std::string routes(const sip::Message& response) {
  std::vector<std::string_view> values;
  for (const std::string_view value : response.values(sip::HeaderId::record_route)) values.push_back(value);
  std::string lines;
  for (auto value = values.rbegin(); value != values.rend(); ++value)
    lines.append("Route: ").append(*value).append("\r\n");
  return lines;
}

keying::IceCredentials ice_of(const IceWords& words) {
  const auto* const octets = reinterpret_cast<const std::uint8_t*>(words.password.data());
  return {words.fragment, Secret<keying::IceCredentials::kMaxPassword>({octets, words.password.size()})};
}

}  // namespace

Result<void> CallLoad::open_side(std::uint64_t pair, bool is_callee) {
  Call& call = calls_[pair];
  CallSide& side = is_callee ? call.callee : call.caller;
  const std::uint64_t serial = media_serial(pair);
  if (media_) {
    auto end = media_->open(serial + (is_callee ? 1 : 0), serial + (is_callee ? 0 : 1));
    if (!end) return tl::unexpected(end.error());
    side.media = std::move(*end);
  }
  if (settings_.suite && settings_.media != MediaMode::dtls) {
    // Always a new one: who relays refuses a key that serves twice.
    side.key.emplace();
    side.key->suite = *settings_.suite;
    side.key->key = draw_key(*settings_.suite);
  }
  if (settings_.ice) {
    const auto drawn = keying::make_ice_credentials();
    const auto password = drawn.password.view();
    side.ice = IceWords{drawn.fragment, std::string(password.begin(), password.end())};
  }
  // The answer to an offer with keys carries the tag of the one that is taken.
  if (!is_callee) side.description = describe(side, serial);
  return {};
}

std::string CallLoad::describe(const CallSide& side, std::uint64_t id) const {
  const Endpoint local = side.media ? side.media->local : Endpoint{client_.address(), kNoMediaPort};
  if (settings_.media == MediaMode::dtls)
    return write_description(id, local,
                             DtlsWords{side.setup, {media_->fingerprint()}, side.rtcp_mux, side.ice},
                             settings_.packets_per_second);
  return write_description(id, local, side.key ? &*side.key : nullptr, settings_.packets_per_second);
}

/// Takes where media goes, the keys, and our part in DTLS from an offer or an answer.
Result<void> CallLoad::listen(CallSide& side, Description theirs) {
  side.remote = theirs.remote;
  if (!media_) return {};
  if (!theirs.dtls) return media_->listen(*side.media, theirs.key ? &theirs.key->key : nullptr);
  side.setup = sip::answer_to(theirs.dtls->setup, sip::DtlsSetup::active);
  side.rtcp_mux = theirs.dtls->rtcp_mux;
  const auto role =
      side.setup == sip::DtlsSetup::active ? keying::DtlsRole::active : keying::DtlsRole::passive;
  DtlsPeer peer{role, std::move(theirs.dtls->fingerprints), std::nullopt};
  if (side.ice && theirs.dtls->ice) peer.ice.emplace(ice_of(*side.ice), ice_of(*theirs.dtls->ice));
  return media_->await_handshake(*side.media, side.remote, std::move(peer));
}

void CallLoad::send_invite(std::uint64_t pair) {
  Call& call = calls_[pair];
  const std::uint64_t index = caller(pair);
  Subscriber& subscriber = subscribers_[index];
  const std::string branch = client_.new_branch();
  const std::string uri = subscribers_.uri(callee(pair));
  const std::string from = subscribers_.from(index, subscribers_.run());
  const std::string lines = "Contact: <" + subscribers_.contact(index) + ">\r\n";
  std::string credentials;
  subscriber.credentials.append(credentials, subscribers_.name(index), "INVITE", uri);
  std::string text = write_request({.method = "INVITE",
                                    .uri = uri,
                                    .transport = sip::name(settings_.transport),
                                    .host_port = client_.host_port(),
                                    .branch = branch,
                                    .from = from,
                                    .to = call.to,
                                    .call_id = call.call_id,
                                    .cseq = ++call.cseq,
                                    .lines = lines,
                                    .credentials = credentials,
                                    .content_type = kSdp,
                                    .body = call.caller.description});
  ++call.attempt;
  const auto hop = subscribers_.hop(index);
  if (hop && client_.request(std::move(text), branch, *hop, make_context(ContextKind::invite, pair))) return;
  spoil(pair, Failure::connection, "INVITE could not be sent");
  finish(pair);
}

void CallLoad::on_invite_response(std::uint64_t pair, sip::Message& response) {
  Call& call = calls_[pair];
  if (response.call_id() != call.call_id) return;  // an earlier call's
  const unsigned status = response.status();
  if (call.state != Call::State::inviting) {
    if (status >= 200 && status < 300 && !call.ack.empty())
      if (const auto hop = subscribers_.hop(caller(pair))) client_.send_ack(*hop, call.ack);
    return;
  }
  if (status < 200) {
    if (status == 180) report_.record(Exchange::ringing, now_us() - call.begun_us);
    return;
  }
  if (status < 300) return on_answer(pair, response);
  Credentials& credentials = subscribers_[caller(pair)].credentials;
  if (status != 401 && status != 407) {
    spoil(pair, Failure::status, fmt::format("INVITE: {} {}", status, response.reason()));
  } else if (!credentials.learn(response, subscribers_.name(caller(pair)), subscribers_.rules())) {
    spoil(pair, Failure::challenge, "INVITE: no challenge that we can answer");
  } else if (call.attempt == 1 || (call.attempt == 2 && credentials.is_stale())) {
    return send_invite(pair);
  } else {
    spoil(pair, Failure::credentials, "INVITE: credentials are refused");
  }
  finish(pair);
}

std::string CallLoad::write_within_dialog(std::uint64_t pair, sip::Method method, std::uint32_t cseq,
                                          std::string_view branch) {
  const Call& call = calls_[pair];
  const std::string from = subscribers_.from(caller(pair), subscribers_.run());
  std::string credentials;
  if (method == sip::Method::bye)
    subscribers_[caller(pair)].credentials.append(credentials, subscribers_.name(caller(pair)), "BYE",
                                                  call.target);
  return write_request({.method = name_of(method),
                        .uri = call.target,
                        .transport = sip::name(settings_.transport),
                        .host_port = client_.host_port(),
                        .branch = branch,
                        .from = from,
                        .to = call.to,
                        .call_id = call.call_id,
                        .cseq = cseq,
                        .lines = call.route,
                        .credentials = credentials});
}

void CallLoad::on_answer(std::uint64_t pair, const sip::Message& response) {
  Call& call = calls_[pair];
  call.to = response.header(sip::HeaderId::to).value_or("");
  const auto contact = sip::parse_name_addr(response.header(sip::HeaderId::contact).value_or(""));
  call.target = contact ? std::string(contact->uri) : subscribers_.uri(callee(pair));
  call.route = routes(response);
  call.ack = write_within_dialog(pair, sip::Method::ack, call.cseq, client_.new_branch());
  report_.record(Exchange::call_setup, now_us() - call.begun_us);
  call.state = Call::State::up;
  if (const auto hop = subscribers_.hop(caller(pair))) client_.send_ack(*hop, call.ack);
  if (!contact) spoil(pair, Failure::status, "the answer has no Contact");
  if (!call.reached) spoil(pair, Failure::callee_not_reached, "somebody else answered");
  auto description = read_description(response.body(), settings_);
  if (!description) {
    spoil(pair, Failure::description, "answer: " + description.error().text);
  } else if (media_) {
    if (const auto done = listen(call.caller, std::move(*description)); !done)
      spoil(pair, Failure::media, done.error().text);
    // For refreshes: who has a part in DTLS keeps it.
    call.caller.description = describe(call.caller, media_serial(pair));
    start_media(call.caller);
  }
  if (call.failure || (settings_.hold_s == 0 && !media_) || is_stopping()) return drain(pair);
  at(now_us() + static_cast<std::uint64_t>(settings_.hold_s * static_cast<double>(kMicroseconds)), pair);
}

void CallLoad::start_media(CallSide& side) {
  if (!side.media || side.media->sending || side.remote.port == 0) return;
  if (settings_.media == MediaMode::dtls) return media_->begin_handshake(*side.media);
  const auto started = media_->send(*side.media, side.remote, side.key ? &side.key->key : nullptr);
  if (!started) report_.trouble(started.error().text);
}

void CallLoad::drain(std::uint64_t pair) {
  Call& call = calls_[pair];
  if (!media_) return send_bye(pair);
  for (const CallSide* side : {&call.caller, &call.callee})
    if (side->media) media_->stop(*side->media);
  call.state = Call::State::draining;
  at(now_us() + kDrainUs, pair);
}

void CallLoad::send_bye(std::uint64_t pair) {
  Call& call = calls_[pair];
  if (call.state != Call::State::ending) {
    call.state = Call::State::ending;
    call.bye_us = now_us();
    call.attempt = 0;
    at(now_us() + std::uint64_t{settings_.timeout_ms} * 1000, pair);
  }
  if (!settings_.reuse_nonce && call.attempt == 0) subscribers_[caller(pair)].credentials.forget();
  ++call.attempt;
  const std::string branch = client_.new_branch();
  std::string text = write_within_dialog(pair, sip::Method::bye, ++call.cseq, branch);
  const auto hop = subscribers_.hop(caller(pair));
  if (hop && client_.request(std::move(text), branch, *hop, make_context(ContextKind::bye, pair))) return;
  spoil(pair, Failure::connection, "BYE could not be sent");
  finish(pair);
}

void CallLoad::on_bye_response(std::uint64_t pair, sip::Message& response) {
  Call& call = calls_[pair];
  if (call.state != Call::State::ending || response.call_id() != call.call_id || response.status() < 200)
    return;
  const unsigned status = response.status();
  Credentials& credentials = subscribers_[caller(pair)].credentials;
  if ((status == 401 || status == 407) && call.attempt == 1 &&
      credentials.learn(response, subscribers_.name(caller(pair)), subscribers_.rules()))
    return send_bye(pair);
  report_.record(Exchange::bye, now_us() - call.bye_us);
  if (status >= 300) spoil(pair, Failure::status, fmt::format("BYE: {} {}", status, response.reason()));
  call.bye_answered = true;
  if (call.callee_ended || call.failure) finish(pair);
}

void CallLoad::on_invite(std::uint64_t index, sip::ServerTransactionId id, const sip::Message& request,
                         const sip::Hop& hop) {
  const std::uint64_t pair = index / 2;
  Call& call = calls_[pair];
  const bool ours =
      index % 2 == 0 ? request.call_id() == call.call_id : request.call_id() == call.callee_call_id;
  const bool is_callee = index % 2 == 1;
  if (call.state == Call::State::up && ours) {
    // Who stands between us refreshes the session: all stays as it is.
    sip::MessageWriter again = client_.response(id, 200);
    again.header(sip::HeaderId::contact, {"<", subscribers_.contact(index), ">"});
    again.copy(request, sip::HeaderId::record_route);
    again.body(kSdp, is_callee ? call.callee.description : call.caller.description);
    return client_.respond(id, std::move(again));
  }
  if (!is_callee || call.state != Call::State::inviting || call.reached) {
    ++report_.unexpected;
    return client_.respond(id, client_.response(id, 486));
  }
  call.reached = true;
  call.callee_call_id = request.call_id();
  report_.record(Exchange::reached, now_us() - call.begun_us);
  const sip::Hop& home = subscribers_[index].hop;
  if (hop.connection != home.connection)
    spoil(pair, Failure::wrong_connection, "INVITE came over another connection than the registration");
  answer_invite(pair, id, request);
}

void CallLoad::answer_invite(std::uint64_t pair, sip::ServerTransactionId id, const sip::Message& request) {
  Call& call = calls_[pair];
  CallSide& side = call.callee;
  auto offer = read_description(request.body(), settings_);
  const auto opened = open_side(pair, true);
  if (!offer || !opened) {
    spoil(pair, Failure::description, "offer: " + (offer ? opened.error().text : offer.error().text));
    return client_.respond(id, client_.response(id, 488));
  }
  if (side.key) side.key->tag = offer->key->tag;
  if (const auto done = listen(side, std::move(*offer)); !done)
    spoil(pair, Failure::media, done.error().text);
  side.description = describe(side, pair);
  const std::string contact = subscribers_.contact(callee(pair));
  sip::MessageWriter ringing = client_.response(id, 180);
  ringing.header(sip::HeaderId::contact, {"<", contact, ">"}).copy(request, sip::HeaderId::record_route);
  client_.respond(id, std::move(ringing));
  sip::MessageWriter answer = client_.response(id, 200);
  answer.header(sip::HeaderId::contact, {"<", contact, ">"}).copy(request, sip::HeaderId::record_route);
  answer.body(kSdp, side.description);
  client_.respond(id, std::move(answer));
}

void CallLoad::on_bye(std::uint64_t index, sip::ServerTransactionId id) {
  const std::uint64_t pair = index / 2;
  Call& call = calls_[pair];
  client_.respond(id, client_.response(id, 200));
  if (call.state == Call::State::idle || call.state == Call::State::inviting) {
    ++report_.unexpected;
    return;
  }
  if (call.state != Call::State::ending) {
    spoil(pair, Failure::ended_by_peer, "BYE came from the other side");
    call.callee_ended = true;
    return index % 2 == 0 ? finish(pair) : drain(pair);
  }
  call.callee_ended = true;
  if (call.bye_answered) finish(pair);
}

}  // namespace sallyport::sallyload
