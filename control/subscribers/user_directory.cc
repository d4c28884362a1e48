// SPDX-License-Identifier: GPL-3.0-or-later
// The indices of users.
#include "control/subscribers/user_directory.h"

#include <charconv>
#include <optional>
#include <utility>

namespace sallyport::control {

namespace {

constexpr std::size_t kPrefixDigits = 16;

/// The key of a hashed name. A name hashed by one algorithm is not found as one of another: compared whole
/// later.
std::optional<std::uint64_t> prefix_of(std::string_view digits) {
  std::uint64_t prefix = 0;
  if (digits.size() < kPrefixDigits) return std::nullopt;
  const char* end = digits.data() + kPrefixDigits;
  const auto [stop, failure] = std::from_chars(digits.data(), end, prefix, 16);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return prefix;
}

}  // namespace

// A zero octet divides them: neither may hold one.
std::string UserDirectory::credentials(std::string_view name, std::string_view realm) {
  std::string key;
  key.reserve(name.size() + realm.size() + 1);
  return key.append(name).append(1, '\0').append(realm);
}

void UserDirectory::index(const User& user) {
  by_credentials_[credentials(user.name, user.realm)] = &user;
  if (!hashes_) return;
  for (const auto& algorithm : crypto::kDigestAlgorithms)
    by_hash_.emplace(*prefix_of(crypto::hash_user(algorithm.id, user.name, user.realm).text()), &user);
}

void UserDirectory::forget(const User& user) {
  by_credentials_.erase(credentials(user.name, user.realm));
  if (!hashes_) return;
  for (const auto& algorithm : crypto::kDigestAlgorithms) {
    const auto prefix = prefix_of(crypto::hash_user(algorithm.id, user.name, user.realm).text());
    auto [begin, end] = by_hash_.equal_range(*prefix);
    while (begin != end) begin = begin->second == &user ? by_hash_.erase(begin) : std::next(begin);
  }
}

const User& UserDirectory::put(User user) {
  const auto [place, is_new] = users_.try_emplace(user.aor);
  if (!is_new) forget(place->second);
  place->second = std::move(user);
  index(place->second);
  return place->second;
}

bool UserDirectory::remove(std::string_view aor) {
  const auto found = users_.find(aor);
  if (found == users_.end()) return false;
  forget(found->second);
  users_.erase(found);
  return true;
}

const User* UserDirectory::by_aor(std::string_view aor) const {
  const auto found = users_.find(aor);
  return found == users_.end() ? nullptr : &found->second;
}

const User* UserDirectory::by_credentials(std::string_view name, std::string_view realm) const {
  const auto found = by_credentials_.find(credentials(name, realm));
  return found == by_credentials_.end() ? nullptr : found->second;
}

const User* UserDirectory::by_userhash(crypto::DigestAlgorithm algorithm, std::string_view digits,
                                       std::string_view realm) const {
  const auto prefix = prefix_of(digits);
  if (!prefix) return nullptr;
  const auto [begin, end] = by_hash_.equal_range(*prefix);
  for (auto one = begin; one != end; ++one) {
    const User& user = *one->second;
    if (user.realm == realm && crypto::digest_matches(crypto::hash_user(algorithm, user.name, realm), digits))
      return &user;
  }
  return nullptr;
}

const User* UserDirectory::next(std::string_view aor) const {
  const auto found = users_.upper_bound(aor);
  return found == users_.end() ? nullptr : &found->second;
}

}  // namespace sallyport::control
