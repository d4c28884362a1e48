// SPDX-License-Identifier: GPL-3.0-or-later
// Replaces, Join and Target-Dialog: headers that name a dialog (RFC 3891, 3911, 4538); Refer-To (RFC 3515).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/method.h"
#include "sip/name_addr.h"

namespace sallyport::sip {

struct Replaces {
  std::string_view call_id;
  std::string_view to_tag;  ///< the tag of whoever receives the header
  std::string_view from_tag;
  bool early_only = false;
};
/// Fails without both tags, and on a tag given twice.
[[nodiscard]] Result<Replaces> parse_replaces(std::string_view text);
[[nodiscard]] std::string write_replaces(const Replaces& value);

/// Join has the grammar of Replaces; Target-Dialog calls the tags local and remote.
[[nodiscard]] Result<Replaces> parse_target_dialog(std::string_view text);

struct ReferTo {
  NameAddr address;
  Uri uri;
  Method method = Method::invite;  ///< `method=` of the URI
  std::string replaces;            ///< the Replaces header in the URI, unescaped; empty if there is none
};
[[nodiscard]] Result<ReferTo> parse_refer_to(std::string_view text);

}  // namespace sallyport::sip
