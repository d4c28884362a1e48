// SPDX-License-Identifier: GPL-3.0-or-later
// Session descriptions of a load's calls: one audio medium, PCMU, with or without a key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "sallyload/settings.h"
#include "sip/sdp_crypto.h"

namespace sallyport::sallyload {

/// `key` is ours, with the tag that it is to have; null: RTP/AVP.
[[nodiscard]] std::string write_description(std::uint64_t id, const Endpoint& local,
                                            const sip::CryptoAttribute* key, unsigned packets_per_second);

struct Description {
  Endpoint remote;
  /// The first one of the suite that the run uses.
  std::optional<sip::CryptoAttribute> key;
};
/// What the other side says. Fails without audio, without an address, and where a suite is used and there is
/// no key of it.
[[nodiscard]] Result<Description> read_description(std::string_view text, const Settings& settings);

}  // namespace sallyport::sallyload
