// SPDX-License-Identifier: GPL-3.0-or-later
// Credentials: one subscriber's answers to challenges (RFC 3261 §22, RFC 8760).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/digest.h"
#include "sip/message.h"

namespace sallyport::sallyload {

/// What all subscribers of a run have in common.
struct CredentialRules {
  std::string_view password;
  std::optional<crypto::DigestAlgorithm> algorithm;  ///< nothing: the strongest that is offered
};

class Credentials {
 public:
  /// Takes the challenge of a 401 or 407. False: there is none that we can answer.
  [[nodiscard]] bool learn(const sip::Message& response, std::string_view user, const CredentialRules& rules);
  /// The header line for a request, once there is a nonce; counts up.
  void append(std::string& text, std::string_view user, std::string_view method, std::string_view uri);
  [[nodiscard]] bool has_nonce() const { return !nonce_.empty(); }
  /// The last challenge said that only the nonce was old.
  [[nodiscard]] bool is_stale() const { return stale_; }
  void forget() { nonce_.clear(); }

 private:
  bool proxy_ = false;
  bool stale_ = false;
  bool named_algorithm_ = false;  ///< the challenge did: an answer repeats only what was there
  crypto::DigestAlgorithm algorithm_ = crypto::DigestAlgorithm::md5;
  crypto::Qop qop_ = crypto::Qop::auth;
  std::uint32_t count_ = 0;
  std::string realm_, nonce_, opaque_;
  /// Of the realm and algorithm above: made once, as a phone would.
  crypto::Ha1 ha1_;
};

}  // namespace sallyport::sallyload
