// SPDX-License-Identifier: GPL-3.0-or-later
// Reason (RFC 3326), Retry-After (RFC 3261 §20.33) and Warning (§20.43): why, and when again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sallyport::sip {

struct Reason {
  std::string_view protocol;           ///< `SIP`, `Q.850`
  std::optional<std::uint32_t> cause;  ///< absent, or no number below 2^32
  std::string_view text;               ///< without quotes, escapes kept
};
/// One value of the list.
[[nodiscard]] Result<Reason> parse_reason(std::string_view text);
/// `SIP;cause=200;text="Call completed elsewhere"`; an empty text is left out.
[[nodiscard]] std::string write_reason(std::string_view protocol, std::uint32_t cause,
                                       std::string_view text = {});

struct RetryAfter {
  std::uint32_t seconds = 0;
  std::optional<std::uint32_t> duration_s;
};
[[nodiscard]] Result<RetryAfter> parse_retry_after(std::string_view text);

/// `399 sallyport "text"`.
[[nodiscard]] std::string write_warning(unsigned code, std::string_view agent, std::string_view text);

}  // namespace sallyport::sip
