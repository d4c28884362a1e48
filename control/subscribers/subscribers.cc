// SPDX-License-Identifier: GPL-3.0-or-later
// Loading, and what operators do to users. A change is true when the store has it.
#include "control/subscribers/subscribers.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "control/subscribers/sqlite_store.h"
#include "sip/text.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxDisplayNameOctets = 128;

User copy_of(const User& user) {
  User copy;
  copy.name = user.name;
  copy.domain = user.domain;
  copy.aor = user.aor;
  copy.realm = user.realm;
  copy.display_name = user.display_name;
  copy.enabled = user.enabled;
  copy.bindings_limit = user.bindings_limit;
  copy.calls_limit = user.calls_limit;
  copy.algorithms = user.algorithms;
  for (std::size_t i = 0; i < user.ha1.size(); ++i) copy.ha1[i] = user.ha1[i].duplicate();
  return copy;
}

void apply(const UserWish& wish, User& user) {
  if (wish.display_name) user.display_name = *wish.display_name;
  if (wish.enabled) user.enabled = *wish.enabled;
  if (wish.bindings_limit) user.bindings_limit = *wish.bindings_limit;
  if (wish.calls_limit) user.calls_limit = *wish.calls_limit;
  if (wish.algorithms) user.algorithms = *wish.algorithms;
}

void set_digests(const std::vector<crypto::DigestAlgorithm>& kept, const Password& password, User& user) {
  const auto octets = password.view();
  const std::string_view text(reinterpret_cast<const char*>(octets.data()), octets.size());
  for (crypto::Ha1& ha1 : user.ha1) ha1.clear();
  for (const crypto::DigestAlgorithm algorithm : kept)
    user.ha1[static_cast<std::size_t>(algorithm)] = crypto::make_ha1(algorithm, user.name, user.realm, text);
}

struct Address {
  std::string_view name;
  std::string domain;
};

Result<Address> split(std::string_view address, const std::string& usual_domain) {
  if (address.starts_with("sip:")) address.remove_prefix(4);
  const auto at = address.rfind('@');
  Address parts{address.substr(0, at),
                at == address.npos ? usual_domain : sip::text::lower(address.substr(at + 1))};
  if (!is_user_name(parts.name))
    return fail(ErrorClass::malformed,
                "a user's name has 1 to 64 octets without white space, ':', '@', '\"' and '\\'");
  return parts;
}

Result<void> check(const UserWish& wish) {
  const auto control_character = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  if (wish.display_name && (wish.display_name->size() > kMaxDisplayNameOctets ||
                            std::ranges::any_of(*wish.display_name, control_character)))
    return fail(ErrorClass::malformed, "a display name has at most 128 octets and no control characters");
  if (!wish.algorithms) return {};
  auto sorted = *wish.algorithms;
  std::ranges::sort(sorted);
  if (sorted.empty() || std::ranges::adjacent_find(sorted) != sorted.end())
    return fail(ErrorClass::malformed, "algorithms are listed once each, and at least one");
  return {};
}

Result<void> check(const Password& password) {
  if (password.empty()) return fail(ErrorClass::malformed, "a password is needed");
  return {};
}

}  // namespace

Subscribers::Subscribers(SubscriberSettings settings, std::unique_ptr<Store> store)
    : settings_(std::move(settings)),
      store_(std::move(store)),
      users_(settings_.userhash),
      registrar_(settings_.registrar, *store_) {}

Subscribers::~Subscribers() = default;

Result<std::unique_ptr<Subscribers>> Subscribers::open(SubscriberSettings settings, WallTime now) {
  auto store = SqliteStore::open(settings.store);
  if (!store) return tl::unexpected(store.error());
  return open(std::move(settings), std::move(*store), now);
}

Result<std::unique_ptr<Subscribers>> Subscribers::open(SubscriberSettings settings,
                                                       std::unique_ptr<Store> store, WallTime now) {
  RegistrarConfig& registrar = settings.registrar;
  if (registrar.domains.empty()) return fail(ErrorClass::refused, "users need a domain: registrar.domains");
  if (registrar.realm.empty()) registrar.realm = registrar.domains.front();
  std::unique_ptr<Subscribers> subscribers(new Subscribers(std::move(settings), std::move(store)));
  if (const auto loaded = subscribers->load(now); !loaded) return tl::unexpected(loaded.error());
  return subscribers;
}

// Bindings of a user who is gone were on their way to be deleted.
Result<void> Subscribers::load(WallTime now) {
  std::size_t foreign = 0, other_realm = 0;
  Changes orphans;
  std::vector<std::pair<std::string, Binding>> bindings;
  const auto loaded = store_->load(
      {[&](User user) {
         const auto& domains = settings_.registrar.domains;
         if (std::ranges::find(domains, user.domain) == domains.end()) ++foreign;
         if (user.realm != settings_.registrar.realm) ++other_realm;
         users_.put(std::move(user));
       },
       [&](std::string aor, Binding binding) { bindings.emplace_back(std::move(aor), std::move(binding)); }});
  if (!loaded) return loaded;
  for (auto& [aor, binding] : bindings) {
    if (users_.by_aor(aor) == nullptr)
      orphans.emplace_back(change::DeleteBinding{binding.id});
    else
      registrar_.restore(aor, std::move(binding), now);
  }
  if (!orphans.empty()) (void)store_->write(std::move(orphans), nullptr);
  if (foreign != 0) log::warning("users.of_other_domains", {{"count", foreign}});
  if (other_realm != 0)
    log::warning("users.of_another_realm",
                 {{"count", other_realm}, {"hint", "their passwords must be set anew"}});
  log::info("subscribers.loaded", {{"users", users_.size()}, {"bindings", registrar_.location().size()}});
  return {};
}

Result<std::string> Subscribers::aor_of(std::string_view address) const {
  const auto parts = split(address, settings_.registrar.domains.front());
  if (!parts) return tl::unexpected(parts.error());
  return make_aor(parts->name, parts->domain);
}

Result<const User*> Subscribers::find(std::string_view address) const {
  const auto aor = aor_of(address);
  if (!aor) return tl::unexpected(aor.error());
  const User* user = users_.by_aor(*aor);
  if (user == nullptr) return fail(ErrorClass::not_found, "there is no such user");
  return user;
}

Result<void> Subscribers::take(const std::string& aor) {
  if (changing_.insert(aor).second) return {};
  return fail(ErrorClass::refused, "another change of this user is under way");
}

void Subscribers::put(User user, Done done) {
  if (const auto taken = take(user.aor); !taken) return done(taken);
  const std::string aor = user.aor;
  // The store gets a copy: what is in memory changes when the store has it. Its answer carries the other.
  const auto kept = std::make_shared<User>(copy_of(user));
  Changes changes;
  changes.emplace_back(change::PutUser{std::move(user)});
  const auto asked = store_->write(std::move(changes), [this, aor, kept, done](const Result<void>& outcome) {
    changing_.erase(aor);
    if (outcome) users_.put(std::move(*kept));
    done(outcome);
  });
  if (asked) return;
  changing_.erase(aor);
  done(asked);
}

void Subscribers::add_user(const UserWish& wish, const Password& password, Done done) {
  const auto parts = split(wish.address, settings_.registrar.domains.front());
  if (!parts) return done(tl::unexpected(parts.error()));
  if (std::ranges::find(settings_.registrar.domains, parts->domain) == settings_.registrar.domains.end())
    return done(fail(ErrorClass::refused, "this domain is not one of registrar.domains"));
  if (const auto good = check(wish); !good) return done(good);
  if (const auto good = check(password); !good) return done(good);
  User user;
  user.name = parts->name;
  user.domain = parts->domain;
  user.aor = make_aor(user.name, user.domain);
  user.realm = settings_.registrar.realm;
  if (users_.by_aor(user.aor) != nullptr)
    return done(fail(ErrorClass::refused, "there is such a user already"));
  // Credentials name a user and a realm, no domain.
  if (users_.by_credentials(user.name, user.realm) != nullptr)
    return done(fail(ErrorClass::refused, "a user of this name in another domain has the same realm"));
  apply(wish, user);
  set_digests(user.algorithms.empty() ? settings_.algorithms : user.algorithms, password, user);
  put(std::move(user), std::move(done));
}

void Subscribers::set_user(const UserWish& wish, Done done) {
  const auto user = find(wish.address);
  if (!user) return done(tl::unexpected(user.error()));
  if (wish.algorithms)
    return done(fail(ErrorClass::refused, "algorithms are changed together with the password"));
  if (const auto good = check(wish); !good) return done(good);
  User changed = copy_of(**user);
  apply(wish, changed);
  put(std::move(changed), std::move(done));
}

void Subscribers::set_password(const UserWish& wish, const Password& password, Done done) {
  const auto user = find(wish.address);
  if (!user) return done(tl::unexpected(user.error()));
  if (const auto good = check(wish); !good) return done(good);
  if (const auto good = check(password); !good) return done(good);
  User changed = copy_of(**user);
  changed.realm = settings_.registrar.realm;
  apply(wish, changed);
  set_digests(changed.algorithms.empty() ? settings_.algorithms : changed.algorithms, password, changed);
  put(std::move(changed), std::move(done));
}

void Subscribers::delete_user(std::string_view address, Done done) {
  const auto user = find(address);
  if (!user) return done(tl::unexpected(user.error()));
  const std::string aor = (*user)->aor;
  if (const auto taken = take(aor); !taken) return done(taken);
  Changes changes;
  changes.emplace_back(change::DeleteUser{(*user)->name, (*user)->domain});
  const auto asked = store_->write(std::move(changes), [this, aor, done](const Result<void>& outcome) {
    changing_.erase(aor);
    if (!outcome) return done(outcome);
    users_.remove(aor);
    registrar_.drop(aor, std::nullopt, [done](const Result<std::size_t>& dropped) {
      done(dropped ? Result<void>() : tl::unexpected(dropped.error()));
    });
  });
  if (asked) return;
  changing_.erase(aor);
  done(asked);
}

void Subscribers::close() {
  registrar_.settle();
  store_->drain();
}

}  // namespace sallyport::control
