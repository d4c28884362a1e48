// SPDX-License-Identifier: GPL-3.0-or-later
// Offers and answers of a media session. What becomes of ports and relays stands in media_session_relays.cc.
#include "control/media/media_session.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "control/media/media_session_state.h"
#include "sip/status.h"

namespace sallyport::control {

namespace {

constexpr std::uint16_t kNotAcceptable = 488, kRequestPending = 491, kServerError = 500;
/// Some read an o= line's numbers as signed or floating point ones.
constexpr std::uint64_t kSessionIdMask = (std::uint64_t{1} << 48) - 1;

MediaFault fault_of(const Error& error) {
  const bool sdps = error.error_class == ErrorClass::refused;
  return {sdps ? kNotAcceptable : sip::status_of(error.error_class), error.text};
}

std::string codec(const sip::SdpFormat& format) {
  if (format.encoding.empty()) return std::string(format.payload);
  return std::string(format.encoding) + "/" + std::to_string(format.clock_rate);
}

/// What is kept from one leg is kept from both: header extensions are agreed upon by their peers, through us.
std::array<MediaLegSettings, kLegs> with_extensions_in_common(std::array<MediaLegSettings, kLegs> legs) {
  const bool kept =
      std::ranges::all_of(legs, [](const auto& leg) { return leg.policy.filter.keep_extensions; });
  for (MediaLegSettings& leg : legs) leg.policy.filter.keep_extensions = kept;
  return legs;
}

}  // namespace

using Text = MediaSession::Text;

MediaSession::State::State(MediaServices& services, std::array<MediaLegSettings, kLegs> legs,
                           std::string label)
    : services_(services),
      legs_(with_extensions_in_common(std::move(legs))),
      label_(label.substr(0, kMaxLabelLength)) {
  for (const Leg leg : {Leg::a, Leg::b}) {
    Told& told = told_[index(leg)];
    const auto side = services.ports.find_side(legs_[index(leg)].side);
    if (side) told.origin.address = services.ports.first_address(*side);
    std::array<std::uint8_t, sizeof(std::uint64_t)> octets{};
    services_.draw(octets);
    std::memcpy(&told.origin.session_id, octets.data(), octets.size());
    told.origin.session_id &= kSessionIdMask;
    told.origin.version = 1;
  }
}

tl::expected<sip::Sdp, MediaFault> MediaSession::State::parse(std::string_view text) const {
  auto sdp = sip::parse_sdp(std::string(text), services_.limits);
  if (sdp) return std::move(*sdp);
  const sip::SdpDefect& defect = sdp.error();
  if (defect.limit == sip::Limit::none)
    return tl::unexpected(MediaFault{sip::status_of(defect.error_class), defect.text});
  services_.limits.count_refusal(defect.limit);
  return tl::unexpected(MediaFault{sip::info(defect.limit).status, defect.text});
}

std::vector<sip::LocalMedia> MediaSession::State::local(Leg leg, const sip::RemoteOffer* answered) const {
  std::vector<sip::LocalMedia> all;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const MediaLine& line = lines_[i];
    sip::LocalMedia& local = all.emplace_back();
    local.rtp = line.local[index(leg)];
    if (line.relay != 0) local.agreed = line.agreements[index(leg)];
    announce(lines_[transport(i, leg)], leg, local);
    const auto& bundle = line.bundles[index(leg)];
    const bool is_told = answered != nullptr ? answered->media[i].bundle.has_value() : line.relay != 0;
    if (bundle && is_told) local.bundle = sip::LocalBundle{bundle->mid, bundle->carrier};
  }
  return all;
}

/// The keys that a leg's streams have now, or are to have by the last answer to the open offer.
std::vector<std::optional<Keying>> MediaSession::State::established(Leg leg) const {
  std::vector<std::optional<Keying>> keys(lines_.size());
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const bool previewed = exchange_ != nullptr && exchange_->agreed;
    const auto& keying =
        previewed ? (*exchange_->agreed)[index(leg)].media[i].keying : lines_[i].spec.legs[index(leg)].keying;
    const bool described = lines_[i].agreements[index(leg)] == sip::KeyAgreement::sdes;
    if ((previewed || (lines_[i].relay != 0 && described)) && keying) keys[i] = keying->duplicate();
  }
  return keys;
}

/// `text` was written under a version that the leg has or had.
std::string MediaSession::State::with_version(Leg to, std::string text) {
  Told& told = told_[index(to)];
  if (!told.last.empty() && text != told.last) {
    const std::string head = "v=0\r\no=- " + std::to_string(told.origin.session_id) + " ";
    assert(text.starts_with(head));
    const std::size_t version_size = text.find(' ', head.size()) - head.size();
    text.replace(head.size(), version_size, std::to_string(++told.origin.version));
  }
  told.last = text;
  return text;
}

const std::string& MediaSession::State::description(Leg to) {
  Told& told = told_[index(to)];
  if (std::exchange(told.unsaid, false)) told.agreed = with_version(to, std::move(told.agreed));
  return told.agreed;
}

MediaSession::State::Fault MediaSession::State::read(Exchange& exchange) {
  const sip::Sdp& sdp = exchange.source;
  const std::size_t from = index(exchange.offerer);
  std::vector<bool> apart;
  for (const MediaLine& line : lines_) apart.push_back(line.relay != 0 && !line.bundles[from]);
  auto offer = sip::read_offer(sdp, legs_[from].policy, services_.limits, apart);
  if (!offer) return fault_of(offer.error());
  if (offer->exceeded != sip::Limit::none) services_.limits.count_refusal(offer->exceeded);
  exchange.read = std::move(*offer);
  lines_.resize(sdp.media_count());
  bool any = false;
  Fault first;
  // Who joins a transport comes after those that have one.
  for (const bool joining : {false, true}) {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      sip::RemoteMedia& medium = exchange.read.media[i];
      if (!medium.active || (medium.bundle && medium.bundle->tagged != i) != joining) continue;
      const KeyMaterial* received = medium.crypto ? &medium.crypto->key : nullptr;
      const auto remote = medium.ice_fragment.empty() ? medium.rtp : std::nullopt;
      auto unfit = fit(lines_[i], exchange.offerer, remote, received);
      if (!unfit) unfit = bundle(i, exchange.offerer, exchange.read);
      if (!unfit) {
        if (auto fault = prepare(exchange, i)) return fault;
        any = true;
        continue;
      }
      medium.active = false;
      medium.refusal = unfit->reason;
      if (!first) first = std::move(unfit);
    }
  }
  return any ? std::nullopt : std::move(first);
}

/// Ports and our ends of handshakes, for what both legs are to be told of a line.
MediaSession::State::Fault MediaSession::State::prepare(Exchange& exchange, std::size_t number) {
  const Leg from = exchange.offerer, to = other(from);
  const sip::RemoteMedia& medium = exchange.read.media[number];
  MediaLine& line = lines_[number];
  if (auto fault = place(line, from, medium)) return fault;
  const std::size_t carrier = transport(number, from);
  if (carrier != number && line.relay == 0) {
    line.ports[index(from)] = {};
    line.local[index(from)] = lines_[carrier].local[index(from)];
  }
  // The carrier's own medium may have ended: then one that is left tells of the transport.
  if (carrier == number || !exchange.read.media[carrier].active)
    if (auto fault = plan_answer(lines_[carrier], from, medium)) return fault;
  return joins(number, to) ? std::nullopt : plan_offer(line, to);
}

/// What the other leg is to be offered.
Result<sip::SentOffer> MediaSession::State::compose(const Exchange& exchange) {
  const Leg to = other(exchange.offerer);
  std::vector<sip::LocalMedia> told = local(to, nullptr);
  offer_bundle(exchange, told);
  return sip::write_offer(exchange.source, exchange.read, legs_[index(to)].policy, told,
                          told_[index(to)].origin, services_.draw, established(to));
}

Text MediaSession::State::write(Exchange& exchange) {
  const Leg to = other(exchange.offerer);
  auto sent = compose(exchange);
  if (!sent) return tl::unexpected(fault_of(sent.error()));
  exchange.sent = std::move(*sent);
  sip::unfold_offer(exchange.sent, legs_[index(to)].policy, exchange.layouts[index(to)]);
  exchange.sent.text = with_version(to, std::move(exchange.sent.text));
  return exchange.sent.text;
}

Text MediaSession::State::offer(Leg from, std::string_view text) {
  if (exchange_ != nullptr) return tl::unexpected(MediaFault{kRequestPending, "Request Pending"});
  auto sdp = parse(text);
  if (!sdp) return tl::unexpected(sdp.error());
  const std::size_t lines = lines_.size();
  auto exchange = std::make_unique<Exchange>();
  exchange->offerer = from;
  exchange->layouts = layouts_;
  // RFC 3264 §8: media are switched off by port 0, never left out.
  const auto folded =
      sip::fold_offer(*sdp, legs_[index(from)].policy, services_.limits, exchange->layouts[index(from)]);
  if (!folded) return tl::unexpected(fault_of(folded.error()));
  exchange->source = std::move(*sdp);
  Text written;
  if (auto fault = read(*exchange))
    written = tl::unexpected(std::move(*fault));
  else
    written = write(*exchange);
  if (!written) {
    for (MediaLine& line : lines_) line.release();
    lines_.resize(lines);
    return written;
  }
  exchange_ = std::move(exchange);
  link_early();
  return written;
}

void MediaSession::State::note_facts(Exchange& exchange, const sip::Sdp& answer) const {
  const std::size_t offerer = index(exchange.offerer), answerer = index(other(exchange.offerer));
  exchange.facts.assign(lines_.size(), {});
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    MediaFacts& facts = exchange.facts[i];
    facts.kind = exchange.read.media[i].kind;
    facts.legs[offerer].profile = sip::name(exchange.read.media[i].profile);
    facts.legs[answerer].profile = sip::name(answer.media(i).profile);
    if (!(*exchange.agreed)[answerer].media[i].active) continue;
    for (const sip::SdpFormat& format : answer.formats(i)) facts.codecs.push_back(codec(format));
    for (std::size_t leg = 0; leg < kLegs; ++leg) {
      const sip::AgreedMedia& agreed = (*exchange.agreed)[leg].media[i];
      facts.legs[leg].direction = agreed.direction;
      facts.legs[leg].mux = agreed.mux;
      facts.legs[leg].agreement = agreed.agreement;
      facts.legs[leg].ice = !agreed.ice_fragment.empty();
      facts.legs[leg].end_to_end = agreed.end_to_end;
      facts.legs[leg].remote = agreed.rtp;
      if (agreed.keying) facts.legs[leg].suite = agreed.keying->suite;
    }
  }
}

/// Puts what an answer says into the open exchange.
MediaSession::State::Fault MediaSession::State::agree(Leg from, std::string_view text) {
  const Leg to = other(from);
  auto sdp = parse(text);
  if (!sdp) return sdp.error();
  auto layout = sip::fold_answer(*sdp, exchange_->sent, exchange_->layouts[index(from)]);
  if (!layout) return fault_of(layout.error());
  auto agreement = sip::read_answer(exchange_->sent, *sdp, legs_[index(from)].policy);
  if (!agreement) return fault_of(agreement.error());
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (agreement->media[i].active && !lines_[i].placed())
      return MediaFault{kNotAcceptable, "SDP: the answer takes a medium that it had refused"};
  auto answer = sip::write_answer(exchange_->read, *sdp, *agreement, legs_[index(to)].policy,
                                  local(to, &exchange_->read), told_[index(to)].origin, services_.draw,
                                  established(to));
  if (!answer) return fault_of(answer.error());
  auto bundles = bundles_of(from, *agreement);
  if (!bundles) return bundles.error();
  swap_bundles(from, *bundles);
  auto before = std::move(exchange_->agreed);
  exchange_->agreed.emplace();
  (*exchange_->agreed)[index(from)] = std::move(*agreement);
  (*exchange_->agreed)[index(to)] = std::move(answer->agreement);
  if (auto fault = check_plan()) {
    exchange_->agreed = std::move(before);
    swap_bundles(from, *bundles);
    return fault;
  }
  exchange_->heard = text;
  exchange_->answered = std::move(*layout);
  exchange_->given =
      with_version(to, sip::unfold_answer(std::move(answer->text), exchange_->layouts[index(to)]));
  exchange_->carried_out = false;
  note_facts(*exchange_, *sdp);
  return std::nullopt;
}

void MediaSession::State::answer(Leg from, std::string_view text, Done done, bool preview) {
  if (exchange_ == nullptr || exchange_->offerer == from)
    return done(tl::unexpected(MediaFault{kServerError, "no offer waits for this answer"}));
  if (orders_ != 0) {
    waiting_.push_back({from, std::string(text), std::move(done), preview});
    return;
  }
  const bool again = exchange_->agreed && !text.empty() && exchange_->heard == text;
  if (!again)
    if (auto fault = agree(from, text)) return done(tl::unexpected(std::move(*fault)));
  if (exchange_->carried_out || (preview && has_session_)) return done(exchange_->given);
  done_ = std::move(done);
  carry_out();
}

std::vector<std::uint64_t> MediaSession::State::relays() const {
  std::vector<std::uint64_t> ids;
  for (const MediaLine& line : lines_)
    if (line.relay != 0) ids.push_back(line.relay);
  return ids;
}

std::vector<MediaFacts> MediaSession::State::facts() const {
  const bool carried_out = exchange_ != nullptr && exchange_->carried_out;
  std::vector<MediaFacts> all = carried_out ? exchange_->facts : facts_;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].relay = lines_[i].relay;
    for (const Leg leg : {Leg::a, Leg::b}) {
      const LegHandshake* const handshake = lines_[transport(i, leg)].handshakes[index(leg)].get();
      if (handshake == nullptr) continue;
      MediaFacts::OfLeg& its = all[i].legs[index(leg)];
      its.handshake_failure = handshake->failure;
      its.handshake = handshake->id;
      its.zrtp = handshake->security;
      if (handshake->keys[0]) its.suite = handshake->keys[0]->suite;
    }
  }
  return all;
}

MediaSession::MediaSession(MediaServices& services, std::array<MediaLegSettings, kLegs> legs,
                           std::string label)
    : state_(std::make_shared<State>(services, std::move(legs), std::move(label))) {}

MediaSession::~MediaSession() {
  state_->abandon();
}

Text MediaSession::offer(Leg from, std::string_view sdp) {
  return state_->offer(from, sdp);
}

void MediaSession::answer(Leg from, std::string_view sdp, Done done, bool preview) {
  const auto alive = state_;  // the callback may destroy the session
  alive->answer(from, sdp, std::move(done), preview);
}

void MediaSession::set_on_failure(OnFailure on_failure) {
  state_->set_on_failure(std::move(on_failure));
}
void MediaSession::settle() {
  state_->settle();
}
void MediaSession::reject() {
  state_->reject();
}
std::string_view MediaSession::description(Leg to) const {
  return state_->description(to);
}
bool MediaSession::has_session() const {
  return state_->has_session();
}
bool MediaSession::offer_is_open() const {
  return state_->offer_is_open();
}
std::vector<std::uint64_t> MediaSession::relays() const {
  return state_->relays();
}
std::vector<MediaFacts> MediaSession::facts() const {
  return state_->facts();
}
Result<keying::ZrtpSecurity> MediaSession::verify_sas(Leg leg, bool equal) {
  return state_->verify_sas(leg, equal);
}

}  // namespace sallyport::control
