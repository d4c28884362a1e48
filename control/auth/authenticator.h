// SPDX-License-Identifier: GPL-3.0-or-later
// Authenticator: challenges requests and judges their answers (RFC 3261 §22, RFC 7616, RFC 8760).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/auth/nonce.h"
#include "control/config/limit_table.h"
#include "control/subscribers/user_directory.h"
#include "crypto/digest.h"
#include "crypto/hmac_sha256.h"
#include "sip/digest_header.h"
#include "sip/message.h"
#include "sip/writer.h"

namespace sallyport::control {

/// Whether a 401 lists all algorithms of the policy or only the first: many clients read one header alone.
enum class ChallengeMode : std::uint8_t { all, single };

/// What is asked of whom: of a listener's requests, of a user's, of a trunk's.
struct AuthPolicy {
  std::string realm;
  /// In the order in which they are offered. RFC 8760 §2.4 would have the strongest first; SHA-512-256 makes
  /// most clients give up, and MD5 before SHA-256 makes others choose it.
  std::vector<crypto::DigestAlgorithm> algorithms = {crypto::DigestAlgorithm::sha_256,
                                                     crypto::DigestAlgorithm::md5};
  ChallengeMode challenge = ChallengeMode::all;
  std::vector<crypto::Qop> qops = {crypto::Qop::auth};  ///< at least one; never `none`
  std::uint32_t nonce_lifetime_s = 300;
  bool userhash = false;  ///< clients are invited to hide their names
  bool match_uri = true;  ///< the digest's uri must be the Request-URI, octet for octet
};

/// In which header a request proves who sends it.
enum class AuthRole : std::uint8_t {
  server,  ///< Authorization, after a 401: to the registrar, to us as an end of a call
  proxy,   ///< Proxy-Authorization, after a 407
};

enum class AuthOutcome : std::uint8_t {
  authenticated,
  no_credentials,
  malformed,
  wrong_uri,
  foreign_nonce,
  algorithm_not_offered,
  qop_not_offered,
  nonce_count_missing,
  unknown_user,
  wrong_response,
  stale_nonce,
  replayed,
};

struct AuthOutcomeInfo {
  AuthOutcome outcome;
  std::string_view name;
  std::string_view meaning;
  std::uint16_t status;  ///< 0: go on; 401: challenge (407 for a proxy); else answer with it
};

inline constexpr std::array kAuthOutcomes = std::to_array<AuthOutcomeInfo>({
    {AuthOutcome::authenticated, "authenticated", "the user knows the password", 0},
    {AuthOutcome::no_credentials, "no_credentials", "none for this realm: a first request", 401},
    {AuthOutcome::malformed, "malformed", "credentials that break their grammar", 400},
    {AuthOutcome::wrong_uri, "wrong_uri", "credentials made for another Request-URI", 400},
    {AuthOutcome::foreign_nonce, "foreign_nonce", "a nonce that was not issued here for this realm", 401},
    {AuthOutcome::algorithm_not_offered, "algorithm_not_offered",
     "another algorithm than the nonce was issued for, or than the policy has", 401},
    {AuthOutcome::qop_not_offered, "qop_not_offered", "no qop, or one that was not offered", 401},
    {AuthOutcome::nonce_count_missing, "nonce_count_missing", "no nc or cnonce, or an nc of 0", 401},
    {AuthOutcome::unknown_user, "unknown_user", "no such user, or disabled, or without this algorithm", 401},
    {AuthOutcome::wrong_response, "wrong_response", "the user's password would give another response", 401},
    {AuthOutcome::stale_nonce, "stale_nonce", "a right answer to a nonce that is too old", 401},
    {AuthOutcome::replayed, "replayed", "a right answer that was used before", 401},
});
inline constexpr std::size_t kAuthOutcomeCount = kAuthOutcomes.size();

[[nodiscard]] constexpr const AuthOutcomeInfo& info(AuthOutcome outcome) {
  return kAuthOutcomes[static_cast<std::size_t>(outcome)];
}

constexpr bool auth_outcomes_stand_at_their_values() {
  for (std::size_t i = 0; i < kAuthOutcomes.size(); ++i)
    if (static_cast<std::size_t>(kAuthOutcomes[i].outcome) != i) return false;
  return kAuthOutcomes.back().outcome == AuthOutcome::replayed;
}
static_assert(auth_outcomes_stand_at_their_values());

struct Authentication {
  AuthOutcome outcome = AuthOutcome::no_credentials;
  /// Who it is, when authenticated only. Whether that user may be who the request says it is from, or whom it
  /// is for, is for the caller to ask.
  const User* user = nullptr;
  crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::md5;

  [[nodiscard]] explicit operator bool() const { return outcome == AuthOutcome::authenticated; }
};

/// The control thread's. Times are seconds of one clock that does not go back.
class Authenticator {
 public:
  /// All but the key outlive the object. `run`: see NonceMint.
  Authenticator(const UserDirectory& users, Limits& limits, const NonceKey& key, std::uint32_t run);

  /// Judges a request's credentials for the policy's realm. Without right ones nothing is remembered.
  [[nodiscard]] Authentication check(const sip::Message& request, AuthRole role, const AuthPolicy& policy,
                                     std::uint64_t now_s);
  /// The status of the answer to a request that check() did not let pass.
  [[nodiscard]] static unsigned status(AuthOutcome outcome, AuthRole role);
  /// Adds the challenges to a 401 or 407; `why` is what check() said, for `stale`.
  void challenge(sip::MessageWriter& response, AuthRole role, const AuthPolicy& policy, AuthOutcome why,
                 std::uint64_t now_s);

  /// How often each outcome came about.
  [[nodiscard]] const std::array<std::uint64_t, kAuthOutcomeCount>& outcomes() const { return outcomes_; }

 private:
  struct Candidate;

  [[nodiscard]] Authentication judge(const sip::Message& request, AuthRole role, const AuthPolicy& policy,
                                     std::uint64_t now_s);
  [[nodiscard]] AuthOutcome find(const sip::Message& request, AuthRole role, const AuthPolicy& policy,
                                 Candidate& candidate) const;
  [[nodiscard]] static AuthOutcome check_terms(const sip::Message& request, const AuthPolicy& policy,
                                               Candidate& candidate);
  [[nodiscard]] Authentication verify(const sip::Message& request, const Candidate& candidate,
                                      const AuthPolicy& policy) const;
  [[nodiscard]] const User* find_user(const Candidate& candidate, const AuthPolicy& policy) const;
  [[nodiscard]] crypto::Ha1 decoy(const Candidate& candidate, const AuthPolicy& policy) const;

  const UserDirectory& users_;
  NonceMint mint_;
  NonceTable nonces_;
  crypto::HmacSha256 decoys_;
  std::array<std::uint64_t, kAuthOutcomeCount> outcomes_{};
};

}  // namespace sallyport::control
