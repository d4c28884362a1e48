// SPDX-License-Identifier: GPL-3.0-or-later
// CSeq and RAck: sequence numbers with the method they count (RFC 3261 §20.16, RFC 3262 §7.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/method.h"

namespace sallyport::sip {

struct CSeq {
  std::uint32_t number = 0;  ///< below 2^31
  Method method = Method::other;
  std::string_view method_text;
};

/// Error class malformed, also for a number of 2^31 or more.
[[nodiscard]] Result<CSeq> parse_cseq(std::string_view text);
[[nodiscard]] std::string write_cseq(std::uint32_t number, std::string_view method);

struct RAck {
  std::uint32_t response_number = 0;  ///< the RSeq that is acknowledged
  CSeq cseq;
};
[[nodiscard]] Result<RAck> parse_rack(std::string_view text);
[[nodiscard]] std::string write_rack(std::uint32_t response_number, const CSeq& cseq);
/// A number from 1 to 2^32-1.
[[nodiscard]] Result<std::uint32_t> parse_rseq(std::string_view text);

}  // namespace sallyport::sip
