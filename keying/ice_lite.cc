// SPDX-License-Identifier: GPL-3.0-or-later
// A lite agent's half of RFC 8445 §7.3: the Binding requests of a full agent.
#include "keying/ice_lite.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/random.h"

namespace sallyport::keying {

namespace {

struct ErrorAnswer {
  std::uint16_t code;
  std::string_view reason;
};

constexpr ErrorAnswer error_answer(IceOutcome outcome) {
  if (outcome == IceOutcome::role_conflict) return {487, "Role Conflict"};
  if (outcome == IceOutcome::unknown_attribute) return {420, "Unknown Attribute"};
  return {400, "Bad Request"};
}

std::span<const std::uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// `Octets` random octets as base64, which are characters that RFC 8839 allows.
template <std::size_t Octets>
void append_random_text(std::string& text) {
  auto octets = random_value<std::array<std::uint8_t, Octets>>();
  append_base64(text, octets, false);
  wipe(octets.data(), octets.size());
}

StunWriter write_answer(const StunMessage& check, const Endpoint& to, const StunKey& key,
                        IceOutcome outcome) {
  const bool success = outcome == IceOutcome::checked || outcome == IceOutcome::nominated;
  StunWriter writer(success ? StunClass::success : StunClass::error, kStunBinding, check.id);
  if (success) {
    writer.xor_mapped_address(to);
  } else {
    const auto [code, reason] = error_answer(outcome);
    writer.error_code(code, reason);
    if (outcome == IceOutcome::unknown_attribute)
      writer.unknown_attributes(std::span(check.unknown).first(check.unknown_count));
  }
  writer.message_integrity(key);
  writer.fingerprint();
  return writer;
}

}  // namespace

IceCredentials make_ice_credentials() {
  IceCredentials credentials;
  append_random_text<6>(credentials.fragment);
  std::string password;
  append_random_text<18>(password);
  credentials.password = Secret<IceCredentials::kMaxPassword>(octets_of(password));
  wipe(password.data(), password.size());
  return credentials;
}

IceLiteAgent::User IceLiteAgent::make_user(const IceCredentials& credentials) {
  return {credentials.fragment, StunKey(credentials.password.view())};
}

IceLiteAgent::IceLiteAgent(IceCredentials local) : current_(make_user(local)) {}

void IceLiteAgent::restart(IceCredentials local) {
  previous_ = std::exchange(current_, make_user(local));
}

// RFC 8445 §7.3: two values with a colon between, of which the first must be ours. The second is the peer's,
// who may ask before we have heard of it.
const IceLiteAgent::User* IceLiteAgent::find_user(std::string_view username) const {
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos) return nullptr;
  const std::string_view ours = username.substr(0, colon);
  if (ours == current_.fragment) return &current_;
  return previous_ && ours == previous_->fragment ? &*previous_ : nullptr;
}

IceLiteAgent::Reply IceLiteAgent::receive(std::span<const std::uint8_t> datagram, const Endpoint& from,
                                          InstantMs now) {
  const auto message = parse_stun(datagram);
  if (!message) return {IceOutcome::malformed, std::nullopt};
  if (!message->has_fingerprint) return {IceOutcome::no_fingerprint, std::nullopt};
  if (message->method != kStunBinding) return {IceOutcome::not_a_check, std::nullopt};
  if (message->message_class == StunClass::indication) return {IceOutcome::indication, std::nullopt};
  if (message->message_class != StunClass::request) return {IceOutcome::not_a_check, std::nullopt};
  // RFC 8489 §9.1.3 would answer 400 and 401 here, to whoever put whatever source address into the packet.
  if (!message->username || message->integrity_offset == 0) return {IceOutcome::no_integrity, std::nullopt};
  const User* user = find_user(*message->username);
  if (user == nullptr) return {IceOutcome::wrong_username, std::nullopt};
  if (!integrity_holds(*message, user->key)) return {IceOutcome::forged, std::nullopt};

  const IceOutcome outcome = judge(*message, from, *user, now);
  Reply reply{outcome, write_answer(*message, from, user->key, outcome)};
  // Only now: `user` is part of what is forgotten.
  if (outcome == IceOutcome::nominated && user == &current_) previous_.reset();
  return reply;
}

IceOutcome IceLiteAgent::judge(const StunMessage& check, const Endpoint& from, const User& user,
                               InstantMs now) {
  if (check.unknown_count > 0) return IceOutcome::unknown_attribute;
  if (!check.priority) return IceOutcome::bad_request;
  // A lite agent is never in control of a full one (RFC 8445 §6.1.1), so it has no tie-breaker to compare.
  if (check.ice_controlled) return IceOutcome::role_conflict;
  if (!check.ice_controlling) return IceOutcome::bad_request;
  last_check_ = now;
  validate(from);
  const bool changed = check.use_candidate && nominate(*check.priority, from, &user == &current_, now);
  return changed ? IceOutcome::nominated : IceOutcome::checked;
}

bool IceLiteAgent::nominate(std::uint32_t priority, const Endpoint& from, bool current, InstantMs now) {
  // What was nominated before a restart yields to the first nomination after it, and stays as it was until
  // then.
  const bool restarting = previous_.has_value();
  if (restarting && !current) return false;
  if (!restarting && nominated_ && *nominated_ != from && priority < nominated_priority_ &&
      now - nominated_at_ < kNominationHoldMs)
    return false;
  const bool changed = restarting || nominated_ != from;
  nominated_ = from;
  nominated_priority_ = priority;
  nominated_at_ = now;
  return changed;
}

void IceLiteAgent::validate(const Endpoint& from) {
  if (is_validated(from)) return;
  validated_[validated_count_++ % kMaxValidated] = from;
}

bool IceLiteAgent::is_validated(const Endpoint& remote) const {
  const auto known = std::span(validated_).first(std::min(validated_count_, kMaxValidated));
  return std::ranges::find(known, remote) != known.end();
}

}  // namespace sallyport::keying
