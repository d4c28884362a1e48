// SPDX-License-Identifier: GPL-3.0-or-later
// The session description in a message, wherever its body has it.
#pragma once

#include <string>

#include "sip/message.h"
#include "sip/multipart.h"

namespace sallyport::control {

inline constexpr std::string_view kSdpType = "application/sdp";
/// The value of Allow within calls.
inline constexpr std::string_view kAllowInCalls =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE";

/// Empty if there is none, or none that can be read: who must know why asks sip::find_body itself.
[[nodiscard]] inline std::string description_of(const sip::Message& message) {
  if (message.body().empty()) return {};
  const auto found = sip::find_body(message, kSdpType);
  return found && *found ? std::string((*found)->part.body) : std::string();
}

}  // namespace sallyport::control
