// SPDX-License-Identifier: GPL-3.0-or-later
// What a description says of ICE (RFC 8839): credentials, options, candidates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "sip/sdp.h"

namespace sallyport::sip {

enum class CandidateType : std::uint8_t { host, srflx, prflx, relay, other };

[[nodiscard]] constexpr std::string_view name(CandidateType type) {
  constexpr std::array<std::string_view, 5> kNames = {"host", "srflx", "prflx", "relay", ""};
  return kNames[static_cast<std::size_t>(type)];
}

/// RFC 8839 §5.1. Views last as the text that it was read from.
struct IceCandidate {
  std::string_view foundation;
  std::uint16_t component = 1;
  bool is_udp = true;
  std::uint32_t priority = 0;
  std::string_view connection;  ///< as written: an address, or a name (mDNS) that only a full agent can use
  std::optional<IpAddress> address;  ///< nothing for a name
  std::uint16_t port = 0;
  CandidateType type = CandidateType::host;
};

/// Reads what follows `a=candidate:`; extensions are passed over. Nothing if it breaks its grammar.
[[nodiscard]] std::optional<IceCandidate> parse_candidate(std::string_view argument);
/// Appends `a=candidate:…` for a UDP candidate of the given address, and the line's end. Its type is host.
void append_candidate(std::string& text, std::string_view foundation, std::uint16_t component,
                      std::uint32_t priority, const Endpoint& at);

/// RFC 8445 §5.1.2.1 for the only host candidate of a component, 1 or 2.
[[nodiscard]] constexpr std::uint32_t host_candidate_priority(std::uint8_t component) {
  constexpr std::uint32_t kHostType = 126, kOnlyAddress = 65535;
  return kHostType << 24 | kOnlyAddress << 8 | (256U - component);
}

/// RFC 8839 §5.4: 4 to 256 ice-chars, and 22 to 256. Nothing if it is not that.
[[nodiscard]] std::optional<std::string_view> parse_ice_fragment(std::string_view argument);
[[nodiscard]] std::optional<std::string_view> parse_ice_password(std::string_view argument);

/// All that applies to one medium. The password is a secret between the two ends: for comparing, and never
/// for a log.
struct IceDescription {
  static constexpr std::size_t kMaxCandidates = 64;

  std::string_view fragment;  ///< empty: no ICE
  std::string_view password;
  bool is_lite = false;
  bool trickles = false;     ///< RFC 8838
  bool mismatches = false;   ///< a=ice-mismatch: the peer saw another default address than its candidates
  bool is_complete = false;  ///< a=end-of-candidates
  std::vector<IceCandidate> candidates;

  [[nodiscard]] bool has_ice() const { return !fragment.empty() && !password.empty(); }
};

/// Credentials of the medium, else of the session. malformed: a line breaks its grammar, or one of fragment
/// and password stands alone. exhausted: more candidates than anybody needs.
[[nodiscard]] Result<IceDescription> ice_description(const Sdp& sdp, std::size_t medium);

}  // namespace sallyport::sip
