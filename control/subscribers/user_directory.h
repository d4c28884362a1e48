// SPDX-License-Identifier: GPL-3.0-or-later
// UserDirectory: all users in memory, by address and by what their credentials say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "control/subscribers/user.h"

namespace sallyport::control {

/// The control thread's. Pointers to users last until that user is put again or removed.
class UserDirectory {
 public:
  /// With `by_userhash` hashed names (RFC 7616 §3.4.4) can be found, for some memory and time a user.
  explicit UserDirectory(bool by_userhash) : hashes_(by_userhash) {}

  /// Adds, or replaces the user of the same address.
  const User& put(User user);
  /// False if there is none.
  bool remove(std::string_view aor);

  [[nodiscard]] const User* by_aor(std::string_view aor) const;
  /// By username and realm as they stand in credentials, without escapes.
  [[nodiscard]] const User* by_credentials(std::string_view name, std::string_view realm) const;
  /// By the hexadecimal digits of a hashed name; the user need not have this algorithm.
  [[nodiscard]] const User* by_userhash(crypto::DigestAlgorithm algorithm, std::string_view digits,
                                        std::string_view realm) const;
  /// The first address after `aor`, in the order of addresses; null after the last.
  [[nodiscard]] const User* next(std::string_view aor) const;
  [[nodiscard]] std::size_t size() const { return users_.size(); }

 private:
  [[nodiscard]] static std::string credentials(std::string_view name, std::string_view realm);
  void index(const User& user);
  void forget(const User& user);

  bool hashes_;
  std::map<std::string, User, std::less<>> users_;  ///< by address
  std::unordered_map<std::string, const User*> by_credentials_;
  /// By the beginning of the hashed name; what is found is compared whole.
  std::unordered_multimap<std::uint64_t, const User*> by_hash_;
};

}  // namespace sallyport::control
