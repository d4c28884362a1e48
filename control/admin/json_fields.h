// SPDX-License-Identifier: GPL-3.0-or-later
// JsonFields: one JSON object, read field by field; keeps the first thing that is wrong and tells what nobody
// asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/ip_address.h"
#include "control/admin/protocol.h"

namespace sallyport::control {

/// Readers give nothing (or a default) for what is absent or wrong; `refusal` outlives the object and is set
/// once.
class JsonFields {
 public:
  JsonFields(const boost::json::object& object, std::string prefix, std::optional<Refusal>& refusal)
      : object_(object), prefix_(std::move(prefix)), refusal_(refusal) {}

  [[nodiscard]] bool has(std::string_view key) const { return object_.contains(key); }
  /// Points into the object.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view key);
  /// A list of strings; they point into the object.
  [[nodiscard]] std::optional<std::vector<std::string_view>> texts(std::string_view key);
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key, std::uint64_t lowest,
                                                    std::uint64_t highest);
  [[nodiscard]] std::optional<bool> flag(std::string_view key);
  [[nodiscard]] std::optional<Endpoint> endpoint(std::string_view key);
  [[nodiscard]] std::optional<IpAddress> address(std::string_view key);
  [[nodiscard]] const boost::json::object* object(std::string_view key);

  /// `text` of a required field; absence is an error.
  [[nodiscard]] std::string_view required_text(std::string_view key);
  [[nodiscard]] std::uint64_t required_id(std::string_view key);
  [[nodiscard]] Leg required_leg(std::string_view key);

  void refuse(std::string_view key, ErrorClass error_class, std::string text);
  /// A field that was never asked for is an error.
  void finish();

 private:
  [[nodiscard]] const boost::json::value* find(std::string_view key);

  const boost::json::object& object_;
  std::string prefix_;
  std::optional<Refusal>& refusal_;
  std::vector<std::string_view> known_;
};

}  // namespace sallyport::control
