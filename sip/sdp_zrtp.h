// SPDX-License-Identifier: GPL-3.0-or-later
// What a description says of ZRTP: a=zrtp-hash (RFC 6189 §8), the hash of the Hello that its writer will
// send.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sip/sdp.h"

namespace sallyport::sip {

/// SHA-256 of a Hello.
using HelloHash = std::array<std::uint8_t, 32>;

/// SHA-256 of a Hello, with the version of ZRTP whose Hello it is.
struct ZrtpHelloHash {
  std::string_view version;  ///< lasts as what it was read from
  HelloHash octets{};

  /// RFC 6189 §4.1.1: 1.1 and a digit agree on the wire.
  [[nodiscard]] bool is_spoken() const { return version.size() == 4 && version.starts_with("1.1"); }
};

/// Reads what follows `a=zrtp-hash:`; nothing if it breaks its grammar, or is of a version that we speak and
/// not as long as its hash.
[[nodiscard]] std::optional<ZrtpHelloHash> parse_zrtp_hash(std::string_view argument);
/// Appends `a=zrtp-hash:1.10 …` and the line's end.
void append_zrtp_hash(std::string& text, const HelloHash& hello_hash);

inline constexpr std::size_t kMaxZrtpHashes = 8;

/// The medium's own, of a version that we speak; nothing: there is none, which does not say that the peer has
/// no ZRTP. malformed: a line breaks its grammar, or two contradict each other. exhausted: more lines than
/// there are versions.
[[nodiscard]] Result<std::optional<ZrtpHelloHash>> zrtp_hash(const Sdp& sdp, std::size_t medium);

}  // namespace sallyport::sip
