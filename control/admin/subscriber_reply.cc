// SPDX-License-Identifier: GPL-3.0-or-later
// One function a method. Nothing that came from outside is shown as it came: it may hold anything.
#include "control/admin/subscriber_reply.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"

namespace sallyport::control {

namespace json = boost::json;

namespace {

// Contacts and names of agents are their clients' words; JSON has to stay UTF-8, and a terminal whole.
std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (c < ' ' || c > '~') c = '?';
  return clean;
}

std::string address_of(const User& user) {
  return user.name + "@" + user.domain;
}

/// Those that the user has been given, else those whose digests are kept, the strongest first.
json::array algorithms_of(const User& user) {
  json::array names;
  for (const crypto::DigestAlgorithm algorithm : user.algorithms)
    names.push_back(json::string(crypto::info(algorithm).name));
  if (!user.algorithms.empty()) return names;
  for (auto one = crypto::kDigestAlgorithms.rbegin(); one != crypto::kDigestAlgorithms.rend(); ++one)
    if (user.has_digest(one->id)) names.push_back(json::string(one->name));
  return names;
}

json::object user_json(const User& user, const Registrar& registrar) {
  json::object object;
  object["user"] = address_of(user);
  object["display_name"] = user.display_name;
  object["realm"] = user.realm;
  object["enabled"] = user.enabled;
  object["algorithms"] = algorithms_of(user);
  object["algorithms_by_policy"] = user.algorithms.empty();
  object["bindings_limit"] = user.bindings_limit;
  object["calls_limit"] = user.calls_limit;
  object["registrations"] = registrar.location().bindings(user.aor).size();
  return object;
}

json::object binding_json(const User& user, const Binding& binding, const Registrar& registrar,
                          WallTime now) {
  json::object object;
  object["user"] = address_of(user);
  object["binding"] = binding.id;
  object["contact"] = printable(binding.contact());
  object["transport"] = json::string_view(sip::name(binding.flow.transport));
  object["source"] = binding.flow.remote.to_string();
  object["connected"] = registrar.is_alive(binding.flow);
  object["expires_in_s"] = (binding.expires - now).count();
  object["updated_s_ago"] = (now - binding.updated).count();
  object["q"] = binding.q / 1000.0;
  object["instance"] = printable(binding.instance());
  object["reg_id"] = binding.reg_id;
  object["path"] = printable(binding.path());
  object["call_id"] = printable(binding.call_id());
  object["user_agent"] = printable(binding.user_agent());
  return object;
}

struct SubscriberVisitor {
  Subscribers& subscribers;
  WallTime now;
  const AdminReply& reply;

  void refuse(const Error& error, std::string key = "params.user") const {
    reply.refuse({error, std::move(key)});
  }
  void result(json::object object) const { reply.result(json::serialize(object)); }

  /// The user that a request names, or null after a refusal.
  [[nodiscard]] const User* find(const std::string& address) const {
    const auto aor = subscribers.aor_of(address);
    if (!aor) return refuse(aor.error()), nullptr;
    const User* user = subscribers.users().by_aor(*aor);
    if (user == nullptr) refuse({ErrorClass::not_found, "there is no such user"});
    return user;
  }
  /// An answer with how the user looks once the change is made.
  [[nodiscard]] Subscribers::Done show_after(const char* event, const std::string& address) const {
    return [all = &subscribers, now = now, answer = reply, event, address](const Result<void>& outcome) {
      const SubscriberVisitor later{*all, now, answer};
      if (!outcome) return later.refuse(outcome.error());
      const User* user = later.find(address);
      if (user == nullptr) return;
      log::info(event, {{"user", user->aor}});
      later.result(user_json(*user, later.subscribers.registrar()));
    };
  }

  void operator()(request::UserAdd& add) const {
    subscribers.add_user(add.user, add.password, show_after("user.added", add.user.address));
  }
  void operator()(request::UserPasswd& passwd) const {
    subscribers.set_password(passwd.user, passwd.password,
                             show_after("user.password_set", passwd.user.address));
  }
  void operator()(request::UserSet& set) const {
    subscribers.set_user(set.user, show_after("user.changed", set.user.address));
  }
  void operator()(request::UserDelete& removed) const {
    subscribers.delete_user(removed.user, [answer = reply, user = removed.user](const Result<void>& outcome) {
      if (!outcome) return answer.refuse({outcome.error(), "params.user"});
      log::info("user.deleted", {{"user", user}});
      answer.result(json::serialize(json::object{{"deleted", user}}));
    });
  }
  void operator()(request::UserShow& show) const {
    if (const User* user = find(show.user)) result(user_json(*user, subscribers.registrar()));
  }
  void operator()(request::UserList& list) const {
    json::array users;
    const std::string last = walk(list.after, list.count, [&](const User& user) {
      users.push_back(user_json(user, subscribers.registrar()));
      return true;
    });
    page("users", std::move(users), subscribers.users().size(), last);
  }
  void operator()(request::RegistrationList& list) const {
    json::array bindings;
    const std::string last =
        walk(list.after, list.count, [&](const User& user) { return add_bindings(user, bindings); });
    page("registrations", std::move(bindings), subscribers.registrar().location().size(), last);
  }
  void operator()(request::RegistrationShow& show) const {
    const User* user = find(show.user);
    if (user == nullptr) return;
    json::array bindings;
    (void)add_bindings(*user, bindings);
    result({{"registrations", std::move(bindings)}});
  }
  void operator()(request::RegistrationDrop& drop) const {
    const User* user = find(drop.user);
    if (user == nullptr) return;
    subscribers.registrar().drop(
        user->aor, drop.binding,
        [answer = reply, aor = user->aor,
         one = drop.binding.has_value()](const Result<std::size_t>& dropped) {
          if (!dropped) return answer.refuse({dropped.error(), "params.user"});
          if (one && *dropped == 0)
            return answer.refuse(
                {{ErrorClass::not_found, "the user has no such registration"}, "params.binding"});
          log::info("registration.dropped", {{"aor", aor}, {"count", *dropped}});
          answer.result(json::serialize(json::object{{"dropped", *dropped}}));
        });
  }

 private:
  /// Shows users behind `after` until `count` of them were worth it; gives the last, or nothing when there
  /// are no more.
  template <typename Show>
  [[nodiscard]] std::string walk(const std::string& after, std::uint64_t count, Show show) const {
    std::string last;
    for (const User* user = subscribers.users().next(after); user != nullptr;
         user = subscribers.users().next(user->aor)) {
      if (count == 0) return last;
      if (show(*user)) --count;
      last = user->aor;
    }
    return {};
  }
  [[nodiscard]] bool add_bindings(const User& user, json::array& bindings) const {
    const auto& all = subscribers.registrar().location().bindings(user.aor);
    for (const Binding& binding : all)
      bindings.push_back(binding_json(user, binding, subscribers.registrar(), now));
    return !all.empty();
  }
  void page(const char* key, json::array rows, std::size_t total, const std::string& last) const {
    json::value next = nullptr;
    if (!last.empty()) next = json::string(last);
    result({{key, std::move(rows)}, {"total", total}, {"next", std::move(next)}});
  }
};

}  // namespace

void handle(Subscribers& subscribers, SubscriberRequest& request, WallTime now, const AdminReply& reply) {
  std::visit(SubscriberVisitor{subscribers, now, reply}, request);
}

json::object subscriber_stats(const Subscribers& subscribers) {
  json::object outcomes;
  for (const RegisterOutcomeInfo& outcome : kRegisterOutcomes)
    outcomes[outcome.name] = subscribers.registrar().count(outcome.outcome);
  const StoreStatistics store = subscribers.store().statistics();
  json::object object;
  object["users"] = subscribers.users().size();
  object["bindings"] = subscribers.registrar().location().size();
  object["expired"] = subscribers.registrar().expired();
  object["register"] = std::move(outcomes);
  object["store"] = json::object{{"requests", store.requests},
                                 {"failed", store.failed},
                                 {"transactions", store.transactions},
                                 {"waiting", store.waiting}};
  return object;
}

}  // namespace sallyport::control
