// SPDX-License-Identifier: GPL-3.0-or-later
// Offer and answer, reading: what a peer wants or grants, judged by policy.
#include <algorithm>

#include "sip/offer_answer.h"

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

/// Chooses the keying of an offered medium, as policy has it.
Result<void> read_security(const Sdp& sdp, std::size_t index, const MediaPolicy& policy, const Limits& limits,
                           RemoteOffer& offer) {
  RemoteMedia& medium = offer.media[index];
  const bool secure = is_secure(medium.profile);
  if (policy.security == MediaSecurity::none)
    return secure ? Result<void>(fail(ErrorClass::refused, "SDP: the policy has no SRTP here"))
                  : Result<void>();
  if (!policy.transport_secure) {
    // The answer would carry a key of ours in the clear.
    if (secure || policy.security == MediaSecurity::required)
      return fail(ErrorClass::refused, "SDP: SRTP keys need a secure signalling transport");
    return {};
  }
  Choice choice = choose(sdp, index, policy.crypto, limits);
  if (choice.cut) offer.exceeded = Limit::sdp_crypto;
  if (choice.chosen) {
    medium.crypto = std::move(choice.chosen);
    return {};
  }
  if (!secure && policy.security == MediaSecurity::preferred) return {};
  if (!secure && choice.lines == 0) return fail(ErrorClass::refused, "SDP: SRTP is required");
  return tl::unexpected(no_crypto(choice));
}

Result<void> read_medium(const Sdp& sdp, std::size_t index, const MediaPolicy& policy, const Limits& limits,
                         RemoteOffer& offer) {
  RemoteMedia& medium = offer.media[index];
  if (auto kind = check_kind(sdp.media(index)); !kind) return kind;
  if (auto addresses = read_addresses(sdp, index, medium); !addresses) return addresses;
  return read_security(sdp, index, policy, limits, offer);
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
/// some answer with the secure profile.
bool fits(RtpProfile offered, RtpProfile answered, bool keyed) {
  if (offered == answered) return true;
  return keyed && !is_secure(offered) && answered == secured(offered, true);
}

Result<AgreedMedia> read_answered(const SentOffer::Medium& sent, const Sdp& answer, std::size_t index,
                                  const MediaPolicy& policy) {
  const SdpMedia line = answer.media(index);
  AgreedMedia agreed;
  if (line.kind != sent.kind)
    return fail(ErrorClass::malformed, "SDP: the answer's media are not the offer's");
  if (line.port == 0) return agreed;
  if (!sent.active) return fail(ErrorClass::malformed, "SDP: the answer takes a medium that was not offered");
  if (auto kind = check_kind(line); !kind) return tl::unexpected(kind.error());
  RemoteMedia remote;
  if (auto addresses = read_addresses(answer, index, remote); !addresses)
    return tl::unexpected(addresses.error());
  if (!sent.crypto.empty()) {
    auto keying = read_answered_keys(answer, index, sent, policy.crypto);
    if (!keying) return tl::unexpected(keying.error());
    agreed.keying = std::move(*keying);
  }
  if (!fits(sent.profile, line.profile, agreed.keying.has_value()))
    return fail(ErrorClass::refused, "SDP: the answer's transport protocol is not the offer's");
  if (!agreed.keying && (is_secure(sent.profile) || policy.security == MediaSecurity::required))
    return fail(ErrorClass::refused, "SDP: the answer has no crypto attribute");
  agreed.active = true;
  agreed.mux = remote.mux && sent.mux;
  agreed.rtp = remote.rtp;
  if (!agreed.mux) agreed.rtcp = remote.rtcp;
  if (!agreed.mux && !agreed.rtcp && line.port == 65535)
    return fail(ErrorClass::unsupported, "SDP: port 65535 leaves none for RTCP");
  agreed.direction = both(answer.direction(index), reversed(sent.direction));
  agreed.clock_rate = answer.clock_rate(index);
  return agreed;
}

}  // namespace

Result<RemoteOffer> read_offer(const Sdp& sdp, const MediaPolicy& policy, const Limits& limits) {
  RemoteOffer offer;
  offer.media.resize(sdp.media_count());
  std::optional<Error> first_refusal;
  bool any = false;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    RemoteMedia& medium = offer.media[i];
    const SdpMedia line = sdp.media(i);
    medium.kind = line.kind;
    medium.profile = line.profile;
    medium.protocol = line.protocol;
    if (line.port == 0) continue;
    medium.direction = sdp.direction(i);
    medium.clock_rate = sdp.clock_rate(i);
    const auto read = read_medium(sdp, i, policy, limits, offer);
    medium.active = read.has_value();
    any = any || medium.active;
    if (read) continue;
    medium.refusal = read.error().text;
    if (!first_refusal) first_refusal = read.error();
  }
  if (!any && first_refusal) return tl::unexpected(std::move(*first_refusal));
  return offer;
}

Result<Agreement> read_answer(const SentOffer& sent, const Sdp& answer, const MediaPolicy& policy) {
  if (answer.media_count() != sent.media.size())
    return fail(ErrorClass::malformed, "SDP: the answer has not as many media as the offer");
  Agreement agreement;
  for (std::size_t i = 0; i < sent.media.size(); ++i) {
    auto agreed = read_answered(sent.media[i], answer, i, policy);
    if (!agreed) return tl::unexpected(std::move(agreed.error()));
    agreement.media.push_back(std::move(*agreed));
  }
  return agreement;
}

}  // namespace sallyport::sip
