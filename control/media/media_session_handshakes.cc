// SPDX-License-Identifier: GPL-3.0-or-later
// Legs of a media session whose keys or addresses come of handshakes on the media path (DTLS-SRTP, ZRTP,
// ICE):
//
//     offer or answer ─▶ plan: our ends ─▶ announce ─▶ adopt: what was agreed ─▶ orders to the thread
//     the thread's events ─▶ keys, nominated addresses ─▶ refresh: the relay gets them
#include <algorithm>

#include "base/log.h"
#include "control/media/media_session_state.h"

namespace sallyport::control {

namespace {

using sip::DtlsSetup;
using sip::KeyAgreement;

MediaFault our_fault(const Error& error) {
  return {500, error.text};
}

/// Whether an offer to this leg will name our end of a handshake of this kind. What the medium has goes on.
bool offers(KeyAgreement agreement, const sip::MediaPolicy& policy, const MediaLine& line, Leg to) {
  if (policy.security == sip::MediaSecurity::none) return false;
  if (agreement == KeyAgreement::dtls && !policy.transport_secure) return false;
  if (line.relay != 0 && line.agreements[index(to)]) return line.agreements[index(to)] == agreement;
  if (policy.security == sip::MediaSecurity::required)
    return !policy.agreements.empty() && policy.agreements.front() == agreement;
  return std::ranges::find(policy.agreements, agreement) != policy.agreements.end();
}

/// Where the peer's handshakes may come from and go to, where ICE does not find out.
void name_remotes(const sip::AgreedMedia& agreed, const IpAddress& signalling_peer,
                  std::array<Endpoint, keying::kLegComponents>& remote, std::vector<IpAddress>& named_hosts) {
  if (!signalling_peer.is_unspecified()) named_hosts.push_back(signalling_peer);
  if (!agreed.rtp) return;
  remote[0] = *agreed.rtp;
  const Endpoint above{agreed.rtp->address, static_cast<std::uint16_t>(agreed.rtp->port + 1)};
  if (!agreed.mux) remote[1] = agreed.rtcp.value_or(above);
  named_hosts.push_back(agreed.rtp->address);
}

}  // namespace

MediaSession::State::Fault MediaSession::State::plan(MediaLine& line, Leg leg, const TermsWanted& wanted) {
  auto& handshake = line.handshakes[index(leg)];
  if (!wanted.dtls && !wanted.zrtp && !wanted.ice) {
    if (handshake) handshake->planned.reset();
    return std::nullopt;
  }
  if (!handshake) handshake = std::make_unique<LegHandshake>();
  const auto planned = plan_terms(*handshake, wanted, services_.handshakes, services_.draw);
  return planned ? std::nullopt : std::optional(our_fault(planned.error()));
}

/// Our ends for the answer to what a leg offers.
MediaSession::State::Fault MediaSession::State::plan_answer(MediaLine& line, Leg offerer,
                                                            const sip::RemoteMedia& offered) {
  const LegHandshake* const before = line.handshakes[index(offerer)].get();
  TermsWanted wanted;
  wanted.dtls = offered.dtls.has_value();
  wanted.zrtp = offered.zrtp.has_value();
  wanted.ice = !offered.ice_fragment.empty();
  wanted.peer_hello = offered.zrtp;
  wanted.peer_uri = legs_[index(offerer)].peer_uri;
  wanted.far_uri = legs_[index(other(offerer))].peer_uri;
  if (before != nullptr) {
    wanted.new_association = wanted.dtls && before->has_dtls() && is_new_association(*before, *offered.dtls);
    wanted.new_exchange = wanted.zrtp && before->has_zrtp() && before->peer_hello != offered.zrtp;
    wanted.ice_restart = wanted.ice && before->peer_fragment != offered.ice_fragment;
  }
  return plan(line, offerer, wanted);
}

/// Our ends for the offer to a leg: never a new association or a restart, for which only the peer has
/// reasons.
MediaSession::State::Fault MediaSession::State::plan_offer(MediaLine& line, Leg to) {
  const sip::MediaPolicy& policy = legs_[index(to)].policy;
  const LegHandshake* const before = line.handshakes[index(to)].get();
  TermsWanted wanted;
  wanted.dtls = offers(KeyAgreement::dtls, policy, line, to);
  wanted.zrtp = offers(KeyAgreement::zrtp, policy, line, to);
  wanted.ice = policy.ice == sip::IceUse::offer || (before != nullptr && before->has_ice());
  wanted.ice_like = common_ice(to);
  wanted.peer_uri = legs_[index(to)].peer_uri;
  wanted.far_uri = legs_[index(other(to))].peer_uri;
  return plan(line, to, wanted);
}

void MediaSession::State::announce(const MediaLine& line, Leg leg, sip::LocalMedia& local) const {
  const LegHandshake* const handshake = line.handshakes[index(leg)].get();
  if (handshake == nullptr) return;
  const LegTerms* const terms = handshake->planned ? handshake->planned.get() : handshake->terms.get();
  if (terms == nullptr) return;
  if (terms->identity) {
    constexpr auto kAnnounced = static_cast<std::size_t>(crypto::HashFunction::sha_256);
    local.dtls = sip::LocalDtls{terms->identity->fingerprints()[kAnnounced], terms->tls_id};
  }
  local.zrtp = terms->hello_hash;
  if (handshake->peer)
    local.dtls_role = handshake->peer->setup == DtlsSetup::active ? DtlsSetup::passive : DtlsSetup::active;
  if (terms->has_ice()) {
    const auto password = terms->ice.password.view();
    local.ice =
        sip::LocalIce{terms->ice.fragment, {reinterpret_cast<const char*>(password.data()), password.size()}};
  }
}

LegHandshake& MediaSession::State::open(std::size_t number, Leg leg) {
  LegHandshake& handshake = *lines_[number].handshakes[index(leg)];
  if (handshake.id != 0) return handshake;
  handshake.id = services_.handshakes.open([self = weak_from_this(), number, leg](auto& event) {
    if (const auto state = self.lock()) state->on_handshake(number, leg, event);
  });
  return handshake;
}

/// What does not depend on the peer.
keying::LegKeying MediaSession::State::keying_order(const LegHandshake& handshake, Leg leg) const {
  keying::LegKeying order;
  order.leg = handshake.id;
  order.identity = handshake.terms->identity;
  order.profiles = legs_[index(leg)].policy.crypto.suites;
  return order;
}

/// A peer may begin its checks and its handshake before we have read its answer: the ports of such offers
/// listen at once, and take no media.
void MediaSession::State::link_early() {
  for (const bool joining : {false, true})
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (joins(i) == joining) link_early(i);
}

void MediaSession::State::link_early(std::size_t i) {
  const Leg to = other(exchange_->offerer);
  const sip::SentOffer::Medium& sent = exchange_->sent.media[i];
  if (lines_[i].relay != 0 || !sent.active || (!sent.dtls && !sent.zrtp && !sent.ice)) return;
  LegHandshake& handshake = open(i, to);
  handshake.terms = handshake.planned;
  keying::LegKeying order = keying_order(handshake, to);
  order.muxed = false;
  if (!sent.dtls) order.identity.reset();
  if (sent.zrtp) order.zrtp = std::move(handshake.planned_zrtp);
  if (sent.ice)
    order.ice = handshake.terms->ice.duplicate();
  else if (!legs_[index(to)].signalling_peer.is_unspecified())
    order.named_hosts.push_back(legs_[index(to)].signalling_peer);
  handshake.keying_order = std::move(order);

  RelaySpec spec;
  spec.label = label_;
  for (const Leg leg : {Leg::a, Leg::b}) {
    spec.legs[index(leg)] = closed_leg(legs_[index(leg)].side);
    put_bundle(i, leg, spec.legs[index(leg)]);
  }
  spec.legs[index(to)].handshakes = {
      .stun = sent.ice,
      .dtls = sent.dtls,
      .zrtp = sent.zrtp,
      .ice_fragment = dataplane::make_ice_fragment(handshake.terms->ice.fragment),
      .host = legs_[index(to)].signalling_peer};
  spec.legs[index(to)].handshake_leg = handshake.id;
  order_relay(i, std::move(spec));
}

/// Takes over what was agreed for a leg, and prepares the orders that follow from it.
void MediaSession::State::adopt(std::size_t number, Leg leg, const sip::AgreedMedia& agreed) {
  const bool dtls = agreed.dtls.has_value(), zrtp = agreed.zrtp.has_value();
  const bool ice = !agreed.ice_fragment.empty();
  MediaLine& line = lines_[number];
  if (!dtls && !zrtp && !ice) return close_handshake(line, leg);
  const bool is_known = line.handshakes[index(leg)]->id != 0;
  LegHandshake& its = open(number, leg);
  const bool is_first = !its.has_dtls() && !its.has_zrtp();
  // One that began before the answer goes on, unless we are to be DTLS's active end instead.
  const bool goes_on_from_offer = is_known && (zrtp || (dtls && agreed.dtls->setup == DtlsSetup::active));
  const bool goes_on = (zrtp && its.has_zrtp() && !its.planned_zrtp) ||
                       (dtls && its.has_dtls() && !is_new_association(its, *agreed.dtls));
  const bool keeps = is_first ? goes_on_from_offer : goes_on;
  if (!keeps) {
    its.keys = {};
    its.keys_for_both = false;
    its.failure = {};
    its.security.reset();
  }
  if (!ice) its.nominated = {};
  if (its.planned) its.terms = its.planned;
  its.peer = agreed.dtls;
  its.peer_hello = agreed.zrtp;
  its.peer_fragment = agreed.ice_fragment;
  its.agreed = true;

  keying::LegKeying order = keying_order(its, leg);
  order.muxed = agreed.mux;
  order.keeps_association = keeps;
  if (ice)
    order.ice = its.terms->ice.duplicate();
  else
    name_remotes(agreed, legs_[index(leg)].signalling_peer, order.remote, order.named_hosts);
  if (dtls) {
    order.role =
        agreed.dtls->setup == DtlsSetup::active ? keying::DtlsRole::passive : keying::DtlsRole::active;
    order.peer_fingerprints = agreed.dtls->fingerprints;
  } else {
    order.identity.reset();
  }
  if (zrtp) order.zrtp = std::move(its.planned_zrtp);
  if (keeps && is_first)
    its.answer_order =
        keying::LegAnswer{its.id, order.remote, order.named_hosts, order.peer_fingerprints, agreed.zrtp};
  its.keying_order = std::move(order);
}

/// `linked`: the worker knows the ports. Only an active end has to wait for that.
void MediaSession::State::send_orders(MediaLine& line, bool linked) {
  for (const Leg leg : {Leg::a, Leg::b}) {
    LegHandshake* const its = line.handshakes[index(leg)].get();
    if (its == nullptr || !its->keying_order) continue;
    const bool begins = its->keying_order->zrtp != nullptr ||
                        (its->keying_order->identity && its->keying_order->role == keying::DtlsRole::active);
    if (!linked && begins) continue;
    const PortLease& ports = services_.relays.ports_of(line.relay, leg);
    const std::uint8_t worker = services_.relays.worker_of(line.relay);
    for (std::uint16_t i = 0; i < keying::kLegComponents; ++i)
      its->keying_order->local[i] = {worker, ports.address(), static_cast<std::uint16_t>(ports.port() + i)};
    services_.handshakes.order(std::move(*std::exchange(its->keying_order, std::nullopt)));
    if (its->answer_order)
      services_.handshakes.order(std::move(*std::exchange(its->answer_order, std::nullopt)));
  }
}

void MediaSession::State::on_handshake(std::size_t number, Leg leg, keying::HandshakeEvent& event) {
  const auto alive = shared_from_this();
  LegHandshake& its = *lines_[number].handshakes[index(leg)];
  if (auto* const keys = std::get_if<keying::handshake_event::Keys>(&event)) {
    log::info("media.keyed", {{"label", label_},
                              {"leg", name(leg)},
                              {"component", keys->component == 0 ? "rtp" : "rtcp"},
                              {"suite", crypto::suite(keys->keying.suite).name}});
    its.keys[keys->component] = std::move(keys->keying);
    its.keys_for_both = keys->for_both_ports;
    return refresh(number);
  }
  if (const auto* const nominated = std::get_if<keying::handshake_event::Nominated>(&event)) {
    its.nominated[nominated->component] = nominated->remote;
    return refresh(number);
  }
  if (auto* const secured = std::get_if<keying::handshake_event::ZrtpSecured>(&event)) {
    its.security = std::move(secured->security);
    if (its.security->mismatch)
      log::warning("media.zrtp_mismatch",
                   {{"label", label_}, {"leg", name(leg)}, {"why", "somebody may be in the middle"}});
    return services_.handshakes.tell({label_, name(leg), *its.security});
  }
  if (const auto* const ended = std::get_if<keying::handshake_event::ZrtpEnded>(&event)) {
    // A peer that has not spoken yet may still do so.
    if (!keying::info(ended->outcome).is_failure) return;
    return on_failure(its, leg, 0, keying::info(ended->outcome).name);
  }
  const auto& ended = std::get<keying::handshake_event::Ended>(event);
  on_failure(its, leg, ended.component, keying::info(ended.outcome).name);
}

Result<keying::ZrtpSecurity> MediaSession::State::verify_sas(Leg leg, bool equal) {
  for (const MediaLine& line : lines_) {
    LegHandshake* const its = line.handshakes[index(leg)].get();
    if (its == nullptr || !its->security) continue;
    services_.handshakes.order(keying::handshake_order::Verify{its->id, equal});
    its->security->verified = equal;
    if (equal)
      log::info("media.sas_verified", {{"label", label_}, {"leg", name(leg)}});
    else
      log::warning("media.sas_differs",
                   {{"label", label_}, {"leg", name(leg)}, {"why", "somebody is in the middle"}});
    services_.handshakes.tell({label_, name(leg), *its->security, true});
    return *its->security;
  }
  return fail(ErrorClass::refused, "its keys did not come of ZRTP that ended here");
}

void MediaSession::State::on_failure(LegHandshake& handshake, Leg leg, std::uint8_t component,
                                     std::string_view outcome) {
  log::warning("media.handshake_failed", {{"label", label_},
                                          {"leg", name(leg)},
                                          {"component", component == 0 ? "rtp" : "rtcp"},
                                          {"why", outcome}});
  // Calls do without RTCP rather than end.
  if (component != 0) return;
  handshake.failure = outcome;
  if (const OnFailure tell = on_failure_) tell(leg, outcome);
}

/// Brings the relay to what the handshakes have come to; one change of a session at a time.
void MediaSession::State::refresh(std::size_t number) {
  MediaLine& line = lines_[number];
  line.stale = true;
  if (orders_ != 0 || line.relay == 0 || !services_.relays.has(line.relay)) return;
  line.stale = false;
  RelaySpec spec = line.spec.duplicate();
  for (std::size_t i = 0; i < kLegs; ++i)
    if (line.handshakes[i]) apply(*line.handshakes[i], spec.legs[i]);
  if (!same_flows(spec, line.spec)) order_relay(number, std::move(spec));
}

void MediaSession::State::refresh_stale() {
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (lines_[i].stale) refresh(i);
}

void MediaSession::State::close_handshake(MediaLine& line, Leg leg) {
  const auto handshake = std::move(line.handshakes[index(leg)]);
  if (handshake && handshake->id != 0) services_.handshakes.close(handshake->id);
}

}  // namespace sallyport::control
