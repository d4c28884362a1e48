// SPDX-License-Identifier: GPL-3.0-or-later
// Gatekeeper: who sends a request. Without an answer to that nothing begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/auth/authenticator.h"
#include "control/calls/trunks.h"
#include "control/config/calls.h"
#include "control/signalling/signalling.h"
#include "control/subscribers/user_directory.h"

namespace sallyport::control {

/// Who sends a request: a user or a trunk, or nobody who is known. `user` lasts until that user is changed:
/// keep its `aor`.
struct Caller {
  const User* user = nullptr;
  TrunkPtr trunk;
  std::optional<crypto::DigestAlgorithm> algorithm;  ///< of the digest that proved it; nothing: otherwise
};

/// The control thread's.
class Gatekeeper {
 public:
  /// All outlive the object. Where `calls` has guests, who claims to be of another domain may call, unproved.
  Gatekeeper(Signalling& signalling, const UserDirectory& users, Trunks& trunks, Limits& limits,
             const AuthPolicy& policy, const CallsConfig& calls);

  /// Who sends the request; if nobody is proved, it has been answered and forgotten, and nothing is left of
  /// it. Trunks are known by where they call from, and by their digest if they owe one.
  [[nodiscard]] std::optional<Caller> identify(sip::ServerTransactionId id, const sip::Message& request,
                                               const sip::Hop& hop);
  /// The same where nothing but a user's digest counts.
  [[nodiscard]] std::optional<Caller> prove(sip::ServerTransactionId id, const sip::Message& request,
                                            const sip::Hop& hop, AuthRole role);
  /// Whose address or certificate a request comes with; null: no trunk's.
  [[nodiscard]] TrunkPtr trunk_of(const sip::Hop& hop) const;

  [[nodiscard]] const Authenticator& authenticator() const { return authenticator_; }
  [[nodiscard]] const Authenticator& trunk_authenticator() const { return trunk_authenticator_; }

 private:
  [[nodiscard]] bool is_from_elsewhere(const sip::Message& request) const;
  [[nodiscard]] AuthPolicy policy_for(const sip::Message& request, const sip::Hop& hop) const;
  [[nodiscard]] std::optional<Caller> judge(sip::ServerTransactionId id, const sip::Message& request,
                                            AuthRole role, Authenticator& authenticator,
                                            const AuthPolicy& policy);

  Signalling& signalling_;
  const UserDirectory& users_;
  Trunks& trunks_;
  const AuthPolicy& policy_;
  const CallsConfig& calls_;
  Authenticator authenticator_;
  Authenticator trunk_authenticator_;
};

}  // namespace sallyport::control
