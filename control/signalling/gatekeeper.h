// SPDX-License-Identifier: GPL-3.0-or-later
// Gatekeeper: who sends a request. Without an answer to that nothing begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/auth/authenticator.h"
#include "control/signalling/signalling.h"
#include "control/subscribers/user_directory.h"

namespace sallyport::control {

/// Whom a request's credentials proved. `user` lasts until that user is changed: keep its `aor`.
struct Caller {
  const User* user = nullptr;
  crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::md5;
};

/// The control thread's.
class Gatekeeper {
 public:
  /// All outlive the object.
  Gatekeeper(Signalling& signalling, const UserDirectory& users, Limits& limits, const AuthPolicy& policy);

  /// The user who sends the request; if none is proved, it has been answered and forgotten, and nothing is
  /// left of it.
  [[nodiscard]] std::optional<Caller> identify(sip::ServerTransactionId id, const sip::Message& request,
                                               AuthRole role);

  [[nodiscard]] const Authenticator& authenticator() const { return authenticator_; }

 private:
  [[nodiscard]] AuthPolicy policy_for(const sip::Message& request) const;

  Signalling& signalling_;
  const UserDirectory& users_;
  const AuthPolicy& policy_;
  Authenticator authenticator_;
};

}  // namespace sallyport::control
