// SPDX-License-Identifier: GPL-3.0-or-later
// Digest authentication of what users send.
#include "control/auth/authenticator.h"

#include <algorithm>
#include <span>

namespace sallyport::control {

namespace {

/// Credentials of our realm that are looked at in one request: more would be work for free.
constexpr std::size_t kMaxCredentials = 4;

sip::HeaderId credentials_header(AuthRole role) {
  return role == AuthRole::server ? sip::HeaderId::authorization : sip::HeaderId::proxy_authorization;
}

std::span<const crypto::DigestAlgorithm> offered(const AuthPolicy& policy) {
  const std::span all(policy.algorithms);
  return policy.challenge == ChallengeMode::single && !all.empty() ? all.first(1) : all;
}

QopSet qop_set(const AuthPolicy& policy) {
  QopSet set = 0;
  for (const crypto::Qop qop : policy.qops) set |= bit(qop);
  return set;
}

crypto::Qop qop_by_name(std::string_view text) {
  for (const crypto::Qop qop : {crypto::Qop::auth, crypto::Qop::auth_int})
    if (text == name(qop)) return qop;
  return crypto::Qop::none;
}

}  // namespace

/// What one request is judged by.
struct Authenticator::Candidate {
  sip::DigestCredentials credentials;
  Nonce nonce;
  crypto::Qop qop = crypto::Qop::none;
  std::string extended_name;  ///< of `username*`

  [[nodiscard]] std::string_view name() const {
    return credentials.username_extended.empty() ? credentials.username : std::string_view(extended_name);
  }
};

Authenticator::Authenticator(const UserDirectory& users, Limits& limits, const NonceKey& key,
                             std::uint32_t run)
    : users_(users), mint_(key, run), nonces_(limits), decoys_(key.view()) {}

Authentication Authenticator::check(const sip::Message& request, AuthRole role, const AuthPolicy& policy,
                                    std::uint64_t now_s) {
  const Authentication result = judge(request, role, policy, now_s);
  ++outcomes_[static_cast<std::size_t>(result.outcome)];
  return result;
}

Authentication Authenticator::judge(const sip::Message& request, AuthRole role, const AuthPolicy& policy,
                                    std::uint64_t now_s) {
  Candidate candidate;
  AuthOutcome outcome = find(request, role, policy, candidate);
  if (outcome == AuthOutcome::authenticated) outcome = check_terms(request, policy, candidate);
  if (outcome != AuthOutcome::authenticated) return {outcome};
  Authentication result = verify(request, candidate, policy);
  if (!result) return result;
  // Age and count come after the digest, so that only who knows the password learns of them or makes us
  // remember.
  outcome = AuthOutcome::stale_nonce;
  if (!mint_.is_old(candidate.nonce, now_s)) {
    const auto use = nonces_.use(candidate.nonce, candidate.credentials.nonce_count, now_s);
    if (use == NonceTable::Use::first) return result;
    if (use == NonceTable::Use::replayed) outcome = AuthOutcome::replayed;
  }
  return {outcome};
}

// The first credentials of our realm whose nonce is ours.
AuthOutcome Authenticator::find(const sip::Message& request, AuthRole role, const AuthPolicy& policy,
                                Candidate& candidate) const {
  AuthOutcome outcome = AuthOutcome::no_credentials;
  std::size_t looked_at = 0;
  for (const sip::Field field : request.fields(credentials_header(role))) {
    if (looked_at == kMaxCredentials) break;
    const auto credentials = sip::parse_credentials(field.value);
    if (!credentials) {
      ++looked_at;
      outcome = AuthOutcome::malformed;
      continue;
    }
    if (!credentials->is_digest() || credentials->realm != policy.realm) continue;
    ++looked_at;
    outcome = AuthOutcome::foreign_nonce;
    const auto nonce = mint_.read(credentials->nonce, policy.realm);
    if (!nonce) continue;
    candidate.credentials = *credentials;
    candidate.nonce = *nonce;
    return AuthOutcome::authenticated;
  }
  return outcome;
}

// Whether the credentials keep to what was offered; nothing here depends on who the user is.
AuthOutcome Authenticator::check_terms(const sip::Message& request, const AuthPolicy& policy,
                                       Candidate& candidate) {
  const sip::DigestCredentials& credentials = candidate.credentials;
  const crypto::DigestAlgorithm promised = candidate.nonce.terms.algorithm;
  // Without the parameter MD5 is meant (RFC 7616 §3.4), which then must have been offered.
  const auto algorithm = credentials.algorithm.empty()
                             ? crypto::DigestAlgorithm::md5
                             : crypto::digest_algorithm_by_name(credentials.algorithm);
  const auto allowed = offered(policy);
  if (!algorithm || *algorithm != promised || std::ranges::find(allowed, promised) == allowed.end())
    return AuthOutcome::algorithm_not_offered;
  candidate.qop = qop_by_name(credentials.qop);
  if ((bit(candidate.qop) & candidate.nonce.terms.qops & qop_set(policy)) == 0)
    return AuthOutcome::qop_not_offered;
  if (credentials.nonce_count == 0 || credentials.cnonce.empty()) return AuthOutcome::nonce_count_missing;
  if (policy.match_uri && credentials.uri != request.request_uri()) return AuthOutcome::wrong_uri;
  if (credentials.username_extended.empty()) return AuthOutcome::authenticated;
  auto decoded = sip::decode_extended(credentials.username_extended);
  if (!decoded) return AuthOutcome::malformed;
  candidate.extended_name = std::move(*decoded);
  return AuthOutcome::authenticated;
}

const User* Authenticator::find_user(const Candidate& candidate, const AuthPolicy& policy) const {
  const crypto::DigestAlgorithm algorithm = candidate.nonce.terms.algorithm;
  const User* user = nullptr;
  if (!candidate.credentials.userhash) {
    user = users_.by_credentials(candidate.name(), policy.realm);
  } else {
    user = users_.by_userhash(algorithm, candidate.name(), policy.realm);
    // Finding one takes a hash that not finding one does not.
    if (user == nullptr) (void)crypto::hash_user(algorithm, candidate.name(), policy.realm);
  }
  const bool usable =
      user != nullptr && user->enabled && !user->ha1[static_cast<std::size_t>(algorithm)].empty();
  return usable ? user : nullptr;
}

/// Stands in for the HA1 of a user who does not exist, and is computed for one who does as well.
crypto::Ha1 Authenticator::decoy(const Candidate& candidate, const AuthPolicy& policy) const {
  auto code = decoys_({"decoy", candidate.name(), policy.realm});
  const std::span all(code);
  crypto::Ha1 ha1(all.first(crypto::info(candidate.nonce.terms.algorithm).length));
  wipe(code.data(), code.size());
  return ha1;
}

Authentication Authenticator::verify(const sip::Message& request, const Candidate& candidate,
                                     const AuthPolicy& policy) const {
  const sip::DigestCredentials& credentials = candidate.credentials;
  const crypto::DigestAlgorithm algorithm = candidate.nonce.terms.algorithm;
  const crypto::Ha1 nobody = decoy(candidate, policy);
  const User* const user = find_user(candidate, policy);
  const crypto::Ha1& ha1 = user != nullptr ? user->ha1[static_cast<std::size_t>(algorithm)] : nobody;
  const crypto::HexHash expected =
      crypto::digest_response(algorithm, ha1,
                              {credentials.nonce, request.method_text(), credentials.uri, candidate.qop,
                               credentials.nonce_count_text, credentials.cnonce, request.body()});
  const bool right = crypto::digest_matches(expected, credentials.response);
  if (user == nullptr) return {AuthOutcome::unknown_user};
  if (!right) return {AuthOutcome::wrong_response};
  return {AuthOutcome::authenticated, user, algorithm};
}

unsigned Authenticator::status(AuthOutcome outcome, AuthRole role) {
  const unsigned status = info(outcome).status;
  return status == 401 && role == AuthRole::proxy ? 407 : status;
}

void Authenticator::challenge(sip::MessageWriter& response, AuthRole role, const AuthPolicy& policy,
                              AuthOutcome why, std::uint64_t now_s) {
  const QopSet qops = qop_set(policy);
  std::string qop_text;
  for (const crypto::Qop qop : policy.qops) qop_text.append(qop_text.empty() ? "" : ",").append(name(qop));
  const auto header =
      role == AuthRole::server ? sip::HeaderId::www_authenticate : sip::HeaderId::proxy_authenticate;
  for (const crypto::DigestAlgorithm algorithm : offered(policy)) {
    const auto expires_s = static_cast<std::uint32_t>(now_s + policy.nonce_lifetime_s);
    const std::string nonce = mint_.issue({algorithm, qops, expires_s}, policy.realm);
    sip::DigestChallenge challenge;
    challenge.scheme = "Digest";
    challenge.realm = policy.realm;
    challenge.nonce = nonce;
    challenge.algorithm = crypto::info(algorithm).name;
    challenge.qop = qop_text;
    challenge.stale = why == AuthOutcome::stale_nonce;
    challenge.userhash = policy.userhash;
    response.header(header, sip::write_challenge(challenge));
  }
}

}  // namespace sallyport::control
