// SPDX-License-Identifier: GPL-3.0-or-later
// Reply lines: what every answer has around its result.
#include "control/admin/protocol.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace sallyport::control {

namespace {
const std::string kStart = "{\"v\":" + std::to_string(kProtocolVersion);
}  // namespace

std::string_view name(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::malformed:
      return "malformed";
    case ErrorClass::unsupported:
      return "unsupported";
    case ErrorClass::refused:
      return "refused";
    case ErrorClass::exhausted:
      return "exhausted";
    case ErrorClass::not_found:
      return "not_found";
    case ErrorClass::timeout:
      return "timeout";
    case ErrorClass::internal:
      return "internal";
  }
  return "internal";
}

std::string result_line(std::uint64_t id, std::string_view json) {
  std::string line = kStart;
  line.append(",\"id\":").append(std::to_string(id)).append(",\"result\":").append(json).append("}\n");
  return line;
}

std::string error_line(std::optional<std::uint64_t> id, const Refusal& refusal) {
  boost::json::object error;
  error["class"] = boost::json::string_view(name(refusal.error.error_class));
  error["message"] = refusal.error.text;
  if (!refusal.key.empty()) error["key"] = refusal.key;
  std::string line = kStart;
  line.append(",\"id\":").append(id ? std::to_string(*id) : "null");
  line.append(",\"error\":").append(boost::json::serialize(error)).append("}\n");
  return line;
}

std::string event_line(std::string_view event, std::string_view json) {
  std::string line = kStart;
  line.append(",\"event\":\"").append(event).append("\",\"data\":").append(json).append("}\n");
  return line;
}

}  // namespace sallyport::control
