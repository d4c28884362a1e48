// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [auth] and what changes it elsewhere.
#include "control/config/auth.h"

#include <algorithm>

#include "control/config/config.h"
#include "control/config/section.h"

namespace sallyport::control {

namespace {

void read_algorithms(ConfigSection& section, AuthPolicy& policy) {
  if (!section.has("algorithms")) return;
  policy.algorithms.clear();
  for (const std::string& text : section.texts("algorithms")) {
    const auto algorithm = crypto::digest_algorithm_by_name(text);
    if (!algorithm)
      section.error("algorithms", "must list SHA-256, SHA-512-256 or MD5");
    else if (std::ranges::find(policy.algorithms, *algorithm) != policy.algorithms.end())
      section.error("algorithms", "names an algorithm twice");
    else
      policy.algorithms.push_back(*algorithm);
  }
  if (policy.algorithms.empty()) section.error("algorithms", "must list at least one");
}

void read_qops(ConfigSection& section, AuthPolicy& policy) {
  if (!section.has("qop")) return;
  policy.qops.clear();
  for (const std::string& text : section.texts("qop")) {
    const crypto::Qop qop = text == name(crypto::Qop::auth)       ? crypto::Qop::auth
                            : text == name(crypto::Qop::auth_int) ? crypto::Qop::auth_int
                                                                  : crypto::Qop::none;
    if (qop == crypto::Qop::none)
      section.error("qop", "must list \"auth\" or \"auth-int\"");
    else if (std::ranges::find(policy.qops, qop) != policy.qops.end())
      section.error("qop", "names one twice");
    else
      policy.qops.push_back(qop);
  }
  if (policy.qops.empty()) section.error("qop", "must list at least one");
}

}  // namespace

AuthPolicy read_auth(ConfigSection section, AuthPolicy standard) {
  AuthPolicy policy = std::move(standard);
  read_algorithms(section, policy);
  read_qops(section, policy);
  policy.challenge = section.choice("challenge", policy.challenge,
                                    {{"all", ChallengeMode::all}, {"single", ChallengeMode::single}});
  policy.nonce_lifetime_s = section.count("nonce_lifetime_s", policy.nonce_lifetime_s, 10, 86400);
  policy.userhash = section.flag("userhash", policy.userhash);
  policy.match_uri = section.flag("match_uri", policy.match_uri);
  section.finish();
  return policy;
}

std::vector<crypto::DigestAlgorithm> kept_algorithms(const Config& config) {
  std::vector<crypto::DigestAlgorithm> kept = config.auth.algorithms;
  for (const SipListenerConfig& listener : config.sip.listeners) {
    if (!listener.auth) continue;
    for (const crypto::DigestAlgorithm algorithm : listener.auth->algorithms)
      if (std::ranges::find(kept, algorithm) == kept.end()) kept.push_back(algorithm);
  }
  return kept;
}

bool any_userhash(const Config& config) {
  return config.auth.userhash || std::ranges::any_of(config.sip.listeners, [](const SipListenerConfig& one) {
           return one.auth && one.auth->userhash;
         });
}

}  // namespace sallyport::control
