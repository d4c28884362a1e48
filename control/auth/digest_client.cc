// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing among challenges and answering them.
#include "control/auth/digest_client.h"

#include <algorithm>

namespace sallyport::control {

namespace {

constexpr std::size_t kCnonceOctets = 16;

std::size_t index(crypto::DigestAlgorithm algorithm) {
  return static_cast<std::size_t>(algorithm);
}

std::string_view nonce_count_text(std::uint32_t count, std::array<char, 8>& digits) {
  for (std::size_t i = 0; i < digits.size(); ++i) digits[i] = "0123456789abcdef"[count >> (28 - 4 * i) & 15U];
  return {digits.data(), digits.size()};
}

}  // namespace

DigestAccount make_account(std::string realm, std::string user, std::string_view password,
                           std::span<const crypto::DigestAlgorithm> algorithms) {
  DigestAccount account;
  account.realm = std::move(realm);
  account.user = std::move(user);
  for (const crypto::DigestAlgorithm algorithm : algorithms)
    account.ha1[index(algorithm)] = crypto::make_ha1(algorithm, account.user, account.realm, password);
  return account;
}

DigestClient::DigestClient(std::vector<DigestAccount> accounts, RandomSource draw)
    : accounts_(std::move(accounts)), draw_(std::move(draw)) {}

DigestClient::Known* DigestClient::find(const DigestAccount* account, bool proxy) {
  for (Known& known : known_)
    if (known.account == account && known.proxy == proxy) return &known;
  return nullptr;
}

// Whether we can answer, and how.
bool DigestClient::take(const sip::DigestChallenge& challenge, bool proxy, Known& known) const {
  const auto account = std::ranges::find(accounts_, challenge.realm, &DigestAccount::realm);
  const auto algorithm = challenge.algorithm.empty() ? crypto::DigestAlgorithm::md5
                                                     : crypto::digest_algorithm_by_name(challenge.algorithm);
  if (account == accounts_.end() || !algorithm || account->ha1[index(*algorithm)].empty()) return false;
  known.account = &*account;
  known.proxy = proxy;
  known.algorithm = *algorithm;
  known.named_algorithm = !challenge.algorithm.empty();
  known.stale = challenge.stale;
  known.userhash = challenge.userhash;
  known.nonce = challenge.nonce;
  known.opaque = challenge.opaque;
  if (challenge.offers("auth"))
    known.qop = crypto::Qop::auth;
  else if (challenge.offers("auth-int"))
    known.qop = crypto::Qop::auth_int;
  else if (challenge.qop.empty() && *algorithm == crypto::DigestAlgorithm::md5)
    known.qop = crypto::Qop::none;  // servers of RFC 2543 times; the newer algorithms always have qop
  else
    return false;
  return true;
}

void DigestClient::collect(const sip::Message& response, bool proxy, std::vector<Known>& chosen) {
  const auto header = proxy ? sip::HeaderId::proxy_authenticate : sip::HeaderId::www_authenticate;
  for (const sip::Field field : response.fields(header)) {
    const auto challenges = sip::parse_challenges(field.value);
    if (!challenges) continue;  // what cannot be understood is as if another scheme had been offered
    for (const sip::DigestChallenge& challenge : *challenges) {
      if (!challenge.is_digest()) continue;
      if (std::ranges::find(accounts_, challenge.realm, &DigestAccount::realm) == accounts_.end())
        ++foreign_realms_;
      Known known;
      if (!take(challenge, proxy, known)) continue;
      const auto same = std::ranges::find_if(chosen, [&](const Known& other) {
        return other.account == known.account && other.proxy == known.proxy;
      });
      if (same == chosen.end())
        chosen.push_back(std::move(known));
      else if (crypto::info(known.algorithm).strength > crypto::info(same->algorithm).strength)
        *same = std::move(known);
    }
  }
}

Result<void> DigestClient::learn(const sip::Message& response, unsigned attempt) {
  std::vector<Known> chosen;
  collect(response, false, chosen);
  collect(response, true, chosen);
  if (chosen.empty())
    return fail(ErrorClass::refused, "challenged for a realm or by an algorithm that is not configured");
  // RFC 3261 §22.1: a question that our answer did not satisfy is not answered the same way again.
  const bool news = std::ranges::any_of(
      chosen, [&](const Known& known) { return known.stale || find(known.account, known.proxy) == nullptr; });
  if (attempt >= kMaxAttempts || (attempt > 0 && !news))
    return fail(ErrorClass::refused, "our credentials were rejected");
  for (Known& known : chosen) {
    if (Known* const before = find(known.account, known.proxy))
      *before = std::move(known);
    else
      known_.push_back(std::move(known));
  }
  return {};
}

std::string DigestClient::write(Known& known, std::string_view method, std::string_view uri,
                                std::string_view body) {
  std::array<std::uint8_t, kCnonceOctets> random_octets{};
  draw_(random_octets);
  const crypto::HexHash cnonce(random_octets);
  std::array<char, 8> digits{};
  const std::string_view count = nonce_count_text(++known.count, digits);
  const DigestAccount& account = *known.account;
  const crypto::HexHash hashed = crypto::hash_user(known.algorithm, account.user, account.realm);
  const crypto::HexHash response =
      crypto::digest_response(known.algorithm, account.ha1[index(known.algorithm)],
                              {known.nonce, method, uri, known.qop, count, cnonce.text(), body});
  sip::DigestCredentials credentials;
  credentials.scheme = "Digest";
  credentials.username = known.userhash ? hashed.text() : std::string_view(account.user);
  credentials.userhash = known.userhash;
  credentials.has_username = true;
  credentials.realm = account.realm;
  credentials.has_realm = true;
  credentials.nonce = known.nonce;
  credentials.uri = uri;
  credentials.response = response.text();
  credentials.opaque = known.opaque;
  if (known.named_algorithm) credentials.algorithm = crypto::info(known.algorithm).name;
  if (known.qop != crypto::Qop::none) {
    credentials.qop = name(known.qop);
    credentials.cnonce = cnonce.text();
    credentials.nonce_count_text = count;
    credentials.nonce_count = known.count;
  }
  return sip::write_credentials(credentials);
}

std::vector<CredentialField> DigestClient::credentials(std::string_view method, std::string_view uri,
                                                       std::string_view body) {
  std::vector<CredentialField> fields;
  for (Known& known : known_)
    fields.push_back({known.proxy ? sip::HeaderId::proxy_authorization : sip::HeaderId::authorization,
                      write(known, method, uri, body)});
  return fields;
}

}  // namespace sallyport::control
