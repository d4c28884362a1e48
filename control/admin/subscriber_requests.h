// SPDX-License-Identifier: GPL-3.0-or-later
// What the admin protocol can ask about users and registrations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "control/subscribers/subscribers.h"

namespace sallyport::control {

class JsonFields;

namespace request {
struct UserAdd {
  UserWish user;
  Password password;
};
struct UserPasswd {
  UserWish user;
  Password password;
};
struct UserSet {
  UserWish user;
};
struct UserDelete {
  std::string user;
};
struct UserShow {
  std::string user;
};
struct UserList {
  std::string after;  ///< the `next` of the page before
  std::uint64_t count = 100;
};
struct RegistrationList {
  std::string after;
  std::uint64_t count = 100;  ///< users with registrations
};
struct RegistrationShow {
  std::string user;
};
struct RegistrationDrop {
  std::string user;
  std::optional<std::uint64_t> binding;  ///< nothing: all
};
}  // namespace request

using SubscriberRequest =
    std::variant<request::UserAdd, request::UserPasswd, request::UserSet, request::UserDelete,
                 request::UserShow, request::UserList, request::RegistrationList, request::RegistrationShow,
                 request::RegistrationDrop>;

/// Readers of `params`; what is wrong is left in the fields' refusal.
[[nodiscard]] SubscriberRequest read_user_add(JsonFields& params);
[[nodiscard]] SubscriberRequest read_user_passwd(JsonFields& params);
[[nodiscard]] SubscriberRequest read_user_set(JsonFields& params);
[[nodiscard]] SubscriberRequest read_user_delete(JsonFields& params);
[[nodiscard]] SubscriberRequest read_user_show(JsonFields& params);
[[nodiscard]] SubscriberRequest read_user_list(JsonFields& params);
[[nodiscard]] SubscriberRequest read_registration_list(JsonFields& params);
[[nodiscard]] SubscriberRequest read_registration_show(JsonFields& params);
[[nodiscard]] SubscriberRequest read_registration_drop(JsonFields& params);

}  // namespace sallyport::control
