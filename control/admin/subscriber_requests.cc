// SPDX-License-Identifier: GPL-3.0-or-later
// Reading requests about users and registrations.
#include "control/admin/subscriber_requests.h"

#include <span>

#include "control/admin/json_fields.h"

namespace sallyport::control {

namespace {

constexpr std::uint64_t kMostBindings = 100;
constexpr std::uint64_t kMostCalls = 10000;

std::string read_address(JsonFields& params) {
  return std::string(params.required_text("user"));
}

Password read_password(JsonFields& params) {
  const std::string_view text = params.required_text("password");
  const std::span octets(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (!text.empty() && text.size() <= kMaxPasswordOctets) return Password(octets);
  params.refuse("password", ErrorClass::malformed, "must have 1 to 256 octets");
  return {};
}

void read_algorithms(JsonFields& params, UserWish& wish) {
  const auto names = params.texts("algorithms");
  if (!names) return;
  wish.algorithms.emplace();
  for (const std::string_view name : *names) {
    const auto algorithm = crypto::digest_algorithm_by_name(name);
    if (!algorithm)
      return params.refuse("algorithms", ErrorClass::unsupported, "must be of MD5, SHA-256 and SHA-512-256");
    wish.algorithms->push_back(*algorithm);
  }
}

UserWish read_wish(JsonFields& params) {
  UserWish wish;
  wish.address = read_address(params);
  if (const auto text = params.text("display_name")) wish.display_name = std::string(*text);
  wish.enabled = params.flag("enabled");
  const auto limit = [&params](std::string_view key, std::uint64_t highest) -> std::optional<std::uint32_t> {
    const auto number = params.number(key, 0, highest);
    if (!number) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
  };
  wish.bindings_limit = limit("bindings_limit", kMostBindings);
  wish.calls_limit = limit("calls_limit", kMostCalls);
  return wish;
}

template <typename List>
SubscriberRequest read_list(JsonFields& params) {
  List list;
  list.after = params.text("after").value_or("");
  list.count = params.number("count", 1, kMaxListCount).value_or(list.count);
  return list;
}

}  // namespace

SubscriberRequest read_user_add(JsonFields& params) {
  request::UserAdd add{read_wish(params), read_password(params)};
  read_algorithms(params, add.user);
  return add;
}

SubscriberRequest read_user_passwd(JsonFields& params) {
  request::UserPasswd passwd{{}, read_password(params)};
  passwd.user.address = read_address(params);
  read_algorithms(params, passwd.user);
  return passwd;
}

SubscriberRequest read_user_set(JsonFields& params) {
  return request::UserSet{read_wish(params)};
}

SubscriberRequest read_user_delete(JsonFields& params) {
  return request::UserDelete{read_address(params)};
}

SubscriberRequest read_user_show(JsonFields& params) {
  return request::UserShow{read_address(params)};
}

SubscriberRequest read_user_list(JsonFields& params) {
  return read_list<request::UserList>(params);
}

SubscriberRequest read_registration_list(JsonFields& params) {
  return read_list<request::RegistrationList>(params);
}

SubscriberRequest read_registration_show(JsonFields& params) {
  return request::RegistrationShow{read_address(params)};
}

SubscriberRequest read_registration_drop(JsonFields& params) {
  return request::RegistrationDrop{read_address(params), params.number("binding", 1, INT64_MAX)};
}

}  // namespace sallyport::control
