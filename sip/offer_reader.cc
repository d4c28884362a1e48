// SPDX-License-Identifier: GPL-3.0-or-later
// Offer and answer, reading: what a peer wants or grants, judged by policy.
#include <algorithm>

#include "sip/offer_answer.h"
#include "sip/sdp_ice.h"

namespace sallyport::sip {

namespace {

/// A crypto line that policy lets us use, or why there is none.
struct Choice {
  std::optional<CryptoAttribute> chosen;
  std::size_t lines = 0;
  std::optional<CryptoFault> fault;  ///< of the first line that has one
  bool cut = false;                  ///< there are more lines than are looked at
};

std::size_t rank(const CryptoAttribute& attribute, const CryptoPolicy& policy) {
  return static_cast<std::size_t>(std::ranges::find(policy.suites, attribute.suite) - policy.suites.begin());
}

/// Our order of suites decides, and among equals the peer's order of lines.
Choice choose(const Sdp& sdp, std::size_t index, const CryptoPolicy& policy, const Limits& limits) {
  Choice choice;
  std::vector<std::uint32_t> tags;
  for (const SdpLine line : sdp.media_lines(index)) {
    if (line.type != 'a' || line.attribute != SdpAttribute::crypto) continue;
    if (choice.lines >= limits[Limit::sdp_crypto]) {
      choice.cut = true;
      break;
    }
    ++choice.lines;
    auto attribute = parse_crypto(line.argument);
    std::optional<CryptoFault> fault;
    if (!attribute)
      fault = attribute.error();
    else if (std::ranges::find(tags, attribute->tag) != tags.end())
      fault = CryptoFault::invalid_repeated_tag;
    else
      fault = check(*attribute, policy);
    if (attribute) tags.push_back(attribute->tag);
    if (fault) {
      if (!choice.fault) choice.fault = fault;
      continue;
    }
    if (!choice.chosen || rank(*attribute, policy) < rank(*choice.chosen, policy))
      choice.chosen = std::move(*attribute);
  }
  return choice;
}

Error no_crypto(const Choice& choice) {
  std::string reason = "SDP: no crypto attribute can be accepted";
  if (choice.fault)
    reason.append(": ").append(meaning(*choice.fault));
  else if (choice.lines == 0)
    reason = "SDP: a secure profile without a crypto attribute";
  return {ErrorClass::refused, std::move(reason)};
}

/// Takes the addresses over; an error makes the medium unusable.
Result<void> read_addresses(const Sdp& sdp, std::size_t index, RemoteMedia& medium) {
  const auto address = sdp.address(index);
  if (!address) return tl::unexpected(address.error());
  medium.mux = sdp.media_attribute(index, SdpAttribute::rtcp_mux).has_value();
  if (address->is_unspecified()) return {};
  const SdpMedia line = sdp.media(index);
  medium.rtp = Endpoint{*address, line.port};
  // RTCP can be done without: a place for it that makes no sense is as good as none.
  const auto rtcp = sdp.rtcp(index);
  if (rtcp && *rtcp && !(*rtcp)->address.is_unspecified() && (*rtcp)->address.is_v4() == address->is_v4() &&
      **rtcp != *medium.rtp)
    medium.rtcp = **rtcp;
  if (line.port == 65535 && !medium.rtcp && !medium.mux)
    return fail(ErrorClass::unsupported, "SDP: port 65535 leaves none for RTCP");
  return {};
}

Result<void> check_kind(const SdpMedia& line) {
  if (line.kind == MediaKind::other)
    return fail(ErrorClass::unsupported, "SDP: only audio and video are relayed");
  if (line.profile == RtpProfile::other)
    return fail(ErrorClass::unsupported, "SDP: this transport protocol is not supported");
  if (line.port_count != 1)
    return fail(ErrorClass::unsupported, "SDP: several ports for one medium are not supported");
  return {};
}

/// A fingerprint and a role that we can use; nothing where there is no DTLS at all.
Result<std::optional<PeerDtls>> read_dtls(const Sdp& sdp, std::size_t index, DtlsSetup standard) {
  const auto description = dtls_description(sdp, index);
  if (!description) return tl::unexpected(description.error());
  if (description->fingerprints.empty()) return std::optional<PeerDtls>();
  PeerDtls peer{description->setup.value_or(standard), description->fingerprints,
                std::string(description->tls_id)};
  if (peer.setup == DtlsSetup::holdconn)
    return fail(ErrorClass::unsupported, "SDP: setup:holdconn is not supported");
  return std::optional(std::move(peer));
}

/// The user name's half that tells one ICE session from the next; empty: the peer speaks none that we could
/// answer, for two lite agents have nothing to check (RFC 8445 §6.1.1).
Result<std::string> read_ice(const Sdp& sdp, std::size_t index, IceUse use) {
  if (use == IceUse::off) return std::string();
  const auto description = ice_description(sdp, index);
  if (!description) return tl::unexpected(description.error());
  const bool usable = description->has_ice() && !description->is_lite && !description->mismatches;
  return std::string(usable ? description->fragment : "");
}

bool allows(const MediaPolicy& policy, KeyAgreement agreement) {
  return std::ranges::find(policy.agreements, agreement) != policy.agreements.end();
}

Error no_agreement(const RemoteMedia& medium, const Choice& choice,
                   const Result<std::optional<PeerDtls>>& dtls, const MediaPolicy& policy) {
  const bool announces_dtls = !dtls || *dtls;
  if (is_dtls(medium.profile) || (announces_dtls && choice.lines == 0)) {
    if (!allows(policy, KeyAgreement::dtls))
      return {ErrorClass::refused, "SDP: the policy has no DTLS-SRTP here"};
    if (!dtls) return dtls.error();
    return {ErrorClass::refused, "SDP: DTLS-SRTP without a fingerprint"};
  }
  if (!is_secure(medium.profile) && choice.lines == 0) return {ErrorClass::refused, "SDP: SRTP is required"};
  if (choice.lines != 0 && !allows(policy, KeyAgreement::sdes))
    return {ErrorClass::refused, "SDP: the policy has no keys in descriptions here"};
  return no_crypto(choice);
}

/// ZRTP's announcement, where it is of any use: its profile insists on nothing.
Result<std::optional<HelloHash>> read_zrtp(const Sdp& sdp, std::size_t index, RtpProfile profile) {
  if (is_secure(profile)) return std::optional<HelloHash>();
  const auto hash = zrtp_hash(sdp, index);
  if (!hash) return tl::unexpected(hash.error());
  return *hash ? std::optional((*hash)->octets) : std::nullopt;
}

/// Takes the dearest of the ways that are there; false if there is none.
bool choose_agreement(const MediaPolicy& policy, Choice& choice, Result<std::optional<PeerDtls>>& dtls,
                      const std::optional<HelloHash>& zrtp, RemoteMedia& medium) {
  for (const KeyAgreement agreement : policy.agreements) {
    const bool protects = policy.transport_secure || agreement == KeyAgreement::zrtp;
    if (!protects) continue;
    medium.agreement = agreement;
    switch (agreement) {
      case KeyAgreement::sdes:
        if (!choice.chosen || is_dtls(medium.profile)) break;
        medium.crypto = std::move(choice.chosen);
        return true;
      case KeyAgreement::dtls:
        if (!dtls || !*dtls) break;
        medium.dtls = std::move(*dtls);
        return true;
      case KeyAgreement::zrtp:
        if (!zrtp) break;
        medium.zrtp = zrtp;
        return true;
    }
  }
  medium.agreement.reset();
  return false;
}

/// Chooses the keying of an offered medium, as policy has it.
Result<void> read_security(const Sdp& sdp, std::size_t index, const MediaPolicy& policy, const Limits& limits,
                           RemoteOffer& offer) {
  RemoteMedia& medium = offer.media[index];
  const bool secure = is_secure(medium.profile);
  const auto zrtp = read_zrtp(sdp, index, medium.profile);
  if (!zrtp && (policy.carry_zrtp || allows(policy, KeyAgreement::zrtp))) return tl::unexpected(zrtp.error());
  medium.end_to_end = policy.carry_zrtp && *zrtp;
  if (medium.end_to_end) return {};
  if (policy.security == MediaSecurity::none)
    return secure ? Result<void>(fail(ErrorClass::refused, "SDP: the policy has no SRTP here"))
                  : Result<void>();
  Choice choice = choose(sdp, index, policy.crypto, limits);
  if (choice.cut) offer.exceeded = Limit::sdp_crypto;
  auto dtls = read_dtls(sdp, index, DtlsSetup::active);  // RFC 4145 §4: what an offer without a=setup means
  if (choose_agreement(policy, choice, dtls, zrtp ? *zrtp : std::nullopt, medium)) return {};
  if (!secure && policy.security == MediaSecurity::preferred) return {};
  // The answer would carry a key of ours in the clear.
  if (!policy.transport_secure)
    return fail(ErrorClass::refused, "SDP: SRTP keys need a secure signalling transport");
  return tl::unexpected(no_agreement(medium, choice, dtls, policy));
}

Result<void> read_medium(const Sdp& sdp, std::size_t index, const MediaPolicy& policy, const Limits& limits,
                         RemoteOffer& offer) {
  RemoteMedia& medium = offer.media[index];
  if (auto kind = check_kind(sdp.media(index)); !kind) return kind;
  if (auto addresses = read_addresses(sdp, index, medium); !addresses) return addresses;
  auto ice = read_ice(sdp, index, policy.ice);
  if (!ice) return tl::unexpected(ice.error());
  medium.ice_fragment = std::move(*ice);
  if (!medium.ice_fragment.empty()) medium.direction = sdp.stated_direction(index);
  return read_security(sdp, index, policy, limits, offer);
}

/// Whether others may share the transport of a medium (RemoteMedia or AgreedMedia).
template <typename Media>
bool carries(const Media& tagged) {
  return tagged.active && tagged.mux && !tagged.ice_fragment.empty() &&
         tagged.agreement == KeyAgreement::dtls;
}

/// A medium whose transport is another's: of its own lines only those count that are about the medium.
Result<void> read_bundled(const Sdp& sdp, std::size_t index, const RemoteMedia& tagged, RemoteMedia& medium) {
  if (auto kind = check_kind(sdp.media(index)); !kind) return kind;
  if (!is_secure(medium.profile)) return fail(ErrorClass::refused, "SDP: SRTP is required");
  medium.rtp = tagged.rtp;
  medium.rtcp = tagged.rtcp;
  medium.mux = true;
  medium.agreement = tagged.agreement;
  medium.dtls = tagged.dtls;
  medium.ice_fragment = tagged.ice_fragment;
  medium.direction = sdp.stated_direction(index);
  return {};
}

/// RFC 4568 §5.1.3: one line, with the tag and suite of a line that was offered, and a key of its own.
Result<std::optional<crypto::Keying>> read_answered_keys(const Sdp& answer, std::size_t index,
                                                         const SentOffer::Medium& sent,
                                                         const CryptoPolicy& policy) {
  std::optional<std::string_view> argument;
  for (const SdpLine line : answer.media_lines(index)) {
    if (line.type != 'a' || line.attribute != SdpAttribute::crypto) continue;
    if (argument) return fail(ErrorClass::malformed, "SDP: an answer with several crypto attributes");
    argument = line.argument;
  }
  if (!argument) return std::optional<crypto::Keying>();
  auto attribute = parse_crypto(*argument);
  const auto fault = attribute ? check(*attribute, policy) : attribute.error();
  if (fault)
    return fail(ErrorClass::refused,
                "SDP: the answer's crypto attribute cannot be accepted: " + std::string(meaning(*fault)));
  const auto offered = std::ranges::find(sent.crypto, attribute->tag, &CryptoAttribute::tag);
  if (offered == sent.crypto.end() || offered->suite != attribute->suite ||
      offered->unencrypted_srtcp != attribute->unencrypted_srtcp)
    return fail(ErrorClass::refused, "SDP: the answer's crypto attribute was not offered");
  for (const CryptoAttribute& ours : sent.crypto)
    if (crypto::same_master_key(ours.key, attribute->key))
      return fail(ErrorClass::refused, "SDP: the answer has a key of the offer");
  return crypto::Keying{attribute->suite, offered->key.duplicate(), std::move(attribute->key),
                        attribute->unencrypted_srtcp};
}

/// Whether the answer's profile is one that can follow from ours. To a best-effort offer of RTP/AVP with keys
/// some answer with the secure profile; whether it ends with F is not worth a call (RFC 8829 §5.1.2).
bool fits(RtpProfile offered, RtpProfile answered, std::optional<KeyAgreement> agreement) {
  if (is_dtls(answered) != is_dtls(offered))
    return is_dtls(answered) && !is_secure(offered) && agreement == KeyAgreement::dtls;
  return is_secure(answered) == is_secure(offered) || (is_secure(answered) && agreement.has_value());
}

/// What the answer says of keys goes into `agreed`.
Result<void> read_answered_security(const SentOffer::Medium& sent, const Sdp& answer, std::size_t index,
                                    const MediaPolicy& policy, AgreedMedia& agreed) {
  if (!sent.crypto.empty()) {
    auto keying = read_answered_keys(answer, index, sent, policy.crypto);
    if (!keying) return tl::unexpected(keying.error());
    agreed.keying = std::move(*keying);
    if (agreed.keying) agreed.agreement = KeyAgreement::sdes;
  }
  if (sent.dtls && !agreed.agreement) {
    auto dtls = read_dtls(answer, index, DtlsSetup::passive);  // RFC 4145 §4
    if (!dtls) return tl::unexpected(dtls.error());
    // baresip answers a re-offer with the actpass that it once offered, and means the role that it has.
    if (*dtls && (*dtls)->setup == DtlsSetup::actpass && sent.dtls_role)
      (*dtls)->setup = answer_to(*sent.dtls_role, DtlsSetup::active);
    if (*dtls && !fits((*dtls)->setup, DtlsSetup::actpass))
      return fail(ErrorClass::refused, "SDP: the answer's setup does not follow from actpass");
    agreed.dtls = std::move(*dtls);
    if (agreed.dtls) agreed.agreement = KeyAgreement::dtls;
  }
  if ((sent.zrtp || sent.end_to_end) && !agreed.agreement) {
    const auto zrtp = read_zrtp(answer, index, answer.media(index).profile);
    if (!zrtp) return tl::unexpected(zrtp.error());
    agreed.end_to_end = sent.end_to_end && *zrtp;
    if (sent.zrtp) agreed.zrtp = *zrtp;
    if (agreed.zrtp) agreed.agreement = KeyAgreement::zrtp;
  }
  if (!fits(sent.profile, answer.media(index).profile, agreed.agreement))
    return fail(ErrorClass::refused, "SDP: the answer's transport protocol is not the offer's");
  if (agreed.agreement || agreed.end_to_end ||
      (!is_secure(sent.profile) && policy.security != MediaSecurity::required))
    return {};
  return fail(ErrorClass::refused, sent.dtls && sent.crypto.empty()
                                       ? "SDP: the answer has no fingerprint"
                                       : "SDP: the answer has no crypto attribute");
}

/// What an answer says of the medium, whose transport is described there or elsewhere.
Result<AgreedMedia> read_answered_medium(const SentOffer::Medium& sent, const Sdp& answer,
                                         std::size_t index) {
  const SdpMedia line = answer.media(index);
  AgreedMedia agreed;
  if (line.kind != sent.kind)
    return fail(ErrorClass::malformed, "SDP: the answer's media are not the offer's");
  if (line.port == 0) return agreed;
  if (!sent.active) return fail(ErrorClass::malformed, "SDP: the answer takes a medium that was not offered");
  if (auto kind = check_kind(line); !kind) return tl::unexpected(kind.error());
  agreed.active = true;
  agreed.clock_rate = answer.clock_rate(index);
  return agreed;
}

/// One that has the transport of `tagged`, as it was offered.
Result<AgreedMedia> read_answered_bundled(const SentOffer::Medium& sent, const Sdp& answer, std::size_t index,
                                          const AgreedMedia& tagged) {
  auto read = read_answered_medium(sent, answer, index);
  if (!read || !read->active) return read;
  AgreedMedia& agreed = *read;
  if (!carries(tagged))
    return fail(ErrorClass::refused, "SDP: the answer bundles without ICE, DTLS or rtcp-mux");
  if (!fits(sent.profile, answer.media(index).profile, tagged.agreement))
    return fail(ErrorClass::refused, "SDP: the answer's transport protocol is not the offer's");
  agreed.rtp = tagged.rtp;
  agreed.mux = tagged.mux;
  agreed.agreement = tagged.agreement;
  agreed.dtls = tagged.dtls;
  agreed.ice_fragment = tagged.ice_fragment;
  agreed.direction = both(answer.stated_direction(index), reversed(sent.direction));
  return read;
}

Result<AgreedMedia> read_answered(const SentOffer::Medium& sent, const Sdp& answer, std::size_t index,
                                  const MediaPolicy& policy) {
  const SdpMedia line = answer.media(index);
  auto read = read_answered_medium(sent, answer, index);
  if (!read || !read->active) return read;
  AgreedMedia& agreed = *read;
  RemoteMedia remote;
  if (auto addresses = read_addresses(answer, index, remote); !addresses)
    return tl::unexpected(addresses.error());
  if (auto security = read_answered_security(sent, answer, index, policy, agreed); !security)
    return tl::unexpected(security.error());
  if (sent.ice) {
    auto ice = read_ice(answer, index, policy.ice);
    if (!ice) return tl::unexpected(ice.error());
    agreed.ice_fragment = std::move(*ice);
  }
  agreed.mux = remote.mux && sent.mux;
  agreed.rtp = remote.rtp;
  if (!agreed.mux) agreed.rtcp = remote.rtcp;
  if (!agreed.mux && !agreed.rtcp && line.port == 65535)
    return fail(ErrorClass::unsupported, "SDP: port 65535 leaves none for RTCP");
  const Direction answered =
      agreed.ice_fragment.empty() ? answer.direction(index) : answer.stated_direction(index);
  agreed.direction = both(answered, reversed(sent.direction));
  return read;
}

/// By what a bundled medium's packets are known. Of an extension that is kept from the ends no packet may
/// tell.
BundledMedium bundled_medium(const Sdp& sdp, std::size_t index, std::size_t tagged, std::string_view mid,
                             const MediaPolicy& policy) {
  BundledMedium bundled{tagged, bundle_marks(sdp, index, mid)};
  if (!policy.filter.keep_extensions) bundled.marks.mid_extension = 0;
  return bundled;
}

/// Whether what an answer makes of a medium's transport can follow from the offer.
Result<void> check_place(const SentOffer& sent, const Sdp& answer, std::size_t index,
                         const BundlePlace& place) {
  const SentOffer::Medium& medium = sent.media[index];
  const bool has_joined = medium.carrier && !medium.apart;
  if (!place.tagged)
    // A transport that is shared stays so: no other is open for the medium.
    return has_joined && answer.media(index).port != 0
               ? Result<void>(fail(ErrorClass::refused, "SDP: the answer takes a medium out of its bundle"))
               : Result<void>();
  const SentOffer::Medium& tagged = sent.media[*place.tagged];
  if (tagged.carrier != medium.carrier)
    return fail(ErrorClass::malformed, "SDP: the answer bundles media that were not offered together");
  if (has_joined && tagged.apart)
    return fail(ErrorClass::refused, "SDP: the answer takes a bundle to another transport");
  return {};
}

/// Which media are offered to share transports, and may.
std::vector<BundlePlace> offered_places(const Sdp& sdp, const MediaPolicy& policy,
                                        const std::vector<bool>& apart) {
  if (policy.bundle == BundleUse::off) return std::vector<BundlePlace>(sdp.media_count());
  auto places = bundle_places(sdp);
  const auto is_apart = [&](std::size_t i) { return i < apart.size() && apart[i]; };
  for (std::size_t i = 0; i < places.size(); ++i)
    if (is_apart(i) || (places[i].tagged && is_apart(*places[i].tagged))) places[i].tagged.reset();
  return places;
}

/// What its lines say that is judged by nobody.
void describe(const Sdp& sdp, std::size_t index, RemoteMedia& medium) {
  const SdpMedia line = sdp.media(index);
  medium.kind = line.kind;
  medium.profile = line.profile;
  medium.protocol = line.protocol;
  medium.clock_rate = sdp.clock_rate(index);
  if (line.port != 0) medium.direction = sdp.direction(index);
}

}  // namespace

Result<RemoteOffer> read_offer(const Sdp& sdp, const MediaPolicy& policy, const Limits& limits,
                               const std::vector<bool>& apart) {
  RemoteOffer offer;
  offer.media.resize(sdp.media_count());
  const auto places = offered_places(sdp, policy, apart);
  std::optional<Error> first_refusal;
  const auto read = [&](std::size_t i, const RemoteMedia* tagged) {
    RemoteMedia& medium = offer.media[i];
    const auto judged = tagged != nullptr ? read_bundled(sdp, i, *tagged, medium)
                                          : read_medium(sdp, i, policy, limits, offer);
    medium.active = judged.has_value();
    if (judged) return;
    medium.refusal = judged.error().text;
    if (!first_refusal) first_refusal = judged.error();
  };
  // Those that describe a transport first, whoever shares it.
  for (const bool describing : {true, false}) {
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
      const BundlePlace& place = places[i];
      const std::size_t tagged = place.tagged.value_or(i);
      if ((tagged == i) != describing) continue;
      describe(sdp, i, offer.media[i]);
      const bool is_bundled = place.tagged && (describing || carries(offer.media[tagged]));
      if (sdp.media(i).port == 0 && !(is_bundled && place.only)) continue;
      read(i, is_bundled && !describing ? &offer.media[tagged] : nullptr);
      if (is_bundled && carries(offer.media[tagged]))
        offer.media[i].bundle = bundled_medium(sdp, i, tagged, place.mid, policy);
    }
  }
  const bool any = std::ranges::any_of(offer.media, &RemoteMedia::active);
  if (!any && first_refusal) return tl::unexpected(std::move(*first_refusal));
  return offer;
}

bool can_take(const Sdp& sdp, std::size_t medium, const MediaPolicy& policy, const Limits& limits) {
  RemoteOffer alone;
  alone.media.resize(medium + 1);
  describe(sdp, medium, alone.media[medium]);
  return read_medium(sdp, medium, policy, limits, alone).has_value();
}

Result<Agreement> read_answer(const SentOffer& sent, const Sdp& answer, const MediaPolicy& policy) {
  if (answer.media_count() != sent.media.size())
    return fail(ErrorClass::malformed, "SDP: the answer has not as many media as the offer");
  std::vector<std::string_view> mids;
  for (const SentOffer::Medium& medium : sent.media) mids.push_back(medium.mid);
  const auto places = answered_places(answer, mids);
  if (!places) return tl::unexpected(places.error());
  Agreement agreement;
  agreement.media.resize(sent.media.size());
  // Those that describe a transport first, whoever shares it.
  for (const bool describing : {true, false}) {
    for (std::size_t i = 0; i < sent.media.size(); ++i) {
      const BundlePlace& place = (*places)[i];
      const std::size_t tagged = place.tagged.value_or(i);
      if ((tagged == i) != describing) continue;
      if (auto placed = check_place(sent, answer, i, place); !placed) return tl::unexpected(placed.error());
      auto agreed = describing ? read_answered(sent.media[i], answer, i, policy)
                               : read_answered_bundled(sent.media[i], answer, i, agreement.media[tagged]);
      if (!agreed) return tl::unexpected(std::move(agreed.error()));
      if (place.tagged && carries(*agreed))
        agreed->bundle = bundled_medium(answer, i, tagged, place.mid, policy);
      agreement.media[i] = std::move(*agreed);
    }
  }
  return agreement;
}

}  // namespace sallyport::sip
