// SPDX-License-Identifier: GPL-3.0-or-later
// Reading requests about calls, trunks and the configuration.
#include "control/admin/sip_requests.h"

#include <algorithm>

#include "control/admin/json_fields.h"

namespace sallyport::control {

namespace {

constexpr std::size_t kMaxReasonOctets = 128;

template <typename List>
List read_page(JsonFields& params) {
  List list;
  list.after = params.number("after", 0, UINT64_MAX).value_or(list.after);
  list.count = params.number("count", 1, kMaxListCount).value_or(list.count);
  return list;
}

// It becomes part of a header field.
std::string read_reason(JsonFields& params) {
  const std::string_view text = params.text("reason").value_or("");
  const bool printable =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  if (!printable || text.size() > kMaxReasonOctets)
    params.refuse("reason", ErrorClass::malformed, "must be one line of at most 128 octets");
  return std::string(text);
}

std::string read_trunk(JsonFields& params) {
  return std::string(params.required_text("trunk"));
}

}  // namespace

CallRequest read_call_list(JsonFields& params) {
  return read_page<request::CallList>(params);
}

CallRequest read_call_show(JsonFields& params) {
  return request::CallShow{params.required_id("call")};
}

CallRequest read_call_drop(JsonFields& params) {
  request::CallDrop drop;
  drop.reason = read_reason(params);
  if (params.has("all")) {
    if (!params.flag("all").value_or(false) || params.has("call"))
      params.refuse("all", ErrorClass::malformed, "must be true, without a call");
    return drop;
  }
  drop.call = params.required_id("call");
  return drop;
}

CallRequest read_call_verify(JsonFields& params) {
  request::CallVerify verify;
  verify.call = params.required_id("call");
  verify.leg = params.required_leg("leg");
  verify.equal = params.flag("equal").value_or(verify.equal);
  return verify;
}

CallRequest read_trace_list(JsonFields& params) {
  return read_page<request::TraceList>(params);
}

CallRequest read_trace_show(JsonFields& params) {
  return request::TraceShow{params.required_id("call")};
}

request::TraceFollow read_trace_follow(JsonFields& params) {
  request::TraceFollow follow;
  if (params.has("call")) follow.call = params.required_id("call");
  return follow;
}

TrunkRequest read_trunk_show(JsonFields& params) {
  return request::TrunkShow{read_trunk(params)};
}

TrunkRequest read_trunk_enable(JsonFields& params) {
  return request::TrunkEnable{read_trunk(params), true};
}

TrunkRequest read_trunk_disable(JsonFields& params) {
  return request::TrunkEnable{read_trunk(params), false};
}

ConfigRequest read_config_check(JsonFields& params) {
  request::ConfigCheck check;
  check.file = params.text("file").value_or("");
  if (params.has("file") && (check.file.empty() || check.file.front() != '/'))
    params.refuse("file", ErrorClass::malformed, "must be an absolute path");
  return check;
}

}  // namespace sallyport::control
