// SPDX-License-Identifier: GPL-3.0-or-later
// From the caller's INVITE to those of ours: targets are tried stage by stage until one answers or none is
// left.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "control/calls/calls.h"
#include "control/calls/description.h"
#include "sip/name_addr.h"
#include "sip/option_tags.h"
#include "sip/reason.h"

namespace sallyport::control {

using sip::HeaderId;
using sip::Method;

namespace {

constexpr std::string_view kSupported = "100rel, timer, replaces";
constexpr std::string_view kSupportedLateOffer =
    "timer, replaces";  // a reliable 1xx would bring the offer too soon

sip::SessionTimerPolicy session_policy(const CallsConfig& config) {
  return {config.session_expires_s, config.min_se_s, true};
}

bool is_secure_uri(std::string_view uri) {
  return uri.starts_with("sips:");
}

/// Which of several failures the caller hears of: RFC 3261 §16.7 step 6. What a callee said tells more than
/// what we make of its silence.
unsigned rank_of(unsigned status, bool said) {
  if (!said) return 10 + status / 100;
  if (status >= 600) return 0;
  switch (status) {
    case 401:
    case 407:
    case 415:
    case 420:
    case 484:
      return 1;
    default:
      return status / 100;
  }
}

}  // namespace

Call::Call(Calls& calls, CallId id) : calls_(calls), id_(id) {
  timer_.call = id;
}

Call::~Call() {
  calls_.stop_timer(timer_);
  if (winner_ == nullptr) calls_.unwatch(caller_.hop, id_);
  for (const auto& branch : branches_) close(*branch);
}

void Call::begin(Start start) {
  invite_ = start.invite;
  caller_ = std::move(start.caller);
  claim_ = std::move(start.claim);
  targets_ = std::move(start.targets);
  ticket_ = std::move(start.ticket);
  replaces_ = std::move(start.replaces);
  has_offer_ = !description_of(start.request).empty();
  began_ms_ = calls_.domain().signalling.now();
  record_.id = calls_.token();
  record_.invite = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  record_.caller = claim_.uri;
  record_.called = start.request.request_uri();
  record_.a.from = start.request.header(sip::HeaderId::from).value_or("");
  record_.a.to = start.request.header(sip::HeaderId::to).value_or("");
  calls_.index(invite_, id_);
  calls_.watch(caller_.hop, id_);
  proceed();
  schedule();
}

/// One stage after the other, as long as nobody is being asked.
void Call::proceed() {
  if (starting_) return;
  starting_ = true;
  const auto is_open = [](const auto& branch) { return branch->open; };
  while (state_ == CallState::calling && winner_ == nullptr && std::ranges::none_of(branches_, is_open)) {
    if (definite_ || next_target_ == targets_.size()) {
      starting_ = false;
      return refuse(best_status_ != 0 ? best_status_ : 480, best_reason_);
    }
    start_stage();
  }
  starting_ = false;
}

void Call::start_stage() {
  const CallsConfig& config = calls_.domain().config.calls;
  const unsigned stage = targets_[next_target_].stage;
  std::size_t started = 0;
  while (next_target_ < targets_.size() && targets_[next_target_].stage == stage &&
         started < config.max_branches) {
    branches_.push_back(std::make_unique<Branch>(branches_.size(), std::move(targets_[next_target_++])));
    ++started;
    Branch& branch = *branches_.back();
    if (branches_.size() > config.max_targets)
      branch_failed(branch, 480, "Too Many Targets");
    else if (branch.target.trunk != nullptr)
      start_trunk(branch);
    else
      start_contact(branch);
  }
}

void Call::start_contact(Branch& branch) {
  const Target& contact = branch.target.contacts[branch.contact];
  const Signalling& signalling = calls_.domain().signalling;
  PartyAddress callee;
  callee.hop = contact.flow;
  callee.aor = branch.target.aor;
  callee.instance = contact.instance;
  if (contact.digest) callee.digest = crypto::info(*contact.digest).name;
  const bool is_stream = sip::is_reliable(contact.flow.transport);
  if (is_stream && !signalling.transport().is_open(contact.flow.connection)) {
    const auto reached =
        calls_.reach_uri(contact.path.empty() ? contact.contact : contact.path, contact.flow);
    if (!reached) {
      if (!try_elsewhere(branch)) branch_failed(branch, 480, "Connection To The Phone Is Lost");
      return;
    }
    callee.hop = *reached;
  }
  start_branch(branch, std::move(callee));
}

void Call::start_trunk(Branch& branch) {
  const CallDomain& domain = calls_.domain();
  const TrunkPtr trunk = branch.target.trunk;
  auto entered = domain.admission.enter(trunk, static_cast<std::int64_t>(domain.signalling.now()));
  if (!entered) return branch_failed(branch, entered.error().status, entered.error().reason);
  branch.ticket = std::move(*entered);
  domain.trunks.locate(*trunk,
                       later(branch, [](Call& call, Branch& b, Result<std::vector<transport::Target>> found) {
                         if (!b.open || call.state_ != CallState::calling) return;
                         if (!found || found->empty()) {
                           b.target.trunk->attempt_failed();
                           call.branch_failed(b, 503, "Trunk Cannot Be Found");
                           return call.proceed();
                         }
                         b.servers = std::move(*found);
                         std::ranges::reverse(b.servers);
                         if (!call.try_elsewhere(b)) call.branch_failed(b, 503, "Trunk Cannot Be Reached");
                         call.proceed();
                       }));
}

/// The next server of a trunk, or the next flow to a phone; false if there is none.
bool Call::try_elsewhere(Branch& branch) {
  if (branch.target.trunk == nullptr) {
    if (branch.contact + 1 >= branch.target.contacts.size()) return false;
    ++branch.contact;
    start_contact(branch);
    return true;
  }
  while (!branch.servers.empty()) {
    const transport::Target server = std::move(branch.servers.back());
    branch.servers.pop_back();
    const auto reached = calls_.domain().signalling.transport().reach(server);
    if (!reached) {
      calls_.domain().trunks.mark_failed(server);
      continue;
    }
    PartyAddress callee;
    callee.hop = *reached;
    callee.trunk = branch.target.trunk;
    start_branch(branch, std::move(callee));
    return true;
  }
  return false;
}

void Call::start_branch(Branch& branch, PartyAddress callee) {
  const CallDomain& domain = calls_.domain();
  const sip::Message* const request = domain.signalling.request_of(invite_);
  if (request == nullptr) return branch_failed(branch, 487, {});
  const auto listener = domain.config.sip.listeners.begin() + callee.hop.listener;
  callee.side = listener->side;
  callee.policy = &calls_.policy(callee.side);

  Party& a = branch.party(Leg::a);
  Party& b = branch.party(Leg::b);
  a = Party{};
  b = Party{};
  a.at = caller_;
  b.at = std::move(callee);
  a.session = sip::SessionTimer(session_policy(domain.config.calls));
  b.session = sip::SessionTimer(session_policy(domain.config.calls));
  a.allows_update = sip::allows(*request, Method::update);
  a.user_agent = request->header(HeaderId::user_agent).value_or("");
  branch.session = a.session.received_request(*request);
  a.exchange.received(sip::Carrier::invite, has_offer_);

  const auto media_leg = [&](const PartyAddress& at) {
    const auto& listeners_own = domain.config.sip.listeners[at.hop.listener].media;
    MediaLegSettings leg{at.side, listeners_own ? *listeners_own : at.policy->media, at.hop.remote.address,
                         AddressFamily::automatic, at.aor};
    leg.policy.transport_secure = sip::is_secure(at.hop.transport);
    return leg;
  };
  branch.media = std::make_unique<MediaSession>(domain.media, std::array{media_leg(a.at), media_leg(b.at)},
                                                "call " + std::to_string(id_));
  branch.media->set_on_failure(later(branch, [](Call& call, Branch& its, Leg leg, std::string_view outcome) {
    call.on_handshake_failure(its, leg, outcome);
  }));
  branch.call_id = calls_.token();
  branch.from_tag = calls_.token().substr(0, 16);
  branch.a_tag = calls_.token().substr(0, 16);
  branch.invite_cseq = 0;
  calls_.traces().add(id_, branch.call_id);
  branch.began_ms = domain.signalling.now();
  if (!send_invite(branch)) return;
  schedule();
}

/// The first INVITE, or the next one after a challenge or a 422.
bool Call::send_invite(Branch& branch) {
  const CallDomain& domain = calls_.domain();
  Party& b = branch.party(Leg::b);
  const sip::Message* const request = domain.signalling.request_of(invite_);
  if (request == nullptr) return branch_failed(branch, 487, {}), false;

  const std::string& trunk_domain = b.at.trunk != nullptr ? b.at.trunk->config().from_domain : std::string();
  const std::string& domain_name = trunk_domain.empty() ? domain.config.sip.domains.front() : trunk_domain;
  const auto identity = identity_for(*request, claim_, *caller_.policy, *b.at.policy, domain_name);
  if (!identity) return branch_failed(branch, identity.error().status, identity.error().reason), false;

  std::string offer;
  if (has_offer_ && branch.invite_cseq == 0) {
    auto text = branch.media->offer(Leg::a, description_of(*request));
    if (!text) return branch_failed(branch, text.error().status, text.error().reason), false;
    offer = std::move(*text);
    branch.offer = offer;
  } else {
    offer = branch.offer;
  }
  ++branch.invite_cseq;
  const Signalling::NewVia via = domain.signalling.new_via(b.at.hop);
  std::string octets = write_invite(branch, *request, via, *identity);
  b.exchange = sip::OfferExchange();
  b.exchange.sent(sip::Carrier::invite, has_offer_);
  branch.dialogs = std::make_unique<sip::DialogSet>(
      branch.target.request_uri, is_secure_uri(branch.target.request_uri), domain.signalling.sip_limits());
  auto sent = domain.signalling.request(
      std::move(octets), via.branch, b.at.hop,
      later(branch, [](Call& call, Branch& its, const Reply& reply) { call.on_invite_reply(its, reply); }));
  if (!sent) {
    if (!try_elsewhere(branch)) branch_failed(branch, 503, "Cannot Be Sent");
    return false;
  }
  branch.invite = *sent;
  return true;
}

std::string Call::write_invite(Branch& branch, const sip::Message& source, const Signalling::NewVia& via,
                               const CallerIdentity& identity) {
  const CallDomain& domain = calls_.domain();
  Party& b = branch.party(Leg::b);
  const Target* const contact =
      branch.target.contacts.empty() ? nullptr : &branch.target.contacts[branch.contact];
  const std::string& uri = contact != nullptr ? contact->contact : branch.target.request_uri;
  const auto forwards = source.number(HeaderId::max_forwards);
  const std::uint32_t hops = std::min(forwards && *forwards ? **forwards : domain.config.calls.max_forwards,
                                      domain.config.calls.max_forwards);

  sip::MessageWriter writer = sip::MessageWriter::request(Method::invite, uri);
  writer.header(HeaderId::via, {via.value, ";", calls_.loop_mark(source, caller_.side)});
  if (contact != nullptr && !contact->path.empty()) writer.header(HeaderId::route, contact->path);
  writer.header(HeaderId::max_forwards, std::uint64_t{hops - 1});
  writer.header(HeaderId::from, {identity.from, ";tag=", branch.from_tag});
  writer.header(HeaderId::to, {"<", branch.target.aor.empty() ? uri : branch.target.aor, ">"});
  writer.header(HeaderId::call_id, branch.call_id);
  writer.header(HeaderId::cseq, {std::to_string(branch.invite_cseq), " INVITE"});
  if (!identity.asserted.empty()) writer.header(HeaderId::p_asserted_identity, identity.asserted);
  if (!identity.privacy.empty()) writer.header(HeaderId::privacy, identity.privacy);
  if (!replaces_.empty()) writer.header(HeaderId::replaces, replaces_);
  writer.header(HeaderId::supported, has_offer_ ? kSupported : kSupportedLateOffer);
  b.session.write_request(writer);
  write_common(writer, branch, Leg::b, &source, true);
  if (b.at.trunk != nullptr && b.at.trunk->digest() != nullptr)
    for (const CredentialField& field : b.at.trunk->digest()->credentials("INVITE", uri, branch.offer))
      writer.header(field.id, field.value);
  if (!branch.offer.empty()) writer.body(kSdpType, branch.offer);
  return writer.finish();
}

void Call::write_common(sip::MessageWriter& writer, const Branch& branch, Leg to, const sip::Message* source,
                        bool is_request) {
  const CallDomain& domain = calls_.domain();
  const PartyAddress& at = branch.party(to).at;
  writer.header(HeaderId::contact, {"<", domain.signalling.contact_uri(at.hop), ">"});
  writer.header(HeaderId::allow, kAllowInCalls);
  write_product(writer, is_request ? HeaderId::user_agent : HeaderId::server, source, *at.policy,
                domain.config.sip.server_name);
  if (source != nullptr) copy_across(writer, *source, *branch.party(other(to)).at.policy, *at.policy);
}

void Call::branch_failed(Branch& branch, unsigned status, std::string_view reason,
                         std::unique_ptr<sip::Message> response) {
  if (!branch.open) return;
  branch.open = false;
  branch.response.reset();
  branch.later_responses.clear();
  branch.media.reset();
  branch.ticket.give_back();
  const Trunk* const trunk = branch.target.trunk.get();
  record_.attempts.push_back(
      {trunk != nullptr ? "trunk:" + trunk->config().name : branch.target.aor, status, std::string(reason)});
  const bool redirected = status / 100 == 3 && response != nullptr && redirect(branch, *response);
  if (status >= 600) definite_ = true;
  if (trunk != nullptr && response != nullptr && !redirected && !trunk->config().fails_over(status))
    definite_ = true;
  const unsigned rank = rank_of(status, response != nullptr);
  if (best_status_ == 0 || rank < best_rank_) {
    best_status_ = status;
    best_rank_ = rank;
    best_reason_ = reason;
    best_response_ = std::move(response);
  }
  if (definite_) cancel_others(&branch, {});
  proceed();
}

/// Whoever is called names others (RFC 3261 §8.1.3.4): they are tried after all that is known already, as far
/// as the one who names them may call them.
bool Call::redirect(const Branch& branch, const sip::Message& response) {
  const CallDomain& domain = calls_.domain();
  if (redirects_ == domain.config.calls.max_redirects) return false;
  ++redirects_;
  const std::size_t known = targets_.size();
  RouteQuery query;
  query.from_side = branch.party(Leg::b).at.side;
  query.user = domain.subscribers.users().by_aor(branch.target.aor);
  query.trunk = branch.target.trunk.get();
  query.now = wall_time();
  for (const std::string_view value : response.values(HeaderId::contact)) {
    const auto contact = sip::parse_name_addr(value);
    if (!contact || targets_.size() >= domain.config.calls.max_targets) continue;
    query.request_uri = contact->uri;
    auto routed = domain.router.route(query);
    if (!routed) continue;
    const unsigned stage = targets_.back().stage + 1;
    for (RouteTarget& target : *routed) {
      target.stage += stage;
      targets_.push_back(std::move(target));
    }
  }
  return targets_.size() > known;
}

void Call::cancel_others(const Branch* but, std::string_view reason) {
  for (const auto& branch : branches_) {
    if (branch.get() == but || !branch->open) continue;
    branch->open = false;
    branch->media.reset();
    if (branch->invite) calls_.domain().signalling.cancel(*branch->invite, reason);
  }
}

/// The caller gets a final failure.
void Call::refuse(unsigned status, std::string_view reason) {
  if (state_ != CallState::calling) return;
  Signalling& signalling = calls_.domain().signalling;
  cancel_others(nullptr, {});
  // A 503 of one target says nothing of the next call (RFC 3261 §16.7 step 6), a challenge of theirs is not
  // for the caller to answer.
  if (status == 503 && best_response_ != nullptr) status = 500, reason = {};
  if (status == 401 || status == 407) status = 502, reason = {};
  if (status / 100 == 3) status = 480, reason = {};
  sip::MessageWriter writer = signalling.response(invite_, status, reason);
  if (best_response_ != nullptr) copy_across(writer, *best_response_, *caller_.policy, *caller_.policy);
  for (const auto& branch : branches_) branch->party(Leg::a).exchange.sent(sip::Carrier::failure, false);
  static_cast<void>(signalling.respond(invite_, std::move(writer)));
  ++calls_.counters().failed;
  conclude({EndedBy::called, status, std::string(reason), {}});
}

void Call::on_cancel(const sip::Message& cancel) {
  if (state_ != CallState::calling) return;
  Signalling& signalling = calls_.domain().signalling;
  cancel_others(nullptr, cancel.header(HeaderId::reason).value_or(""));
  static_cast<void>(signalling.respond(invite_, signalling.response(invite_, 487)));
  ++calls_.counters().failed;
  conclude({EndedBy::caller, 487, "cancelled", {}});
}

}  // namespace sallyport::control
