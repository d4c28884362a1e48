// SPDX-License-Identifier: GPL-3.0-or-later
// DigestClient: proves who we are to a trunk or peer that challenges our requests (RFC 3261 §22.2 and §22.3,
// RFC 8760).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/digest.h"
#include "sip/digest_header.h"
#include "sip/header_table.h"
#include "sip/message.h"

namespace sallyport::control {

/// What we may prove to whom. No password: only what digests need of it.
struct DigestAccount {
  std::string realm;
  std::string user;
  std::array<crypto::Ha1, crypto::kDigestAlgorithmCount> ha1;  ///< empty for algorithms not to be used
};
[[nodiscard]] DigestAccount make_account(std::string realm, std::string user, std::string_view password,
                                         std::span<const crypto::DigestAlgorithm> algorithms);

/// A field to be added to a request.
struct CredentialField {
  sip::HeaderId id = sip::HeaderId::authorization;
  std::string value;
};

/// One trunk's or peer's. A leg without a trunk has none, and so never answers: a called party that
/// challenges our BYE or re-INVITE would else collect digests to crack (CVE-2021-41158).
class DigestClient {
 public:
  /// Fills the octets with what nobody can guess.
  using RandomSource = std::function<void(std::span<std::uint8_t>)>;

  explicit DigestClient(std::vector<DigestAccount> accounts, RandomSource draw);

  /// Takes the challenges of a 401 or 407 that answers a request; `attempt` counts the challenged attempts of
  /// that request, from 0. Of every configured realm the strongest algorithm that we have is chosen. Fails
  /// (`refused`) if no realm is configured here, or if all that came of our answer is the same question
  /// again.
  [[nodiscard]] Result<void> learn(const sip::Message& response, unsigned attempt);

  /// Credentials for all realms that have challenged us, for one request; every call counts up. None before
  /// the first challenge. Not for ACK and CANCEL, which repeat their INVITE's.
  [[nodiscard]] std::vector<CredentialField> credentials(std::string_view method, std::string_view uri,
                                                         std::string_view body);

  [[nodiscard]] std::uint64_t foreign_realms() const { return foreign_realms_; }

  static constexpr unsigned kMaxAttempts = 4;

 private:
  /// A challenge that we can answer.
  struct Known {
    const DigestAccount* account = nullptr;
    bool proxy = false;
    crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::md5;
    crypto::Qop qop = crypto::Qop::auth;
    bool stale = false;
    bool userhash = false;
    bool named_algorithm = false;  ///< the challenge did: an answer repeats only what was there
    std::string nonce, opaque;
    std::uint32_t count = 0;
  };

  void collect(const sip::Message& response, bool proxy, std::vector<Known>& chosen);
  [[nodiscard]] bool take(const sip::DigestChallenge& challenge, bool proxy, Known& known) const;
  [[nodiscard]] Known* find(const DigestAccount* account, bool proxy);
  [[nodiscard]] std::string write(Known& known, std::string_view method, std::string_view uri,
                                  std::string_view body);

  std::vector<DigestAccount> accounts_;
  RandomSource draw_;
  std::vector<Known> known_;
  std::uint64_t foreign_realms_ = 0;
};

}  // namespace sallyport::control
