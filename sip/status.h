// SPDX-License-Identifier: GPL-3.0-or-later
// Status codes: their usual reason phrases, and the one place where an error of ours becomes a SIP status.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace sallyport::sip {

struct StatusInfo {
  std::uint16_t status;
  std::string_view reason;
};

/// RFC 3261 §21 and what later RFCs registered; in rising order.
inline constexpr std::array kStatuses = std::to_array<StatusInfo>({
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Notification"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {417, "Unknown Resource-Priority"},
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"},
    {423, "Interval Too Brief"},
    {424, "Bad Location Information"},
    {428, "Use Identity Header"},
    {429, "Provide Referrer Identity"},
    {430, "Flow Failed"},
    {433, "Anonymity Disallowed"},
    {436, "Bad Identity Info"},
    {437, "Unsupported Credential"},
    {438, "Invalid Identity Header"},
    {439, "First Hop Lacks Outbound Support"},
    {440, "Max-Breadth Exceeded"},
    {469, "Bad Info Package"},
    {470, "Consent Needed"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {555, "Push Notification Service Not Supported"},
    {580, "Precondition Failure"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
    {607, "Unwanted"},
    {608, "Rejected"},
});

constexpr bool statuses_rise() {
  for (std::size_t i = 1; i < kStatuses.size(); ++i)
    if (kStatuses[i - 1].status >= kStatuses[i].status) return false;
  return true;
}
static_assert(statuses_rise());

/// The phrase registered for a status; for one we do not know, that of its class's x00 (RFC 3261 §8.1.3.2).
[[nodiscard]] constexpr std::string_view reason_phrase(unsigned status) {
  for (const StatusInfo& info : kStatuses)
    if (info.status == status) return info.reason;
  switch (status / 100) {
    case 1:
      return "Session Progress";
    case 2:
      return "OK";
    case 3:
      return "Multiple Choices";
    case 5:
      return "Server Internal Error";
    case 6:
      return "Busy Everywhere";
    default:
      return "Bad Request";
  }
}

/// Asks for credentials (RFC 3261 §22).
[[nodiscard]] constexpr bool is_challenge(unsigned status) {
  return status == 401 || status == 407;
}

/// The answer to a request that failed with an error of this class, where nothing more exact is known.
[[nodiscard]] constexpr std::uint16_t status_of(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::malformed:
      return 400;
    case ErrorClass::unsupported:
      return 488;
    case ErrorClass::refused:
      return 403;
    case ErrorClass::exhausted:
      return 503;
    case ErrorClass::not_found:
      return 404;
    case ErrorClass::timeout:
      return 504;
    case ErrorClass::internal:
      return 500;
  }
  return 500;
}

}  // namespace sallyport::sip
