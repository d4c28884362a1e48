// SPDX-License-Identifier: GPL-3.0-or-later
// Keys by DTLS-SRTP for the ends of a MediaPlane: flights in, flights out, and media as soon as there are
// keys.
#include "sallyload/media_handshake.h"

#include <algorithm>
#include <string>

#include <sys/random.h>
#include <sys/socket.h>

#include "sallyload/client.h"
#include "sallyload/media.h"
#include "sip/sdp_ice.h"

namespace sallyport::sallyload {

namespace {

/// A flight that is late by this much is not late.
constexpr keying::InstantMs kFlightsMs = 5;
// RFC 8445 §14.3 would begin at 500 ms; callers wait for a voice.
constexpr keying::InstantMs kFirstCheckMs = 100;
constexpr keying::InstantMs kLongestCheckMs = 1600;
constexpr std::uint8_t kLastStunOctet = 3;  // RFC 7983 §7

keying::InstantMs keying_now() {
  return static_cast<keying::InstantMs>(now_us() / 1000);
}

}  // namespace

MediaHandshake::Ice::Ice(const IcePair& pair)
    : agent(pair.own.duplicate()),
      username(pair.peer.fragment + ":" + pair.own.fragment),
      peer(pair.peer.password.view()) {
  if (getrandom(check.data(), check.size(), 0) != static_cast<ssize_t>(check.size())) check.fill(1);
}

MediaHandshake::MediaHandshake(MediaEnd& end, keying::DtlsSettings settings, std::optional<IcePair> ice)
    : end_(end), association_(std::move(settings), *this) {
  if (ice) ice_.emplace(*ice);
}

void MediaHandshake::begin(keying::InstantMs now) {
  if (!ice_ || ice_->is_open)
    association_.start(now);
  else if (!ice_->next_check)
    send_check(now);
}

void MediaHandshake::send_check(keying::InstantMs now) {
  keying::StunWriter check(keying::StunClass::request, keying::kStunBinding, ice_->check);
  check.username(ice_->username);
  check.priority(sip::host_candidate_priority(1));
  check.use_candidate();
  check.ice_controlling(end_.id);
  check.message_integrity(ice_->peer);
  check.fingerprint();
  send(check.octets());
  ice_->interval = std::clamp(2 * ice_->interval, kFirstCheckMs, kLongestCheckMs);
  ice_->next_check = now + ice_->interval;
}

keying::DtlsOutcome MediaHandshake::receive(std::span<const std::uint8_t> datagram, keying::InstantMs now) {
  if (datagram[0] > kLastStunOctet) return association_.receive(datagram, now);
  if (ice_) receive_stun(datagram, now);
  return keying::DtlsOutcome::ignored;
}

void MediaHandshake::receive_stun(std::span<const std::uint8_t> datagram, keying::InstantMs now) {
  const auto message = keying::parse_stun(datagram);
  if (message && message->message_class == keying::StunClass::success) {
    if (ice_->is_open || message->id != ice_->check || !keying::integrity_holds(*message, ice_->peer)) return;
    ice_->is_open = true;
    ice_->next_check.reset();
    association_.start(now);
    return;
  }
  const auto reply = ice_->agent.receive(datagram, end_.local, now);
  if (reply.answer) send(reply.answer->octets());
}

keying::DtlsOutcome MediaHandshake::on_timer(keying::InstantMs now) {
  if (ice_ && ice_->next_check.value_or(now + 1) <= now) send_check(now);
  return association_.deadline().value_or(now + 1) <= now ? association_.on_timer(now)
                                                          : keying::DtlsOutcome::idle;
}

// What the network does not take is lost, and sent again in time.
void MediaHandshake::send(std::span<const std::uint8_t> payload) {
  static_cast<void>(::send(end_.socket.get(), payload.data(), payload.size(), MSG_DONTWAIT));
}

Result<void> MediaPlane::await_handshake(MediaEnd& end, const Endpoint& remote, DtlsPeer peer) {
  if (auto done = connect_to(end, remote); !done) return done;
  keying::DtlsSettings settings;
  settings.identity = identity_;
  settings.role = peer.role;
  settings.profiles = {*settings_.suite};
  settings.peer_fingerprints = std::move(peer.fingerprints);
  settings.budget.is_unlimited = true;
  settings.limits.handshake_ms = settings_.timeout_ms;
  end.handshake = std::make_unique<MediaHandshake>(end, std::move(settings), std::move(peer.ice));
  handshakes_.push_back(*end.handshake);
  return watch(end);
}

void MediaPlane::begin_handshake(MediaEnd& end) {
  if (end.handshake) end.handshake->begin(keying_now());
}

void MediaPlane::shake(MediaEnd& end, std::span<const std::uint8_t> datagram) {
  if (!end.handshake) return;
  const keying::DtlsOutcome outcome = end.handshake->receive(datagram, keying_now());
  if (const auto keys = end.handshake->take_keys()) {
    if (const auto taken = take_keys(end, *keys); !taken) report_.trouble(taken.error().text);
  } else if (end.keyed_us == 0 && keying::info(outcome).is_failure) {
    report_.trouble("a handshake ended: " + std::string(keying::info(outcome).name));
  }
}

Result<void> MediaPlane::take_keys(MediaEnd& end, const crypto::Keying& keys) {
  auto inbound = engine_->make_inbound(config(keys.receive));
  if (!inbound) return tl::unexpected(inbound.error());
  auto outbound = engine_->make_outbound(config(keys.send));
  if (!outbound) return tl::unexpected(outbound.error());
  end.inbound = std::move(*inbound);
  end.outbound = std::move(*outbound);
  end.keyed_us = now_us();
  if (!end.sending) start_sending(end);
  return {};
}

void MediaPlane::serve_handshakes() {
  const keying::InstantMs now = keying_now();
  if (now - last_flights_ms_ < kFlightsMs) return;
  last_flights_ms_ = now;
  for (MediaHandshake& handshake : handshakes_) {
    const keying::DtlsOutcome outcome = handshake.on_timer(now);
    if (keying::info(outcome).is_failure)
      report_.trouble("a handshake ended: " + std::string(keying::info(outcome).name));
  }
}

}  // namespace sallyport::sallyload
