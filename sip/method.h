// SPDX-License-Identifier: GPL-3.0-or-later
// Methods: the requests we know by name; any other token is `other` and is passed on by its text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

enum class Method : std::uint8_t {
  other,
  invite,
  ack,
  bye,
  cancel,
  register_,
  options,
  prack,
  update,
  info,
  message,
  refer,
  subscribe,
  notify,
  publish,
};

struct MethodInfo {
  Method method;
  std::string_view name;
};

/// RFC 3261, 3262 (PRACK), 3311 (UPDATE), 6086 (INFO), 3428 (MESSAGE), 3515 (REFER), 6665, 3903 (PUBLISH).
inline constexpr std::array kMethods = std::to_array<MethodInfo>({
    {Method::other, ""},
    {Method::invite, "INVITE"},
    {Method::ack, "ACK"},
    {Method::bye, "BYE"},
    {Method::cancel, "CANCEL"},
    {Method::register_, "REGISTER"},
    {Method::options, "OPTIONS"},
    {Method::prack, "PRACK"},
    {Method::update, "UPDATE"},
    {Method::info, "INFO"},
    {Method::message, "MESSAGE"},
    {Method::refer, "REFER"},
    {Method::subscribe, "SUBSCRIBE"},
    {Method::notify, "NOTIFY"},
    {Method::publish, "PUBLISH"},
});
inline constexpr std::size_t kMethodCount = kMethods.size();

constexpr bool methods_stand_at_their_values() {
  for (std::size_t i = 0; i < kMethods.size(); ++i)
    if (static_cast<std::size_t>(kMethods[i].method) != i) return false;
  return kMethods.back().method == Method::publish;
}
static_assert(methods_stand_at_their_values());

/// The method's name; empty for `other`, whose name only its message knows.
[[nodiscard]] constexpr std::string_view name_of(Method method) {
  return kMethods[static_cast<std::size_t>(method)].name;
}

/// Method names are case-sensitive (RFC 3261 §7.1): `invite` is `other`.
[[nodiscard]] constexpr Method method_of(std::string_view name) {
  for (const MethodInfo& info : kMethods)
    if (!name.empty() && info.name == name) return info.method;
  return Method::other;
}

}  // namespace sallyport::sip
