// SPDX-License-Identifier: GPL-3.0-or-later
// Reading JSON fields. Errors name fields of ours and never quote values, which may be keys.
#include "control/admin/json_fields.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace sallyport::control {

namespace {

// A client's own spelling of a field may hold anything, even a key it put in the wrong place.
bool plain_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && name.size() <= 24 && std::ranges::all_of(name, plain);
}

}  // namespace

void JsonFields::refuse(std::string_view key, ErrorClass error_class, std::string text) {
  if (refusal_) return;
  refusal_ =
      Refusal{Error{error_class, std::move(text)}, prefix_ + (prefix_.empty() ? "" : ".") + std::string(key)};
}

const boost::json::value* JsonFields::find(std::string_view key) {
  known_.push_back(key);
  return object_.if_contains(key);
}

std::optional<std::string_view> JsonFields::text(std::string_view key) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* string = value->if_string()) return std::string_view(string->data(), string->size());
  refuse(key, ErrorClass::malformed, "must be a string");
  return std::nullopt;
}

std::optional<std::vector<std::string_view>> JsonFields::texts(std::string_view key) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string_view> texts;
  const auto* array = value->if_array();
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i)
    if (const auto* string = (*array)[i].if_string()) texts.emplace_back(string->data(), string->size());
  if (array != nullptr && texts.size() == array->size()) return texts;
  refuse(key, ErrorClass::malformed, "must be a list of strings");
  return std::nullopt;
}

std::optional<std::uint64_t> JsonFields::number(std::string_view key, std::uint64_t lowest,
                                                std::uint64_t highest) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::optional<std::uint64_t> number;
  if (const auto* positive = value->if_uint64()) number = *positive;
  if (const auto* integer = value->if_int64(); integer != nullptr && *integer >= 0)
    number = static_cast<std::uint64_t>(*integer);
  if (number && *number >= lowest && *number <= highest) return number;
  refuse(key, ErrorClass::malformed,
         "must be a number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return std::nullopt;
}

std::optional<bool> JsonFields::flag(std::string_view key) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* boolean = value->if_bool()) return *boolean;
  refuse(key, ErrorClass::malformed, "must be true or false");
  return std::nullopt;
}

std::optional<Endpoint> JsonFields::endpoint(std::string_view key) {
  const auto given = text(key);
  if (!given) return std::nullopt;
  const auto endpoint = Endpoint::parse(*given);
  if (endpoint) return *endpoint;
  refuse(key, ErrorClass::malformed, "must be ADDRESS:PORT or [ADDRESS]:PORT");
  return std::nullopt;
}

std::optional<IpAddress> JsonFields::address(std::string_view key) {
  const auto given = text(key);
  if (!given) return std::nullopt;
  const auto address = IpAddress::parse(*given);
  if (address) return *address;
  refuse(key, ErrorClass::malformed, "must be an IP address");
  return std::nullopt;
}

const boost::json::object* JsonFields::object(std::string_view key) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return nullptr;
  if (const auto* object = value->if_object()) return object;
  refuse(key, ErrorClass::malformed, "must be an object");
  return nullptr;
}

std::string_view JsonFields::required_text(std::string_view key) {
  if (const auto given = text(key)) return *given;
  refuse(key, ErrorClass::malformed, "is required");
  return {};
}

std::uint64_t JsonFields::required_id(std::string_view key) {
  if (const auto given = number(key, 1, UINT64_MAX)) return *given;
  refuse(key, ErrorClass::malformed, "is required");
  return 0;
}

Leg JsonFields::required_leg(std::string_view key) {
  const std::string_view given = required_text(key);
  if (given == "b") return Leg::b;
  if (given != "a") refuse(key, ErrorClass::malformed, "must be a or b");
  return Leg::a;
}

void JsonFields::finish() {
  for (const auto& field : object_) {
    const std::string_view key(field.key().data(), field.key().size());
    if (std::ranges::find(known_, key) != known_.end()) continue;
    refuse(plain_name(key) ? key : "?", ErrorClass::malformed, "unknown field");
  }
}

}  // namespace sallyport::control
