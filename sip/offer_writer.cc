// SPDX-License-Identifier: GPL-3.0-or-later
// Offer and answer, writing: what a leg is told, with keys of our own.
#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>

#include "sip/offer_answer.h"

namespace sallyport::sip {

namespace {

crypto::KeyMaterial new_key(crypto::SuiteId id, const RandomSource& draw) {
  const crypto::Suite& suite = crypto::suite(id);
  std::array<std::uint8_t, crypto::kMaxMasterKeyLength + crypto::kMaxMasterSaltLength> octets{};
  const auto key = std::span(octets).first(suite.key_length);
  const auto salt = std::span(octets).subspan(suite.key_length, suite.salt_length);
  draw(std::span(octets).first(key.size() + salt.size()));
  crypto::KeyMaterial material;
  material.key = Secret<crypto::kMaxMasterKeyLength>(key);
  material.salt = Secret<crypto::kMaxMasterSaltLength>(salt);
  wipe(octets.data(), octets.size());
  return material;
}

const crypto::Keying* established_at(EstablishedKeys established, std::size_t index) {
  return index < established.size() && established[index] ? &*established[index] : nullptr;
}

bool allows(const CryptoPolicy& policy, crypto::SuiteId suite) {
  return std::ranges::find(policy.suites, suite) != policy.suites.end();
}

/// One line a suite, each with a key of its own; or the line of the keys that are in use.
std::vector<CryptoAttribute> offered_lines(const MediaPolicy& policy, const crypto::Keying* established,
                                           const RandomSource& draw) {
  std::vector<CryptoAttribute> lines;
  if (established != nullptr && allows(policy.crypto, established->suite)) {
    lines.push_back({1, established->suite, established->send.duplicate(), established->unencrypted_srtcp});
    return lines;
  }
  std::uint32_t tag = 0;
  for (const crypto::SuiteId suite : policy.crypto.suites)
    lines.push_back({++tag, suite, new_key(suite, draw), false});
  return lines;
}

MediaEdit edit_of(const SentOffer::Medium& medium, const LocalMedia& local) {
  return {.protocol = name(medium.profile),
          .local = local.rtp,
          .local_rtcp = local.rtcp,
          .mux = medium.mux,
          .direction = medium.direction,
          .crypto = medium.crypto,
          .dtls = medium.dtls ? &*local.dtls : nullptr,
          .zrtp = medium.zrtp ? &*local.zrtp : nullptr,
          .keep_zrtp = medium.end_to_end,
          .ice = medium.ice ? &*local.ice : nullptr,
          .keep_feedback = has_feedback(medium.profile),
          .bundle = medium.carrier ? &*local.bundle : nullptr};
}

/// Whether the answer may put a medium into a bundle.
bool may_join(const SentOffer::Medium& sent) {
  return sent.ice && sent.dtls && sent.mux && sent.crypto.empty() && !sent.zrtp;
}

/// Whether a medium can be told from those that are in the bundle by its payload types. Browsers refuse
/// bundles in which one type means two codecs.
bool is_distinct(const Sdp& source, const SentOffer& offer, std::size_t index, std::size_t carrier) {
  const auto own = bundle_marks(source, index, "").payloads;
  for (std::size_t i = 0; i < offer.media.size(); ++i)
    if (offer.media[i].carrier == carrier && (bundle_marks(source, i, "").payloads & own).any()) return false;
  return true;
}

/// RFC 9143 §7.2: who is in a bundle, then who is offered to be. One alone has nobody to share with.
void offer_bundles(const Sdp& source, std::span<const LocalMedia> local, SentOffer& offer) {
  for (const bool apart : {false, true}) {
    for (std::size_t i = 0; i < local.size(); ++i) {
      SentOffer::Medium& sent = offer.media[i];
      const auto& bundle = local[i].bundle;
      if (!sent.active || !bundle || bundle->apart != apart) continue;
      if (apart && !(may_join(sent) && is_distinct(source, offer, i, bundle->carrier))) continue;
      sent.carrier = bundle->carrier;
      sent.apart = apart;
      sent.mid = bundle->mid;
    }
  }
  for (SentOffer::Medium& sent : offer.media) {
    if (!sent.apart || std::ranges::count(offer.media, sent.carrier, &SentOffer::Medium::carrier) > 1)
      continue;
    sent.carrier.reset();
    sent.apart = false;
    sent.mid.clear();
  }
}

/// Which ways to keys are offered: what the medium has, for it goes on; else the dearest, beside which others
/// can stand where the profile insists on none.
std::vector<KeyAgreement> offered_agreements(const MediaPolicy& policy, const LocalMedia& local) {
  if (policy.security == MediaSecurity::none) return {};
  const auto can = [&](KeyAgreement agreement) {
    if (agreement == KeyAgreement::zrtp) return local.zrtp.has_value();
    if (!policy.transport_secure) return false;
    return agreement == KeyAgreement::dtls ? local.dtls.has_value() : !policy.crypto.suites.empty();
  };
  std::vector<KeyAgreement> usable;
  std::ranges::copy_if(policy.agreements, std::back_inserter(usable), can);
  if (local.agreed && std::ranges::find(usable, *local.agreed) != usable.end()) return {*local.agreed};
  if (policy.security == MediaSecurity::required && usable.size() > 1) usable.resize(1);
  return usable;
}

/// What the leg is offered of one active medium.
SentOffer::Medium offered_medium(const RemoteMedia& medium, const MediaPolicy& policy,
                                 const LocalMedia& local, const crypto::Keying* established,
                                 const RandomSource& draw) {
  SentOffer::Medium sent;
  sent.kind = medium.kind;
  sent.active = true;
  sent.direction = medium.direction;
  sent.mux = policy.offer_mux || (local.bundle && !local.bundle->apart);
  sent.ice = local.ice.has_value();
  sent.end_to_end = medium.end_to_end && policy.carry_zrtp;
  const auto agreements = sent.end_to_end ? std::vector<KeyAgreement>() : offered_agreements(policy, local);
  for (const KeyAgreement agreement : agreements) {
    if (agreement == KeyAgreement::zrtp) sent.zrtp = true;
    if (agreement == KeyAgreement::dtls) {
      sent.dtls = true;
      sent.dtls_role = local.dtls_role;
    }
    if (agreement == KeyAgreement::sdes) sent.crypto = offered_lines(policy, established, draw);
  }
  std::optional<KeyAgreement> insists;
  if (policy.security == MediaSecurity::required && !agreements.empty()) insists = agreements.front();
  const bool passes = policy.feedback == FeedbackUse::pass ||
                      (policy.feedback == FeedbackUse::automatic && medium.kind == MediaKind::video);
  const bool feedback = passes ? has_feedback(medium.profile) : policy.feedback == FeedbackUse::on;
  sent.profile = rtp_profile(insists, feedback);
  return sent;
}

/// The key of an answer: the one in use while the peer's stays too, else a new one.
crypto::Keying answered_keying(const CryptoAttribute& offered, const crypto::Keying* established,
                               const RandomSource& draw) {
  const bool goes_on = established != nullptr && established->suite == offered.suite &&
                       established->unencrypted_srtcp == offered.unencrypted_srtcp &&
                       crypto::same_master_key(established->receive, offered.key);
  return {offered.suite, goes_on ? established->send.duplicate() : new_key(offered.suite, draw),
          offered.key.duplicate(), offered.unencrypted_srtcp};
}

AgreedMedia answered_medium(const RemoteMedia& offered, const AgreedMedia& other_leg,
                            const MediaPolicy& policy, const LocalMedia& local,
                            const crypto::Keying* established, const RandomSource& draw) {
  AgreedMedia agreed;
  if (!offered.active || !other_leg.active) return agreed;
  agreed.active = true;
  agreed.rtp = offered.rtp;
  agreed.mux = offered.mux && policy.accept_mux;
  if (!agreed.mux) agreed.rtcp = offered.rtcp;
  // The other leg's view is the view that we give this leg of ourselves; turned round it is this peer's.
  agreed.direction = both(offered.direction, reversed(other_leg.direction));
  agreed.clock_rate = other_leg.clock_rate;
  agreed.agreement = offered.agreement;
  if (offered.crypto) agreed.keying = answered_keying(*offered.crypto, established, draw);
  if (offered.dtls) {
    // Ours is the passive end where we may choose: a phone behind a NAT opens it towards us.
    const DtlsSetup ours = answer_to(offered.dtls->setup, local.dtls_role.value_or(DtlsSetup::passive));
    agreed.dtls = offered.dtls;
    agreed.dtls->setup = ours == DtlsSetup::active ? DtlsSetup::passive : DtlsSetup::active;
  }
  agreed.zrtp = offered.zrtp;
  agreed.end_to_end = offered.end_to_end && other_leg.end_to_end;
  if (local.ice) agreed.ice_fragment = offered.ice_fragment;
  if (local.bundle) agreed.bundle = offered.bundle;
  return agreed;
}

}  // namespace

SentOffer SentOffer::duplicate() const {
  SentOffer copy;
  copy.text = text;
  for (const Medium& medium : media) {
    SentOffer::Medium& its = copy.media.emplace_back();
    its = {medium.kind, medium.active,  medium.mux,       medium.profile, medium.direction,
           {},          medium.dtls,    medium.dtls_role, medium.zrtp,    medium.end_to_end,
           medium.ice,  medium.carrier, medium.apart,     medium.mid};
    for (const CryptoAttribute& line : medium.crypto) copy.media.back().crypto.push_back(line.duplicate());
  }
  return copy;
}

Result<SentOffer> write_offer(const Sdp& source, const RemoteOffer& read, const MediaPolicy& policy,
                              std::span<const LocalMedia> local, const LocalOrigin& origin,
                              const RandomSource& draw, EstablishedKeys established) {
  assert(read.media.size() == source.media_count() && local.size() == read.media.size());
  SentOffer offer;
  offer.media.resize(read.media.size());
  for (std::size_t i = 0; i < read.media.size(); ++i) {
    const RemoteMedia& medium = read.media[i];
    SentOffer::Medium& sent = offer.media[i];
    if (!medium.active) {
      sent.kind = medium.kind;
      continue;
    }
    sent = offered_medium(medium, policy, local[i], established_at(established, i), draw);
    const bool keyed = !sent.crypto.empty() || sent.dtls || sent.zrtp || sent.end_to_end;
    if (policy.security == MediaSecurity::required && !keyed)
      return fail(ErrorClass::refused, policy.transport_secure
                                           ? "the policy names no SRTP suite"
                                           : "SRTP keys need a secure signalling transport");
  }
  offer_bundles(source, local, offer);
  std::vector<MediaEdit> edits;
  for (std::size_t i = 0; i < read.media.size(); ++i)
    edits.push_back(offer.media[i].active ? edit_of(offer.media[i], local[i])
                                          : MediaEdit{.protocol = read.media[i].protocol});
  offer.text = write_sdp(source, origin, edits, policy.filter);
  return offer;
}

Result<SentAnswer> write_answer(const RemoteOffer& offer, const Sdp& source, const Agreement& agreed,
                                const MediaPolicy& policy, std::span<const LocalMedia> local,
                                const LocalOrigin& origin, const RandomSource& draw,
                                EstablishedKeys established) {
  if (offer.media.size() != agreed.media.size() || offer.media.size() != source.media_count())
    return fail(ErrorClass::internal, "SDP: the legs do not have the same media");
  assert(local.size() == offer.media.size());
  SentAnswer answer;
  std::vector<std::vector<CryptoAttribute>> lines(offer.media.size());
  std::vector<MediaEdit> edits;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const RemoteMedia& offered = offer.media[i];
    AgreedMedia medium =
        answered_medium(offered, agreed.media[i], policy, local[i], established_at(established, i), draw);
    MediaEdit edit{.protocol = offered.protocol};
    if ((medium.dtls && !local[i].dtls) || (medium.zrtp && !local[i].zrtp))
      return fail(ErrorClass::internal, "there is nothing to shake hands with");
    if (medium.active && offered.end_to_end && !medium.end_to_end &&
        policy.security == MediaSecurity::required)
      return fail(ErrorClass::refused, "SDP: SRTP is required, and the other end has no ZRTP");
    if (medium.active) {
      edit.local = local[i].rtp;
      edit.local_rtcp = local[i].rtcp;
      edit.mux = medium.mux;
      edit.direction = reversed(medium.direction);
      if (medium.keying)
        lines[i].push_back({offered.crypto->tag, medium.keying->suite, medium.keying->send.duplicate(),
                            medium.keying->unencrypted_srtcp});
      edit.crypto = lines[i];
      if (medium.dtls) {
        edit.dtls = &*local[i].dtls;
        edit.setup = medium.dtls->setup == DtlsSetup::active ? DtlsSetup::passive : DtlsSetup::active;
      }
      if (medium.zrtp) edit.zrtp = &*local[i].zrtp;
      edit.keep_zrtp = medium.end_to_end;
      if (!medium.ice_fragment.empty()) edit.ice = &*local[i].ice;
      edit.keep_feedback = has_feedback(offered.profile);
      if (local[i].bundle) edit.bundle = &*local[i].bundle;
    }
    edits.push_back(edit);
    answer.agreement.media.push_back(std::move(medium));
  }
  answer.text = write_sdp(source, origin, edits, policy.filter);
  return answer;
}

bool same_keys(const std::optional<crypto::Keying>& left, const std::optional<crypto::Keying>& right) {
  if (!left || !right) return left.has_value() == right.has_value();
  return left->suite == right->suite && crypto::same_master_key(left->send, right->send) &&
         crypto::same_master_key(left->receive, right->receive);
}

}  // namespace sallyport::sip
