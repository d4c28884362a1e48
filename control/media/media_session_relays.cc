// SPDX-License-Identifier: GPL-3.0-or-later
// Ports and relays of a media session: what an agreement makes of them, order by order.
#include <algorithm>

#include "base/log.h"
#include "control/media/media_session_state.h"

namespace sallyport::control {

namespace {

MediaFault fault_of(const SpecError& error) {
  switch (error.error.error_class) {
    case ErrorClass::malformed:
    case ErrorClass::unsupported:
    case ErrorClass::refused:
      return {488, error.error.text};
    case ErrorClass::exhausted:
      return {503, error.error.text};
    case ErrorClass::not_found:
    case ErrorClass::timeout:
    case ErrorClass::internal:
      break;
  }
  return {500, error.error.text};
}

}  // namespace

/// That of the leg's other media; else the configured one; else the signalling peer's, where the side has it.
AddressFamily MediaSession::State::family(Leg leg) const {
  const auto of = [](const IpAddress& address) {
    return address.is_v4() ? AddressFamily::v4 : AddressFamily::v6;
  };
  for (const MediaLine& line : lines_)
    if (line.placed()) return of(line.local[index(leg)].address);
  const MediaLegSettings& settings = legs_[index(leg)];
  if (settings.family != AddressFamily::automatic) return settings.family;
  if (settings.signalling_peer.is_unspecified()) return AddressFamily::automatic;
  const auto side = services_.ports.find_side(settings.side);
  const bool has = side && services_.ports.has_family(*side, settings.signalling_peer.is_v4());
  return has ? of(settings.signalling_peer) : AddressFamily::automatic;
}

/// Whether what a leg says of a medium can be served by the line.
MediaSession::State::Fault MediaSession::State::fit(const MediaLine& line, Leg leg,
                                                    const std::optional<Endpoint>& remote,
                                                    const KeyMaterial* received) const {
  if (line.placed() && remote && remote->address.is_v4() != line.local[index(leg)].address.is_v4())
    return MediaFault{488, "SDP: a medium stays in the address family that it was offered in"};
  // A new relay knows no packet that was sent under the key before, and would take it again.
  if (line.relay == 0 && received != nullptr && is_spent(*received))
    return MediaFault{488, "SDP: a new medium needs a key that was not used before"};
  return std::nullopt;
}

/// Both legs get pairs: whether RTCP needs a port of its own is known when the answer is there, and may
/// change.
MediaSession::State::Fault MediaSession::State::place(MediaLine& line, Leg offerer,
                                                      const sip::RemoteMedia& offered) {
  if (line.placed()) return std::nullopt;
  LegPorts taken;
  for (const Leg leg : {Leg::a, Leg::b}) {
    MediaPorts& ports = services_.ports;
    const auto side = ports.find_side(legs_[index(leg)].side);
    if (!side) return MediaFault{500, "there is no such side"};
    LegSpec spec;
    spec.family = family(leg);
    // With ICE the described address is one of many, and no reason to choose ours by.
    if (leg == offerer && offered.ice_fragment.empty()) spec.remote = offered.rtp;
    auto lease = ports.take(*side, spec);
    if (!lease) return fault_of(SpecError{std::move(lease.error()), ""});
    line.local[index(leg)] = ports.endpoint(*lease);
    sip::LocalOrigin& origin = told_[index(leg)].origin;
    if (told_[index(leg)].last.empty()) origin.address = line.local[index(leg)].address;
    taken[index(leg)] = std::move(*lease);
  }
  line.ports = std::move(taken);
  return std::nullopt;
}

bool MediaSession::State::is_spent(const KeyMaterial& received) const {
  return std::ranges::find(heard_keys_, mark({}, received).key) != heard_keys_.end();
}

void MediaSession::State::remember_keys(const RelaySpec& spec) {
  for (const LegSpec& leg : spec.legs)
    if (leg.keying && !is_spent(leg.keying->receive))
      heard_keys_.push_back(mark(*leg.keying, leg.keying->receive).key);
}

RelaySpec MediaSession::State::wanted(std::size_t line) const {
  RelaySpec spec;
  for (const Leg leg : {Leg::a, Leg::b}) {
    const std::size_t i = index(leg);
    const sip::AgreedMedia* const agreed = agreed_on(line, leg);
    spec.legs[i] = agreed == nullptr
                       ? closed_leg(legs_[i].side)
                       : leg_spec(*agreed, {legs_[i].side, legs_[i].signalling_peer},
                                  joins(line, leg) ? nullptr : lines_[line].handshakes[i].get());
    put_bundle(line, leg, spec.legs[i]);
  }
  spec.label = label_;
  return spec;
}

bool MediaSession::State::agreed_active(std::size_t line) const {
  return std::ranges::all_of(*exchange_->agreed, [&](const auto& leg) { return leg.media[line].active; });
}

/// What would be refused is refused before anything is changed.
MediaSession::State::Fault MediaSession::State::check_plan() const {
  if (heard_keys_.size() + kLegs * lines_.size() > services_.relays.limits()[Limit::relay_keys])
    return fault_of(SpecError{services_.relays.limits().refuse(Limit::relay_keys).value(), ""});
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (!is_needed(i)) continue;
    const MediaLine& line = lines_[i];
    RelaySpec spec = wanted(i);
    if (line.relay != 0) {
      if (same_flows(spec, line.spec) && services_.relays.has(line.relay)) continue;
      // A leg that is to join a bundle brings nothing to refuse. Its carrier may not be one yet.
      RelaySpec present = line.spec.duplicate();
      for (const Leg leg : {Leg::a, Leg::b})
        if (joins(i, leg) && !in_bundle(line, leg))
          std::swap(spec.legs[index(leg)], present.legs[index(leg)]);
      if (auto wrong = services_.relays.check_set(line.relay, spec)) return fault_of(*wrong);
      continue;
    }
    if (auto wrong = check(spec)) return fault_of(*wrong);
    for (const Leg leg : {Leg::a, Leg::b}) {
      const auto& keying = spec.legs[index(leg)].keying;
      const KeyMaterial* received = keying ? &keying->receive : nullptr;
      if (auto fault = fit(line, leg, spec.legs[index(leg)].remote, received)) return fault;
    }
  }
  return std::nullopt;
}

/// Sends the orders that bring the relays to what was agreed; finish() follows, at once if there are none.
void MediaSession::State::carry_out() {
  fault_.reset();
  carrying_out_ = true;
  ++orders_;  // our own: refusals come within a call
  for (const bool joining : {false, true})
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (joins(i) == joining) carry_out(i);
  if (--orders_ == 0) finish();
}

void MediaSession::State::carry_out(std::size_t number) {
  MediaLine& line = lines_[number];
  if (!is_needed(number)) return drop(line);
  for (const Leg leg : {Leg::a, Leg::b}) {
    const sip::AgreedMedia* const agreed = agreed_on(number, leg);
    line.agreements[index(leg)] = agreed != nullptr ? agreed->agreement : std::nullopt;
    if (agreed != nullptr && !joins(number, leg)) {
      adopt(number, leg, *agreed);
      continue;
    }
    close_handshake(line, leg);
    if (joins(number, leg)) line.local[index(leg)] = lines_[transport(number, leg)].local[index(leg)];
  }
  RelaySpec spec = wanted(number);
  if (line.relay != 0 && same_flows(spec, line.spec)) {
    if (expectations(spec) != expectations(line.spec))
      services_.relays.expect_media(line.relay, expectations(spec));
    line.spec = std::move(spec);
    return send_orders(line, true);
  }
  remember_keys(spec);
  order_relay(number, std::move(spec));
}

/// Sets the line's relay up, or changes it.
void MediaSession::State::order_relay(std::size_t number, RelaySpec spec) {
  MediaLine& line = lines_[number];
  const auto answered = [self = weak_from_this(),
                         number](const tl::expected<RelayAdded, SpecError>& outcome) {
    if (const auto state = self.lock()) state->ordered(number, outcome);
  };
  line.spec = spec.duplicate();
  ++orders_;
  if (line.relay != 0) {
    send_orders(line, false);
    return services_.relays.set(line.relay, std::move(spec), answered);
  }
  line.fresh = true;
  spec.beside = neighbour();
  line.relay = services_.relays.add(std::move(spec), answered, std::move(line.ports));
  if (line.relay != 0) send_orders(line, false);
}

void MediaSession::State::ordered(std::size_t number, const tl::expected<RelayAdded, SpecError>& outcome) {
  if (!outcome) {
    if (!fault_) fault_ = fault_of(outcome.error());
    // Of a relay that its worker refused nothing is left; what was refused before that stands as it was.
    MediaLine& line = lines_[number];
    line.spec = {};
    if (!services_.relays.has(line.relay)) line.relay = 0;
  } else if (lines_[number].relay != 0) {
    send_orders(lines_[number], true);
  }
  if (--orders_ == 0) finish();
}

void MediaSession::State::finish() {
  const auto alive = shared_from_this();
  Done done = std::exchange(done_, nullptr);
  const Fault fault = std::exchange(fault_, std::nullopt);
  const bool of_answer = std::exchange(carrying_out_, false);
  if (of_answer) exchange_->carried_out = !fault;
  if (fault) log::warning("media.fault", {{"label", label_}, {"why", fault->reason}});
  if (fault && of_answer) exchange_->heard.clear();  // the same answer again is judged again
  if (reject_then_) {
    reject_then_ = settle_then_ = false;
    return withdraw();
  }
  if (done) done(fault ? Text(tl::unexpected(*fault)) : Text(exchange_->given));
  while (!waiting_.empty() && orders_ == 0) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    answer(next.from, next.text, next.done, next.preview);
  }
  if (orders_ == 0 && exchange_ != nullptr && std::exchange(settle_then_, false))
    of_answer ? conclude() : settle();
  if (orders_ == 0) refresh_stale();
}

void MediaSession::State::settle() {
  if (exchange_ == nullptr) return;
  if (!exchange_->agreed) return withdraw();
  settle_then_ = true;
  if (orders_ != 0) return;                         // finish() comes back to it
  if (!exchange_->carried_out) return carry_out();  // there was a preview only
  settle_then_ = false;
  conclude();
}

void MediaSession::State::conclude() {
  const std::size_t offerer = index(exchange_->offerer), answerer = index(other(exchange_->offerer));
  layouts_ = std::move(exchange_->layouts);
  layouts_[answerer] = std::move(exchange_->answered);
  told_[offerer].agreed = std::move(exchange_->given);
  told_[offerer].unsaid = false;
  told_[answerer].agreed = offer_in_force();
  told_[answerer].unsaid = told_[answerer].agreed != exchange_->sent.text;
  facts_ = std::move(exchange_->facts);
  exchange_.reset();
  has_session_ = true;
  for (MediaLine& line : lines_) {
    line.fresh = false;
    line.release();
    for (const auto& handshake : line.handshakes)
      if (handshake) handshake->planned.reset();
  }
}

void MediaSession::State::reject() {
  if (exchange_ == nullptr) return;
  done_ = nullptr;
  waiting_.clear();
  if (orders_ != 0)
    reject_then_ = true;
  else
    withdraw();
}

/// Ends the open offer without an agreement, or with what was carried out already.
void MediaSession::State::withdraw() {
  if (has_session_ && exchange_->carried_out) return conclude();
  exchange_.reset();
  forget_bundles();
  for (MediaLine& line : lines_) {
    if (line.fresh) drop(line);
    line.release();
    for (const auto& handshake : line.handshakes)
      if (handshake) handshake->planned.reset();
  }
  lines_.resize(facts_.size());
}

void MediaSession::State::abandon() {
  done_ = nullptr;
  waiting_.clear();
  for (MediaLine& line : lines_) drop(line);
}

void MediaSession::State::drop(MediaLine& line) {
  line.fresh = false;
  line.spec = {};
  line.agreements = {};
  line.bundles = {};
  line.mids = {};
  line.stale = false;
  for (const Leg leg : {Leg::a, Leg::b}) close_handshake(line, leg);
  if (const std::uint64_t relay = std::exchange(line.relay, 0); relay != 0)
    services_.relays.drop(relay, [](const auto&) {});
}

}  // namespace sallyport::control
