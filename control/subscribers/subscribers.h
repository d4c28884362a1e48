// SPDX-License-Identifier: GPL-3.0-or-later
// Subscribers: users, their registrations and the store behind both, as one thing that the daemon owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "control/subscribers/registrar.h"
#include "control/subscribers/store.h"
#include "control/subscribers/user_directory.h"

namespace sallyport::control {

struct SubscriberSettings {
  StoreConfig store;
  RegistrarConfig registrar;
  std::vector<crypto::DigestAlgorithm> algorithms;  ///< whose digests are kept of new passwords
  bool userhash = false;
};

/// As typed; wiped.
inline constexpr std::size_t kMaxPasswordOctets = 256;
using Password = Secret<kMaxPasswordOctets>;

/// What an operator may say of a user; what is absent stays as it is, or takes its default.
struct UserWish {
  std::string address;  ///< `alice@example.com`, or `alice` in the first domain
  std::optional<std::string> display_name;
  std::optional<bool> enabled;
  std::optional<std::uint32_t> bindings_limit, calls_limit;
  std::optional<std::vector<crypto::DigestAlgorithm>> algorithms;  ///< only beside a password
};

/// The control thread's.
class Subscribers {
 public:
  /// Opens the store and loads everything. Errors are one line for a person.
  [[nodiscard]] static Result<std::unique_ptr<Subscribers>> open(SubscriberSettings settings, WallTime now);
  /// The same with another engine behind it.
  [[nodiscard]] static Result<std::unique_ptr<Subscribers>> open(SubscriberSettings settings,
                                                                 std::unique_ptr<Store> store, WallTime now);
  ~Subscribers();

  [[nodiscard]] UserDirectory& users() { return users_; }
  [[nodiscard]] const UserDirectory& users() const { return users_; }
  [[nodiscard]] Registrar& registrar() { return registrar_; }
  [[nodiscard]] const Registrar& registrar() const { return registrar_; }
  /// To be dispatched when its descriptor is readable.
  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] const Store& store() const { return *store_; }

  /// `sip:alice@example.com` of `alice@example.com`, `sip:alice@example.com` or `alice`.
  [[nodiscard]] Result<std::string> aor_of(std::string_view address) const;

  /// Called when the store has it, or at once when it cannot be.
  using Done = std::function<void(const Result<void>&)>;
  void add_user(const UserWish& wish, const Password& password, Done done);
  void set_user(const UserWish& wish, Done done);
  void set_password(const UserWish& wish, const Password& password, Done done);
  /// With the user's registrations.
  void delete_user(std::string_view address, Done done);
  /// Whose digests are kept of passwords that come from now on, unless the user is given others.
  void keep_algorithms(std::vector<crypto::DigestAlgorithm> kept) { settings_.algorithms = std::move(kept); }

  /// What the store needs before the daemon ends. Blocks for as long as a write takes.
  void close();

 private:
  Subscribers(SubscriberSettings settings, std::unique_ptr<Store> store);
  [[nodiscard]] Result<void> load(WallTime now);
  [[nodiscard]] Result<const User*> find(std::string_view address) const;
  void put(User user, Done done);
  /// Takes `aor` for one change; false while another is under way.
  [[nodiscard]] Result<void> take(const std::string& aor);

  SubscriberSettings settings_;
  std::unique_ptr<Store> store_;
  UserDirectory users_;
  Registrar registrar_;
  std::set<std::string, std::less<>> changing_;
};

}  // namespace sallyport::control
