// SPDX-License-Identifier: GPL-3.0-or-later
// Via: the way a request took, one value of the header field (RFC 3261 §20.42, RFC 3581).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"
#include "sip/parameters.h"

namespace sallyport::sip {

enum class ViaTransport : std::uint8_t { udp, tcp, tls, ws, wss, sctp, tls_sctp, other };

/// Views into the text it was parsed from.
struct Via {
  std::string_view text;            ///< the whole value
  std::string_view sent_protocol;   ///< name, version and transport as written: `SIP/2.0/TLS`
  std::string_view transport_text;  ///< `TLS`
  ViaTransport transport = ViaTransport::other;
  bool is_sip_2_0 = true;  ///< the protocol is SIP and its version 2.0
  std::string_view host;   ///< IPv6 addresses keep their brackets
  std::uint16_t port = 0;  ///< 0: none written
  Parameters parameters;
  std::string_view branch;  ///< empty if absent
  std::string_view received;
  std::string_view maddr;
  bool has_rport = false;   ///< with or without a value
  std::uint16_t rport = 0;  ///< 0: without a value

  /// The branch begins with the cookie `z9hG4bK`, so it identifies the transaction (RFC 3261 §8.1.1.7).
  [[nodiscard]] bool has_magic_cookie() const;
};

inline constexpr std::string_view kMagicCookie = "z9hG4bK";

/// One value; commas were split before. Error class malformed.
[[nodiscard]] Result<Via> parse_via(std::string_view text);

/// A value for a request of ours: `SIP/2.0/TLS host;branch=…`; `host` is host[:port] as it shall appear, the
/// branch is whole (with its cookie). `rport` asks for RFC 3581.
[[nodiscard]] std::string write_via(ViaTransport transport, std::string_view host, std::string_view branch,
                                    bool rport);

/// The value with what its receiver adds to it: `received` if the source is not what sent-by says or rport
/// asks for it, and rport's value (RFC 3261 §18.2.1, RFC 3581 §4).
[[nodiscard]] std::string with_source(const Via& via, const Endpoint& source);

/// Where a response goes by this Via when there is no connection to send it on: received or host, rport or
/// port or the standard port (RFC 3261 §18.2.2, RFC 3581 §4). maddr comes first, if written.
struct ResponseTarget {
  std::string_view host;
  std::uint16_t port = 0;
};
[[nodiscard]] ResponseTarget response_target(const Via& via);

}  // namespace sallyport::sip
