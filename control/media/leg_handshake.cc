// SPDX-License-Identifier: GPL-3.0-or-later
// From descriptions to handshakes, and from handshakes to a relay.
#include "control/media/leg_handshake.h"

#include <algorithm>

namespace sallyport::control {

namespace {

/// RFC 8842 §4: at least 120 bits, in base64's letters.
constexpr std::size_t kTlsIdLength = 24;

std::string make_tls_id(const sip::RandomSource& draw) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, kTlsIdLength> octets{};
  draw(octets);
  std::string id;
  for (const std::uint8_t octet : octets) id += kLetters[octet & 63U];
  return id;
}

void apply_keys(const LegHandshake& handshake, LegSpec& spec) {
  const auto& [rtp, rtcp] = handshake.keys;
  spec.keying = rtp ? std::optional(rtp->duplicate()) : std::nullopt;
  spec.rtcp_keying = rtcp && rtp && !spec.mux ? std::optional(rtcp->duplicate()) : std::nullopt;
  spec.awaits_keys = {!rtp, spec.mux || handshake.keys_for_both ? !rtp : !spec.rtcp_keying};
}

/// Media goes where ICE says and nowhere else.
void apply_nominations(const LegHandshake& handshake, bool keyed, LegSpec& spec) {
  const auto& [rtp, rtcp] = handshake.nominated;
  spec.remote = rtp;
  spec.remote_rtcp = rtp && !spec.mux ? rtcp : std::nullopt;
  spec.signalling_peer = IpAddress();
  if (keyed) {
    spec.policy = dataplane::SourcePolicy::verified;
    return;
  }
  // In clear, nobody but the nominated is listened to.
  spec.policy = rtp ? dataplane::SourcePolicy::signalled : dataplane::SourcePolicy::latch;
  spec.awaits_keys.fill(!rtp);
}

}  // namespace

bool is_new_association(const LegHandshake& leg, const sip::PeerDtls& peer) {
  if (!leg.peer) return true;
  if (peer.tls_id != leg.peer->tls_id) return true;
  if (peer.setup != sip::DtlsSetup::actpass && peer.setup != leg.peer->setup) return true;
  return !std::ranges::is_permutation(peer.fingerprints, leg.peer->fingerprints);
}

Result<void> plan_terms(LegHandshake& leg, const TermsWanted& wanted, Handshakes& handshakes,
                        const sip::RandomSource& draw) {
  const LegTerms none;
  const LegTerms& before = leg.terms ? *leg.terms : none;
  const bool same_dtls = wanted.dtls == (before.identity != nullptr) && !wanted.new_association;
  const bool same_zrtp = wanted.zrtp == before.hello_hash.has_value() && !wanted.new_exchange;
  const bool same_ice = wanted.ice == before.has_ice() && !wanted.ice_restart;
  leg.planned_zrtp.reset();
  leg.planned = leg.terms;
  if (leg.terms && same_dtls && same_zrtp && same_ice) return {};
  auto terms = std::make_shared<LegTerms>();
  if (wanted.dtls && same_dtls) {
    terms->identity = before.identity;
    terms->tls_id = before.tls_id;
  } else if (wanted.dtls) {
    auto identity = handshakes.identity();
    if (!identity) return tl::unexpected(identity.error());
    terms->identity = std::move(*identity);
    terms->tls_id = make_tls_id(draw);
  }
  if (wanted.zrtp && same_zrtp) {
    terms->hello_hash = before.hello_hash;
  } else if (wanted.zrtp) {
    auto association = handshakes.make_zrtp(wanted.peer_hello, wanted.far_uri, wanted.peer_uri);
    if (!association) return tl::unexpected(association.error());
    terms->hello_hash = (*association)->hello_hash();
    leg.planned_zrtp = std::move(*association);
  }
  if (wanted.ice && same_ice)
    terms->ice = before.ice.duplicate();
  else if (wanted.ice)
    terms->ice = wanted.ice_like != nullptr ? wanted.ice_like->duplicate() : keying::make_ice_credentials();
  leg.planned = std::move(terms);
  return {};
}

void apply(const LegHandshake& handshake, LegSpec& spec) {
  if (!handshake.agreed) return;
  const bool shakes = handshake.has_dtls() || handshake.has_zrtp();
  if (shakes) apply_keys(handshake, spec);
  if (handshake.has_ice()) apply_nominations(handshake, shakes || spec.keying, spec);
}

}  // namespace sallyport::control
