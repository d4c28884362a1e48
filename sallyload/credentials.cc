// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing a challenge and answering it.
#include "sallyload/credentials.h"

#include <array>
#include <random>

#include "sip/digest_header.h"

namespace sallyport::sallyload {

namespace {

/// Nobody is hurt who guesses the cnonces of a load: unique and cheap is enough.
std::array<std::uint8_t, 16> next_cnonce() {
  static std::random_device source;
  static const std::uint32_t run = source();
  static std::uint64_t count = 0;
  std::array<std::uint8_t, 16> octets{};
  const std::uint64_t number = ++count;
  for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(run >> (8 * i));
  for (std::size_t i = 0; i < 8; ++i) octets[8 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return octets;
}

struct Choice {
  sip::DigestChallenge challenge;
  crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::md5;
};

/// The strongest one, or that of the algorithm asked for. Its views are the response's.
std::optional<Choice> choose(const sip::Message& response, sip::HeaderId header,
                             const CredentialRules& rules) {
  std::optional<Choice> best;
  for (const sip::Field field : response.fields(header)) {
    const auto challenges = sip::parse_challenges(field.value);
    if (!challenges) continue;
    for (const sip::DigestChallenge& challenge : *challenges) {
      if (!challenge.is_digest()) continue;
      const auto algorithm = challenge.algorithm.empty()
                                 ? crypto::DigestAlgorithm::md5
                                 : crypto::digest_algorithm_by_name(challenge.algorithm);
      if (!algorithm || (rules.algorithm && *rules.algorithm != *algorithm)) continue;
      if (!challenge.qop.empty() && !challenge.offers("auth")) continue;
      if (!best || crypto::info(*algorithm).strength > crypto::info(best->algorithm).strength)
        best = Choice{challenge, *algorithm};
    }
  }
  return best;
}

}  // namespace

bool Credentials::learn(const sip::Message& response, std::string_view user, const CredentialRules& rules) {
  proxy_ = response.status() == 407;
  const auto chosen =
      choose(response, proxy_ ? sip::HeaderId::proxy_authenticate : sip::HeaderId::www_authenticate, rules);
  if (!chosen) return false;
  const sip::DigestChallenge& challenge = chosen->challenge;
  if (ha1_.empty() || algorithm_ != chosen->algorithm || realm_ != challenge.realm) {
    algorithm_ = chosen->algorithm;
    realm_ = challenge.realm;
    ha1_ = crypto::make_ha1(algorithm_, user, realm_, rules.password);
  }
  named_algorithm_ = !challenge.algorithm.empty();
  qop_ = challenge.qop.empty() ? crypto::Qop::none : crypto::Qop::auth;
  nonce_ = challenge.nonce;
  opaque_ = challenge.opaque;
  stale_ = challenge.stale;
  count_ = 0;
  return true;
}

void Credentials::append(std::string& text, std::string_view user, std::string_view method,
                         std::string_view uri) {
  if (nonce_.empty()) return;
  ++count_;
  std::array<char, 8> count;
  for (std::size_t i = 0; i < count.size(); ++i) count[i] = "0123456789abcdef"[count_ >> (28 - 4 * i) & 15U];
  const crypto::HexHash cnonce(next_cnonce());
  const std::string_view count_text(count.data(), count.size());
  const crypto::HexHash response =
      crypto::digest_response(algorithm_, ha1_, {nonce_, method, uri, qop_, count_text, cnonce.text(), {}});
  text += proxy_ ? "Proxy-Authorization: Digest username=\"" : "Authorization: Digest username=\"";
  text.append(user).append("\", realm=\"").append(realm_).append("\", nonce=\"").append(nonce_);
  text.append("\", uri=\"").append(uri).append("\", response=\"").append(response.text()).append("\"");
  if (named_algorithm_) text.append(", algorithm=").append(crypto::info(algorithm_).name);
  if (!opaque_.empty()) text.append(", opaque=\"").append(opaque_).append("\"");
  if (qop_ != crypto::Qop::none)
    text.append(", qop=auth, nc=")
        .append(count_text)
        .append(", cnonce=\"")
        .append(cnonce.text())
        .append("\"");
  text += "\r\n";
}

}  // namespace sallyport::sallyload
