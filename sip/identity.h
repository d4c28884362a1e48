// SPDX-License-Identifier: GPL-3.0-or-later
// Identity: P-Asserted-Identity, P-Preferred-Identity (RFC 3325) and Privacy (RFC 3323).
#pragma once

#include <optional>

#include "base/result.h"
#include "sip/message.h"
#include "sip/name_addr.h"

namespace sallyport::sip {

/// At most one sip or sips URI and one tel URI (RFC 3325 §9.1).
struct AssertedIdentity {
  std::optional<NameAddr> sip;
  std::optional<NameAddr> tel;
};
/// Reads P-Asserted-Identity or P-Preferred-Identity; nothing set if the header is absent. Fails on another
/// scheme or more of a kind than one.
[[nodiscard]] Result<AssertedIdentity> asserted_identity(const Message& message, HeaderId id);

/// The words of Privacy (RFC 3323 §4.2, RFC 3325 §9.3, RFC 4244 history).
struct Privacy {
  bool header = false;
  bool session = false;
  bool user = false;
  bool id = false;
  bool history = false;
  bool none = false;
  bool critical = false;
  bool other = false;  ///< a word that we do not know
};
/// Nothing set if the header is absent. Fails if it is empty, malformed, or says `none` beside anything else.
[[nodiscard]] Result<Privacy> privacy(const Message& message);

}  // namespace sallyport::sip
