// SPDX-License-Identifier: GPL-3.0-or-later
// Challenges go out without a trace here; right answers come back with a name.
#include "control/signalling/gatekeeper.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/random.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace sallyport::control {

namespace {

NonceKey new_nonce_key() {
  auto octets = random_value<std::array<std::uint8_t, kNonceKeyLength>>();
  NonceKey key(octets);
  wipe(octets.data(), octets.size());
  return key;
}

}  // namespace

Gatekeeper::Gatekeeper(Signalling& signalling, const UserDirectory& users, Trunks& trunks, Limits& limits,
                       const AuthPolicy& policy, const CallsConfig& calls)
    : signalling_(signalling),
      users_(users),
      trunks_(trunks),
      policy_(policy),
      calls_(calls),
      authenticator_(users, limits, new_nonce_key(), random_value<std::uint32_t>()),
      trunk_authenticator_(trunks.inbound_users(), limits, new_nonce_key(), random_value<std::uint32_t>()) {}

// A listener may ask otherwise than the rest, and a user may have been given algorithms of its own: for
// phones that stumble over what they do not know. From names who is asked, which proves nothing yet.
AuthPolicy Gatekeeper::policy_for(const sip::Message& request, const sip::Hop& hop) const {
  const std::optional<AuthPolicy>& of_listener = signalling_.config().listeners[hop.listener].auth;
  AuthPolicy policy = of_listener.value_or(policy_);
  policy.realm = policy_.realm;
  const auto from = request.from();
  const auto uri = from ? from->parsed_uri() : Result<sip::Uri>(fail(ErrorClass::malformed, {}));
  const User* const user = uri ? users_.by_aor(sip::address_of_record(*uri)) : nullptr;
  if (user == nullptr) return policy;
  if (!user->algorithms.empty()) {
    policy.algorithms = user->algorithms;
    return policy;
  }
  // Of a password that is older than the policy, not all digests are there.
  std::vector<crypto::DigestAlgorithm> usable;
  std::ranges::copy_if(policy.algorithms, std::back_inserter(usable),
                       [user](crypto::DigestAlgorithm algorithm) { return user->has_digest(algorithm); });
  if (!usable.empty()) policy.algorithms = std::move(usable);
  return policy;
}

TrunkPtr Gatekeeper::trunk_of(const sip::Hop& hop) const {
  return trunks_.recognize(hop, signalling_.transport().peer(hop.connection));
}

std::optional<Caller> Gatekeeper::identify(sip::ServerTransactionId id, const sip::Message& request,
                                           const sip::Hop& hop) {
  TrunkPtr trunk = trunk_of(hop);
  if (trunk == nullptr && calls_.guests && is_from_elsewhere(request)) return Caller{};
  if (trunk == nullptr) return prove(id, request, hop, AuthRole::proxy);
  if (trunk->state() == TrunkState::disabled) {
    signalling_.respond_and_forget(id, signalling_.response(id, 403, "Trunk Is Disabled"));
    return std::nullopt;
  }
  if (!trunk->config().inbound_auth) return Caller{nullptr, std::move(trunk), std::nullopt};
  auto caller = judge(id, request, AuthRole::proxy, trunk_authenticator_, *trunk->config().inbound_auth);
  if (!caller) return std::nullopt;
  if (trunks_.of_inbound_user(*caller->user) != trunk) {
    signalling_.respond_and_forget(id, signalling_.response(id, 403));
    return std::nullopt;
  }
  return Caller{nullptr, std::move(trunk), caller->algorithm};
}

/// Nobody who says that he is one of ours is taken for a guest.
bool Gatekeeper::is_from_elsewhere(const sip::Message& request) const {
  const auto from = request.from();
  const auto uri = from ? from->parsed_uri() : Result<sip::Uri>(fail(ErrorClass::malformed, {}));
  return uri && std::ranges::none_of(signalling_.config().domains, [&](const std::string& domain) {
           return sip::text::equal_ignoring_case(domain, uri->host);
         });
}

std::optional<Caller> Gatekeeper::prove(sip::ServerTransactionId id, const sip::Message& request,
                                        const sip::Hop& hop, AuthRole role) {
  return judge(id, request, role, authenticator_, policy_for(request, hop));
}

std::optional<Caller> Gatekeeper::judge(sip::ServerTransactionId id, const sip::Message& request,
                                        AuthRole role, Authenticator& authenticator,
                                        const AuthPolicy& policy) {
  const std::uint64_t now_s = signalling_.now() / 1000;
  const Authentication result = authenticator.check(request, role, policy, now_s);
  if (result) return Caller{result.user, nullptr, result.algorithm};
  const unsigned status = Authenticator::status(result.outcome, role);
  const bool is_challenge = status == 401 || status == 407;
  sip::MessageWriter writer =
      signalling_.response(id, status, is_challenge ? std::string_view() : info(result.outcome).meaning);
  if (is_challenge) authenticator.challenge(writer, role, policy, result.outcome, now_s);
  signalling_.respond_and_forget(id, std::move(writer));
  return std::nullopt;
}

}  // namespace sallyport::control
