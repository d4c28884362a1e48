// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of RFC 3261 §8.2 in their order, then one door for each method.
#include "control/signalling/reception.h"

#include <algorithm>
#include <chrono>

#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

namespace {

std::string unsupported_extensions(const sip::Message& request) {
  std::string text;
  for (const HeaderId id : {HeaderId::require, HeaderId::proxy_require})
    for (const std::string_view tag : request.values(id)) {
      const bool known =
          id == HeaderId::require && std::ranges::any_of(kExtensions, [&](std::string_view known_tag) {
            return sip::text::equal_ignoring_case(tag, known_tag);
          });
      if (!known) text.append(text.empty() ? "" : ", ").append(tag);
    }
  return text;
}

}  // namespace

Reception::Reception(Signalling& signalling, Gatekeeper& gatekeeper, Subscribers& subscribers,
                     CallService& calls, MessageService& messages, SubscriptionService& subscriptions)
    : signalling_(signalling),
      gatekeeper_(gatekeeper),
      subscribers_(subscribers),
      calls_(calls),
      messages_(messages),
      subscriptions_(subscriptions) {
  subscribers_.registrar().set_connection_check(
      [this](std::uint64_t connection) { return signalling_.transport().is_open(connection); });
}

void Reception::on_request(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  const auto to = request.to();
  const bool in_dialog = to && !to->tag().empty();
  if (!passes_checks(id, request)) return;
  if (in_dialog) {
    if (!calls_.on_dialog_request(id, request, hop) && !subscriptions_.on_dialog_request(id, request, hop))
      refuse(id, 481);
    return;
  }
  switch (request.method()) {
    case Method::register_:
      return register_user(id, request, hop);
    case Method::invite:
      return calls_.on_invite(id, request, hop);
    case Method::message:
    case Method::publish:
    case Method::notify:
      return messages_.on_message(id, request, hop);
    case Method::subscribe:
      return subscriptions_.on_subscribe(id, request, hop);
    case Method::options:
      return answer_options(id);
    case Method::bye:
    case Method::prack:
    case Method::update:
    case Method::info:
      return refuse(id, 481);
    case Method::other:
      return refuse(id, 501);
    case Method::refer:
    case Method::ack:
    case Method::cancel:
      return refuse(id, 405);
  }
}

bool Reception::passes_checks(sip::ServerTransactionId id, const sip::Message& request) {
  const auto uri = sip::parse_uri(request.request_uri());
  if (!uri || uri->scheme == sip::UriScheme::other) {
    refuse(id, uri ? 416 : 400, uri ? std::string_view() : "Malformed Request-URI");
    return false;
  }
  const auto forwards = request.number(HeaderId::max_forwards);
  if (!forwards) {
    refuse(id, 400, "Malformed Max-Forwards");
    return false;
  }
  // Who is asked itself may answer with none left (RFC 3261 §16.3 step 3).
  if (*forwards == 0U && request.method() != Method::options && request.method() != Method::register_) {
    refuse(id, 483);
    return false;
  }
  const auto breadth = request.number(HeaderId::max_breadth);
  if (!breadth || *breadth == 0U) {
    refuse(id, breadth ? 440 : 400, breadth ? std::string_view() : "Malformed Max-Breadth");
    return false;
  }
  if (const std::string unsupported = unsupported_extensions(request); !unsupported.empty()) {
    sip::MessageWriter writer = signalling_.response(id, 420);
    writer.header(HeaderId::unsupported, unsupported);
    signalling_.respond_and_forget(id, std::move(writer));
    return false;
  }
  return true;
}

void Reception::register_user(sip::ServerTransactionId id, const sip::Message& request, const sip::Hop& hop) {
  const std::optional<Caller> caller = gatekeeper_.prove(id, request, hop, AuthRole::server);
  if (!caller) return;
  const std::string tag = signalling_.to_tag(id);
  // A connection that has ended by the time the store answers gets no answer: the transaction knows.
  subscribers_.registrar().handle({request, *caller->user, hop, wall_time(), tag, {}, caller->algorithm},
                                  [this, id](std::uint16_t status, std::string response) {
                                    static_cast<void>(signalling_.respond(id, status, std::move(response)));
                                  });
}

void Reception::answer_options(sip::ServerTransactionId id) {
  sip::MessageWriter writer = signalling_.response(id, 200);
  writer.header(HeaderId::allow, kAllow)
      .header(HeaderId::accept, "application/sdp")
      .header(HeaderId::supported, "100rel, timer, replaces, path, outbound");
  signalling_.respond_and_forget(id, std::move(writer));
}

// Nobody is known yet who could repeat the request: what is refused here is refused without a trace.
void Reception::refuse(sip::ServerTransactionId id, unsigned status, std::string_view reason) {
  sip::MessageWriter writer = signalling_.response(id, status, reason);
  if (status == 405) writer.header(HeaderId::allow, kAllow);
  signalling_.respond_and_forget(id, std::move(writer));
}

}  // namespace sallyport::control
