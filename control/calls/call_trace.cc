// SPDX-License-Identifier: GPL-3.0-or-later
// A few octets of each message are kept; whole ones go to whoever follows, and nowhere else.
#include "control/calls/call_trace.h"

#include <algorithm>
#include <utility>

#include "sip/text.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxText = 160;

std::string_view first_line(std::string_view message) {
  return message.substr(0, message.find("\r\n"));
}

/// The value of a field in a message that we wrote, as we write it: `field` is `\r\nCall-ID: `.
std::string_view value_of(std::string_view message, std::string_view field) {
  const std::size_t at = message.find(field);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + field.size());
  return rest.substr(0, rest.find("\r\n"));
}

std::string summary(std::string_view message, std::string_view cseq) {
  std::string_view line = first_line(message);
  constexpr std::string_view kSipVersion = "SIP/2.0";
  if (line.starts_with(kSipVersion)) {
    std::string text(sip::text::trim(line.substr(kSipVersion.size())).substr(0, kMaxText));
    return text.append(" (").append(cseq.substr(cseq.find(' ') + 1)).append(")");
  }
  if (line.ends_with(kSipVersion)) line.remove_suffix(kSipVersion.size());
  return std::string(sip::text::trim(line).substr(0, kMaxText));
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool holds_secret(std::string_view line) {
  if (line.starts_with("a=crypto:") || line.starts_with("a=key-mgmt:") || line.starts_with("k=")) return true;
  constexpr std::string_view kFields[] = {"Authorization", "Proxy-Authorization", "WWW-Authenticate",
                                          "Proxy-Authenticate", "Authentication-Info"};
  const std::string_view name = sip::text::trim(line.substr(0, line.find(':')));
  return std::ranges::any_of(
      kFields, [name](std::string_view field) { return sip::text::equal_ignoring_case(name, field); });
}

/// The beginning of a line with a secret that may be read: tag and suite, or the scheme; only its name where
/// they are not as they ought to be.
std::string_view readable(std::string_view line) {
  const auto skip = [line](std::size_t at, auto belongs) {
    while (at < line.size() && belongs(line[at])) ++at;
    return at;
  };
  const auto in_word = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  constexpr std::string_view kCrypto = "a=crypto:";
  const bool is_crypto = line.starts_with(kCrypto);
  if (line.starts_with("k=")) return line.substr(0, 2);
  if (line.starts_with("a=key-mgmt:")) return line.substr(0, line.find(':') + 1);
  const std::size_t name = is_crypto ? kCrypto.size() : line.find(':') + 1;
  const std::size_t tag = is_crypto ? skip(name, is_digit) : name;
  const std::size_t word = skip(tag, is_blank), end = skip(word, in_word);
  const bool good = (word > tag || !is_crypto) && end > word && end < line.size() && is_blank(line[end]);
  return line.substr(0, good ? end : name);
}

}  // namespace

std::string mask_secrets(std::string_view message) {
  std::string text;
  text.reserve(message.size());
  bool secret = false;
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    const std::size_t size = end == std::string_view::npos ? message.size() : end + 1;
    const std::string_view line = message.substr(0, size);
    message.remove_prefix(size);
    if (secret && is_blank(line.front())) continue;  // a field that goes on
    secret = holds_secret(line);
    if (secret)
      text.append(readable(line)).append(" …\r\n");
    else
      text.append(line);
  }
  return text;
}

void CallTraces::begin(std::uint64_t call, const sip::Message& invite, const sip::Hop& from) {
  CallTrace& trace = traces_[call];
  trace.call = call;
  trace.began_ms = static_cast<std::int64_t>(steady_ms());
  by_call_id_[std::string(invite.call_id())] = {call, true};
  call_ids_[call].emplace_back(invite.call_id());
  on_received(invite, from);
}

void CallTraces::add(std::uint64_t call, std::string_view call_id) {
  by_call_id_[std::string(call_id)] = {call, false};
  call_ids_[call].emplace_back(call_id);
}

// Its last messages may still come: it is forgotten when others have ended after it.
void CallTraces::end(std::uint64_t call) {
  const auto found = traces_.find(call);
  if (found == traces_.end() || std::exchange(found->second.ended, true)) return;
  ended_.push_back(call);
  if (ended_.size() <= kEndedKept) return;
  forget(ended_.front());
  ended_.pop_front();
}

void CallTraces::forget(std::uint64_t call) {
  for (const std::string& call_id : call_ids_[call]) {
    const auto place = by_call_id_.find(call_id);
    if (place != by_call_id_.end() && place->second.call == call) by_call_id_.erase(place);
  }
  call_ids_.erase(call);
  traces_.erase(call);
}

const CallTrace* CallTraces::find(std::uint64_t call) const {
  const auto found = traces_.find(call);
  return found == traces_.end() ? nullptr : &found->second;
}

std::vector<const CallTrace*> CallTraces::list(std::uint64_t after, std::size_t count) const {
  std::vector<const CallTrace*> found;
  for (const auto& [call, trace] : traces_)
    if (call > after) found.push_back(&trace);
  const auto by_call = [](const CallTrace* a, const CallTrace* b) { return a->call < b->call; };
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size()));
  std::partial_sort(found.begin(), end, found.end(), by_call);
  found.erase(end, found.end());
  return found;
}

void CallTraces::on_received(const sip::Message& message, const sip::Hop& from) {
  if (by_call_id_.empty()) return;
  add_line({message.text(), message.call_id(), message.header(sip::HeaderId::cseq).value_or(""),
            message.header(sip::HeaderId::content_type).value_or("")},
           from, true);
}

void CallTraces::on_sent(std::string_view message, const sip::Hop& to) {
  if (by_call_id_.empty()) return;
  add_line({message, value_of(message, "\r\nCall-ID: "), value_of(message, "\r\nCSeq: "),
            value_of(message, "\r\nContent-Type: ")},
           to, false);
}

void CallTraces::add_line(const Described& message, const sip::Hop& hop, bool received) {
  const auto place = by_call_id_.find(message.call_id);
  if (place == by_call_id_.end()) return;
  CallTrace& trace = traces_[place->second.call];
  if (trace.lines.size() == kMaxLines && !follower_) {
    ++trace.left_out;
    return;
  }
  TraceLine line;
  line.at_ms = static_cast<std::int64_t>(steady_ms()) - trace.began_ms;
  line.received = received;
  line.caller_side = place->second.caller_side;
  line.transport = hop.transport;
  line.peer = hop.remote;
  line.text = summary(message.text, message.cseq);
  line.has_description = sip::text::starts_with_ignoring_case(message.content_type, "application/sdp");
  if (follower_) follower_(trace.call, line, mask_secrets(message.text));
  if (trace.lines.size() < kMaxLines)
    trace.lines.push_back(std::move(line));
  else
    ++trace.left_out;
}

}  // namespace sallyport::control
