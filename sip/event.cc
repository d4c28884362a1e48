// SPDX-License-Identifier: GPL-3.0-or-later
// Event and Subscription-State: a token with parameters.
#include "sip/event.h"

#include "sip/text.h"

namespace sallyport::sip {

Result<Event> parse_event(std::string_view text) {
  Event event;
  text = text::trim(text);
  const std::size_t size = text::span_of(text, 0, text::kToken);
  if (size == 0) return fail(ErrorClass::malformed, "a malformed Event");
  event.package = text.substr(0, size);
  const auto parameters = parse_parameters(text.substr(size));
  if (!parameters) return tl::unexpected(parameters.error());
  event.parameters = *parameters;
  event.id = event.parameters.value("id");
  return event;
}

bool same_event(const Event& a, const Event& b) {
  return a.package == b.package && a.id == b.id;
}

Result<SubscriptionState> parse_subscription_state(std::string_view text) {
  const auto event = parse_event(text);
  if (!event) return fail(ErrorClass::malformed, "a malformed Subscription-State");
  using State = SubscriptionState::State;
  SubscriptionState result;
  result.state_text = event->package;
  if (text::equal_ignoring_case(event->package, "active")) result.state = State::active;
  if (text::equal_ignoring_case(event->package, "pending")) result.state = State::pending;
  if (text::equal_ignoring_case(event->package, "terminated")) result.state = State::terminated;
  result.reason = event->parameters.value("reason");
  result.expires_s = text::delta_seconds(event->parameters.value("expires"));
  result.retry_after_s = text::delta_seconds(event->parameters.value("retry-after"));
  return result;
}

}  // namespace sallyport::sip
