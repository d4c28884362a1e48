// SPDX-License-Identifier: GPL-3.0-or-later
// Session timers: the rules of RFC 4028 §7, §9 and §10.
#include "sip/session_timer.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "sip/option_tags.h"
#include "sip/parameters.h"

namespace sallyport::sip {

namespace {

constexpr std::uint8_t kMostRetries = 4;  // each proxy on the way may have a minimum of its own

struct SecondsAndParameters {
  std::uint32_t seconds;
  Parameters parameters;
};

Result<SecondsAndParameters> parse_seconds(std::string_view text) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{}) return fail(ErrorClass::malformed, "not a number of seconds");
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (!rest.empty() && rest.front() != ';' && rest.front() != ' ' && rest.front() != '\t')
    return fail(ErrorClass::malformed, "octets after the number of seconds");
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const auto parameters = parse_parameters(rest);
  if (!parameters) return tl::unexpected(parameters.error());
  return SecondsAndParameters{seconds, *parameters};
}

bool supports_timer(const Message& message) {
  return has_option(message, HeaderId::supported, "timer");
}

/// Nothing if absent or unreadable.
std::optional<std::uint32_t> min_se_of(const Message& message) {
  const auto text = message.header(HeaderId::min_se);
  if (!text) return std::nullopt;
  const auto value = parse_min_se(*text);
  return value ? std::optional(*value) : std::nullopt;
}

}  // namespace

Result<SessionExpires> parse_session_expires(std::string_view text) {
  const auto parsed = parse_seconds(text);
  if (!parsed) return tl::unexpected(parsed.error());
  SessionExpires value{parsed->seconds, Refresher::unsaid};
  const std::string_view refresher = parsed->parameters.value("refresher");
  if (refresher == "uac") value.refresher = Refresher::uac;
  if (refresher == "uas") value.refresher = Refresher::uas;
  return value;
}

std::string write_session_expires(const SessionExpires& value) {
  std::string text = std::to_string(value.interval_s);
  if (value.refresher == Refresher::uac) text += ";refresher=uac";
  if (value.refresher == Refresher::uas) text += ";refresher=uas";
  return text;
}

Result<std::uint32_t> parse_min_se(std::string_view text) {
  const auto parsed = parse_seconds(text);
  if (!parsed) return tl::unexpected(parsed.error());
  return parsed->seconds;
}

SessionTimer::SessionTimer(const SessionTimerPolicy& policy) : policy_(policy) {
  policy_.min_se_s = std::max(policy_.min_se_s, kShortestSessionS);
  if (policy_.interval_s != 0) policy_.interval_s = std::max(policy_.interval_s, policy_.min_se_s);
}

void SessionTimer::write_request(MessageWriter& writer) {
  writer.header(HeaderId::supported, "timer");
  //= https://www.rfc-editor.org/rfc/rfc4028#section-7.4
  //# When present, it SHOULD be equal to the maximum of the Min-SE header
  //# field (recall that its default value when not present is 90 seconds)
  //# and the current session interval.
  const std::uint32_t wanted_s = is_running() ? interval_s_ : policy_.interval_s;
  asked_s_ = wanted_s == 0 ? 0 : std::max({wanted_s, min_se_s_, kShortestSessionS});
  if (asked_s_ != 0) {
    SessionExpires value{asked_s_, Refresher::unsaid};
    if (is_running()) value.refresher = we_refresh_ ? Refresher::uac : Refresher::uas;
    writer.header(HeaderId::session_expires, write_session_expires(value));
  }
  if (min_se_s_ != 0) writer.header(HeaderId::min_se, std::uint64_t{min_se_s_});
}

bool SessionTimer::received_422(const Message& response) {
  const auto min_se = min_se_of(response);
  if (!min_se || *min_se <= asked_s_ || retries_ >= kMostRetries) return false;
  ++retries_;
  min_se_s_ = std::max(min_se_s_, *min_se);
  return true;
}

void SessionTimer::received_success(const Message& response, InstantMs now) {
  retries_ = 0;
  // What proxies of other branches demanded before the dialog stood does not bind it (RFC 4028 §7.4).
  if (!is_established_) min_se_s_ = 0;
  is_established_ = true;
  const auto text = response.header(HeaderId::session_expires);
  const auto value = text ? parse_session_expires(*text) : fail(ErrorClass::not_found, "");
  if (value)
    agree(value->interval_s, value->refresher != Refresher::uas, now);
  else
    agree(asked_s_, true,
          now);  // the other side knows no timers; ours runs all the same, if we asked for one
}

SessionTimer::Answer SessionTimer::received_request(const Message& request) {
  Answer answer;
  const bool supports = supports_timer(request);
  const std::uint32_t shortest_s = std::max(min_se_of(request).value_or(0), kShortestSessionS);
  const auto text = request.header(HeaderId::session_expires);
  const auto parsed = parse_session_expires(text.value_or("0"));
  if (!parsed) return {.status = 400};
  const SessionExpires asked = *parsed;
  if (text && supports && asked.interval_s < policy_.min_se_s)
    return {.status = 422, .min_se_s = policy_.min_se_s};
  if (request.has(HeaderId::min_se)) min_se_s_ = std::max(min_se_s_, shortest_s);
  // Below the absolute minimum, from someone a 422 would not reach: an amplifier, RFC 4028 §11.1. Ours counts
  // then.
  const bool is_asked = asked.interval_s >= kShortestSessionS;
  if (!is_asked && policy_.interval_s == 0) return answer;

  SessionExpires value{std::max(policy_.interval_s, shortest_s), Refresher::uas};
  if (is_asked && (policy_.interval_s == 0 || asked.interval_s <= value.interval_s))
    value.interval_s = asked.interval_s;
  if (supports && asked.refresher != Refresher::unsaid)
    value.refresher = asked.refresher;
  else if (supports && !policy_.prefers_to_refresh)
    value.refresher = Refresher::uac;
  answer.session_expires = value;
  answer.require_timer = supports;
  return answer;
}

void SessionTimer::write_success(MessageWriter& writer, const Answer& answer) {
  writer.header(HeaderId::supported, "timer");
  if (!answer.session_expires) return;
  writer.header(HeaderId::session_expires, write_session_expires(*answer.session_expires));
  if (answer.require_timer) writer.header(HeaderId::require, "timer");
}

void SessionTimer::sent_success(const Answer& answer, InstantMs now) {
  is_established_ = true;
  const SessionExpires value = answer.session_expires.value_or(SessionExpires{});
  agree(value.interval_s, value.refresher == Refresher::uas, now);
}

void SessionTimer::agree(std::uint32_t interval_s, bool we_refresh, InstantMs now) {
  refresh_ms_.reset();
  interval_s_ = interval_s == 0 ? 0 : std::max(interval_s, kShortestSessionS);
  we_refresh_ = we_refresh && is_running();
  const InstantMs interval_ms = InstantMs{interval_s_} * 1000;
  //= https://www.rfc-editor.org/rfc/rfc4028#section-10
  //# The minimum of 32 seconds and one third of the session
  //# interval is RECOMMENDED.
  const InstantMs margin_ms = std::min<InstantMs>(32000, interval_ms / 3);
  expires_ms_ = now + interval_ms - margin_ms;
  if (we_refresh_) refresh_ms_ = now + interval_ms / 2;
}

std::optional<InstantMs> SessionTimer::next_deadline() const {
  if (!is_running()) return std::nullopt;
  return refresh_ms_ ? std::min(*refresh_ms_, expires_ms_) : expires_ms_;
}

SessionTimer::Step SessionTimer::advance(InstantMs now) {
  if (!is_running()) return Step::nothing;
  if (now >= expires_ms_) {
    interval_s_ = 0;
    return Step::expired;
  }
  if (!refresh_ms_ || now < *refresh_ms_) return Step::nothing;
  refresh_ms_.reset();
  return Step::refresh;
}

std::string SessionTimer::dump() const {
  if (!is_running()) return "off";
  return std::to_string(interval_s_) + (we_refresh_ ? " s, we refresh" : " s, they refresh");
}

}  // namespace sallyport::sip
